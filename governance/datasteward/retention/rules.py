"""Which rule of policies/retention.yaml governs which table, and in which order the rules are carried out.

Precedence stands in PolicySet.rules_for: a rule for the table itself, else those whose category is nearest to that of the
table's records. A rule governs a table as far as it has, or finds along its road, the clock that the rule starts from;
what hangs on another row goes with that row besides. A rule that waits for an event (`until`) is carried out by the event.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table

from datasteward.anonymise.flaws import flaw
from datasteward.catalog import Catalog, within
from datasteward.errors import PolicyError
from datasteward.policy import PolicySet, RetentionRule
from datasteward.policy.clocks import cutoff
from datasteward.policy.model import Method
from datasteward.retention import conditions
from datasteward.retention.plan import EVERYWHERE, Action
from datasteward.retention.selection import Selection
from datasteward.steward import Steward

CLOCKS = {
    "created": "it was made",
    "last_used": "the last use",
    "last_activity": "the last activity",
    "expires": "it expires",
    "ended": "it ended",
    "closed": "it was closed",
    "fiscal_year_end": "the end of the fiscal year",
}
"""What each clock starts from, in words."""
DEEDS = {"delete": "deleted", "archive": "archived as counts of groups and deleted", "shred": "made unreadable"}


@dataclass(frozen=True, slots=True)
class Governed:
    """One rule as it applies to one table; `methods` are the columns to anonymise and how."""

    rule: RetentionRule
    clock: str
    table: Table
    methods: dict[str, Method]

    @property
    def action(self) -> Action:
        """What is done to a row that is due."""
        return self.rule.action

    def cutoffs(self, policies: PolicySet, now: datetime) -> dict[str, datetime]:
        """By country (or EVERYWHERE) the moment, UTC, before which a row's clock must have started to be due."""
        return {c: cutoff(policies, self.rule, c or None, now) for c in (EVERYWHERE, *self.rule.by_country)}

    def selection(self, policies: PolicySet, now: datetime) -> Selection:
        """The rows that the rule is about as of `now`."""
        cutoffs = self.cutoffs(policies, now)
        return Selection(
            self.table, self.clock, cutoffs, self.rule.only_if, self.methods, keys=self.rule.action == "shred"
        )

    @property
    def kept(self) -> str:
        """For how long, in the words of whoever carries it out: "90 days after the last use"."""
        words = self.rule.period.words if self.rule.period else ""
        return f"{words} after {CLOCKS[self.clock]}{', or as the country says' if self.rule.by_country else ''}"

    @property
    def why(self) -> str:
        """The rule in a sentence, for whoever reads the plan."""
        deed = DEEDS.get(self.action) or f"anonymised in {', '.join(self.methods)}"
        return f"{self.rule.name}: kept {self.kept}, then {deed} ({self.rule.legal_basis}; {self.rule.source})."


def governed(steward: Steward) -> list[Governed]:
    """Every rule with every table it governs, in the order of execution: what deletes first, what refers before the referred.

    Rows that take their clock from another row are anonymised before that, because it may go and the clock with it.
    Raises PolicyError for a rule that asks of a table what it cannot give.
    """
    found = [each for table in reversed(steward.catalog.tables) for each in of_table(steward, table)]
    return sorted(found, key=lambda each: _turn(steward.catalog, each))


def _turn(catalog: Catalog, each: Governed) -> int:
    if each.rule.removes:
        return 1
    return 2 if each.action == "shred" or each.clock in catalog.record(each.table).clocks else 0


def of_table(steward: Steward, table: Table) -> Iterator[Governed]:
    """The rules with a period that govern one table."""
    catalog, policies = steward.catalog, steward.policies
    for rule in policies.rules_for(catalog.record(table).category, table=str(table.name)):
        if rule.period is None or rule.clock is None or catalog.clock(table, rule.clock) is None:
            continue
        _check(catalog, rule, table)
        yield Governed(rule, rule.clock, table, _methods(catalog, policies, rule, table))


def _check(catalog: Catalog, rule: RetentionRule, table: Table) -> None:
    conditions.only_if(table, rule.only_if)
    if rule.action == "shred" and all(road.kind != "subject" for road in catalog.record(table).roads):
        raise PolicyError(
            f"The rule {rule.id} would destroy keys by way of {table.name}, whose rows are no people: "
            "a key is a person's, so name the category of the people, or delete the records."
        )
    if unknown := sorted(rule.generalise.keys() - set(table.c.keys())):
        raise PolicyError(f"The rule {rule.id} would archive {', '.join(unknown)}, which {table.name} does not have.")


def _methods(catalog: Catalog, policies: PolicySet, rule: RetentionRule, table: Table) -> dict[str, Method]:
    if rule.action != "anonymise":
        return {}
    columns = [c for c in table.columns if any(within(catalog.tag(c).category, name) for name in rule.anonymise)]
    if not columns:
        raise PolicyError(f"The rule {rule.id} has nothing to empty in {table.name}: name categories of its columns.")
    found = {str(c.name): policies.anonymised_by(catalog.tag(c).category) for c in columns}
    for column in columns:
        if what := flaw(column, found[str(column.name)]):
            raise PolicyError(f"The rule {rule.id} cannot be carried out. {what}")
    return found
