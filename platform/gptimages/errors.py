"""The service's errors.

    GptImagesError
    ├── SettingsError         a setting is missing or wrong: said at start
    ├── StartError            the installation cannot be opened as it is
    ├── InputError            a person's input cannot be taken: says what to change (400)
    │   └── LimitReached      a limit of policies/limits.yaml is reached (429)
    ├── NotFound              no such thing, or not this person's (404)
    ├── NotAllowed            the role does not allow it (403)
    ├── SignInNeeded          nobody is signed in, or not freshly enough (401)
    ├── Conflict              the thing is not in a state that allows this (409)
    │   ├── AccountClosing    an erasure of the account waits, so that nothing else is open to it
    │   └── OnlyStored        the processing of the account's data is restricted (GDPR Art. 18)
    ├── MailFailed            a mail was not taken: to be tried again, or never
    ├── EngineRefused         see gptimages.studio.engine
    └── EngineUnavailable     see gptimages.studio.engine

Each message is one sentence for the person, says what to do and names nobody.
"""


class GptImagesError(Exception):
    """Root of everything that the service raises on purpose."""


class SettingsError(GptImagesError):
    """A setting is missing or wrong."""


class StartError(GptImagesError):
    """The installation cannot be opened as it is."""


class InputError(GptImagesError):
    """A person's input cannot be taken as it is."""


class LimitReached(InputError):
    """A limit of policies/limits.yaml is reached; `retry_after` is in seconds when waiting helps."""

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotFound(GptImagesError):
    """There is no such thing for this person."""


class NotAllowed(GptImagesError):
    """The person's roles do not allow this."""


class SignInNeeded(GptImagesError):
    """Nobody is signed in; `fresh` when somebody is, but longer ago than the act allows."""

    def __init__(self, message: str, *, fresh: bool = False) -> None:
        super().__init__(message)
        self.fresh = fresh


class Conflict(GptImagesError):
    """The thing is not in a state that allows this act."""


class MailFailed(GptImagesError):
    """A mail was not taken by the mail server; `temporary` when trying again later can help."""

    def __init__(self, message: str, *, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary


class AccountClosing(Conflict):
    """An erasure of the account waits: until it is taken back, only what has to do with leaving is open."""


class OnlyStored(Conflict):
    """The person asked that their data be only stored (GDPR Art. 18): nothing else is done with it until that is lifted."""

    def __init__(self) -> None:
        super().__init__(
            "The data of this account is only stored now, a restriction that its owner asked for: nothing is made, shown "
            "or changed until it is lifted, and the privacy centre stays open."
        )
