"""A session that is limited to a purpose against a plain one, on the same tables of PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, create_engine, insert, select
from sqlalchemy.orm import Session
from support.postgres import server

from datasteward.consent import restriction
from datasteward.consent.models import Standing
from datasteward.keys import Box
from datasteward.policy import load
from datasteward.purposes import Purposes
from gptimages.accounts.models import Account
from gptimages.activity.models import UsageEvent
from gptimages.installation import catalog
from gptimages.models import new_id

from .measuring import Row, compared, medians

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PEOPLE, EACH = 2_000, 20
SAID = 10  # one person in so many has said something

SEALED = Box(b"\x01" + b"sealed".rjust(40))
"""Of the form of a sealed value; no key opens it."""


def purpose_overhead(full: bool) -> Row:
    """Twenty rows of one person read through the ORM by an index, and one more flushed, in a transaction: seconds each."""
    turns, rounds = 100, 201 if full else 41
    with server() as postgres:
        engine = create_engine(postgres.database())
        people = _fill(engine)
        view = Purposes(engine, catalog(), load(ROOT / "policies")).engine("integrity")
        mine, its = medians(_work(view, people, turns), _work(engine, people, turns), rounds=rounds)
        engine.dispose()
    return compared("purpose-overhead", mine / turns * 1e6, its / turns * 1e6, "µs", ("<=", 1.10))


def _work(engine: Engine, people: list[str], turns: int) -> Callable[[], None]:
    def work() -> None:
        for turn in range(turns):
            who = people[turn * 7 % len(people)]
            with Session(engine) as session, session.begin():
                query = (
                    select(UsageEvent).where(UsageEvent.account_id == who).order_by(UsageEvent.created_at).limit(EACH)
                )
                assert len(session.scalars(query).all()) == EACH
                session.add(UsageEvent(**_event(who)))

    return work


def _fill(engine: Engine) -> list[str]:
    """People with twenty events each; some object, some are restricted. Returns those who said nothing."""
    ids = [new_id() for _ in range(PEOPLE)]
    with Session(engine) as session, session.begin():
        session.execute(insert(Account), [_account(who) for who in ids])
        session.execute(insert(UsageEvent), [_event(who) for who in ids for _ in range(EACH)])
        session.execute(
            insert(Standing),
            [{"subject_id": who, "purpose": "integrity", "kind": "objection"} for who in ids[::SAID]],
        )
        restriction.restrict(session, ids[1], "accuracy", by="bench", now=NOW)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return [who for place, who in enumerate(ids) if place % SAID > 1]


def _account(who: str) -> dict[str, object]:
    return {
        "id": who, "name": SEALED, "email": SEALED, "country": "NO", "minimum_age": 13, "plan": "free",
        "state": "active", "created_at": NOW, "last_seen_at": NOW,
    }  # fmt: skip


def _event(who: str) -> dict[str, object]:
    return {"id": new_id(), "account_id": who, "kind": "generation", "pictures": 1, "seconds": 2.5, "created_at": NOW}
