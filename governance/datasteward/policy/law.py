"""What jurisdictions.yaml and minors.yaml say, as types: deadlines, ages and periods that differ by country."""

from __future__ import annotations

from typing import Literal

import msgspec

from datasteward.policy.model import Sourced
from datasteward.policy.period import Period


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """A time by which something has to be done. `days: business` counts working days alone."""

    period: Period
    days: Literal["calendar", "business"] = "calendar"

    @property
    def words(self) -> str:
        """ "1 month", "10 working days"."""
        return self.period.words.replace("day", "working day") if self.days == "business" else self.period.words


class RequestClock(Sourced, frozen=True, kw_only=True):
    """How soon a request of a person in these countries has to be answered, and by how much that may be put off."""

    id: str
    name: str
    countries: tuple[str, ...]
    answer: Deadline
    extension: Deadline | None = None
    confirm: Deadline | None = None
    log_kept: Deadline | None = None


class ConsentAge(Sourced, frozen=True, kw_only=True):
    """From which age a person of these countries may consent for themselves."""

    id: str
    age: int
    countries: tuple[str, ...]


class TaxRecords(Sourced, frozen=True, kw_only=True):
    """How long a country wants invoices (and books) kept, from the end of the fiscal year."""

    key: str
    invoices: Period
    books: Period | None = None


class Duty(Sourced, frozen=True, kw_only=True):
    """Another rule of law that the service keeps; `within` where it sets a time."""

    id: str
    words: str
    within: Deadline | None = None


class FiscalYearEnd(Sourced, frozen=True, kw_only=True):
    """The last day of the controller's fiscal year."""

    month: int
    day: int


class Jurisdictions(msgspec.Struct, frozen=True, kw_only=True):
    """jurisdictions.yaml: the law as data. `elsewhere` names the request clock for countries without one."""

    elsewhere: str
    requests: dict[str, RequestClock]
    consent_ages: dict[str, ConsentAge]
    tax_records: dict[str, TaxRecords]
    fiscal_year_end: FiscalYearEnd
    duties: dict[str, Duty]


class CountryAge(Sourced, frozen=True, kw_only=True):
    """An age of our own for one country, above what its law asks."""

    key: str
    age: int


class Minors(Sourced, frozen=True, kw_only=True):
    """minors.yaml: nobody younger than `minimum`, nor than jurisdictions.yaml or `by_country` says for their country.

    `unknown_country` is the age for someone who does not say where they live.
    """

    minimum: int
    unknown_country: int
    by_country: dict[str, CountryAge] = msgspec.field(default_factory=dict)
    promise: str
    report_promise: str
    words: str
