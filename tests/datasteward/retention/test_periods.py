"""When a period is over: to the microsecond, by the calendar, and by the law of the country."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select
from support.retention_tables import NOW, make
from support.service_rows import account, item, rows, use

from datasteward.policy import Period
from datasteward.retention.applying import apply
from datasteward.retention.rules import governed
from datasteward.steward import Steward
from gptimages.activity.models import UsageEvent
from gptimages.billing.models import Transaction
from gptimages.db import Database

Ruled = Callable[..., Steward]


def test_what_is_as_old_as_the_period_stays_and_what_is_older_goes(retention_db: Database, steward: Steward) -> None:
    """The cutoff lies between: a microsecond decides."""
    who = account(retention_db)
    cutoff = datetime(2025, 10, 22, 10, 0, tzinfo=UTC)
    use(retention_db, who, cutoff - timedelta(microseconds=1), cutoff, NOW)
    plan = make(retention_db, steward)
    usage = item(plan, "usage-events")
    assert usage.cutoffs == {"": cutoff}
    assert (usage.due, usage.held, usage.goes) == (1, 0, 1)
    assert usage.oldest == usage.newest == cutoff - timedelta(microseconds=1)
    apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW)
    assert rows(retention_db, UsageEvent) == 2


def test_a_leap_day_comes_of_age_on_the_last_of_february(steward: Steward, ruled: Ruled) -> None:
    """What began on 29 February is a year old on 1 March, and not on 28 February."""
    usage = msgspec.structs.replace(steward.policies.retention["usage-events"], period=Period(years=1))
    (found,) = governed(ruled({"usage-events": usage}))
    began = datetime(2024, 2, 29, 8, tzinfo=UTC)
    assert began >= found.cutoffs(steward.policies, datetime(2025, 2, 28, 8, tzinfo=UTC))[""]
    assert began < found.cutoffs(steward.policies, datetime(2025, 3, 1, 8, 0, 1, tzinfo=UTC))[""]


@pytest.mark.parametrize(("country", "year"), [("DE", 2017), ("FR", 2015), ("GB", 2019), ("US", 2018), ("NO", 2017)])
def test_invoices_are_kept_by_the_law_of_their_country(
    retention_db: Database, steward: Steward, country: str, year: int
) -> None:
    """The period runs from the end of the fiscal year, and the country's own law comes before the default."""
    moments = {
        "old": datetime(year, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        "young": datetime(year + 1, 1, 1, tzinfo=UTC),
    }
    with retention_db.write() as session:
        for name, at in moments.items():
            session.add(
                Transaction(
                    id=name,
                    subject_id="gone",
                    stripe_id=name,
                    number=name,
                    kind="invoice",
                    amount=900,
                    currency="EUR",
                    country=country,
                    occurred_at=at,
                )
            )
    plan = make(retention_db, steward)
    assert item(plan, "transactions").goes == 1
    apply(retention_db.write, steward, plan, by="tests", clock=lambda: NOW)
    with retention_db.read() as session:
        assert session.scalars(select(Transaction.id)).all() == ["young"]


def test_a_fiscal_year_may_end_in_march(steward: Steward, ruled: Ruled) -> None:
    """The day comes from jurisdictions.yaml: with 31 March, an invoice of April waits for the next March."""
    changed = ruled()
    law = changed.policies.jurisdictions
    law = msgspec.structs.replace(law, fiscal_year_end=msgspec.structs.replace(law.fiscal_year_end, month=3, day=31))
    policies = msgspec.structs.replace(changed.policies, jurisdictions=law)
    (found,) = [each for each in governed(changed) if each.rule.id == "transactions"]
    assert found.cutoffs(policies, NOW)[""] == datetime(2018, 4, 1, tzinfo=UTC)
    assert found.cutoffs(policies, datetime(2026, 3, 31, tzinfo=UTC))[""] == datetime(2017, 4, 1, tzinfo=UTC)
