"""The toolkit's errors.

    StewardError
    ├── CatalogError            a table or column is not tagged, or its tag makes no sense
    ├── PolicyError             the policy set cannot be used; carries its findings
    ├── KeyFault                anything that goes wrong with keys
    │   ├── KeyMissing          the key of this person is destroyed or was never made
    │   ├── RootKeyError        the root key is missing, damaged, readable by others or not this store's
    │   └── KeyStoreError       the key store cannot be opened, read or written
    ├── DecryptionFailed        not what was sealed here: changed, cut short, moved, or under another key
    ├── NotSealed               plaintext was about to be written to a sealed column (a TypeError)
    ├── NaiveTime               a time without its zone was about to be written (a TypeError)
    ├── ObjectStoreError        the object store cannot do what was asked (full, read-only, bad name)
    │   ├── ObjectMissing       there is no object under this key
    │   ├── ObjectStoreAway     its server does not answer
    │   └── UploadEnded         a deletion came before the last byte of a write
    ├── HoldInTheWay            a legal hold keeps this data from being disposed of
    ├── HoldError               a hold cannot be placed or lifted as asked
    ├── PlanError               a retention plan cannot be carried out (now)
    │   ├── StalePlan           what was planned is no longer what would be done
    │   └── ApprovalNeeded      a second person has to approve the plan first
    │       └── ClockJumped     the clock that the plan was made or is carried out by cannot be trusted
    ├── NotAnonymous            what was to be anonymous could still lead to a person
    ├── RequestStateError       a rights request is not in a state that allows this
    ├── ErasureUnfinished       an erasure is not through yet: an object stays, or the scan found something
    ├── PurposeError            the purpose does not allow this use of the data
    ├── AccessRefused           an exceptional use of keys is not asked for, approved or carried out like that
    ├── DisclosureRefused       the processor gate lets nothing out: not registered, or not for this
    ├── AuditError              the audit log cannot be written, or does not verify
    ├── LedgerError             the erasure ledger cannot be reached or written, or does not verify
    └── BackupError             a backup cannot be made, or not be restored here

Each message is one sentence that says what happened and what to do, without personal data.
"""

from collections.abc import Iterable

from sqlalchemy.exc import DontWrapMixin


class StewardError(Exception):
    """Root of everything that the toolkit raises on purpose."""


class CatalogError(StewardError):
    """A table or a column is not tagged, or its tag makes no sense."""


class PolicyError(StewardError):
    """The policy set cannot be used.

    `findings` are the validator's own objects (see datasteward.policy), one for each mistake; each prints as a
    sentence with file, line and remedy.
    """

    def __init__(self, message: str, findings: Iterable[object] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)

    def __str__(self) -> str:
        return "\n".join([str(self.args[0]), *(str(finding) for finding in self.findings)])


class KeyFault(StewardError):
    """Anything that goes wrong with keys."""


class KeyMissing(KeyFault):
    """The key of this person is destroyed or was never made: what was sealed under it cannot be read any more."""


class RootKeyError(KeyFault):
    """The root key is missing, damaged, readable by others, or not the one that this key store was made with."""


class KeyStoreError(KeyFault):
    """The key store cannot be opened, read or written."""


class DecryptionFailed(StewardError):
    """The ciphertext is not what was sealed here: it was changed, cut short or moved, or belongs to another key."""


class NotSealed(StewardError, TypeError, DontWrapMixin):
    """Something other than a Box was about to be written to a sealed column: seal it first."""


class NaiveTime(StewardError, TypeError, DontWrapMixin):
    """A time without its zone was about to be written: give an aware one."""


class ObjectStoreError(StewardError):
    """The object store cannot do what was asked: it is full, read-only or gone, or the key is not a valid one."""


class ObjectMissing(ObjectStoreError):
    """There is no object under this key."""


class ObjectStoreAway(ObjectStoreError):
    """The server of the object store does not answer, after the wait that its client takes: another request waits too."""


class UploadEnded(ObjectStoreError):
    """A deletion of the key, or a sweep, has ended an upload before it was whole; nothing of it is kept."""


class HoldInTheWay(StewardError):
    """A legal hold keeps this data from being disposed of."""


class HoldError(StewardError):
    """A hold cannot be placed or lifted as asked."""


class PlanError(StewardError):
    """A retention plan cannot be carried out, or not now."""


class StalePlan(PlanError):
    """What was planned is no longer what would be done: make a new plan."""


class ApprovalNeeded(PlanError):
    """A second person has to approve the plan before it is carried out; it stays open for that."""


class ClockJumped(ApprovalNeeded):
    """The clock that the plan was made or is carried out by has jumped: set it right, or approve the plan if it is."""


class NotAnonymous(StewardError):
    """What would be kept or published as anonymous could still lead to a person."""


class RequestStateError(StewardError):
    """A rights request is not in a state that allows this act."""


class ErasureUnfinished(StewardError):
    """An erasure is not through: an object cannot be destroyed now, or the scan found something. Run it again."""


class PurposeError(StewardError, DontWrapMixin):
    """The purpose for which the data was opened does not allow this use."""


class AccessRefused(StewardError):
    """An exceptional use of keys cannot be asked for, approved or carried out like that."""


class DisclosureRefused(StewardError):
    """The processor gate lets nothing out: the recipient is not registered, or not for this data or region."""


class AuditError(StewardError):
    """The audit log cannot be written, or does not verify."""


class LedgerError(StewardError):
    """The erasure ledger cannot be reached or written, or is not as it was written: nothing is restored without it."""


class BackupError(StewardError):
    """A backup cannot be made, is not whole, or does not belong here."""
