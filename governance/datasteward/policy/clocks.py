"""When a rule of retention lets go: the cutoff for a record by its period, its country and the fiscal year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from datasteward.policy.model import RetentionRule
from datasteward.policy.policyset import PolicySet

FISCAL = "fiscal_year_end"
"""The clock that starts at the end of the fiscal year in which the record's moment lies."""
DAY = timedelta(days=1)


def cutoff(policies: PolicySet, rule: RetentionRule, country: str | None, now: datetime) -> datetime:
    """The moment, UTC, before which a record's clock must have started to be due at `now`, for a person of this country.

    Raises ValueError for a rule without a period, or a naive `now`.
    """
    period = rule.period_for(country)
    if period is None:
        raise ValueError(f"The rule {rule.id} has no period")
    moment = period.before(now.astimezone(UTC))
    return _fiscal_year_start(policies, moment) if rule.clock == FISCAL else moment


def _fiscal_year_start(policies: PolicySet, moment: datetime) -> datetime:
    """The first moment (UTC) of the fiscal year in which `moment` lies: what began before is of a year that has ended."""
    end = policies.jurisdictions.fiscal_year_end
    starts = [datetime(year, end.month, end.day, tzinfo=UTC) + DAY for year in (moment.year, moment.year - 1)]
    return starts[0] if starts[0] <= moment else starts[1]
