"""Backups that are made while the service runs: whole, for their owner alone, and without what must not be in them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from conftest import START
from sqlalchemy import select
from support.backups import Saved, Town, erase, nothing

from datasteward import backup
from datasteward.audit import log as audit
from datasteward.backup import place
from datasteward.errors import BackupError, ObjectStoreError
from datasteward.ledger import LedgerKey
from datasteward.ledger.entries import Head
from datasteward.objects import LocalDirectory
from datasteward.objects.store import Stored
from gptimages import backups, restoring
from gptimages.accounts.models import Account
from gptimages.installation import Installation, open_installation
from gptimages.settings import Settings


def bytes_of(directory: Path) -> bytes:
    """Every byte of every file."""
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def test_the_manifest_says_what_is_there(here: Installation, saved: Saved, town: Town) -> None:
    """Whose it is, of which policy set and revision, how many rows and objects, and the ledger's last entry."""
    manifest = backup.read(saved.service, "service", here.ledger.key)
    assert manifest.policies == here.policies.hash
    assert manifest.ledger == here.ledger.head()
    assert manifest.dialect == here.db.engine.dialect.name
    assert {table.name: table.rows for table in manifest.tables}["account"] == 2
    assert manifest.objects == len(list(here.objects.keys())) == 2
    assert manifest.destroy_by is None
    of_keys = backup.read(saved.keys, "keys", here.ledger.key)
    assert of_keys.installation == manifest.installation
    assert of_keys.destroy_by == here.clock() + here.policies.limits.key_backup_age.span
    assert {table.name: table.rows for table in of_keys.tables}["subject_key"] == 5
    assert town.here is here


def test_every_file_is_for_its_owner_alone(saved: Saved) -> None:
    """Whatever the umask is."""
    for directory in (saved.service, saved.keys):
        paths = [directory, *directory.rglob("*")]
        assert {path.stat().st_mode & 0o077 for path in paths} == {0}


def test_what_must_not_be_in_it_is_not(here: Installation, saved: Saved, town: Town) -> None:
    """No address and no face in the clear, no wrapped key beside the data, and neither the root key nor the ledger."""
    stored = bytes_of(saved.service) + bytes_of(saved.keys)
    assert b"ines@people.example" not in stored
    assert b"the face of Ines" not in stored
    assert b"subject_key" not in bytes_of(saved.service)
    for path in (here.settings.data / "keys").glob("*.key"):
        assert path.read_bytes().splitlines()[1] not in stored
    erase(here, town.ines)
    later = saved.service.with_name("later")
    backups.make(here, later, by="tests", told=nothing)
    assert not list(later.rglob("*.entry"))


def test_a_backup_is_written_down(here: Installation, saved: Saved) -> None:
    """Its beginning and, by the hash of its manifest, its end."""
    with here.db.read() as session:
        made = audit.entries(session, acts=["backup.made"])[-1]
    assert audit.facts(made)["manifest"] == backup.digest_of(saved.service)


def test_nothing_is_overwritten(here: Installation, saved: Saved) -> None:
    """A directory that there is is refused and left as it is."""
    before = bytes_of(saved.service)
    with pytest.raises(BackupError, match="does not exist yet"):
        backups.make(here, saved.service, by="tests", told=nothing)
    assert bytes_of(saved.service) == before


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_operator_who_changes_their_mind_leaves_nothing(tmp_path: Path, interrupt: type[BaseException]) -> None:
    """What was copied so far has no manifest, and no day on which somebody would destroy it."""

    def interrupted(place: Path) -> None:
        (place / "database.sqlite").write_bytes(b"keys")
        raise interrupt

    with pytest.raises(interrupt), backup.making(tmp_path / "one") as made:
        interrupted(made)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "/", "none/one"])
def test_what_is_no_name_for_a_backup_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """And nothing is made."""
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(BackupError, match=r"does not exist yet\.|make it first, or name another\."),
        backup.making(Path(name)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_any_name_belongs_to_the_backup(tmp_path: Path) -> None:
    """One that is called as the directory of objects is, too: changed or lost it is missed."""
    place, key = tmp_path / "one", LedgerKey.create(tmp_path / "ledger.key")
    (place / "tables").mkdir(parents=True)
    (place / "tables" / "objects").write_text("a row")
    manifest = backup.Manifest(
        kind="keys", ledger_key=key.id, installation="", ledger=Head(0, ""), policies="", begun_at=START
    )
    backup.write(place, manifest, key)
    assert [each.name for each in backup.read(place, "keys", key).files] == ["tables/objects"]
    (place / "tables" / "objects").write_text("no row")
    with pytest.raises(BackupError, match="tables/objects of the backup"):
        backup.read(place, "keys", key)


def test_two_at_once_do_no_harm(here: Installation, tmp_path: Path) -> None:
    """The second one is told to wait."""
    target = tmp_path / "one"
    with backup.making(target), pytest.raises(BackupError, match="Another backup"):
        backups.make(here, target, by="tests", told=nothing)
    assert target.exists()


@pytest.mark.parametrize("where", ["database", "objects", "manifest"])
def test_a_full_disk_leaves_nothing(
    here: Installation, town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Whenever the disk is full, one sentence says so, no directory is left, and the next backup is whole."""

    def full(*_given: Any, **_more: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def full_store(*_given: Any) -> int:
        raise ObjectStoreError("The object store is full: make room, then do it again.")

    faults = {"database": (backup, "dump", full), "objects": (LocalDirectory, "put", full_store)}
    target = tmp_path / "full"
    with monkeypatch.context() as patched:
        patched.setattr(*faults.get(where, (place, "_sync", full)))
        with pytest.raises(BackupError, match=r"No backup was made, and nothing of it is left \(.*(space|full)"):
            backups.make(here, target, by="tests", told=nothing)
    assert list(tmp_path.glob("full*")) == []
    backups.make(here, target, by="tests", told=nothing)
    assert backup.read(target, "service", here.ledger.key).objects == 2
    assert town.here is here


def test_it_is_one_state_while_others_write(
    here: Installation, person: Callable[..., Account], elsewhere: Settings, tmp_path: Path
) -> None:
    """People join while the backups are made: whoever is in the copy is there whole, and its audit log verifies."""
    ended = Event()

    def join() -> None:
        while not ended.is_set():
            person()

    with ThreadPoolExecutor(1) as pool:
        joining = pool.submit(join)
        made = [tmp_path / "keys", tmp_path / "service"]
        for make, directory in zip((backups.make_of_keys, backups.make), made, strict=True):
            make(here, directory, by="tests", told=nothing)
        ended.set()
        joining.result()
    restoring.restore(elsewhere, made[1], made[0], told=nothing)
    with closing(open_installation(elsewhere, as_found=True)) as there, there.db.read() as session:
        verdict = audit.verify(session)
        copied = set(session.scalars(select(Account.id)))
    assert verdict.broken_at is None
    with here.db.read() as session:
        assert copied <= set(session.scalars(select(Account.id)))


def test_an_object_that_goes_meanwhile_is_left_out(
    here: Installation, town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was disposed of while the backup was made, and the backup is whole without it."""
    listed = list(here.objects.stored.list())
    gone = Stored("avatar/gone", 1, here.clock())
    monkeypatch.setattr(LocalDirectory, "list", lambda *_given: iter([*listed, gone]))
    manifest = backups.make(here, tmp_path / "made", by="tests", told=nothing)
    assert manifest.objects == len(listed)
    assert town.here is here
