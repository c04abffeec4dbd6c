"""Every plan that does not hold any more is refused with a sentence, and nothing goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import text, update
from support.retention_tables import NOW, make
from support.service_rows import item, rows, use

from datasteward.audit import log as audit
from datasteward.errors import ApprovalNeeded, PlanError, StalePlan
from datasteward.retention import certificate, plans, states
from datasteward.retention.applying import apply, order
from datasteward.retention.models import RetentionPlan
from datasteward.retention.plan import Plan, from_json, to_file
from datasteward.steward import Steward
from gptimages.activity.models import UsageEvent
from gptimages.db import Database

Ruled = Callable[..., Steward]


def refused(db: Database, steward: Steward, plan: Plan, sentence: str, now: datetime = NOW) -> None:
    """The plan is refused with that sentence, and nothing goes."""
    before = rows(db, UsageEvent)
    with pytest.raises(PlanError, match=sentence):
        apply(db.write, steward, plan, by="tests", clock=lambda: now)
    assert rows(db, UsageEvent) == before


def test_a_plan_is_applied_once(due: Database, steward: Steward) -> None:
    """A second run of an ended plan is refused, even when the same things are due again."""
    plan = make(due, steward)
    apply(due.write, steward, plan, by="tests", clock=lambda: NOW)
    use(due, "ada", NOW - timedelta(days=500))
    refused(due, steward, plan, "carried out before")


def test_a_plan_of_other_policies_is_refused(due: Database, steward: Steward, ruled: Ruled) -> None:
    """When the policies have changed since, somebody has to look at a new plan."""
    plan = make(due, steward)
    changed = ruled()
    object.__setattr__(changed, "policies", msgspec.structs.replace(changed.policies, hash="0" * 64))
    refused(due, changed, plan, "policies have changed")


def test_an_edited_plan_is_refused(due: Database, steward: Steward) -> None:
    """A plan file in which any figure, boundary or name was changed is not the plan that was made."""
    plan = make(due, steward)
    assert from_json(to_file(plan)) == plan
    usage = item(plan, "usage-events")
    later = {"": usage.cutoffs[""] + timedelta(days=300)}
    for change in ({"cutoffs": later}, {"goes": 99}, {"table": "account"}, {"why": "because"}):
        items = tuple(msgspec.structs.replace(i, **change) if i is usage else i for i in plan.items)
        refused(due, steward, msgspec.structs.replace(plan, items=items), "changed after it was made")
    refused(due, steward, msgspec.structs.replace(plan, items=()), "changed after it was made")


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"id": "x"}', b"not json"])
def test_a_file_that_is_no_plan_is_refused(text: bytes) -> None:
    """Whatever else a file holds is told apart with a sentence."""
    with pytest.raises(StalePlan, match="not a retention plan"):
        from_json(text)


def test_a_plan_of_another_database_is_refused(due: Database, steward: Steward, tmp_path: object) -> None:
    """A plan is known by its own row, and by the first audit entry of its database."""
    plan = make(due, steward)
    with due.write() as session:
        session.execute(text("DELETE FROM steward_retention_plan"))
    refused(due, steward, plan, "not made from this database")
    other = msgspec.structs.replace(make(due, steward), database="f" * 64)
    with due.write() as session:
        session.execute(update(RetentionPlan).values(body=msgspec.to_builtins(other)))
    refused(due, steward, other, "another database")


def test_a_plan_from_the_future_or_the_past_is_refused(due: Database, steward: Steward) -> None:
    """A clock that jumps, in either direction, stops the run."""
    refused(due, steward, make(due, steward, NOW + timedelta(seconds=1)), "from the future")
    refused(due, steward, make(due, steward, NOW - timedelta(days=3, seconds=1)), "older than")


def test_a_plan_that_would_take_more_by_now_is_refused(due: Database, steward: Steward) -> None:
    """A lifted hold or rows that came in with old dates make the plan's numbers wrong."""
    plan = make(due, steward)
    use(due, "ada", NOW - timedelta(days=500))
    refused(due, steward, plan, "3 rows of usage_event would go, and the plan names 2")


def test_a_plan_above_the_cap_waits_for_a_person(due: Database, ruled: Ruled) -> None:
    """Above the cap of policies/limits.yaml three names are needed: who makes it, who approves it, and who carries it out
    is not who approved it; until then the plan stays open and nothing goes."""
    capped = ruled(most=1)
    plan = make(due, capped)
    for act in (lambda s: order(s, capped, plan.id, by="operator", now=NOW),):
        with due.write() as session, pytest.raises(ApprovalNeeded, match="2 rows, more than the 1"):
            act(session)
    with pytest.raises(ApprovalNeeded, match="somebody else has to approve"):
        apply(due.write, capped, plan, by="operator", clock=lambda: NOW)
    with due.write() as session, pytest.raises(ApprovalNeeded, match="Who made a plan"):
        plans.approve(session, plan.id, by="tests", now=NOW)
    with due.write() as session:
        assert plans.row(session, plan.id).state == states.OPEN
        plans.approve(session, plan.id, by="officer", now=NOW)
    with due.write() as session, pytest.raises(ApprovalNeeded, match="does not carry it out"):
        order(session, capped, plan.id, by="officer", now=NOW)
    assert rows(due, UsageEvent) == 2
    with due.write() as session:
        order(session, capped, plan.id, by="operator", now=NOW)
    with due.write() as session, pytest.raises(StalePlan, match="already"):
        order(session, capped, plan.id, by="operator", now=NOW)
    assert apply(due.write, capped, plan, by="operator", clock=lambda: NOW).rows == 2
    with due.read() as session:
        told = certificate.of(plans.row(session, plan.id))
        (entry,) = audit.entries(session, acts=["retention.approved"])
    assert (told.by, told.approved_by, entry.actor) == ("operator", "officer", "officer")


def test_a_refused_plan_stays_refused(due: Database, steward: Steward) -> None:
    """What was found not to hold is not tried again; the sentence stays beside it."""
    plan = make(due, steward)
    with due.write() as session:
        plans.refuse(session, plan.id, "It does not hold.", by="tests", now=NOW)
    refused(due, steward, plan, "make a new one")
