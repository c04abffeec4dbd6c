"""The service and its key store: what is lost is told, and nothing new is made in its place."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import ROOT, Clock
from support.killing import Killed, Killer

from datasteward.backup import is_empty as is_empty_database
from datasteward.base import new_id
from datasteward.errors import BackupError, KeyStoreError, LedgerError, RootKeyError
from datasteward.keys import FileRootKey, is_empty
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from gptimages import opening, restoring
from gptimages.errors import StartError
from gptimages.installation import open_installation
from gptimages.settings import Settings

GONE = "The key store is not where it was"


def test_a_lost_key_store_is_not_made_anew(
    any_settings: Settings, clock: Clock, new_database: Callable[[], str], tmp_path: Path
) -> None:
    """An empty one in its place would look like a shredding of everybody; with it back in its place the service opens.

    However it was lost: by a wrong setting of its own, and with the keys of epochs too.
    """
    open_installation(any_settings, clock).close()
    url = new_database()
    other = msgspec.structs.replace(any_settings, key_store=url)
    for wrong in (other, msgspec.structs.replace(other, epochs=str(tmp_path / "epochs"))):
        for as_found in (False, True):
            with pytest.raises(KeyStoreError, match=GONE):
                open_installation(wrong, clock, as_found=as_found)
        assert is_empty(url)
    assert not list(tmp_path.glob("*.db"))
    assert not (tmp_path / "epochs").exists()
    open_installation(any_settings, clock).close()


def test_a_lost_directory_of_keys_is_not_made_anew(settings: Settings, clock: Clock) -> None:
    """Root key, ledger's key, key store and keys of epochs at once: nothing new is made, with the ledger's key back
    neither, and with all of them back the service opens."""
    open_installation(settings, clock).close()
    keys, kept = settings.data / "keys", settings.data / "kept"
    keys.rename(kept)
    for _ in range(2):
        with pytest.raises(KeyStoreError, match=GONE):
            open_installation(settings, clock)
        assert not keys.exists()
    keys.mkdir(mode=0o700)
    shutil.copy(kept / "ledger.key", keys)
    with pytest.raises(KeyStoreError, match=GONE):
        open_installation(settings, clock)
    assert [path.name for path in keys.iterdir()] == ["ledger.key"]
    shutil.rmtree(keys)
    kept.rename(keys)
    open_installation(settings, clock).close()


@pytest.mark.parametrize("left", ["database", "ledger"])
def test_database_and_ledger_each_tell_that_there_were_keys(settings: Settings, clock: Clock, left: str) -> None:
    """Whichever of the two is left."""
    open_installation(settings, clock).close()
    shutil.rmtree(settings.data / "keys")
    assert settings.ledger_directory is not None
    if left == "database":
        shutil.rmtree(settings.ledger_directory)
    else:
        (settings.data / "gptimages.db").unlink()
    with pytest.raises(KeyStoreError, match=GONE):
        open_installation(settings, clock)
    assert not (settings.data / "keys").exists()


def test_a_lost_database_is_not_made_anew(
    any_settings: Settings, clock: Clock, new_database: Callable[[], str], backend: str
) -> None:
    """Somebody has keys, so there was one: an empty one in its place would take up other people under the same keys.

    A restore of nothing is refused too. With it back in its place the service opens.
    """
    with closing(open_installation(any_settings, clock)) as here:
        here.vault.create(new_id())
    other = msgspec.structs.replace(any_settings, database=new_database() if backend == "postgresql" else None)
    kept = any_settings.data / "kept.db"
    if backend == "sqlite":
        (any_settings.data / "gptimages.db").rename(kept)
    for as_found in (False, True):
        with pytest.raises(StartError, match="The database is not where it was"):
            open_installation(other, clock, as_found=as_found)
    with pytest.raises(BackupError, match="The database is missing"):
        restoring.restore(other, None, None, told=str)
    if backend == "sqlite":
        assert not list(any_settings.data.glob("gptimages.db*"))
        kept.rename(any_settings.data / "gptimages.db")
    else:
        with closing(opening.database_as_it_is(other)) as db, db.engine.connect() as connection:
            assert is_empty_database(connection)
    open_installation(any_settings, clock).close()


def test_a_lost_ledger_is_not_made_anew(any_settings: Settings, clock: Clock) -> None:
    """With its key gone too it would be another's: backups would not be known any more, and no erasure after them."""
    open_installation(any_settings, clock).close()
    assert any_settings.ledger_directory is not None
    shutil.rmtree(any_settings.ledger_directory)
    any_settings.ledger_key_file.unlink()
    with pytest.raises(LedgerError, match="erasure ledger and its key are not where they were"):
        open_installation(any_settings, clock)
    assert not any_settings.ledger_directory.exists()
    assert not any_settings.ledger_key_file.exists()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # who is killed closes no connection
def test_a_first_start_that_was_cut_off_is_taken_up(
    any_settings: Settings, clock: Clock, backend: str, new_database: Callable[[], str]
) -> None:
    """Killed before any of its steps, each time in a place of its own, the next start makes what is not there yet."""
    killed, place = 0, any_settings.data.parent / "first"
    for moment in count(1):
        first = msgspec.structs.replace(any_settings, data=place)
        if backend == "postgresql":
            first = msgspec.structs.replace(first, database=new_database(), key_store=new_database())
        killer = Killer(moment, ((os, "link"), (Path, "rename"), (Path, "replace")))
        try:
            with killer.at_work():
                open_installation(first, clock).close()
        except Killed:
            killed += 1
        else:
            break
        with closing(open_installation(first, clock)) as opened:
            opened.vault.create("ada")
        for directory in (place, first.ledger_directory):
            shutil.rmtree(str(directory))
    assert killed > 6


@pytest.mark.parametrize("size", [100, 20_000])
def test_a_disk_that_is_full_at_the_first_start(tmp_path: Path, size: int) -> None:
    """Told in a sentence; with room again the next start makes what is not there yet."""
    given = {**os.environ, "GPTIMAGES_DATA": str(tmp_path / "data"), "GPTIMAGES_POLICIES": str(ROOT / "policies")}
    command = [sys.executable, "-m", "gptimages_cli", "keys", "status"]

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False, preexec_fn=full)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_lost_keys_of_epochs_are_told(any_settings: Settings, clock: Clock) -> None:
    """They are not made anew either."""
    open_installation(any_settings, clock).close()
    shutil.rmtree(any_settings.data / "keys" / "epochs")
    with pytest.raises(KeyStoreError, match="keys of epochs are not those of this key store"):
        open_installation(any_settings, clock)
    assert not (any_settings.data / "keys" / "epochs").exists()


def test_keys_of_epochs_are_kept_in_each_directory_of_the_setting(settings: Settings, clock: Clock) -> None:
    """Two directories hold the same; with either of them the service opens."""
    one, two = settings.data / "one", settings.data / "two"
    told = msgspec.structs.replace(settings, epochs=f"{one}, {two}")
    open_installation(told, clock).close()
    assert [each.read_bytes() for each in one.iterdir()] == [each.read_bytes() for each in two.iterdir()]
    shutil.rmtree(one)
    open_installation(told, clock).close()


def test_one_root_key_follows_another(settings: Settings, clock: Clock, tmp_path: Path) -> None:
    """Both are named, in directories of their own, and then the new one alone; the ledger's key stays where it is."""
    old, new = tmp_path / "safe" / "root.key", tmp_path / "safer" / "new.key"
    for each in (old, new):
        each.parent.mkdir(mode=0o700)
    open_installation(msgspec.structs.replace(settings, root_key=str(old)), clock).close()
    FileRootKey.create(new)
    with closing(open_installation(msgspec.structs.replace(settings, root_key=f"{new},{old}"), clock)) as here:
        store = here.vault._store
        assert KeyAdmin(Changing(store, per_second=100)).change_root()
    old.unlink()
    open_installation(msgspec.structs.replace(settings, root_key=str(new)), clock).close()


def test_the_ledgers_key_is_where_it_is_set(settings: Settings, clock: Clock, tmp_path: Path) -> None:
    """And nowhere else."""
    given = msgspec.structs.replace(settings, ledger_key=tmp_path / "apart.key")
    for _ in range(2):
        open_installation(given, clock).close()
    assert (tmp_path / "apart.key").is_file()
    assert not (settings.data / "keys" / "ledger.key").exists()


def test_a_root_key_service_that_is_away_is_told(settings: Settings, clock: Clock, monkeypatch: Any) -> None:
    """A setting that names a key of AWS KMS reaches it, and says in a sentence that it is not there."""
    for name, value in {"KEY_ID": "AWS_ACCESS_KEY_ID", "SECRET": "AWS_SECRET_ACCESS_KEY"}.items():
        monkeypatch.setenv(value, name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    arn = "arn:aws:kms:eu-central-1:000000000000:key/k"
    with pytest.raises(RootKeyError, match="AWS KMS cannot be used"):
        open_installation(msgspec.structs.replace(settings, root_key=f"aws-kms:{arn}"), clock)
