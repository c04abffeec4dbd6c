"""What a person asked for, as a state machine with a legal clock. Each step is an audit entry of ids, counts and times.

    export    asked → running → ready → done (the archive is gone again)
    erasure   waiting → running → done;  waiting or blocked → cancelled

A request under a legal hold is `blocked` and goes on when the hold is lifted; one that broke is `failed`: it may be run
again, or asked for anew. Requests outlive the erasure: they hold the opaque id, counts and times alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.disposal import disposal
from datasteward.errors import RequestStateError
from datasteward.policy import PolicySet
from datasteward.rights.models import SubjectRequest

Kind = Literal["export", "erasure"]

FIRST: Mapping[Kind, str] = {"export": "asked", "erasure": "waiting"}
MOVES: Mapping[str, Collection[str]] = {
    "asked": ("running", "cancelled", "failed"),
    "waiting": ("running", "blocked", "cancelled"),
    "blocked": ("running", "cancelled"),
    "running": ("running", "ready", "done", "blocked", "failed"),
    "failed": ("running",),
    "ready": ("done",),
    "done": (),
    "cancelled": (),
}
"""From which state a request may go to which. `running` to itself: the work was cut off and is taken up again."""

OPEN = ("asked", "waiting", "running", "blocked")
SENTENCES: Mapping[Kind, str] = {
    "export": "Your archive is being prepared already; wait for it.",
    "erasure": "Your account is being erased already; you can still take that back while it waits.",
}


def ask(
    session: Session,
    policies: PolicySet,
    subject: str,
    kind: Kind,
    *,
    country: str | None,
    now: datetime,
    run_after: datetime | None = None,
    via: str = "session",
    by: str | None = None,
) -> SubjectRequest:
    """Files a request; `country` gives the law whose clock runs, `run_after` is when an erasure is carried out.

    `via` is the word for how it was asked (session, token, command, report); `by` is the opaque id of who ordered it when
    that is not the person. Raises RequestStateError when one of the kind is open.
    """
    made = SubjectRequest(
        id=new_id(),
        subject_id=subject,
        kind=kind,
        state=FIRST[kind],
        asked_at=now,
        answer_by=policies.answer_by(country, now),
        run_after=run_after or now,
    )
    # The entry comes first: on databases with parallel writers it takes the lock under which the look below is final.
    audit.append(
        session, f"rights.{kind}.asked", actor=by or subject, subject=subject, now=now, request=made.id, via=via
    )
    if current(session, subject, kind) is not None:
        raise RequestStateError(SENTENCES[kind])
    session.add(made)
    session.flush()
    return made


def get(session: Session, request_id: str) -> SubjectRequest:
    """The request of that id. Raises RequestStateError when there is none."""
    found = session.get(SubjectRequest, request_id, populate_existing=True)
    if found is None:
        raise RequestStateError("There is no such request.")
    return found


def current(session: Session, subject: str, kind: Kind) -> SubjectRequest | None:
    """The person's open request of that kind, or None."""
    return session.scalars(_of(subject, kind).where(SubjectRequest.state.in_(OPEN))).first()


def last(session: Session, subject: str, kind: Kind) -> SubjectRequest | None:
    """The person's newest request of that kind in whatever state, or None."""
    return session.scalars(_of(subject, kind)).first()


def history(session: Session, subject: str) -> list[SubjectRequest]:
    """Every request of the person, the newest first."""
    query = select(SubjectRequest).where(SubjectRequest.subject_id == subject)
    return list(session.scalars(query.order_by(SubjectRequest.asked_at.desc(), SubjectRequest.id)))


def asked_since(session: Session, subject: str, kind: Kind, since: datetime) -> list[datetime]:
    """When the person asked for this since then, the oldest first: what a rate limit counts."""
    query = _of(subject, kind).where(SubjectRequest.asked_at > since)
    return sorted(request.asked_at for request in session.scalars(query))


def begin(session: Session, request: SubjectRequest) -> None:
    """The work begins, or begins again. Raises RequestStateError when it may not."""
    _move(request, "running")
    request.problem = request.closed_at = None
    session.flush()


def progress(session: Session, request_id: str, done: int, total: int) -> None:
    """How far it is."""
    session.execute(update(SubjectRequest).where(SubjectRequest.id == request_id).values(done=done, total=total))


def make_ready(
    session: Session,
    request: SubjectRequest,
    *,
    archive: str,
    size: int,
    until: datetime,
    now: datetime,
    result: dict[str, Any],
) -> None:
    """The archive stands under the object key `archive`, `size` bytes long, until `until`."""
    _move(request, "ready")
    request.archive, request.archive_bytes, request.archive_until = archive, size, until
    request.closed_at, request.result = now, result
    session.flush()
    _entry(session, request, "ready", now, actor="job:export", bytes=size, files=result.get("files"))


def archive_of(request: SubjectRequest, *, now: datetime) -> str:
    """The object key of the archive that stands. Raises RequestStateError when it is not there, or not any more."""
    if request.kind != "export" or request.state != "ready" or request.archive is None:
        raise RequestStateError("There is no archive to download: prepare one first.")
    if request.archive_until is None or request.archive_until <= now:
        raise RequestStateError("This archive has expired: prepare a new one.")
    return request.archive


def downloaded(session: Session, request: SubjectRequest, *, now: datetime) -> None:
    """Bytes of the archive go out to the person."""
    _entry(session, request, "downloaded", now, actor=request.subject_id)


def expired(session: Session, now: datetime) -> list[SubjectRequest]:
    """The requests whose archive stands longer than it may."""
    query = select(SubjectRequest).where(SubjectRequest.state == "ready", SubjectRequest.archive_until <= now)
    return list(session.scalars(query.order_by(SubjectRequest.archive_until)))


def expire(session: Session, request: SubjectRequest, *, now: datetime) -> None:
    """The archive goes: its object into the outbox, in this transaction."""
    _move(request, "done")
    if request.archive is not None:
        disposal.promise_object(session, request.archive, now=now)
    request.archive = None
    session.flush()
    _entry(session, request, "expired", now, actor="job:archives")


def cancel(session: Session, request: SubjectRequest, *, actor: str, now: datetime) -> None:
    """Takes a request back that has not begun. Raises RequestStateError when it has."""
    _move(request, "cancelled")
    request.closed_at = now
    session.flush()
    _entry(session, request, "cancelled", now, actor=actor)


def hurry(session: Session, request: SubjectRequest, *, now: datetime) -> None:
    """Does not wait any longer. Raises RequestStateError when the request is not waiting."""
    if request.state != "waiting":
        raise RequestStateError("This request does not wait any more.")
    request.run_after = now
    session.flush()
    _entry(session, request, "hurried", now, actor=request.subject_id)


def block(session: Session, request: SubjectRequest, *, now: datetime, part: bool = False) -> None:
    """A legal hold is in the way of everything or, with `part`, of what is left; said once."""
    if request.state == "blocked":
        return
    _move(request, "blocked")
    kept = "a part of this data; the rest of it goes" if part else "this data; the erasure goes on"
    request.problem = f"A legal hold keeps {kept} when the hold is lifted."
    session.flush()
    _entry(session, request, "blocked", now, actor="job:erase", part=part)


def fail(session: Session, request: SubjectRequest, problem: str, *, now: datetime) -> None:
    """It broke: `problem` is the sentence that the person reads. It is closed unless somebody begins it again."""
    _move(request, "failed")
    request.problem, request.closed_at = problem, now
    session.flush()
    _entry(session, request, "failed", now, actor=f"job:{request.kind}")


def close_others(session: Session, request: SubjectRequest, *, now: datetime) -> None:
    """Closes what else the person of this request had asked for: after the erasure there is nobody to answer."""
    mine = (SubjectRequest.subject_id == request.subject_id) & (SubjectRequest.id != request.id)
    for other in session.scalars(select(SubjectRequest).where(mine, SubjectRequest.state.in_(("asked", "running")))):
        fail(session, other, "The account was erased before this was answered.", now=now)


def finish(session: Session, request: SubjectRequest, *, now: datetime, result: dict[str, Any]) -> None:
    """It is done; `result` is the certificate: counts, without anything personal."""
    _move(request, "done")
    request.closed_at, request.result = now, result
    session.flush()


def due(session: Session, now: datetime) -> list[SubjectRequest]:
    """The erasures whose time has come and that are not finished: waiting, cut off, or blocked when last looked at."""
    query = select(SubjectRequest).where(
        SubjectRequest.kind == "erasure",
        SubjectRequest.state.in_(("waiting", "running", "blocked")),
        SubjectRequest.run_after <= now,
    )
    return list(session.scalars(query.order_by(SubjectRequest.run_after)))


def _of(subject: str, kind: Kind) -> Select[SubjectRequest]:
    query = select(SubjectRequest).where(SubjectRequest.subject_id == subject, SubjectRequest.kind == kind)
    return query.order_by(SubjectRequest.asked_at.desc(), SubjectRequest.id)


def _move(request: SubjectRequest, state: str) -> None:
    if state not in MOVES[request.state]:
        raise RequestStateError(f"A request that is {request.state} cannot become {state}.")
    request.state = state


def _entry(session: Session, request: SubjectRequest, act: str, now: datetime, *, actor: str, **facts: Any) -> None:
    told = {"request": request.id, **facts}
    audit.append(session, f"rights.{request.kind}.{act}", actor=actor, subject=request.subject_id, now=now, **told)
