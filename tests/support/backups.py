"""Two people, the backups that hold them, and what can be read of each of them in an installation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from datasteward.errors import KeyMissing, ObjectMissing
from datasteward.rights import requests
from gptimages.accounts import people
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages_jobs import erase as erase_job


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


def read(here: Installation, subject: str) -> list[str]:
    """What can be read of a person: address and avatar, each where it is there and opens."""
    found = []
    with here.db.read() as session:
        account = session.scalar(select(Account).where(Account.id == subject))
    try:
        if account is not None:
            found.append(people.email_of(here, account))
        found.append(b"".join(here.objects.open(subject, f"avatar/{subject}")).decode())
    except (KeyMissing, ObjectMissing):
        pass
    return found


def rows(here: Installation) -> int:
    """How many accounts there are."""
    with here.db.read() as session:
        return len(list(session.scalars(select(Account.id))))
