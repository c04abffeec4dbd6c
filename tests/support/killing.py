"""A process that is killed before a statement that it sends to its database, or wherever a test raises `Killed`."""

from __future__ import annotations

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
