"""Sends the mail that waits in the outbox, one message after the other, each claimed before and marked after it is sent.

Several of these jobs may run at once: what one has claimed is the others' only when its lease has run out. A kill between
sending and marking can send one message twice and loses none; its Message-ID stays the same, so that mail programs can see
that it is one message. What cannot be delivered now is tried again, later each time; what cannot be read stops no other.
Each mail goes out for its purpose: that of a person whose data is closed to it waits until it is open again.
"""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import load_only

from datasteward.errors import DecryptionFailed, KeyMissing
from datasteward.keys import reveal
from gptimages.accounts.models import Account
from gptimages.errors import MailFailed
from gptimages.installation import Installation
from gptimages.messaging import outbox
from gptimages.messaging.letter import letter
from gptimages.messaging.models import MailMessage
from gptimages.messaging.outbox import MAIL
from gptimages.messaging.transport import MailTransport
from gptimages.web.errors import describe

log = structlog.get_logger()

KEPT, SENT, WAITING, SENDING, FAILED = "kept", "sent", "waiting", "sending", "failed"
FIRST_WAIT = timedelta(minutes=1)
LEASE = timedelta(minutes=10)  # longer than the steps of one conversation with the mail server, each with its time-out
UNREADABLE = "This mail was not sent, since it cannot be read any more."
BROKE = "Sending this mail broke on our side; it is tried again."


class Mail:
    """The job `mail` over one transport."""

    KIND = MAIL

    def __init__(self, transport: MailTransport) -> None:
        self._transport = transport

    def run(self, here: Installation, _ref: str) -> None:
        """Sends everything that waits and is due."""
        for purpose in sorted({*outbox.PURPOSES.values(), outbox.COMMUNICATE}):
            while (mail := _claim(here, purpose)) is not None:
                problem = self._send(here, purpose, mail)
                with here.writing(purpose, MAIL) as session:
                    stored = session.get(MailMessage, mail.id, with_for_update=True)
                    if stored is not None and (stored.state, stored.attempts) == (SENDING, mail.attempts):
                        _mark(here, stored, problem)

    def _send(self, here: Installation, purpose: str, mail: MailMessage) -> MailFailed | None:
        """Sends one mail and returns why it was not taken, if it was not."""
        try:
            self._transport.send(_composed(here, purpose, mail.id))
        except MailFailed as failed:
            log.warning("mail not sent", mail=mail.id, temporary=failed.temporary)
            return failed
        except (DecryptionFailed, KeyMissing) as error:
            log.error("mail cannot be read", mail=mail.id, **describe(error))
            return MailFailed(UNREADABLE, temporary=False)
        except Exception as error:  # one broken mail must not keep the others back
            log.error("mail broke", mail=mail.id, **describe(error))
            return MailFailed(BROKE, temporary=True)
        return None


def _composed(here: Installation, purpose: str, mail_id: str) -> EmailMessage:
    """The message as it leaves, to the address that the account has now."""
    with here.reading(purpose, MAIL) as session:
        mail = session.get_one(MailMessage, mail_id)
        account = session.get_one(Account, mail.account_id, options=[load_only(Account.email)])
        return letter(
            sender=here.settings.mail_from,
            recipient=reveal(here.vault, account, "email", subject=account.id) or "",
            subject=reveal(here.vault, mail, "subject", subject=account.id) or "",
            body=reveal(here.vault, mail, "body", subject=account.id) or "",
            now=here.clock(),
            reference=mail.id,
        )


def _claim(here: Installation, purpose: str) -> MailMessage | None:
    """The mail for this purpose that is due longest, now leased to the caller; one that was begun too often has failed."""
    now = here.clock()
    due = MailMessage.state.in_((WAITING, SENDING)) & (MailMessage.next_try_at <= now)
    query = select(MailMessage).where(due, _goes_out_for(purpose)).order_by(MailMessage.next_try_at).limit(1)
    with here.reading(purpose, MAIL) as session:  # takes no lock when there is nothing to do
        if session.scalars(query).one_or_none() is None:
            return None
    with here.writing(purpose, MAIL) as session:
        while (mail := session.scalars(query.with_for_update(skip_locked=True)).one_or_none()) is not None:
            if mail.attempts < here.policies.limits.mail_attempts.value:
                mail.state, mail.attempts, mail.next_try_at = SENDING, mail.attempts + 1, now + LEASE
                return mail
            mail.state = FAILED
    return None


def _goes_out_for(purpose: str) -> ColumnElement[bool]:
    if purpose == outbox.COMMUNICATE:
        return MailMessage.kind.not_in(outbox.PURPOSES)
    return MailMessage.kind.in_([kind for kind, its in outbox.PURPOSES.items() if its == purpose])


def _mark(here: Installation, mail: MailMessage, problem: MailFailed | None) -> None:
    if problem is None:
        mail.state = KEPT if here.settings.mail == "outbox" else SENT
        mail.sent_at = here.clock()
    elif problem.temporary and mail.attempts < here.policies.limits.mail_attempts.value:
        mail.state = WAITING
        mail.next_try_at = here.clock() + FIRST_WAIT * 2 ** (mail.attempts - 1)
    else:
        mail.state = FAILED
