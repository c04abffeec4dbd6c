"""Backups that somebody has put back without our command are not opened before the ledger is replayed."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from support.backups import Saved, Town, erase, nothing, opened, restore

from datasteward import backup
from datasteward.keys import Vault
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from datasteward.rights import requests
from gptimages import backups, opening, restoring
from gptimages.errors import StartError
from gptimages.installation import Installation, open_installation
from gptimages.settings import Settings
from gptimages_jobs import erase as erase_job


def test_a_database_put_back_by_hand_is_not_opened(erased: Town, saved: Saved, elsewhere: Settings) -> None:
    """Without our command too: a database that is older than the ledger is refused, until the ledger is replayed."""
    restore(elsewhere, saved)
    there = erased.here
    manifest = backup.read(saved.service, "service", there.ledger.key)
    with closing(open_installation(elsewhere, as_found=True)) as again, again.db.write() as session:
        entries = "DELETE FROM steward_audit_entry WHERE act IN ('ledger.entered', 'ledger.replayed')"
        session.execute(text(entries))
        session.execute(text("DELETE FROM steward_subject_request"))
    assert manifest.ledger.number == 0
    with pytest.raises(StartError, match="older than the erasure ledger"):
        open_installation(elsewhere, as_found=True)
    assert restoring.restore(elsewhere, None, None, told=nothing).keys == 0
    open_installation(elsewhere, as_found=True).close()


def test_backups_of_a_time_when_a_hold_was_in_the_way_are_not_opened(
    town: Town, tmp_path: Path, elsewhere: Settings
) -> None:
    """In them the erasure is blocked, which is not under way: the key is back, and nobody would destroy it."""
    here, now = town.here, town.here.clock()
    with here.db.write() as session:
        scope, review = Scope(subject=town.ines), now + timedelta(days=9)
        hold = holds.place(session, here.steward, scope, "24-1", review_at=review, by="legal", now=now)
    erase(here, town.ines)
    saved = Saved(tmp_path / "backup", tmp_path / "keys")
    backups.make(here, saved.service, by="tests", told=nothing)
    backups.make_of_keys(here, saved.keys, by="tests", told=nothing)
    with here.db.write() as session:
        holds.lift(session, hold.id, by="legal", now=now)
        blocked = requests.last(session, town.ines, "erasure")
    assert blocked is not None
    erase_job.run(here, blocked.id)
    assert not here.vault.has(town.ines)
    restoring._restore_keys(elsewhere, saved.keys, backup.read(saved.keys, "keys", here.ledger.key))
    restoring._restore_database(elsewhere, saved.service, backup.read(saved.service, "service", here.ledger.key))
    with pytest.raises(StartError, match="older than the erasure ledger"):
        open_installation(elsewhere, as_found=True)
    restoring.restore(elsewhere, None, None, told=nothing)
    with opened(elsewhere) as there:
        assert not there.vault.has(town.ines)


def test_a_key_store_put_back_by_hand_is_not_opened(
    here: Installation, erased: Town, saved: Saved, any_settings: Settings
) -> None:
    """The database is the newest, and the key store brings a destroyed key back: refused, until the key is gone again."""
    (key_file := any_settings.data / "keys" / "kept.db").touch(mode=0o600)
    source = msgspec.structs.replace(any_settings, key_store=f"sqlite:///{key_file}")
    if here.db.engine.dialect.name == "sqlite":
        shutil.copy(saved.keys / "database.sqlite", key_file)
    else:
        source = msgspec.structs.replace(source, epochs=str(any_settings.data / "keys" / "other-epochs"))
        with closing(Vault(opening.key_store(source, here.clock, new=True))) as vault:
            vault.create(erased.ines)
    with pytest.raises(StartError, match="key store is older than the erasure ledger"):
        open_installation(source, as_found=True)
    alone = 0 if here.db.engine.dialect.name == "sqlite" else 1  # the new key store knows Ines, and not Lena
    assert restoring.restore(source, None, None, told=nothing) == backup.Replayed(1, 0, 0, 0, alone)
    with closing(open_installation(source, as_found=True)) as there:
        assert not there.vault.has(erased.ines)
