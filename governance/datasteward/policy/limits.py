"""What limits.yaml says, as types: amounts, times and plans, one field of `Limits` for each.

Keys in the file are the field names with `-` for `_`. A limit that the code needs is added in both places: the load fails
when one of them is missing.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from datasteward.policy.model import Sourced
from datasteward.policy.period import Period


class Amount(Sourced, frozen=True, kw_only=True):
    """A limit that counts; `unit` is characters, bytes, pixels, … and `why` its reason."""

    value: int
    unit: str
    why: str

    @property
    def words(self) -> str:
        """ "4,000 characters", "20 MB"."""
        millions, rest = divmod(self.value, 1_000_000)
        if self.unit in _MILLIONS and millions and not rest:
            return f"{millions} {_MILLIONS[self.unit]}"
        return f"{self.value:,} {self.unit}"


_MILLIONS = {"bytes": "MB", "pixels": "megapixels"}


class Span(Sourced, frozen=True, kw_only=True):
    """A limit in time."""

    period: Period
    why: str

    @property
    def span(self) -> timedelta:
        """The same as a fixed length; limits may not be written in months or years (the loader checks it)."""
        return self.period.fixed

    @property
    def words(self) -> str:
        """ "7 days"."""
        return self.period.words


class Plan(Sourced, frozen=True, kw_only=True):
    """What a person may use with one plan."""

    id: str
    name: str
    pictures_per_month: int


class Limits(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """limits.yaml. Each limit is an Amount (`.value`) or a Span (`.span`, `.period`); both have `.words`."""

    prompt_characters: Amount
    upload_bytes: Amount
    upload_pixels: Amount
    request_bytes: Amount
    references_per_run: Amount
    runs_under_way: Amount
    lines_at_once: Amount
    pictures_per_run: Amount
    engine_attempts: Amount
    mail_attempts: Amount
    page_size: Amount
    requests_per_minute: Amount
    tickets_per_day: Amount
    archives_per_day: Amount
    name_characters: Amount
    support_characters: Amount
    report_place_characters: Amount
    token_name_characters: Amount
    avatar_bytes: Amount
    retention_batch: Amount
    retention_most_per_run: Amount
    session_idle: Span
    session_absolute: Span
    session_fresh: Span
    sign_in_attempt: Span
    archive_kept: Span
    erasure_wait: Span
    share_link: Span
    api_token: Span
    policy_notice: Span
    object_young: Span
    retention_plan_age: Span
    retention_clock_jump: Span
    key_backup_age: Span
    first_plan: str
    plans: dict[str, Plan]
