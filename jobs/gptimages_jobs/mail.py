"""Sends the mail that waits in the outbox, one message after the other, each marked in a transaction of its own.

A kill between sending and marking can send one message twice and loses none; its Message-ID stays the same, so that mail
programs can see that it is one message. What cannot be delivered now is tried again, later each time.
"""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import structlog
from sqlalchemy import select

from datasteward.keys import reveal
from gptimages.accounts.models import Account
from gptimages.errors import MailFailed
from gptimages.installation import Installation
from gptimages.messaging.letter import letter
from gptimages.messaging.models import MailMessage
from gptimages.messaging.outbox import MAIL
from gptimages.messaging.transport import MailTransport

log = structlog.get_logger()

KEPT, SENT, WAITING, FAILED = "kept", "sent", "waiting", "failed"
FIRST_WAIT = timedelta(minutes=1)


class Mail:
    """The job `mail` over one transport."""

    KIND = MAIL

    def __init__(self, transport: MailTransport) -> None:
        self._transport = transport

    def run(self, here: Installation, _ref: str) -> None:
        """Sends everything that waits and is due."""
        while (mail_id := _next(here)) is not None:
            self._send(here, mail_id)

    def _send(self, here: Installation, mail_id: str) -> None:
        problem: MailFailed | None = None
        try:
            self._transport.send(_composed(here, mail_id))
        except MailFailed as failed:
            problem = failed
            log.warning("mail not sent", mail=mail_id, temporary=failed.temporary)
        with here.db.write() as session:
            stored = session.get(MailMessage, mail_id)
            if stored is not None:
                _mark(here, stored, problem)


def _composed(here: Installation, mail_id: str) -> EmailMessage:
    """The message as it leaves, to the address that the account has now."""
    with here.db.read() as session:
        mail = session.get_one(MailMessage, mail_id)
        account = session.get_one(Account, mail.account_id)
        return letter(
            sender=here.settings.mail_from,
            recipient=reveal(here.vault, account, "email", subject=account.id) or "",
            subject=reveal(here.vault, mail, "subject", subject=account.id) or "",
            body=reveal(here.vault, mail, "body", subject=account.id) or "",
            now=here.clock(),
            reference=mail.id,
        )


def _next(here: Installation) -> str | None:
    due = (MailMessage.state == WAITING) & (MailMessage.next_try_at <= here.clock())
    with here.db.read() as session:
        return session.scalar(select(MailMessage.id).where(due).order_by(MailMessage.next_try_at).limit(1))


def _mark(here: Installation, mail: MailMessage, problem: MailFailed | None) -> None:
    mail.attempts += 1
    if problem is None:
        mail.state = KEPT if here.settings.mail == "outbox" else SENT
        mail.sent_at = here.clock()
    elif problem.temporary and mail.attempts < here.policies.limits.mail_attempts.value:
        mail.next_try_at = here.clock() + FIRST_WAIT * 2 ** (mail.attempts - 1)
    else:
        mail.state = FAILED
