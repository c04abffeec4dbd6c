"""Restoring: what a backup brings back of the erased is gone before anybody is served; what does not belong is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from conftest import START
from sqlalchemy import create_engine, text
from support.backups import BILLED_TO, Saved, Town, erase, nothing, opened, read, restore, rows

from datasteward import backup
from datasteward.audit import log as audit
from datasteward.errors import BackupError, KeyMissing, KeyStoreError, LedgerError
from datasteward.keys import Context, EpochDirectory, FileRootKey, KeyStore, is_empty
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from datasteward.ledger import open_ledger
from datasteward.ledger.store import DirectoryOfEntries
from datasteward.objects import LocalDirectory
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from gptimages import backups, opening, restoring, schema
from gptimages.errors import StartError
from gptimages.installation import open_installation
from gptimages.settings import Settings
from gptimages_jobs import disposal, retention
from gptimages_jobs import keys as keys_job
from gptimages_jobs.scheduler import REF


def test_e11_nothing_of_an_erased_person_can_be_read(erased: Town, saved: Saved, elsewhere: Settings) -> None:
    """E11: an old backup of database and key store, restored and replayed, reads nothing of who was erased since.

    Nothing but what the law has us keep: the name and address on the invoice.
    """
    done = restore(elsewhere, saved)
    assert (done.keys, done.people, done.waiting) == (1, 1, 0)
    with opened(elsewhere) as there:
        assert read(there, erased.ines) == [BILLED_TO]
        assert not there.vault.has(erased.ines)
        assert list(there.objects.keys()) == [f"avatar/{erased.lena}"]
        with pytest.raises(KeyMissing):
            there.vault.seal(Context(erased.ines, "account", "email", erased.ines), b"")
        assert read(there, erased.lena) == ["lena@people.example", "the face of Lena"]
        assert rows(there) == 1
        with there.db.read() as session:
            assert audit.verify(session).broken_at is None
            assert audit.entries(session, limit=1)[0].act == "restore.done"


@pytest.fixture
def outlived(erased: Town) -> Town:
    """The invoice has lived out its term too, and the epoch in which the backups were made has ended."""
    here = erased.here
    here.clock.move(days=40)  # type: ignore[attr-defined]
    keys_job.run(here, REF)
    retention.run(here, REF)
    disposal.run(here, REF)
    here.clock.move(days=7)  # type: ignore[attr-defined]
    keys_job.run(here, REF)
    return erased


def test_e11_after_its_term_an_old_backup_opens_no_invoice(outlived: Town, saved: Saved, elsewhere: Settings) -> None:
    """E11: the row comes back with the database and, under the keys as they are now, does not open."""
    now = saved.keys.with_name("keys-of-today")
    backups.make_of_keys(outlived.here, now, by="tests", told=nothing)
    restoring.restore(elsewhere, saved.service, now, told=nothing)
    with opened(elsewhere) as there:
        assert read(there, outlived.ines) == []
        assert read(there, outlived.lena) == ["lena@people.example", "the face of Lena"]


def test_e11_after_its_term_old_keys_open_nothing(outlived: Town, saved: Saved, elsewhere: Settings) -> None:
    """E11: the key store of the backup lies under an epoch whose key is nowhere any more."""
    with pytest.raises(KeyStoreError, match="keys of epochs are not those of this key store"):
        restore(elsewhere, saved)
    assert outlived.here.vault.has(outlived.lena)


def test_keys_from_before_a_change_of_the_root_key_are_taken_over(
    town: Town, saved: Saved, elsewhere: Settings
) -> None:
    """Else the key store would name the old root key, and no epoch would begin under the one that there is."""
    KeyAdmin(Changing(town.here.vault._store, per_second=1000)).change_root()
    shutil.copy(town.here.settings.data / "keys" / "root.key", elsewhere.data / "keys")
    restore(elsewhere, saved)
    with opened(elsewhere) as there:
        assert KeyAdmin(Changing(there.vault._store, per_second=1000)).begin_epoch()
        assert read(there, town.lena) == ["lena@people.example", "the face of Lena"]


def test_a_dead_backup_of_the_keys_stands_in_no_others_way(outlived: Town, saved: Saved, elsewhere: Settings) -> None:
    """One whose epoch has ended is told before anything is touched, and one of today is restored in its place."""
    now = Saved(saved.service, saved.keys.with_name("keys-of-today"))
    backups.make_of_keys(outlived.here, now.keys, by="tests", told=nothing)
    for _ in range(2):
        with pytest.raises(KeyStoreError, match="keys of epochs are not those of this key store"):
            restore(elsewhere, saved)
        assert not elsewhere.restore_mark.exists()
        assert is_empty(opening.key_store_url(elsewhere))
    restore(elsewhere, now)
    with opened(elsewhere) as there:
        assert read(there, outlived.lena) == ["lena@people.example", "the face of Lena"]


def test_without_the_replay_everything_could_be_read(
    erased: Town, saved: Saved, elsewhere: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What E11 rests on: the backups hold her, and until the ledger is replayed the installation does not open."""

    class Killed(BaseException):
        pass

    def killed(*_given: object, **_more: object) -> backup.Replayed:
        raise Killed

    monkeypatch.setattr(backup, "replay", killed)
    with pytest.raises(Killed):
        restore(elsewhere, saved)
    with pytest.raises(StartError, match="A restore has not ended"):
        open_installation(elsewhere, as_found=True)
    with closing(open_installation(elsewhere, as_found=True, restoring=True)) as there:
        assert read(there, erased.ines) == ["ines@people.example", "the face of Ines", BILLED_TO]


def test_a_key_store_that_is_a_version_ahead_is_told(saved: Saved, elsewhere: Settings) -> None:
    """One that is there when the rest is restored: with what to install, and nothing was restored."""
    url = elsewhere.key_store or f"sqlite:///{elsewhere.data / 'keys' / 'keys.db'}"
    root, epochs = elsewhere.data / "keys" / "root.key", EpochDirectory(Path(elsewhere.epochs or ""))
    KeyStore(url, FileRootKey.load(root), epochs=epochs).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE key_store SET version = 99"))
    engine.dispose()
    with pytest.raises(KeyStoreError, match="newer version"):
        restoring.restore(elsewhere, saved.service, None, told=nothing)
    assert not elsewhere.restore_mark.exists()
    assert not list(elsewhere.data.glob("objects"))


def test_a_hold_that_came_back_keeps_the_rows_and_not_the_key(town: Town, tmp_path: Path, elsewhere: Settings) -> None:
    """A hold that was lifted before the erasure is in the old backup: the key goes all the same, the rows wait for its end."""
    here, now = town.here, town.here.clock()
    with here.db.write() as session:
        until = now + timedelta(days=9)
        hold = holds.place(
            session, here.steward, Scope(subject=town.ines), "24-1", review_at=until, by="legal", now=now
        )
    saved = Saved(tmp_path / "backup", tmp_path / "keys")
    backups.make(here, saved.service, by="tests", told=nothing)
    backups.make_of_keys(here, saved.keys, by="tests", told=nothing)
    with here.db.write() as session:
        holds.lift(session, hold.id, by="legal", now=now)
    erase(here, town.ines)
    done = restore(elsewhere, saved)
    assert (done.keys, done.people, done.waiting) == (1, 0, 1)
    with opened(elsewhere) as there:
        assert not there.vault.has(town.ines)
        assert rows(there) == 2


def test_an_object_that_is_not_as_it_was_copied_is_brought_back(town: Town, saved: Saved, elsewhere: Settings) -> None:
    """One that is damaged and one that is cut short, where the objects were not lost with the database."""
    objects, there = LocalDirectory(town.here.settings.data / "objects"), LocalDirectory(elsewhere.data / "objects")
    for name, subject in (("whole", town.ines), ("short", town.lena)):
        damaged = bytearray(b"".join(objects.get(f"avatar/{subject}")))
        damaged[-1] ^= 1
        there.put(f"avatar/{subject}", [bytes(damaged if name == "whole" else damaged[:-1])])
    restore(elsewhere, saved)
    with opened(elsewhere) as again:
        assert read(again, town.ines) == ["ines@people.example", "the face of Ines", BILLED_TO]
        assert read(again, town.lena) == ["lena@people.example", "the face of Lena"]


def test_a_server_that_refuses_a_row_is_told(town: Town, saved: Saved, elsewhere: Settings) -> None:
    """PostgreSQL says no in the middle of a table: a sentence without a word of the row, and no table has come."""
    if (tables := saved.service / "tables").is_dir():
        manifest = backup.read(saved.service, "service", town.here.ledger.key)
        with (tables / "account").open("a") as file:
            file.write("Ines Halvorsen\n")
        for name in ("manifest.json", "manifest.signature"):
            (saved.service / name).unlink()
        backup.write(saved.service, manifest, town.here.ledger.key)
        with pytest.raises(BackupError, match=r"The restore did not get to its end \(BadCopyFileFormat\)"):
            restore(elsewhere, saved)
        with closing(opening.database_as_it_is(elsewhere)) as db:
            assert schema.revision(db) is None


def test_nothing_is_overwritten(town: Town, saved: Saved) -> None:
    """A database or a key store that is there is refused, and both are as they were."""
    before = read(town.here, town.ines)
    for directory, of_keys in ((saved.service, None), (None, saved.keys)):
        with pytest.raises(BackupError, match=r"is not empty|There is a key store already"):
            restoring.restore(town.here.settings, directory, of_keys, told=nothing)
    assert not town.here.settings.restore_mark.exists()
    assert read(town.here, town.ines) == before


def test_a_missing_key_store_is_told(saved: Saved, elsewhere: Settings) -> None:
    """Instead of making an empty one, under which nothing could ever be read."""
    with pytest.raises(BackupError, match="key store is missing"):
        restoring.restore(elsewhere, saved.service, None, told=nothing)
    assert not elsewhere.restore_mark.exists()


def test_a_backup_of_another_installation_is_refused(saved: Saved, elsewhere: Settings, tmp_path: Path) -> None:
    """The manifest is signed by another ledger's key."""
    other = tmp_path / "other"
    (other / "keys").mkdir(parents=True)
    given = msgspec.structs.replace(elsewhere, data=other, ledger=str(tmp_path / "other-ledger"))
    opened = open_ledger(DirectoryOfEntries(tmp_path / "other-ledger"), given.ledger_key_file, now=START)
    assert opened.head().number == 0
    for kind in ((saved.service, None), (None, saved.keys)):
        with pytest.raises(BackupError, match="another installation"):
            restoring.restore(given, *kind, told=nothing)
    assert not given.restore_mark.exists()


def lose(settings: Settings) -> None:
    """The place of the ledger is not mounted."""
    shutil.rmtree(settings.ledger_directory)


def cut(settings: Settings) -> None:
    """The last entry is gone."""
    max(settings.ledger_directory.iterdir()).unlink()


def change(settings: Settings) -> None:
    """A byte of it is changed."""
    last = max(settings.ledger_directory.iterdir())
    last.write_bytes(last.read_bytes().replace(b"erasure", b"Erasure"))


def lose_key(settings: Settings) -> None:
    """Its key is not there."""
    settings.ledger_key_file.unlink()


@pytest.mark.parametrize("spoil", [lose, cut, change, lose_key])
def test_a_ledger_that_cannot_be_trusted_stops_it(
    erased: Town, tmp_path: Path, elsewhere: Settings, spoil: Callable[[Settings], None]
) -> None:
    """Not reached, shorter than the backup says, changed, or without its key: one sentence, and nothing was restored."""
    later = Saved(tmp_path / "later", tmp_path / "later-keys")
    backups.make(erased.here, later.service, by="tests", told=nothing)
    backups.make_of_keys(erased.here, later.keys, by="tests", told=nothing)
    spoil(elsewhere)
    with pytest.raises(LedgerError) as told:
        restore(elsewhere, later)
    assert len(str(told.value).splitlines()) == 1
    assert not elsewhere.restore_mark.exists()
    assert not (elsewhere.data / "gptimages.db").exists()


def test_a_spoilt_backup_is_refused_before_anything_is_touched(saved: Saved, elsewhere: Settings) -> None:
    """A file changed, cut short or missing, an object changed, the manifest changed: each is found by its hash."""
    paths = sorted(path for path in saved.service.rglob("*") if path.is_file())
    assert len(paths) > 4
    for path in paths:
        whole = path.read_bytes()
        for spoilt in (whole[:-1] + b"?", whole[: len(whole) // 2]):
            if spoilt == whole:
                continue
            path.write_bytes(spoilt)
            with pytest.raises(BackupError):
                restore(elsewhere, saved)
        path.write_bytes(whole)
    assert not elsewhere.restore_mark.exists()
    restore(elsewhere, saved)


@pytest.mark.parametrize("which", ["service", "keys"])
def test_a_backup_that_is_a_version_ahead_is_refused(town: Town, saved: Saved, elsewhere: Settings, which: str) -> None:
    """With what to install, and nothing was restored."""
    place = getattr(saved, which)
    manifest = backup.read(place, which, town.here.ledger.key)  # type: ignore[arg-type]
    for name in ("manifest.json", "manifest.signature"):
        (place / name).unlink()
    backup.write(place, msgspec.structs.replace(manifest, revision="9999"), town.here.ledger.key)
    with pytest.raises(BackupError, match="newer version"):
        restore(elsewhere, saved)
    assert not elsewhere.restore_mark.exists()
