"""What a run of a plan did, or has done so far; kept in the plan's own row, written in the transaction of each batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from datasteward.retention.models import RetentionPlan
from datasteward.retention.plan import Plan


class Result(msgspec.Struct, frozen=True):
    """What a run did, or has done so far.

    By item of the plan, `taken` is how many rows went or were emptied by its rule and `rows_by_item` adds what hung on
    them; by table, `deleted` and `anonymised` are how many rows went and how many were emptied.
    """

    taken: tuple[int, ...]
    rows_by_item: tuple[int, ...]
    deleted: dict[str, int] = {}
    anonymised: dict[str, int] = {}

    @property
    def rows(self) -> int:
        """How many rows went or were emptied."""
        return sum(self.rows_by_item)


def outcome(stored: RetentionPlan) -> Result | None:
    """What the run of a stored plan has done (so far), or None when none has begun."""
    told = {key: value for key, value in (stored.result or {}).items() if key != "problem"}
    return msgspec.convert(told, Result) if told else None


def problem(stored: RetentionPlan) -> str | None:
    """The sentence that says why the plan was refused, if it was."""
    found = (stored.result or {}).get("problem")
    return str(found) if found else None


def so_far(stored: RetentionPlan, given: Plan) -> Result:
    """What the run of a plan has done, which is nothing when none has begun."""
    nothing = (0,) * len(given.items)
    return outcome(stored) or Result(nothing, nothing)


def added(done: Result, number: int, taken: int, went: Counter[str], *, emptied: bool) -> Result:
    """What is done, with one more batch of item `number`."""
    return Result(
        taken=_plus(done.taken, number, taken),
        rows_by_item=_plus(done.rows_by_item, number, went.total()),
        deleted=done.deleted if emptied else _sum(done.deleted, went),
        anonymised=_sum(done.anonymised, went) if emptied else done.anonymised,
    )


def note(stored: RetentionPlan, done: Result) -> None:
    """Writes into the plan's row how far its run is."""
    stored.result = msgspec.to_builtins(done)


def _plus(figures: tuple[int, ...], place: int, more: int) -> tuple[int, ...]:
    return tuple(figure + more if index == place else figure for index, figure in enumerate(figures))


def _sum(totals: Mapping[str, int], more: Counter[str]) -> dict[str, int]:
    return {str(name): number for name, number in (Counter(totals) + more).items()}
