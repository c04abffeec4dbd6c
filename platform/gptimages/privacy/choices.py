"""A person's choices: consents and objections by purpose as policies/purposes.yaml has them, and mail beyond the needful.

Each is one click to give and one click to take back, at the same place (GDPR 7(3), 21).
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.consent import records
from datasteward.policy.model import Purpose
from gptimages.accounts import devices
from gptimages.errors import Conflict
from gptimages.installation import Installation
from gptimages.messaging.models import CommunicationPreference
from gptimages.models import new_id

HOW = "privacy-centre"
PROMOTION = "promotional-mail"
SIGNAL = (
    "Your browser says no to this (Global Privacy Control), and we keep to that: "
    "switch it off for this site first if you want to say yes."
)
BASES = {
    "contract": "Needed for what you asked us to do. Art. 6(1)(b)",
    "consent": "Only if you agree. Art. 6(1)(a)",
    "legal_obligation": "The law makes us. Art. 6(1)(c)",
    "legitimate_interests": "We think it is fair, and you may say no. Art. 6(1)(f), 21",
}


class Choice(msgspec.Struct, frozen=True):
    """One use of the person's data: whether it happens (`allowed`), whether they can change that, and since when it is so.

    `kind`: `consent` (happens only if they agree), `objection` (until they say no), `mail`, or `none` (cannot be chosen).
    """

    id: str
    name: str
    words: str
    ground: str
    kind: str
    allowed: bool
    since: datetime | None


def of(session: Session, here: Installation, account_id: str, *, signal: bool) -> list[Choice]:
    """The person's choices, and the uses that cannot be chosen, in the order of purposes.yaml; mail last.

    With `signal`, the browser's own no (Global Privacy Control), no consent stands for as long as it is sent.
    """
    told = [_choice(session, account_id, purpose, signal) for purpose in here.policies.purposes.values()]
    return [*told, _mail(session, account_id)]


def choose(
    session: Session,
    here: Installation,
    account_id: str,
    choice: str,
    allowed: bool,
    *,
    signal: bool = False,
    now: datetime,
) -> None:
    """Allows a use or says no to it. Raises PurposeError for a use that is not there or takes no answer.

    A yes to a consent is not taken while the browser says no (`signal`): Conflict. An objection to `integrity` ends what
    rests on it (GDPR 17(1)(c), 21(1)): the devices that were written down go, unless a legal hold keeps them.
    """
    if choice == PROMOTION:
        _choose_mail(session, account_id, allowed, now)
        return
    purpose = here.policies.purposes.get(choice)
    if purpose is not None and purpose.needs_consent:
        if allowed and signal:
            raise Conflict(SIGNAL)
        records.answer(session, account_id, choice, "consent", allowed, HOW, here.policies, now)
    else:
        records.answer(session, account_id, choice, "objection", not allowed, HOW, here.policies, now)
        devices.forget_objected(session, here, account_id, now)


def _choice(session: Session, account_id: str, purpose: Purpose, signal: bool) -> Choice:
    kind: records.Kind | None = "consent" if purpose.needs_consent else "objection" if purpose.objectable else None
    found = records.latest(session, account_id, purpose.id, kind) if kind else None
    stands = found is not None and found.granted
    return Choice(
        id=purpose.id,
        name=purpose.name,
        words=purpose.words,
        ground=BASES[purpose.legal_basis],
        kind=kind or "none",
        allowed=stands and not signal if kind == "consent" else not stands,
        since=found.at if found else None,
    )


def _mail(session: Session, account_id: str) -> Choice:
    found = _preference(session, account_id)
    return Choice(
        id=PROMOTION,
        name="News by mail",
        words="telling you of new styles and offers; what we must tell you comes anyway",
        ground="Only if you agree. Art. 6(1)(a)",
        kind="mail",
        allowed=found.promotional if found else False,
        since=found.updated_at if found else None,
    )


def _choose_mail(session: Session, account_id: str, allowed: bool, now: datetime) -> None:
    found = _preference(session, account_id)
    if found is None:
        session.add(CommunicationPreference(id=new_id(), account_id=account_id, promotional=allowed, updated_at=now))
    elif found.promotional != allowed:
        found.promotional, found.updated_at = allowed, now


def _preference(session: Session, account_id: str) -> CommunicationPreference | None:
    query = select(CommunicationPreference).where(CommunicationPreference.account_id == account_id)
    return session.scalars(query).one_or_none()
