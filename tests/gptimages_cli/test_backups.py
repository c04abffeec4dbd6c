"""`gptimages backup` and `gptimages restore`, typed as an operator would: one after the other, with their mistakes."""

from __future__ import annotations

import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support.service import Service, running

from datasteward.objects import LocalDirectory

FULL_AT = 200_000
"""Bytes after which a file takes no more: the database has several times as many."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a service's data, ledger and two backups, which were made while it was running."""
    place = tmp_path_factory.mktemp("saved")
    with running(place) as service:
        for words in (("backup", str(place / "backup")), ("backup", "--keys", str(place / "backup-of-keys"))):
            done = service.command(*words, demo="true")
            assert (done.returncode, done.stderr.splitlines()[0][-1]) == (0, "…"), done.stderr
    return place


@pytest.fixture
def place(saved: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(saved, tmp_path / "place"))


@pytest.fixture
def elsewhere(place: Path) -> Service:
    """An empty place with the two keys, beside the same ledger."""
    keys = place / "new" / "keys"
    keys.mkdir(parents=True)
    for name in ("root.key", "ledger.key"):
        shutil.copy(place / "data" / "keys" / name, keys / name)
    shutil.copytree(place / "data" / "keys" / "epochs", keys / "epochs")
    return Service(place / "new", place / "log", ledger=str(place / "data-ledger"), demo="true")


def refused(done: subprocess.CompletedProcess[str], said: str) -> None:
    """Exit code 1, nothing on standard output, and a last line that says so."""
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_what_was_backed_up_is_restored(place: Path, elsewhere: Service) -> None:
    """Into an empty place, with progress on standard error; then it opens, and its log is whole."""
    done = elsewhere.command("restore", str(place / "backup"), "--keys", str(place / "backup-of-keys"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Restored. 0 keys destroyed again, 0 people erased again.\n"
    assert [line[-1] for line in done.stderr.splitlines()] == ["…"] * 5
    assert "unchanged from the first to the last" in elsewhere.command("audit", "verify").stdout
    status = elsewhere.command("keys", "status").stdout
    assert ["Accounts", "6"] in [line.split() for line in status.splitlines()]


def test_rows_without_their_object_are_told(place: Path, elsewhere: Service) -> None:
    """How many there are, with the command that mends them; that command finds as many."""
    service = Service(place / "data", place / "log", demo="true")
    LocalDirectory(place / "data" / "objects").put("avatar/there", [b"a face"])
    with sqlite3.connect(place / "data" / "gptimages.db") as connection:
        some = "UPDATE account SET avatar = ? WHERE id IN (SELECT id FROM account WHERE avatar IS NULL LIMIT 1)"
        assert [connection.execute(some, (key,)).rowcount for key in ("avatar/there", "avatar/gone")] == [1, 1]
    connection.close()
    assert service.command("backup", str(place / "later")).returncode == 0
    done = elsewhere.command("restore", str(place / "later"), "--keys", str(place / "backup-of-keys"))
    assert done.stdout.splitlines()[1:] == [
        "1 object that a row names is not there: gptimages objects audit tells which, and mends it under a plan."
    ]
    audited = elsewhere.command("objects", "audit")
    assert audited.returncode == 1
    assert re.search(r"^ +where it may be missing +1: the key is cleared$", audited.stdout, re.MULTILINE)


def test_a_second_restore_is_refused(place: Path, elsewhere: Service) -> None:
    """What is there is not overwritten; the ledger alone can be replayed again, and then there is nothing to do."""
    words = ("restore", str(place / "backup"), "--keys", str(place / "backup-of-keys"))
    assert elsewhere.command(*words).returncode == 0
    refused(elsewhere.command(*words), "There is a key store already")
    refused(elsewhere.command(*words[:2]), "The database is not empty")
    assert elsewhere.command("restore").returncode == 0


def test_a_restore_without_keys_is_refused(place: Path, elsewhere: Service) -> None:
    """When there is no key store, instead of making one that opens nothing."""
    refused(elsewhere.command("restore", str(place / "backup")), "The key store is missing")


def test_the_wrong_directory_is_told(place: Path, elsewhere: Service) -> None:
    """None, one that is no backup, and the one for the other."""
    refused(elsewhere.command("restore", str(place / "none")), "There is no whole backup")
    refused(elsewhere.command("restore", str(place / "data")), "There is no whole backup")
    refused(elsewhere.command("restore", str(place / "backup-of-keys")), "a backup of the key store, not of database")


def test_a_ledger_that_is_not_there_stops_it(place: Path, elsewhere: Service) -> None:
    """In one sentence, and neither database nor key store has come."""
    shutil.rmtree(place / "data-ledger")
    done = elsewhere.command("restore", str(place / "backup"), "--keys", str(place / "backup-of-keys"))
    refused(done, "The erasure ledger is not where it should be")
    assert sorted(path.name for path in (place / "new" / "keys").iterdir()) == ["epochs", "ledger.key", "root.key"]
    assert not (place / "new" / "gptimages.db").exists()


def test_a_server_that_runs_is_in_the_way(place: Path, elsewhere: Service) -> None:
    """A restore does not work beside it."""
    with running(place) as service:
        refused(service.command("restore"), "Another server works on this data directory")
    assert elsewhere.command("restore", "--help").returncode == 0


def nearly_full(service: Service, at: int, *words: str) -> subprocess.CompletedProcess[str]:
    """The command on a disk of which no file takes more bytes than that: a real error of the system, wherever it comes."""
    return subprocess.run(
        [sys.executable, "-m", "gptimages_cli", *words],
        env={**os.environ, **service.environment, "GPTIMAGES_DEMO": "true"},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (at, at)),
    )


def test_a_full_disk_is_told_and_leaves_nothing(place: Path) -> None:
    """A real one, in the middle of the database: a sentence, no directory, and the service's data is as it was."""
    service = Service(place / "data", place / "log", demo="true")
    refused(
        nearly_full(service, FULL_AT, "backup", str(place / "full")), "No backup was made, and nothing of it is left"
    )
    assert list(place.glob("full*")) == []
    assert "unchanged" in service.command("audit", "verify").stdout
    assert service.command("backup", str(place / "full")).returncode == 0


@pytest.mark.parametrize("at", [20, 20_000, FULL_AT])
def test_a_full_disk_during_a_restore_is_told(place: Path, elsewhere: Service, at: int) -> None:
    """Before its mark, in the key store or in the database: a sentence, no torn file; run again with room, it goes on."""
    words = ("restore", str(place / "backup"), "--keys", str(place / "backup-of-keys"))
    refused(nearly_full(elsewhere, at, *words), "The restore did not get to its end (")
    assert list((place / "new").rglob("*.db.restoring")) == []
    assert elsewhere.command(*words).returncode == 0
    assert "unchanged" in elsewhere.command("audit", "verify").stdout


def test_a_directory_that_there_is_is_refused(place: Path) -> None:
    """And left as it is."""
    service = Service(place / "data", place / "log", demo="true")
    refused(service.command("backup", str(place / "backup")), "does not exist yet")
    refused(service.command("backup", str(place / "no" / "where")), "no directory to make the backup in")
    refused(service.command("backup", "."), "does not exist yet")


def test_a_ledger_in_the_data_directory_is_refused(place: Path) -> None:
    """It would be restored with what it is there to correct."""
    service = Service(place / "data", place / "log", demo="true", ledger=str(place / "data" / "ledger"))
    refused(service.command("keys", "status"), "GPTIMAGES_LEDGER has to be apart from GPTIMAGES_DATA")
