"""Which rule of policies/retention.yaml governs which table, and in which order the rules are carried out.

The rules whose category is nearest to that of a table's records govern the table, as far as it has the clock that they
start from; what hangs on another row and has no clock of its own goes with that row. A rule that waits for an event
(`until`) is carried out by the event, not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Table

from datasteward.catalog import Catalog, within
from datasteward.errors import PolicyError
from datasteward.policy import Period, PolicySet, RetentionRule
from datasteward.retention.plan import EVERYWHERE
from datasteward.steward import Steward

FISCAL = "fiscal_year_end"
"""The clock that starts at the end of the fiscal year in which the table's column lies."""

CLOCKS = {
    "created": "it was made",
    "last_used": "the last use",
    "last_activity": "the last activity",
    "expires": "it expires",
    "ended": "it ended",
    "closed": "it was closed",
    FISCAL: "the end of the fiscal year",
}
"""What each clock starts from, in words."""


@dataclass(frozen=True, slots=True)
class Governed:
    """One rule as it applies to one table; `columns` are those to empty, none when rows are to be deleted."""

    rule: RetentionRule
    clock: str
    table: Table
    columns: tuple[str, ...]

    @property
    def action(self) -> Literal["delete", "anonymise"]:
        """What is done to a row that is due."""
        return "anonymise" if self.columns else "delete"

    def cutoffs(self, policies: PolicySet, now: datetime) -> dict[str, datetime]:
        """By country (or EVERYWHERE) the moment, UTC, before which a row's clock must have started to be due."""
        assert self.rule.period is not None  # noqa: S101 - `governed` takes no rule without one
        periods: dict[str, Period] = {EVERYWHERE: self.rule.period, **self.rule.by_country}
        return {country: _cutoff(period, self.clock, policies, now) for country, period in periods.items()}

    @property
    def kept(self) -> str:
        """For how long, in the words of whoever carries it out: "90 days after the last use"."""
        words = self.rule.period.words if self.rule.period else ""
        return f"{words} after {CLOCKS[self.clock]}{', or as the country says' if self.rule.by_country else ''}"

    @property
    def why(self) -> str:
        """The rule in a sentence, for whoever reads the plan."""
        deed = f"emptied of {', '.join(self.columns)}" if self.columns else "deleted"
        return f"{self.rule.name}: kept {self.kept}, then {deed} ({self.rule.legal_basis}; {self.rule.source})."


def governed(steward: Steward) -> list[Governed]:
    """Every rule with every table it governs, in the order of execution: deletions first, what refers before the referred.

    Raises PolicyError for a rule that would empty a column which must be filled.
    """
    tables = reversed(steward.catalog.tables)
    found = [each for table in tables for each in _of(steward.catalog, steward.policies, table)]
    return sorted(found, key=lambda each: bool(each.columns))


def _of(catalog: Catalog, policies: PolicySet, table: Table) -> Iterator[Governed]:
    told = catalog.record(table)
    for rule in policies.rules_for(told.category):
        if rule.period is not None and rule.clock is not None and rule.clock in told.clocks:
            yield Governed(rule, rule.clock, table, _columns(catalog, rule, table))


def _columns(catalog: Catalog, rule: RetentionRule, table: Table) -> tuple[str, ...]:
    if rule.action == "delete":
        return ()
    columns = [c for c in table.columns if any(within(catalog.tag(c).category, name) for name in rule.anonymise)]
    if fixed := [column.name for column in columns if not column.nullable]:
        raise PolicyError(
            f"The rule {rule.id} would empty {', '.join(fixed)} of {table.name}, which must be filled: "
            "choose other categories, or delete the records."
        )
    if not columns:
        raise PolicyError(f"The rule {rule.id} has nothing to empty in {table.name}: name categories of its columns.")
    return tuple(str(column.name) for column in columns)


def _cutoff(period: Period, clock: str, policies: PolicySet, now: datetime) -> datetime:
    moment = period.before(now.astimezone(UTC))
    return _fiscal_year_start(policies, moment) if clock == FISCAL else moment


def _fiscal_year_start(policies: PolicySet, moment: datetime) -> datetime:
    """The first moment (UTC) of the fiscal year in which `moment` lies: what began before is of a year that has ended."""
    end = policies.jurisdictions.fiscal_year_end
    day = timedelta(days=1)
    starts = [datetime(year, end.month, end.day, tzinfo=UTC) + day for year in (moment.year, moment.year - 1)]
    return starts[0] if starts[0] <= moment else starts[1]
