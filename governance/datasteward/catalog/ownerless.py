"""Roads that can leave a row with nobody: such a row is in no archive, no erasure finds it, and nobody can ask for it.

A table may have such rows where a road says why (`or_nobody`).
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ForeignKeyConstraint, Table

from datasteward.catalog import places
from datasteward.catalog.catalog import Catalog
from datasteward.catalog.ownership import key_of, links
from datasteward.catalog.roads import Road
from datasteward.policy.findings import Finding
from datasteward.policy.policyset import PolicySet

REMEDY = "make a column of its roads NOT NULL, or say why with or_nobody"


def of(catalog: Catalog, policies: PolicySet) -> Iterator[Finding]:
    """A finding for each table with rows that can be nobody's, without a reason for it."""
    for table in catalog.sound():
        for what in _of(catalog, policies, table):
            yield Finding(*places.at(catalog.record(table).at, f"table {table.name}"), what, REMEDY)


def _of(catalog: Catalog, policies: PolicySet, table: Table) -> Iterator[str]:
    owners = catalog.record(table).owners
    if any(road.or_nobody or _firm(catalog, table, road) for road in owners):
        return
    lost = [what for road in owners for what in _lost(catalog, policies, table, road)]
    yield from lost
    if not lost and owners and all(road.kind in ("by", "via") for road in owners):
        names = [", ".join(road.columns) for road in owners if not _filled(table, road)]
        empty = [f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} empty"] if names else []
        above = [f"its row of {_above(catalog, table, road).name} is" for road in owners if _filled(table, road)]
        yield f"a row of {table.name} is nobody's when {' and '.join(empty + above)}"


def _firm(catalog: Catalog, table: Table, road: Road) -> bool:
    """Whether this road leads from each row to somebody, for as long as there is a row."""
    if road.kind in ("subject", "nobody"):
        return True
    if road.kind == "through":
        return False
    return _filled(table, road) and (road.kind == "by" or not _excused(catalog, _above(catalog, table, road)))


def _filled(table: Table, road: Road) -> bool:
    filled = not any(table.c[name].nullable for name in road.columns)
    return filled and all((key.ondelete or "").upper() != "SET DEFAULT" for key in _keys(table, road.columns))


def _excused(catalog: Catalog, table: Table) -> bool:
    """Whether rows of the table may be nobody's for a reason that its roads give; without one they are found themselves."""
    owners = catalog.record(table).owners
    firm = any(_firm(catalog, table, road) and not road.or_nobody for road in owners)
    return not firm and any(road.or_nobody for road in owners)


def _above(catalog: Catalog, table: Table, road: Road) -> Table:
    """The table to which a road of kind via leads."""
    return key_of(catalog, table, road).referred_table


def _lost(catalog: Catalog, policies: PolicySet, table: Table, road: Road) -> Iterator[str]:
    """What takes this road away from a row that stays."""
    if road.kind in ("by", "via"):
        for key in _keys(table, road.columns):
            if (deed := (key.ondelete or "").upper()) in ("SET NULL", "SET DEFAULT"):
                names = ", ".join(road.columns)
                yield f"{names} of {table.name} loses its owner when a row of {key.referred_table.name} goes ({deed})"
    if road.kind == "through":
        yield from _association(catalog, policies, table, road)


def _association(catalog: Catalog, policies: PolicySet, table: Table, road: Road) -> Iterator[str]:
    """An association whose rows go by a rule of their own, or let go of the row, while the row stays."""
    association = catalog.table(road.table)
    told, mine = catalog.record(association), catalog.record(table)
    if any(column.nullable for key in links(association, table, road) for column in key.columns):
        yield f"a row of {road.table} can let go of its row of {table.name}, which stays without an owner"
    own = policies.rules_for(mine.category, table=str(table.name))
    for rule in policies.rules_for(told.category, table=road.table):
        if rule not in own and rule.period is not None and rule.clock in told.clocks:
            yield f"the rule {rule.id} takes rows of {road.table} while those of {table.name} stay without an owner"


def _keys(table: Table, columns: tuple[str, ...]) -> Iterator[ForeignKeyConstraint]:
    return (key for key in table.foreign_key_constraints if set(key.column_keys) & set(columns))
