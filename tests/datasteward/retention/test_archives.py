"""A rule that archives: groups of enough people are kept as counts, encrypted and written once; the rows go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy.orm import Session
from support.killing import Killed
from support.retention_actions import CROWD, USAGE, Ruled, archived
from support.retention_tables import METADATA, NOW, ids, make, of, people, rule, run, told, visits

from datasteward.errors import DecryptionFailed, PolicyError
from datasteward.retention import archiving, holds
from datasteward.retention.applying import apply
from datasteward.retention.result import Archived
from datasteward.retention.scope import Scope
from datasteward.steward import Steward
from gptimages.db import Database


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
