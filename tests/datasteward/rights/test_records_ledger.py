"""The keys for records and the ledger: it says when they go, whatever happens in between, and what comes back goes again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete
from support.erasing import asked, hold, lift
from support.killing import Killed
from support.records import RECORDS, carry_out, erase, join, kept_to_their_end, metadata

from datasteward.backup import replay
from datasteward.disposal.keys import promise_records
from datasteward.errors import HoldInTheWay, KeyMissing
from datasteward.keys import Use, Vault
from datasteward.ledger import behind, returned
from datasteward.steward import Steward


@pytest.fixture
def service(world: Any) -> Any:
    """People with letters and with invoices, whose words are under the keys for records."""
    made = world(metadata())
    made.steward = with_vault(made.steward, Vault(made.steward.vault._store, records=RECORDS))
    return made


def with_vault(steward: Steward, vault: Vault) -> Steward:
    """The same with another vault, as another process has it."""
    return steward.__class__(steward.catalog, steward.policies, vault, steward.objects, ledger=steward.ledger)


def entered(service: Any) -> list[tuple[str, str]]:
    """What stands in the ledger."""
    return [(entry.subject, entry.why) for entry in service.steward.ledger.since()]


def older(service: Any) -> tuple[list[str], list[str]]:
    """What the ledger says has gone that database and key store have not seen, as the start asks."""
    with service.write() as session:
        ledger = service.steward.ledger
        found = behind(session, ledger), returned(session, service.steward.vault, ledger)
    return tuple([entry.why for entry in each] for each in found)  # type: ignore[return-value]


def last_row_goes(service: Any) -> None:
    """Nothing needs the keys for records any more."""
    with service.write() as session:
        session.execute(delete(service.steward.catalog.table("invoice")))


def test_keys_for_records_are_in_the_ledger_when_they_go(service: Any) -> None:
    """The erasure has its entry at once, the keys for records have theirs when the last record has gone."""
    subject, _ = join(service, invoices=1)
    erase(service, subject)
    assert entered(service) == [(subject, "erasure")]
    last_row_goes(service)
    assert kept_to_their_end(service) == 1
    assert entered(service) == [(subject, "erasure"), (subject, "records")]
    assert older(service) == ([], [])


def test_an_erasure_that_leaves_no_record_enters_both(service: Any) -> None:
    """Where no row needs the keys for records they go with the erasure, and the ledger says so."""
    subject, _ = join(service, invoices=1)
    last_row_goes(service)
    erase(service, subject)
    assert entered(service) == [(subject, "erasure"), (subject, "records")]
    assert not service.steward.vault.has(subject, Use.RECORDS)
    assert older(service) == ([], [])


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("by", ["erasure", "job"])
def test_killed_around_the_keys_for_records_the_entry_is_there_once(
    service: Any, monkeypatch: pytest.MonkeyPatch, by: str, after: bool
) -> None:
    """Killed just before or just after they are destroyed, the service opens all the same and the next run ends it."""
    destroy = Vault.destroy_all
    subject, _ = join(service, invoices=1)
    if by == "job":
        erase(service, subject)
    last_row_goes(service)

    def killed(vault: Vault, keysets: list[tuple[str, Use]]) -> int:
        if (subject, Use.RECORDS) not in keysets:
            return destroy(vault, keysets)
        assert (subject, "records") in entered(service)
        if after:
            destroy(vault, keysets)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Vault, "destroy_all", killed)
        with pytest.raises(Killed):
            erase(service, subject) if by == "erasure" else kept_to_their_end(service)
    assert older(service) == ([], [])
    assert kept_to_their_end(service) == 1
    assert entered(service) == [(subject, "erasure"), (subject, "records")]
    assert not service.steward.vault.has(subject, Use.RECORDS)
    assert older(service)[1] == []


def test_keys_for_records_that_a_backup_brings_back_go_again(service: Any, world: Any) -> None:
    """A key store from before is told from the present one, and the replay destroys both keys, though a row came back."""
    subject, sealed = join(service, invoices=1)
    backup = service.steward.vault._store.opened(subject)
    erase(service, subject)
    invoices = service.steward.catalog.table("invoice")
    with service.write() as session:
        row = session.execute(invoices.select()).one()._asdict()
    last_row_goes(service)
    kept_to_their_end(service)
    for use, keysets in backup.items():
        service.steward.vault._store.add(subject, keysets, use)
    assert older(service) == ([], ["erasure", "records"])
    restored = world(metadata())
    restored.steward = with_vault(restored.steward, service.steward.vault)
    with restored.write() as session:
        session.execute(restored.steward.catalog.table("invoice").insert().values(row))
    assert older(restored)[0] == ["erasure", "records"]
    ledger = restored.steward.ledger
    assert replay(restored.steward, ledger, restored.write, clock=restored.clock, after=lambda: None).keys == 2
    assert not restored.steward.vault.has(subject, Use.RECORDS)
    assert older(restored) == ([], [])
    with pytest.raises(KeyMissing):
        restored.steward.vault.reveal(*sealed["invoice"][0])
    with restored.write() as session:
        assert session.execute(restored.steward.catalog.table("invoice").select()).one()


def test_keys_for_records_alone_that_come_back_are_told(service: Any) -> None:
    """A key store that was copied between the erasure and the last record's end is older too."""
    subject, _ = join(service, invoices=1)
    store = service.steward.vault._store
    keysets = store.opened(subject)
    erase(service, subject)
    last_row_goes(service)
    kept_to_their_end(service)
    for use in (Use.CONTENT, Use.RECORDS):
        store.add(subject, keysets[use], use)
    store.destroy_all([(subject, Use.CONTENT)])
    assert older(service) == ([], ["records"])


def test_keys_for_content_that_came_back_are_told_while_those_for_records_wait(service: Any) -> None:
    """A promise about the one is no excuse for the other."""
    subject, _ = join(service, invoices=1)
    keysets = service.steward.vault._store.opened(subject)
    service.steward.ledger.add(subject, "retention", now=service.clock())
    with service.write() as session:
        promise_records(session, service.steward.vault, subject, now=service.clock())
    assert keysets
    assert older(service) == (["retention"], ["retention"])


def test_a_hold_on_the_person_keeps_the_keys_for_records(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Placed when the ledger has the erasure, it cannot save the content, and it saves the keys that no entry names."""
    subject, _ = join(service, invoices=1)
    last_row_goes(service)
    request = asked(service, subject)

    def killed(_vault: Vault, _subject: str, _use: Use = Use.CONTENT) -> bool:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Vault, "destroy", killed)
        with pytest.raises(Killed):
            carry_out(service, request)
    placed = hold(service, subject=subject)
    with pytest.raises(HoldInTheWay):
        carry_out(service, request)
    vault = service.steward.vault
    assert (vault.has(subject), vault.has(subject, Use.RECORDS)) == (False, True)
    assert kept_to_their_end(service) == 0
    lift(service, placed)
    assert kept_to_their_end(service) == 1
