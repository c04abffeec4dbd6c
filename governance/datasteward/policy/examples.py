"""Examples beside the policies: given this record at this time, this is due. Legal writes them in tests/*.yaml.

    found = verify(load(Path("policies")))

An example is decided by the policies and its own words alone; no database is asked. Every rule that has a period needs one
in which it takes the record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from datasteward.policy.checks import COUNTRY
from datasteward.policy.clocks import cutoff
from datasteward.policy.findings import Finding, Findings, Place, suggestion
from datasteward.policy.model import Clock, RetentionRule
from datasteward.policy.policyset import PolicySet
from datasteward.policy.reading import read_text, read_yaml

Fate = Literal["delete", "anonymise", "archive", "shred", "stays"]
Fault = tuple[str, str, str]
"""The field of an example that is wrong, how, and the remedy."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A record, and what has to become of it at the moment `at`.

    `category` is what a record of its table is; `table` is its table, where a rule is for that table alone. `clocks` tells
    when each clock started; for fiscal_year_end any moment of that year. `country` is that of the person (ISO 3166);
    `columns` what the columns hold that a rule's only_if asks for. `expect` says what is done to it; `rule` names the rule
    that has to decide. A moment without a zone is in UTC.
    """

    name: str
    category: str = ""
    table: str | None = None
    clocks: dict[Clock, datetime] = {}
    country: str | None = None
    columns: dict[str, str] = {}
    at: datetime
    expect: Fate
    rule: str | None = None


class Examples(msgspec.Struct, frozen=True, kw_only=True):
    """One file of tests/: `examples` are records with what has to become of them."""

    examples: tuple[Example, ...]


class Verified(msgspec.Struct, frozen=True):
    """How many examples there are, and what does not hold: an example, or a rule that none shows."""

    count: int
    findings: tuple[Finding, ...]


def fate(policies: PolicySet, example: Example) -> tuple[Fate, RetentionRule | None]:
    """What is due at the example's moment, and by which rule; `stays` when nothing is.

    Where several rules are due, one by which the record itself goes decides, else the first in retention.yaml.
    """
    due = [rule for rule in governing(policies, example) if _due(policies, rule, example)]
    first = min(due, key=lambda rule: not rule.removes, default=None)
    return (first.action, first) if first else ("stays", None)


def governing(policies: PolicySet, example: Example) -> tuple[RetentionRule, ...]:
    """The rules that govern the record, and whose conditions its columns meet."""
    rules = policies.rules_for(example.category, table=example.table)
    return tuple(rule for rule in rules if _meets(example, rule))


def verify(policies: PolicySet) -> Verified:
    """Holds the examples in tests/ against the policies, and says everything that does not hold at once."""
    findings = Findings()
    read = list(_read(policies, findings))
    shown: set[str] = set()
    for name, place, example in read:
        faults = list(_faults(policies, example))
        if not faults:
            found, rule = fate(policies, example)
            faults = list(_broken(policies, example, found, rule))
            shown |= {one.id for one in (governing(policies, example) if faults else (rule,)) if one}
        for field, what, remedy in faults:
            findings.at(name, (*place, field), f"'{example.name}' {what}", remedy)
    _unshown(policies, shown, findings)
    return Verified(len(read), findings.found)


def _read(policies: PolicySet, findings: Findings) -> Iterator[tuple[str, Place, Example]]:
    for path in sorted((policies.directory / "tests").glob("*.yaml")):
        name = f"tests/{path.name}"
        source = read_text(path, name, findings)
        read = read_yaml(source, Examples, name, findings) if source is not None else None
        for i, example in enumerate(read.examples if read else ()):
            yield name, ("examples", str(i)), example


def _faults(policies: PolicySet, example: Example) -> Iterator[Fault]:
    """What an example speaks of without the policies naming it; then it shows nothing."""
    categories, rules = policies.taxonomy.categories, policies.retention
    governed = governing(policies, example)
    if example.category and example.category not in categories:
        yield "category", f"is of an unknown category '{example.category}'", suggestion(example.category, categories)
    elif not policies.rules_for(example.category, table=example.table):
        yield "table", "is a record that no rule governs", "name its category, or a table that has a rule of its own"
    elif not governed:
        yield "columns", "meets the conditions of no rule", "give the columns that only_if of the rule asks for"
    elif all(rule.clock and rule.clock not in example.clocks for rule in governed):
        clocks = " or ".join(sorted({str(rule.clock) for rule in governed}))
        yield "clocks", "starts no clock that a rule of it runs from", f"add 'clocks: {{{clocks}: …}}'"
    if example.rule is not None and example.rule not in rules:
        yield "rule", f"names an unknown rule '{example.rule}'", suggestion(example.rule, rules)
    if not 1970 <= example.at.year <= 2200:
        yield "at", f"is looked at in the year {example.at.year}", "write a moment at which the service could run"
    if example.country is not None and not COUNTRY.fullmatch(example.country):
        yield (
            "country",
            f"is in '{example.country}', which is not a country",
            "write the two capitals of ISO 3166, as DE",
        )


def _broken(policies: PolicySet, example: Example, found: Fate, rule: RetentionRule | None) -> Iterator[Fault]:
    """How what becomes of the record differs from what the example expects."""
    decides = (rule,) if rule else governing(policies, example)
    where = ", ".join(policies.where("retention.yaml", ("rules", one.id)) for one in decides)
    names = " and ".join(one.id for one in decides)
    if found != example.expect:
        yield "expect", f"should be '{example.expect}', but is '{found}' by the rule {names}", f"mend it, or {where}"
    elif example.rule is not None and example.rule not in {one.id for one in decides}:
        yield "rule", f"should be decided by the rule {example.rule}, but is by {names}", f"mend it, or {where}"


def _unshown(policies: PolicySet, shown: set[str], findings: Findings) -> None:
    findings.opened("retention.yaml", policies.directory / "retention.yaml")
    for rule in policies.retention.values():
        if rule.period is not None and rule.id not in shown:
            line = policies.line("retention.yaml", ("rules", rule.id))
            what = f"no example shows the rule '{rule.id}' take a record"
            findings.add("retention.yaml", line, what, "add one to tests/: a record, its clock, and when it is due")


def _meets(example: Example, rule: RetentionRule) -> bool:
    return all(example.columns.get(column) in values for column, values in rule.only_if.items())


def _due(policies: PolicySet, rule: RetentionRule, example: Example) -> bool:
    started = example.clocks.get(rule.clock) if rule.clock else None
    return started is not None and started < cutoff(policies, rule, example.country, example.at)
