"""Changes that write themselves down: a statement and its entry in the log, in one round trip where the database can."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Delete, Insert, Select, String, Update, func, literal_column, select
from sqlalchemy import cast as sql_cast

from datasteward.audit import log
from datasteward.audit.chaining import LOCK, added_after, given_text
from datasteward.audit.log import Fact

ROWS = '"rows":0'
"""Where in an entry's JSON the database puts how many rows there were; no word in it can hold a quotation mark."""


class Change:
    """An INSERT, UPDATE or DELETE of Core and the act that it is; made once, carried out often.

    The names act, actor, at, subject_id, head, middle and tail are taken: no parameter of the statement may have one.
    """

    def __init__(self, statement: Insert | Update | Delete, act: str) -> None:
        self._act = act
        self._alone = statement.execution_options(preserve_rowcount=True)
        self._written = _written(statement)

    def make(
        self,
        connection: Connection,
        given: Mapping[str, Any],
        *,
        actor: str,
        now: datetime,
        subject: str | None = None,
        **facts: Fact,
    ) -> int:
        """Carries it out in the caller's transaction and returns how many rows it changed, which the entry holds too.

        What changed no row leaves no entry: nothing was done. Raises as `log.append` does.
        """
        if connection.dialect.name != "postgresql":
            alone = cast("CursorResult[Any]", connection.execute(self._alone, given)).rowcount
            return self._write(connection, alone, actor, now, subject, facts)
        (entry,) = log.unnumbered(
            self._act, [subject], actor=actor, now=now, facts={**log.under(connection), **facts, "rows": 0}
        )
        head, _, middle = entry.head.partition(ROWS)
        told = {**entry.given, "head": f'{head}"rows":', "middle": middle}
        found = connection.execute(self._written, {**given, **told}).one()
        return found.rows if found.added else self._write(connection, found.rows, actor, now, subject, facts)

    def _write(
        self,
        connection: Connection,
        rows: int,
        actor: str,
        now: datetime,
        subject: str | None,
        facts: Mapping[str, Fact],
    ) -> int:
        if rows:
            log.append(connection, self._act, actor=actor, now=now, subject=subject, **facts, rows=rows)
        return rows


def _written(statement: Insert | Update | Delete) -> Select[Any]:
    """The change, then the lock, then the entry: as one statement."""
    change = statement.returning(literal_column("1").label("row")).cte("change")
    counted = select(func.count().label("rows")).select_from(change).cte("counted")
    locked = (
        select(counted.c.rows, func.pg_advisory_xact_lock(literal_column(str(LOCK))).label("locked"))
        .where(counted.c.rows > literal_column("0"))
        .cte("locked")
    )
    head = given_text("head").concat(sql_cast(locked.c.rows, String)).concat(given_text("middle"))
    added = added_after(locked, (head, given_text("tail"))).returning(literal_column("1").label("row")).cte("added")
    entries = select(func.count()).select_from(added).scalar_subquery()
    return select(counted.c.rows, entries.label("added"))
