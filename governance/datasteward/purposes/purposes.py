"""Opening data for a purpose.

purposes = Purposes(engine, catalog, policies)
with purposes.session("improve", actor="job:taste") as session:
    session.scalars(select(Favourite))  # what policies/purposes.yaml allows for `improve`, of those who consented
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Engine, inspect
from sqlalchemy.exc import UnboundExecutionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, object_session
from sqlalchemy.util import greenlet_spawn

from datasteward.audit import log as audit
from datasteward.catalog import Catalog
from datasteward.errors import PurposeError
from datasteward.policy import PolicySet
from datasteward.purposes.engines import view
from datasteward.purposes.rules import rules_for


class Purposes:
    """An engine's views, one for each purpose of policies/purposes.yaml, made when first asked for.

    They share the engine's pool and events. Of an asynchronous engine, `engine` is its `sync_engine`.
    """

    def __init__(self, engine: Engine, catalog: Catalog, policies: PolicySet) -> None:
        self._engine = engine
        self._catalog = catalog
        self._policies = policies
        self._views: dict[str, Engine] = {}

    def engine(self, purpose: str) -> Engine:
        """The engine as the purpose sees it. Raises PurposeError for one that is not in the policies.

        The first view connects once, since a dialect learns about its database then.
        """
        if purpose not in self._views:
            rules = rules_for(self._catalog, self._policies, purpose)
            with self._engine.connect():
                self._views.setdefault(purpose, view(self._engine, rules, self._policies.hash))
        return self._views[purpose]

    def session(self, purpose: str, *, actor: str, **options: Any) -> Session:
        """A session for the purpose; `actor` is an opaque id or the name of a job, `options` are those of Session.

        What the purpose does not cover raises PurposeError; rows of people who are closed to it are not there.
        """
        return Session(self.engine(purpose), info=told(purpose, actor), **options)

    @asynccontextmanager
    async def async_session(self, purpose: str, *, actor: str, **options: Any) -> AsyncIterator[AsyncSession]:
        """The same for an asynchronous engine, closed when the block ends."""
        engine = AsyncEngine(await greenlet_spawn(self.engine, purpose))
        async with AsyncSession(engine, info=told(purpose, actor), **options) as session:
            yield session


def told(purpose: str, actor: str) -> dict[str, str]:
    """The `info` of a session: what for, and who."""
    return {"purpose": purpose, "actor": actor}


def check(row: object, column: Column[Any]) -> None:
    """Raises PurposeError when the session that a mapped row is in was opened for a purpose that does not cover the column.

    A session loads no such column; but a row may come into it with what another session had loaded.
    """
    session = object_session(row)
    if session is None:
        return
    try:
        dialect: Any = session.get_bind(inspect(row, raiseerr=True).mapper).dialect
    except UnboundExecutionError:
        return
    if hasattr(dialect, "rules"):
        dialect.rules.check(column.table, column.name)


@contextmanager
def raw(session: Session, why: str, *, now: datetime) -> Iterator[None]:
    """Lets SQL as text pass on this session's connection until the block ends, with an audit entry that says why.

    Nothing checks what such text reads. `why` is a word (`migration`, `ticket-311`); the actor is `session.info["actor"]`.
    Raises PurposeError for a session that was not opened for a purpose.
    """
    connection = session.connection()
    limited: Any = connection.dialect
    if not hasattr(limited, "with_text") or "actor" not in session.info:
        raise PurposeError(
            "This session has no purpose or no actor: open it with Purposes, then ask for what it refuses."
        )
    purpose, actor = limited.rules.purpose.id, session.info["actor"]
    audit.append(session, "purpose.raw", actor=actor, now=now, purpose=purpose, why=why)
    connection.dialect = limited.with_text
    try:
        yield
    finally:
        connection.dialect = limited
