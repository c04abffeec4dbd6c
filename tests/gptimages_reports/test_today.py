"""The first page of compliance: each figure is counted from rows, and what needs a person is there with its clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.retention import holds, plans
from datasteward.retention.scope import Scope
from datasteward.rights.models import SubjectRequest
from gptimages.activity.models import UsageEvent
from gptimages.support import desk
from gptimages_reports.charts import bars
from gptimages_reports.today import WEEKS, by_week, today

START = datetime.fromisoformat("2026-11-23T09:00:00+00:00")


@pytest.fixture
def here(any_here):
    """Every test of reports runs on both databases."""
    return any_here


def request(here, account, *, asked: float, closed: float | None = None, state: str = "done", kind: str = "access"):
    """A request that was asked and closed so many days ago."""
    now = here.clock()
    row = SubjectRequest(
        id=new_id(),
        subject_id=account.id,
        kind=kind,
        state=state,
        asked_at=now - timedelta(days=asked),
        answer_by=now - timedelta(days=asked) + timedelta(days=30),
        closed_at=None if closed is None else now - timedelta(days=closed),
    )
    with here.db.write() as session:
        session.add(row)
    return row


def page(here):
    """The first page now."""
    with here.db.read() as session:
        return today(session, here.steward, here.clock())


def tile(here, title: str):
    """A tile by the beginning of its title."""
    return next(tile for tile in page(here).tiles if tile.title.startswith(title))


def test_an_empty_house_invents_nothing(here) -> None:
    """Without requests and looks every figure is nought or says that there is none yet, and nothing waits."""
    found = page(here)
    assert found.decisions == found.requests == ()
    assert [tile.value for tile in found.tiles] == ["0", "none yet", "0", "0"]
    assert {sum(tile.weeks) for tile in found.tiles} == {0}


def test_requests_are_counted_by_week(here, person) -> None:
    """This week's requests, those of twelve weeks, and none that is older."""
    account = person()
    for asked in (0, 1, 6, 8, 20, 90):
        request(here, account, asked=asked, closed=0)
    found = tile(here, "Requests this week")
    assert (found.value, found.note) == ("3", "5 in twelve weeks")
    assert len(found.weeks) == WEEKS
    assert found.weeks[-3:] == (1, 1, 3)


def test_the_middle_of_the_answers(here, person) -> None:
    """The days to an answer are the median of what was answered; what was taken back does not count."""
    account = person()
    for asked, closed in ((3, 2), (10, 6), (30, 10)):
        request(here, account, asked=asked, closed=closed)
    request(here, account, asked=40, closed=1, state="cancelled")
    found = tile(here, "Days to an answer")
    assert (found.value, found.note) == ("4.0", "of 3 answered in twelve weeks")


def test_looks_and_erasures_come_from_the_log(here) -> None:
    """Each `….viewed` is a look, each finished erasure an erasure, of this week and of those before."""
    now = here.clock()
    with here.db.write() as session:
        for act, days in (("ticket.viewed", 8), ("person.viewed", 1), ("report.viewed", 0), ("rights.erasure.done", 2)):
            audit.append(session, act, actor="staff", now=now - timedelta(days=days))
    assert (tile(here, "Looks").value, sum(tile(here, "Looks").weeks)) == ("2", 3)
    assert tile(here, "Accounts erased").value == "1"


def test_what_needs_a_person_is_there(here, person) -> None:
    """A failed or blocked request, an open report, and a hold whose review is near: each with its way on, the nearest first."""
    account, now = person(), here.clock()
    request(here, account, asked=29.5, state="failed")
    request(here, account, asked=5, state="blocked", kind="erasure")
    request(here, account, asked=5, state="waiting", kind="erasure")
    with here.db.write() as session:
        desk.report(session, here, None, "under-age", "", "She is nine.", now=now)
        holds.place(
            session,
            here.steward,
            Scope(subject=account.id),
            file="24-117",
            by="legal",
            now=now,
            review_at=now + timedelta(days=3),
        )
    found = page(here)
    links = [decision.link for decision in found.decisions]
    assert links[:3].count("/compliance/requests") == 2
    assert "/compliance/holds" in links
    assert links[-1].startswith("/desk/reports/")
    assert [d.until for d in found.decisions[:-1]] == sorted(d.until for d in found.decisions[:-1])
    assert found.decisions[0].tone == "late"
    assert all(0 <= decision.run <= 100 for decision in found.decisions)
    assert len(found.requests) == 3
    assert "Ines" not in str(found)


def test_a_plan_that_waits_for_a_second_person_is_there(here, person) -> None:
    """An open plan above the cap is a decision with its way on, until it is approved; one below the cap is none."""
    account, now = person(), here.clock()
    with here.db.write() as session:
        session.add_all(
            UsageEvent(id=new_id(), account_id=account.id, kind="run", created_at=now - timedelta(days=500))
            for _ in range(3)
        )
        plans.make(session, here.steward, by="operator", now=now)
    assert page(here).decisions == ()
    limits = here.policies.limits
    most = msgspec.structs.replace(limits.retention_most_per_run, value=2)
    changed = msgspec.structs.replace(
        here.policies, limits=msgspec.structs.replace(limits, retention_most_per_run=most)
    )
    capped = replace(here, steward=replace(here.steward, policies=changed))
    with capped.db.write() as session:
        made = plans.make(session, capped.steward, by="operator", now=now + timedelta(minutes=1))
    (decision,) = page(capped).decisions
    assert decision.link == f"/compliance/retention/{made.id}"
    with capped.db.write() as session:
        plans.approve(session, made.id, by="officer", now=now + timedelta(minutes=2))
    assert page(capped).decisions == ()


@pytest.mark.parametrize(
    ("country", "law"),
    [("NO", "1 month, GDPR Art. 12(3)"), ("US", "45 days, 11 CCR 7021, 7101"), ("BR", "15 days, LGPD Art. 19")],
)
def test_a_request_runs_under_the_law_of_its_country(here, person, country: str, law: str) -> None:
    """What a request says of its time and its source is the rule of policies/jurisdictions.yaml for the person's country."""
    request(here, person(country=country), asked=5, state="failed")
    assert [decision.law for decision in page(here).decisions] == [law]


@given(st.lists(st.integers(0, 200 * 24), max_size=40))
def test_every_moment_of_twelve_weeks_is_counted_once(hours: list[int]) -> None:
    """By week or not, what lies within twelve weeks is counted, and nothing else."""
    moments = [START - timedelta(hours=each) for each in hours]
    assert sum(by_week(moments, START)) == sum(each < WEEKS * 7 * 24 for each in hours)


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_a_chart_stays_in_its_frame(values: list[float]) -> None:
    """A bar for each value, none outside, nothing to be run, and silent for a screen reader."""
    drawn = str(bars(values))
    assert drawn.count("<rect") == len(values)
    assert 'aria-hidden="true"' in drawn
    assert "style=" not in drawn
    assert "script" not in drawn
