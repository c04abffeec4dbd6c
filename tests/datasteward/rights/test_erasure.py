"""Erasing one person of a small service: holds, restarts at every step, kept records, the certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, MetaData, String, Table, insert, select
from sqlalchemy.orm import Session
from support.buckets import silent
from support.erasing import asked, number
from support.people import person

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.catalog import owned_by, record, tag
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import (
    CatalogError,
    ErasureUnfinished,
    HoldInTheWay,
    KeyMissing,
    ObjectStoreAway,
    ObjectStoreError,
    RequestStateError,
)
from datasteward.keys import Context
from datasteward.objects import EncryptedObjects
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from datasteward.rights import requests
from datasteward.rights.erasure import STEPS, Erasure, check_kept
from datasteward.rights.scanning import scan
from datasteward.types import Sealed


def small_service() -> MetaData:
    """People, their letters (which go) with an object each, and their invoices (which stay)."""
    metadata = MetaData()
    person(metadata)
    Table(
        "letter",
        metadata,
        Column("id", String(26), primary_key=True, info=tag("system.operations")),
        Column("owner_id", String(26), ForeignKey("person.id", ondelete="CASCADE"), info=tag("user.unique_id")),
        Column("words", Sealed(), info=tag("user.content.private.prompt")),
        Column("object", String(120), info=tag("user.content.private.image", holds="object")),
        info=record("user.content.private.image", owned_by("owner_id")),
    )
    Table(
        "invoice",
        metadata,
        Column("id", String(26), primary_key=True, info=tag("system.operations")),
        Column("subject_id", String(26), info=tag("user.unique_id")),
        info=record("user.financial.transaction", owned_by("subject_id")),
    )
    return metadata


class Erased(Exception):
    """Stands for the process being killed."""


@pytest.fixture
def service(world: Any) -> Any:
    """A small service with nobody in it."""
    return world(small_service())


Joiner = Callable[[], str]


@pytest.fixture
def join(service: Any) -> Joiner:
    """Makes a person with three letters and two invoices."""

    def make() -> str:
        subject, tables = new_id(), service.steward.catalog.table
        service.steward.vault.create(subject)
        with service.write() as session:
            session.execute(insert(tables("person")).values(id=subject))
            for number in range(3):
                row, key = new_id(), f"letter/{subject}/{number}"
                service.steward.objects.put(subject, key, [b"an object of " + subject.encode()])
                box = service.steward.vault.seal(Context(subject, "letter", "words", row), f"dear {subject}")
                session.execute(insert(tables("letter")).values(id=row, owner_id=subject, words=box, object=key))
            for _ in range(2):
                session.execute(insert(tables("invoice")).values(id=new_id(), subject_id=subject))
        return subject

    return make


def test_everything_goes_but_what_law_keeps(service: Any, join: Joiner) -> None:
    """Rows, objects and key are gone, the invoices stay, the certificate counts both and is in the audit log."""
    ines, other = join(), join()
    certificate = Erasure(service.steward, service.write, asked(service, ines), clock=service.clock).run()
    assert certificate.rows == {"letter": 3, "person": 1}
    assert certificate.objects == 3
    assert certificate.kept == {"invoice": 2, "steward_subject_request": 1}
    assert not service.steward.vault.has(ines)
    assert sorted(service.steward.objects.keys("letter/")) == [f"letter/{other}/{n}" for n in range(3)]
    with service.write() as session:
        assert audit.facts(audit.entries(session, acts=["rights.erasure.done"])[0])["objects"] == 3
        assert audit.verify(session).broken_at is None
        assert service.steward.vault.has(other)


@pytest.mark.parametrize("killed_at", STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_step_it_goes_on(service: Any, join: Joiner, killed_at: str, after: bool) -> None:
    """Killed before or after whatever step, the second run ends with the same certificate and the same state."""
    ines, request = join(), None
    request = asked(service, ines)
    words: list[str] = []

    def killed(step: str) -> None:
        at = STEPS.index(killed_at) + after
        if step == STEPS[min(at, len(STEPS) - 1)]:
            raise Erased

    def farewell(_session: Session) -> None:
        words.append("goodbye")

    with pytest.raises(Erased):
        Erasure(service.steward, service.write, request, clock=service.clock, last_words=farewell, told=killed).run()
    if STEPS.index(killed_at) + after <= STEPS.index("rows"):
        assert number(service, "letter") == 3
        assert service.steward.vault.has(ines)
    certificate = Erasure(service.steward, service.write, request, clock=service.clock, last_words=farewell).run()
    assert certificate.rows == {"letter": 3, "person": 1}
    assert certificate.objects == 3
    assert words == ["goodbye"]
    assert not service.steward.vault.has(ines)
    assert list(service.steward.objects.keys(f"letter/{ines}")) == []
    with service.write() as session:
        assert requests.get(session, request).state == "done"
        assert len(audit.entries(session, acts=["rights.erasure.done"])) == 1


@pytest.mark.parametrize("statement", range(1, 14))
def test_a_transaction_that_breaks_changes_nothing(service: Any, join: Joiner, statement: int) -> None:
    """When the database breaks at the n-th commit, what was not committed is as before, and another run finishes."""
    ines = join()
    request, count = asked(service, ines), 0

    class Breaks:
        def __init__(self) -> None:
            self.inner = service.write()

        def __enter__(self) -> Session:
            return self.inner.__enter__()

        def __exit__(self, *raised: Any) -> Any:
            nonlocal count
            count += 1
            if count == statement and raised[0] is None:
                self.inner.__exit__(Erased, Erased(), None)
                raise Erased
            return self.inner.__exit__(*raised)

    try:
        Erasure(service.steward, Breaks, request, clock=service.clock).run()
    except Erased:
        Erasure(service.steward, service.write, request, clock=service.clock).run()
    with service.write() as session:
        left, kept = scan(session, service.steward, ines)
        assert left == {}
        assert kept == {"invoice": 2, "steward_subject_request": 1}


def test_a_hold_blocks_and_its_end_lets_go_on(service: Any, join: Joiner) -> None:
    """Under a legal hold nothing goes and the request says so; when it is lifted the same request is carried out."""
    ines = join()
    request = asked(service, ines)
    with service.write() as session:
        hold = holds.place(
            session,
            service.steward,
            Scope(subject=ines),
            "24-117",
            review_at=service.clock() + timedelta(days=9),
            by="legal",
            now=service.clock(),
        )
    erasure = Erasure(service.steward, service.write, request, clock=service.clock)
    for _ in range(2):
        with pytest.raises(HoldInTheWay):
            erasure.run()
    assert number(service, "letter") == 3
    with service.write() as session:
        assert requests.get(session, request).state == "blocked"
        assert len(audit.entries(session, acts=["rights.erasure.blocked"])) == 1
        holds.lift(session, hold.id, by="legal", now=service.clock())
    assert erasure.run().kept["steward_legal_hold"] == 1


def test_a_hold_placed_in_the_last_moment_still_counts(service: Any, join: Joiner) -> None:
    """A hold that is placed after the erasure began and before rows went stops it with everything in place."""
    ines = join()
    request = asked(service, ines)

    def placing(session: Session) -> None:
        holds.place(
            session,
            service.steward,
            Scope(subject=ines),
            "24-117",
            review_at=service.clock() + timedelta(days=9),
            by="legal",
            now=service.clock(),
        )

    with pytest.raises(HoldInTheWay):
        Erasure(service.steward, service.write, request, clock=service.clock, last_words=placing).run()
    assert number(service, "letter") == 3
    assert service.steward.vault.has(ines)
    with service.write() as session:
        assert requests.get(session, request).state == "blocked"


def test_an_object_that_stays_keeps_the_key(service: Any, join: Joiner, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an object cannot be destroyed the key is not either, and there is no certificate; later both go."""
    ines = join()
    request = asked(service, ines)

    def fails(_key: str) -> bool:
        raise ObjectStoreError("The disk is read-only.")

    erasure = Erasure(service.steward, service.write, request, clock=service.clock)
    with monkeypatch.context() as patch:
        patch.setattr(service.steward.objects, "delete", fails)
        with pytest.raises(ErasureUnfinished):
            erasure.run()
    assert service.steward.vault.has(ines)
    assert erasure.run().objects == 3
    assert number(service, ObjectDisposal.__tablename__) == 0


def test_a_store_that_does_not_answer_is_asked_before_anybody_is_kept_from_writing(
    service: Any, join: Joiner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of any transaction: no attempt is even counted. When it answers, the erasure goes on."""
    ines = join()
    request = asked(service, ines)
    with silent(monkeypatch) as bucket:
        away = replace(service.steward, objects=EncryptedObjects(bucket, service.steward.vault))
        with pytest.raises(ObjectStoreAway):
            Erasure(away, service.write, request, clock=service.clock).run()
    with service.write() as session:
        assert session.scalars(select(ObjectDisposal.attempts)).all() == [0, 0, 0]
    assert service.steward.vault.has(ines)
    assert Erasure(service.steward, service.write, request, clock=service.clock).run().objects == 3


def test_others_write_between_a_few_objects_and_the_next(
    service: Any, join: Joiner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many objects a person has, a transaction destroys few of them."""
    ines = join()
    with service.write() as session:
        letters = service.steward.catalog.table("letter")
        more = [{"id": new_id(), "owner_id": ines, "object": f"letter/{ines}/more{n}"} for n in range(120)]
        session.execute(insert(letters), more)
    destroyed: list[int] = []

    @contextmanager
    def transaction() -> Iterator[Session]:
        destroyed.append(0)
        with service.write() as session:
            yield session

    whole = service.steward.objects.delete

    def counted(key: str) -> bool:
        destroyed[-1] += 1
        return bool(whole(key))

    monkeypatch.setattr(service.steward.objects, "delete", counted)
    assert Erasure(service.steward, transaction, asked(service, ines), clock=service.clock).run().objects == 123
    assert [number for number in destroyed if number] == [50, 50, 23]


def test_what_comes_in_meanwhile_is_found_by_the_scan(service: Any, join: Joiner) -> None:
    """A row that is written while the erasure runs keeps the certificate back, and goes with the next run."""
    ines = join()
    request = asked(service, ines)
    consent = service.steward.catalog.table("steward_consent_record")
    values = {
        "id": new_id(), "subject_id": ines, "purpose": "improve", "kind": "consent", "granted": True, "how": "x",
        "wording": "y", "at": service.clock(),
    }  # fmt: skip

    def late() -> None:
        with service.write() as session:
            session.execute(insert(consent).values(values))

    with pytest.raises(ErasureUnfinished):
        Erasure(service.steward, service.write, request, clock=service.clock, after=late).run()
    assert (
        Erasure(service.steward, service.write, request, clock=service.clock).run().rows["steward_consent_record"] == 1
    )


def test_an_archive_goes_with_its_person(service: Any, join: Joiner) -> None:
    """An archive that stands is destroyed too, though the request that names it is kept."""
    ines = join()
    with service.write() as session:
        export = requests.ask(session, service.steward.policies, ines, "export", country="NO", now=service.clock())
        requests.begin(session, export)
        service.steward.objects.put(ines, "archive/one", [b"everything of her"])
        requests.make_ready(
            session, export, archive="archive/one", size=17, until=service.clock() + timedelta(days=7),
            now=service.clock(), result={"files": 1},
        )  # fmt: skip
    Erasure(service.steward, service.write, asked(service, ines), clock=service.clock).run()
    assert list(service.steward.objects.keys("archive/")) == []


def test_after_the_key_nothing_of_the_person_opens(service: Any, join: Joiner) -> None:
    """What was sealed for the person, copied away before, does not open after the erasure."""
    ines = join()
    with service.write() as session:
        row = session.execute(select(service.steward.catalog.table("letter"))).first()
    Erasure(service.steward, service.write, asked(service, ines), clock=service.clock).run()
    with pytest.raises(KeyMissing):
        service.steward.vault.reveal(Context(ines, "letter", "words", row.id), row.words)


def test_no_byte_of_a_wrapped_key_or_a_row_is_left(service: Any, join: Joiner) -> None:
    """E10: neither the database and its log nor the key store hold a byte of what was sealed, or of the wrapped keys."""
    if service.engine.dialect.name != "sqlite":
        pytest.skip("The server's own files are not ours to read.")
    ines = join()
    with service.write() as session:
        sealed = [
            bytes(row.words.ciphertext) for row in session.execute(select(service.steward.catalog.table("letter")))
        ]
    before = _bytes(service.key_store)
    wrapped = [piece for piece in _pieces(service, ines) if piece in before]
    assert wrapped
    service.forget()
    assert all(box in _bytes(service.database) for box in sealed)
    Erasure(service.steward, service.write, asked(service, ines), clock=service.clock, after=service.forget).run()
    assert not any(box in _bytes(service.database) for box in sealed)
    assert not any(piece in _bytes(service.key_store) for piece in wrapped)


def _bytes(database: Any) -> bytes:
    beside = [database, *(database.with_name(database.name + end) for end in ("-wal", "-journal"))]
    return b"".join(path.read_bytes() for path in beside if path.exists())


def _pieces(service: Any, subject: str) -> list[bytes]:
    """The wrapped keys as the key store has them."""
    import sqlite3

    with sqlite3.connect(service.key_store) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for name in tables for row in connection.execute(f'SELECT * FROM "{name}"') if subject in row]
    connection.close()
    return [value for row in rows for value in row if isinstance(value, bytes) and len(value) > 16]


def test_it_is_not_carried_out_twice_nor_when_taken_back(service: Any, join: Joiner) -> None:
    """A request that is done, or was cancelled, is not carried out."""
    ines, other = join(), join()
    request = asked(service, ines)
    Erasure(service.steward, service.write, request, clock=service.clock).run()
    back = asked(service, other)
    with service.write() as session:
        requests.cancel(session, requests.get(session, back), actor=other, now=service.clock())
    for refused in (request, back):
        with pytest.raises(RequestStateError):
            Erasure(service.steward, service.write, refused, clock=service.clock).run()
    assert number(service, "letter") == 3


def test_a_kept_table_may_not_hang_on_one_that_goes(world: Any) -> None:
    """Policy and schema that contradict each other are refused before anything is erased."""
    metadata = small_service()
    Table(
        "receipt",
        metadata,
        Column("id", String(26), primary_key=True, info=tag("system.operations")),
        Column("owner_id", ForeignKey("person.id", ondelete="CASCADE"), nullable=False, info=tag("user.unique_id")),
        info=record("user.financial.transaction", owned_by("owner_id")),
    )
    with pytest.raises(CatalogError, match="receipt"):
        check_kept(world(metadata).steward)
