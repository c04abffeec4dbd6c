"""The ownership graph: which table leads to which on the way to the data subjects, as a tree of text.

A table stands under each table that a road of its leads to; what stands under it is drawn at its first place. `drawing`
makes a picture of the same tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Table

from datasteward.catalog.catalog import Catalog, foreign_keys
from datasteward.catalog.roads import Leaving, Road

PEOPLE = "(a person)"
"""What stands for the data subjects when no table, or more than one, is meant by an id."""


@dataclass(frozen=True, slots=True)
class Node:
    """A table at one place of the tree: the `road` by which it stands under its parent (None at a root), and what follows.

    `words`: how it belongs to what it stands under. `again`: it stands elsewhere with what hangs on it.
    """

    name: str
    category: str
    road: Road | None
    words: str
    again: bool
    under: tuple[Node, ...]


def trees(catalog: Catalog) -> list[Node]:
    """A tree from each data subject's table; under PEOPLE what refers to a person without saying in which table."""
    below: dict[str, list[tuple[Table, Road]]] = {}
    for table in catalog.tables:
        for road in catalog.record(table).roads:
            if road.kind not in ("subject", "nobody"):
                below.setdefault(_parent(catalog, table, road), []).append((table, road))
    shown: set[str] = set()
    roots = [*_subjects(catalog), *([PEOPLE] if PEOPLE in below else [])]
    return [_node(catalog, name, None, below, shown, ()) for name in roots]


def nobodys(catalog: Catalog) -> list[tuple[str, str]]:
    """The tables that are nobody's, each with its reason."""
    told = ((table, catalog.record(table).roads[0]) for table in catalog.tables)
    return [(str(table.name), road.reason) for table, road in told if road.kind == "nobody"]


def text(catalog: Catalog) -> str:
    """The whole graph for a terminal."""
    lines = [line for root in trees(catalog) for line in (*_lines(root, "", ""), "")]
    nobody = nobodys(catalog)
    width = max((len(name) for name, _ in nobody), default=0)
    reasons = [f"   {name.ljust(width)}  {reason}" for name, reason in nobody]
    return "\n".join([*lines, *(["nobody's", *reasons] if nobody else [])])


def in_words(road: Road, *, alone: bool) -> str:
    """A road in a line: how it leads, what becomes of the row when that person leaves, and what they are not shown.

    `alone`: no other road owns the row, so that its last owner is its only one, and that it goes needs no words.
    """
    if road.kind in ("subject", "nobody"):
        return road.reason or "the data subject"
    columns = ", ".join(road.columns)
    by = {"by": f"by {columns}", "via": f"over {columns}", "through": f"through rows of {road.table}"}[road.kind]
    parts = [f"{'owned' if road.owns else 'seen'} {by}"]
    if not (alone and road.leaving.what == "last_owner"):
        parts.append(_leaving(road.leaving))
    if road.hides:
        parts.append(f"hides {', '.join(road.hides)}")
    if road.or_nobody:
        parts.append("or nobody's")
    return "; ".join(parts)


def _leaving(leaving: Leaving) -> str:
    return {
        "last_owner": "goes with its last owner",
        "delete": "goes with any owner",
        "anonymise": f"is emptied of {', '.join(leaving.columns)}",
        "keep": "stays",
    }[leaving.what]


def _subjects(catalog: Catalog) -> list[str]:
    return [str(t.name) for t in catalog.tables if any(road.kind == "subject" for road in catalog.record(t).roads)]


def _parent(catalog: Catalog, table: Table, road: Road) -> str:
    if road.kind == "through":
        return road.table
    keys = [key for key in foreign_keys(table) if set(key.column_keys) == set(road.columns)]
    if keys and (road.kind == "via" or keys[0].referred_table.name in _subjects(catalog)):
        return str(keys[0].referred_table.name)
    return only[0] if len(only := _subjects(catalog)) == 1 else PEOPLE


def _node(
    catalog: Catalog,
    name: str,
    road: Road | None,
    below: dict[str, list[tuple[Table, Road]]],
    shown: set[str],
    above: tuple[str, ...],
) -> Node:
    again = name in shown
    shown.add(name)
    hang = [] if again else [(t, r) for t, r in below.get(name, []) if t.name not in (*above, name)]
    hang.sort(key=lambda one: str(one[0].name))
    under = tuple(_node(catalog, str(t.name), r, below, shown, (*above, name)) for t, r in hang)
    if name == PEOPLE:
        return Node(name, "", None, "", again, under)
    told = catalog.record(catalog.table(name))
    words = "" if road is None else in_words(road, alone=len(told.owners) == 1)
    return Node(name, told.category, road, words, again, under)


def _lines(node: Node, first: str, rest: str) -> Iterator[str]:
    words = f"  {node.words}" if node.words else "  the data subject"
    yield f"{first}{node.name}{words}{'  (see above)' if node.again and node.road else ''}"
    for i, child in enumerate(node.under):
        last = i == len(node.under) - 1
        yield from _lines(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))
