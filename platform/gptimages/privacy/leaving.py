"""Leaving: an erasure is asked for, waits as policies/limits.yaml says, can be taken back, and is then carried out.

While it waits the account is `closing`: signed out everywhere but here, its tokens, share links and runs under way ended,
nothing new is made (the guard in web.permissions sees to that). Every channel says so, and whether a token asked: a notice
and a mail. A token may ask and take back what it asked for; only who signed in may do without the wait.
"""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.errors import RequestStateError
from datasteward.retention import holds
from datasteward.rights import requests
from datasteward.rights.models import SubjectRequest
from gptimages.accounts import people, sessions, tokens
from gptimages.accounts.models import Account
from gptimages.errors import InputError
from gptimages.installation import Installation
from gptimages.messaging import outbox
from gptimages.queue import queue
from gptimages.studio import runs, sharing
from gptimages.studio.models import Generation

ERASE = "erase"
ACTIVE, CLOSING = "active", "closing"
REPORT = "report"  # how an erasure was asked for that staff ordered, see support.removal
WHO = {
    "token": "A program with one of your tokens asked for the erasure of your account.",
    REPORT: "We were told that you are below the age for this service; two of us looked into it and ordered the erasure.",
}


def ask(
    session: Session,
    here: Installation,
    account_id: str,
    *,
    email: str,
    keep_session: str | None,
    keep_token: str | None = None,
    via: str,
    now: datetime,
) -> SubjectRequest:
    """Asks for the erasure of the account. `email` has to be the account's own: it is typed so that it is surely meant.

    `keep_session` or `keep_token` is what asks and stays, to take it back by. Raises InputError for another address,
    RequestStateError when an erasure waits already.
    """
    account = people.get(session, account_id)
    if not _same_address(email, people.email_of(here, account)):
        raise InputError("This is not the address of the account. Look at the ending, or copy it from your profile.")
    request = _begin(session, here, account, via=via, by=None, now=now)
    sessions.end_all(session, account_id, now=now, keep=keep_session)
    tokens.end_all(session, account_id, now=now, keep=keep_token)
    return request


def order(session: Session, here: Installation, account_id: str, *, by: str, now: datetime) -> SubjectRequest:
    """Has the account of somebody too young erased after the same wait; `by` is the opaque id of who ordered it.

    The person is told, and takes it back as ever by signing in. Raises RequestStateError when an erasure waits already.
    """
    request = _begin(session, here, people.get(session, account_id), via=REPORT, by=by, now=now)
    sessions.end_all(session, account_id, now=now)
    tokens.end_all(session, account_id, now=now)
    return request


def _begin(
    session: Session, here: Installation, account: Account, *, via: str, by: str | None, now: datetime
) -> SubjectRequest:
    account_id, run_after = account.id, now + here.policies.limits.erasure_wait.span
    request = requests.ask(
        session,
        here.policies,
        account_id,
        "erasure",
        country=account.country,
        now=now,
        run_after=run_after,
        via=via,
        by=by,
    )
    account.state = CLOSING
    sharing.end_all(session, account_id, now=now)
    under_way = select(Generation.id).where(Generation.account_id == account_id, Generation.state.in_(runs.UNDER_WAY))
    for run_id in session.scalars(under_way).all():
        runs.stop(session, here, account_id, run_id, now=now)
    queue.promise(session, ERASE, request.id, now=now, run_after=run_after)
    _tell(session, here, account, "Your account is going to be erased", _waiting(here, run_after, via), now)
    return request


def waiting(session: Session, account_id: str) -> SubjectRequest | None:
    """The person's erasure that is under way, or None."""
    return requests.current(session, account_id, "erasure")


def cancel(
    session: Session, here: Installation, account_id: str, *, keep_token: str | None = None, now: datetime
) -> SubjectRequest:
    """Takes the erasure back: the account is as before, but for ended sessions, tokens and links.

    Every token but `keep_token`, which takes it back itself, is ended: one of them may have asked without leave.

    Raises RequestStateError when none waits, or it has begun.
    """
    account = people.get(session, account_id)
    request = _under_way(session, account_id)
    requests.cancel(session, request, actor=account_id, now=now)
    account.state = ACTIVE
    tokens.end_all(session, account_id, now=now, keep=keep_token)
    _tell(
        session,
        here,
        account,
        "Your account stays",
        "The erasure was taken back. What it ended, such as links and tokens, stays ended.",
        now,
    )
    return request


def hurry(session: Session, account_id: str, *, now: datetime) -> None:
    """Does not wait: the erasure is carried out now. Raises RequestStateError when none waits, or HoldInTheWay."""
    request = _under_way(session, account_id)
    holds.refuse_held(session, account_id)
    requests.hurry(session, request, now=now)
    queue.promise(session, ERASE, request.id, now=now)


def _under_way(session: Session, account_id: str) -> SubjectRequest:
    request = waiting(session, account_id)
    if request is None:
        raise RequestStateError("No erasure of your account is waiting.")
    return request


def _same_address(told: str, known: str) -> bool:
    return hmac.compare_digest(_plain(told).encode(), _plain(known).encode())


def _plain(address: str) -> str:
    return unicodedata.normalize("NFC", address.strip()).casefold()


def _waiting(here: Installation, run_after: datetime, via: str) -> str:
    when = f"{run_after.day} {run_after:%B %Y, %H:%M} UTC"
    who = WHO.get(via, "You asked for the erasure of your account.")
    return (
        f"{who} It is carried out on {when}; until then you can take it back at "
        f"{here.settings.public_url.rstrip('/')}/privacy/erase. If that is wrong "
        "or it was not you, sign in there and keep your account."
    )


def _tell(session: Session, here: Installation, account: Account, title: str, body: str, now: datetime) -> None:
    outbox.notify(session, account.id, kind="erasure", title=title, body=body, now=now, link="/privacy/erase")
    outbox.write_mail(session, here, account.id, kind="erasure", subject=title, body=body, now=now)
