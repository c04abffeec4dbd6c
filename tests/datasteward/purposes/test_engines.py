"""A view shares the engine's pool and events, and what one purpose compiled is used for no other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, load_only, selectinload
from support.albums import CATALOG, NOW, Base, Person, Picture
from support.postgres import PostgresServer

from datasteward import tables
from datasteward.audit import log as audit
from datasteward.consent import records
from datasteward.errors import PurposeError
from datasteward.policy import PolicySet
from datasteward.purposes import Purposes, raw
from gptimages.db import WRITING, Database

SEEN = {"serve": {"ada", "ben"}, "guard": {"ada"}, "taste": {"ada"}, "law": {"ada", "ben", "cleo"}}


def test_one_statement_for_many_purposes_in_turn_and_at_once(purposes: Purposes) -> None:
    """The same statement object, interleaved and from several threads, answers each purpose with its own people."""
    statement = select(Person.id)

    def ask(purpose: str) -> set[str]:
        with purposes.session(purpose, actor="test") as session:
            return set(session.scalars(statement))

    for purpose in [*SEEN, *reversed(SEEN)]:
        assert ask(purpose) == SEEN[purpose]
    asked = list(SEEN) * 25
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, asked)) == [SEEN[purpose] for purpose in asked]


def test_a_flush_for_one_purpose_is_no_flush_for_another(purposes: Purposes) -> None:
    """The SQL that the unit of work keeps with a mapper is kept by purpose too."""
    for turn in ("first", "second"):
        with purposes.session("serve", actor="test") as session, session.begin():
            session.get_one(Person, "ada").mail = f"{turn}@people.example"
        with purposes.session("taste", actor="test") as session:
            person = session.scalars(select(Person).options(load_only(Person.id))).one()
            person.mail = f"{turn}@people.example"
            with pytest.raises(PurposeError):
                session.flush()


def test_a_view_shares_pool_and_events(purposes: Purposes, engine: Engine) -> None:
    """Connections come from the engine's own pool, and its listeners hear what is executed."""
    heard: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def before(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        heard.append(statement)

    view = purposes.engine("serve")
    assert view.pool is engine.pool
    assert purposes.engine("serve") is view
    with view.connect() as connection:
        connection.execute(select(Person.id))
    assert any("person" in statement for statement in heard)


@pytest.fixture
def db(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """The service's own database of each kind, with the tables of the albums."""
    server: PostgresServer | None = request.getfixturevalue("postgres") if backend == "postgresql" else None
    url = server.empty() if server else f"sqlite:///{tmp_path / 'service.db'}"
    opened = Database(url)
    Base.metadata.create_all(opened.engine)
    tables.metadata.create_all(opened.engine)
    yield opened
    opened.close()
    if server:
        server.drop(url)


def test_the_services_transactions_work_on_a_view(db: Database, stated: PolicySet) -> None:
    """A connection with options, a session on it, and the `begin` event that sends BEGIN IMMEDIATE to the driver."""
    with db.write() as session:
        session.add_all([Person(id="ada", n=0), Person(id="ben", n=1)])
        session.flush()
        records.answer(session, "ben", "guard", "objection", True, "test", stated, NOW)
    view = Purposes(db.engine, CATALOG, stated).engine("guard")
    with (
        view.connect().execution_options(**{WRITING: True}) as connection,
        Session(connection, expire_on_commit=False, info={"purpose": "guard", "actor": "test"}) as session,
        session.begin(),
    ):
        assert session.execute(update(Person).values(n=7)).rowcount == 1  # type: ignore[attr-defined]
        with raw(session, "test", now=NOW):
            assert session.scalar(text("SELECT count(*) FROM person")) == 2
        with pytest.raises(PurposeError):
            session.execute(text("SELECT 1"))
    options = (
        {}
        if db.engine.dialect.name == "sqlite"
        else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )
    with view.connect().execution_options(**options) as connection, Session(connection) as session:
        assert session.scalars(select(Person.n)).all() == [7]
        session.rollback()


def test_an_asynchronous_session_keeps_to_the_purpose(postgres: PostgresServer, stated: PolicySet) -> None:
    """Under AsyncSession on psycopg: rows, categories, flushes, relationships, and the escape by run_sync."""
    url = postgres.empty()

    async def ask() -> None:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
            await connection.run_sync(tables.metadata.create_all)
        async with AsyncSession(engine) as session, session.begin():
            session.add_all([Person(id="ada", n=0), Person(id="ben", n=1)])
            await session.flush()
            await session.run_sync(
                lambda sync: records.answer(sync, "ben", "guard", "objection", True, "test", stated, NOW)
            )
        purposes = Purposes(engine.sync_engine, CATALOG, stated)
        async with purposes.async_session("guard", actor="job") as session, session.begin():
            assert [p.id for p in await session.scalars(select(Person).options(selectinload(Person.albums)))] == ["ada"]
            assert await session.get(Person, "ben") is None
            session.add(Person(id="dora", n=3))
            await session.flush()
            assert (await session.execute(update(Person).values(n=9))).rowcount == 2  # type: ignore[attr-defined]
            with pytest.raises(PurposeError):
                await session.execute(text("SELECT 1"))

            def count(sync: Session) -> int | None:
                with raw(sync, "test", now=NOW):
                    return sync.scalar(text("SELECT count(*) FROM person"))

            assert await session.run_sync(count) == 3
            assert (await session.run_sync(audit.entries))[0].act == "purpose.raw"
        async with purposes.async_session("taste", actor="job") as session:
            with pytest.raises(PurposeError, match=r"user\.content\.private\.prompt"):
                await session.execute(select(Picture.prompt))
        await engine.dispose()

    asyncio.run(ask())
    postgres.drop(url)
