"""Fills a demo database with invented people and more than a year of activity, so that plans and reports have something to say.

It refuses every database that is not a demo's. People come in the order in which they signed up, and the audit log with them.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from gptimages.accounts import people
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.origin import DEMO, Origin
from gptimages.studio.models import Image
from gptimages.support import desk
from gptimages_demo import activity, cases, stock, vocabulary
from gptimages_demo.errors import DemoRefused

LONGEST = timedelta(days=440)
BATCH = 10
REPORTS = (
    ("abuse", "A shared picture shows somebody who did not agree to it."),
    ("under-age", "The person behind this account told me that they are eleven."),
)

Told = Callable[[str, int, int], None]


def fill(here: Installation, number: int, told: Told, seed: int = 1) -> None:
    """Makes `number` invented people with their activity. `told` hears what is being done, how far, of how much.

    Raises DemoRefused when the database is not a demo's.
    """
    _refuse_real(here)
    chance, now = random.Random(seed), here.clock()  # noqa: S311 - invented data, nothing secret
    pictures = stock.draw(lambda done, of: told("pictures drawn", done, of))
    births = sorted(now - LONGEST * chance.random() ** 0.8 for _ in range(number))
    for start in range(0, number, BATCH):
        with here.db.write() as session:
            for born in births[start : start + BATCH]:
                _person(session, here, chance, pictures, born, now)
        told("people made", min(start + BATCH, number), number)
    with here.db.write() as session:
        for kind, text in REPORTS:
            desk.report(session, here, None, kind, "", text, now=now)
        _looks(session, chance, now)
    with here.db.write() as session:
        cases.add(session, here, chance, now)


def _person(
    session: Session, here: Installation, chance: random.Random, pictures: stock.Stock, born: datetime, now: datetime
) -> None:
    name = f"{chance.choice(vocabulary.FIRST)} {chance.choice(vocabulary.LAST)}"
    country = chance.choice(vocabulary.COUNTRIES)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    mail = f"{plain.replace(' ', '.').lower()}.{chance.randint(1, 999)}@example.org"
    age = here.policies.minimum_age(country)
    account = people.create(session, here, name=name, email=mail, country=country, minimum_age=age, now=born)
    year = activity.Year(here, account, chance, pictures, now)
    activity.live(session, year)
    account.last_seen_at = year.some_time()
    activity.choose(session, year)
    picture = session.scalar(select(Image.id).where(Image.account_id == account.id).limit(1))
    if picture is not None and chance.random() < 0.5:
        activity.favourite(session, year, picture)


def _looks(session: Session, chance: random.Random, now: datetime) -> None:
    some = list(session.scalars(select(Account.id).limit(12)))
    for account_id in some[: chance.randint(3, 8)]:
        audit.append(session, "ticket.viewed", actor="demo", subject=account_id, now=now)


def _refuse_real(here: Installation) -> None:
    with here.reading("deliver", "demo") as session:
        kind = session.scalar(select(Origin.kind))
    if not here.settings.demo or kind != DEMO:
        raise DemoRefused("Invented people belong into a demo database alone: this one is not.")
