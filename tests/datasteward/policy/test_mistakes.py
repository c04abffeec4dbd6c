"""Every kind of mistake in a policy file is said with file, line and remedy, and all of them at once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.mistakes.every import MISTAKES

from datasteward.policy import PolicyError, load
from datasteward.policy.loader import FILES

Spoil = Callable[[str, str, str], None]
Complaint = Callable[[], str]


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
