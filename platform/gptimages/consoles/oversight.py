"""What compliance sees of requests and holds. Lists show opaque ids alone; opening one writes an audit entry."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.audit.models import AuditEntry
from datasteward.errors import HoldError
from datasteward.retention import holds
from datasteward.retention.models import LegalHold
from datasteward.retention.planning import kept_back
from datasteward.retention.scope import Scope, keys
from datasteward.rights import requests
from datasteward.rights.models import SubjectRequest
from gptimages.accounts.models import Account
from gptimages.errors import InputError, NotFound
from gptimages.installation import Installation

DAY = timedelta(days=1)
CLOSED_SHOWN = 20
KINDS = {
    "export": ("Download", "GDPR Art. 20"),
    "erasure": ("Erase", "GDPR Art. 17"),
}
"""Each kind of request as a person says it, and the legal term."""


class Asked(msgspec.Struct, frozen=True):
    """A request with its clock: days left (negative: late), and how much of the time has run, in percent."""

    row: SubjectRequest
    kind: str
    law: str
    left: int
    run: int
    held: bool

    @property
    def tone(self) -> str:
        """How near the end of the clock is: `late`, `due` or nothing."""
        if self.row.closed_at is not None:
            return ""
        return "late" if self.left < 0 else "due" if self.run >= 75 else ""


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hold to place on what meets all that is given: at least one of these.

    `account`: what belongs to it. `table`: its rows; `rows`: only those with these ids, parted by blanks. `category`: a
    key of policies/taxonomy.yaml. `since`, `before`: days (2026-12-24, UTC); what was made from the first on, and before
    the second. `file` is the number of the file in which the reason stands, `review` the day of the next look.
    """

    file: str = ""
    review: str = ""
    account: str = ""
    table: str = ""
    rows: str = ""
    category: str = ""
    since: str = ""
    before: str = ""


def open_requests(session: Session, now: datetime) -> list[Asked]:
    """The requests that wait for an answer, the shortest clock first."""
    query = select(SubjectRequest).where(SubjectRequest.state.in_(requests.OPEN)).order_by(SubjectRequest.answer_by)
    return _clocked(session, list(session.scalars(query)), now)


def closed_requests(session: Session, now: datetime) -> list[Asked]:
    """The requests that were answered last, the newest first."""
    query = select(SubjectRequest).where(SubjectRequest.state.not_in(requests.OPEN))
    newest = query.order_by(SubjectRequest.asked_at.desc()).limit(CLOSED_SHOWN)
    return _clocked(session, list(session.scalars(newest)), now)


def open_request(session: Session, request_id: str, *, by: str, now: datetime) -> tuple[Asked, list[AuditEntry]]:
    """One request and the entries about its person's requests; that it was opened is written down. Raises NotFound."""
    row = session.get(SubjectRequest, request_id)
    if row is None:
        raise NotFound("There is no such request.")
    audit.append(session, "request.viewed", actor=by, subject=row.subject_id, now=now, request=row.id)
    about = [e for e in audit.entries(session, subject=row.subject_id) if audit.facts(e).get("request") == row.id]
    return _clocked(session, [row], now)[0], about


def open_hold(session: Session, hold_id: str, *, by: str, now: datetime) -> LegalHold:
    """One hold with its file; that it was opened is written down. Raises NotFound."""
    hold = session.get(LegalHold, hold_id)
    if hold is None:
        raise NotFound("There is no such hold.")
    audit.append(session, "hold.viewed", actor=by, subject=hold.subject_id, now=now, hold=hold.id)
    return hold


def place(session: Session, here: Installation, asked: Asking, *, by: str) -> LegalHold:
    """Places the hold that was asked for. Raises NotFound for an unknown account, and InputError."""
    scope = _scope(session, asked)
    review = _day(asked.review, "Give the day on which the hold is looked at again, such as 2026-12-24.")
    try:
        return holds.place(session, here.steward, scope, asked.file, review_at=review, by=by, now=here.clock())
    except HoldError as refused:
        raise InputError(str(refused)) from None


def about(hold: LegalHold) -> str:
    """What a hold is about, in a few words: "account 4k2…, usage_event, since 2026-01-01"."""
    told = (
        f"account {hold.subject_id}" if hold.subject_id else "",
        hold.table and (f"{len(hold.rows)} of {hold.table}" if hold.rows else hold.table),
        hold.category,
        f"since {hold.since:%Y-%m-%d}" if hold.since else "",
        f"before {hold.before:%Y-%m-%d}" if hold.before else "",
    )
    return ", ".join(part for part in told if part)


def back(session: Session, here: Installation, hold: LegalHold) -> dict[str, int]:
    """What goes once the hold is lifted, by rule; nothing of what another hold keeps as well."""
    return kept_back(session, here.steward, hold, now=here.clock()) if hold.lifted_at is None else {}


def _scope(session: Session, asked: Asking) -> Scope:
    subject = asked.account.strip() or None
    if subject is not None and session.get(Account, subject) is None:
        raise NotFound("There is no account with this id: check it.")
    wrong = "Give each end of the time range as a day, such as 2026-12-24."
    return Scope(
        subject=subject,
        table=asked.table.strip() or None,
        rows=keys(asked.rows.split()),
        category=asked.category.strip() or None,
        since=_day(asked.since, wrong) if asked.since else None,
        before=_day(asked.before, wrong) if asked.before else None,
    )


def _day(words: str, wrong: str) -> datetime:
    """The first moment of a day, UTC."""
    try:
        return datetime.combine(date.fromisoformat(words), time(), UTC)
    except ValueError:
        raise InputError(wrong) from None


def _clocked(session: Session, rows: list[SubjectRequest], now: datetime) -> list[Asked]:
    held = holds.by_subject(session, {row.subject_id for row in rows})
    return [_asked(row, now, held=row.subject_id in held) for row in rows]


def _asked(row: SubjectRequest, now: datetime, *, held: bool) -> Asked:
    kind, law = KINDS.get(row.kind, (row.kind, ""))
    whole = (row.answer_by - row.asked_at) / DAY
    gone = ((row.closed_at or now) - row.asked_at) / DAY
    run = round(100 * min(max(gone / whole, 0), 1)) if whole > 0 else 100
    return Asked(row, kind, law, (row.answer_by - (row.closed_at or now)).days, run, held)
