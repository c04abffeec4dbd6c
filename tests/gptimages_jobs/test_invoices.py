"""The name and address on an invoice live as long as the invoice, which the law has us keep, and no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.errors import DecryptionFailed, KeyMissing, PurposeError
from datasteward.keys import Box, Context, Use, context_for, reveal, seal
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from datasteward.rights import requests
from gptimages.accounts.models import Account
from gptimages.billing.models import Transaction
from gptimages.installation import Installation, open_installation
from gptimages.queue import queue
from gptimages_jobs import disposal, erase, keys, retention
from gptimages_jobs.scheduler import REF
from gptimages_jobs.worker import Worker

ADDRESS = "Ines Halvorsen\nHeron Walk 7\nNO"
LAST_YEAR = datetime(2018, 5, 3, tzinfo=UTC)
"""Of an invoice that is kept until the end of the year in which the tests begin."""


@dataclass(frozen=True)
class Kept:
    """A person with an invoice, and copies of what was sealed for them, kept aside before anything happened."""

    subject: str
    invoice: tuple[Context, Box]
    content: tuple[Context, Box]


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """On both kinds of database."""
    return any_here


@pytest.fixture
def ines(here: Installation, person: Callable[..., Account]) -> Kept:
    """Ines, whose name and address stand on one of her two invoices."""
    account = person()
    simple, full = (
        Transaction(
            id=new_id(),
            subject_id=account.id,
            stripe_id=f"in_{number}",
            number=f"GI-{number}",
            kind="invoice",
            amount=900,
            currency="EUR",
            country="NO",
            occurred_at=LAST_YEAR,
        )
        for number in range(2)
    )
    seal(here.vault, full, "billed_to", ADDRESS)
    with here.writing("billing", "tests") as session:
        session.add_all([simple, full])
    assert full.billed_to is not None
    content = (context_for(account, "email"), account.email)
    return Kept(account.id, (context_for(full, "billed_to"), full.billed_to), content)


@contextmanager
def anew(here: Installation) -> Iterator[Installation]:
    """The installation as a process that has just started opens it: with no key in memory."""
    opened = open_installation(here.settings, here.clock)
    try:
        yield opened
    finally:
        opened.close()


def forget(here: Installation, subject: str) -> None:
    """Erases somebody as the job does, without waiting."""
    with here.db.write() as session:
        made = requests.ask(session, here.policies, subject, "erasure", country="NO", now=here.clock())
    erase.run(here, made.id)
    with here.reading("law", "tests") as session:
        assert requests.get(session, made.id).state == "done"


def night(here: Installation) -> None:
    """The jobs of one night, with what follows from them."""
    keys.run(here, REF)
    with here.writing("law", "tests") as session:
        queue.promise(session, retention.KIND, REF, now=here.clock())
    Worker(here, {retention.KIND: retention.run, disposal.KIND: disposal.run}).run_due()


def addresses(here: Installation, purpose: str) -> list[str | None]:
    """What stands on the invoices that there are, opened for a purpose."""
    with anew(here) as there, there.reading(purpose, "tests") as session:
        invoices = session.scalars(select(Transaction).order_by(Transaction.number))
        return [reveal(there.vault, invoice, "billed_to") for invoice in invoices]


def opens(here: Installation, copy: tuple[Context, Box]) -> bool:
    """Whether a copy of something sealed that was kept aside can be read."""
    with anew(here) as there:
        try:
            return bool(there.vault.reveal_text(*copy))
        except (KeyMissing, DecryptionFailed):
            return False


def test_after_an_erasure_the_invoice_opens_and_nothing_else(here: Installation, ines: Kept) -> None:
    """For the law and for the books, and for no other purpose; content is unreadable at once, copies of it too."""
    forget(here, ines.subject)
    assert addresses(here, "law") == addresses(here, "billing") == [None, ADDRESS]
    with pytest.raises(PurposeError):
        addresses(here, "support")
    assert not opens(here, ines.content)


def test_the_key_goes_with_the_last_invoice(here: Installation, clock: Any, ines: Kept) -> None:
    """In the night after the term has ended the rows and the key go, and a copy of the row is unreadable from then on."""
    forget(here, ines.subject)
    disposal.run(here, "tests")
    assert addresses(here, "law") == [None, ADDRESS]
    clock.move(days=40)
    night(here)
    assert addresses(here, "law") == []
    assert not here.vault.has(ines.subject, Use.RECORDS)
    assert not opens(here, ines.invoice)


def test_a_hold_keeps_the_invoice_and_its_key_beyond_the_term(here: Installation, clock: Any, ines: Kept) -> None:
    """The content goes all the same; the invoice and its key go when the hold is lifted."""
    now = clock()
    with here.db.write() as session:
        scope = Scope(subject=ines.subject, table="transaction")
        hold = holds.place(
            session, here.steward, scope, "24-1", review_at=now + timedelta(days=90), by="legal", now=now
        )
    forget(here, ines.subject)
    assert not opens(here, ines.content)
    clock.move(days=40)
    night(here)
    assert addresses(here, "law") == [None, ADDRESS]
    with here.db.write() as session:
        holds.lift(session, hold.id, by="legal", now=clock())
    night(here)
    assert addresses(here, "law") == []
    assert not opens(here, ines.invoice)


def test_new_keys_leave_the_invoice_readable(here: Installation, clock: Any, ines: Kept) -> None:
    """Epochs end and people's keys are changed: what was sealed before an erasure is read after all of it."""
    begun = here.vault.epoch_begun()
    forget(here, ines.subject)
    for days in (732, 1, 7, 30, 7):
        clock.move(days=days)
        keys.run(here, REF)
    assert here.vault.epoch_begun() > begun + timedelta(days=732)
    with here.reading("law", "tests") as session:
        done = [audit.facts(entry) for entry in audit.entries(session, acts=["keys.kept"])]
    assert all(sum(int(facts[step]) for facts in done) for step in ("rewrapped", "ended", "staged", "promoted"))
    assert addresses(here, "law") == [None, ADDRESS]
