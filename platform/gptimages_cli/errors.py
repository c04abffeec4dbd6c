"""The errors of the command line; each message is the one sentence that is printed, and the exit code is 1.

GptImagesError
└── CommandError        the command cannot do what was asked
    ├── NotReached      nothing that speaks our API answers at GPTIMAGES_URL
    └── Refused         the service answered, and said no: the sentence is its own
"""

from __future__ import annotations

from gptimages.errors import GptImagesError


class CommandError(GptImagesError):
    """The command cannot do what was asked."""


class NotReached(CommandError):
    """Nothing that speaks our API answers where GPTIMAGES_URL points."""


class Refused(CommandError):
    """The service said no; `status` is its HTTP status, or 0 when a run or a request ended badly."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status
