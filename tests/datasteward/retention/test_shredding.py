"""A rule that shreds: keys are promised in the run and destroyed after it, once, unless a hold keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.killing import Killed
from support.retention_actions import USAGE, Ruled, promised, shredding
from support.retention_tables import METADATA, NOW, ago, ids, make, of, people, person, rule, run, told

from datasteward.base import new_id
from datasteward.disposal.keys import destroy_keys
from datasteward.disposal.models import KeyDisposal
from datasteward.errors import KeyMissing, PolicyError
from datasteward.keys import Context
from datasteward.retention import holds
from datasteward.retention.applying import apply
from datasteward.retention.scope import Scope
from datasteward.steward import Steward
from gptimages.db import Database

Closing = tuple[Database, str, str]


@pytest.fixture
def closing(small_db: Database, steward: Steward) -> Closing:
    """Two people whose names are sealed under their keys: who closed the account long ago, and who did just now."""
    closed, there = new_id(), new_id()
    for name, days in ((closed, 31), (there, 29)):
        steward.vault.create(name)
        box = steward.vault.seal(Context(name, "person", "name", name), "a name")
        people(small_db, name, closed_at=ago(days), name=box)
    return small_db, closed, there


def opened(steward: Steward, db: Database, name: str) -> str:
    """What stands sealed in the person's row."""
    with db.read() as session:
        box = session.scalar(select(person.c.name).where(person.c.id == name))
    assert box is not None
    return steward.vault.reveal_text(Context(name, "person", "name", name), box)


def test_keys_are_promised_in_the_run_and_destroyed_after_it(closing: Closing, ruled: Ruled) -> None:
    """Until then the row can be read; then it stays and cannot be, and the row of the other person still can."""
    db, closed, there = closing
    steward = shredding(ruled)
    plan = make(db, steward)
    assert (of(plan, "person").action, of(plan, "person").goes, plan.bytes, plan.people) == ("shred", 1, 0, 1)
    assert run(db, steward, plan).deeds == {"shredded": {"person": 1}}
    in_backups = steward.policies.encryption.schedule.unreadable_in_backups(steward.vault.epoch_begun(), NOW)
    assert told(db, plan.id).unreadable_in_backups_at == in_backups
    assert promised(db) == [closed]
    assert opened(steward, db, closed) == "a name"
    with db.write() as session:
        assert destroy_keys(session, steward.vault, now=NOW) == 1
        assert destroy_keys(session, steward.vault, now=NOW) == 0
    assert promised(db) == []
    with pytest.raises(KeyMissing):
        opened(steward, db, closed)
    assert opened(steward, db, there) == "a name"
    assert sorted(ids(db, person)) == sorted([closed, there])


def test_who_is_promised_is_not_due_again(closing: Closing, ruled: Ruled) -> None:
    """Neither before nor after the key is destroyed."""
    db, _, _ = closing
    steward = shredding(ruled)
    run(db, steward, make(db, steward))
    assert make(db, steward).due == 0
    with db.write() as session:
        destroy_keys(session, steward.vault, now=NOW)
    assert make(db, steward).due == 0


def test_a_promise_is_kept_only_if_the_transaction_is(closing: Closing, ruled: Ruled) -> None:
    """Undone with the batch that made it; the next run makes it again, once."""
    db, closed, _ = closing
    steward = shredding(ruled)
    plan = make(db, steward)

    @contextmanager
    def undone() -> Iterator[Session]:
        with db.write() as session:
            yield session
            if session.scalar(select(KeyDisposal.subject_id)):
                raise Killed

    with pytest.raises(Killed):
        apply(undone, steward, plan, by="tests", clock=lambda: NOW)
    assert promised(db) == []
    run(db, steward, plan)
    assert promised(db) == [closed]


def test_a_hold_on_the_person_keeps_the_key(closing: Closing, ruled: Ruled) -> None:
    """It is due and held; lifted, it goes with the next plan."""
    db, closed, _ = closing
    steward = shredding(ruled)
    with db.write() as session:
        who, review = Scope(subject=closed), NOW + timedelta(days=9)
        hold = holds.place(session, steward, who, "24-117", review_at=review, by="staff", now=NOW)
    plan = make(db, steward)
    assert (plan.due, plan.held, plan.goes) == (1, 1, 0)
    run(db, steward, plan)
    assert promised(db) == []
    with db.write() as session:
        holds.lift(session, hold.id, by="staff", now=NOW)
    run(db, steward, make(db, steward))
    assert promised(db) == [closed]


def test_a_rule_that_would_shred_what_is_no_people_is_refused(small_db: Database, ruled: Ruled) -> None:
    """A key is a person's: the sentence says what to do instead."""
    steward = ruled({"use": rule("use", USAGE, action="shred")}, metadata=METADATA)
    with pytest.raises(PolicyError, match=r"would destroy keys by way of visit, whose rows are no people.*delete the"):
        make(small_db, steward)
