"""The nightly job keeps keys to the schedule of policies/encryption.yaml, and writes down what it did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.key_world import damage
from support.killing import Killed

from datasteward.audit import log as audit
from datasteward.keys.admin import KeyAdmin
from gptimages.accounts import people
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages_jobs import keys
from gptimages_jobs.errors import JobError


def entries(here: Installation, act: str = "keys.kept") -> list[dict[str, Any]]:
    """What the log says of keys, the newest first."""
    with here.db.read() as session:
        return [dict(audit.facts(entry)) for entry in audit.entries(session, acts=[act])]


def test_epochs_follow_one_another_on_the_schedule(
    here: Installation, clock: Any, person: Callable[..., Account]
) -> None:
    """Nothing is done before it is due; then an epoch begins, and after the overlap the old one ends; names open all along."""
    account = person("Ines Halvorsen").id
    begun = here.vault.epoch_begun()

    def named() -> str:
        with here.db.read() as session:
            return people.name_of(here, session.get_one(Account, account))

    clock.move(days=29)
    keys.run(here, "schedule")
    assert entries(here) == entries(here, "keys.changing") == []
    clock.move(days=1)
    keys.run(here, "schedule")
    assert here.vault.epoch_begun() > begun
    assert {name: entries(here)[0][name] for name in ("begun", "rewrapped", "ended")} == {
        "begun": True,
        "rewrapped": 2,
        "ended": 0,
    }
    clock.move(days=6)
    keys.run(here, "schedule")
    assert len(entries(here)) == 1
    clock.move(days=1)
    keys.run(here, "schedule")
    assert entries(here)[0]["ended"] == 1
    assert named() == "Ines Halvorsen"
    assert len(list((here.settings.data / "keys" / "epochs").iterdir())) == 1
    with here.db.read() as session:
        assert audit.verify(session).broken_at is None


def test_peoples_keys_are_changed_when_they_are_due(
    here: Installation, clock: Any, person: Callable[..., Account]
) -> None:
    """After two years new keys are added in one night and encrypt in the next."""
    person("Ines Halvorsen")
    clock.move(days=732)
    keys.run(here, "schedule")
    assert entries(here)[0]["staged"] == 2
    clock.move(days=1)
    keys.run(here, "schedule")
    assert entries(here)[0]["promoted"] == 2


@pytest.mark.parametrize("late", [0, 29, 45])
def test_a_certificates_date_is_not_before_the_key_is_destroyed(here: Installation, clock: Any, late: int) -> None:
    """Runs come each night some seconds late, and the one that would end the epoch fails: still it has ended by that day."""
    schedule, begun, failed = here.policies.encryption.schedule, here.vault.epoch_begun(), False
    clock.move(days=late)
    told = schedule.unreadable_in_backups(begun, clock())
    (old,) = (here.settings.data / "keys" / "epochs").iterdir()
    clock.move(hours=1)
    for night in range(100):
        present = here.vault.epoch_begun()
        if not failed and present > begun and schedule.overlap.after(present) <= clock():
            failed = True
        else:
            keys.run(here, "schedule")
        if not old.exists():
            break
        clock.move(days=1, seconds=night % 7)
    assert failed
    assert clock() <= told


def test_a_run_that_is_cut_off_has_been_written_down(
    here: Installation, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That keys are being changed stands in the log before the first of them is."""

    def kill(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(KeyAdmin, "rewrap", kill)
    clock.move(days=31)
    with pytest.raises(Killed):
        keys.run(here, "schedule")
    assert entries(here) == []
    assert [each["what"] for each in entries(here, "keys.changing")] == ["schedule"]


def test_damaged_keysets_are_counted_and_the_run_fails_once_all_else_is_done(
    here: Installation, clock: Any, person: Callable[..., Account]
) -> None:
    """The operator reads how many people it is about; the others' keysets are under the new epoch."""
    account = person("Ines Halvorsen").id
    person("Bo Lind")
    damage(here.settings.data, account)
    clock.move(days=31)
    with pytest.raises(JobError, match="The keysets of 1 people are damaged"):
        keys.run(here, "schedule")
    assert entries(here)[0]["rewrapped"] == 3


def test_keys_that_cannot_be_used_are_a_sentence_to_operators(here: Installation) -> None:
    """What the console says of the job names what to look at."""
    (epochs,) = (here.settings.data / "keys" / "epochs").iterdir()
    epochs.unlink()
    with pytest.raises(JobError, match="keys of epochs are not those of this key store"):
        keys.run(here, "schedule")
