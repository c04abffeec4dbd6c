"""Objects that go while a backup is made: their rows are restored, and nobody is left to find out by themselves."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest
from support.backups import BILLED_TO, Saved, Town, erase, nothing, read

from datasteward import backup
from datasteward.audit import log as audit
from datasteward.retention import orphans
from datasteward.retention.orphans import Bare
from gptimages import backups, restoring
from gptimages.installation import Installation, open_installation
from gptimages.privacy import archives
from gptimages.settings import Settings
from gptimages_jobs import export


@pytest.fixture
def saved(town: Town, tmp_path: Path) -> Saved:
    """Backups of everything; Lena's avatar is deleted when the database has been copied and the objects have not."""
    here, made = town.here, Saved(tmp_path / "backup", tmp_path / "backup-of-keys")

    def meanwhile(step: str) -> None:
        if step == "The objects":
            assert here.objects.delete(f"avatar/{town.lena}")

    backups.make_of_keys(here, made.keys, by="tests", told=nothing)
    backups.make(here, made.service, by="tests", told=meanwhile)
    return made


def restore(settings: Settings, saved: Saved) -> backup.Replayed:
    """Restores everything there."""
    return restoring.restore(settings, saved.service, saved.keys, told=nothing)


@pytest.fixture
def there(saved: Saved, elsewhere: Settings) -> Iterator[Installation]:
    """The restored installation."""
    restore(elsewhere, saved)
    with closing(open_installation(elsewhere, as_found=True)) as opened:
        yield opened


def test_a_restore_counts_the_rows_without_their_object(saved: Saved, elsewhere: Settings) -> None:
    """It says so, and its audit entry does."""
    assert restore(elsewhere, saved) == backup.Replayed(keys=0, people=0, waiting=0, bare=1, unopened=0)
    with closing(open_installation(elsewhere, as_found=True)) as there, there.db.read() as session:
        [done] = audit.entries(session, acts=["restore.done"])
        assert audit.facts(done)["bare"] == 1


def test_rows_of_who_was_erased_meanwhile_do_not_count(town: Town, saved: Saved, elsewhere: Settings) -> None:
    """The replay of the ledger takes them."""
    erase(town.here, town.lena)
    assert restore(elsewhere, saved) == backup.Replayed(keys=1, people=1, waiting=0, bare=0, unopened=0)


def test_an_archive_names_what_is_not_there(town: Town, there: Installation) -> None:
    """It is made, with everything else of hers."""
    with there.db.write() as session:
        asked = archives.ask(session, there, town.lena, via="session", now=there.clock()).id
    export.run(there, asked)
    with ZipFile(io.BytesIO(there.objects.read(town.lena, archives.archive_key(asked)))) as opened:
        assert json.loads(opened.read("manifest.json"))["unreadable"] == [f"account {town.lena} avatar"]
        assert json.loads(opened.read("data/account.json"))["rows"][0]["email"] == "lena@people.example"


def test_an_audit_mends_it_and_nothing_else(town: Town, there: Installation) -> None:
    """Under a plan that names the row; afterwards there is nothing to say any more."""
    with there.db.read() as session:
        plan = orphans.audit(session, there.steward, now=there.clock())
    assert plan.rows == (Bare("account", "avatar", f"avatar/{town.lena}", "clear"),)
    answers = orphans.ask(there.objects, plan)
    with there.db.write() as session:
        orphans.apply(session, there.steward, plan, answers, by="tests", now=there.clock())
    with there.db.read() as session:
        assert orphans.without_object(session, there.steward) == 0
    assert read(there, town.ines) == ["ines@people.example", "the face of Ines", BILLED_TO]
    assert read(there, town.lena) == ["lena@people.example"]
