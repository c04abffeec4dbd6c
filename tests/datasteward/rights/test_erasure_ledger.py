"""The erasure and its ledger: the entry comes before the key goes, once, whatever happens in between."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import MetaData, insert
from support.erasing import asked
from support.killing import Killed
from support.people import person

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.disposal.keys import destroy_keys
from datasteward.disposal.models import KeyDisposal
from datasteward.errors import HoldInTheWay, LedgerError
from datasteward.keys import Vault
from datasteward.ledger import DirectoryOfEntries, Ledger, behind
from datasteward.ledger.anchoring import ENTERED, anchor
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from datasteward.rights import requests
from datasteward.rights.erasure import Certificate, Erasure, Notes
from datasteward.rights.models import RESULT


@pytest.fixture
def service(world: Any) -> Any:
    """A service of people alone."""
    metadata = MetaData()
    person(metadata)
    return world(metadata)


@pytest.fixture
def ines(service: Any) -> str:
    """A person."""
    subject = new_id()
    service.steward.vault.create(subject)
    with service.write() as session:
        session.execute(insert(service.steward.catalog.table("person")).values(id=subject))
    return subject


@pytest.fixture
def request_id(service: Any, ines: str) -> str:
    """Her erasure, which waits for nothing."""
    return asked(service, ines)


def erase(service: Any, request_id: str) -> None:
    """Carries it out, as far as it goes."""
    Erasure(service.steward, service.write, request_id, clock=service.clock).run()


def test_an_erasure_is_in_the_ledger_and_in_the_audit_log(service: Any, ines: str, request_id: str) -> None:
    """One entry of an opaque id, when and why; its number and hash stand in the audit log too."""
    erase(service, request_id)
    (entry,) = service.steward.ledger.since()
    assert (entry.subject, entry.why, entry.at) == (ines, "erasure", service.clock())
    with service.write() as session:
        assert anchor(session) == service.steward.ledger.head()
        assert behind(session, service.steward.ledger) == []


def test_who_holds_the_certificate_can_check_the_ledger_and_the_audit_log(
    service: Any, ines: str, request_id: str, tmp_path: Any
) -> None:
    """The certificate names its entry by the SHA-256 of the entry's file, and the audit log has the certificate's own."""
    erase(service, request_id)
    with service.write() as session:
        told = requests.get(session, request_id).result
        done = audit.facts(audit.entries(session, acts=["rights.erasure.done"])[0])
    entry = (tmp_path / "ledger" / f"{told['ledger']['number']:010}.entry").read_bytes()
    assert told["ledger"]["hash"] == hashlib.sha256(entry).hexdigest()
    assert json.loads(entry.splitlines()[0])["subject"] == ines
    plain = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    assert done["certificate"] == hashlib.sha256(plain).hexdigest()


def test_all_that_a_request_remembers_is_tagged() -> None:
    """Every key of a certificate and of the notes on the way to it stands among the paths of the column."""
    told = {*Certificate.__struct_fields__, *Notes.__struct_fields__}
    assert told - set(RESULT) == set()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_the_key_the_entry_is_there_once(
    service: Any, ines: str, request_id: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Killed just before or just after the key is destroyed, the entry is not lost; the next run adds none."""
    destroy = Vault.destroy

    def killed(vault: Vault, subject: str) -> bool:
        assert service.steward.ledger.entry(subject, "erasure")
        if moment == "after":
            destroy(vault, subject)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Vault, "destroy", killed)
        with pytest.raises(Killed):
            erase(service, request_id)
    with service.write() as session:
        assert anchor(session) is None
        assert behind(session, service.steward.ledger) == []  # the request is under way
    erase(service, request_id)
    assert [entry.subject for entry in service.steward.ledger.since()] == [ines]
    assert not service.steward.vault.has(ines)
    with service.write() as session:
        assert anchor(session) == service.steward.ledger.head()


def test_what_stands_in_the_ledger_is_done_in_spite_of_a_later_hold(
    service: Any, ines: str, request_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the entry, with a hold placed before the next run: the ledger has said that the key goes, and it goes."""

    def killed(_vault: Vault, _subject: str) -> bool:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Vault, "destroy", killed)
        with pytest.raises(Killed):
            erase(service, request_id)
    until = service.clock() + timedelta(days=9)
    with service.write() as session:
        holds.place(
            session, service.steward, Scope(subject=ines), "24-1", review_at=until, by="legal", now=service.clock()
        )
    with pytest.raises(HoldInTheWay):  # what is left besides waits for the hold's end
        erase(service, request_id)
    assert not service.steward.vault.has(ines)


def test_no_key_goes_without_its_entry(
    service: Any, ines: str, request_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that cannot be written stops the erasure before the key, and it is carried out when the ledger is back."""

    def full(*_given: object, **_more: object) -> None:
        raise LedgerError("The erasure ledger cannot be used.")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "add", full)
        with pytest.raises(LedgerError):
            erase(service, request_id)
    assert service.steward.vault.has(ines)
    erase(service, request_id)
    assert not service.steward.vault.has(ines)


def test_keys_that_retention_destroys_are_in_the_ledger(service: Any, ines: str) -> None:
    """Each with its reason, written once and anchored."""
    vault, ledger, now = service.steward.vault, service.steward.ledger, service.clock()
    with service.write() as session:
        session.add(KeyDisposal(subject_id=ines, since=now, done_at=None))
    for done in (1, 0):
        with service.write() as session:
            assert destroy_keys(session, vault, now=now, ledger=ledger) == done
    assert [(entry.subject, entry.why) for entry in ledger.since()] == [(ines, "retention")]
    with service.write() as session:
        assert len(audit.entries(session, acts=[ENTERED])) == 1


def test_a_database_that_is_older_than_the_ledger_is_told(service: Any, ines: str) -> None:
    """An entry that it neither knows of nor is about to carry out."""
    service.steward.ledger.add(ines, "erasure", now=service.clock())
    with service.write() as session:
        assert [entry.subject for entry in behind(session, service.steward.ledger)] == [ines]


def test_a_ledger_that_is_older_than_the_database_is_refused(service: Any, request_id: str, tmp_path: Any) -> None:
    """The audit log knows the number and the hash of an entry that is gone."""
    erase(service, request_id)
    (tmp_path / "ledger" / "0000000001.entry").unlink()
    ledger = Ledger(DirectoryOfEntries(tmp_path / "ledger"), service.steward.ledger.key)
    with service.write() as session, pytest.raises(LedgerError, match="there were 1"):
        behind(session, ledger)
