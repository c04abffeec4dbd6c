"""A clock that cannot be trusted stops retention: before a plan, before a run, and in the middle of one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from support.retention_tables import METADATA, NOW, ids, make, people, rule, run, visits

from datasteward.audit import log as audit
from datasteward.errors import ClockJumped, PlanError
from datasteward.retention import clockwatch, plans, states
from datasteward.retention.applying import apply
from datasteward.retention.checking import needs_approval
from datasteward.retention.clockwatch import ClockWatch
from datasteward.retention.plan import Plan
from datasteward.steward import Steward
from gptimages.db import Database

Ruled = Callable[..., Steward]


class Counter:
    """A clock that only counts, in the place of time.monotonic."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watched(small_db: Database) -> Database:
    """Six visits that are due, and an audit log that begins a day before NOW."""
    people(small_db, "ada")
    visits(small_db, "ada", range(6))
    note(small_db, NOW - timedelta(days=1))
    return small_db


@pytest.fixture
def deleting(ruled: Ruled) -> Steward:
    """Visits go after thirty days, two at a time."""
    return ruled({"use": rule("use", "user.behavior.usage")}, metadata=METADATA, batch=2)


def note(db: Database, at: datetime) -> None:
    """Something is written down at that moment."""
    with db.write() as session:
        audit.append(session, "tests.noted", actor="tests", now=at)


def refused(db: Database, steward: Steward, plan: Plan, sentence: str, now: datetime = NOW) -> None:
    """The run ends with the sentence, and nothing goes."""
    with pytest.raises(PlanError, match=sentence):
        run(db, steward, plan, now)
    assert ids(db) == [*range(6)]


def test_a_day_between_two_entries_is_no_jump(watched: Database, deleting: Steward) -> None:
    """Every night has its plan, and a night may be missed."""
    make(watched, deleting)
    plan = make(watched, deleting, NOW + timedelta(days=1))
    assert (plan.jump, needs_approval(deleting, plan)) == (0, None)
    assert run(watched, deleting, plan, NOW + timedelta(days=1)).rows == 6


def test_ten_years_between_two_entries_wait_for_somebody(watched: Database, deleting: Steward) -> None:
    """A plan made after such a leap says by how much, and is not carried out by whoever made it."""
    later = NOW + timedelta(days=3652)
    plan = make(watched, deleting, later)
    assert plan.jump == timedelta(days=3653).total_seconds()
    refused(watched, deleting, plan, "as if the clock had jumped: somebody who knows", later)


def test_a_leap_is_seen_though_entries_came_after_it(watched: Database, deleting: Steward) -> None:
    """What the service wrote down by the wrong clock before the plan does not hide it."""
    make(watched, deleting)
    later = NOW + timedelta(days=3652)
    for minute in range(3):
        note(watched, later + timedelta(minutes=minute))
    plan = make(watched, deleting, later + timedelta(minutes=5))
    assert plan.jump == timedelta(days=3652).total_seconds()


def test_a_leap_that_an_earlier_plan_told_is_not_told_again(watched: Database, deleting: Steward) -> None:
    """The next plan looks back to the one before it alone."""
    later = NOW + timedelta(days=3652)
    assert make(watched, deleting, later).jump
    assert make(watched, deleting, later + timedelta(days=1)).jump == 0


def test_a_second_person_lets_a_plan_after_a_leap_pass(watched: Database, deleting: Steward) -> None:
    """Who knows that the clock is right approves the plan, and then it is carried out."""
    later = NOW + timedelta(days=3652)
    plan = make(watched, deleting, later)
    refused(watched, deleting, plan, "has to approve it first", later)
    with watched.write() as session:
        assert plans.row(session, plan.id).state == states.OPEN
        plans.approve(session, plan.id, by="officer", now=later)
    assert run(watched, deleting, plan, later).rows == 6


def test_a_clock_set_back_refuses_what_was_made_before(watched: Database, deleting: Steward) -> None:
    """The plan comes from the future then; with the clock set right it is carried out."""
    plan = make(watched, deleting)
    refused(watched, deleting, plan, "comes from the future: set the clock right", NOW - timedelta(seconds=1))
    assert run(watched, deleting, plan).rows == 6


CHANGES = [datetime(2026, 3, 29, 0, 59, tzinfo=UTC), datetime(2026, 10, 25, 0, 59, tzinfo=UTC)]
"""A minute before an hour is left out in Oslo, and before one comes twice."""


@pytest.mark.parametrize("moment", CHANGES)
def test_the_change_of_summer_time_is_no_jump_of_a_run(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is given in another zone is read in UTC, where no hour is left out and none comes twice."""
    counter, oslo = Counter(), ZoneInfo("Europe/Oslo")
    monkeypatch.setattr("datasteward.retention.clockwatch.time.monotonic", counter)
    watch = ClockWatch(lambda: (moment + timedelta(seconds=counter.seconds)).astimezone(oslo), timedelta(minutes=1))
    for seconds in (0.0, 59.0, 61.0, 7200.0):
        counter.seconds = seconds
        assert watch.now() == moment + timedelta(seconds=seconds)


@pytest.mark.parametrize("moment", CHANGES)
def test_the_change_of_summer_time_is_no_jump_of_a_plan(small_db: Database, moment: datetime) -> None:
    """Entries before and after it are as far apart as they are in UTC."""
    oslo = ZoneInfo("Europe/Oslo")
    for minutes in (0, 2):
        note(small_db, (moment + timedelta(minutes=minutes)).astimezone(oslo))
    with small_db.read() as session:
        now = (moment + timedelta(minutes=3)).astimezone(oslo)
        assert clockwatch.jump(session, now, timedelta(minutes=5)) == 0


@pytest.mark.parametrize("days", [3652, -3652])
def test_a_clock_that_jumps_in_mid_run_stops_it_and_it_is_carried_on(
    watched: Database, deleting: Steward, days: int
) -> None:
    """What is done by then stands; nothing goes by the wrong clock; with the right one the run ends as it would have."""
    plan = make(watched, deleting)
    now = NOW

    def jump(_done: int, _all: int) -> None:
        nonlocal now
        now = NOW + timedelta(days=days)

    with pytest.raises(ClockJumped, match="jumped while the plan was carried out: set it right, then carry it on"):
        apply(watched.write, deleting, plan, by="tests", clock=lambda: now, progress=jump)
    assert ids(watched) == [2, 3, 4, 5]
    with watched.read() as session:
        assert plans.row(session, plan.id).state == states.RUNNING
    assert run(watched, deleting, plan, NOW + timedelta(minutes=5)).rows == 6
    assert ids(watched) == []


def test_a_run_that_takes_long_is_no_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as both clocks went on together; a machine that slept, whose counter stood still, is one."""
    counter, now = Counter(), NOW
    monkeypatch.setattr("datasteward.retention.clockwatch.time.monotonic", counter)
    watch = ClockWatch(lambda: now, timedelta(days=1))
    counter.seconds, now = 9 * 86400.0, NOW + timedelta(days=9)
    assert watch.now() == now
    now = NOW + timedelta(days=11)
    with pytest.raises(ClockJumped):
        watch.now()
