"""Every kind of mistake in a policy file is said with file, line and remedy, and all of them at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from datasteward.policy import PolicyError, load
from datasteward.policy.loader import FILES

Spoil = Callable[[str, str, str], None]
Complaint = Callable[[], str]

MISTAKES = {
    "not YAML": ("limits.yaml", r"^page-size: \{", "page-size: [", "this is not YAML", "mend the line"),
    "a tab": ("roles.yaml", r"^roles:", "\troles:", "this is not YAML", "mend the line"),
    "an unknown key": ("retention.yaml", "    period: P90D", "    perod: P90D", "unknown key 'perod'", "'period'"),
    "a missing key": (
        "purposes.yaml",
        "^    name: Payments\n",
        "",
        "the key 'name' of 'billing' is missing",
        "add 'name",
    ),
    "a missing source": ("retention.yaml", "^    source: .*\n", "", "the key 'source' of 'profile' is missing", "add"),
    "a key twice": (
        "purposes.yaml",
        "^  deliver:",
        "  generate:",
        "'generate' stands here a second time",
        "remove one",
    ),
    "a text for a number": (
        "limits.yaml",
        "value: 4000",
        "value: many",
        "a whole number, not 'many'",
        "write a whole number",
    ),
    "a number for a text": ("roles.yaml", "name: Support", "name: 7", "a text, not '7'", "write a text"),
    "a word for yes or no": (
        "minors.yaml",
        "$",
        "\nrecalled: maybe",
        "true or false, not 'maybe'",
        "write true or false",
    ),
    "a value for a list": ("retention.yaml", r"also: \[.*\]", "also: user.name", "should stand a list", "brackets"),
    "a list for a group": (
        "minors.yaml",
        r"by_country: \{\}",
        "by_country: []",
        "keys and values, not a list",
        "indented",
    ),
    "nothing at all": ("purposes.yaml", "name: Payments", "name:", "a text, not nothing", "write a text"),
    "an unknown word": (
        "retention.yaml",
        "action: anonymise",
        "action: forget",
        "'forget' is not allowed",
        "anonymise, archive, delete, shred",
    ),
    "a period in words": ("retention.yaml", "period: P13M", "period: 13 months", "not an ISO 8601 period", "after P"),
    "a period of nothing": ("retention.yaml", "period: P13M", "period: P0D", "is no time at all", "after P"),
    "a period of ages": ("retention.yaml", "period: P13M", "period: P999Y", "longer than 200 years", "after P"),
    "an unknown category": (
        "purposes.yaml",
        "- user.content.private$",
        "- user.content.privat",
        "unknown category",
        "'user.content.private'",
    ),
    "an unknown record category": (
        "retention.yaml",
        "category: user.device",
        "category: user.gadget",
        "unknown category 'user.gadget'",
        "spelling",
    ),
    "an unknown encrypted category": (
        "encryption.yaml",
        "^  user.name:",
        "  user.nam:",
        "unknown category 'user.nam'",
        "'user.name'",
    ),
    "an unknown purpose": (
        "processors.yaml",
        r"purposes: \[billing\]",
        "purposes: [biling]",
        "unknown purpose 'biling'",
        "'billing'",
    ),
    "an unknown promise": (
        "taxonomy.yaml",
        "promise: collect.device",
        "promise: collect.devices",
        "unknown promise",
        "'collect.device'",
    ),
    "an unknown group": ("taxonomy.yaml", "group: profile", "group: profil", "unknown group 'profil'", "'profile'"),
    "no group": ("taxonomy.yaml", "^    group: devices\n", "", "stands under no group", "add 'group"),
    "no parent": (
        "taxonomy.yaml",
        "^  user.contact:\n",
        "  user.kontakt:\n",
        "has no parent 'user.contact'",
        "abstract",
    ),
    "no retention": (
        "retention.yaml",
        "category: user.behavior.usage",
        "category: user.behavior.engagement",
        "no rule says how long 'user.behavior.usage' is kept",
        "retention.yaml",
    ),
    "no encryption": (
        "encryption.yaml",
        "^  user.device:\n.*\n.*\n",
        "",
        "whether 'user.device' is encrypted",
        "encryption.yaml",
    ),
    "no purpose": ("purposes.yaml", "^      - user.communication\n", "", "what 'user.communication", "purposes.yaml"),
    "encrypted and clear": (
        "encryption.yaml",
        "^clear:",
        "clear:\n  user.name: {why: x, source: y}",
        "under encrypted and under clear",
        "remove",
    ),
    "backups of keys that open nothing": (
        "encryption.yaml",
        "overlap: P7D",
        "overlap: P2D",
        "the overlap of epochs ends before a backup of the key store is 7 days old",
        "write P7D",
    ),
    "a permission of another shape": (
        "roles.yaml",
        "^  own:image:create:",
        "  create-images:",
        "not shaped like a permission",
        "scope:resource:action",
    ),
    "a permission that nobody explains": (
        "roles.yaml",
        "- own:image:read",
        "- own:image:reed",
        "unknown permission 'own:image:reed'",
        "'own:image:read'",
    ),
    "a second person that is neither yes nor no": (
        "roles.yaml",
        "second_person: true",
        "second_person: staff:key:approve",
        "here should stand true or false",
        "write true or false",
    ),
    "period and event": (
        "retention.yaml",
        "    until: account_erased",
        "    until: account_erased\n    period: P1D\n    clock: created",
        "either a period or",
        "one of the two",
    ),
    "a period without a clock": (
        "retention.yaml",
        "    clock: last_used\n",
        "",
        "nothing that it runs from",
        "add 'clock",
    ),
    "a clock without a period": (
        "retention.yaml",
        "    until: account_erased",
        "    until: account_erased\n    clock: created",
        "no period",
        "remove",
    ),
    "a figure in the words of a rule": (
        "retention.yaml",
        r'words: "\{period\} after each"',
        "words: 13 months after each",
        "writes its period",
        "{period}",
    ),
    "anonymising nothing": ("retention.yaml", "^    anonymise: .*\n", "", "do not agree", "categories to empty"),
    "an action at an event": (
        "retention.yaml",
        "    until: account_erased",
        "    until: account_erased\n    action: shred",
        "says 'shred', but waits for an event",
        "give it a period",
    ),
    "a table with further categories": (
        "retention.yaml",
        r"    also: \[user.content",
        "    table: generations\n    also: [user.content",
        "is for a table alone and lists further categories",
        "remove 'also'",
    ),
    "an archive of nothing": (
        "retention.yaml",
        "action: anonymise\n    anonymise: .*",
        "action: archive",
        "'generalise' do not agree",
        "the columns that are kept",
    ),
    "columns that no archive keeps": (
        "retention.yaml",
        "^    period: P13M",
        "    period: P13M\n    generalise: {at: day}",
        "'generalise' do not agree",
        "give action: archive",
    ),
    "shredding columns": (
        "retention.yaml",
        "action: anonymise",
        "action: shred",
        "'anonymise' do not agree",
        "neither",
    ),
    "an unknown coarseness": (
        "retention.yaml",
        "^    period: P13M",
        "    period: P13M\n    action: archive\n    generalise: {at: fortnight}",
        "'fortnight' is not allowed here",
        "as_is, day, hour, month, year",
    ),
    "a condition that nothing meets": (
        "retention.yaml",
        "^    period: P13M",
        "    period: P13M\n    only_if: {kind: []}",
        "a condition that no record meets",
        "the values that the column may hold",
    ),
    "nobody says whether it names a person": (
        "taxonomy.yaml",
        "^    identifiability: pseudonymous\n    origin: observed\n",
        "    origin: observed\n",
        "nothing says whether 'user.behavior.usage' names a person",
        "add 'identifiability",
    ),
    "nobody says where it comes from": (
        "taxonomy.yaml",
        "^    identifiability: pseudonymous\n    origin: observed\n",
        "    identifiability: pseudonymous\n",
        "nothing says whether 'user.behavior.usage' is provided",
        "add 'origin",
    ),
    "personal and anonymous": (
        "taxonomy.yaml",
        "identifiability: identified",
        "identifiability: anonymous",
        "'user.name' is personal, but anonymous",
        "recital 26",
    ),
    "a hash as a method": (
        "anonymisation.yaml",
        "method: truncate_ip\n    v4: 24\n    v6: 48",
        "method: hash",
        "a hash of 'user.device.ip_address' is not anonymous, since whoever guesses the value finds it again",
        "write keyed_hash, whose key is destroyed, or empty",
    ),
    "an unknown method": (
        "anonymisation.yaml",
        "method: truncate_ip",
        "method: scramble",
        "'scramble' is not allowed here",
        "keyed_hash",
    ),
    "a method for an unknown category": (
        "anonymisation.yaml",
        "^  user.unique_id:",
        "  user.unique_ids:",
        "unknown category 'user.unique_ids'",
        "'user.unique_id'",
    ),
    "a fixed value that is not given": (
        "anonymisation.yaml",
        "method: empty",
        "method: fixed",
        "the method fixed of 'user.unique_id' needs 'value'",
        "add 'value",
    ),
    "a coarse time without its measure": (
        "anonymisation.yaml",
        "method: empty",
        "method: coarse_time",
        "needs 'to'",
        "add 'to",
    ),
    "an address cut to no length": ("anonymisation.yaml", "^    v6: 48\n", "", "needs 'v6'", "add 'v6"),
    "an address cut too late": (
        "anonymisation.yaml",
        "v4: 24",
        "v4: 32",
        "32 bits of an address of 'user.device.ip_address' lead to a household",
        "write 0 to 24",
    ),
    "a field of another method": (
        "anonymisation.yaml",
        "method: empty",
        "method: empty\n    value: nobody",
        "the method empty of 'user.unique_id' takes no 'value'",
        "remove it",
    ),
    "a method without its reason": ("anonymisation.yaml", "^    why: .*\n", "", "the key 'why'", "add 'why"),
    "a crowd of one": ("anonymisation.yaml", "value: 5", "value: 1", "a group of 1 hides nobody", "2 or more"),
    "a crowd of rows": ("anonymisation.yaml", "unit: people", "unit: rows", "'rows' is not allowed", "people"),
    "kept without a reason": ("retention.yaml", "^    erasure_reason: .*\n", "", "do not agree", "needs its reason"),
    "consent without consent": (
        "purposes.yaml",
        "    needs_consent: true\n",
        "",
        "disagree on whether consent",
        "change",
    ),
    "interests without objection": (
        "purposes.yaml",
        "    objectable: true\n    interest: .*\n",
        "",
        "rests on legitimate interests",
        "let people object",
    ),
    "a country in words": ("jurisdictions.yaml", r"\[BR\]", "[Brazil]", "'Brazil' is not a country", "ISO 3166"),
    "a fiscal year that ends on no day": (
        "jurisdictions.yaml",
        "month: 12\n  day: 31",
        "month: 2\n  day: 29",
        "which not every year has",
        "month 12, day 31",
    ),
    "no such clock": ("jurisdictions.yaml", "elsewhere: eu", "elsewhere: mars", "unknown request clock", "use one of"),
    "too young without a country": (
        "minors.yaml",
        "unknown_country: 16",
        "unknown_country: 14",
        "younger than 16",
        "16 or more",
    ),
    "a limit of nothing": ("limits.yaml", "value: 4000", "value: 0", "'prompt-characters' allows nothing", "1 or more"),
    "a limit in months": (
        "limits.yaml",
        "period: P14D",
        "period: P1M",
        "'session-absolute' has no fixed length",
        "in days",
    ),
    "an unknown plan": ("limits.yaml", "first-plan: free", "first-plan: fre", "unknown plan 'fre'", "'free'"),
    "a sample of nothing": ("lookalikes.yaml", "^sample: 300", "sample: -1", "a sample of -1", "1 or more"),
    "an age below nothing": ("minors.yaml", "^minimum: .*", "minimum: -3", "nobody is -3 years old", "0 or more"),
    "a minute that no hour has": (
        "schedule.yaml",
        'cron: "10',
        'cron: "99',
        "'99' is no minute of crontab",
        "numbers from 0 to 59",
    ),
    "a day that no month has": (
        "schedule.yaml",
        r'cron: "10 2 \* \*',
        'cron: "10 2 30 2',
        "no year has a day 30 of month 2",
        "a day that the month has",
    ),
    "no time of crontab": (
        "schedule.yaml",
        r'"10 2 \* \* \*"',
        "nightly",
        "'nightly' is not a time of crontab",
        "10 2",
    ),
    "no such time zone": (
        "schedule.yaml",
        r'cron: "10',
        'timezone: Mars/Base\n    cron: "10',
        "no time zone 'Mars/Base'",
        "UTC",
    ),
    "a sentence without a promise": ("privacy/2026-09-01.md", r" \{intro\}", "", "bound to no promise", "end it with"),
    "a sentence with a false promise": (
        "privacy/2026-09-01.md",
        r"\{intro\}",
        "{intra}",
        "unknown promise 'intra'",
        "an id of promises.yaml",
    ),
    "a figure in the text": (
        "privacy/2026-09-01.md",
        r"\{\{ retention.reference-pictures.words \}\}",
        "90 days",
        "the figure 90",
        "from the policies",
    ),
    "a placeholder for nothing": (
        "privacy/2026-09-01.md",
        "retention.reference-pictures.words",
        "retention.reference.words",
        "leads to nothing",
        "name file",
    ),
    "a placeholder for a group": (
        "privacy/2026-09-01.md",
        "retention.reference-pictures.words",
        "retention.reference-pictures",
        "leads to nothing",
        "field",
    ),
    "a placeholder for something hidden": (
        "privacy/2026-09-01.md",
        "controller.name",
        "controller.__class__.__name__",
        "leads to nothing",
        "name file",
    ),
    "half a placeholder": (
        "privacy/2026-09-01.md",
        r"\{\{ minors.minimum \}\}",
        "{{ minors.minimum }",
        "a brace is left",
        "once",
    ),
    "a section too few": ("privacy/2026-09-01.md", "^## 12 .*", "", "there are 11 sections", "write 12"),
    "sections out of order": ("privacy/2026-09-01.md", "^## 3 ", "## 4 ", "section 4 follows section 2", "number it 3"),
    "a line before the first section": (
        "privacy/2026-09-01.md",
        "^## 1 ",
        "Hello. {intro}\n## 1 ",
        "stands before the first section",
        "begin a section",
    ),
    "no front matter": ("privacy/2026-09-01.md", r"\A---\n", "", "the front matter is missing", "begin with '---'"),
    "a wrong day": (
        "privacy/2026-09-01.md",
        "effective: 2026-09-01",
        "effective: 2026-09-02",
        "takes effect on",
        "agree",
    ),
    "no day at all": (
        "privacy/2026-09-01.md",
        "effective: 2026-09-01",
        "effective: soon",
        "a date such as",
        "write a date",
    ),
    "an impossible day": (
        "privacy/2026-09-01.md",
        "effective: 2026-09-01",
        "effective: 2026-02-30",
        "a date such as",
        "write",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_with_file_line_and_remedy(
    mistake: str, spoil: Spoil, complaint: Complaint, policy_copy: Path
) -> None:
    """Each kind of mistake gives a finding with the file, a line that exists, what is wrong and how to mend it."""
    name, pattern, new, what, remedy = MISTAKES[mistake]
    spoil(name, pattern, new)
    said = [line for line in complaint().splitlines()[1:] if what in line]
    assert said, complaint()
    assert all(remedy in line for line in said)
    place, _, _ = said[0].partition(": ")
    path, _, number = place.rpartition(":")
    assert Path(path).parent in (policy_copy, policy_copy / "privacy")
    assert 1 <= int(number) <= Path(path).read_text("utf-8").count("\n") + 1


def test_the_line_is_that_of_the_mistake(policy_copy: Path, spoil: Spoil, complaint: Complaint) -> None:
    """The finding names the very line on which the wrong value stands, in YAML and in Markdown."""
    spoil("retention.yaml", "period: P90D", "period: 90 days")
    path = policy_copy / "retention.yaml"
    line = path.read_text("utf-8").splitlines().index("    period: 90 days") + 1
    assert f"{path}:{line}: " in complaint()
    spoil("retention.yaml", "period: 90 days", "period: P90D")
    spoil("privacy/2027-01-05.md", r"\{share.legal\}", "{share.law}")
    text = policy_copy / "privacy/2027-01-05.md"
    line = next(i for i, said in enumerate(text.read_text("utf-8").splitlines(), 1) if "{share.law}" in said)
    assert complaint().splitlines()[1].startswith(f"{text}:{line}: unknown promise 'share.law'")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_one_sentence(name: str, policy_copy: Path, complaint: Complaint) -> None:
    """A policy file that is not there is named, with what to do about it."""
    (policy_copy / name).unlink()
    assert complaint().splitlines()[1:] == [
        f"{policy_copy / name}:1: this policy file is missing; put it back, or take it from the last release"
    ]


@pytest.mark.parametrize("name", [*FILES, "privacy/2026-09-01.md"])
@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"\xff\xfe\xfa", b"- 1\n- 2\n", b"a: &x [*x]", b"{"])
def test_a_corrupt_file_is_one_finding(name: str, content: bytes, policy_copy: Path) -> None:
    """A file full of something else is one finding, never another kind of error."""
    (policy_copy / name).write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        load(policy_copy)
    assert {finding.file for finding in caught.value.findings} == {str(policy_copy / name)}


def test_a_directory_in_the_place_of_a_file_is_said(policy_copy: Path, complaint: Complaint) -> None:
    """A file that cannot be read is named with the reason."""
    (policy_copy / "limits.yaml").unlink()
    (policy_copy / "limits.yaml").mkdir()
    assert "this file cannot be read (Is a directory)" in complaint()


def test_a_file_that_nothing_reads_is_said(policy_copy: Path, complaint: Complaint) -> None:
    """A file of another name would decide nothing without anybody noticing: it is named with the nearest known one."""
    (policy_copy / "retentions.yaml").write_text("rules: {}\n", "utf-8")
    assert "no policy file has this name; write 'retention.yaml' if that is meant, or move it away" in complaint()


def test_no_privacy_text_is_said(policy_copy: Path, complaint: Complaint) -> None:
    """A policy set without any privacy text is not a whole one."""
    for path in (policy_copy / "privacy").glob("*.md"):
        path.unlink()
    assert "there is no privacy text" in complaint()


def test_all_mistakes_are_said_at_once(spoil: Spoil, policy_copy: Path) -> None:
    """Mistakes in several files, and several in one, come in one error, sorted by file and line."""
    spoil("limits.yaml", "value: 4000", "value: x")
    spoil("limits.yaml", "period: PT12H", "period: y")
    spoil("roles.yaml", "name: Operator", "nam: Operator")
    (policy_copy / "cookies.yaml").unlink()
    with pytest.raises(PolicyError) as caught:
        load(policy_copy)
    files = [Path(finding.file).name for finding in caught.value.findings]
    assert files == ["cookies.yaml", "limits.yaml", "limits.yaml", "roles.yaml", "roles.yaml"]
    assert str(caught.value).startswith(f"The policy set in {policy_copy} has 5 mistakes.")


@pytest.mark.parametrize("text", ["[" * 20_000, "a: " + "{a: " * 20_000, "- " * 20_000])
def test_a_file_that_is_nested_without_end_is_one_finding(text: str, policy_copy: Path, complaint: Complaint) -> None:
    """However deep, it is said in a sentence."""
    (policy_copy / "minors.yaml").write_text(text, "utf-8")
    assert complaint().splitlines()[1:] == [
        f"{policy_copy / 'minors.yaml'}:1: this file is nested too deeply; restore it from the last version that was good"
    ]
