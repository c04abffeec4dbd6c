"""What rules do other than deleting: archives of groups, keys destroyed, columns made anonymous by each method."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, event, insert, select
from sqlalchemy.orm import Session
from support.retention_tables import (
    METADATA,
    NOW,
    ago,
    by_methods,
    ids,
    make,
    of,
    people,
    person,
    rows,
    rule,
    run,
    step,
    visit,
    visits,
)

from datasteward import tables
from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.disposal.keys import destroy_keys
from datasteward.disposal.models import KeyDisposal
from datasteward.errors import DecryptionFailed, KeyMissing, PolicyError
from datasteward.keys import Context
from datasteward.policy import Method
from datasteward.retention import archiving, certificate, holds, plans, states
from datasteward.retention.applying import apply
from datasteward.retention.certificate import Certificate
from datasteward.retention.plan import Plan
from datasteward.retention.result import Archived, outcome
from datasteward.retention.scope import Scope
from datasteward.steward import Steward
from gptimages.db import Database

Ruled = Callable[..., Steward]
Closing = tuple[Database, str, str]
USAGE = "user.behavior.usage"
CROWD = [f"guest{number}" for number in range(5)]


class Killed(BaseException):
    """The process ended here."""


def archived(ruled: Ruled, **more: Any) -> Steward:
    """Visits are archived by kind and month after thirty days."""
    how = {"kind": "as_is", "at": "month"}
    return ruled({"use": rule("use", USAGE, action="archive", generalise=how, **more)}, metadata=METADATA)


@pytest.fixture
def crowded(small_db: Database) -> Database:
    """Five people with a visit of one kind and month each, one of them with two; and one person with a kind of her own."""
    people(small_db, *CROWD, "zoe")
    for number, name in enumerate(CROWD):
        visits(small_db, name, [number], kind="look")
    visits(small_db, CROWD[0], [10], kind="look")
    visits(small_db, "zoe", [11, 12], kind="secret-kind")
    visits(small_db, "zoe", [13], days=1, kind="look")
    return small_db


def told(db: Database, plan_id: str) -> Certificate:
    """The certificate of the plan."""
    with db.read() as session:
        found = certificate.of(plans.row(session, plan_id))
    assert found is not None
    return found


def archive_of(db: Database, steward: Steward, plan_id: str) -> bytes:
    """The bytes of the plan's one archive."""
    (line,) = told(db, plan_id).lines
    assert line.archive is not None
    return b"".join(archiving.read(steward, line.archive))


def test_groups_of_enough_people_are_archived_and_the_rows_go(crowded: Database, ruled: Ruled) -> None:
    """The archive opens again as a head and a line for each group of at least k people; the rest is counted and in no byte."""
    steward = archived(ruled)
    plan = make(crowded, steward)
    assert (of(plan, "visit").action, of(plan, "visit").goes) == ("archive", 8)
    assert run(crowded, steward, plan).deleted == {"visit": 8}
    assert ids(crowded) == [13]
    head, *lines = archive_of(crowded, steward, plan.id).splitlines()
    assert msgspec.json.decode(head) == {
        "table": "visit",
        "rule": "use",
        "policy_hash": plan.policy_hash,
        "as_of": "2026-11-22T10:00:00Z",
        "k": 5,
        "columns": {"at": "month", "kind": "as_is"},
    }
    assert [msgspec.json.decode(line) for line in lines] == [
        {"at": "2026-08-01T00:00:00Z", "kind": "look", "records": 6}
    ]
    assert b"secret-kind" not in archive_of(crowded, steward, plan.id)
    assert not any(name.encode() in archive_of(crowded, steward, plan.id) for name in (*CROWD, "zoe"))


def test_the_certificate_names_the_archive(crowded: Database, ruled: Ruled) -> None:
    """Where it lies, how many groups of how many people it has, and how many rows are in none."""
    steward = archived(ruled)
    plan = make(crowded, steward)
    run(crowded, steward, plan)
    (line,) = told(crowded, plan.id).lines
    assert line.archive == Archived(key=f"retention-archive/{plan.id}/0.jsonl", k=5, groups=1, suppressed=2)
    assert (line.method, line.rows) == ("counts of groups archived, rows deleted", 8)


def test_an_archive_lies_encrypted(crowded: Database, ruled: Ruled) -> None:
    """What the object directory holds does not open without the key of the archives."""
    steward = archived(ruled)
    plan = make(crowded, steward)
    run(crowded, steward, plan)
    steward.vault.create("somebody")
    with pytest.raises(DecryptionFailed):
        steward.objects.read("somebody", f"retention-archive/{plan.id}/0.jsonl")


def test_a_group_of_people_under_k_is_in_no_archive_however_many_rows_it_has(small_db: Database, ruled: Ruled) -> None:
    """Four people with a hundred visits make no line."""
    people(small_db, *CROWD[:4])
    for number, name in enumerate(CROWD[:4]):
        visits(small_db, name, range(number * 25, number * 25 + 25), kind="look")
    steward = archived(ruled)
    plan = make(small_db, steward)
    run(small_db, steward, plan)
    (line,) = told(small_db, plan.id).lines
    assert (line.archive.groups, line.archive.suppressed) == (0, 100)  # type: ignore[union-attr]
    assert len(archive_of(small_db, steward, plan.id).splitlines()) == 1


def test_what_a_hold_keeps_is_in_no_archive(crowded: Database, ruled: Ruled) -> None:
    """A held row stays, and is not counted in a group of those that went: four others are too few."""
    steward = archived(ruled)
    with crowded.write() as session:
        who, review = Scope(subject=CROWD[1]), NOW + timedelta(days=9)
        holds.place(session, steward, who, "24-117", review_at=review, by="staff", now=NOW)
    plan = make(crowded, steward)
    run(crowded, steward, plan)
    (line,) = told(crowded, plan.id).lines
    assert (line.rows, line.archive.groups, line.archive.suppressed) == (7, 0, 7)  # type: ignore[union-attr]
    assert ids(crowded) == [1, 13]


@pytest.mark.parametrize("batch", [3, 1000])
def test_an_archive_is_written_once_when_the_run_is_killed_after_it(
    crowded: Database, ruled: Ruled, batch: int
) -> None:
    """Killed between the object and the commit, the run writes the same object again, and ends as it would have."""
    steward = archived(ruled)
    steward = ruled(dict(steward.policies.retention), metadata=METADATA, batch=batch)
    plan = make(crowded, steward)
    before = set(steward.objects.keys())
    first: list[bytes] = []

    @contextmanager
    def killed() -> Iterator[Session]:
        with crowded.write() as session:
            yield session
            if written := set(steward.objects.keys()) - before:
                first.append(b"".join(steward.objects.open(steward.vault.standing(archiving.OWNER), written.pop())))
                raise Killed

    with pytest.raises(Killed):
        apply(killed, steward, plan, by="tests", clock=lambda: NOW)
    assert len(ids(crowded)) == 9
    run(crowded, steward, plan)
    assert set(steward.objects.keys()) - before == {f"retention-archive/{plan.id}/0.jsonl"}
    assert archive_of(crowded, steward, plan.id) == first[0]
    assert ids(crowded) == [13]


def test_an_archive_is_whole_when_the_run_is_killed_between_batches(crowded: Database, ruled: Ruled) -> None:
    """What the first batch took is in it, and it is not written again without."""
    steward = ruled(dict(archived(ruled).policies.retention), metadata=METADATA, batch=3)
    plan = make(crowded, steward)

    def stop(_done: int, _all: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        apply(crowded.write, steward, plan, by="tests", clock=lambda: NOW, progress=stop)
    assert len(ids(crowded)) == 6
    run(crowded, steward, plan)
    assert b'"records":6' in archive_of(crowded, steward, plan.id)
    assert told(crowded, plan.id).lines[0].rows == 8


def test_an_archive_of_a_column_that_there_is_not_is_refused(small_db: Database, ruled: Ruled) -> None:
    """Before anything is counted."""
    steward = ruled({"use": rule("use", USAGE, action="archive", generalise={"colour": "as_is"})}, metadata=METADATA)
    with pytest.raises(PolicyError, match="The rule use would archive colour, which visit does not have"):
        make(small_db, steward)


def shredding(ruled: Ruled, **more: Any) -> Steward:
    """The keys of people go thirty days after their account was closed."""
    return ruled({"keys": rule("keys", "user.account", action="shred", clock="closed", **more)}, metadata=METADATA)


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


def promised(db: Database) -> list[str]:
    """The people whose key is promised to destruction and not destroyed."""
    with db.read() as session:
        return list(session.scalars(select(KeyDisposal.subject_id).where(KeyDisposal.done_at.is_(None))))


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


def method(name: Any, **more: Any) -> Method:
    """A method of anonymisation."""
    return Method(method=name, why="test", source="test", **more)


METHODS = {
    "user.device.ip_address": method("truncate_ip", v4=24, v6=48),
    "user.device.user_agent": method("fixed", value="a browser"),
    "user.authorization.token": method("keyed_hash"),
    "user.behavior.engagement": method("coarse_time", to="day"),
}


def anonymising(ruled: Ruled, *categories: str, **more: Any) -> Steward:
    """Columns of these categories of visits become anonymous after thirty days, by METHODS."""
    use = rule("use", USAGE, action="anonymise", anonymise=categories or tuple(METHODS))
    return by_methods(ruled({"use": use}, metadata=METADATA, **more), METHODS)


@pytest.fixture
def seen(small_db: Database) -> Database:
    """Five visits of which the last is young."""
    people(small_db, "ada")
    for number, address in enumerate(("203.0.113.9", "2001:db8:1:2::3", None, "no address", "203.0.113.9")):
        days = 1 if number == 4 else 100
        token = f"token-{number % 2}" if number != 2 else None
        visits(
            small_db,
            "ada",
            [number],
            days=days,
            address=address,
            token=token,
            browser=f"browser {number}",
            seen_at=ago(days) + timedelta(minutes=17),
            kind="look",
        )
    return small_db


def column(db: Database, name: str) -> list[object]:
    """The column's values, by visit."""
    return [getattr(row, name) for row in rows(db, visit)]


def test_each_method_of_the_policies_is_carried_out(seen: Database, ruled: Ruled) -> None:
    """By category, all columns of a row at once: addresses lose their end, times their hour, tokens their meaning."""
    steward = anonymising(ruled)
    plan = make(seen, steward)
    assert of(plan, "visit").columns == ("address", "browser", "token", "seen_at")
    assert run(seen, steward, plan).anonymised == {"visit": plan.rows} == {"visit": 4}
    assert column(seen, "address") == ["203.0.113.0", "2001:db8:1::", None, None, "203.0.113.9"]
    assert column(seen, "browser") == ["a browser"] * 4 + ["browser 4"]
    day = ago(100).replace(hour=0)
    assert column(seen, "seen_at") == [day, day, day, day, ago(1) + timedelta(minutes=17)]
    first, second, none, third, young = map(str, column(seen, "token"))
    assert re.fullmatch("hmac:[0-9a-f]{64}", first)
    assert re.fullmatch("hmac:[0-9a-f]{64}", second)
    assert (first != second, second, none, young) == (True, third, "None", "token-0")
    assert column(seen, "kind") == ["look"] * 5


@pytest.mark.parametrize(
    ("category", "rows_due"),
    [
        ("user.device.ip_address", 3),
        ("user.device.user_agent", 4),
        ("user.authorization.token", 3),
        ("user.behavior.engagement", 4),
        ("user.device", 4),
    ],
)
def test_a_plan_counts_what_a_run_changes_and_then_nothing_is_due(
    seen: Database, ruled: Ruled, category: str, rows_due: int
) -> None:
    """Only rows in which the column is not anonymous yet are due; after the run, none, and the certificate is clean."""
    steward = anonymising(ruled, category)
    plan = make(seen, steward)
    assert (plan.due, plan.rows) == (rows_due, rows_due)
    assert run(seen, steward, plan).rows == rows_due
    assert told(seen, plan.id).clean
    before = rows(seen, visit)
    again = make(seen, steward)
    assert again.due == 0
    run(seen, steward, again)
    assert rows(seen, visit) == before


def test_pseudonyms_of_a_run_are_told_from_those_of_another(seen: Database, ruled: Ruled) -> None:
    """The key of a run is kept nowhere: the same token, anonymised by two runs, becomes two pseudonyms."""
    steward = anonymising(ruled, "user.authorization.token")
    run(seen, steward, make(seen, steward))
    first = column(seen, "token")[0]
    visits(seen, "ada", [9], token="token-0")
    run(seen, steward, make(seen, steward))
    assert column(seen, "token")[0] == first
    assert column(seen, "token")[-1] not in (first, "token-0")


def test_batches_of_one_run_share_its_pseudonyms(seen: Database, ruled: Ruled) -> None:
    """However small the batches, equal tokens stay equal."""
    steward = anonymising(ruled, "user.authorization.token", batch=1)
    assert run(seen, steward, make(seen, steward)).rows == 3
    assert column(seen, "token")[1] == column(seen, "token")[3]


ACTIONS: dict[str, Callable[[Ruled], Steward]] = {
    "delete": lambda ruled: ruled({"use": rule("use", USAGE)}, metadata=METADATA, batch=2),
    "archive": lambda ruled: ruled(dict(archived(ruled).policies.retention), metadata=METADATA, batch=3),
    "shred": lambda ruled: ruled(dict(shredding(ruled).policies.retention), metadata=METADATA, batch=1),
    "anonymise": lambda ruled: anonymising(ruled, "user.device", "user.behavior.engagement", batch=2),
}


def fill(db: Database) -> None:
    """Six people who closed their account, a visit of each with a step, and a visit that is young."""
    with db.write() as session:
        for table in (step, visit, person):
            session.execute(table.delete())
        session.execute(delete(KeyDisposal))
    people(db, *CROWD, "zoe", closed_at=ago(40))
    for number, name in enumerate((*CROWD, "zoe")):
        visits(db, name, [number], kind="look", address="203.0.113.9", seen_at=ago(100))
    visits(db, "zoe", [9], days=1, kind="look")
    with db.write() as session:
        session.execute(insert(step), [{"visit_id": number, "place": 1} for number in range(6)])


def state(db: Database) -> tuple[object, ...]:
    """Everything that a run may change in the small tables, and the keys promised."""
    return (*(rows(db, table) for table in (person, visit, step)), sorted(promised(db)))


@pytest.mark.parametrize("action", ACTIONS)
def test_a_kill_between_any_two_statements_ends_in_the_same_state(tmp_path: Path, ruled: Ruled, action: str) -> None:
    """Killed before its first statement, its second, and so on, a run that is taken up again ends as if never killed."""
    steward = ACTIONS[action](ruled)
    db = Database(f"sqlite:///{tmp_path / 'killed.db'}")
    tables.metadata.create_all(db.engine)
    METADATA.create_all(db.engine)
    expected = None
    for at in range(10_000):  # 0: a run that nobody kills
        fill(db)
        plan = make(db, steward)
        assert plan.rows > 0
        if not killed_at(db, steward, plan, at) and at:
            break
        with db.read() as session:
            stored = plans.row(session, plan.id)
        if stored.state != states.APPLIED:
            run(db, steward, plan)
        expected = expected or state(db)
        assert state(db) == expected
        with db.read() as session:
            result, entries = outcome(plans.row(session, plan.id)), audit.entries(session, acts=["retention.applied"])
        assert result is not None
        assert result.rows == plan.rows
        assert sum(audit.facts(entry)["plan"] == plan.id for entry in entries) == 1
        assert told(db, plan.id).clean
    assert at > 20
    db.close()


def killed_at(db: Database, steward: Steward, plan: Plan, at: int) -> bool:
    """Runs the plan, and kills it before its statement `at` (counted from 1; 0: never); whether it was."""
    count = 0

    def kill(*_: object) -> None:
        nonlocal count
        count += 1
        if count == at:
            raise Killed

    event.listen(db.engine, "before_cursor_execute", kill)
    try:
        run(db, steward, plan)
    except Killed:
        return True
    finally:
        event.remove(db.engine, "before_cursor_execute", kill)
    return False
