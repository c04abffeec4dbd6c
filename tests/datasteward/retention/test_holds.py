"""Legal holds on the service's own tables: each kind of scope keeps exactly what it says, and no disposal slips past one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text
from support.postgres import PostgresServer
from support.retention_tables import NOW
from support.service_rows import account

from datasteward.audit import log as audit
from datasteward.disposal.keys import destroy_keys
from datasteward.disposal.models import KeyDisposal
from datasteward.errors import HoldError, HoldInTheWay
from datasteward.retention import holds, plans
from datasteward.retention.applying import apply
from datasteward.retention.held import Held, refuse, spared
from datasteward.retention.models import LegalHold
from datasteward.retention.plan import Plan
from datasteward.retention.planning import kept_back
from datasteward.retention.scope import Scope, keys
from datasteward.steward import Steward
from gptimages.activity.models import EngagementEvent, UsageEvent
from gptimages.db import Database

OLD = NOW - timedelta(days=500)
PEOPLE = ("ada", "ben")


@pytest.fixture
def filled(retention_db: Database) -> Database:
    """Two people with their events."""
    people(retention_db)
    return retention_db


def people(db: Database) -> None:
    """Two people, each with three usage events and an engagement event, all long due, a day apart."""
    for name in PEOPLE:
        account(db, name)
        with db.write() as session:
            for day in range(3):
                at = OLD + timedelta(days=day)
                session.add(UsageEvent(id=f"{name}{day}", account_id=name, kind="run", created_at=at))
            session.add(EngagementEvent(id=f"{name}-e", account_id=name, kind="kept", style="plain", created_at=OLD))


def place(db: Database, steward: Steward, **scope: Any) -> LegalHold:
    """Places a hold for two weeks."""
    with db.write() as session:
        until = NOW + timedelta(days=14)
        return holds.place(session, steward, Scope(**scope), "24-117", review_at=until, by="staff", now=NOW)


def run(db: Database, steward: Steward) -> Plan:
    """Makes a plan and carries it out."""
    with db.write() as session:
        plan = plans.make(session, steward, by="tests", now=NOW)
    apply(db.write, steward, plan, by="tests", clock=lambda: NOW)
    return plan


def left(db: Database) -> set[str]:
    """The events that are left, and of those that lose their person the ones that have not."""
    with db.read() as session:
        named = select(EngagementEvent.id).where(EngagementEvent.account_id.is_not(None))
        return {*session.scalars(select(UsageEvent.id)), *session.scalars(named)}


KEPT: list[tuple[dict[str, Any], set[str]]] = [
    ({"subject": "ada"}, {"ada0", "ada1", "ada2", "ada-e"}),
    ({"table": "usage_event"}, {f"{name}{day}" for name in PEOPLE for day in range(3)}),
    ({"table": "usage_event", "rows": (("ada1",), ("ben2",))}, {"ada1", "ben2"}),
    ({"category": "user.behavior.engagement"}, {"ada-e", "ben-e"}),
    ({"category": "user.behavior"}, {f"{name}{e}" for name in PEOPLE for e in ("0", "1", "2", "-e")}),
    ({"since": OLD, "before": OLD + timedelta(days=1)}, {"ada0", "ben0", "ada-e", "ben-e"}),
    ({"since": OLD + timedelta(days=1)}, {"ada1", "ada2", "ben1", "ben2"}),
    ({"before": OLD + timedelta(microseconds=1)}, {"ada0", "ben0", "ada-e", "ben-e"}),
    ({"subject": "ada", "category": "user.behavior.engagement"}, {"ada-e"}),
    ({"subject": "ben", "table": "usage_event", "since": OLD + timedelta(days=2)}, {"ben2"}),
    ({"subject": "ben", "table": "usage_event", "rows": (("ada1",),)}, set()),
    ({"category": "user.financial"}, set()),
]


@pytest.mark.parametrize(("scope", "kept"), KEPT, ids=lambda value: "-".join(sorted(value)))
def test_a_hold_keeps_exactly_what_it_is_about(
    filled: Database, steward: Steward, scope: dict[str, Any], kept: set[str]
) -> None:
    """What is held stays and shows in the plan, all else that is due goes; lifted, the rest goes with the next plan."""
    hold = place(filled, steward, **scope)
    with filled.read() as session:
        assert sum(kept_back(session, steward, hold, now=NOW).values()) == len(kept)
    plan = run(filled, steward)
    assert (plan.held, plan.goes, left(filled)) == (len(kept), 8 - len(kept), kept)
    with filled.write() as session:
        holds.lift(session, hold.id, by="staff", now=NOW)
    assert run(filled, steward).goes == len(kept)
    assert left(filled) == set()


def test_what_two_holds_keep_stays_when_one_is_lifted(filled: Database, steward: Steward) -> None:
    """Each hold tells what would go without it; what another keeps as well is not counted, and does not go."""
    person = place(filled, steward, subject="ada")
    rows = place(filled, steward, table="usage_event", rows=(("ada1",), ("ben1",)))
    with filled.write() as session:
        assert kept_back(session, steward, person, now=NOW) == {"Usage events": 2, "Engagement events": 1}
        assert kept_back(session, steward, rows, now=NOW) == {"Usage events": 1}
        holds.lift(session, person.id, by="staff", now=NOW)
    run(filled, steward)
    assert left(filled) == {"ada1", "ben1"}


@pytest.mark.parametrize(
    ("scope", "sentence"),
    [
        ({}, "Say what is held"),
        ({"table": "usage_events"}, "no such table"),
        ({"category": "user.behaviour"}, "no such category"),
        ({"rows": (("ada0",),)}, "in which table"),
        ({"table": "usage_event", "rows": (("ada0",), ("ada9",))}, "Not all of these rows"),
        ({"table": "usage_event", "rows": (("ada0", "1"),)}, "named by id"),
        ({"table": "steward_audit_entry", "rows": (("first",),)}, "not written like that"),
        ({"table": "steward_audit_entry", "rows": (("99999999999999999999",),)}, "not written like that"),
        ({"table": "steward_audit_entry", "rows": (("9999999999",),)}, "Not all of these rows"),
        ({"since": NOW, "before": NOW}, "ends before it begins"),
    ],
)
def test_a_hold_on_what_there_is_not_is_refused(
    filled: Database, steward: Steward, scope: dict[str, Any], sentence: str
) -> None:
    """Nothing named, or something that there is not: one sentence, and no hold."""
    with filled.write() as session, pytest.raises(HoldError, match=sentence):
        holds.place(session, steward, Scope(**scope), "24-117", review_at=NOW + timedelta(days=1), by="x", now=NOW)
    with filled.read() as session:
        assert holds.active(session) == []


def test_rows_are_named_by_text(filled: Database, steward: Steward) -> None:
    """Keys are given as text whatever their type; the parts of one of several columns are parted by commas."""
    assert keys(["ada0", "4,2"]) == (("ada0",), ("4", "2"))
    with filled.write() as session:
        audit.append(session, "tests.begun", actor="tests", now=NOW)
    hold = place(filled, steward, table="steward_audit_entry", rows=keys(["0"]))
    assert hold.rows == [["0"]]
    with filled.read() as session:
        table = steward.catalog.table("steward_audit_entry")
        kept = Held(session, steward.catalog).keeps(table)
        assert kept is not None
        assert session.scalars(select(table.c.number).where(kept)).all() == [0]


def test_a_hold_does_not_lapse_by_itself(filled: Database, steward: Steward) -> None:
    """After its day it is overdue, and keeps what it is about all the same."""
    place(filled, steward, subject="ada")
    later = NOW + timedelta(days=15)
    with filled.write() as session:
        assert holds.overdue(session, NOW) == []
        assert len(holds.overdue(session, later)) == 1
        assert plans.make(session, steward, by="tests", now=later).held == 4


def test_what_a_person_deletes_is_asked_for_as_well(filled: Database, steward: Steward) -> None:
    """`refuse` stops what takes a held row, or a held column of it, and nothing beside."""
    place(filled, steward, table="usage_event", rows=(("ada1",),))
    table = steward.catalog.table("usage_event")
    with filled.write() as session:
        refuse(session, steward.catalog, table, table.c.id == "ada0")
        for columns in ((), ("kind",)):
            with pytest.raises(HoldInTheWay):
                refuse(session, steward.catalog, table, table.c.account_id == "ada", columns)


@pytest.mark.parametrize("scope", [{"subject": "ada"}, {"category": "user.name"}, {"table": "account"}])
def test_a_key_stays_while_what_it_opens_is_held(filled: Database, steward: Steward, scope: dict[str, Any]) -> None:
    """A promised key waits while a hold keeps what is sealed under it; a hold on what is in the clear does not matter."""
    vault = steward.vault
    vault.create("ada")
    with filled.write() as session:
        session.add(KeyDisposal(subject_id="ada", since=NOW, done_at=None))
    place(filled, steward, table="usage_event")
    hold = place(filled, steward, **scope)

    def destroyed() -> int:
        with filled.write() as session:
            kept = Held(session, steward.catalog).keeps_key(KeyDisposal.subject_id)
            return destroy_keys(session, vault, now=NOW, kept=kept)

    with filled.read() as session:
        accounts = steward.catalog.table("account")
        kept = Held(session, steward.catalog).keeps_keys(accounts)
        assert kept is not None
        assert "ada" in session.scalars(select(accounts.c.id).where(kept)).all()
    assert (destroyed(), vault.has("ada")) == (0, True)
    with filled.write() as session:
        holds.lift(session, hold.id, by="staff", now=NOW)
    assert (destroyed(), vault.has("ada")) == (1, False)


@pytest.fixture
def side_by_side(postgres: PostgresServer) -> Iterator[Database]:
    """A database on which several write at the same time; on SQLite one does."""
    url = postgres.database()
    db = Database(url)
    people(db)
    yield db
    db.close()
    postgres.drop(url)


def waits(db: Database) -> None:
    """Returns when somebody waits for the lock of the holds."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    for _ in range(400):
        with db.read() as session:
            if session.scalar(waiting):
                return
        time.sleep(0.05)
    raise AssertionError("Nobody waits.")


def test_a_hold_waits_for_the_disposal_under_way(side_by_side: Database, steward: Steward) -> None:
    """What was being disposed of when a hold is placed is committed before it: none is lost under a hold."""
    done: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        with side_by_side.write() as session:
            holds.guard(session)
            session.execute(delete(UsageEvent).where(UsageEvent.account_id == "ada"))
            placing = pool.submit(place, side_by_side, steward, subject="ada")
            placing.add_done_callback(lambda _done: done.append("placed"))
            waits(side_by_side)
            done.append("disposed")
        placing.result()
    assert done == ["disposed", "placed"]


def test_a_batch_waits_for_the_hold_that_is_being_placed(side_by_side: Database, steward: Steward) -> None:
    """A run that begins while a hold is being placed takes nothing of what is held by then, and all else."""
    with side_by_side.write() as session:
        plan = plans.make(session, steward, by="tests", now=NOW)
    with ThreadPoolExecutor(1) as pool:
        with side_by_side.write() as session:
            until = NOW + timedelta(days=14)
            holds.place(session, steward, Scope(subject="ada"), "24-117", review_at=until, by="staff", now=NOW)
            running = pool.submit(apply, side_by_side.write, steward, plan, by="tests", clock=lambda: NOW)
            waits(side_by_side)
        assert running.result().rows == 4
    assert left(side_by_side) == {"ada0", "ada1", "ada2", "ada-e"}


def test_who_cannot_wait_spares_everything(side_by_side: Database, steward: Steward) -> None:
    """While a hold is being placed, whatever may not wait for it leaves all rows where they are."""
    table = steward.catalog.table("usage_event")
    with side_by_side.write() as session:
        assert not spared(session, steward.catalog, table, table.c.account_id == "ben")
    with side_by_side.write() as placing:
        until = NOW + timedelta(days=14)
        holds.place(placing, steward, Scope(subject="ada"), "24-117", review_at=until, by="staff", now=NOW)
        with side_by_side.write() as session:
            assert spared(session, steward.catalog, table, table.c.account_id == "ben")
