"""What a run of a plan did, or has done so far; kept in the plan's own row, written in the transaction of each batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from datasteward.retention.models import RetentionPlan
from datasteward.retention.plan import Action, Plan

DEEDS: Mapping[Action, str] = {
    "delete": "deleted",
    "archive": "deleted",
    "anonymise": "anonymised",
    "shred": "shredded",
}
"""What is counted of rows under each action."""


class Archived(msgspec.Struct, frozen=True):
    """What an archive holds: under which key of the object store, and how many groups of at least `k` people.

    `suppressed` rows stood in groups of too few people and are in no archive.
    """

    key: str
    k: int
    groups: int
    suppressed: int


class Result(msgspec.Struct, frozen=True):
    """What a run did, or has done so far.

    By item of the plan, `taken` is how many rows went or were changed by its rule and `rows_by_item` adds what hung on
    them; `deeds` are the rows by what was done (deleted, anonymised, shredded) and table; `archives` by number of item.
    """

    taken: tuple[int, ...]
    rows_by_item: tuple[int, ...]
    deeds: dict[str, dict[str, int]] = {}
    archives: dict[int, Archived] = {}

    @property
    def rows(self) -> int:
        """How many rows went or were changed."""
        return sum(self.rows_by_item)

    @property
    def deleted(self) -> dict[str, int]:
        """How many rows went, by table."""
        return self.deeds.get("deleted", {})

    @property
    def anonymised(self) -> dict[str, int]:
        """How many rows were anonymised, by table."""
        return self.deeds.get("anonymised", {})


def outcome(stored: RetentionPlan) -> Result | None:
    """What the run of a stored plan has done (so far), or None when none has begun."""
    told = {key: value for key, value in (stored.result or {}).items() if key != "problem"}
    return msgspec.convert(told, Result, strict=False) if told else None


def problem(stored: RetentionPlan) -> str | None:
    """The sentence that says why the plan was refused, if it was."""
    found = (stored.result or {}).get("problem")
    return str(found) if found else None


def so_far(stored: RetentionPlan, given: Plan) -> Result:
    """What the run of a plan has done, which is nothing when none has begun."""
    nothing = (0,) * len(given.items)
    return outcome(stored) or Result(nothing, nothing)


def added(done: Result, number: int, taken: int, went: Counter[str], action: Action) -> Result:
    """What is done, with one more batch of item `number`."""
    deed = DEEDS[action]
    return msgspec.structs.replace(
        done,
        taken=_plus(done.taken, number, taken),
        rows_by_item=_plus(done.rows_by_item, number, went.total()),
        deeds={**done.deeds, deed: _sum(done.deeds.get(deed, {}), went)},
    )


def archived(done: Result, number: int, archive: Archived) -> Result:
    """What is done, with the archive of item `number` written."""
    return msgspec.structs.replace(done, archives={**done.archives, number: archive})


def note(stored: RetentionPlan, done: Result) -> None:
    """Writes into the plan's row how far its run is."""
    stored.result = msgspec.to_builtins(done, str_keys=True)


def _plus(figures: tuple[int, ...], place: int, more: int) -> tuple[int, ...]:
    return tuple(figure + more if index == place else figure for index, figure in enumerate(figures))


def _sum(totals: Mapping[str, int], more: Counter[str]) -> dict[str, int]:
    return {str(name): number for name, number in (Counter(totals) + more).items()}
