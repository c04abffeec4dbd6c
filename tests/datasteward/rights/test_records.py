"""Records that the law has us keep are readable after an erasure, until the last of them has lived out its term."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select
from support.erasing import asked
from support.killing import Killed
from support.records import RECORDS, erase, join, kept_to_their_end, metadata

from datasteward.base import new_id
from datasteward.catalog.records import for_records
from datasteward.disposal.keys import destroy_keys, destroy_records
from datasteward.disposal.models import KeyDisposal
from datasteward.errors import HoldInTheWay, KeyMissing
from datasteward.keys import Box, Context, Use, Vault
from datasteward.keys.store import CACHE_SECONDS
from datasteward.policy import load
from datasteward.retention import holds
from datasteward.retention.held import Held
from datasteward.retention.scope import Scope
from datasteward.rights.erasure import LETS_GO, STEPS, Erasure

SHIPPED = Path(__file__).parents[3] / "policies"


@pytest.fixture
def service(world: Any) -> Any:
    """The service, with the words of invoices under the keys for records."""
    made = world(metadata())
    vault = Vault(made.steward.vault._store, records=RECORDS)
    return dataclasses.replace(made, steward=dataclasses.replace(made.steward, vault=vault))


def test_content_goes_at_once_and_an_invoice_lives_out_its_term(service: Any) -> None:
    """After the erasure the letter is shredded and the invoice opens; when the last invoice goes, its key goes too."""
    vault, invoice = service.steward.vault, service.steward.catalog.table("invoice")
    subject, sealed = join(service, invoices=2)
    other, others = join(service, invoices=1)
    assert erase(service, subject).kept["invoice"] == 2
    assert (vault.has(subject), vault.has(subject, Use.RECORDS)) == (False, True)
    with pytest.raises(KeyMissing):
        vault.seal(sealed["letter"][0][0], "more")
    for place, box in sealed["invoice"]:
        assert vault.reveal_text(place, box) == "the invoice"
        with service.write() as session:
            assert session.scalar(select(invoice.c.words).where(invoice.c.id == place.row)) == box
        assert kept_to_their_end(service) == 0
        with service.write() as session:
            session.execute(delete(invoice).where(invoice.c.id == place.row))
    assert kept_to_their_end(service) == 1
    assert kept_to_their_end(service) == 0
    assert not vault.has(subject, Use.RECORDS)
    with pytest.raises(KeyMissing):
        vault.reveal(*sealed["invoice"][0])
    assert all(vault.reveal_text(*each) for name in others for each in others[name])
    assert vault.has(other, Use.RECORDS)


def test_an_erasure_destroys_nobody_elses_keys(service: Any) -> None:
    """Keys for records that wait for their last row are the business of the job, which asks for holds."""
    invoice = service.steward.catalog.table("invoice")
    first, _ = join(service, invoices=1)
    second, _ = join(service, invoices=0)
    erase(service, first)
    with service.write() as session:
        session.execute(delete(invoice))
    erase(service, second)
    assert service.steward.vault.has(first, Use.RECORDS)
    assert kept_to_their_end(service) == 1


def test_without_records_to_keep_both_keys_go_with_the_erasure(service: Any) -> None:
    """Somebody whose record is gone already loses the key for records in the erasure itself."""
    subject, sealed = join(service, invoices=1)
    with service.write() as session:
        session.execute(delete(service.steward.catalog.table("invoice")))
    erase(service, subject)
    assert not service.steward.vault.has(subject, Use.RECORDS)
    with pytest.raises(KeyMissing):
        service.steward.vault.reveal(*sealed["invoice"][0])


def test_the_certificates_date_is_that_of_the_last_key_that_went(service: Any) -> None:
    """An invoice that nobody keeps can be read until the keys for records go, which is after those for content."""
    subject, _ = join(service, invoices=1)
    with service.write() as session:
        session.execute(delete(service.steward.catalog.table("invoice")))
    hours = {step: service.clock() + timedelta(hours=hour) for hour, step in enumerate(STEPS)}
    now = service.clock()

    def told(step: str) -> None:
        nonlocal now
        now = hours[step]

    request = asked(service, subject)
    done = Erasure(service.steward, service.write, request, clock=lambda: now, told=told).run()
    assert done.unreadable_at == hours["records"] + LETS_GO


def test_the_certificates_date_is_that_of_the_job_that_was_quicker(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two keys, the erasure finds those for records destroyed by the job, days later."""
    subject, _ = join(service, invoices=1)
    with service.write() as session:
        session.execute(delete(service.steward.catalog.table("invoice")))
    now, request = service.clock(), asked(service, subject)

    def told(step: str) -> None:
        if step == "records" and service.steward.vault.has(subject, Use.RECORDS) and now == service.clock():
            raise Killed

    erasure = Erasure(service.steward, service.write, request, clock=lambda: now, told=told)
    with pytest.raises(Killed):
        erasure.run()
    now += timedelta(days=3)
    with service.write() as session:
        holds.guard(session)
        assert destroy_records(session, service.steward, clock=lambda: now) == 1
    gone, now = now, now + timedelta(hours=1)
    assert erasure.run().unreadable_at == gone + LETS_GO


def test_a_letter_is_not_sealed_for_records_nor_an_invoice_for_content(service: Any) -> None:
    """Each key is made when it is needed, and they are different keys."""
    vault = service.steward.vault
    subject, sealed = join(service, invoices=0)
    assert not vault.has(subject, Use.RECORDS)
    box = vault.seal(Context(subject, "invoice", "words", "1"), "the invoice")
    assert vault.has(subject, Use.RECORDS)
    assert box.ciphertext[:5] != sealed["letter"][0][1].ciphertext[:5]


def test_what_was_sealed_before_the_policy_said_so_opens(service: Any) -> None:
    """A category that moves to the keys for records leaves what is there readable."""
    vault = service.steward.vault
    before = Vault(vault._store)
    before.create("ada")
    place = Context("ada", "invoice", "words", "1")
    box = before.seal(place, "the invoice")
    vault.seal(place, "another")
    assert vault.reveal_text(place, box) == "the invoice"


def test_what_was_sealed_while_the_policy_said_so_keeps_its_key(service: Any) -> None:
    """A category that leaves the keys for records shreds no record early: its key goes with the last row, as before."""
    vault, invoice = service.steward.vault, service.steward.catalog.table("invoice")
    subject, sealed = join(service, invoices=1)
    left = Vault(vault._store)
    service = dataclasses.replace(service, steward=dataclasses.replace(service.steward, vault=left))
    erase(service, subject)
    assert kept_to_their_end(service) == 0
    assert left.reveal_text(*sealed["invoice"][0]) == "the invoice"
    with service.write() as session:
        session.execute(delete(invoice))
    assert kept_to_their_end(service) == 1
    assert not left.has(subject, Use.RECORDS)


def held_invoice(service: Any) -> tuple[str, dict[str, list[tuple[Context, Box]]]]:
    """A person with one invoice, which a court wants to see."""
    subject, sealed = join(service, invoices=1)
    with service.write() as session:
        scope, at = Scope(subject=subject, table="invoice"), service.clock()
        holds.place(session, service.steward, scope, "24-1", review_at=at + timedelta(days=9), by="legal", now=at)
    return subject, sealed


@pytest.mark.parametrize("use", list(Use))
def test_a_hold_that_comes_after_the_ledgers_entry_keeps_no_key(
    service: Any, monkeypatch: pytest.MonkeyPatch, use: Use
) -> None:
    """Killed in between, the key is there and the ledger names it: it goes all the same, for a replay would destroy it."""
    now = service.clock()
    subject, _ = join(service, invoices=1)
    with service.write() as session:
        session.execute(delete(service.steward.catalog.table("invoice")))
        session.add(KeyDisposal(subject_id=subject, use=use, since=now))
    with monkeypatch.context() as patched:
        patched.setattr(Vault, "destroy_all", killed)
        with pytest.raises(Killed):
            disposed(service, use)
    with service.write() as session:
        scope, review = Scope(subject=subject), now + timedelta(days=9)
        holds.place(session, service.steward, scope, "24-1", review_at=review, by="legal", now=now)
    other, _ = join(service, invoices=0)
    assert service.steward.vault.has(subject, use)
    disposed(service, use)
    assert not service.steward.vault.has(subject, use)
    assert service.steward.vault.has(other)


def killed(*_given: object) -> None:
    """Ends the process."""
    raise Killed


def disposed(service: Any, use: Use) -> None:
    """Destroys promised keys as the job does, which asks for holds."""
    with service.write() as session:
        holds.guard(session)
        steward = service.steward
        kept = Held(session, steward.catalog).keeps_key(KeyDisposal.subject_id)
        if use is Use.CONTENT:
            destroy_keys(session, steward.vault, now=service.clock(), ledger=steward.ledger, kept=kept)
        else:
            destroy_records(session, steward, clock=service.clock)


def test_a_hold_on_a_record_does_not_keep_the_content(service: Any) -> None:
    """What is held opens after the erasure too, so that the erasure need not wait for the end of the hold."""
    subject, sealed = held_invoice(service)
    erase(service, subject)
    assert not service.steward.vault.has(subject)
    assert service.steward.vault.reveal_text(*sealed["invoice"][0]) == "the invoice"


def test_a_hold_on_a_record_under_the_keys_for_content_keeps_them(service: Any) -> None:
    """A record from before its category was for records would be lost with them: then the erasure waits."""
    steward, was = service.steward, Vault(service.steward.vault._store)
    service.steward = dataclasses.replace(steward, vault=was)
    subject, sealed = held_invoice(service)
    service.steward = steward
    steward.vault.seal(Context(subject, "invoice", "words", new_id()), "a later invoice")
    with pytest.raises(HoldInTheWay):
        erase(service, subject)
    assert steward.vault.reveal_text(*sealed["invoice"][0]) == "the invoice"


def test_the_certificate_tells_two_dates(service: Any) -> None:
    """Unreadable here once no process has the key; in every backup at the planned end of the epoch, with overlap and margin."""
    subject, _ = join(service, invoices=0)
    told, begun = erase(service, subject), service.steward.vault.epoch_begun()
    assert told.unreadable_at == service.clock() + timedelta(seconds=CACHE_SECONDS)
    schedule = service.steward.policies.encryption.schedule
    planned = schedule.overlap.after(schedule.epoch.after(begun))
    assert told.unreadable_in_backups_at == max(planned, service.clock() + timedelta(days=7)) + timedelta(days=3)
    assert schedule.unreadable_in_backups(service.clock(), service.clock()) == service.clock() + timedelta(days=40)


def test_from_the_first_date_on_no_process_reads_anything(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has opened the key just before it went, which took a while: it reads until then, and no longer."""
    subject, sealed = join(service, invoices=0)
    now, destroy = service.clock(), Vault.destroy
    other = Vault(service.steward.vault._store, clock=lambda: now.timestamp())

    def slow(vault: Vault, whose: str) -> bool:
        nonlocal now
        now += timedelta(seconds=5)
        other.reveal(*sealed["letter"][0])
        return destroy(vault, whose)

    monkeypatch.setattr(Vault, "destroy", slow)
    told = Erasure(service.steward, service.write, asked(service, subject), clock=lambda: now).run()
    now = told.unreadable_at - timedelta(seconds=1)
    assert other.reveal_text(*sealed["letter"][0]) == "the letter"
    now = told.unreadable_at
    with pytest.raises(KeyMissing):
        other.reveal(*sealed["letter"][0])


@pytest.mark.parametrize("by", ["erasure", "job"])
def test_from_the_first_date_on_no_process_reads_a_record_either(
    service: Any, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """The keys for records take their while too, whoever destroys them; another process has opened them just before."""
    subject, sealed = join(service, invoices=1)
    now, destroy = service.clock(), Vault.destroy_all
    other = Vault(service.steward.vault._store, clock=lambda: now.timestamp())
    with service.write() as session:
        session.execute(delete(service.steward.catalog.table("invoice")))

    def slow(vault: Vault, keysets: list[tuple[str, Use]]) -> int:
        nonlocal now
        if (subject, Use.RECORDS) in keysets:
            now += timedelta(seconds=5)
            other.forget(subject)
            other.reveal(*sealed["invoice"][0])
        return destroy(vault, keysets)

    def told(step: str) -> None:
        if step == "records" and by == "job":
            with service.write() as session:
                holds.guard(session)
                destroy_records(session, service.steward, clock=lambda: now)

    monkeypatch.setattr(Vault, "destroy_all", slow)
    request = asked(service, subject)
    done = Erasure(service.steward, service.write, request, clock=lambda: now, told=told).run()
    now = done.unreadable_at - timedelta(seconds=1)
    assert other.reveal_text(*sealed["invoice"][0]) == "the invoice"
    now = done.unreadable_at
    with pytest.raises(KeyMissing):
        other.reveal(*sealed["invoice"][0])


@pytest.mark.parametrize("again", [False, True])
def test_a_second_run_keeps_the_first_date_unless_the_keys_were_there_again(service: Any, again: bool) -> None:
    """Cut off at the scan and run an hour later: what counts is when the keys really went, for the last time."""
    subject, _ = join(service, invoices=0)
    request, now = asked(service, subject), service.clock()

    def killed(step: str) -> None:
        if step == "scan":
            raise Killed

    with pytest.raises(Killed):
        Erasure(service.steward, service.write, request, clock=lambda: now, told=killed).run()
    if again:  # as after a key store's backup came back
        service.steward.vault.create(subject)
    later = now + timedelta(hours=1)
    told = Erasure(service.steward, service.write, request, clock=lambda: later).run()
    assert told.unreadable_at == (later if again else now) + timedelta(seconds=CACHE_SECONDS)


def test_the_policy_says_which_columns_are_for_records(service: Any) -> None:
    """`keys: records` holds for the category and what lies below it, and for sealed columns alone."""
    policies = load(SHIPPED)
    assert for_records(service.steward.catalog, policies) == frozenset()
    encryption = policies.encryption
    statement = encryption.encrypted["user.content.private.prompt"]
    changed = {
        **encryption.encrypted,
        "user.content.private.prompt": msgspec.structs.replace(statement, keys="records"),
    }
    told = msgspec.structs.replace(policies, encryption=msgspec.structs.replace(encryption, encrypted=changed))
    assert for_records(service.steward.catalog, told) == {("letter", "words"), ("invoice", "words")}
