"""The certificate of a run: what was done by which method, what is left, and that it is the one the log names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import insert
from support.retention_tables import METADATA, NOW, make, people, rule, run, step, told, visits

from datasteward.audit import log as audit
from datasteward.retention import certificate, plans
from datasteward.retention.applying import apply
from datasteward.retention.certificate import Certificate, Line
from datasteward.retention.result import outcome
from datasteward.steward import Steward
from gptimages.db import Database

Ruled = Callable[..., Steward]
USAGE = "user.behavior.usage"


@pytest.fixture
def used(small_db: Database) -> Database:
    """A person with two old visits, one of which has a step, and a browser in one of them."""
    people(small_db, "ada-lovelace")
    visits(small_db, "ada-lovelace", [1, 2], browser="a-rare-browser")
    with small_db.write() as session:
        session.execute(insert(step), [{"visit_id": 1, "place": 1}])
    return small_db


@pytest.fixture
def deleting(ruled: Ruled) -> Steward:
    """Visits go after thirty days; another rule finds nothing."""
    idle = rule("idle", "user.content.favourite")
    return ruled({"use": rule("use", USAGE), "idle": idle}, metadata=METADATA, batch=1)


def test_it_tells_classes_counts_and_method(used: Database, deleting: Steward) -> None:
    """By rule and table, what hung on the rows besides; rules that found nothing are not in it."""
    plan = make(used, deleting)
    run(used, deleting, plan, NOW + timedelta(minutes=1))
    found = told(used, plan.id)
    assert found.lines == (
        Line(
            rule="use",
            table="visit",
            category=USAGE,
            method="rows deleted, bytes of objects destroyed from the outbox",
            columns=(),
            rows=2,
            along=1,
            left=0,
        ),
    )
    assert (found.rows, found.clean, found.by, found.approved_by) == (3, True, "tests", None)
    assert (found.plan, found.policy_hash, found.database) == (plan.id, plan.policy_hash, plan.database)
    assert (found.as_of, found.begun_at, found.ended_at) == (
        NOW,
        NOW + timedelta(minutes=1),
        NOW + timedelta(minutes=1),
    )


def test_columns_that_were_anonymised_are_named(used: Database, ruled: Ruled) -> None:
    """With the method for changing in place."""
    use = rule("use", USAGE, action="anonymise", anonymise=("user.device",))
    steward = ruled({"use": use}, metadata=METADATA)
    plan = make(used, steward)
    run(used, steward, plan)
    (line,) = told(used, plan.id).lines
    assert (line.method, line.columns, line.rows) == ("columns anonymised in place", ("address", "browser"), 2)


def test_rows_that_came_in_meanwhile_are_told_as_left(used: Database, deleting: Steward) -> None:
    """The count afterwards is made in the database as it is at the end; they go with the next plan."""
    plan = make(used, deleting)

    def come_in(done: int, all_: int) -> None:
        if done == all_ - 1:
            visits(used, "ada-lovelace", [7, 8, 9], days=200)

    apply(used.write, deleting, plan, by="tests", clock=lambda: NOW, progress=come_in)
    found = told(used, plan.id)
    assert ([(line.rows, line.left) for line in found.lines], found.clean) == ([(2, 3)], False)
    again = make(used, deleting)
    run(used, deleting, again)
    assert told(used, again.id).clean


def test_a_run_that_stops_half_way_and_is_refused_has_one_too(used: Database, deleting: Steward) -> None:
    """It tells what had gone by then, that nothing was counted afterwards, and its digest and counts stand in the log."""
    plan = make(used, deleting)

    def stop(_done: int, _all: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply(used.write, deleting, plan, by="operator", clock=lambda: NOW, progress=stop)
    later = NOW + timedelta(hours=1)
    with used.write() as session:
        plans.refuse(session, plan.id, "It does not hold.", by="tests", now=later)
    found = told(used, plan.id)
    assert (found.finished, found.clean, found.by, found.ended_at) == (False, False, "operator", later)
    assert [line.left for line in found.lines] == [None]
    with used.read() as session:
        (entry,) = audit.entries(session, acts=["retention.refused"])
        done = outcome(plans.row(session, plan.id))
    assert done is not None
    assert 0 < found.rows == done.rows < plan.rows
    facts = audit.facts(entry)
    assert (facts["certificate"], facts["rows"]) == (found.digest, found.rows)
    assert sum(number for key, number in facts.items() if key.startswith("deleted.")) == found.rows


def test_a_plan_that_is_refused_before_its_run_has_none(used: Database, deleting: Steward) -> None:
    """Nothing went."""
    plan = make(used, deleting)
    with used.write() as session:
        plans.refuse(session, plan.id, "It does not hold.", by="tests", now=NOW)
        assert certificate.of(plans.row(session, plan.id)) is None


def test_the_audit_entry_holds_its_digest(used: Database, deleting: Steward) -> None:
    """SHA-256 over its JSON; a certificate with any other figure has another."""
    plan = make(used, deleting)
    run(used, deleting, plan)
    found = told(used, plan.id)
    with used.read() as session:
        (entry,) = audit.entries(session, acts=["retention.applied"])
    assert audit.facts(entry)["certificate"] == found.digest
    assert found.digest == hashlib.sha256(certificate.to_json(found)).hexdigest()
    lines = (msgspec.structs.replace(found.lines[0], rows=1),)
    assert msgspec.structs.replace(found, lines=lines).digest != found.digest


def test_its_json_is_stable(used: Database, deleting: Steward) -> None:
    """Read from the database and written again it has the same bytes."""
    plan = make(used, deleting)
    run(used, deleting, plan)
    text = certificate.to_json(told(used, plan.id))
    assert certificate.to_json(msgspec.json.decode(text, type=Certificate)) == text
    assert msgspec.json.decode(text) == certificate.to_builtins(told(used, plan.id))


def test_nothing_personal_stands_in_it(used: Database, deleting: Steward) -> None:
    """No id of whom the rows were, and no value of a column."""
    plan = make(used, deleting)
    run(used, deleting, plan)
    text = certificate.to_json(told(used, plan.id))
    assert b'"ada' not in text
    assert b'"rare' not in text


def test_a_plan_that_was_not_carried_out_has_none(used: Database, deleting: Steward) -> None:
    """Neither does one that is under way."""
    plan = make(used, deleting)
    with used.read() as session:
        assert certificate.of(plans.row(session, plan.id)) is None
