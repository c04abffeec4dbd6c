"""The desk over real HTTP: whoever asks or reports is heard, whatever else of theirs is closed to the service."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select
from support.consoles import Consoles

from datasteward.consent import records as consent
from datasteward.consent import restriction
from gptimages.accounts.models import Account
from gptimages.support.models import Report, SupportTicket
from gptimages_jobs.mail import Mail

WORDS = "My picture of aunt Gudrun has six fingers."


def object_to_all(consoles: Consoles, account: str) -> None:
    """The person objects to whatever can be objected to."""
    here = consoles.here
    with here.db.write() as session:
        for purpose in here.policies.purposes.values():
            if purpose.objectable:
                consent.answer(session, account, purpose.id, "objection", True, "tests", here.policies, here.clock())


def restrict(consoles: Consoles, account: str) -> None:
    """The person's data is only stored from now on."""
    with consoles.here.db.write() as session:
        restriction.restrict(session, account, "accuracy", by=account, now=consoles.here.clock())


def closed(consoles: Consoles, close: Callable[[Consoles, str], None]) -> httpx.Client:
    """A browser of the first person, who has closed their data."""
    browser = consoles.browser(name="Ada Berg")
    with consoles.here.db.read() as session:
        account = session.scalars(select(Account.id)).one()
    close(consoles, account)
    return browser


@pytest.mark.parametrize("close", [object_to_all, restrict])
def test_a_question_is_answered_whatever_else_is_closed(consoles: Consoles, close) -> None:
    """Who objects to all, or has the data only stored, asks, is read and answered, and the mail that says so goes out."""
    asker = closed(consoles, close)
    staff = consoles.browser("support")
    assert asker.post("/support", data={"topic": "pictures", "text": WORDS}).status_code == 303
    with consoles.here.db.read() as session:
        ticket = session.scalars(select(SupportTicket.id)).one()
    assert f"/desk/{ticket}" in staff.get("/desk").text
    assert WORDS in staff.get(f"/desk/{ticket}").text
    assert staff.post(f"/desk/{ticket}", data={"text": "We count fingers now."}).status_code == 303
    assert "We count fingers now." in asker.get("/support").text
    assert "Your question has an answer" in asker.get("/notices").text
    sent: list[str] = []

    class Post:
        def send(self, message) -> None:
            """Keeps the subject."""
            sent.append(message["subject"])

    Mail(Post()).run(consoles.here, "schedule")
    assert sent == ["Your question has an answer"]


@pytest.mark.parametrize("close", [object_to_all, restrict])
def test_a_report_is_looked_into_whoever_filed_it(consoles: Consoles, close) -> None:
    """An objection to the use of one's own data against abuse, or a restriction, hides no report from staff."""
    reporter = closed(consoles, close)
    staff = consoles.browser("support")
    form = {"kind": "abuse", "about": "a link", "text": "Somebody is hurt by this picture."}
    assert reporter.post("/report", data=form).status_code == 303
    with consoles.here.db.read() as session:
        report = session.scalars(select(Report.id)).one()
    assert f"/desk/reports/{report}" in staff.get("/desk/reports").text
    assert "Somebody is hurt" in staff.get(f"/desk/reports/{report}").text
