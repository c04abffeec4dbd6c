"""Questions and reports: sealed, opened only with a trace, answered once, and no more of them than the policy grants."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from zipfile import ZipFile

import pytest
from sqlalchemy import func, select

from datasteward.audit import log as audit
from datasteward.errors import KeyMissing
from datasteward.keys import reveal
from datasteward.rights import requests
from datasteward.rights.export import Export
from gptimages.accounts.models import Account
from gptimages.errors import Conflict, InputError, LimitReached, NotFound
from gptimages.installation import Installation
from gptimages.messaging.models import MailMessage, Notification
from gptimages.privacy import leaving
from gptimages.support import desk, removal
from gptimages.support.models import Report, SupportTicket

WORDS = "My picture of aunt Gudrun has six fingers."


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """Every test of support runs on both databases."""
    return any_here


def ask(here: Installation, account, text: str = WORDS, topic: str = "pictures") -> str:
    """Files a question and gives its id."""
    with here.db.write() as session:
        return desk.ask(session, here, account.id, topic, text, now=here.clock()).id


def acts(here: Installation, subject: str | None) -> list[str]:
    """What the log says about a person, the oldest first."""
    with here.db.read() as session:
        return [entry.act for entry in reversed(audit.entries(session, subject=subject))]


def test_a_question_is_sealed_and_its_owners_alone(here, person) -> None:
    """The text lies encrypted, its owner reads it, and nobody else's list has it."""
    ines, tomas = person("Ines"), person("Tomas")
    ask(here, ines)
    with here.db.read() as session:
        assert [q.text for q in desk.questions_of(session, here, ines.id)] == [WORDS]
        assert desk.questions_of(session, here, tomas.id) == []
        row = session.scalars(select(SupportTicket)).one()
    assert b"Gudrun" not in row.text.ciphertext


def test_opening_leaves_a_trace_before_anything_is_read(here, person) -> None:
    """Each look of staff at a question is an entry with who looked; a list shows none of the words."""
    ines = person("Ines")
    ticket = ask(here, ines)
    with here.db.read() as session:
        assert [type(row.text).__name__ for row in desk.waiting(session)] == ["Box"]
    with here.db.write() as session:
        assert desk.open_ticket(session, here, ticket, by="agent", now=here.clock()).text == WORDS
    assert acts(here, ines.id)[-1] == "ticket.viewed"
    with here.db.write() as session, pytest.raises(NotFound):
        desk.open_ticket(session, here, "nothing", by="agent", now=here.clock())


def test_an_answer_reaches_its_owner_once(here, person) -> None:
    """Answered: a notice and a mail that say nothing of the words; a second answer is refused."""
    ines = person("Ines")
    ticket = ask(here, ines)
    with here.db.write() as session:
        desk.answer(session, here, ticket, "We count fingers now.", by="agent", now=here.clock())
    with here.db.read() as session:
        (question,) = desk.questions_of(session, here, ines.id)
        notice = session.scalars(select(Notification)).one()
        mail = session.scalars(select(MailMessage)).one()
        said = reveal(here.vault, mail, "body", subject=ines.id) or ""
    assert (question.answer, question.state) == ("We count fingers now.", "answered")
    assert notice.link == "/support"
    assert "fingers" not in notice.body + said
    with here.db.write() as session, pytest.raises(Conflict, match="answered already"):
        desk.answer(session, here, ticket, "Again.", by="agent", now=here.clock())


@pytest.mark.parametrize(("topic", "text"), [("weather", WORDS), ("pictures", "  "), ("pictures", "x" * 5001)])
def test_what_is_no_question_is_refused(here, person, topic: str, text: str) -> None:
    """An unknown topic, no words, or too many: a sentence, and nothing is filed."""
    ines = person("Ines")
    with pytest.raises(InputError):
        ask(here, ines, text, topic)
    with here.db.read() as session:
        assert desk.waiting(session) == []


def test_no_more_questions_a_day_than_the_policy_grants(here, person, clock) -> None:
    """The one above the limit is refused with the seconds until the next is free; others may go on asking."""
    ines, most = person("Ines"), here.policies.limits.tickets_per_day.value
    for _ in range(most):
        ask(here, ines)
        clock.move(minutes=1)
    with pytest.raises(LimitReached, match=f"asked {most} questions within a day") as refused:
        ask(here, ines)
    assert refused.value.retry_after == (timedelta(days=1) - timedelta(minutes=most)).total_seconds()
    ask(here, person("Tomas"))
    clock.now += timedelta(seconds=refused.value.retry_after or 0)
    ask(here, ines)


def test_questions_at_once_do_not_pass_the_limit(here, person) -> None:
    """Eight requests in the same moment for the last three places: three questions are filed."""
    ines, most = person("Ines"), here.policies.limits.tickets_per_day.value
    for _ in range(most - 3):
        ask(here, ines)

    def one(_number: int) -> bool:
        try:
            ask(here, ines)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))).count(True) == 3
    with here.db.read() as session:
        assert session.scalar(select(func.count()).select_from(SupportTicket)) == most


def test_anybody_reports(here, person) -> None:
    """With or without an account a report is sealed, is opened with a trace, and is closed."""
    ines = person("Ines")
    with here.db.write() as session:
        known = desk.report(session, here, ines.id, "abuse", "/shared/x", WORDS, now=here.clock()).id
        unknown = desk.report(session, here, None, "under-age", "", "She is nine.", now=here.clock()).id
    with here.db.write() as session:
        assert desk.open_report(session, here, known, by="agent", now=here.clock()).about == "/shared/x"
        opened = desk.open_report(session, here, unknown, by="agent", now=here.clock())
        assert (opened.text, opened.about) == ("She is nine.", None)
    with here.db.read() as session:
        sealed = [row.text.ciphertext for row in session.scalars(select(Report))]
        assert [entry.act for entry in audit.entries(session, acts=["report.viewed"])] == ["report.viewed"] * 2
    assert all(b"nine" not in text and b"Gudrun" not in text for text in sealed)
    with here.db.write() as session:
        desk.close_report(session, known, by="agent", now=here.clock())
    with here.db.read() as session:
        assert [row.id for row in desk.open_reports(session)] == [unknown]


def test_reports_make_no_keys_of_their_own(here, person) -> None:
    """A refused report leaves no key, anonymous ones share the standing key, and no destroyed key is made again."""
    keys = here.vault.count()
    for kind, text in (("gossip", "words"), ("abuse", " ")):
        with here.db.write() as session, pytest.raises(InputError):
            desk.report(session, here, None, kind, "", text, now=here.clock())
    assert here.vault.count() == keys
    for _ in range(3):
        with here.db.write() as session:
            desk.report(session, here, None, "abuse", "", WORDS, now=here.clock())
    assert here.vault.has(f"standing/{desk.STANDING}")
    assert here.vault.count() == keys
    ines = person("Ines")
    here.vault.destroy(ines.id)
    with here.db.write() as session, pytest.raises(KeyMissing):
        desk.report(session, here, ines.id, "abuse", "", WORDS, now=here.clock())
    assert not here.vault.has(ines.id)


def test_a_removal_is_ordered_by_two(here, person, clock) -> None:
    """An account that is too young sleeps and is erased after the wait when a second member of staff agrees; its person
    is told and can stay; each step is in the log."""
    child = person("Kim Young")
    with here.db.write() as session:
        filed = desk.report(session, here, None, "under-age", "", "She is nine.", now=clock()).id
        abuse = desk.report(session, here, None, "abuse", "", WORDS, now=clock()).id
        with pytest.raises(Conflict, match="nobody has proposed"):
            removal.order(session, here, filed, by="one", now=clock())
        with pytest.raises(Conflict, match="too young"):
            removal.propose(session, abuse, child.id, by="one", now=clock())
        with pytest.raises(NotFound):
            removal.propose(session, filed, "nobody", by="one", now=clock())
        removal.propose(session, filed, child.id, by="one", now=clock())
    with here.db.write() as session, pytest.raises(Conflict, match="somebody else"):
        removal.order(session, here, filed, by="one", now=clock())
    with here.db.read() as session:
        assert leaving.waiting(session, child.id) is None
    with here.db.write() as session:
        removal.order(session, here, filed, by="two", now=clock())
    with here.db.read() as session:
        waits = leaving.waiting(session, child.id)
        assert waits is not None
        assert waits.run_after == clock() + here.policies.limits.erasure_wait.span
        assert session.get(Account, child.id).state == "closing"
        assert [row.id for row in desk.open_reports(session)] == [abuse]
        mail = session.scalars(select(MailMessage)).one()
        assert "below the age" in (reveal(here.vault, mail, "body", subject=child.id) or "")
        log = {entry.act: entry.actor for entry in audit.entries(session, subject=child.id)}
    assert (log["removal.proposed"], log["removal.ordered"], log["rights.erasure.asked"]) == ("one", "two", "two")
    with here.db.write() as session:
        leaving.cancel(session, here, child.id, now=clock())


def test_an_answer_is_the_persons_and_its_writer_is_not(here, person) -> None:
    """The archive holds the question and our answer, which is about its person; who answered is not in it."""
    ines, agent = person("Ines"), person("Samir Lund")
    ticket = ask(here, ines)
    with here.db.write() as session:
        desk.answer(session, here, ticket, "We count fingers now.", by=agent.id, now=here.clock())
        asked = requests.ask(session, here.policies, ines.id, "export", country="NO", now=here.clock())
    with here.db.read() as session:
        export = Export(session, here.steward, ines.id, service="GPT Images", request=asked.id, asked_at=here.clock())
        archive = b"".join(export.chunks())
    with ZipFile(io.BytesIO(archive)) as opened:
        (row,) = json.loads(opened.read("data/support_ticket.json"))["rows"]
        everything = b"".join(opened.read(name) for name in opened.namelist())
    assert (row["text"], row["answer"]) == (WORDS, "We count fingers now.")
    assert agent.id.encode() not in everything
    assert b"Samir" not in everything
