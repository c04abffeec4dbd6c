"""What a restored key store is too old to open is told, and what opens is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from support.backups import Saved, Town, bill, erase, nothing, opened, read, restore

from datasteward.audit import log as audit
from datasteward.errors import DecryptionFailed
from datasteward.keys import seal
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from gptimages import backups
from gptimages.accounts.models import Account
from gptimages.settings import Settings


def test_who_came_after_the_backup_of_the_keys_is_counted(
    town: Town, saved: Saved, elsewhere: Settings, person: Callable[..., Account]
) -> None:
    """Their rows came back and their keys did not; who was erased since is not among them."""
    for name in ("Mia", "Olav"):
        person(name)
    erase(town.here, town.ines)
    later = Saved(saved.service.with_name("later"), saved.keys)
    backups.make(town.here, later.service, by="tests", told=nothing)
    done = restore(elsewhere, later)
    assert (done.unopened, done.keys) == (2, 1)
    with opened(elsewhere) as there, there.db.read() as session:
        assert audit.facts(audit.entries(session, acts=["restore.done"])[0])["unopened"] == 2


def test_what_was_sealed_by_newer_keys_than_those_of_the_backup_is_counted(
    town: Town, saved: Saved, elsewhere: Settings, person: Callable[..., Account]
) -> None:
    """Lena's first invoice made keys for records; Mia is as she was, and what opens is not counted."""
    mia = person("Mia").id
    keys = saved.keys.with_name("keys-before")
    backups.make_of_keys(town.here, keys, by="tests", told=nothing)
    bill(town.here, town.lena, "Lena Dahl, Fjord 3", datetime(2026, 5, 3, tzinfo=UTC))
    later = Saved(saved.service.with_name("later"), keys)
    backups.make(town.here, later.service, by="tests", told=nothing)
    assert restore(elsewhere, later).unopened == 1
    with opened(elsewhere) as there:
        assert read(there, mia)
        with pytest.raises(DecryptionFailed):
            read(there, town.lena)


def test_a_person_whose_keys_are_newer_than_the_backup_is_counted(
    town: Town, saved: Saved, elsewhere: Settings, person: Callable[..., Account]
) -> None:
    """Somebody who has got a new key since, and for whom something was sealed by it."""
    admin = KeyAdmin(Changing(town.here.vault._store, per_second=1000))
    now = town.here.clock()
    admin.stage(made_before=now + timedelta(days=1))
    town.here.clock.move(days=1)  # type: ignore[attr-defined]
    admin.promote(staged_before=town.here.clock())
    town.here.vault.forget(town.lena)
    with town.here.db.write() as session:
        seal(town.here.vault, session.get_one(Account, town.lena), "email", "new@people.example")
    later = Saved(saved.service.with_name("later"), saved.keys)
    backups.make(town.here, later.service, by="tests", told=nothing)
    assert restore(elsewhere, later).unopened == 1
