"""The invented year of one person: sessions, runs with pictures, events, questions, payments, consents. Rows, not requests.

Dates lie in the past; everything else is as the service would have written it, sealed under the person's own key.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from datasteward.base import StewardBase
from datasteward.consent import records as consent
from datasteward.keys import seal
from gptimages.accounts import people
from gptimages.accounts.models import Account, Identity, WebSession
from gptimages.accounts.secrets import hash_of, new_secret
from gptimages.activity.models import DeviceRecord, EngagementEvent, UsageEvent
from gptimages.billing.models import Customer, Subscription, Transaction
from gptimages.installation import Installation
from gptimages.models import Base, new_id
from gptimages.studio.keys import picture_key, reference_key, thumbnail_key
from gptimages.studio.models import Favourite, Generation, Image, ReferenceImage
from gptimages.support.models import SupportTicket
from gptimages_demo.stock import Stock
from gptimages_demo.vocabulary import AGENTS, PROMPTS, QUESTIONS, STREETS, STYLES, TOPICS

Row = Base | StewardBase

ANSWER = "Thank you for asking; it is in the help beside the button."


@dataclass(frozen=True, slots=True)
class Year:
    """Everything that a person's rows are made from."""

    here: Installation
    account: Account
    chance: random.Random
    stock: Stock
    now: datetime

    def some_time(self, since: datetime | None = None) -> datetime:
        """A moment between `since` (or the account's first day) and now, more often a recent one."""
        start = since or self.account.created_at
        share: float = self.chance.random() ** 0.7
        return start + (self.now - start) * share


def live(session: Session, year: Year) -> None:
    """Writes the person's year."""
    session.add(_identity(year))
    session.add_all([*_usage(year), *_engagement(year), *_tickets(year)])
    for row in (*_devices(year), *_payments(year)):
        session.add(row)
        session.flush()  # one by one: a row stands after the one that it refers to
    for _ in range(year.chance.randint(1, 4)):
        _run(session, year)
    if year.chance.random() < 0.25:
        session.add(_reference(year))


def choose(session: Session, year: Year) -> None:
    """The person's answer about `improve`: some consent, some take it back."""
    here, subject = year.here, year.account.id
    if year.chance.random() < 0.5:
        consent.answer(session, subject, "improve", "consent", True, "choices", here.policies, year.now)
        if year.chance.random() < 0.2:
            consent.answer(session, subject, "improve", "consent", False, "choices", here.policies, year.now)


def _identity(year: Year) -> Row:
    return Identity(
        id=new_id(),
        account_id=year.account.id,
        issuer=year.here.settings.oidc_issuer,
        subject=f"invented-{year.account.id}",
        created_at=year.account.created_at,
    )


def _devices(year: Year) -> Iterator[Row]:
    for _ in range(year.chance.randint(1, 8)):
        at = year.some_time()
        device = DeviceRecord(id=new_id(), account_id=year.account.id, created_at=at, last_seen_at=at)
        address = f"198.51.100.{year.chance.randint(1, 254)}"  # TEST-NET-2, RFC 5737
        seal(year.here.vault, device, "ip_address", address, subject=year.account.id)
        seal(year.here.vault, device, "user_agent", year.chance.choice(AGENTS), subject=year.account.id)
        yield device
        until = at + timedelta(hours=year.chance.randint(1, 12))
        yield WebSession(
            id=new_id(),
            account_id=year.account.id,
            device_id=device.id,
            secret_hash=hash_of(new_secret()),
            created_at=at,
            authenticated_at=at,
            last_seen_at=at,
            expires_at=until,
            ended_at=until,
        )


def _usage(year: Year) -> Iterator[Row]:
    for _ in range(year.chance.randint(10, 80)):
        yield UsageEvent(
            id=new_id(),
            account_id=year.account.id,
            kind="generate",
            pictures=year.chance.randint(1, 4),
            seconds=round(year.chance.uniform(1, 14), 1),
            created_at=year.some_time(),
        )


def _engagement(year: Year) -> Iterator[Row]:
    for _ in range(year.chance.randint(0, 12)):
        kind = year.chance.choice(("kept", "downloaded", "shared", "reused"))
        style = year.chance.choice(STYLES)
        at = year.some_time()
        yield EngagementEvent(id=new_id(), account_id=year.account.id, kind=kind, style=style, created_at=at)


def _tickets(year: Year) -> Iterator[Row]:
    if year.chance.random() > 0.12:
        return
    at = year.some_time()
    done = at + timedelta(days=2) if at < year.now - timedelta(days=5) else None
    ticket = SupportTicket(
        id=new_id(),
        account_id=year.account.id,
        topic=year.chance.choice(TOPICS),
        state="answered" if done else "open",
        created_at=at,
        answered_at=done,
        closed_at=done,
    )
    seal(year.here.vault, ticket, "text", year.chance.choice(QUESTIONS), subject=year.account.id)
    if done:
        seal(
            year.here.vault,
            ticket,
            "answer",
            "Thank you for asking; it is in the help beside the button.",
            subject=year.account.id,
        )
    yield ticket


def _payments(year: Year) -> Iterator[Row]:
    if year.chance.random() > 0.3:
        return
    account, since = year.account, year.account.created_at
    customer = Customer(
        id=new_id(), account_id=account.id, stripe_id=f"cus_{new_id()}", country=account.country, created_at=since
    )
    yield customer
    yield Subscription(
        id=new_id(),
        customer_id=customer.id,
        stripe_id=f"sub_{new_id()}",
        plan="studio",
        state="active",
        paid_until=year.now + timedelta(days=20),
        created_at=since,
    )
    wanted = _address(year) if year.chance.random() < 0.4 else None
    for month in range(int((year.now - since).days / 30)):
        yield _invoice(year, since + timedelta(days=30 * month), month, wanted)
    if year.chance.random() < 0.1:  # somebody who paid long ago: what tax law no longer asks for is due
        yield _invoice(year, year.now - timedelta(days=365 * year.chance.randint(8, 13)), 999, wanted)


def _address(year: Year) -> str:
    """The name and address of somebody who wants them on their invoices."""
    street = f"{year.chance.choice(STREETS)} {year.chance.randint(1, 90)}"
    return f"{people.name_of(year.here, year.account)}\n{street}\n{year.account.country}"


def _invoice(year: Year, at: datetime, number: int, billed_to: str | None) -> Row:
    invoice = Transaction(
        id=new_id(),
        subject_id=year.account.id,
        stripe_id=f"in_{new_id()}",
        number=f"GI-{at:%Y}-{year.account.id[:4].upper()}-{number:03}",
        kind="invoice",
        amount=900,
        currency="EUR",
        country=year.account.country,
        occurred_at=at,
    )
    if billed_to is not None:
        seal(year.here.vault, invoice, "billed_to", billed_to)
    return invoice


def _run(session: Session, year: Year) -> None:
    words, at, count = year.chance.choice(PROMPTS), year.some_time(), year.chance.randint(1, 2)
    run = Generation(
        id=new_id(),
        account_id=year.account.id,
        style=year.chance.choice(STYLES),
        width=year.stock.width,
        height=year.stock.height,
        count=count,
        quality="draft",
        background="auto",
        format="webp",
        moderation="auto",
        processor="preview",
        model=year.stock.model,
        is_preview=True,
        state="done",
        created_at=at,
        sent_at=at,
        finished_at=at + timedelta(seconds=4),
    )
    seal(year.here.vault, run, "prompt", words, subject=year.account.id)
    session.add(run)
    session.flush()
    for position in range(count):
        session.add(_picture(year, run, position, words))
        session.flush()


def _picture(year: Year, run: Generation, position: int, words: str) -> Image:
    picture = year.stock.of(words, position)
    image_id = new_id()
    image = Image(
        id=image_id,
        account_id=year.account.id,
        generation_id=run.id,
        position=position,
        object=picture_key(image_id),
        thumbnail=thumbnail_key(image_id),
        media_type="image/webp",
        width=year.stock.width,
        height=year.stock.height,
        bytes=len(picture.full),
        created_at=run.finished_at or run.created_at,
    )
    year.here.objects.put(year.account.id, image.object, [picture.full])
    year.here.objects.put(year.account.id, image.thumbnail, [picture.small])
    return image


def _reference(year: Year) -> Row:
    picture, reference_id, at = year.stock.of(PROMPTS[0], 0), new_id(), year.some_time()
    year.here.objects.put(year.account.id, reference_key(reference_id), [picture.full])
    return ReferenceImage(
        id=reference_id,
        account_id=year.account.id,
        object=reference_key(reference_id),
        media_type="image/webp",
        width=year.stock.width,
        height=year.stock.height,
        bytes=len(picture.full),
        created_at=at,
        last_used_at=at,
    )


def favourite(session: Session, year: Year, image_id: str) -> None:
    """Marks a picture."""
    session.add(Favourite(id=new_id(), account_id=year.account.id, image_id=image_id, created_at=year.now))
