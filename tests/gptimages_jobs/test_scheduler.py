"""The scheduler: it promises what policies/schedule.yaml says, makes up once for what it missed, and never doubles."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import func, select

from datasteward.policy import PolicyError
from datasteward.policy.crontab import flaw
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job
from gptimages_cli.composition import compose, handlers
from gptimages_jobs import schedule
from gptimages_jobs.scheduler import REF, Scheduler


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """Every test of the scheduler runs on both databases."""
    return any_here


def waiting(here: Installation, kind: str) -> int:
    """How many jobs of the kind the scheduler has promised that are not done."""
    with here.db.read() as session:
        query = select(func.count()).where(Job.kind == kind, Job.ref == REF, Job.state == "queued")
        return session.scalar(query) or 0


def done(here: Installation) -> None:
    """Does every job that waits."""
    with here.db.write() as session:
        kinds = set(session.scalars(select(Job.kind)))
        while (job := queue.claim(session, kinds, now=here.clock(), lease=timedelta(minutes=1))) is not None:
            assert queue.finish(session, job, now=here.clock())


def test_every_scheduled_job_has_a_handler(here: Installation) -> None:
    """Each job that waits for a time has its own, and code that does it."""
    schedule.require(here.policies)
    assert {entry.id for entry in here.policies.schedule} == schedule.KINDS
    assert set(handlers(here)) >= schedule.KINDS


def test_a_job_that_is_misspelt_stops_the_start(here: Installation) -> None:
    """Retention that nothing promises would never be carried out, and nobody would notice."""
    first, *others = here.policies.schedule
    assert first.id == "retention"
    wrong = replace(here.policies, schedule=(replace(first, id="retenton"), *others))
    with pytest.raises(PolicyError) as stop:
        compose(dataclasses.replace(here, steward=dataclasses.replace(here.steward, policies=wrong)))
    file = here.policies.directory / "schedule.yaml"
    assert str(stop.value).splitlines() == [
        "The schedule does not agree with the jobs that there are.",
        f"{file}:3: no job is called 'retenton'; write 'retention' if that is meant",
        f"{file}:3: the job 'retention' has no time, so it would never be done; add 'retention' with its cron",
    ]


FIELDS = st.one_of(
    st.just("*"),
    st.builds("*/{}".format, st.integers(0, 70)),
    st.integers(0, 70).map(str),
    st.builds("{}-{}".format, st.integers(0, 40), st.integers(0, 70)),
    st.builds("{}-{}/{}".format, st.integers(0, 40), st.integers(0, 70), st.integers(0, 9)),
    st.builds("{},{}".format, st.integers(0, 12), st.integers(0, 12)),
    st.text("0123456789*/,-", min_size=1, max_size=5),
)


@settings(deadline=None)
@given(fields=st.tuples(FIELDS, FIELDS, st.one_of(st.just("*"), FIELDS), st.one_of(st.just("*"), FIELDS), FIELDS))
@example(fields=("0", "0", "29", "2", "*"))
@example(fields=("0", "0", "31", "4,6", "*"))
def test_a_time_that_the_policies_accept_comes(fields: tuple[str, ...]) -> None:
    """What passes `policy check` is one that the scheduler takes and that strikes again."""
    cron = " ".join(fields)
    if flaw(cron) is None:
        trigger = CronTrigger.from_crontab(cron, timezone="UTC")
        assert trigger.get_next_fire_time(None, datetime(2026, 11, 26, tzinfo=UTC)) is not None


def test_a_tick_promises_one_job(here: Installation, clock) -> None:
    """While one waits or runs a second tick promises nothing; once it is done the next tick does."""
    scheduler = Scheduler(here)
    assert scheduler.tick("mail")
    assert not scheduler.tick("mail")
    with here.db.write() as session:
        job = queue.claim(session, ["mail"], now=clock(), lease=timedelta(minutes=1))
    assert job is not None
    assert not scheduler.tick("mail")
    with here.db.write() as session:
        assert queue.finish(session, job, now=clock())
    assert scheduler.tick("mail")


def test_two_schedulers_promise_one_job(here: Installation) -> None:
    """Two processes whose clocks strike together promise the job once."""
    schedulers = [Scheduler(here) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        promised = list(pool.map(lambda scheduler: scheduler.tick("retention"), schedulers))
    assert promised.count(True) == 1
    assert waiting(here, "retention") == 1


def test_a_missed_tick_is_made_up_once(here: Installation, clock) -> None:
    """Down for three nights, the process runs the nightly job once at its next start, not three times and not never."""
    scheduler = Scheduler(here)
    scheduler.tick("retention")
    done(here)
    clock.move(days=3)
    assert "retention" in scheduler.missed(clock())
    scheduler.start()
    scheduler.stop()
    assert waiting(here, "retention") == 1
    again = Scheduler(here)
    assert "retention" not in again.missed(clock())


def test_what_was_not_missed_is_not_made_up(here: Installation, clock) -> None:
    """A restart between two ticks promises nothing."""
    clock.now = clock.now.replace(hour=3)
    scheduler = Scheduler(here)
    scheduler.tick("retention")
    done(here)
    clock.move(hours=5)
    assert "retention" not in scheduler.missed(clock())
    clock.move(hours=20)
    assert "retention" in scheduler.missed(clock())


def test_a_job_that_never_ran_waits_for_its_time(here: Installation, clock) -> None:
    """A fresh installation has missed nothing."""
    assert Scheduler(here).missed(clock()) == []


def test_jobs_that_people_ordered_are_no_ticks(here: Installation, clock) -> None:
    """A plan that somebody ordered by hand neither holds the schedule back nor counts as its run."""
    with here.db.write() as session:
        queue.promise(session, "retention", "a-plan", now=clock())
    assert Scheduler(here).tick("retention")


def test_stopping_what_was_never_started_does_no_harm(here: Installation) -> None:
    """A process whose settings switch the scheduler off stops like any other."""
    Scheduler(here).stop()
