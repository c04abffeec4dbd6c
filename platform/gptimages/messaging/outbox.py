"""Telling people things: a notice in the service, and mail that is written here and leaves through the outbox.

Mail is sealed under the person's key and written in the transaction that it tells of; the job `mail` sends it afterwards.
The address is looked up when it is sent.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.keys import seal
from gptimages.installation import Installation
from gptimages.messaging.models import CommunicationPreference, MailMessage, Notification
from gptimages.models import new_id
from gptimages.queue import queue
from gptimages.queue.models import Job

MAIL = "mail"
ALL_WAITING = "outbox"
COMMUNICATE = "communicate"
PURPOSES = {"archive": "law", "erasure": "law", "support": "support"}
"""What mail of a kind goes out for, by its kind; all other goes out to communicate.

So what a person hears of their own request or question reaches them while the rest of their data is only stored.
"""


def notify(
    session: Session, account_id: str, *, kind: str, title: str, body: str, now: datetime, link: str | None = None
) -> Notification:
    """Puts a notice into the service for one person; its words hold nothing personal."""
    notice = Notification(
        id=new_id(), account_id=account_id, kind=kind, title=title, body=body, link=link, created_at=now
    )
    session.add(notice)
    return notice


def write_mail(
    session: Session,
    here: Installation,
    account_id: str,
    *,
    kind: str,
    subject: str,
    body: str,
    now: datetime,
    promotional: bool = False,
) -> MailMessage | None:
    """Writes a mail to one person; None when it is promotional and they did not ask for such mail."""
    if promotional and not wants_promotion(session, account_id):
        return None
    mail = MailMessage(
        id=new_id(),
        account_id=account_id,
        kind=kind,
        promotional=promotional,
        state="waiting",
        next_try_at=now,
        created_at=now,
    )
    seal(here.vault, mail, "subject", subject, subject=account_id)
    seal(here.vault, mail, "body", body, subject=account_id)
    session.add(mail)
    _wake(session, now)
    return mail


def wants_promotion(session: Session, account_id: str) -> bool:
    """Whether the person asked for promotional mail; who said nothing did not."""
    query = select(CommunicationPreference.promotional).where(CommunicationPreference.account_id == account_id)
    return session.scalar(query) or False


def _wake(session: Session, now: datetime) -> None:
    waiting = select(Job.id).where(
        Job.kind == MAIL, Job.ref == ALL_WAITING, Job.state == "queued", Job.run_after <= now
    )
    if session.scalar(waiting.limit(1)) is None:
        queue.promise(session, MAIL, ALL_WAITING, now=now)
