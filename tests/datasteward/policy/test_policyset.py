"""The questions that code asks a policy set."""

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from datasteward.policy import PolicySet, UnknownPolicyItem, covers, lineage


def test_lineage_goes_from_the_key_to_the_root() -> None:
    """A category's lineage is itself, its parent, and on to the root; a shared beginning of a word is no kinship."""
    assert list(lineage("user.contact.email")) == ["user.contact.email", "user.contact", "user"]
    assert covers(["user.contact"], "user.contact.email")
    assert not covers(["user.con"], "user.contact")
    assert not covers(["user.contact.email"], "user.contact")


@pytest.mark.parametrize(
    ("key", "encrypted"),
    [
        ("user.device", False),
        ("user.device.ip_address", True),
        ("user.communication.notice", False),
        ("user.communication.mail", True),
        ("user.support.ticket", True),
        ("user.device.ip_address.first_half", True),
        ("user.device.screen", False),
    ],
)
def test_the_longest_statement_on_encryption_wins(shipped_policies: PolicySet, key: str, encrypted: bool) -> None:
    """The statement with the longest key that is the category or lies above it decides."""
    assert shipped_policies.encrypted(key) is encrypted


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("user.content.private.reference", "reference-pictures"),
        ("user.content.private.prompt", "generations"),
        ("user.device.ip_address", "devices"),
        ("user.contact.email", "profile"),
        ("user.account.settings", "settings"),
        ("user.account", "profile"),
    ],
)
def test_the_longest_retention_rule_wins(shipped_policies: PolicySet, key: str, rule: str) -> None:
    """A rule of the category itself, or that lists it, comes before one of a category above."""
    assert shipped_policies.retention_for(key).id == rule


def test_one_precedence_of_rules(shipped_policies: PolicySet) -> None:
    """A rule for the table wins over every other, the nearest category over farther ones, its own over a listed one."""
    profile = shipped_policies.retention["profile"]
    table = replace(profile, id="table", table="photos", category="system.operations")
    listed = replace(profile, id="listed", category="user.device", also=("user.content.favourite",))
    rules = {**shipped_policies.retention, "table": table, "listed": listed}
    policies = replace(shipped_policies, retention=rules)
    assert [rule.id for rule in policies.rules_for("user.content.private.image", table="photos")] == ["table"]
    assert [rule.id for rule in policies.rules_for("user.content.private.image", table="other")] == ["pictures"]
    assert [rule.id for rule in policies.rules_for("system.operations")] == ["working-data"]
    assert [rule.id for rule in policies.rules_for("user.content.favourite")] == ["favourites"]
    without = replace(policies, retention={k: r for k, r in rules.items() if k != "favourites"})
    assert [rule.id for rule in without.rules_for("user.content.favourite")] == ["listed"]


@pytest.mark.parametrize(
    ("key", "identifiability", "origin"),
    [
        ("user.name", "identified", "provided"),
        ("user.unique_id", "pseudonymous", "derived"),
        ("user.device.user_agent", "pseudonymous", "observed"),
        ("user.content.private.image.thumbnail", "identified", "derived"),
        ("system.operations.job", "anonymous", "derived"),
        ("machine", None, None),
    ],
)
def test_what_a_category_is_holds_for_all_below_it(
    shipped_policies: PolicySet, key: str, identifiability: str | None, origin: str | None
) -> None:
    """Identifiability and origin come from the nearest category that says them."""
    assert shipped_policies.identifiability(key) == identifiability
    assert shipped_policies.origin(key) == origin


def test_how_a_category_is_made_anonymous(shipped_policies: PolicySet) -> None:
    """The longest key decides; where nothing is said, the column is emptied."""
    address = shipped_policies.anonymised_by("user.device.ip_address.first_half")
    assert (address.method, address.v4, address.v6) == ("truncate_ip", 24, 48)
    assert shipped_policies.anonymised_by("user.device.user_agent").method == "empty"
    assert shipped_policies.anonymisation.k.value >= 2


def test_every_entry_knows_its_line(shipped_policies: PolicySet) -> None:
    """`where` names the line of an entry, that of the nearest thing around what was not written, or the first."""
    lines = (shipped_policies.directory / "purposes.yaml").read_text("utf-8").splitlines()
    line = lines.index("  improve:") + 1
    assert shipped_policies.where("purposes.yaml", ("purposes", "improve")) == f"purposes.yaml:{line}"
    assert shipped_policies.where("purposes.yaml", ("purposes", "improve", "interest")) == f"purposes.yaml:{line}"
    assert shipped_policies.where("nowhere.yaml", ("a",)) == "nowhere.yaml:1"


def test_what_nobody_speaks_of_is_an_error(shipped_policies: PolicySet) -> None:
    """Asking for a category, a text or a rule that does not exist says so, and offers the nearest."""
    with pytest.raises(UnknownPolicyItem, match=r"write 'user\.name' if that is meant"):
        shipped_policies.category("user.nam")
    with pytest.raises(UnknownPolicyItem, match=r"add it to encryption\.yaml"):
        shipped_policies.encrypted("machine.temperature")
    with pytest.raises(UnknownPolicyItem, match=r"add one to retention\.yaml"):
        shipped_policies.retention_for("machine.temperature")
    with pytest.raises(UnknownPolicyItem):
        shipped_policies.text("1999-01-01")


def test_purposes_and_recipients_of_a_category(shipped_policies: PolicySet) -> None:
    """A purpose or a recipient of a category is one of everything below it."""
    prompt = "user.content.private.prompt"
    assert [purpose.id for purpose in shipped_policies.purposes_of(prompt)] == ["generate", "deliver", "law"]
    assert {one.id for one in shipped_policies.recipients_of(prompt)} == {"preview", "openai", "hosting"}
    assert {one.id for one in shipped_policies.recipients_of("user.behavior.engagement")} == {"hosting"}


def test_the_engine_never_gets_what_names_the_person(shipped_policies: PolicySet) -> None:
    """No entry of an image engine covers name, address, number or device."""
    for engine in ("preview", "openai"):
        listed = shipped_policies.processors[engine].categories
        for key in ("user.name", "user.contact.email", "user.unique_id", "user.device.ip_address"):
            assert not covers(listed, key)


def test_roles_add_up_and_unknown_ones_give_nothing(shipped_policies: PolicySet) -> None:
    """Permissions are the union over the roles; without a role there is none."""
    both = shipped_policies.permissions(["user", "operator"])
    assert {"own:image:create", "staff:retention:apply"} <= both
    assert both == shipped_policies.permissions(["user"]) | shipped_policies.permissions(["operator"])
    assert shipped_policies.permissions(["emperor"]) == shipped_policies.permissions([]) == frozenset()


@pytest.mark.parametrize(
    ("country", "age"),
    [("DE", 16), ("FR", 15), ("AT", 14), ("SE", 13), ("GB", 13), ("US", 13), ("NZ", 13), ("", 16), (None, 16)],
)
def test_the_minimum_age_follows_the_country(shipped_policies: PolicySet, country: str | None, age: int) -> None:
    """The higher of the service's age and the law's; the strictest when somebody does not say where they live."""
    assert shipped_policies.minimum_age(country) == age


def test_every_country_of_the_law_has_one_consent_age(shipped_policies: PolicySet) -> None:
    """The 27 member states and the United Kingdom each stand in exactly one list."""
    listed = [c for rule in shipped_policies.jurisdictions.consent_ages.values() for c in rule.countries]
    assert len(listed) == len(set(listed)) == 28


@pytest.mark.parametrize(
    ("country", "due"),
    [
        ("DE", date(2027, 2, 28)),
        ("GB", date(2027, 2, 28)),
        ("US", date(2027, 3, 17)),
        ("BR", date(2027, 2, 15)),
        ("", date(2027, 2, 28)),
    ],
)
def test_the_answer_is_due_by_the_law_of_the_country(shipped_policies: PolicySet, country: str, due: date) -> None:
    """One month (ending on the last day of February), 45 days in the United States, 15 in Brazil."""
    assert shipped_policies.answer_by(country, datetime(2027, 1, 31, 12, tzinfo=UTC)).date() == due


def test_invoices_are_kept_by_the_tax_law_of_the_country(shipped_policies: PolicySet) -> None:
    """The rule's countries come from jurisdictions.yaml; elsewhere its own period counts."""
    rule = shipped_policies.retention["transactions"]
    years = {country: str(rule.period_for(country)) for country in ("DE", "FR", "GB", "US", "PT", None)}
    assert years == {"DE": "P8Y", "FR": "P10Y", "GB": "P6Y", "US": "P7Y", "PT": "P8Y", None: "P8Y"}


def test_the_text_in_force_is_the_newest_begun(shipped_policies: PolicySet) -> None:
    """A text counts from its day of effect on."""
    assert shipped_policies.text_in_force(date(2026, 8, 31)) is None
    for day, version in (
        (date(2026, 9, 1), "2026-09-01"),
        (date(2027, 1, 4), "2026-09-01"),
        (date(2027, 1, 5), "2027-01-05"),
    ):
        text = shipped_policies.text_in_force(day)
        assert text is not None
        assert text.version == version


def test_figures_of_the_text_come_from_the_policies(shipped_policies: PolicySet) -> None:
    """The sentence on uploaded pictures says the period of their rule."""
    sentences = [s.text for section in shipped_policies.text("2026-09-01").sections for s in section.sentences]
    assert "We keep the pictures you gave us to start from for 90 days after their last use." in sentences


def test_limits_say_themselves_in_words(shipped_policies: PolicySet) -> None:
    """Bytes and pixels in millions, other amounts with separators, times in whole units."""
    limits = shipped_policies.limits
    assert limits.upload_bytes.words == "20 MB"
    assert limits.upload_pixels.words == "40 megapixels"
    assert limits.prompt_characters.words == "4,000 characters"
    assert limits.session_idle.words == "12 hours"
    assert limits.session_idle.span.total_seconds() == 43_200
    assert limits.plans[limits.first_plan].pictures_per_month == 500


def test_every_group_of_the_privacy_page_holds_something(shipped_policies: PolicySet) -> None:
    """No heading of the privacy page stays without a category."""
    assert all(shipped_policies.under(group) for group in shipped_policies.taxonomy.groups)
