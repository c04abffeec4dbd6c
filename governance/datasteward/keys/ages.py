"""How old each kind of key is against the schedule of policies/encryption.yaml: what consoles and commands show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from datasteward.keys.state import KeyState
from datasteward.policy.model import KeySchedule


@dataclass(frozen=True, slots=True)
class Age:
    """A kind of key: since when it is used, when it is to be changed, and how much of its time has gone, in percent.

    What the nightly job changes is `late` once the schedule's margin for it is over too; the root key at once.
    """

    name: str
    words: str
    since: datetime
    due: datetime
    run: int
    late: bool


def ages(state: KeyState, schedule: KeySchedule, now: datetime) -> Iterator[Age]:
    """The root key, each living epoch and the oldest keys of people. An epoch that another has followed is to end."""
    yield _age(
        "Root key", "wraps the keys of epochs", state.root_since, schedule.root.after(state.root_since), now, now
    )
    in_time = schedule.margin.before(now)
    *older, present = state.epochs
    for each in older:
        end = schedule.overlap.after(present.begun_at)
        yield _age("Old epoch", f"its key still wraps {each.keysets:,} keysets", each.begun_at, end, in_time, now)
    due = schedule.epoch.after(present.begun_at)
    yield _age("Epoch", f"its key wraps {present.keysets:,} keysets", present.begun_at, due, in_time, now)
    if state.oldest is not None:
        due = schedule.persons.after(state.oldest)
        yield _age("People’s keys", "the oldest of them", state.oldest, due, in_time, now)


def _age(name: str, words: str, since: datetime, due: datetime, in_time: datetime, now: datetime) -> Age:
    run = round(100 * (now - since) / (due - since)) if due > since else 100
    wrong = since - now > now - in_time  # it began in the future: the clock is wrong, or was
    return Age(name, words, since, due, max(0, min(100, run)), due < in_time or wrong)
