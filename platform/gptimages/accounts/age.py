"""The age question of the sign-up, answered before anything is stored.

The birth date lives in these functions alone: what goes on is the country and the age that policies/minors.yaml asks for
there. Nothing here logs, and no message repeats what was typed.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib import resources

import msgspec

from datasteward.policy import PolicySet
from gptimages.errors import InputError

OLDEST = 130  # years; a typing error otherwise
WRONG_DATE = "Write the day, the month and the year of your birth as numbers, the year with four digits."
WRONG_COUNTRY = "Choose the country you live in."


class Birth(msgspec.Struct, frozen=True):
    """What the form asks, as it was typed. It is never stored, and shows nothing of itself."""

    country: str = ""
    day: str = ""
    month: str = ""
    year: str = ""

    def __repr__(self) -> str:
        return "<Birth>"


def admitted(policies: PolicySet, birth: Birth, today: date) -> int | None:
    """The minimum age that was applied, in years, or None for somebody younger. Raises InputError.

    Somebody born on 29 February comes of age on 1 March of other years.
    """
    if birth.country not in countries():
        raise InputError(WRONG_COUNTRY)
    age = _age(_date(birth, today), today)
    minimum = policies.minimum_age(birth.country)
    return minimum if age >= minimum else None


def _date(birth: Birth, today: date) -> date:
    parts = [part.strip() for part in (birth.year, birth.month, birth.day)]
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts) or len(parts[0]) != 4:
        raise InputError(WRONG_DATE)
    try:
        born = date(*map(int, parts))
    except ValueError:
        raise InputError("There is no such day in the calendar: check the day and the month.") from None
    if born > today or _age(born, today) > OLDEST:
        raise InputError("Check the year of your birth.")
    return born


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


@cache
def countries() -> dict[str, str]:
    """English names of countries by their ISO 3166-1 alpha-2 code, sorted by name; from IANA's time zone database."""
    lines = (resources.files("tzdata") / "zoneinfo" / "iso3166.tab").read_text("utf-8").splitlines()
    pairs = (line.split("\t", 1) for line in lines if line and not line.startswith("#"))
    return dict(sorted(((code, name) for code, name in pairs), key=lambda pair: pair[1]))
