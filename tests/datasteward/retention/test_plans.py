"""What a plan of the service's own tables tells and a run of it does: counts, one entry, progress, and each row once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select
from support.retention_tables import NOW, make
from support.service_rows import account, item, rows, use

from datasteward.audit import log as audit
from datasteward.catalog import Catalog
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import PolicyError, StalePlan
from datasteward.retention import certificate, plans
from datasteward.retention.applying import apply
from datasteward.retention.rules import governed
from datasteward.steward import Steward
from gptimages.activity.models import EngagementEvent, UsageEvent
from gptimages.db import Database
from gptimages.studio.models import Generation, GenerationReference, ReferenceImage

Ruled = Callable[..., Steward]


def test_every_timed_rule_governs_a_table(steward: Steward) -> None:
    """No rule of retention.yaml that has a period is without a table that it is carried out on."""
    timed = {rule.id for rule in steward.policies.retention.values() if rule.period}
    assert {each.rule.id for each in governed(steward)} == timed


def test_an_empty_database_has_nothing_due(retention_db: Database, steward: Steward) -> None:
    """A plan of nothing names every rule and no row."""
    plan = make(retention_db, steward)
    assert (plan.due, plan.rows, plan.bytes, plan.people) == (0, 0, 0, 0)
    assert len(plan.items) == len(governed(steward))


def test_planning_changes_nothing(due: Database, steward: Steward) -> None:
    """Making a plan adds the plan and its audit entry, and touches no row of anybody."""
    catalog: Catalog = steward.catalog
    with due.read() as session:
        before = {t.name: session.execute(select(t)).all() for t in catalog.personal()}
    make(due, steward)
    with due.read() as session:
        assert {t.name: session.execute(select(t)).all() for t in catalog.personal()} == before


def test_engagement_loses_its_person_and_keeps_the_rest(retention_db: Database, steward: Steward) -> None:
    """Anonymising empties the columns of the named categories, once: a second plan finds nothing to do."""
    who = account(retention_db)
    with retention_db.write() as session:
        at = NOW - timedelta(days=500)
        session.add(EngagementEvent(id="e", account_id=who, kind="kept", style="plain", created_at=at))
    plan = make(retention_db, steward)
    found = item(plan, "engagement-events")
    assert (found.action, found.columns, found.goes) == ("anonymise", ("account_id", "created_at"), 1)
    result = apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW)
    assert result.anonymised == {"engagement_event": 1}
    assert result.deleted == {}
    with retention_db.read() as session:
        event = session.get_one(EngagementEvent, "e")
        assert (event.account_id, event.kind, event.style) == (None, "kept", "plain")
        assert event.created_at == at.replace(hour=0, minute=0, second=0, microsecond=0)
    assert make(retention_db, steward).due == 0


def test_a_rule_may_not_empty_what_must_be_filled(retention_db: Database, steward: Steward, ruled: Ruled) -> None:
    """A rule that cannot be carried out is refused before anything is, with its name and the column's."""
    usage = msgspec.structs.replace(
        steward.policies.retention["usage-events"], action="anonymise", anonymise=("user.unique_id",)
    )
    with pytest.raises(
        PolicyError, match=r"usage-events cannot be carried out.*usage_event\.account_id must be filled"
    ):
        make(retention_db, ruled({"usage-events": usage}))


def reference(db: Database, who: str) -> None:
    """A reference picture of a hundred days ago, used by one run."""
    with db.write() as session:
        old = NOW - timedelta(days=100)
        session.add(
            ReferenceImage(
                id="ref",
                account_id=who,
                object="ada/ref",
                media_type="image/png",
                width=1,
                height=1,
                bytes=70_000,
                created_at=old,
                last_used_at=old,
            )
        )
        session.add(
            Generation(
                id="run",
                account_id=who,
                style="plain",
                width=1,
                height=1,
                count=1,
                quality="low",
                background="opaque",
                format="png",
                moderation="auto",
                created_at=old,
            )
        )
        session.flush()
        session.add(
            GenerationReference(id="link", generation_id="run", reference_id="ref", role="reference", position=0)
        )


def test_what_hangs_on_a_row_and_its_object_go_with_it(retention_db: Database, steward: Steward) -> None:
    """The plan counts the rows that go along and the object's size; the run puts the object's key into the outbox."""
    reference(retention_db, account(retention_db))
    plan = make(retention_db, steward)
    found = item(plan, "reference-pictures")
    assert (found.goes, found.along, plan.rows, plan.people) == (1, {"generation_reference": 1}, 2, 1)
    assert 70_000 < found.bytes < 71_000
    result = apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW)
    assert result.deleted == {"generation_reference": 1, "reference_image": 1}
    assert rows(retention_db, Generation) == 1
    with retention_db.read() as session:
        assert session.scalars(select(ObjectDisposal.key)).all() == ["ada/ref"]


def test_a_run_leaves_one_entry_with_counts_and_policy_hash(retention_db: Database, steward: Steward) -> None:
    """The audit log says which plan, under which policies, how many rows of which table."""
    use(retention_db, account(retention_db), *[NOW - timedelta(days=500)] * 7)
    plan = make(retention_db, steward)
    apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW)
    with retention_db.read() as session:
        (entry,) = audit.entries(session, acts=["retention.applied"])
        told = certificate.of(plans.row(session, plan.id))
        assert audit.verify(session).broken_at is None
    assert audit.facts(entry) == {
        "plan": plan.id,
        "policy": steward.policies.hash,
        "rows": 7,
        "deleted.usage_event": 7,
        "certificate": told.digest,
    }


def test_progress_is_told_batch_by_batch(retention_db: Database, ruled: Ruled) -> None:
    """A run takes as many rows in a transaction as policies/limits.yaml says, and says how far it is after each."""
    steward = ruled(batch=3)
    use(retention_db, account(retention_db), *[NOW - timedelta(days=500)] * 8)
    told: list[tuple[int, int]] = []
    plan = make(retention_db, steward)
    apply(
        retention_db.write,
        steward,
        plan,
        by="tests",
        clock=lambda: NOW,
        progress=lambda done, all_: told.append((done, all_)),
    )
    assert told == [(3, 8), (6, 8), (8, 8)]


def test_two_runs_of_one_plan_share_the_work(retention_db: Database, ruled: Ruled) -> None:
    """Two schedulers at the same time do nothing twice and leave one audit entry."""
    steward = ruled(batch=5)
    use(retention_db, account(retention_db), *[NOW - timedelta(days=500)] * 60, NOW)
    plan = make(retention_db, steward)

    def run(_: int) -> int:
        try:
            return apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW).rows
        except StalePlan:  # the other one had ended before this one began
            return 60

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, range(2))) == [60, 60]
    assert rows(retention_db, UsageEvent) == 1
    with retention_db.read() as session:
        assert len(audit.entries(session, acts=["retention.applied"])) == 1
        assert plans.row(session, plan.id).result["deeds"] == {"deleted": {"usage_event": 60}}
