"""An installation with two people, backed up; and another place, with its root and ledger keys, to restore into."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from support.backups import BILLED_TO, Saved, Town, bill, erase, nothing
from support.postgres import PostgresServer

from gptimages import backups
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.settings import Settings


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """On both kinds of database."""
    return any_here


@pytest.fixture
def town(here: Installation, person: Callable[..., Account]) -> Town:
    """Ines and Lena, each with an address that is sealed and an avatar that is encrypted; Ines with an invoice.

    It is one of 2018, kept until 2026 is over, and names her.
    """
    people = {name: person(name).id for name in ("Ines", "Lena")}
    for name, subject in people.items():
        here.objects.put(subject, f"avatar/{subject}", [f"the face of {name}".encode()])
        with here.db.write() as session:
            session.get_one(Account, subject).avatar = f"avatar/{subject}"
    bill(here, people["Ines"], BILLED_TO, datetime(2018, 5, 3, tzinfo=UTC))
    return Town(here, people["Ines"], people["Lena"])


@pytest.fixture
def saved(here: Installation, town: Town, tmp_path: Path) -> Saved:
    """Backups of everything, made while both were there."""
    assert town.here is here
    made = Saved(tmp_path / "backup", tmp_path / "backup-of-keys")
    backups.make(here, made.service, by="tests", told=nothing)
    backups.make_of_keys(here, made.keys, by="tests", told=nothing)
    return made


@pytest.fixture
def elsewhere(
    any_settings: Settings, here: Installation, backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """Settings of an empty place with the same root key, ledger key, ledger and keys of epochs."""
    data = tmp_path / "elsewhere"
    (data / "keys").mkdir(parents=True, mode=0o700)
    for path in (here.settings.data / "keys").glob("*.key"):
        shutil.copy(path, data / "keys" / path.name)
    epochs = str(here.settings.data / "keys" / "epochs")
    ledger = any_settings.ledger or str(any_settings.ledger_directory)
    given = msgspec.structs.replace(any_settings, data=data, ledger=ledger, epochs=epochs)
    if backend == "sqlite":
        yield given
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    urls = postgres.empty(), postgres.empty()
    yield msgspec.structs.replace(given, database=urls[0], key_store=urls[1])
    for url in urls:
        postgres.drop(url)


@pytest.fixture
def erased(town: Town, saved: Saved) -> Town:
    """The same two, and Ines is erased after the backups were made."""
    assert saved.service.exists()
    erase(town.here, town.ines)
    return town
