"""What can be wrong with the tags themselves, before any policy or database is looked at. All faults are told at once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import JSON, Enum, String, Table
from sqlalchemy.schema import Column
from sqlalchemy.types import TypeDecorator

from datasteward.catalog import places, sharing
from datasteward.catalog.ownership import links
from datasteward.catalog.roads import Road
from datasteward.catalog.tags import RECORD, TAG, Record, Tag
from datasteward.policy.findings import Finding
from datasteward.statements import must_go

Step = TypeVar("Step", bound=Hashable)


def of(tables: Iterable[Table]) -> list[Finding]:
    """A finding for each fault in the tags of these tables, at the line of the table or column."""
    known = {str(table.name): table for table in tables}
    found = [fault for table in known.values() for fault in _of(table, known)]
    return found or [*_circles(known), *_knots(known)]


def sound(tables: Iterable[Table]) -> tuple[Table, ...]:
    """The tables without a fault whose roads lead to none that has one."""
    known = {str(table.name): table for table in tables}
    good = {name for name, table in known.items() if not any(_of(table, known))}
    while bad := {name for name in good if not good.issuperset(_ahead(known[name]))}:
        good -= bad
    kept = {name: table for name, table in known.items() if name in good}
    return () if any(_circles(kept)) else tuple(kept.values())


def _of(table: Table, known: Mapping[str, Table]) -> Iterator[Finding]:
    place = places.of_table(table)
    for column in table.columns:
        if TAG not in column.info:
            what = f"the column {table.name}.{column.name} has no data category"
            yield Finding(*places.of_column(column), what, "give it info=tag(…)")
        else:
            yield from (Finding(*places.of_column(column), *said) for said in _inside(column))
    if table.schema is not None:
        what = (
            f"the table {table.name} stands in the database schema {table.schema}, where no check of the database looks"
        )
        yield Finding(*place, what, "leave the schema out, and set search_path where it is not the first one")
    if RECORD not in table.info:
        yield Finding(*place, f"the table {table.name} does not say whose its rows are", "give it info=record(…)")
        return
    told: Record = table.info[RECORD]
    named = {*told.clocks.values(), *([told.country] if told.country else [])}
    for road in told.roads:
        named |= {*road.hides, *road.leaving.columns, *(road.columns if road.kind != "through" else ())}
    for name in sorted(named - set(table.c.keys())):
        what = f"the table {table.name} names a column {name} that it does not have"
        yield Finding(*place, what, "name one of its columns")
    if any(road.kind == "nobody" for road in told.roads) and len(told.roads) > 1:
        what = f"the table {table.name} belongs to nobody and to somebody"
        yield Finding(*place, what, "give either nobody(…) or the other roads")
    for road in told.roads:
        yield from (Finding(*place, what, remedy) for what, remedy in _road(table, road, known))
    yield from (Finding(*places.of_column(at), what, remedy) for at, what, remedy in sharing.flaws(table))


def _inside(column: Column[Any]) -> Iterator[tuple[str, str]]:
    """What a JSON column does not tell of what stands inside it."""
    told: Tag = column.info[TAG]
    plain = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    if isinstance(plain, JSON) and not told.paths and told.holds != "list":
        what = f"nothing says what the JSON of {column} holds"
        yield what, 'tag its keys in paths, or say holds="list" when it is a list of plain values'


def _road(table: Table, road: Road, known: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
    yield from _end(table, road)
    yield from _to_nobody(table, road, known)
    if road.kind == "via" and set(road.columns) <= set(table.c.keys()):
        keys = [k for k in table.foreign_key_constraints if set(k.column_keys) == set(road.columns)]
        if not keys:
            what = f"the road of {table.name} goes through {', '.join(road.columns)}, which is no foreign key"
            yield what, "name the columns of a foreign key, or give owned_by(…)"
        elif keys[0].referred_table is table and road.owns:
            yield f"the road of {table.name} leads back to {table.name}", "name the owner in a column of the row itself"
    if road.kind == "through":
        association = known.get(road.table)
        if association is None:
            what = f"the road of {table.name} goes through {road.table}, which is no table of the catalog"
            yield what, "name the association table, or give its metadata to the catalog"
            return
        matching = links(association, table, road)
        if not matching:
            what = f"the road of {table.name} goes through {road.table}, which has no foreign key to it"
            yield what, "name an association table that refers to it"
        elif len(matching) > 1:
            yield f"{road.table} refers to {table.name} in more than one way", "name the columns of the road"


def _end(table: Table, road: Road) -> Iterator[tuple[str, str]]:
    """A road that ends in a column which cannot hold the id of a person, so that nobody would ever be found in it."""
    for column in (table.c[name] for name in road.columns if road.kind in ("subject", "by") and name in table.c):
        if not isinstance(column.type, String) or isinstance(column.type, Enum):
            what = f"the road of {table.name} ends in {column.name}, which is no text: ids of people are text here"
            yield what, "make it a String"


def _leads_on(other: Table, road: Road, table: Table) -> bool:
    """Whether an owning road of the other table leads elsewhere than back to the rows of `table` that one comes from."""
    if set(_over(other, road)) != {str(table.name)}:
        return True
    back: Record = table.info[RECORD]
    return road.kind == "through" and any(set(_over(table, each)) != {str(other.name)} for each in back.owners)


def _to_nobody(table: Table, road: Road, known: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
    """A road over a table from whose rows nothing leads on to a person."""
    for name in _over(table, road):
        other = known.get(name)
        if other is None or RECORD not in other.info or road.kind == "nobody":
            continue
        told: Record = other.info[RECORD]
        if road.owns:
            leads = any(_leads_on(other, each, table) for each in told.owners)
        else:
            leads = any(each.kind != "nobody" for each in told.roads)
        if not leads:
            what = f"the road of {table.name} goes over {name}, whose rows are nobody's"
            yield what, "name a road that leads to a person, or give nobody(…)"


def _circles(known: Mapping[str, Table]) -> Iterator[Finding]:
    """Roads that lead back to where they begin; the way back from an association is none, for nobody takes it.

    After an owning road only such follow. So a circle is one of owning roads, or of those by which people appear.
    """
    for owns in (True, False):
        leads: dict[tuple[str, str], set[tuple[str, str]]] = {}
        ahead = {(name, "") for name in known}
        while ahead:
            step = ahead.pop()
            leads[step] = set(_next(known[step[0]], owns, behind=step[1]))
            ahead |= leads[step] - leads.keys()
        for name in sorted({step[0] for step in leads if step in _reached(leads, step)}):
            remedy = "name the owner in a column of one of the tables"
            yield Finding(*places.of_table(known[name]), f"the roads of {name} lead in a circle", remedy)


def _knots(known: Mapping[str, Table]) -> Iterator[Finding]:
    """Rows of different tables that must refer to each other: neither could be deleted first."""
    needs = {
        name: {str(k.referred_table.name) for k in table.foreign_key_constraints if must_go(k)} - {name}
        for name, table in known.items()
    }
    for name in known:
        if name in _reached(needs, name):
            remedy = "let one of the foreign keys be empty, with ON DELETE SET NULL"
            yield Finding(
                *places.of_table(known[name]), f"rows of {name} must refer to rows that refer to them", remedy
            )


def _ahead(table: Table) -> set[str]:
    return {to for owns in (True, False) for to, _ in _next(table, owns)}


def _next(table: Table, owns: bool, behind: str = "") -> Iterator[tuple[str, str]]:
    """The tables to which its roads lead, but for `behind`, and behind which of them there is no way back.

    Behind a row of the same table that is itself: its other roads are open again, so a circle may begin there.
    """
    for road in _roads(table, owns):
        for to in _over(table, road):
            if road.kind == "through":
                yield to, str(table.name)
            elif to != behind:
                yield to, to if to == table.name else ""


def _over(table: Table, road: Road) -> Iterator[str]:
    """The table that a road leads over; none where it ends at once."""
    if road.kind == "through":
        yield road.table
    if road.kind == "via":
        keys = (k for k in table.foreign_key_constraints if set(k.column_keys) == set(road.columns))
        yield from (str(key.referred_table.name) for key in keys)


def _roads(table: Table, owns: bool) -> Iterator[Road]:
    told: Record = table.info[RECORD]
    return (road for road in told.roads if road.owns == owns)


def _reached(leads: Mapping[Step, set[Step]], start: Step) -> set[Step]:
    found: set[Step] = set()
    ahead = set(leads[start])
    while ahead:
        step = ahead.pop()
        found.add(step)
        ahead |= leads.get(step, set()) - found
    return found
