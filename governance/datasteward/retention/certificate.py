"""The certificate of a run: what was disposed of, by which method, and that a count afterwards found nothing left.

Made in the last transaction of the run from the database as it is then. A run that stops half-way and is refused has one of
what went by then, without the count: its rules may not be those of the policies any more. It names classes of data and
counts, no row and nobody (NIST SP 800-88 Rev. 1, section 4.8 and appendix G, asks for what, how, by whom, when and how it
was verified).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from datasteward.retention.held import Held
from datasteward.retention.models import RetentionPlan
from datasteward.retention.plan import Item, Plan
from datasteward.retention.planning import present
from datasteward.retention.result import Archived, Result
from datasteward.steward import Steward

METHODS = {
    "delete": "rows deleted, bytes of objects destroyed from the outbox",
    "archive": "counts of groups archived, rows deleted",
    "anonymise": "columns anonymised in place",
    "shred": "keys destroyed from the outbox; what was sealed under them stays unreadable",
}
VERIFIER = "datasteward.retention: the rules of the plan counted again in the same transaction"


class Line(msgspec.Struct, frozen=True):
    """One rule on one table: `rows` it took, `along` what hung on them, and `left`, what is due by now and not held.

    `left` is 0 unless rows came in while the run was under way; they go with the next plan. None: it was not counted.
    """

    rule: str
    table: str
    category: str
    method: str
    columns: tuple[str, ...]
    rows: int
    along: int
    left: int | None
    archive: Archived | None = None


class Certificate(msgspec.Struct, frozen=True):
    """What a run disposed of. Times are UTC; `approved_by` is the second person, where one was needed.

    `finished`: the run came to its end; else it was refused half-way, and nothing was counted afterwards.
    Where the run shreds, the keys that it promised go from the outbox at its end, and what they sealed is unreadable in every
    backup at `unreadable_in_backups_at`, the planned end of the epoch.
    """

    plan: str
    policy_hash: str
    database: str
    as_of: datetime
    begun_at: datetime
    ended_at: datetime
    by: str
    approved_by: str | None
    verified_by: str | None
    finished: bool
    lines: tuple[Line, ...]
    unreadable_in_backups_at: datetime | None = None

    @property
    def rows(self) -> int:
        """How many rows went or were changed."""
        return sum(line.rows + line.along for line in self.lines)

    @property
    def clean(self) -> bool:
        """Whether the count afterwards found nothing left."""
        return self.finished and all(line.left == 0 for line in self.lines)

    @property
    def digest(self) -> str:
        """SHA-256 over the certificate's JSON, in hexadecimal; the audit log holds it."""
        return hashlib.sha256(to_json(self)).hexdigest()


def make(
    session: Session,
    steward: Steward,
    stored: RetentionPlan,
    given: Plan,
    done: Result,
    held: Held,
    *,
    by: str,
    now: datetime,
) -> Certificate:
    """The certificate of a run that has just done `done`, as of `now`."""
    left = [own for own, _ in present(session, steward, given.items, held)]
    made = _made(stored, given, done, left, by=by, now=now)
    if not any(line.method == METHODS["shred"] for line in made.lines):
        return made
    in_backups = steward.policies.encryption.schedule.unreadable_in_backups(steward.vault.epoch_begun(), now)
    return msgspec.structs.replace(made, unreadable_in_backups_at=in_backups)


def unfinished(stored: RetentionPlan, given: Plan, done: Result, *, now: datetime) -> Certificate:
    """The certificate of a run that did `done` and is refused as of `now`."""
    return _made(stored, given, done, None, by=stored.applied_by or "", now=now)


def facts(made: Certificate, done: Result) -> dict[str, Any]:
    """What the audit log holds of it: its digest, and the counts by what was done to which table."""
    counts = {f"{deed}.{table}": number for deed, by in done.deeds.items() for table, number in by.items()}
    return {"rows": done.rows, "certificate": made.digest, **counts}


def _made(
    stored: RetentionPlan, given: Plan, done: Result, left: list[int] | None, *, by: str, now: datetime
) -> Certificate:
    touched = [n for n, item in enumerate(given.items) if done.rows_by_item[n] or (item.goes and left is not None)]
    return Certificate(
        plan=given.id,
        policy_hash=given.policy_hash,
        database=given.database,
        as_of=given.made_at,
        begun_at=stored.begun_at or now,
        ended_at=now,
        by=by,
        approved_by=stored.approved_by,
        verified_by=None if left is None else VERIFIER,
        finished=left is not None,
        lines=tuple(_line(given.items[n], n, done, None if left is None else left[n]) for n in touched),
    )


def of(stored: RetentionPlan) -> Certificate | None:
    """The certificate of a stored plan, when its run has ended."""
    return msgspec.convert(stored.certificate, Certificate) if stored.certificate else None


def to_json(made: Certificate) -> bytes:
    """The certificate as JSON, the same bytes for the same certificate."""
    return msgspec.json.encode(made, order="deterministic")


def to_builtins(made: Certificate) -> dict[str, Any]:
    """The certificate as its column holds it."""
    found: dict[str, Any] = msgspec.json.decode(to_json(made))
    return found


def _line(item: Item, number: int, done: Result, left: int | None) -> Line:
    return Line(
        rule=item.rule,
        table=item.table,
        category=item.category,
        method=METHODS[item.action],
        columns=item.columns,
        rows=done.taken[number],
        along=done.rows_by_item[number] - done.taken[number],
        left=left,
        archive=done.archives.get(number),
    )
