"""Questions and reports: filing them, answering them. Texts are sealed; what staff open is written to the audit log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.keys import reveal, seal
from gptimages.accounts.models import Account
from gptimages.errors import Conflict, InputError, LimitReached, NotFound
from gptimages.installation import Installation
from gptimages.messaging.outbox import notify, write_mail
from gptimages.models import new_id
from gptimages.support.models import Report, SupportTicket

TOPICS = {
    "pictures": "Making pictures",
    "account": "My account",
    "billing": "Payments",
    "privacy": "My data and my rights",
    "other": "Something else",
}
DAY = timedelta(days=1)
STANDING = "reports"
"""The keyset that seals the reports of whoever is not signed in: one for all, as there is no person to destroy it with."""

REPORTS = {
    "abuse": "A picture or a use that should not be",
    "under-age": "A person below the age that the service is for",
}


class Question(msgspec.Struct, frozen=True):
    """A ticket, opened for its owner or for staff."""

    id: str
    topic: str
    text: str
    answer: str | None
    state: str
    created_at: datetime
    answered_at: datetime | None


class OpenedReport(msgspec.Struct, frozen=True):
    """A report, opened for staff."""

    id: str
    kind: str
    about: str | None
    text: str
    state: str
    created_at: datetime
    removal_of: str | None
    removal_by: str | None


def ask(
    session: Session, here: Installation, account_id: str, topic: str, text: str, *, now: datetime
) -> SupportTicket:
    """Files a question. Raises InputError for an unknown topic or an empty or overlong text, or LimitReached."""
    if topic not in TOPICS:
        raise InputError("Choose what your question is about.")
    _check_limit(session, here, account_id, now)
    ticket = SupportTicket(id=new_id(), account_id=account_id, topic=topic, state="open", created_at=now)
    seal(here.vault, ticket, "text", _checked(here, text))
    session.add(ticket)
    audit.append(session, "ticket.asked", actor=account_id, subject=account_id, now=now, ticket=ticket.id)
    return ticket


def questions_of(session: Session, here: Installation, account_id: str) -> list[Question]:
    """The person's questions, the newest first."""
    mine = select(SupportTicket).where(SupportTicket.account_id == account_id)
    return [_opened(here, ticket) for ticket in session.scalars(mine.order_by(SupportTicket.created_at.desc()))]


def waiting(session: Session) -> Sequence[SupportTicket]:
    """The open tickets, the oldest first, unopened."""
    query = select(SupportTicket).where(SupportTicket.state == "open")
    return list(session.scalars(query.order_by(SupportTicket.created_at)))


def open_ticket(session: Session, here: Installation, ticket_id: str, *, by: str, now: datetime) -> Question:
    """A ticket as staff read it; that they did is written down. Raises NotFound."""
    ticket = _ticket(session, ticket_id)
    audit.append(session, "ticket.viewed", actor=by, subject=ticket.account_id, now=now, ticket=ticket.id)
    return _opened(here, ticket)


def answer(session: Session, here: Installation, ticket_id: str, text: str, *, by: str, now: datetime) -> None:
    """Answers a ticket and tells its owner. Raises NotFound, Conflict when it is answered, InputError for no text."""
    ticket = _ticket(session, ticket_id)
    if ticket.state != "open":
        raise Conflict("This question is answered already.")
    seal(here.vault, ticket, "answer", _checked(here, text))
    ticket.state, ticket.answered_at, ticket.closed_at, ticket.answered_by = "answered", now, now, by
    title = "Your question has an answer"
    notify(
        session,
        ticket.account_id,
        kind="support",
        title=title,
        body="Read it with your question.",
        now=now,
        link="/support",
    )
    body = f"Your question has an answer; read it at {here.settings.public_url.rstrip('/')}/support\n"
    write_mail(session, here, ticket.account_id, kind="support", subject=title, body=body, now=now)
    audit.append(session, "ticket.answered", actor=by, subject=ticket.account_id, now=now, ticket=ticket.id)


def report(
    session: Session, here: Installation, reporter_id: str | None, kind: str, about: str, text: str, *, now: datetime
) -> Report:
    """Files a report of anybody. Raises InputError for an unknown kind or an empty or overlong text, or KeyMissing."""
    if kind not in REPORTS:
        raise InputError("Choose what you report.")
    most = here.policies.limits.report_place_characters
    if len(about.strip()) > most.value:
        raise InputError(f"Say in at most {most.words} where it is, and the rest below.")
    row = Report(id=new_id(), reporter_id=reporter_id, kind=kind, state="open", created_at=now)
    words = _checked(here, text)
    row.keyset = reporter_id or here.vault.standing(STANDING)
    seal(here.vault, row, "text", words)
    if about.strip():
        seal(here.vault, row, "about", about.strip())
    session.add(row)
    audit.append(session, "report.filed", actor=reporter_id or "anybody", now=now, report=row.id, kind=kind)
    return row


def open_reports(session: Session) -> Sequence[Report]:
    """The reports that wait, the oldest first, unopened."""
    return list(session.scalars(select(Report).where(Report.state == "open").order_by(Report.created_at)))


def open_report(session: Session, here: Installation, report_id: str, *, by: str, now: datetime) -> OpenedReport:
    """A report as staff read it; that they did is written down. Raises NotFound."""
    row = report_of(session, report_id)
    audit.append(session, "report.viewed", actor=by, subject=row.reporter_id, now=now, report=row.id)
    about = reveal(here.vault, row, "about")
    text = reveal(here.vault, row, "text") or ""
    return OpenedReport(row.id, row.kind, about, text, row.state, row.created_at, row.removal_of, row.removal_by)


def close_report(session: Session, report_id: str, *, by: str, now: datetime) -> None:
    """Closes a report. Raises NotFound."""
    row = report_of(session, report_id)
    row.state, row.closed_at = "closed", now
    row.removal_of = row.removal_by = None
    audit.append(session, "report.closed", actor=by, subject=row.reporter_id, now=now, report=row.id)


def report_of(session: Session, report_id: str) -> Report:
    """The report of that id. Raises NotFound."""
    row = session.get(Report, report_id)
    if row is None:
        raise NotFound("There is no such report.")
    return row


def _ticket(session: Session, ticket_id: str) -> SupportTicket:
    ticket = session.get(SupportTicket, ticket_id)
    if ticket is None:
        raise NotFound("There is no such question.")
    return ticket


def _check_limit(session: Session, here: Installation, account_id: str, now: datetime) -> None:
    # Two questions at once cannot both be the last one allowed.
    session.scalar(select(Account.id).where(Account.id == account_id).with_for_update())
    mine = (SupportTicket.account_id == account_id) & (SupportTicket.created_at > now - DAY)
    asked = list(session.scalars(select(SupportTicket.created_at).where(mine).order_by(SupportTicket.created_at)))
    most = here.policies.limits.tickets_per_day.value
    if len(asked) >= most:
        wait = math.ceil((asked[-most] + DAY - now).total_seconds())
        raise LimitReached(
            f"You asked {most} questions within a day: read our answers first, and ask again tomorrow.",
            retry_after=wait,
        )


def _checked(here: Installation, text: str) -> str:
    most = here.policies.limits.support_characters.value
    text = text.strip()
    if not text:
        raise InputError("Write a few words first.")
    if len(text) > most:
        raise InputError(f"That is longer than {most:,} characters: shorten it, or send it in two parts.")
    return text


def _opened(here: Installation, ticket: SupportTicket) -> Question:
    text = reveal(here.vault, ticket, "text") or ""
    said = reveal(here.vault, ticket, "answer")
    topic = TOPICS.get(ticket.topic, ticket.topic)
    return Question(ticket.id, topic, text, said, ticket.state, ticket.created_at, ticket.answered_at)
