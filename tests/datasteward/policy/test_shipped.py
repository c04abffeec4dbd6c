"""The policy set of this repository is whole: every category, promise and figure is spoken for."""

import re
from pathlib import Path

import pytest

from datasteward.policy import PolicySet, digest, load

TEXTS = ("2026-09-01", "2027-01-05")


def test_the_shipped_policies_load(shipped_policies: PolicySet) -> None:
    """The shipped policies have no mistake and are known by a SHA-256."""
    assert re.fullmatch(r"[0-9a-f]{64}", shipped_policies.hash)


def test_every_category_has_a_period_and_an_encryption_statement(shipped_policies: PolicySet) -> None:
    """Every category that a column can have says whether it is encrypted and how long it is kept."""
    for key, category in shipped_policies.taxonomy.categories.items():
        if not category.abstract:
            assert shipped_policies.encrypted(key) in (True, False)
            assert shipped_policies.retention_for(key).words


def test_what_must_be_encrypted_is(shipped_policies: PolicySet) -> None:
    """Words, pictures, names, addresses and messages are encrypted; what the clocks need is not."""
    encrypted = {key for key in shipped_policies.taxonomy.categories if _encrypted(shipped_policies, key)}
    assert encrypted == {
        "user.contact.email",
        "user.name",
        "user.content.self_image",
        "user.content.private.prompt",
        "user.content.private.reference",
        "user.content.private.image",
        "user.device.ip_address",
        "user.device.user_agent",
        "user.support",
        "user.support.ticket",
        "user.support.report",
        "user.communication.mail",
        "user.financial.transaction.billed_to",
    }
    assert [key for key in encrypted if shipped_policies.for_records(key)] == ["user.financial.transaction.billed_to"]


@pytest.mark.parametrize("version", TEXTS)
def test_every_promise_stands_in_the_text(shipped_policies: PolicySet, version: str) -> None:
    """Each version of the privacy text binds a sentence to every promise, and to nothing else."""
    assert shipped_policies.text(version).promises == set(shipped_policies.promises)


@pytest.mark.parametrize("version", TEXTS)
def test_no_figure_is_written_into_the_text(shipped_policies: PolicySet, version: str) -> None:
    """Outside of placeholders and section numbers the text holds no digit and no number word before a unit of time."""
    source = (shipped_policies.directory / "privacy" / f"{version}.md").read_text("utf-8")
    body = re.sub(r"\{\{.*?\}\}|^## \d+", "", source.split("---\n", 2)[2], flags=re.MULTILINE)
    assert not re.search(r"\d", body)
    assert not re.search(r"\b(one|two|three|seven|ten|thirty|ninety) (hour|day|week|month|year)s?\b", body)


@pytest.mark.parametrize("version", TEXTS)
def test_the_text_has_its_twelve_sections_filled_in(shipped_policies: PolicySet, version: str) -> None:
    """The sections are numbered 1 to 12, none is empty, and no placeholder is left over."""
    sections = shipped_policies.text(version).sections
    assert [section.number for section in sections] == list(range(1, 13))
    assert all(section.sentences for section in sections)
    assert not any("{" in sentence.text for section in sections for sentence in section.sentences)


def test_a_promise_stands_mostly_in_its_own_section(shipped_policies: PolicySet) -> None:
    """Every promise is made in the section that promises.yaml names, wherever else it is repeated."""
    for text in shipped_policies.texts.values():
        made = {(s.promise, section.number) for section in text.sections for s in section.sentences}
        assert {(promise.id, promise.heading) for promise in shipped_policies.promises.values()} <= made


def test_the_newer_text_differs(shipped_policies: PolicySet) -> None:
    """The text that is ready to publish adds, changes and removes sentences."""
    old, new = ({s.text for x in shipped_policies.text(v).sections for s in x.sentences} for v in TEXTS)
    assert len(new - old) >= 4
    assert len(old - new) >= 2
    assert shipped_policies.text(TEXTS[0]).hash != shipped_policies.text(TEXTS[1]).hash


def test_everybody_has_the_role_user_and_staff_have_no_own_rights(shipped_policies: PolicySet) -> None:
    """The role user holds own permissions alone, the other roles hold staff permissions alone, and none is unused."""
    roles = shipped_policies.roles
    assert {p.split(":")[0] for p in roles["user"].permissions} == {"own"}
    assert {p.split(":")[0] for name, role in roles.items() if name != "user" for p in role.permissions} == {"staff"}
    assert shipped_policies.permissions(roles) == set(shipped_policies.role_file.permissions)


def test_only_the_preview_engine_needs_no_contract(shipped_policies: PolicySet) -> None:
    """A recipient that is not a part of the installation and works outside the Union has a mechanism for the transfer."""
    for processor in shipped_policies.processors.values():
        if "United States" in processor.region:
            assert processor.mechanism != "none_needed"
    assert [p.id for p in shipped_policies.processors.values() if p.embedded] == ["preview"]


def test_cookies_are_kept_as_long_as_what_they_carry(shipped_policies: PolicySet) -> None:
    """The session and sign-in cookies last as long as limits.yaml lets a session and a sign-in last."""
    kept = {cookie.id: cookie.kept for cookie in shipped_policies.cookies}
    limits = shipped_policies.limits
    assert kept == {"session": limits.session_absolute.period, "sign-in": limits.sign_in_attempt.period}


def test_figures_of_the_law_that_are_recalled_say_so(shipped_policies: PolicySet) -> None:
    """Every entry of jurisdictions.yaml names its source, and those quoted from memory are marked."""
    law = shipped_policies.jurisdictions
    assert law.requests["eu"].recalled
    assert law.tax_records["GB"].recalled
    assert not law.requests["california"].recalled
    assert all(duty.source for duty in law.duties.values())


def test_the_hash_follows_the_files(policy_copy: Path, shipped_policies: PolicySet) -> None:
    """A copy has the same hash; one changed byte, or a renamed text, gives another."""
    assert load(policy_copy).hash == shipped_policies.hash
    limits = policy_copy / "limits.yaml"
    limits.write_text(limits.read_text("utf-8") + "# a note\n", "utf-8")
    changed = digest(policy_copy)
    assert changed != shipped_policies.hash
    (policy_copy / "privacy/2027-01-05.md").rename(policy_copy / "privacy/2027-01-06.md")
    assert digest(policy_copy) not in (changed, shipped_policies.hash)


def test_the_hash_covers_what_decides_alone(policy_copy: Path, shipped_policies: PolicySet) -> None:
    """Schemas for editors, examples and notes beside the policies leave the hash as it is."""
    for name in ("schema/retention.json", "tests/retention.yaml", "notes.md"):
        (policy_copy / name).parent.mkdir(exist_ok=True)
        (policy_copy / name).write_text("{}", "utf-8")
    assert digest(policy_copy) == load(policy_copy).hash == shipped_policies.hash


def _encrypted(policies: PolicySet, key: str) -> bool:
    category = policies.category(key)
    return (not category.abstract or key in policies.encryption.encrypted) and policies.encrypted(key)
