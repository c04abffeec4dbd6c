"""The jobs' errors.

JobError
└── TryAgain   what the job needs is not there now; it is put back and tried later
"""

from datasteward.errors import KeyFault, KeyMissing


class JobError(Exception):
    """Root of what jobs raise on purpose; its sentence is shown to operators."""


class TryAgain(JobError):
    """The job is put back for `after` seconds. The sentence holds nothing personal."""

    def __init__(self, sentence: str, after: float) -> None:
        super().__init__(sentence)
        self.after = after


def are_away(fault: Exception) -> bool:
    """Whether it is that keys cannot be used now, and may be later; those of a person that are gone never are."""
    return isinstance(fault, KeyFault) and not isinstance(fault, KeyMissing)
