"""Writing the archive of one item before its rows go: counts of groups of people, in the object store.

The archive leads to nobody (see anonymise.archive), so it lies under one standing key and outlives every erasure. It is
written once for an item, whole, under a key that the plan gives it: a run that was killed writes the same object again.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from datasteward.anonymise.archive import Head, grouped, suppressed, write
from datasteward.retention.plan import Plan
from datasteward.retention.result import Archived, Result, archived
from datasteward.steward import Steward

PREFIX = "retention-archive/"
OWNER = "archive"
"""The name of the standing keys that seal archives, for as long as there are any."""


def store(
    session: Session, steward: Steward, given: Plan, number: int, rows: ColumnElement[bool], done: Result
) -> Result:
    """Archives the rows and notes it in the result, which the caller stores in the same transaction.

    Raises NotAnonymous, and nothing is stored, when a group would tell of too few people.
    """
    item, policies = given.items[number], steward.policies
    rule, table, k = policies.retention[item.rule], steward.catalog.table(item.table), policies.anonymisation.k.value
    groups = grouped(steward.catalog, table, rows, rule.generalise, k)
    left_out = suppressed(session, steward.catalog, table, rows, rule.generalise, k)
    head = Head(
        table=item.table,
        rule=item.rule,
        policy_hash=given.policy_hash,
        as_of=given.made_at,
        k=k,
        columns=rule.generalise,
    )
    lines = _Counted(write(session, groups, head))
    key = f"{PREFIX}{given.id}/{number}.jsonl"
    steward.objects.put(steward.vault.standing(OWNER), key, lines)
    told = Archived(key=key, k=k, groups=lines.number - 1, suppressed=left_out.records)
    return archived(done, number, told)


def read(steward: Steward, archive: Archived) -> Iterator[bytes]:
    """The archive as JSON Lines. Raises ObjectMissing."""
    return steward.objects.open(steward.vault.standing(OWNER), archive.key)


class _Counted:
    """Hands the lines on and counts them."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines, self.number = lines, 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.number += 1
            yield line
