"""The installation that local commands work on, opened from the settings of this process and closed after the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from gptimages import logs
from gptimages.installation import Installation, open_installation
from gptimages.settings import read

Open = Callable[[], AbstractContextManager[Installation]]
"""What local commands get as their click object; tests hand in another."""

BY = "command-line"
"""Who acted, in the audit log, when an operator typed a command."""


@contextmanager
def open_here() -> Iterator[Installation]:
    """The installation that the settings describe. Raises what settings.read and open_installation raise."""
    settings = read(serving=False)
    logs.configure(settings.log_level)
    here = open_installation(settings, as_found=True)
    try:
        yield here
    finally:
        here.close()
