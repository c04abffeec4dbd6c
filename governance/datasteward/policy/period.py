"""Periods of time as ISO 8601 writes them (P13M, P90D, PT24H), reckoned by the calendar.

A month later is the same day of the next month, or its last day when it has no such day (Regulation (EEC, Euratom)
No 1182/71, art. 3). Nothing here reads a clock: the moment to reckon from comes in.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec
from dateutil.relativedelta import relativedelta

SHAPE = re.compile(
    r"P(?=\d|T\d)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_UNITS = ("years", "months", "weeks", "days", "hours", "minutes", "seconds")
_PER_YEAR = (1, 12, 52, 365, 8760, 525_600, 31_536_000)
_LONGEST_YEARS = 200


class Period(msgspec.Struct, frozen=True):
    """A length of time. Make one with `Period.parse`; `str()` gives the ISO 8601 text back."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> Period:
        """The period that `text` names. Raises ValueError when it is not one, is empty, or passes 200 years."""
        found = SHAPE.fullmatch(text)
        if not found:
            raise ValueError(f"'{text}' is not an ISO 8601 period such as P13M, P90D or PT24H")
        parts = {unit: int(amount) for unit, amount in found.groupdict(default="0").items()}
        period = cls(**parts)
        if not any(parts.values()):
            raise ValueError(f"'{text}' is no time at all")
        if any(amount > _LONGEST_YEARS * most for amount, most in zip(parts.values(), _PER_YEAR, strict=True)):
            raise ValueError(f"'{text}' is longer than {_LONGEST_YEARS} years")
        return period

    def before(self, moment: datetime) -> datetime:
        """The moment this long before `moment`: what began at or before it is this old.

        Never too early: what began at the answer has lasted the whole period at `moment`. At the end of a month the
        answer can lie up to three days further back than the strict rule would allow. Raises ValueError for a naive
        `moment`.
        """
        return _aware(moment) - self._exact - self._calendar

    def after(self, moment: datetime) -> datetime:
        """The moment this long after `moment`: 31 January and one month is the last day of February."""
        return _aware(moment) + self._calendar + self._exact

    @property
    def fixed(self) -> timedelta:
        """The same as a number of seconds. Raises ValueError for years and months, whose length the calendar decides."""
        if self.years or self.months:
            raise ValueError(f"{self} has no fixed length: reckon with after() or before()")
        return self._exact

    @property
    def words(self) -> str:
        """As a person says it: "13 months", "1 year and 6 months"."""
        named = [_counted(getattr(self, unit), unit) for unit in _UNITS if getattr(self, unit)]
        return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"

    @property
    def _calendar(self) -> relativedelta:
        """Years and months; added first and taken away last, because their length depends on where they begin."""
        return relativedelta(years=self.years, months=self.months)

    @property
    def _exact(self) -> timedelta:
        return timedelta(weeks=self.weeks, days=self.days, hours=self.hours, minutes=self.minutes, seconds=self.seconds)

    def __str__(self) -> str:
        day = "".join(f"{getattr(self, unit)}{unit[0].upper()}" for unit in _UNITS[:4] if getattr(self, unit))
        time = "".join(f"{getattr(self, unit)}{unit[0].upper()}" for unit in _UNITS[4:] if getattr(self, unit))
        return f"P{day}T{time}" if time else f"P{day}"


def _counted(amount: int, unit: str) -> str:
    return f"{amount} {unit if amount != 1 else unit[:-1]}"


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("A period is reckoned from an aware moment in UTC, not from a naive one")
    return moment
