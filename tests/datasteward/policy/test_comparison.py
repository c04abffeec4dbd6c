"""What a change of policies says, entry by entry."""

from collections.abc import Callable
from pathlib import Path

import pytest

from datasteward.policy import PolicySet, compare, load
from datasteward.policy.comparison import PROMISED, files
from datasteward.policy.loader import FILES

Spoil = Callable[[str, str, str], None]

CHANGES = {
    "a period": ("retention.yaml", "period: P90D", "period: P80D", "reference-pictures period: 90 days → 80 days"),
    "an amount": ("limits.yaml", "value: 4000", "value: 5_000", "prompt-characters value: 4,000 → 5,000"),
    "a word of the language": (
        "jurisdictions.yaml",
        r"answer: \{period: P45D\}",
        "answer: {period: P45D, days: business}",
        "requests california answer.days: calendar → business",
    ),
    "a list that loses": (
        "purposes.yaml",
        "^      - user.content.preference\n",
        "",
        "generate categories removed: user.content.preference",
    ),
    "a list that gains": (
        "roles.yaml",
        r"\[staff:ticket:answer, ",
        "[staff:ticket:answer, staff:job:read, ",
        "support permissions added: staff:job:read",
    ),
    "a yes for a no": ("controller.yaml", "invented: true", "invented: false", "invented: yes → no"),
    "something that was not said": (
        "taxonomy.yaml",
        "^    name: Your devices\n",
        "    name: Your devices\n    origin: derived\n",
        "categories user.device origin added: derived",
    ),
    "a new entry": (
        "cookies.yaml",
        "^cookies:",
        "cookies:\n  taste: {name: taste, purpose: p, necessary: true, promise: cookies.use, source: s}",
        "taste added",
    ),
    "a sentence": (
        "privacy/2027-01-05.md",
        r"$(?<=\{intro\})",
        "\nStill, we say it twice. {intro}",
        "added: Still, we say it twice.",
    ),
}


def test_the_same_set_has_no_changes(shipped_policies: PolicySet, policy_copy: Path) -> None:
    """A copy, even with other comments and another hash, differs in nothing."""
    path = policy_copy / "limits.yaml"
    path.write_text(path.read_text("utf-8") + "# a note\n", "utf-8")
    other = load(policy_copy)
    assert other.hash != shipped_policies.hash
    assert compare(shipped_policies, other) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_said_in_words_with_its_place(
    change: str, shipped_policies: PolicySet, spoil: Spoil, policy_copy: Path
) -> None:
    """Each kind of change is one sentence with file, line, entry, field and both values; the other way round it turns."""
    name, pattern, new, said = CHANGES[change]
    spoil(name, pattern, new)
    changed = load(policy_copy)
    there = compare(shipped_policies, changed)
    assert any(said in str(one) for one in there), [str(one) for one in there]
    assert all(one.where.rpartition(":")[0] in (name, *_derived(name)) for one in there)
    back = compare(changed, shipped_policies)
    assert sorted((one.entry, one.field, one.now, one.was) for one in back) == sorted(
        (one.entry, one.field, one.was, one.now) for one in there
    )


@pytest.mark.parametrize("period", ["epoch: P30D", "overlap: P7D", "margin: P3D"])
def test_a_longer_schedule_of_keys_breaks_what_certificates_promised(
    period: str, shipped_policies: PolicySet, spoil: Spoil, policy_copy: Path
) -> None:
    """Epoch, overlap and margin are in the second date of certificates that were given: longer ones are warned of alone."""
    spoil("encryption.yaml", period, period.partition(":")[0] + ": P2M")
    longer = load(policy_copy)
    for old, new, said in ((shipped_policies, longer, PROMISED), (longer, shipped_policies, "")):
        [change] = compare(old, new)
        assert change.warning == said
        assert str(change).endswith(f"days → 2 months. {said}" if said else "days")


def test_the_place_is_the_line_of_the_field(shipped_policies: PolicySet, spoil: Spoil, policy_copy: Path) -> None:
    """The sentence names the line of the new set on which the changed value stands."""
    spoil("retention.yaml", "period: P90D", "period: P80D")
    line = (policy_copy / "retention.yaml").read_text("utf-8").splitlines().index("    period: P80D") + 1
    [change] = [one for one in compare(shipped_policies, load(policy_copy)) if one.field == "period"]
    assert change.where == f"retention.yaml:{line}"


def test_a_removed_entry_is_said_where_it_stood(shipped_policies: PolicySet, spoil: Spoil, policy_copy: Path) -> None:
    """What is gone is named with its line in the old set."""
    spoil("cookies.yaml", "^cookies:", CHANGES["a new entry"][2])
    [change] = compare(load(policy_copy), shipped_policies)
    assert (change.kind, change.entry, change.field) == ("removed", "taste", "")
    lines = (policy_copy / "cookies.yaml").read_text("utf-8").splitlines()
    assert change.where == f"cookies.yaml:{next(i for i, line in enumerate(lines, 1) if 'taste' in line)}"


def test_a_text_that_comes_or_goes_is_one_change(shipped_policies: PolicySet, policy_copy: Path) -> None:
    """A whole version of the privacy text is named once, not sentence by sentence."""
    (policy_copy / "privacy/2027-01-05.md").unlink()
    for old, new, kind in (
        (shipped_policies, load(policy_copy), "removed"),
        (load(policy_copy), shipped_policies, "added"),
    ):
        [change] = compare(old, new)
        assert (change.entry, change.field, change.kind) == ("2027-01-05", "", kind)


def test_another_order_of_a_list_is_a_change(shipped_policies: PolicySet, spoil: Spoil, policy_copy: Path) -> None:
    """A list with the same members in another order is told whole, before and after."""
    spoil("roles.yaml", r"\[staff:ticket:answer, staff:abuse:decide\]", "[staff:abuse:decide, staff:ticket:answer]")
    assert [str(one).partition(": ")[2] for one in compare(shipped_policies, load(policy_copy))] == [
        "roles support permissions: staff:ticket:answer, staff:abuse:decide → staff:abuse:decide, staff:ticket:answer"
    ]


def test_every_file_is_compared(shipped_policies: PolicySet) -> None:
    """No policy file is left out of the comparison."""
    assert set(files(shipped_policies)) == {*FILES, "privacy/"}


def _derived(name: str) -> tuple[str, ...]:
    """Where else a change can show: figures of the texts come from the policies."""
    return () if name.startswith("privacy/") else ("privacy/2026-09-01.md", "privacy/2027-01-05.md")
