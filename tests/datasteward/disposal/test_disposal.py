"""Disposal: what hangs on a row goes with it, what may let go does, and bytes are destroyed as often as it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, MetaData, String, Table, insert, select
from support.buckets import silent
from support.seaweed import VERSIONED, Seaweed

from datasteward import tables
from datasteward.catalog import Catalog, is_subject, owned_by, owned_via, record, tag
from datasteward.disposal.disposal import destroy_objects, dispose, promise_object
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import ObjectMissing, ObjectStoreError
from datasteward.keys import FileRootKey, KeyStore, Vault
from datasteward.objects import EncryptedObjects, LocalDirectory, ObjectStore, check_key
from datasteward.objects.s3 import S3Bucket
from datasteward.objects.store import LONGEST_KEY
from gptimages.db import Database
from gptimages.models import Base

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
OPS = tag("system.operations")
OBJECT = tag("user.content.private.image", holds="object")

made = MetaData()
person = Table(
    "person", made, Column("id", String, primary_key=True, info=OPS), info=record("user.account", is_subject("id"))
)
album = Table(
    "album",
    made,
    Column("id", String, primary_key=True, info=OPS),
    Column("who", String, ForeignKey("person.id"), info=OPS),
    info=record("user.account", owned_by("who")),
)
picture = Table(
    "picture",
    made,
    Column("id", String, primary_key=True, info=OPS),
    Column("album", String, ForeignKey("album.id"), nullable=False, info=OPS),
    Column("file", String, info=OBJECT),
    info=record("user.account", owned_via("album")),
)
mark = Table(
    "mark",
    made,
    Column("id", String, primary_key=True, info=OPS),
    Column("who", String, ForeignKey("person.id"), info=OPS),
    Column("picture", String, ForeignKey("picture.id", ondelete="CASCADE"), info=OPS),
    info=record("user.account", owned_by("who")),
)
visit = Table(
    "visit",
    made,
    Column("id", String, primary_key=True, info=OPS),
    Column("who", String, info=OPS),
    Column("album", String, ForeignKey("album.id", ondelete="SET NULL"), info=OPS),
    info=record("user.account", owned_by("who")),
)
CATALOG = Catalog(made, tables.metadata)


@pytest.fixture
def filled(database_url: str) -> Iterator[Database]:
    """Two people with an album of two pictures each, marks on them, and a visit to each album."""
    db = Database(database_url)
    made.create_all(db.engine)
    tables.metadata.create_all(db.engine)
    with db.write() as session:
        for who in ("ada", "ben"):
            session.execute(insert(person), {"id": who})
            session.execute(insert(album), {"id": f"{who}-album", "who": who})
            for n in (1, 2):
                values = {"id": f"{who}-{n}", "album": f"{who}-album", "file": f"{who}/{n}"}
                session.execute(insert(picture), values)
                session.execute(insert(mark), {"id": f"{who}-mark-{n}", "who": who, "picture": f"{who}-{n}"})
            session.execute(insert(visit), {"id": f"{who}-visit", "who": who, "album": f"{who}-album"})
    yield db
    db.close()


def ids(db: Database, table: Table) -> list[str]:
    """The ids of the rows that are left."""
    with db.read() as session:
        return list(session.scalars(select(table.c.id).order_by(table.c.id)))


def waiting(db: Database) -> list[str]:
    """The keys in the outbox."""
    with db.read() as session:
        return list(session.scalars(select(ObjectDisposal.key).order_by(ObjectDisposal.key)))


def test_everything_that_hangs_on_a_row_goes_with_it(filled: Database) -> None:
    """By the foreign keys, at any depth; the answer counts each row once, and nobody else's is touched."""
    with filled.write() as session:
        gone = dispose(session, CATALOG, person, person.c.id == "ada", now=NOW)
    assert gone == {"person": 1, "album": 1, "picture": 2, "mark": 2}
    assert (ids(filled, album), ids(filled, picture), ids(filled, mark)) == (
        ["ben-album"],
        ["ben-1", "ben-2"],
        ["ben-mark-1", "ben-mark-2"],
    )
    assert waiting(filled) == ["ada/1", "ada/2"]


def test_what_may_let_go_stays_and_lets_go(filled: Database) -> None:
    """A row that only may refer stays, with an empty reference."""
    with filled.write() as session:
        dispose(session, CATALOG, album, album.c.id == "ada-album", now=NOW)
    with filled.read() as session:
        left = dict(session.execute(select(visit.c.id, visit.c.album)).all())
    assert left == {"ada-visit": None, "ben-visit": "ben-album"}
    assert ids(filled, person) == ["ada", "ben"]


def test_nothing_goes_when_the_transaction_fails(filled: Database) -> None:
    """Rows and outbox go together or not at all."""

    def failing() -> None:
        with filled.write() as session:
            dispose(session, CATALOG, person, person.c.id == "ada", now=NOW)
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        failing()
    assert len(ids(filled, picture)) == 4
    assert waiting(filled) == []


def test_a_condition_that_nobody_meets_takes_nothing(filled: Database) -> None:
    """An empty set is an empty answer."""
    with filled.write() as session:
        assert dispose(session, CATALOG, person, person.c.id == "cleo", now=NOW) == {}


def test_an_object_is_promised_once(filled: Database) -> None:
    """A key that waits already, or stands in two rows, stands in the outbox once."""
    with filled.write() as session:
        session.execute(insert(picture), {"id": "ada-3", "album": "ada-album", "file": "ada/1"})
        promise_object(session, "ada/2", now=NOW)
        session.flush()
        dispose(session, CATALOG, album, album.c.id == "ada-album", now=NOW)
    assert waiting(filled) == ["ada/1", "ada/2"]


def objects(tmp_path: Path, names: Iterable[str], at: ObjectStore | None = None) -> EncryptedObjects:
    """A real store, a directory unless another is given, with these objects."""
    vault = Vault(KeyStore(f"sqlite:///{tmp_path / 'keys.db'}", FileRootKey.create(tmp_path / "root.key")))
    store = EncryptedObjects(at or LocalDirectory(tmp_path / "objects"), vault)
    vault.create("ada")
    for name in names:
        store.put("ada", name, [b"bytes of a picture"])
    return store


def test_whatever_key_a_store_takes_can_be_promised(filled: Database) -> None:
    """The longest one too: an outbox that is narrower would stop the disposal of its row."""
    key = "a" * LONGEST_KEY
    check_key(key)
    with filled.write() as session:
        promise_object(session, key, now=NOW)
    with filled.read() as session:
        assert session.get(ObjectDisposal, key) is not None


def test_every_column_for_keys_of_objects_is_as_wide_as_a_key() -> None:
    """In the tables of the toolkit and of the service."""
    catalog = Catalog(Base.metadata, tables.metadata)
    columns = [c for each in catalog.tables for c in catalog.objects(each)]
    assert len(columns) >= 5
    assert {c.type.length for c in [*columns, ObjectDisposal.__table__.c.key]} == {LONGEST_KEY}  # type: ignore[attr-defined]


def test_the_bytes_are_destroyed_after_the_rows(filled: Database, tmp_path: Path) -> None:
    """An object of the outbox is gone afterwards; one that was gone before is done with too."""
    store = objects(tmp_path, ["ada/1"])
    with filled.write() as session:
        dispose(session, CATALOG, album, album.c.id == "ada-album", now=NOW)
    with filled.write() as session:
        assert destroy_objects(session, store) == 2
    assert waiting(filled) == []
    with pytest.raises(ObjectMissing):
        store.read("ada", "ada/1")


def test_versions_and_open_uploads_are_destroyed_too(filled: Database, tmp_path: Path, seaweed: Seaweed) -> None:
    """In a bucket that keeps versions nothing of an object is left, also what a killed upload had sent of it."""
    client, prefix = seaweed.client(), seaweed.prefix()
    for data in (b"first", b"second"):
        client.put_object(Bucket=VERSIONED, Key=f"{prefix}/ada/1", Body=data)
    client.create_multipart_upload(Bucket=VERSIONED, Key=f"{prefix}/ada/2")
    with filled.write() as session:
        dispose(session, CATALOG, album, album.c.id == "ada-album", now=NOW)
    with filled.write() as session:
        assert destroy_objects(session, objects(tmp_path, [], S3Bucket(client, VERSIONED, prefix))) == 2
    for listing in (client.list_object_versions, client.list_multipart_uploads):
        assert not {"Versions", "DeleteMarkers", "Uploads"} & listing(Bucket=VERSIONED, Prefix=prefix).keys()


def test_a_store_that_does_not_answer_is_waited_for_once(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction, in which nobody else may write on SQLite, ends then; the object that waited longest is counted."""
    with filled.write() as session:
        dispose(session, CATALOG, person, person.c.id.is_not(None), now=NOW)
    with silent(monkeypatch) as bucket, filled.write() as session:
        assert destroy_objects(session, objects(tmp_path, [], bucket)) == 0
    with filled.read() as session:
        assert sorted(session.scalars(select(ObjectDisposal.attempts))) == [0, 0, 0, 1]


def test_a_transaction_destroys_few_objects(filled: Database, tmp_path: Path) -> None:
    """On SQLite nobody else writes meanwhile: the others are for the next one."""
    with filled.write() as session:
        for number in range(60):
            promise_object(session, f"ada/{number}", now=NOW)
    store = objects(tmp_path, [])
    for done in (50, 10, 0):
        with filled.write() as session:
            assert destroy_objects(session, store) == done


def test_bytes_that_cannot_be_destroyed_now_stay_in_the_outbox(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that fails keeps nothing from being tried again, and the others are destroyed meanwhile."""
    store = objects(tmp_path, ["ada/1", "ada/2"])
    with filled.write() as session:
        dispose(session, CATALOG, album, album.c.id == "ada-album", now=NOW)
    delete = store.delete

    def failing(key: str) -> bool:
        if key == "ada/1":
            raise ObjectStoreError("The object store is away.")
        return delete(key)

    monkeypatch.setattr(store, "delete", failing)
    with filled.write() as session:
        assert destroy_objects(session, store) == 1
    assert waiting(filled) == ["ada/1"]
    monkeypatch.undo()
    with filled.write() as session:
        assert session.scalars(select(ObjectDisposal.attempts)).all() == [1]
        assert destroy_objects(session, store) == 1
    assert waiting(filled) == []
