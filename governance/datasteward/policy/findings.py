"""What is wrong with a policy set: findings with file, line and remedy, collected so that all are said at once.

Everything that reads policies/ writes into one `Findings`; the loader raises PolicyError when any stand in it. It also
remembers on which line each value was written, so that a check that compares two files can still point at one.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from datasteward.errors import PolicyError, StewardError

if TYPE_CHECKING:
    from collections.abc import Iterable

Place = tuple[str, ...]
"""Where a value stands inside its file: the keys that lead to it, list positions as decimal text."""


class Finding(msgspec.Struct, frozen=True, order=True):
    """One mistake: `file` as it was opened, `line` counted from 1, what is wrong and how to mend it."""

    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.remedy}"


class UnknownPolicyItem(StewardError, LookupError):
    """The code asks for something that the policy set does not name: a spelling mistake, or a policy that is missing."""


class Findings:
    """The mistakes found so far, and the line of every value that was read. One is made per load."""

    def __init__(self) -> None:
        self._found: set[Finding] = set()
        self._lines: dict[tuple[str, Place], int] = {}
        self._paths: dict[str, Path] = {}

    def opened(self, name: str, path: Path) -> None:
        """Says under which path the policy file `name` was opened; findings show that path."""
        self._paths[name] = path

    def remember(self, name: str, place: Place, line: int) -> None:
        """Notes that the value at `place` of file `name` stands on `line`; the first note counts, that of its key."""
        self._lines.setdefault((name, place), line)

    @property
    def lines(self) -> dict[tuple[str, Place], int]:
        """The line of every value that was read, by file and place."""
        return dict(self._lines)

    @property
    def found(self) -> tuple[Finding, ...]:
        """The mistakes so far, by file and line."""
        return tuple(sorted(self._found))

    def add(self, name: str, line: int, what: str, remedy: str) -> None:
        """Notes one mistake in file `name`."""
        self._found.add(Finding(str(self._paths.get(name, name)), line, what, remedy))

    def at(self, name: str, place: Place, what: str, remedy: str) -> None:
        """Notes a mistake in the value at `place`, or in the nearest thing around it whose line is known."""
        steps = (place[:length] for length in range(len(place), -1, -1))
        line = next((self._lines[name, step] for step in steps if (name, step) in self._lines), 1)
        self.add(name, line, what, remedy)

    def stop_if_any(self, directory: Path) -> None:
        """Raises PolicyError with every finding, sorted by file and line, when there is at least one."""
        if self._found:
            mistakes = "one mistake" if len(self._found) == 1 else f"{len(self._found)} mistakes"
            raise PolicyError(f"The policy set in {directory} has {mistakes}.", self.found)


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Half a sentence that offers the nearest known word, or the known ones when they are few."""
    words = sorted(known)
    near = get_close_matches(wrong, words, n=1, cutoff=0.8)
    if near:
        return f"write '{near[0]}' if that is meant"
    if 0 < len(words) <= 12:
        return f"use one of: {', '.join(words)}"
    return "correct its spelling"
