"""Mail leaves once although several jobs send it at once, and one that cannot be read keeps no other back."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest
from support.killing import Killed

from gptimages.accounts import people
from gptimages.installation import Installation
from gptimages.messaging.models import MailMessage
from gptimages.messaging.outbox import write_mail
from gptimages_jobs.mail import LEASE, Mail

PATIENCE = 30.0


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """Every test of this file runs on both databases."""
    return any_here


def letters(here: Installation, count: int) -> list[str]:
    """Writes so many mails to one person and gives their ids."""
    now = here.clock()
    with here.db.write() as session:
        ada = people.create(
            session, here, name="Ada Berg", email="ada@people.example", country="NO", minimum_age=13, now=now
        )
        session.flush()
        written = [
            write_mail(session, here, ada.id, kind="test", subject=f"Letter {number}", body="Hello\n", now=now)
            for number in range(count)
        ]
        return [mail.id for mail in written if mail is not None]


def stored(here: Installation, mail_id: str) -> MailMessage:
    """The mail as it stands."""
    with here.db.read() as session:
        return session.get_one(MailMessage, mail_id)


class Taken:
    """A transport that counts what it was given; `hook` is called for each mail before it is taken."""

    def __init__(self, hook=lambda: None) -> None:
        self.subjects: Counter[str] = Counter()
        self._hook = hook

    def send(self, message: EmailMessage) -> None:
        """Takes a mail."""
        self._hook()
        self.subjects[str(message["Subject"])] += 1


def test_two_jobs_at_once_send_each_mail_once(here: Installation) -> None:
    """While one job is sending a mail, another that runs at the same time sends only the others."""
    letters(here, 6)
    both = threading.Barrier(2)
    met = threading.local()

    def meet() -> None:
        """The first mail of each job is under way at the same moment."""
        if not getattr(met, "done", False):
            met.done = True
            both.wait(PATIENCE)

    taken = Taken(meet)
    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(Mail(taken).run, here, ref) for ref in ("outbox", "schedule")]:
            job.result()
    assert taken.subjects == Counter({f"Letter {number}": 1 for number in range(6)})


def test_a_mail_that_cannot_be_read_keeps_no_other_back(here: Installation) -> None:
    """The oldest mail is damaged: it has failed for good, and the others leave in the same run."""
    first, *others = letters(here, 3)
    with here.db.write() as session:
        broken, whole = session.get_one(MailMessage, first), session.get_one(MailMessage, others[0])
        broken.body = whole.body  # sealed for another row
    taken = Taken()
    Mail(taken).run(here, "outbox")
    assert stored(here, first).state == "failed"
    assert taken.subjects == Counter({"Letter 1": 1, "Letter 2": 1})


def test_what_breaks_while_sending_is_tried_again_and_not_for_ever(here: Installation, clock) -> None:
    """An error that nobody foresaw counts as a try of this mail; the others leave, and the tries have an end."""
    first, _second = letters(here, 2)

    class Broken(Taken):
        def send(self, message: EmailMessage) -> None:
            if message["Subject"] == "Letter 0":
                raise ZeroDivisionError
            super().send(message)

    taken, most = Broken(), here.policies.limits.mail_attempts.value
    Mail(taken).run(here, "outbox")
    assert taken.subjects == Counter({"Letter 1": 1})
    assert (stored(here, first).state, stored(here, first).attempts) == ("waiting", 1)
    for _ in range(most):
        clock.move(days=2)
        Mail(taken).run(here, "schedule")
    assert (stored(here, first).state, stored(here, first).attempts) == ("failed", most)


def test_a_mail_whose_sender_died_is_sent_later(here: Installation, clock) -> None:
    """Cut off while sending, a mail is nobody's until its lease has run out; then it is sent."""

    def die() -> None:
        raise Killed

    (mail_id,) = letters(here, 1)
    with pytest.raises(Killed):
        Mail(Taken(die)).run(here, "outbox")
    taken = Taken()
    Mail(taken).run(here, "outbox")
    assert (stored(here, mail_id).state, taken.subjects) == ("sending", Counter())
    clock.now += LEASE
    Mail(taken).run(here, "schedule")
    assert (stored(here, mail_id).state, taken.subjects) == ("kept", Counter({"Letter 0": 1}))
