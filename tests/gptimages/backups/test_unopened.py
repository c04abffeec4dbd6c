"""What a restored key store is too old to open is told, and what opens is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from support.backups import Saved, Town, bill, erase, nothing, opened, read, restore, rows

from datasteward.audit import log as audit
from datasteward.errors import DecryptionFailed
from datasteward.keys import seal
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from datasteward.keys.tables import subject_key
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


@pytest.mark.parametrize("harm", ["damaged", "left in an epoch that has ended"])
def test_a_keyset_that_opens_no_more_is_counted_and_holds_no_restore_up(
    town: Town, tmp_path: Path, elsewhere: Settings, harm: str
) -> None:
    """The backup has it, and it opens nothing: its people are among those who are told of."""
    store = town.here.vault._store
    admin = KeyAdmin(Changing(store, per_second=10**9))
    if harm == "damaged":
        with store.engine.begin() as connection:
            lenas = (subject_key.c.subject == town.lena) & (subject_key.c.keyset == "fields")
            connection.execute(update(subject_key).where(lenas).values(wrapped=b"damaged"))
    else:
        town.here.clock.move(days=31)  # type: ignore[attr-defined]
        admin.begin_epoch()
    saved = Saved(tmp_path / "backup", tmp_path / "keys")
    backups.make(town.here, saved.service, by="tests", told=nothing)
    backups.make_of_keys(town.here, saved.keys, by="tests", told=nothing)
    if harm != "damaged":
        admin.rewrap()
        assert admin.end_epochs(overlap_before=town.here.clock()) == 1
    assert restore(elsewhere, saved).unopened == (1 if harm == "damaged" else 2)


def test_who_was_shredded_is_not_counted(town: Town, saved: Saved, elsewhere: Settings) -> None:
    """Their rows stay and open no more, which is as it should be: the ledger names them."""
    town.here.ledger.add(town.lena, "retention", now=town.here.clock())
    done = restore(elsewhere, saved)
    assert (done.keys, done.unopened) == (1, 0)
    with opened(elsewhere) as there:
        assert rows(there) == 2
