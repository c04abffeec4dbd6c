"""A backup and a restore, killed before any of their steps and run again, end as those that were not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.backups import BILLED_TO, Saved, Town, nothing, read, rows
from support.killing import Killed, Killer

from datasteward import backup
from datasteward.keys import KeyStore
from gptimages import backups, restoring
from gptimages.installation import Installation, open_installation
from gptimages.settings import Settings

STEPS = ((os, "link"), (Path, "rename"), (Path, "unlink"), (KeyStore, "_destroy"), (backup, "dump"), (backup, "load"))
"""A file gets its name or loses it, a key goes, a database is copied; and each commit."""


def moments(work: Callable[[], object]) -> Iterator[int]:
    """Does the work, killed at one moment after the other, each time begun anew, until nothing kills it any more."""
    moment = 1
    while True:
        killer = Killer(moment, STEPS)
        try:
            with killer.at_work():
                work()
        except Killed:
            yield moment
            moment += 1
            continue
        return


def test_a_backup_killed_anywhere_is_made_again(here: Installation, town: Town, tmp_path: Path) -> None:
    """Until it is whole it does not have its name; run again, it is made, and nothing of the first try is left."""
    target = tmp_path / "made"
    killed = 0
    for _ in moments(lambda: backups.make(here, target, by="tests", told=nothing)):
        killed += 1
        if target.exists():  # killed after it got its name: it is whole
            backup.read(target, "service", here.ledger.key)
            target.rename(tmp_path / f"whole-{killed}")
    assert killed > 5
    manifest = backup.read(target, "service", here.ledger.key)
    assert manifest.objects == 2
    assert not list(tmp_path.glob("*.unfinished"))
    assert town.here is here


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # who is killed closes no connection
def test_a_restore_killed_anywhere_goes_on(erased: Town, saved: Saved, elsewhere: Settings) -> None:
    """Killed at one moment after the other, each time run again from there, it ends as if it had not been; until then it
    does not open."""
    killed = 0
    for _ in moments(lambda: restoring.restore(elsewhere, saved.service, saved.keys, told=nothing)):
        killed += 1
    assert killed > 5
    assert not elsewhere.restore_mark.exists()
    with closing(open_installation(elsewhere, as_found=True)) as there:
        assert read(there, erased.ines) == [BILLED_TO]
        assert not there.vault.has(erased.ines)
        assert read(there, erased.lena) == ["lena@people.example", "the face of Lena"]
        assert rows(there) == 1
        assert list(there.objects.keys()) == [f"avatar/{erased.lena}"]
        assert [entry.subject for entry in there.ledger.since()] == [erased.ines]
