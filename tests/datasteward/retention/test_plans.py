"""Plans on the service's own catalog and policies: boundaries, countries, holds, and every plan that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import func, select, text, update

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.catalog import Catalog
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import ApprovalNeeded, HoldError, HoldInTheWay, PlanError, PolicyError, StalePlan
from datasteward.keys import Box
from datasteward.policy import Period
from datasteward.retention import certificate, holds, plans, states
from datasteward.retention.applying import apply, order
from datasteward.retention.models import RetentionPlan
from datasteward.retention.plan import Item, Plan, from_json, to_file
from datasteward.retention.planning import kept_back
from datasteward.retention.rules import governed
from datasteward.retention.scope import Scope
from datasteward.steward import Steward
from gptimages.accounts.models import Account
from gptimages.activity.models import EngagementEvent, UsageEvent
from gptimages.billing.models import Transaction
from gptimages.db import Database
from gptimages.studio.models import Generation, GenerationReference, ReferenceImage

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
Ruled = Callable[..., Steward]


def account(db: Database, name: str = "ada") -> str:
    """A person, whose sealed fields nothing here opens."""
    with db.write() as session:
        session.add(
            Account(
                id=name,
                name=Box(b"sealed"),
                email=Box(b"sealed"),
                avatar=None,
                country="NO",
                minimum_age=13,
                plan="free",
                created_at=NOW,
                last_seen_at=NOW,
            )
        )
    return name


def use(db: Database, who: str, *moments: datetime) -> None:
    """Usage events at these moments."""
    with db.write() as session:
        session.add_all(UsageEvent(id=new_id(), account_id=who, kind="run", created_at=at) for at in moments)


def make(db: Database, steward: Steward, now: datetime = NOW) -> Plan:
    """Makes and stores a plan."""
    with db.write() as session:
        return plans.make(session, steward, by="tests", now=now)


def item(plan: Plan, rule: str) -> Item:
    """The item of one rule."""
    return next(each for each in plan.items if each.rule == rule)


def rows(db: Database, model: type) -> int:
    """How many rows the table has."""
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_every_timed_rule_governs_a_table(steward: Steward) -> None:
    """No rule of retention.yaml that has a period is without a table that it is carried out on."""
    timed = {rule.id for rule in steward.policies.retention.values() if rule.period}
    assert {each.rule.id for each in governed(steward)} == timed


def test_an_empty_database_has_nothing_due(retention_db: Database, steward: Steward) -> None:
    """A plan of nothing names every rule and no row."""
    plan = make(retention_db, steward)
    assert (plan.due, plan.rows, plan.bytes, plan.people) == (0, 0, 0, 0)
    assert len(plan.items) == len(governed(steward))


def test_what_is_as_old_as_the_period_stays_and_what_is_older_goes(retention_db: Database, steward: Steward) -> None:
    """The cutoff lies between: a microsecond decides."""
    who = account(retention_db)
    cutoff = datetime(2025, 10, 22, 10, 0, tzinfo=UTC)
    use(retention_db, who, cutoff - timedelta(microseconds=1), cutoff, NOW)
    plan = make(retention_db, steward)
    usage = item(plan, "usage-events")
    assert usage.cutoffs == {"": cutoff}
    assert (usage.due, usage.held, usage.goes) == (1, 0, 1)
    assert usage.oldest == usage.newest == cutoff - timedelta(microseconds=1)
    apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW)
    assert rows(retention_db, UsageEvent) == 2


@pytest.mark.parametrize(
    ("now", "cutoff"),
    [
        (datetime(2026, 3, 31, 12, tzinfo=UTC), datetime(2026, 2, 28, 12, tzinfo=UTC)),
        (datetime(2024, 3, 31, 12, tzinfo=UTC), datetime(2024, 2, 29, 12, tzinfo=UTC)),
        (datetime(2026, 2, 28, 12, tzinfo=UTC), datetime(2026, 1, 28, 12, tzinfo=UTC)),
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 2, 28, 1, 30, tzinfo=UTC)),
    ],
    ids=["month-end", "leap-day", "short-month", "no-summer-time-in-utc"],
)
def test_a_month_back_is_never_too_early(now: datetime, cutoff: datetime, steward: Steward, ruled: Ruled) -> None:
    """Month ends, leap days and the change to summer time: the cutoff is a month back by the calendar, in UTC."""
    usage = msgspec.structs.replace(steward.policies.retention["usage-events"], period=Period(months=1))
    (found,) = governed(ruled({"usage-events": usage}))
    assert found.cutoffs(steward.policies, now) == {"": cutoff}


def test_a_leap_day_comes_of_age_on_the_last_of_february(steward: Steward, ruled: Ruled) -> None:
    """What began on 29 February is a year old on 1 March, and not on 28 February."""
    usage = msgspec.structs.replace(steward.policies.retention["usage-events"], period=Period(years=1))
    (found,) = governed(ruled({"usage-events": usage}))
    began = datetime(2024, 2, 29, 8, tzinfo=UTC)
    assert began >= found.cutoffs(steward.policies, datetime(2025, 2, 28, 8, tzinfo=UTC))[""]
    assert began < found.cutoffs(steward.policies, datetime(2025, 3, 1, 8, 0, 1, tzinfo=UTC))[""]


@pytest.mark.parametrize(("country", "year"), [("DE", 2017), ("FR", 2015), ("GB", 2019), ("US", 2018), ("NO", 2017)])
def test_invoices_are_kept_by_the_law_of_their_country(
    retention_db: Database, steward: Steward, country: str, year: int
) -> None:
    """The period runs from the end of the fiscal year, and the country's own law comes before the default."""
    moments = {
        "old": datetime(year, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        "young": datetime(year + 1, 1, 1, tzinfo=UTC),
    }
    with retention_db.write() as session:
        for name, at in moments.items():
            session.add(
                Transaction(
                    id=name,
                    subject_id="gone",
                    stripe_id=name,
                    number=name,
                    kind="invoice",
                    amount=900,
                    currency="EUR",
                    country=country,
                    occurred_at=at,
                )
            )
    plan = make(retention_db, steward)
    assert item(plan, "transactions").goes == 1
    apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW)
    with retention_db.read() as session:
        assert session.scalars(select(Transaction.id)).all() == ["young"]


def test_a_fiscal_year_may_end_in_march(steward: Steward, ruled: Ruled) -> None:
    """The day comes from jurisdictions.yaml: with 31 March, an invoice of April waits for the next March."""
    changed = ruled()
    law = changed.policies.jurisdictions
    law = msgspec.structs.replace(law, fiscal_year_end=msgspec.structs.replace(law.fiscal_year_end, month=3, day=31))
    policies = msgspec.structs.replace(changed.policies, jurisdictions=law)
    (found,) = [each for each in governed(changed) if each.rule.id == "transactions"]
    assert found.cutoffs(policies, NOW)[""] == datetime(2018, 4, 1, tzinfo=UTC)
    assert found.cutoffs(policies, datetime(2026, 3, 31, tzinfo=UTC))[""] == datetime(2017, 4, 1, tzinfo=UTC)


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


def test_a_hold_keeps_one_person_and_shows_in_the_plan(retention_db: Database, steward: Steward) -> None:
    """Held rows are due, counted as held, and survive the run; those of others go."""
    old = NOW - timedelta(days=500)
    use(retention_db, account(retention_db, "ada"), old, old, old)
    use(retention_db, account(retention_db, "ben"), old)
    with retention_db.write() as session:
        ada, until = Scope(subject="ada"), NOW + timedelta(days=14)
        hold = holds.place(session, steward, ada, "24-117", review_at=until, by="staff", now=NOW)
        assert holds.held(session, "ada")
        assert not holds.held(session, "ben")
        assert kept_back(session, steward, hold, now=NOW) == {"Usage events": 3}
        with pytest.raises(HoldInTheWay):
            holds.refuse_held(session, "ada")
    plan = make(retention_db, steward)
    found = item(plan, "usage-events")
    assert (found.due, found.held, found.goes, plan.people) == (4, 3, 1, 1)
    apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW)
    assert rows(retention_db, UsageEvent) == 3
    with retention_db.write() as session:
        holds.lift(session, hold.id, by="staff", now=NOW)
    assert make(retention_db, steward).goes == 3


def test_a_hold_that_is_placed_after_the_plan_is_kept(retention_db: Database, steward: Steward) -> None:
    """A run looks at holds again: what was free in the plan and is held by now stays."""
    use(retention_db, account(retention_db), NOW - timedelta(days=500))
    plan = make(retention_db, steward)
    with retention_db.write() as session:
        holds.place(
            session, steward, Scope(subject="ada"), "24-117", review_at=NOW + timedelta(days=14), by="staff", now=NOW
        )
    assert apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW).rows == 0
    assert rows(retention_db, UsageEvent) == 1


@pytest.mark.parametrize(
    ("file", "days", "sentence"),
    [
        ("  ", 3, "number of the file"),
        ("Ada sued us in 2026", 3, "no words, no names"),
        ("Halvorsen", 3, "no words, no names"),
        ("9" * 41, 3, "number of the file"),
        ("24-117", 0, "a day in the future"),
    ],
)
def test_a_hold_needs_a_file_and_an_end(
    retention_db: Database, steward: Steward, file: str, days: int, sentence: str
) -> None:
    """A hold that names no file, tells of it in words, or that nobody will look at again, is refused."""
    with retention_db.write() as session, pytest.raises(HoldError, match=sentence):
        holds.place(
            session, steward, Scope(subject="ada"), file, review_at=NOW + timedelta(days=days), by="staff", now=NOW
        )


def test_holds_are_audited_without_their_file(retention_db: Database, steward: Steward) -> None:
    """Placing and lifting each leave an entry with ids; the file is nowhere in the log; none is lifted twice."""
    with retention_db.write() as session:
        ada, until = Scope(subject="ada"), NOW + timedelta(days=1)
        hold = holds.place(session, steward, ada, "secret-7", review_at=until, by="staff", now=NOW)
        assert [h.id for h in holds.active(session)] == [hold.id]
        holds.lift(session, hold.id, by="staff", now=NOW)
        assert (holds.active(session), [h.id for h in holds.lifted(session)]) == ([], [hold.id])
        with pytest.raises(HoldError, match="lifted before"):
            holds.lift(session, hold.id, by="staff", now=NOW)
        with pytest.raises(HoldError, match="no such hold"):
            holds.lift(session, "none", by="staff", now=NOW)
        found = audit.entries(session)
    assert [entry.act for entry in found] == ["hold.lifted", "hold.placed"]
    assert all(b"secret" not in entry.entry for entry in found)


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


def refused(db: Database, steward: Steward, plan: Plan, sentence: str, now: datetime = NOW) -> None:
    """The plan is refused with that sentence, and nothing goes."""
    before = rows(db, UsageEvent)
    with pytest.raises(PlanError, match=sentence):
        apply(db.write, steward, plan, by="tests", clock=lambda: now)
    assert rows(db, UsageEvent) == before


@pytest.fixture
def due(retention_db: Database) -> Database:
    """A database with two usage events that are due."""
    use(retention_db, account(retention_db), *[NOW - timedelta(days=500)] * 2)
    return retention_db


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


def test_planning_changes_nothing(due: Database, steward: Steward) -> None:
    """Making a plan adds the plan and its audit entry, and touches no row of anybody."""
    catalog: Catalog = steward.catalog
    with due.read() as session:
        before = {t.name: session.execute(select(t)).all() for t in catalog.personal()}
    make(due, steward)
    with due.read() as session:
        assert {t.name: session.execute(select(t)).all() for t in catalog.personal()} == before
