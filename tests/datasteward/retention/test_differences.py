"""What a change of policies means for the data that is there, in rows and people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from support.retention_tables import NOW
from support.service_rows import account, use

from datasteward.errors import PolicyError
from datasteward.policy import Period
from datasteward.retention import holds
from datasteward.retention.differences import Consequence, consequences
from datasteward.retention.scope import Scope
from datasteward.steward import Steward
from gptimages.billing.models import Transaction
from gptimages.db import Database
from gptimages.studio.models import Generation, GenerationReference, ReferenceImage

Ruled = Callable[..., Steward]


@pytest.fixture
def used(retention_db: Database) -> Database:
    """Two people with a usage event of 100 and 200 days each, and one of them with another of 500 days."""
    for name, ages in (("ada", (100, 200)), ("ben", (100, 200, 500))):
        who = account(retention_db, name, came=NOW - timedelta(days=900))
        use(retention_db, who, *(NOW - timedelta(days=age) for age in ages))
    return retention_db


def changed(steward: Steward, ruled: Ruled, rule: str, **change: object) -> Steward:
    """The same policies with one rule changed."""
    found = steward.policies.retention
    return ruled({**found, rule: msgspec.structs.replace(found[rule], **change)})


def between(db: Database, old: Steward, new: Steward) -> list[str]:
    """The consequences as they are printed."""
    with db.read() as session:
        return [str(each) for each in consequences(session, old, new, now=NOW)]


def test_a_shorter_period_takes_what_was_kept(used: Database, steward: Steward, ruled: Ruled) -> None:
    """The rows between the two cutoffs would go; the other way round they would no longer go."""
    new = changed(steward, ruled, "usage-events", period=Period(days=150))
    assert between(used, steward, new) == ["usage_event: 2 usage events of 2 people would go tonight."]
    assert between(used, new, steward) == ["usage_event: 2 usage events of 2 people would no longer go tonight."]


def test_the_same_policies_have_no_consequence(used: Database, steward: Steward, ruled: Ruled) -> None:
    """Neither do those that differ in words, or in a period that no row stands between."""
    assert between(used, steward, steward) == []
    assert between(used, steward, changed(steward, ruled, "usage-events", name="Use")) == []
    assert between(used, steward, changed(steward, ruled, "usage-events", period=Period(days=400))) == []


def test_a_changed_action_is_told_from_both_sides(used: Database, steward: Steward, ruled: Ruled) -> None:
    """What would be deleted is not any more, and is archived instead."""
    new = changed(steward, ruled, "usage-events", action="archive", generalise={"kind": "as_is"})
    assert between(used, steward, new) == [
        "usage_event: 1 of the usage events of 1 person would be archived as counts of groups and go tonight.",
        "usage_event: 1 of the usage events of 1 person would no longer go tonight.",
    ]


def test_a_removed_rule_lets_its_rows_stay(used: Database, steward: Steward, ruled: Ruled) -> None:
    """They are called what the old rule called them."""
    left = {key: rule for key, rule in steward.policies.retention.items() if key != "usage-events"}
    assert between(used, steward, ruled(left)) == [
        "usage_event: 1 of the usage events of 1 person would no longer go tonight."
    ]


def test_a_new_period_for_a_country_is_told_of_its_rows_alone(
    retention_db: Database, steward: Steward, ruled: Ruled
) -> None:
    """Of two invoices of one age, the one of the country would go."""
    with retention_db.write() as session:
        for country in ("NO", "SE"):
            session.add(
                Transaction(
                    id=country,
                    subject_id=f"gone-{country}",
                    stripe_id=country,
                    number=country,
                    kind="invoice",
                    amount=900,
                    currency="EUR",
                    country=country,
                    occurred_at=NOW - timedelta(days=900),
                )
            )
    rule = steward.policies.retention["transactions"]
    new = changed(steward, ruled, "transactions", by_country={**rule.by_country, "NO": Period(years=1)})
    assert between(retention_db, steward, new) == ["transaction: 1 of the invoices of 1 person would go tonight."]


def test_what_hangs_on_a_row_is_told_too(used: Database, steward: Steward, ruled: Ruled) -> None:
    """The places at which a reference picture stands in runs go with the picture."""
    at, size = NOW - timedelta(days=50), {"width": 1, "height": 1}
    how = {"style": "plain", "quality": "low", "background": "opaque", "format": "png", "moderation": "auto"}
    with used.write() as session:
        session.add(Generation(id="run", account_id="ada", count=2, created_at=at, **size, **how))
        session.add(
            ReferenceImage(
                id="picture",
                account_id="ada",
                object="ada/picture",
                media_type="image/png",
                bytes=1,
                created_at=at,
                last_used_at=at,
                **size,
            )
        )
        session.flush()
        for place in range(2):
            link = {"generation_id": "run", "reference_id": "picture", "role": "reference"}
            session.add(GenerationReference(id=f"link{place}", position=place, **link))
    new = changed(steward, ruled, "reference-pictures", period=Period(days=30))
    assert between(used, steward, new) == [
        "generation_reference: 2 words and requests of 1 person would go tonight.",
        "reference_image: 1 of the pictures to start from of 1 person would go tonight.",
    ]


def test_what_a_hold_keeps_is_not_told(used: Database, steward: Steward, ruled: Ruled) -> None:
    """Held rows would not go tonight under either set."""
    with used.write() as session:
        review = NOW + timedelta(days=9)
        holds.place(session, steward, Scope(subject="ada"), "24-117", review_at=review, by="staff", now=NOW)
    new = changed(steward, ruled, "usage-events", period=Period(days=150))
    assert between(used, steward, new) == ["usage_event: 1 of the usage events of 1 person would go tonight."]


def test_keys_that_would_be_destroyed_are_told(used: Database, steward: Steward, ruled: Ruled) -> None:
    """A rule that shreds people is told as what becomes unreadable."""
    new = changed(steward, ruled, "profile", until=None, clock="created", period=Period(years=2), action="shred")
    assert between(used, steward, new) == ["account: 2 profile of 2 people would become unreadable tonight."]


def test_a_rule_that_cannot_be_carried_out_is_refused(used: Database, steward: Steward, ruled: Ruled) -> None:
    """Instead of a count there is the sentence that planning would give."""
    new = changed(steward, ruled, "usage-events", only_if={"colour": ("red",)})
    with pytest.raises(PolicyError, match="no such column"):
        between(used, steward, new)


def test_numbers_are_grouped_by_thousands() -> None:
    """As the consoles write them."""
    told = Consequence("usage_event", "usage events", "delete", (), 12_034, 871, ends=False)
    assert str(told) == "usage_event: 12,034 usage events of 871 people would go tonight."
    nobody = msgspec.structs.replace(told, table="job", noun="jobs", people=0, ends=True)
    assert str(nobody) == "job: 12,034 jobs would no longer go tonight."
    emptied = msgspec.structs.replace(told, action="anonymise", columns=("account_id",))
    assert str(emptied) == "usage_event: 12,034 usage events of 871 people would be anonymised in account_id tonight."
