"""When a rule lets go, by period, country and fiscal year."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from datasteward.policy import Period, PolicySet
from datasteward.policy.clocks import cutoff

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
DAYS = st.dates().map(lambda day: (day.month, day.day)).filter(lambda day: day != (2, 29))


@given(begun=MOMENTS, now=MOMENTS, years=st.integers(1, 12), end=DAYS)
def test_a_fiscal_year_is_over_before_the_period_runs(
    shipped_policies: PolicySet, begun: datetime, now: datetime, years: int, end: tuple[int, int]
) -> None:
    """Whatever day the fiscal year ends on: a record is due when the period since the end of its own year is over."""
    law = shipped_policies.jurisdictions
    year_end = replace(law.fiscal_year_end, month=end[0], day=end[1])
    policies = replace(shipped_policies, jurisdictions=replace(law, fiscal_year_end=year_end))
    rule = replace(policies.retention["transactions"], period=Period(years=years), by_country={})
    year = begun.year + ((begun.month, begun.day) > end)
    over = datetime(year, *end, tzinfo=UTC) + timedelta(days=1)
    assert (begun < cutoff(policies, rule, None, now)) == (over <= Period(years=years).before(now))


def test_a_rule_without_a_period_has_no_cutoff(shipped_policies: PolicySet) -> None:
    """Asking when a rule lets go that waits for an event is a mistake of the code."""
    with pytest.raises(ValueError, match="profile has no period"):
        cutoff(shipped_policies, shipped_policies.retention["profile"], None, datetime(2026, 1, 1, tzinfo=UTC))
