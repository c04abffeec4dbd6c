"""A person whose data is only stored (GDPR Art. 18): what stays open to them, and what says why it does not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from datasteward.consent import restriction
from gptimages.accounts import tokens
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.studio.models import Generation, StylePreference

SENTENCE = "only stored now"


@pytest.fixture
def ines(web: Any, person: Any) -> Account:
    """A person who asked that the processing of her data be restricted."""
    account: Account = person()
    with web.here.writing("law", account.id) as session:
        assert restriction.restrict(session, account.id, "accuracy", by=account.id, now=web.here.clock())
    return account


def count(here: Installation, table: type[Any]) -> int:
    """How many rows there are."""
    with here.db.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_privacy_centre_stays_open(web: Any, ines: Account) -> None:
    """The doorkeeper knows who asks, and the pages of the privacy centre show what is held."""
    browser = web.signed_in(ines)
    for page in ("/privacy", "/privacy/choices", "/privacy/requests", "/privacy/recipients", "/privacy/erase"):
        answer = browser.get(page)
        assert answer.status_code == 200, (page, answer.text)


@pytest.mark.parametrize("page", ["/studio", "/history", "/account"])
def test_a_page_that_would_use_the_data_says_why_it_does_not(web: Any, ines: Account, page: str) -> None:
    """One sentence says that the data is only stored, and the page leads to the privacy centre."""
    answer = web.signed_in(ines).get(page)
    assert answer.status_code == 409, answer.text
    assert SENTENCE in answer.text
    assert 'href="/privacy">Go to the privacy centre' in answer.text


def test_nothing_is_made(web: Any, ines: Account) -> None:
    """Asking for pictures is refused with the same sentence, and neither words nor choices are written."""
    answer = web.signed_in(ines).post("/studio", data={"prompt": "One heron", "style": "none"})
    assert answer.status_code == 409
    assert SENTENCE in answer.text
    assert count(web.here, Generation) == count(web.here, StylePreference) == 0


def test_a_program_hears_it_too(web: Any, ines: Account) -> None:
    """A token makes no pictures either, and still reads what is held."""
    with web.here.writing("law", ines.id) as session:
        secret, _ = tokens.create(session, web.here, ines.id, "Mine", ["images", "privacy"], now=web.here.clock())
    program = web.browser(accept="application/json", authorization=f"Bearer {secret}")
    answer = program.post("/api/v1/images", json={"prompt": "One heron"})
    assert answer.status_code == 409
    assert SENTENCE in answer.json()["detail"]
    assert program.get("/api/v1/privacy/holdings").status_code == 200


def test_the_roles_of_a_restricted_person_stay_in_sight(web: Any, ines: Account, person: Any) -> None:
    """An administrator gives them and takes them back as from anybody."""
    browser = web.signed_in(person("Petra Vance", given=("administrator",)))
    where = f"/admin/people/{ines.id}"
    assert browser.post(f"{where}/roles", data={"role": "operator"}).status_code == 303
    assert "operator" in browser.get(where).text
    assert browser.post(f"{where}/roles/operator/end").status_code == 303
    assert ines.id not in browser.get("/admin").text


def test_a_restricted_person_signs_out(web: Any, ines: Account) -> None:
    """The session ends for good."""
    browser = web.signed_in(ines)
    assert browser.post("/sign-out").status_code == 303
    assert browser.get("/privacy").status_code in (303, 401)


def test_lifting_the_restriction_opens_everything_again(web: Any, ines: Account) -> None:
    """The studio is there as before."""
    with web.here.writing("law", ines.id) as session:
        assert restriction.lift(session, ines.id, by=ines.id, now=web.here.clock())
    assert web.signed_in(ines).get("/studio").status_code == 200
