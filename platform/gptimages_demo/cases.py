"""What compliance finds in the demo: archives asked for over the last weeks, an erasure that waits, and a hold to review."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.retention import holds
from datasteward.retention.scope import Scope
from datasteward.rights import requests
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.studio.models import Image

WEEKS = 12
MOST = 60
BY = "demo"


def add(session: Session, here: Installation, chance: random.Random, now: datetime) -> None:
    """Adds the cases, in the order in which they happened."""
    people = list(session.scalars(select(Account).order_by(Account.created_at).limit(MOST)))
    people = [person for person in people if person.created_at < now - timedelta(weeks=WEEKS)]
    times = sorted(now - timedelta(weeks=WEEKS) * chance.random() for _ in people)
    for person, at in zip(people[2:], times, strict=False):
        _archive(session, here, chance, person, at, now)
    _erasure(session, here, people[:1], now)
    _hold(session, here, people[1:2], now)


def _archive(
    session: Session, here: Installation, chance: random.Random, person: Account, at: datetime, now: datetime
) -> None:
    if chance.random() < 0.5:
        return
    request = requests.ask(session, here.policies, person.id, "export", country=person.country, now=at)
    requests.begin(session, request)
    pictures = len(list(session.scalars(select(Image.id).where(Image.account_id == person.id))))
    done = min(now, at + timedelta(hours=chance.randint(1, 60)))
    requests.finish(session, request, now=done, result={"files": pictures + 2, "records": pictures})


def _erasure(session: Session, here: Installation, people: Sequence[Account], now: datetime) -> None:
    for person in people:
        asked = now - timedelta(days=1)
        until = asked + here.policies.limits.erasure_wait.span
        requests.ask(session, here.policies, person.id, "erasure", country=person.country, now=asked, run_after=until)
        person.state = "closing"


def _hold(session: Session, here: Installation, people: Sequence[Account], now: datetime) -> None:
    for person in people:
        scope = Scope(subject=person.id)
        holds.place(session, here.steward, scope, "24-117", by=BY, review_at=now + timedelta(days=5), now=now)
