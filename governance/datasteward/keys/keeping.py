"""Keeping keys to the schedule of policies/encryption.yaml: what the nightly job and an operator's command do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from datasteward.keys.admin import SETTLED, KeyAdmin
from datasteward.policy.model import KeySchedule


@dataclass(frozen=True, slots=True)
class Kept:
    """What was done, in keysets and epochs; `damaged` keysets' owners could not be served, and hold up an epoch's end."""

    begun: bool
    rewrapped: int
    ended: int
    promoted: int = 0
    staged: int = 0
    damaged: int = 0


def keep(admin: KeyAdmin, schedule: KeySchedule, now: datetime) -> Kept:
    """Does whatever is due: a new epoch, the end of the old one, new keys for people. Can be killed and done again."""
    begun = admin.begin_epoch(begun_before=schedule.epoch.before(now))
    rewrapped = admin.rewrap()
    ended = admin.end_epochs(overlap_before=schedule.overlap.before(now))
    promoted, staged = renew_persons(admin, schedule, now)
    return Kept(begun, rewrapped, ended, promoted, staged, len(admin.damaged))


def renew_persons(admin: KeyAdmin, schedule: KeySchedule, now: datetime, *, at_once: bool = False) -> tuple[int, int]:
    """Has the keys that were added last time encrypt, and adds new ones where they are due, or everywhere.

    Returns how many keysets were turned to their new key and how many got one.
    """
    promoted = admin.promote(staged_before=now - SETTLED)
    return promoted, admin.stage(made_before=now if at_once else schedule.persons.before(now))
