"""Periods: reading, writing, saying and reckoning."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasteward.policy import Period

moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
small = st.integers(0, 40)
periods = st.builds(Period, small, small, small, small, small, small, small).filter(lambda p: p != Period())
fixed = st.builds(Period, weeks=small, days=small, hours=small, minutes=small).filter(lambda p: p != Period())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("P13M", "13 months"),
        ("P1Y", "1 year"),
        ("P90D", "90 days"),
        ("PT24H", "24 hours"),
        ("PT1M", "1 minute"),
        ("P1M", "1 month"),
        ("P2W", "2 weeks"),
        ("P1Y6M", "1 year and 6 months"),
        ("P1Y2M3DT4H", "1 year, 2 months, 3 days and 4 hours"),
    ],
)
def test_a_period_reads_back_and_says_itself(text: str, words: str) -> None:
    """ISO 8601 text comes back as it was written, and is said as a person would."""
    assert str(Period.parse(text)) == text
    assert Period.parse(text).words == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1",
        "13M",
        "P-1D",
        "P1.5D",
        "p1d",
        "P1DT",
        "P1H",
        "PT1D",
        "P1D ",
        "P0D",
        "P201Y",
        "P9" + "9" * 50 + "D",
    ],
)
def test_what_is_no_period_is_refused(text: str) -> None:
    """Anything else, nothing at all and more than two centuries are a ValueError."""
    with pytest.raises(ValueError, match="is"):
        Period.parse(text)


@given(periods)
def test_every_period_survives_its_text(period: Period) -> None:
    """Writing and reading give the same period."""
    assert Period.parse(str(period)) == period


@pytest.mark.parametrize(
    ("start", "text", "end"),
    [
        ("2027-01-31", "P1M", "2027-02-28"),
        ("2028-01-31", "P1M", "2028-02-29"),
        ("2028-02-29", "P1Y", "2029-02-28"),
        ("2026-12-31", "P2M", "2027-02-28"),
        ("2026-11-30", "P13M", "2027-12-30"),
        ("2026-03-01", "P90D", "2026-05-30"),
    ],
)
def test_months_end_on_the_same_day_or_the_last(start: str, text: str, end: str) -> None:
    """Regulation 1182/71 art. 3: the day of the same number, or the last of the month."""
    begun = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert Period.parse(text).after(begun).date().isoformat() == end


def test_before_goes_back_by_the_calendar() -> None:
    """A month before the last of March is the last of February, a leap day too; 13 months go over the year."""
    assert Period.parse("P1M").before(datetime(2027, 3, 31, tzinfo=UTC)) == datetime(2027, 2, 28, tzinfo=UTC)
    assert Period.parse("P1M").before(datetime(2028, 3, 31, tzinfo=UTC)) == datetime(2028, 2, 29, tzinfo=UTC)
    assert Period.parse("P1M").before(datetime(2027, 2, 28, tzinfo=UTC)) == datetime(2027, 1, 28, tzinfo=UTC)
    assert Period.parse("P13M").before(datetime(2026, 11, 23, 2, tzinfo=UTC)) == datetime(2025, 10, 23, 2, tzinfo=UTC)


@given(periods, moments)
def test_before_is_never_too_early(period: Period, now: datetime) -> None:
    """What began at the boundary has lasted the whole period, and months cost at most a few days more."""
    boundary = period.before(now)
    assert period.after(boundary) <= now
    assert now - period.after(boundary) <= timedelta(days=3)


@given(fixed, moments)
def test_fixed_lengths_are_exact(period: Period, now: datetime) -> None:
    """Without years and months, before and after are each other's inverse and equal the fixed length."""
    assert period.before(period.after(now)) == now
    assert now - period.before(now) == period.fixed


@given(periods, moments, moments)
def test_a_later_start_never_ends_earlier_by_days(period: Period, one: datetime, other: datetime) -> None:
    """The day on which a period ends never moves back when the day on which it began moves on."""
    first, second = sorted((one, other))
    first, second = (moment.replace(hour=0, minute=0, second=0, microsecond=0) for moment in (first, second))
    assert period.after(first) <= period.after(second)


def test_calendar_periods_have_no_fixed_length() -> None:
    """A month is no number of seconds, and a naive moment is no moment."""
    with pytest.raises(ValueError, match="no fixed length"):
        _ = Period.parse("P1M").fixed
    with pytest.raises(ValueError, match="aware"):
        Period.parse("P1D").after(datetime(2026, 1, 1))  # noqa: DTZ001
