"""People: making an account, reading its name and mail address, and correcting them.

Name and mail address are sealed under the person's own key, which is made before anything of theirs is written. Each function
works in its caller's transaction.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime

from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.consent import restriction
from datasteward.keys import reveal, seal
from gptimages.accounts.models import Account
from gptimages.errors import InputError, NotFound, OnlyStored
from gptimages.installation import Installation
from gptimages.models import new_id

OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of the text around them (Unicode bidirectional controls): no part of any name."""
NAMELESS = "Somebody"
SCHEMES = ("light", "dark")


def create(
    session: Session,
    here: Installation,
    *,
    name: str,
    email: str,
    country: str,
    minimum_age: int,
    now: datetime,
    avatar: str | None = None,
) -> Account:
    """A new account on the first plan. `country` is ISO 3166-1 alpha-2; `avatar` the key of an object, if there is one.

    The person's keys are durable before anything is sealed under them. Raises KeyFault when they cannot be made.
    """
    account_id = new_id()
    here.vault.create(account_id)
    account = Account(
        id=account_id,
        avatar=avatar,
        country=country,
        minimum_age=minimum_age,
        plan=here.policies.limits.first_plan,
        state="active",
        created_at=now,
        last_seen_at=now,
    )
    seal(
        here.vault,
        account,
        "name",
        cleaned(name)[: here.policies.limits.name_characters.value].strip() or NAMELESS,
        subject=account_id,
    )
    seal(here.vault, account, "email", email, subject=account_id)
    session.add(account)
    session.flush()
    audit.append(session, "account.created", actor=account_id, subject=account_id, now=now)
    return account


def name_of(here: Installation, account: Account) -> str:
    """The display name in the clear."""
    return reveal(here.vault, account, "name", subject=account.id) or NAMELESS


def email_of(here: Installation, account: Account) -> str:
    """The mail address in the clear."""
    return reveal(here.vault, account, "email", subject=account.id) or ""


def rename(session: Session, here: Installation, account_id: str, name: str, now: datetime) -> Account:
    """Corrects the display name (GDPR art. 16). Raises InputError for a name that cannot be one, or NotFound."""
    account = get(session, account_id)
    wanted = unicodedata.normalize("NFC", name.strip())
    most = here.policies.limits.name_characters.value
    if not 0 < len(wanted) <= most:
        raise InputError(f"A name has 1 to {most} characters; write a shorter one, or at least one letter.")
    if not all(_fits(character) for character in wanted):
        raise InputError("A name is one line of plain text; take out line breaks and invisible control characters.")
    if wanted != name_of(here, account):
        seal(here.vault, account, "name", wanted, subject=account_id)
        audit.append(session, "account.renamed", actor=account_id, subject=account_id, now=now)
    return account


def follow_email(session: Session, here: Installation, account: Account, email: str, now: datetime) -> None:
    """Takes over the mail address that the provider vouches for now, when it is another than the one held."""
    if email != email_of(here, account):
        seal(here.vault, account, "email", email, subject=account.id)
        audit.append(session, "account.email-followed", actor=account.id, subject=account.id, now=now)


def choose_scheme(session: Session, account_id: str, scheme: str) -> None:
    """Light or dark for every device; `system` leaves it to each. Raises InputError for anything else, or NotFound."""
    if scheme not in (*SCHEMES, "system"):
        raise InputError("Choose light, dark, or as your system has it.")
    get(session, account_id).scheme = None if scheme == "system" else scheme


def get(session: Session, account_id: str) -> Account:
    """The account. Raises NotFound, or OnlyStored where the session's purpose is closed by a restriction."""
    account = session.get(Account, account_id)
    if account is None and restriction.restricted(session, account_id):
        raise OnlyStored
    if account is None:
        raise NotFound("There is no such account: check the id.")
    return account


def cleaned(name: str) -> str:
    """A name from elsewhere as one line without control characters; perhaps empty."""
    shown = "".join(character if _fits(character) else " " for character in unicodedata.normalize("NFC", name))
    return " ".join(shown.split())


def _fits(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") and character not in OVERRIDES
