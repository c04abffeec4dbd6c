"""How old keys are against the schedule, as consoles and commands show it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.key_world import SCHEDULE

from datasteward.keys.ages import ages
from datasteward.keys.state import EpochState, KeyState

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def state(*begun: datetime) -> KeyState:
    """A key store in which these epochs live, with keys of people as old as the first."""
    epochs = tuple(EpochState(str(each), each, 2) for each in begun)
    return KeyState("root", BEGUN, epochs, {1: 2}, begun[0], 0, 0)


def late(now: datetime, *begun: datetime) -> list[str]:
    """The names of what is late by then."""
    return [age.name for age in ages(state(*begun), SCHEDULE, now) if age.late]


@pytest.mark.parametrize(("days", "expected"), [(30, []), (33, []), (33.1, ["Epoch"])])
def test_an_epoch_is_late_when_the_margin_of_the_nightly_job_is_over(days: float, expected: list[str]) -> None:
    """Until then the job may still come, as certificates reckon with."""
    assert late(BEGUN + days * DAY, BEGUN) == expected


@pytest.mark.parametrize(("days", "expected"), [(31, []), (37, []), (40, []), (40.1, ["Old epoch"])])
def test_an_epoch_that_another_follows_is_to_end_after_the_overlap(days: float, expected: list[str]) -> None:
    """It is not late for having been followed."""
    assert late(BEGUN + days * DAY, BEGUN, BEGUN + 30 * DAY) == expected


def test_the_root_key_is_late_at_once_and_peoples_keys_after_the_margin() -> None:
    """Nothing changes the root key by itself."""
    years = BEGUN + 731 * DAY
    assert late(BEGUN + 366 * DAY, BEGUN + 360 * DAY) == ["Root key"]
    assert [age.late for age in ages(state(BEGUN, years), SCHEDULE, years)] == [True, False, False, False]
    assert [age.late for age in ages(state(BEGUN, years), SCHEDULE, years + 4 * DAY)][-1] is True


def test_how_much_of_its_time_has_gone_is_told_in_percent() -> None:
    """From nothing to all of it, never more."""
    assert [age.run for age in ages(state(BEGUN), SCHEDULE, BEGUN)] == [0, 0, 0]
    assert [age.run for age in ages(state(BEGUN), SCHEDULE, BEGUN + 15 * DAY)] == [4, 50, 2]
    assert [age.run for age in ages(state(BEGUN), SCHEDULE, BEGUN + 999 * DAY)] == [100, 100, 100]
