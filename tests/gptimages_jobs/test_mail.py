"""The job that empties the outbox, over a real mail server: everything arrives, in its time, and at most one thing twice."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import structlog
from aiosmtpd.controller import Controller
from support.killing import Killed

from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.messaging.models import MailMessage
from gptimages.messaging.outbox import MAIL, write_mail
from gptimages.messaging.transport import OutboxOnly, SmtpTransport
from gptimages_jobs.mail import FIRST_WAIT, LEASE, Mail
from gptimages_jobs.worker import Worker

OK = "250 taken"


@dataclass
class Mailbox:
    """What the server took; `answer` is what it says to the next message."""

    answer: Callable[[], str] = lambda: OK
    tried: int = 0
    taken: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Takes or refuses a message."""
        self.tried += 1
        said = self.answer()
        if said == OK:
            self.taken.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return said


@pytest.fixture
def mailbox() -> Mailbox:
    """The server's mailbox."""
    return Mailbox()


@pytest.fixture
def transport(mailbox: Mailbox) -> Iterator[SmtpTransport]:
    """Our transport to a server on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    loop = asyncio.new_event_loop()
    server = Controller(mailbox, hostname="127.0.0.1", port=port, loop=loop)
    server.start()
    yield SmtpTransport("127.0.0.1", port, starttls=False)
    server.stop()
    loop.close()


def write(here: Installation, account: Account, subject: str = "Your archive is ready") -> str:
    """Writes a mail and gives its id."""
    with here.db.write() as session:
        mail = write_mail(
            session, here, account.id, kind="test", subject=subject, body="Fetch it within a week.\n", now=here.clock()
        )
        assert mail is not None
        return mail.id


def stored(here: Installation, mail_id: str) -> MailMessage:
    """The mail as it stands."""
    with here.db.read() as session:
        return session.get_one(MailMessage, mail_id)


def work(here: Installation, transport: Any) -> None:
    """Does what is due, as the worker does."""
    Worker(here, {MAIL: Mail(transport).run}).run_due()


def test_what_was_written_arrives(here, person, transport, mailbox: Mailbox) -> None:
    """Each mail arrives once, decrypted, at the address that the account has, and is marked as sent."""
    ines, tomas = person("Ines Halvorsen"), person("Tomas Okafor")
    ids = [write(here, ines), write(here, tomas, "Grüße aus Tromsø")]
    work(here, transport)
    assert {(mail["to"], mail["subject"]) for mail in mailbox.taken} == {
        ("ines@people.example", "Your archive is ready"),
        ("tomas@people.example", "Grüße aus Tromsø"),
    }
    assert {mail.get_content().strip() for mail in mailbox.taken} == {"Fetch it within a week."}
    assert {stored(here, mail_id).sent_at for mail_id in ids} == {here.clock()}
    work(here, transport)
    assert mailbox.tried == 2


def test_what_cannot_be_taken_now_is_tried_later_each_time(here, person, transport, mailbox: Mailbox, clock) -> None:
    """After a temporary refusal the waits double from one minute, and no try comes before its time."""
    mailbox.answer = lambda: "451 try again later"
    mail_id = write(here, person())
    work(here, transport)
    wait = FIRST_WAIT
    for attempt in range(1, 5):
        assert (stored(here, mail_id).attempts, mailbox.tried) == (attempt, attempt)
        assert stored(here, mail_id).next_try_at == clock() + wait
        clock.now += wait - timedelta(seconds=1)
        Mail(transport).run(here, "schedule")
        assert mailbox.tried == attempt
        clock.move(seconds=1)
        Mail(transport).run(here, "schedule")
        wait *= 2
    mailbox.answer = lambda: OK
    clock.now += wait
    Mail(transport).run(here, "schedule")
    assert len(mailbox.taken) == 1
    assert stored(here, mail_id).state == "kept"  # the settings of the tests say outbox


def test_patience_ends_where_the_policy_says(here, person, transport, mailbox: Mailbox, clock) -> None:
    """After as many tries as policies/limits.yaml allows a mail has failed and is never tried again."""
    mailbox.answer = lambda: "451 try again later"
    mail_id, most = write(here, person()), here.policies.limits.mail_attempts.value
    for _ in range(most + 3):
        Mail(transport).run(here, "schedule")
        clock.move(days=2)
    assert (stored(here, mail_id).state, stored(here, mail_id).attempts, mailbox.tried) == ("failed", most, most)


def test_a_final_refusal_is_final(here, person, transport, mailbox: Mailbox, clock) -> None:
    """A server that refuses for good is not asked again, and the others' mail leaves all the same."""
    answers = iter(["550 no such mailbox", OK])
    mailbox.answer = lambda: next(answers)
    refused, taken = write(here, person("Ines")), write(here, person("Jun"))
    work(here, transport)
    assert sorted([stored(here, refused).state, stored(here, taken).state])[0] == "failed"
    clock.move(days=1)
    Mail(transport).run(here, "schedule")
    assert mailbox.tried == 2


def test_a_server_that_is_away_loses_nothing(here, person, clock) -> None:
    """Nobody listens: the mail waits, and no address stands in the log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mail_id = write(here, person())
    with structlog.testing.capture_logs() as logged:
        work(here, SmtpTransport("127.0.0.1", port, starttls=False))
    assert stored(here, mail_id).state == "waiting"
    assert [line["event"] for line in logged] == ["mail not sent"]
    assert "people.example" not in str(logged)


def test_a_kill_between_sending_and_marking_sends_at_most_one_twice(
    here, person, transport, mailbox: Mailbox, clock
) -> None:
    """Killed after the server took a mail and before that was written down: it is sent again, all others once."""
    people = [person(name) for name in ("Ada", "Ben", "Cleo")]
    for one in people:
        write(here, one)

    class Once:
        """The real transport; dies after the second mail."""

        sent = 0

        def send(self, message: EmailMessage) -> None:
            transport.send(message)
            self.sent += 1
            if self.sent == 2:
                raise Killed

    with pytest.raises(Killed):
        Mail(Once()).run(here, "outbox")
    assert len(mailbox.taken) == 2
    clock.now += LEASE
    Mail(transport).run(here, "outbox")
    ids = [mail["message-id"] for mail in mailbox.taken]
    assert len(ids) == 4
    assert len(set(ids)) == 3  # the same Message-ID: a mail program sees one message


def test_in_the_demo_nothing_leaves(here, person) -> None:
    """With the outbox alone, mail stays in the service, where its owner reads it, marked as kept."""
    mail_id = write(here, person())
    work(here, OutboxOnly())
    assert stored(here, mail_id).state == "kept"


def test_promotion_goes_to_those_who_asked(here, person) -> None:
    """Nobody gets promotional mail without having asked for it."""
    with here.db.write() as session:
        account = person()
        mail = write_mail(
            session, here, account.id, kind="test", subject="New!", body="Buy.", now=here.clock(), promotional=True
        )
    assert mail is None
