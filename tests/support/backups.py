"""Two people, the backups that hold them, and what can be read of each of them in an installation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import select

from datasteward import backup
from datasteward.base import new_id
from datasteward.errors import KeyMissing, ObjectMissing
from datasteward.keys import reveal, seal
from datasteward.rights import requests
from gptimages import restoring
from gptimages.accounts import people
from gptimages.accounts.models import Account
from gptimages.billing.models import Transaction
from gptimages.installation import Installation, open_installation
from gptimages.settings import Settings
from gptimages_jobs import erase as erase_job

BILLED_TO = "Ines Halvorsen, Heron Walk 7"


@dataclass(frozen=True)
class Town:
    """An installation and the ids of the two who are in it."""

    here: Installation
    ines: str
    lena: str


@dataclass(frozen=True)
class Saved:
    """The directories of two backups."""

    service: Path
    keys: Path


def nothing(_step: str) -> None:
    """Hears of progress and says nothing."""


def erase(here: Installation, subject: str) -> None:
    """Erases somebody as the job does, without waiting."""
    with here.db.write() as session:
        made = requests.ask(session, here.policies, subject, "erasure", country="NO", now=here.clock())
    erase_job.run(here, made.id)


def bill(here: Installation, subject: str, billed_to: str, at: datetime) -> None:
    """Writes an invoice with a name and address on it."""
    invoice = Transaction(
        id=new_id(),
        subject_id=subject,
        stripe_id=f"in_{subject}",
        number="GI-1",
        kind="invoice",
        amount=900,
        currency="EUR",
        country="NO",
        occurred_at=at,
    )
    seal(here.vault, invoice, "billed_to", billed_to)
    with here.writing("billing", "tests") as session:
        session.add(invoice)


def read(here: Installation, subject: str) -> list[str]:
    """What can be read of a person: mail address, avatar, and what stands on invoices, each where it is there and opens."""
    with here.db.read() as session:
        accounts = list(session.scalars(select(Account).where(Account.id == subject)))
        invoices = list(session.scalars(select(Transaction).where(Transaction.subject_id == subject)))
    steps: list[Callable[[], str | None]] = [
        *(partial(people.email_of, here, account) for account in accounts),
        lambda: b"".join(here.objects.open(subject, f"avatar/{subject}")).decode(),
        *(partial(reveal, here.vault, invoice, "billed_to") for invoice in invoices),
    ]
    found = []
    for step in steps:
        with suppress(KeyMissing, ObjectMissing):
            found.append(step() or "")
    return found


def rows(here: Installation) -> int:
    """How many accounts there are."""
    with here.db.read() as session:
        return len(list(session.scalars(select(Account.id))))


def restore(settings: Settings, saved: Saved) -> backup.Replayed:
    """Restores everything there."""
    return restoring.restore(settings, saved.service, saved.keys, told=nothing)


def opened(settings: Settings) -> closing[Installation]:
    """The restored installation as an operator's command opens it."""
    return closing(open_installation(settings, as_found=True))
