"""Versions of the privacy policy: which is in force, publishing one, telling everybody before, and going on after.

A version takes effect on its date; who is told before that and goes on using the service afterwards has accepted it, and
that is recorded as what it is (promises policy.notify and policy.acceptance).
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.policy.text import PolicyText
from gptimages.accounts.models import Account
from gptimages.errors import Conflict, InputError, NotFound
from gptimages.installation import Installation
from gptimages.messaging.outbox import notify, write_mail
from gptimages.models import new_id
from gptimages.publishing.models import Acceptance, PolicyNotice, PolicyVersion
from gptimages.queue import queue

TELLING = "policy-effect"
BATCH = 100


def in_force(session: Session, now: datetime) -> PolicyVersion | None:
    """The version in force; None before the first."""
    query = select(PolicyVersion).where(PolicyVersion.effective_at <= now)
    return session.scalars(query.order_by(PolicyVersion.effective_at.desc()).limit(1)).one_or_none()


def coming(session: Session, now: datetime) -> PolicyVersion | None:
    """The published version that takes effect next; None when there is none."""
    query = select(PolicyVersion).where(PolicyVersion.effective_at > now)
    return session.scalars(query.order_by(PolicyVersion.effective_at).limit(1)).one_or_none()


def all_coming(session: Session, now: datetime) -> list[PolicyVersion]:
    """Every published version that is still to take effect, the next first."""
    query = select(PolicyVersion).where(PolicyVersion.effective_at > now)
    return list(session.scalars(query.order_by(PolicyVersion.effective_at)))


def published(session: Session) -> list[PolicyVersion]:
    """Every published version, the newest first."""
    return list(session.scalars(select(PolicyVersion).order_by(PolicyVersion.effective_at.desc())))


def version(session: Session, name: str) -> PolicyVersion:
    """The version of that date. Raises NotFound."""
    found = session.get(PolicyVersion, name)
    if found is None:
        raise NotFound("There is no version of the policy with this date; the list is on the policy page.")
    return found


def text_of(row: PolicyVersion) -> PolicyText:
    """The text of a published version, as it was published."""
    return msgspec.convert(row.body, PolicyText)


def publish(session: Session, here: Installation, text: PolicyText, *, by: str, now: datetime) -> PolicyVersion:
    """Publishes a version and promises that everybody is told of it.

    Raises Conflict when it is published already, InputError when its date leaves people less time than
    policies/limits.yaml grants them. The very first version may take effect at once: nobody is there to be told.
    """
    if session.get(PolicyVersion, text.version) is not None:
        raise Conflict("This version is published already; a published text is never changed.")
    effective = datetime.combine(text.effective, time(), UTC)
    earliest = now + here.policies.limits.policy_notice.span
    if session.scalar(select(func.count()).select_from(PolicyVersion)) and effective < earliest:
        first_day = (earliest + timedelta(days=1)).date()  # a version takes effect with the first minute of its day
        raise InputError(
            f"People have to hear of it {here.policies.limits.policy_notice.words} before: "
            f"choose a date from {first_day.isoformat()} on."
        )
    row = PolicyVersion(
        version=text.version,
        title=text.title,
        summary=text.summary,
        material=text.material,
        body=msgspec.to_builtins(text),
        text_hash=text.hash,
        policy_hash=here.policies.hash,
        effective_at=effective,
        published_at=now,
        published_by=by,
    )
    session.add(row)
    session.flush()
    queue.promise(session, TELLING, text.version, now=now)
    audit.append(session, "policy.published", actor=by, now=now, version=text.version, policy=here.policies.hash)
    return row


def untold(row: PolicyVersion) -> ColumnElement[bool]:
    """The condition on Account: active, and not yet told of this version."""
    told = exists().where(PolicyNotice.account_id == Account.id, PolicyNotice.version == row.version)
    return (Account.state == "active") & ~told & (Account.created_at < row.effective_at)


def tell(session: Session, here: Installation, row: PolicyVersion, *, now: datetime, limit: int = BATCH) -> int:
    """Tells up to `limit` people of a coming version, in the service and by mail; returns how many were told."""
    people = list(session.scalars(select(Account.id).where(untold(row)).order_by(Account.id).limit(limit)))
    for account_id in people:
        _tell_one(session, here, row, account_id, now)
    return len(people)


def go_on(session: Session, here: Installation, account_id: str, *, now: datetime) -> Acceptance | None:
    """Records that the person goes on under the version in force, once, and only if they were told before it applied.

    Who was told late, as they came in between, has the whole time of policies/limits.yaml from then on too. Somebody
    whose account is closing does not go on: they stay to leave.
    """
    row = in_force(session, now)
    if row is None or _has(session, Acceptance, account_id, row.version):
        return None
    notice = _has(session, PolicyNotice, account_id, row.version)
    if notice is None or notice.told_at >= row.effective_at:
        return None
    if now < notice.told_at + here.policies.limits.policy_notice.span:
        return None
    account = session.get(Account, account_id, with_for_update=True)  # two requests at once record it once
    if account is None or account.state != "active" or _has(session, Acceptance, account_id, row.version):
        return None
    return accept(session, account_id, row, how="went on", now=now)


def accept(session: Session, account_id: str, row: PolicyVersion, *, how: str, now: datetime) -> Acceptance:
    """Records an acceptance: `how` is `sign-up` or `went on`."""
    accepted = Acceptance(id=new_id(), account_id=account_id, version=row.version, how=how, accepted_at=now)
    session.add(accepted)
    audit.append(
        session,
        "policy.accepted",
        actor=account_id,
        subject=account_id,
        now=now,
        version=row.version,
        how=how.replace(" ", "-"),
    )
    return accepted


def reach(session: Session, row: PolicyVersion) -> tuple[int, int]:
    """How many people were told of a version, and how many accepted it."""
    told = select(func.count()).where(PolicyNotice.version == row.version)
    accepted = select(func.count()).where(Acceptance.version == row.version)
    return session.scalar(told) or 0, session.scalar(accepted) or 0


def _tell_one(session: Session, here: Installation, row: PolicyVersion, account_id: str, now: datetime) -> None:
    when = f"{row.effective_at.day} {row.effective_at:%B %Y}"
    title = f"Our privacy policy changes on {when}"
    link = f"/policy/{row.version}"
    notice = notify(session, account_id, kind="policy", title=title, body=row.summary, link=link, now=now)
    body = (
        f"{row.summary}\n\nThe new version takes effect on {when}. Read it, with what differs marked, at\n"
        f"{here.settings.public_url.rstrip('/')}{link}\n\n"
        "If you go on using GPT Images after that day, we record that you accepted it. If you would rather not, you can\n"
        f"take your archive and erase your account before: {here.settings.public_url.rstrip('/')}/privacy\n"
    )
    mail = write_mail(session, here, account_id, kind="policy", subject=title, body=body, now=now)
    session.flush()
    session.add(
        PolicyNotice(
            id=new_id(),
            account_id=account_id,
            version=row.version,
            notification_id=notice.id,
            mail_id=mail.id if mail else None,
            told_at=now,
        )
    )


def _has(session: Session, model: type[Acceptance] | type[PolicyNotice], account_id: str, name: str) -> Any:
    return session.scalars(select(model).where(model.account_id == account_id, model.version == name)).one_or_none()
