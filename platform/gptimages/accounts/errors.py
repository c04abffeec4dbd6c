"""Why a sign-in came to nothing.

    GptImagesError
    ├── InputError
    │   └── SignInRefused          the provider's answer is not taken (400)
    │       └── SignInOver         there is no such sign-in under way any more: begin again
    └── ProviderUnavailable        the provider does not answer, or not as OpenID Connect asks (503)

`why` is one word for the log; the message is for the person and names nobody.
"""

from __future__ import annotations

from gptimages.errors import GptImagesError, InputError


class SignInRefused(InputError):
    """The provider's answer is not taken; nobody is signed in and nothing is stored."""

    def __init__(self, message: str, *, why: str) -> None:
        super().__init__(message)
        self.why = why


class SignInOver(SignInRefused):
    """The sign-in that comes back is not under way: unknown, used already, or too old."""

    def __init__(self) -> None:
        super().__init__(
            "This sign-in is over: it took too long, or was finished already. Begin it once more.", why="over"
        )


class ProviderUnavailable(GptImagesError):
    """The identity provider does not answer, or its configuration cannot be used."""

    def __init__(self, message: str, *, why: str) -> None:
        super().__init__(message)
        self.why = why
