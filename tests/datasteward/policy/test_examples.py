"""Examples beside the policies: what is due by a rule's own words, and what is said of an example that does not hold."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from datasteward.policy import PolicySet, RetentionRule, load
from datasteward.policy.clocks import cutoff
from datasteward.policy.examples import Example, fate, verify

Spoil = Callable[[str, str, str], None]
NOW = datetime(2026, 11, 26, tzinfo=UTC)
USAGE = Example(
    name="one",
    category="user.behavior.usage",
    clocks={"created": datetime(2020, 1, 1, tzinfo=UTC)},
    at=NOW,
    expect="stays",
)
FIRST = "name: A usage event stays the day before 13 months are over"

WRONG = {
    "another fate": (
        "expect: stays\n    rule: usage-events",
        "expect: delete\n    rule: usage-events",
        "should be 'delete', but is 'stays' by the rule usage-events",
        "retention.yaml:",
    ),
    "another rule": ("rule: usage-events", "rule: devices", "should be decided by the rule devices", "retention.yaml:"),
    "an unknown rule": ("rule: usage-events", "rule: usage", "names an unknown rule 'usage'", "spelling"),
    "an unknown category": (
        "category: user.behavior.usage",
        "category: user.behavior.usages",
        "is of an unknown category 'user.behavior.usages'",
        "'user.behavior.usage'",
    ),
    "neither category nor table": (
        "category: user.behavior.usage",
        "columns: {kind: made}",
        "is a record that no rule governs",
        "name its category, or a table",
    ),
    "a table without a rule": (
        "category: user.behavior.usage",
        "table: usage_events",
        "is a record that no rule governs",
        "name its category, or a table",
    ),
    "a clock of another rule": (
        r"clocks: \{created: 2025-01-15\}",
        "clocks: {closed: 2025-01-15}",
        "starts no clock that a rule of it runs from",
        "add 'clocks: {created: …}'",
    ),
    "an unknown clock": (r"clocks: \{created:", "clocks: {made:", "unknown key 'made'", "created"),
    "a clock in words": ("created: 2025-01-15", "created: once", "a moment such as 2026-09-01", "write a moment"),
    "an impossible moment": ("at: 2026-02-14", "at: 2026-02-30", "a moment such as 2026-09-01", "write a moment"),
    "a moment of long ago": ("at: 2026-02-14", "at: 0001-01-01", "in the year 1", "could run"),
    "no moment": ("    at: 2026-02-14\n", "", "the key 'at'", "add 'at"),
    "a fate that there is not": ("expect: stays", "expect: goes", "'goes' is not allowed here", "stays"),
    "a country in words": (
        "at: 2026-02-14",
        "at: 2026-02-14\n    country: Spain",
        "'Spain', which is not a",
        "ISO 3166",
    ),
    "not YAML": ("^examples:", "examples: [", "this is not YAML", "mend the line"),
}


def _with(policies: PolicySet, **rules: RetentionRule) -> PolicySet:
    return replace(policies, retention={**policies.retention, **rules})


def test_the_shipped_examples_hold(shipped_policies: PolicySet) -> None:
    """Every shipped example holds, and every rule with a period is shown by one."""
    found = verify(shipped_policies)
    assert found.findings == ()
    assert found.count >= 60


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_hold_is_said_with_file_line_and_remedy(wrong: str, spoil: Spoil, policy_copy: Path) -> None:
    """Each kind of example that does not hold is a finding in its file, at its line, with what is wrong and a remedy."""
    pattern, new, what, remedy = WRONG[wrong]
    spoil("tests/activity.yaml", pattern, new)
    said = [finding for finding in verify(load(policy_copy)).findings if what in finding.what]
    assert len(said) == 1
    assert remedy in said[0].remedy
    assert said[0].file == str(policy_copy / "tests/activity.yaml")
    lines = (policy_copy / "tests/activity.yaml").read_text("utf-8").splitlines()
    begin = next((i for i, line in enumerate(lines, 1) if FIRST in line), 1)
    assert begin <= said[0].line < begin + 7


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01", b"\xff\xfe\xfa", b"- 1\n", b"a: &x [*x]", b"{", b"examples: [1]\n"]
)
def test_a_corrupt_file_of_examples_is_said(content: bytes, policy_copy: Path) -> None:
    """A file full of something else is a finding of that file, and keeps no other from being verified."""
    (policy_copy / "tests/more.yaml").write_bytes(content)
    found = verify(load(policy_copy))
    assert {finding.file for finding in found.findings} == {str(policy_copy / "tests/more.yaml")}
    assert found.count >= 60


def test_everything_that_does_not_hold_is_said_at_once(spoil: Spoil, policy_copy: Path) -> None:
    """One changed period breaks its examples, a file of examples that is gone leaves its rules without one."""
    spoil("retention.yaml", "period: P90D", "period: P80D")
    (policy_copy / "tests/payments.yaml").unlink()
    policies = load(policy_copy)
    said = verify(policies).findings
    assert [finding.what.partition(" should ")[0] for finding in said if "content.yaml" in finding.file] == [
        "'An uploaded picture stays the day before 90 days are over'",
        "'An uploaded picture stays at the very moment'",
    ]
    unshown = {
        f"retention.yaml:{finding.line}" for finding in said if finding.file == str(policy_copy / "retention.yaml")
    }
    assert unshown == {policies.where("retention.yaml", ("rules", rule)) for rule in ("subscriptions", "transactions")}


def test_a_policy_set_without_examples_shows_no_rule(policy_copy: Path) -> None:
    """Without tests/ every rule with a period is named."""
    for path in (policy_copy / "tests").iterdir():
        path.unlink()
    policies = load(policy_copy)
    assert len(verify(policies).findings) == sum(rule.period is not None for rule in policies.retention.values())


def test_a_rule_for_the_table_decides(shipped_policies: PolicySet) -> None:
    """The example of a table is decided by the table's own rule, with its category or without."""
    usage = shipped_policies.retention["usage-events"]
    policies = _with(shipped_policies, own=replace(usage, id="own", table="events", action="shred"))
    for example in (replace(USAGE, table="events"), replace(USAGE, table="events", category="")):
        assert fate(policies, example) == ("shred", policies.retention["own"])
    assert fate(policies, replace(USAGE, table="others")) == ("delete", usage)


def test_a_rule_takes_only_what_meets_its_conditions(shipped_policies: PolicySet) -> None:
    """All the columns of only_if must hold one of their values."""
    rule = replace(shipped_policies.retention["usage-events"], only_if={"kind": ("made", "failed"), "paid": ("no",)})
    policies = _with(shipped_policies, **{"usage-events": rule})
    assert fate(policies, replace(USAGE, columns={"kind": "failed", "paid": "no"}))[0] == "delete"
    assert fate(policies, replace(USAGE, columns={"kind": "failed", "paid": "yes"}))[0] == "stays"
    assert fate(policies, replace(USAGE, columns={"kind": "failed"}))[0] == "stays"


def test_a_record_that_meets_no_condition_is_said(spoil: Spoil, policy_copy: Path) -> None:
    """An example whose columns no rule asks for shows nothing, and is told so."""
    spoil(
        "retention.yaml", "category: user.behavior.usage", "category: user.behavior.usage\n    only_if: {kind: [made]}"
    )
    said = [
        finding for finding in verify(load(policy_copy)).findings if "meets the conditions of no rule" in finding.what
    ]
    assert len(said) == 5
    assert all("only_if" in finding.remedy for finding in said)


def test_what_removes_the_record_comes_first(shipped_policies: PolicySet) -> None:
    """Where one rule anonymises and another deletes, both due, the record is deleted, in whichever order they stand."""
    usage = shipped_policies.retention["usage-events"]
    other = replace(usage, id="other", action="anonymise", anonymise=("user.unique_id",), period=usage.period)
    for pair in ({"usage-events": other, "z": usage}, {"usage-events": usage, "z": other}):
        assert fate(_with(shipped_policies, **pair), USAGE)[0] == "delete"


@given(
    age=st.timedeltas(timedelta(0), timedelta(days=6000)),
    country=st.sampled_from(["DE", "FR", "GB", "US", "PT", None]),
    data=st.data(),
)
def test_a_record_is_due_exactly_when_its_clock_started_before_the_cutoff(
    shipped_policies: PolicySet, age: timedelta, country: str | None, data: st.DataObject
) -> None:
    """For every rule with a period, every country and every age."""
    timed = [rule for rule in shipped_policies.retention.values() if rule.clock is not None]
    rule = data.draw(st.sampled_from(timed))
    assert rule.clock is not None
    clocks = {rule.clock: NOW - age}
    example = Example(name="x", category=rule.category, clocks=clocks, country=country, at=NOW, expect="stays")
    due = NOW - age < cutoff(shipped_policies, rule, country, NOW)
    assert fate(shipped_policies, example)[0] == (rule.action if due else "stays")
