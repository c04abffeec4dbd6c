"""Objects that no row names, and rows whose object is not there: finding them, and mending exactly what a plan says.

An object without a row goes; of a row without its object the key is cleared or, where there must be one, the row goes
with what hangs on it. A hidden object, whose bytes lie behind another program's delete marker, is not there for its row and
goes with it, or alone. A copy that is missing (a column that is not exported) costs nobody their row. Objects that are
promised to disposal, archives of retention, and whatever a legal hold keeps are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import Column, ColumnElement, Row, Table, and_, false, insert, select, update
from sqlalchemy.orm import Session

from datasteward.audit import log
from datasteward.disposal.disposal import dispose, promise_objects
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import ObjectMissing, PlanError, StalePlan
from datasteward.objects import EncryptedObjects, Stored
from datasteward.retention import holds
from datasteward.retention.checking import check_origin
from datasteward.retention.held import Held
from datasteward.retention.models import RetentionPlan
from datasteward.retention.planning import database_id
from datasteward.retention.result import outcome
from datasteward.statements import NAMED, among
from datasteward.steward import Steward

Deed = Literal["clear", "delete"]
Progress = Callable[[int], object]
"""Told how many more objects and rows were looked at."""

T = TypeVar("T")
FETCHED = 1000


class Lone(msgspec.Struct, frozen=True):
    """An object that no row names; `size` in stored bytes, `modified` in UTC, `hidden` as the store says."""

    key: str
    size: int
    modified: datetime
    hidden: bool = False


class Bare(msgspec.Struct, frozen=True):
    """A row whose object is not there, told by the key in its `column`, and what is done with it."""

    table: str
    column: str
    key: str
    deed: Deed


class Mending(msgspec.Struct, frozen=True):
    """What would be mended as of `made_at` (UTC) under the policy set `policy_hash`.

    `sound` objects are named by a row, `young` ones are not yet and may be on their way, `hidden` ones have bytes that can be
    brought back until the plan is carried out. `held` rows have no object and
    stay because of a hold, `copies` rows lack a copy of what they still have. `left` more than policies/limits.yaml takes
    at once are for the next plan.
    """

    made_at: datetime
    policy_hash: str
    database: str
    objects: tuple[Lone, ...]
    rows: tuple[Bare, ...]
    sound: int
    young: int
    hidden: int
    held: int
    copies: int
    left: int


def to_file(plan: Mending) -> bytes:
    """The plan as JSON for people to read, ending in a line break."""
    return msgspec.json.format(msgspec.json.encode(plan, order="deterministic"), indent=2) + b"\n"


def from_json(text: bytes) -> Mending:
    """The plan that `text` holds. Raises StalePlan when it holds none."""
    try:
        return msgspec.json.decode(text, type=Mending)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise StalePlan("This is not a plan of an audit as it was written: make a new plan.") from None


def audit(session: Session, steward: Steward, *, now: datetime, progress: Progress = lambda _: None) -> Mending:
    """Compares every object with every row that names one; changes nothing.

    The session has to see everything: what a purpose hides would look like a row that is not there. Raises PlanError when
    rows name not one of the objects in the store though there is something to mend: it is then another store, or another
    database.
    """
    stored = {each.key: each for each in _told(steward.objects.list(), progress)}
    found = _compare(session, steward, stored, progress)
    visible = {key for key in found.named if not stored[key].hidden}
    lone = _lone(stored, found)
    old = _old(lone, steward, now)
    if not visible:
        _refuse_strangers(found, old)
    bare = [row for row in found.bare if _is_missing(steward.objects, row.key)]
    most = steward.policies.limits.retention_most_per_run.value
    objects, rows = old[:most], bare[: max(most - len(old), 0)]
    return Mending(
        made_at=now,
        policy_hash=steward.policies.hash,
        database=database_id(session),
        objects=tuple(objects),
        rows=tuple(rows),
        sound=len(visible),
        young=len(lone) - len(old),
        hidden=sum(each.hidden for each in stored.values()),
        held=found.held,
        copies=found.copies,
        left=len(old) + len(bare) - len(objects) - len(rows),
    )


def _refuse_strangers(found: _Found, old: Collection[Lone]) -> None:
    """Raises PlanError when a store of which rows name nothing that is there would lose objects, or its rows would go."""
    if found.bare:
        raise PlanError(
            f"The object store has none of the objects that {len(found.bare)} rows name: this is not their store, or it "
            "has to be restored. Check its address."
        )
    if old:
        raise PlanError(
            f"In this database no row names any of the {len(old)} objects in the store: check the addresses of both, and "
            "when they are right and nobody needs these objects, delete them by hand."
        )


def without_object(session: Session, steward: Steward) -> int:
    """How many objects that rows name are not there: what an audit would mend, a hold keeps, or is but a copy.

    The session has to see everything.
    """
    found = _compare(session, steward, {each.key: each for each in steward.objects.list()}, lambda _: None)
    return len(found.bare) + found.held + found.copies


@dataclass(frozen=True, slots=True)
class Answers:
    """What the store says of a plan: which of its objects are `stored`, which keys of its rows are `missing`."""

    stored: Mapping[str, Stored]
    missing: Collection[str]


def ask(objects: EncryptedObjects, given: Mending, *, progress: Progress = lambda _: None) -> Answers:
    """Asks the store about the plan entry by entry, which takes long: outside of any transaction, so that others write."""
    stored = {each.key: each for each in _present(objects, _told(given.objects, progress))}
    return Answers(stored, {row.key for row in _told(given.rows, progress) if _is_missing(objects, row.key)})


def apply(
    session: Session,
    steward: Steward,
    given: Mending,
    answers: Answers,
    *,
    by: str,
    now: datetime,
    progress: Progress = lambda _: None,
) -> None:
    """Does what the plan says in the caller's transaction; the objects then stand in the outbox of disposal.

    Raises StalePlan, and nothing is done, when one of its objects or rows is not as the plan tells it any more.

    The `answers` are from before the transaction, which asks the store nothing. They hold in it: who stores an object has
    promised its key to disposal before and takes the promise back with the row that names it (see objects.store), so that
    the transaction sees a promise or a row wherever somebody wants an object of the plan; and nobody stores under a key
    that a row names already. Only what a person puts back by hand meanwhile is not seen, as after the transaction.
    """
    holds.guard(session)
    check(session, steward, given, now=now)
    _check_still(session, steward, given, answers, now, progress)
    if given.objects:
        session.execute(insert(ObjectDisposal), [{"key": each.key, "since": now} for each in given.objects])
    for (name, column, deed), rows in groupby(given.rows, key=lambda row: (row.table, row.column, row.deed)):
        table = steward.catalog.table(name)
        for some in _naming(session, table, table.c[column], {row.key for row in rows}):
            _mend(session, steward, table, table.c[column], deed, some, now)
    log.append(session, "objects.mended", actor=by, now=now, objects=len(given.objects), rows=len(given.rows))


def _naming(
    session: Session, table: Table, column: Column[Any], keys: Collection[str]
) -> Iterator[ColumnElement[bool]]:
    """The rows that name these objects, some at a time: looked for once, for no index leads to them."""
    own = list(table.primary_key.columns)
    rows = session.execute(select(column, *own).where(column.is_not(None)), execution_options={"yield_per": FETCHED})
    found = [row for row in rows if row[0] in keys]
    for start in range(0, len(found), NAMED):
        some = found[start : start + NAMED]
        yield and_(among(own, [row[1:] for row in some]), column.in_([row[0] for row in some]))


def _mend(
    session: Session,
    steward: Steward,
    table: Table,
    column: Column[Any],
    deed: Deed,
    rows: ColumnElement[bool],
    now: datetime,
) -> None:
    if deed == "clear":
        promise_objects(session, column, rows, now=now)  # its bytes may lie behind a delete marker
        session.execute(update(table).where(rows).values({column: None}))
    else:
        dispose(session, steward.catalog, table, rows, now=now)


def check(session: Session, steward: Steward, given: Mending, *, now: datetime) -> None:
    """Raises StalePlan when the plan is of another place, policy or time, or too large; `apply` does so too."""
    check_origin(session, steward, given.database, given.policy_hash)
    if not given.made_at <= now <= given.made_at + steward.policies.limits.retention_plan_age.span:
        raise StalePlan("This plan is older than policies/limits.yaml allows, or from the future: make a new plan.")
    if len(given.objects) + len(given.rows) > steward.policies.limits.retention_most_per_run.value:
        raise StalePlan("This plan is of more than policies/limits.yaml takes at once: make a new plan.")


def _check_still(
    session: Session, steward: Steward, given: Mending, answers: Answers, now: datetime, progress: Progress
) -> None:
    found = _compare(session, steward, answers.stored, progress)
    lone = _lone(answers.stored, found)
    if set(given.objects) - set(_old(lone, steward, now)):
        raise StalePlan("An object of this plan is gone, changed, young or named by a row: make a new plan.")
    if set(given.rows) - set(found.bare) or not all(row.key in answers.missing for row in given.rows):
        raise StalePlan("A row of this plan is gone, changed, held or has its object: make a new plan.")


@dataclass(slots=True)
class _Found:
    """What rows say of some objects: which of them they name, and which others; `spared` ones stay without a row."""

    spared: set[str]
    named: set[str] = field(default_factory=set)
    bare: list[Bare] = field(default_factory=list)
    held: int = 0
    copies: int = 0


def _compare(session: Session, steward: Steward, stored: Mapping[str, Stored], progress: Progress) -> _Found:
    found = _Found(_promised(session, stored) | _archived(session, stored))
    held = Held(session, steward.catalog)
    for table in steward.catalog.tables:
        keeps = held.keeps(table)
        for column in steward.catalog.objects(table):
            rows = select(column, false() if keeps is None else keeps).where(column.is_not(None)).distinct()
            told = _told(session.execute(rows, execution_options={"yield_per": FETCHED}), progress)
            _sort(found, told, stored, partial(Bare, str(table.name), str(column.name)), _deed(steward, column))
    return found


def _sort(
    found: _Found,
    rows: Iterable[Row[str, bool]],
    stored: Mapping[str, Stored],
    bare: Callable[[str, Deed], Bare],
    deed: Deed | None,
) -> None:
    for key, is_held in rows:
        there = stored.get(key)
        if there is not None:
            found.named.add(key)
        if there is not None and not there.hidden:
            continue
        if deed is None:
            found.copies += 1
        elif is_held:
            found.held += 1
        else:
            found.bare.append(bare(key, deed))


def _deed(steward: Steward, column: Column[Any]) -> Deed | None:
    if column.nullable:
        return "clear"
    return "delete" if steward.catalog.tag(column).export else None


def _promised(session: Session, among: Collection[str]) -> set[str]:
    return {key for key in session.scalars(select(ObjectDisposal.key)) if key in among}


def _archived(session: Session, among: Collection[str]) -> set[str]:
    """The archives of retention, which plans name."""
    done = (outcome(plan) for plan in session.scalars(select(RetentionPlan)))
    return {each.key for result in done if result for each in result.archives.values() if each.key in among}


def _old(lone: Iterable[Lone], steward: Steward, now: datetime) -> list[Lone]:
    """Those that cannot be on their way any more."""
    return [each for each in lone if each.modified <= now - steward.policies.limits.object_young.span]


def _lone(stored: Mapping[str, Stored], found: _Found) -> list[Lone]:
    unnamed = sorted(stored.keys() - found.named - found.spared)
    return [Lone(each.key, each.size, each.modified, each.hidden) for each in map(stored.__getitem__, unnamed)]


def _present(objects: EncryptedObjects, wanted: Iterable[Lone]) -> Iterator[Stored]:
    for each in wanted:
        if each.hidden:
            yield from (found for found in objects.list(each.key) if found.key == each.key)
        else:
            with suppress(ObjectMissing):
                yield objects.stat(each.key)


def _is_missing(objects: EncryptedObjects, key: str) -> bool:
    try:
        objects.stat(key)
    except ObjectMissing:
        return True
    return False


def _told(each: Iterable[T], progress: Progress) -> Iterator[T]:
    for one in each:
        progress(1)
        yield one
