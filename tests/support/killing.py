"""A process that is killed before a statement that it sends to its database, a commit, a call, or wherever `Killed` is raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event


class Killed(BaseException):
    """The process ended here: nothing may catch it."""


class Statements:
    """Counts the statements that are sent inside the block, and kills before the one with the number `kill_at`.

    Numbers begin at 1; with 0 nothing is killed.
    """

    def __init__(self, engine: Engine, *, kill_at: int = 0) -> None:
        self._engine, self._kill_at, self.sent = engine, kill_at, 0

    def __enter__(self) -> Statements:
        event.listen(self._engine, "before_cursor_execute", self._count)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.sent += 1
        if self.sent == self._kill_at:
            raise Killed


class Killer:
    """Kills before the step of that number. Steps: the functions named (their owner, their name), and each commit."""

    def __init__(self, moment: int, steps: Sequence[tuple[Any, str]]) -> None:
        self._moment, self._steps, self.passed = moment, steps, 0

    def tick(self, *_of_event: object) -> None:
        """Counts, and kills when it is time."""
        self.passed += 1
        if self.passed == self._moment:
            raise Killed

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """As long as the block runs."""
        with ExitStack() as stack, pytest.MonkeyPatch.context() as patched:
            for owner, name in self._steps:
                patched.setattr(owner, name, self._before(getattr(owner, name)))
            event.listen(Engine, "commit", self.tick)
            stack.callback(event.remove, Engine, "commit", self.tick)
            yield

    def _before(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            self.tick()
            return step(*given, **more)

        return counted
