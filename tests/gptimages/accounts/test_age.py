"""The age question: whom it admits, what it says, and that it leaves nothing behind."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing_in import begin
from support.stored import everything

from gptimages.accounts import age
from gptimages.accounts.age import Birth
from gptimages.errors import InputError

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def policies():
    """The shipped policies."""
    from pathlib import Path

    from datasteward.policy import load

    return load(Path(__file__).parents[3] / "policies")


@pytest.mark.parametrize(
    ("country", "born", "admitted"),
    [
        ("NO", "2013-11-23", 13),
        ("NO", "2013-11-24", None),
        ("DE", "2010-11-23", 16),
        ("DE", "2010-11-24", None),
        ("DE", "2013-01-01", None),
        ("US", "2013-11-23", 13),
        ("NO", "1900-01-01", 13),
    ],
)
def test_the_age_of_the_country_is_reached_on_the_birthday(policies, country, born, admitted):
    """Whoever has the birthday today is old enough, whoever has it tomorrow is not; the country's law decides the age."""
    year, month, day = born.split("-")
    assert age.admitted(policies, Birth(country, day, month, year), TODAY) == admitted


def test_a_birthday_on_a_leap_day_falls_on_the_first_of_march(policies):
    """Born on 29 February, one is not older before 1 March in a year that has no such day."""
    birth = Birth("NO", "29", "2", "2012")
    assert age.admitted(policies, birth, date(2025, 2, 28)) is None
    assert age.admitted(policies, birth, date(2025, 3, 1)) == 13


@pytest.mark.parametrize(
    "birth",
    [
        Birth("NO", "31", "2", "1990"),
        Birth("NO", "0", "1", "1990"),
        Birth("NO", "1", "13", "1990"),
        Birth("NO", "1", "1", "90"),
        Birth("NO", "1", "1", "1850"),
        Birth("NO", "1", "1", "2027"),
        Birth("NO", "", "", ""),
        Birth("NO", "one", "1", "1990"),
        Birth("NO", "-1", "1", "1990"),
        Birth("NO", "１", "1", "1990"),
        Birth("XX", "1", "1", "1990"),
        Birth("", "1", "1", "1990"),
    ],
)
def test_what_is_no_date_or_country_is_asked_again_without_repeating_it(policies, birth):
    """A slip is a sentence that says what to correct and holds nothing of what was typed."""
    with pytest.raises(InputError) as caught:
        age.admitted(policies, birth, TODAY)
    assert str(caught.value).endswith(".")
    assert not any(part in str(caught.value) for part in (birth.year, birth.country) if len(part) > 1)


@given(st.dates(min_value=date(1897, 1, 1), max_value=TODAY))
def test_nobody_below_the_minimum_is_admitted(born):
    """For every birth date: admitted exactly when the minimum is reached by the calendar."""
    from types import SimpleNamespace

    reached = (TODAY.year - 13, TODAY.month, TODAY.day) >= (born.year, born.month, born.day)
    stub = SimpleNamespace(minimum_age=lambda _country: 13)
    birth = Birth("NO", str(born.day), str(born.month), str(born.year))
    assert (age.admitted(stub, birth, TODAY) == 13) is reached  # type: ignore[arg-type]


def test_the_answer_shows_nothing_of_itself():
    """A birth date does not stand in the text form of anything that carries it."""
    assert "1990" not in repr(Birth("NO", "1", "1", "1990"))


def test_every_country_can_be_chosen_by_its_name():
    """The list has every ISO code once and is sorted by name for people."""
    found = age.countries()
    assert (found["NO"], found["DE"]) == ("Norway", "Germany")
    assert len(found) > 240
    assert list(found.values()) == sorted(found.values())


@pytest.fixture
def site(shared_site):
    """The module's service."""
    return shared_site


def test_of_somebody_younger_nothing_is_stored_at_all(site):
    """The answer `younger` leaves no row, key, object or cookie, no trace in an address, and a kind page."""
    before = everything(site.data)
    today = datetime.now(UTC).date()
    with site.browser() as client:
        answer = begin(client, birth=("NO", "1", "1", str(today.year - 9)))
        assert answer.status_code == 200
        assert "We cannot make an account for you yet" in answer.text
        assert "set-cookie" not in answer.headers
        assert not client.cookies
        assert str(today.year - 9) not in answer.text
    assert everything(site.data) == before


def test_a_slip_is_asked_again_with_what_was_typed_and_nothing_stored(site):
    """The page comes back with the sentence and the fields as they were; nothing is stored, no cookie set."""
    before = everything(site.data)
    with site.browser() as client:
        answer = begin(client, birth=("NO", "31", "2", "1990"))
        assert answer.status_code == 400
        assert "There is no such day in the calendar" in answer.text
        assert 'value="1990"' in answer.text
        assert not client.cookies
    assert everything(site.data) == before


def test_the_page_gives_no_hint_at_the_wished_answer(site):
    """The question names no age, offers no chosen country or year, and sets no cookie."""
    with site.browser() as client:
        page = client.get("/sign-in")
    assert not client.cookies
    assert "years old" not in page.text
    assert not any(
        f"{number}" in page.text.split("<form")[2].split("</form")[0].split("</select>")[1]
        for number in (13, 14, 16, 18)
    )
    assert "selected" not in page.text
