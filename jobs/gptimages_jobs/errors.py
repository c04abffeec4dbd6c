"""The jobs' errors.

JobError
└── TryAgain   what the job needs is not there now; it is put back and tried later
"""


class JobError(Exception):
    """Root of what jobs raise on purpose; its sentence is shown to operators."""


class TryAgain(JobError):
    """The job is put back for `after` seconds. The sentence holds nothing personal."""

    def __init__(self, sentence: str, after: float) -> None:
        super().__init__(sentence)
        self.after = after
