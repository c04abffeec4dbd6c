"""What compliance has to decide today, and how the last weeks were: everything counted from requests, holds and the log."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from datasteward.audit.models import AuditEntry
from datasteward.exceptional import access
from datasteward.policy import PolicySet
from datasteward.retention import plans, states
from datasteward.retention.checking import needs_approval
from datasteward.retention.models import LegalHold
from datasteward.rights.models import SubjectRequest
from datasteward.steward import Steward
from gptimages.accounts.models import Account
from gptimages.support.models import Report

WEEKS = 12
WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
LOOKS = "%.viewed"
OPEN = ("asked", "waiting", "running", "failed", "blocked")
NEEDS_US = ("failed", "blocked")
ERASED = "rights.erasure.done"


class Decision(msgspec.Struct, frozen=True):
    """Something that waits for a person, with its clock: `run` is the share of the time that is gone, in percent."""

    title: str
    note: str
    link: str
    reference: str
    law: str
    until: datetime | None
    run: int
    tone: str


class Tile(msgspec.Struct, frozen=True):
    """A figure with the twelve weeks behind it, the oldest first."""

    title: str
    value: str
    note: str
    weeks: tuple[float, ...]


class Today(msgspec.Struct, frozen=True):
    """The first page of compliance."""

    decisions: tuple[Decision, ...]
    tiles: tuple[Tile, ...]
    requests: tuple[SubjectRequest, ...]


def today(session: Session, steward: Steward, now: datetime) -> Today:
    """The first page, as of now."""
    policies = steward.policies
    requests = list(session.scalars(select(SubjectRequest).order_by(SubjectRequest.answer_by)))
    waiting = [request for request in requests if request.state in OPEN]
    decisions = [
        *(_about_request(session, policies, each, now) for each in waiting if each.state in NEEDS_US),
        *(_about_report(report) for report in session.scalars(select(Report).where(Report.state == "open"))),
        *(_about_hold(hold, now) for hold in session.scalars(_holds_to_review(now))),
        *_about_plans(session, steward, now),
        *_about_accesses(session, policies, now),
    ]
    decisions.sort(key=lambda decision: (decision.until is None, decision.until))
    return Today(tuple(decisions), _tiles(session, requests, now), tuple(waiting))


def by_week(moments: list[datetime], now: datetime) -> tuple[int, ...]:
    """How many of the moments lie in each of the last twelve weeks, the oldest week first."""
    ages = [int((now - at) / WEEK) for at in moments]
    return tuple(ages.count(week) for week in range(WEEKS - 1, -1, -1))


def _tiles(session: Session, requests: list[SubjectRequest], now: datetime) -> tuple[Tile, ...]:
    since = now - WEEKS * WEEK
    asked = by_week([r.asked_at for r in requests if r.asked_at > since], now)
    answered = [r for r in requests if r.closed_at is not None and r.closed_at > since and r.state != "cancelled"]
    days = [(r.closed_at - r.asked_at) / DAY for r in answered if r.closed_at is not None]
    looks = by_week(_moments(session, LOOKS, since), now)
    erased = by_week(_moments(session, ERASED, since), now)
    return (
        Tile("Requests this week", str(asked[-1]), f"{sum(asked)} in twelve weeks", asked),
        Tile(
            "Days to an answer, middle",
            f"{median(days):.1f}" if days else "none yet",
            f"of {len(days)} answered in twelve weeks",
            _median_by_week(answered, now),
        ),
        Tile("Looks at personal data", str(looks[-1]), "by staff this week, each in the audit log", looks),
        Tile("Accounts erased this week", str(erased[-1]), f"{sum(erased)} in twelve weeks", erased),
    )


def _moments(session: Session, act: str, since: datetime) -> list[datetime]:
    return list(session.scalars(select(AuditEntry.at).where(AuditEntry.act.like(act), AuditEntry.at > since)))


def _median_by_week(answered: list[SubjectRequest], now: datetime) -> tuple[float, ...]:
    weeks: list[list[float]] = [[] for _ in range(WEEKS)]
    for request in answered:
        if request.closed_at is not None:
            weeks[WEEKS - 1 - int((now - request.closed_at) / WEEK)].append(
                (request.closed_at - request.asked_at) / DAY
            )
    return tuple(median(week) if week else 0.0 for week in weeks)


def _about_request(session: Session, policies: PolicySet, request: SubjectRequest, now: datetime) -> Decision:
    clock = policies.request_clock(session.scalar(select(Account.country).where(Account.id == request.subject_id)))
    blocked = request.state == "blocked"
    return Decision(
        title="A hold stands in the way of an erasure"
        if blocked
        else f"A request for {request.kind} could not be finished",
        note="Lift the hold, or tell the person why it stays."
        if blocked
        else (request.problem or "The job log says why."),
        link="/compliance/requests",
        reference=f"{request.id[:8]} · rights.{'erase' if request.kind == 'erasure' else 'access'}",
        law=f"{clock.answer.words}, {clock.source}",
        until=request.answer_by,
        run=_run(request.asked_at, request.answer_by, now),
        tone=_tone(request.answer_by, now),
    )


def _about_report(report: Report) -> Decision:
    child = report.kind == "under-age"
    return Decision(
        title="A child’s account was reported" if child else "A picture or a use was reported",
        note="Nobody has opened the report yet; opening it is written down.",
        link=f"/desk/reports/{report.id}",
        reference=f"{report.id[:8]} · {'minors.report' if child else 'purpose.integrity'}",
        law=f"waits since {report.created_at:%d %b}",
        until=None,
        run=100,
        tone="due" if child else "",
    )


def _about_hold(hold: LegalHold, now: datetime) -> Decision:
    return Decision(
        title="Does this hold still stand?",
        note="What it is about is kept from retention and from being erased.",
        link="/compliance/holds",
        reference=f"{hold.id[:8]} · retain.content",
        law="review of a legal hold",
        until=hold.review_at,
        run=_run(hold.placed_at, hold.review_at, now),
        tone=_tone(hold.review_at, now),
    )


def _about_plans(session: Session, steward: Steward, now: datetime) -> list[Decision]:
    """The newest retention plan, while it is open, young enough and waits for a second person."""
    age = steward.policies.limits.retention_plan_age
    return [
        Decision(
            title="A retention plan needs a second person",
            note=why,
            link=f"/compliance/retention/{stored.id}",
            reference=f"{stored.id[:8]} · retain.inputs",
            law=f"a plan holds for {age.words}",
            until=stored.made_at + age.span,
            run=_run(stored.made_at, stored.made_at + age.span, now),
            tone=_tone(stored.made_at + age.span, now),
        )
        for stored in plans.newest(session, limit=1)
        if stored.state == states.OPEN and stored.approved_by is None and stored.made_at + age.span > now
        if (why := needs_approval(steward, plans.load(stored))) is not None
    ]


def _about_accesses(session: Session, policies: PolicySet, now: datetime) -> list[Decision]:
    """The exceptional accesses that wait for a second person."""
    return [
        Decision(
            title="An exceptional access needs a second person",
            note=rule.words,
            link=f"/compliance/access/{asked.id}",
            reference=f"{asked.id[:8]} · security.roles",
            law=f"waits for {rule.lasts.words} at most",
            until=rule.lasts.after(asked.asked_at),
            run=_run(asked.asked_at, rule.lasts.after(asked.asked_at), now),
            tone=_tone(rule.lasts.after(asked.asked_at), now),
        )
        for asked in access.newest(session)
        if access.state(policies, asked, now) == "asked"
        if (rule := policies.role_file.exceptional_access.of(asked.kind)) is not None
    ]


def _holds_to_review(now: datetime) -> Select[LegalHold]:
    return select(LegalHold).where(LegalHold.lifted_at.is_(None), LegalHold.review_at < now + WEEK)


def _run(start: datetime, end: datetime, now: datetime) -> int:
    return max(0, min(100, round(100 * ((now - start) / (end - start))))) if end > start else 100


def _tone(until: datetime, now: datetime) -> str:
    left = until - now
    return "late" if left < DAY else "due" if left < 3 * DAY else ""
