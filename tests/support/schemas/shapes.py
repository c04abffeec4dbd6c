"""Tables as data: primary keys, foreign keys, roads and rules, of every kind that the catalog's language knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hypothesis import strategies as st

from datasteward.catalog import (
    Leaving,
    Road,
    anonymise,
    is_subject,
    keep,
    last_owner,
    nobody,
    owned_by,
    owned_through,
    owned_via,
    seen_by,
    seen_through,
    seen_via,
    with_any,
)

PEOPLE = ("ada", "ben", "cleo")
MOST_TABLES = 5


@dataclass(frozen=True)
class Key:
    """A foreign key: `columns` refer to the primary key of `to`. `lets_go`: ON DELETE SET NULL, else the row goes along."""

    columns: tuple[str, ...]
    to: str
    lets_go: bool = False


@dataclass(frozen=True)
class Shape:
    """One table. Besides the columns named here each has a `note`, a `secret` that is sealed, and `at`, its clock.

    `shares`: the secret is sealed under a key of the row, which lies in the association of this name; such a one `has_key`.
    `people` are columns with the id of a person and no foreign key; `optional` columns may be empty. `days` and `action` are
    its retention rule, where it has one; `kept`: law keeps its rows after an erasure. Columns that end in `part` are numbers.
    """

    name: str
    key: tuple[str, ...]
    roads: tuple[Road, ...]
    keys: tuple[Key, ...] = ()
    people: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    clock: bool = True
    has_object: bool = False
    shares: str = ""
    has_key: bool = False
    action: Literal["delete", "anonymise", "forget"] | None = None
    days: int = 1
    kept: bool = False

    @property
    def owners(self) -> tuple[Road, ...]:
        """The roads to those whose row it is."""
        return tuple(road for road in self.roads if road.owns)

    def empties(self, key: Key) -> tuple[str, ...]:
        """The columns that a row empties to let go of what it refers to; none when it goes along."""
        return tuple(c for c in key.columns if c in self.optional and c not in self.key) if key.lets_go else ()

    def key_over(self, columns: Sequence[str]) -> Key | None:
        """The foreign key over exactly these columns."""
        return next((key for key in self.keys if set(key.columns) == set(columns)), None)


Schema = tuple[Shape, ...]
"""Tables, each after those it refers to; the first is `person`."""

PERSON = Shape("person", ("id",), (is_subject("id"),))


def named(schema: Schema, name: str) -> Shape:
    """The table of that name."""
    return next(shape for shape in schema if shape.name == name)


def association_key(schema: Schema, shape: Shape, road: Road) -> Key:
    """The foreign key by which rows of the association refer to rows of this table."""
    to_it = [key for key in named(schema, road.table).keys if key.to == shape.name]
    return next(key for key in to_it if not road.columns or set(key.columns) == set(road.columns))


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Up to five tables beside `person`."""
    made: list[Shape] = [replace(PERSON, **draw(_rule()))]
    for number in range(1, draw(st.integers(1, MOST_TABLES)) + 1):
        made.append(draw(_table(tuple(made), f"t{number}")))
        made = list(draw(_with_roads_over(tuple(made))))
    return tuple(made)


@st.composite
def _table(draw: st.DrawFn, before: Schema, name: str) -> Shape:
    if draw(st.sampled_from((True, *(False,) * 7))):
        return draw(_kept(before, name))
    several = [shape for shape in before[1:] if shape.key == ("id",) and shape.owners and not shape.kept]
    if several and draw(st.sampled_from((True, False, False))):
        return draw(_association(draw(st.sampled_from(several)), name))
    shape = draw(_skeleton(before, name))
    for _ in range(draw(st.integers(0, 2))):
        shape = draw(_another_key(shape, before))
    if draw(st.sampled_from((True, False, False))):
        shape = draw(_self_key(shape))
    outward = [key for key in shape.keys if key.to != name]
    people = tuple(f"p{number}" for number in range(draw(st.integers(0 if outward else 1, 2))))
    shape = replace(shape, people=people, optional=shape.optional | draw(_some(people)))
    shape = replace(shape, has_object=draw(st.booleans()), clock=draw(st.sampled_from((True, True, False))))
    shape = replace(shape, roads=draw(_roads(shape, before)))
    return replace(shape, **draw(_rule(tuple(road for road in shape.roads if road.kind == "by"), shape)))


@st.composite
def _kept(draw: st.DrawFn, before: Schema, name: str) -> Shape:
    """A table that law keeps: it holds the person's opaque id, and what it refers to it can let go of."""
    to = draw(st.sampled_from(before))
    columns = tuple(f"k0_{column}" for column in to.key)
    keys = (Key(columns, to.name, lets_go=True),) if draw(st.booleans()) else ()
    return Shape(
        name,
        ("id",),
        (owned_by("p0"),),
        keys,
        ("p0",),
        frozenset(column for key in keys for column in key.columns) | draw(_some(("p0",))),
        has_object=draw(st.booleans()),
        kept=True,
        **draw(_rule()),
    )


@st.composite
def _association(draw: st.DrawFn, to: Shape, name: str) -> Shape:
    """A table by whose rows people may own or see those of another."""
    shape = Shape(
        name, ("id",), (), (Key(("k0_id",), to.name),), ("p0",), draw(_some(("p0",))), has_object=draw(st.booleans())
    )
    road = owned_by("p0", leaving=draw(_leaving(shape, True, ("p0",))))
    return replace(shape, roads=(road,), **draw(_rule((road,), shape)))


@st.composite
def _skeleton(draw: st.DrawFn, before: Schema, name: str) -> Shape:
    """A primary key: one column, two, that of another table (inheritance), or those of two others (an association)."""
    kind = draw(st.sampled_from(("plain", "plain", "composite", "child", "association")))
    if kind == "child":
        parent = draw(st.sampled_from(before))
        if not any(column.startswith("a") for column in parent.key):
            return Shape(name, parent.key, (), (Key(parent.key, parent.name),))
    if kind == "association":
        ends = [draw(st.sampled_from(before)) for _ in range(2)]
        if all(len(end.key) <= 2 for end in ends):
            keys = tuple(Key(tuple(f"a{n}_{c}" for c in end.key), end.name) for n, end in enumerate(ends))
            return Shape(name, tuple(c for key in keys for c in key.columns), (), keys)
    return Shape(name, ("id", "part") if kind == "composite" else ("id",), ())


@st.composite
def _another_key(draw: st.DrawFn, shape: Shape, before: Schema) -> Shape:
    """One more foreign key to an earlier table; two to tables with composite keys may share a column."""
    number, to = len(shape.keys), draw(st.sampled_from(before))
    columns = tuple(f"k{number}_{column}" for column in to.key)
    shared = [key.columns[0] for key in shape.keys if len(key.columns) == 2 and key.columns[1].startswith("k")]
    if len(columns) == 2 and columns[0].endswith("_id") and shared and draw(st.booleans()):
        columns = (shared[0], columns[1])
    fresh = tuple(c for c in columns if all(c not in key.columns for key in shape.keys))
    optional = draw(st.sampled_from((frozenset[str](), frozenset(fresh), frozenset(fresh[-1:]))))
    key = Key(columns, to.name, lets_go=bool(optional) and draw(st.booleans()))
    return replace(shape, keys=(*shape.keys, key), optional=shape.optional | optional)


@st.composite
def _self_key(draw: st.DrawFn, shape: Shape) -> Shape:
    columns = tuple(f"s_{column}" for column in shape.key)
    key = Key(columns, shape.name, lets_go=draw(st.booleans()))
    return replace(shape, keys=(*shape.keys, key), optional=shape.optional | frozenset(columns))


@st.composite
def _roads(draw: st.DrawFn, shape: Shape, before: Schema) -> tuple[Road, ...]:
    choices: list[tuple[str, tuple[str, ...]]] = [("by", (column,)) for column in shape.people]
    for key in shape.keys:
        if key.to == shape.name:
            choices.append(("up", key.columns))
        elif named(before, key.to).owners:
            choices.append(("via", key.columns))
        if key.to == "person":
            choices.append(("by", key.columns))
    if shape.key == ("id",) and shape.keys[:1] == (Key(("id",), "person"),):
        choices.append(("subject", ("id",)))
    if not choices or draw(st.sampled_from((True, *(False,) * 9))):
        return (nobody("It is about things."),)
    some = st.lists(st.sampled_from(choices), min_size=1, max_size=3, unique_by=lambda choice: choice[1])
    return tuple([draw(_road(shape, kind, columns)) for kind, columns in draw(some)])


@st.composite
def _road(draw: st.DrawFn, shape: Shape, kind: str, columns: tuple[str, ...]) -> Road:
    if kind == "subject":
        return is_subject(columns[0])
    owns = kind != "up" and draw(st.sampled_from((True, True, True, False)))
    leaving, hides = draw(_leaving(shape, owns, columns)), draw(st.sampled_from(((), (), ("note",), ("secret",))))
    if kind == "by":
        return (owned_by if owns else seen_by)(columns[0], leaving=leaving, hides=hides)
    return (owned_via if owns else seen_via)(*columns, leaving=leaving, hides=hides)


@st.composite
def _leaving(draw: st.DrawFn, shape: Shape, owns: bool, columns: tuple[str, ...] = ()) -> Leaving:
    what = draw(st.sampled_from(("last", "last", "any", "anonymise", "keep") if owns else ("keep", "any", "anonymise")))
    if what == "anonymise":
        others = {column for key in shape.keys if set(key.columns) != set(columns) for column in key.columns}
        free = [c for c in columns if c in shape.optional - others - set(shape.key)]
        free += ["note", *(["object"] if shape.has_object else [])]
        return anonymise(*draw(st.lists(st.sampled_from(free), min_size=1, unique=True)))
    return {"last": last_owner(), "any": with_any(), "keep": keep("The others need it.")}[what]


@st.composite
def _with_roads_over(draw: st.DrawFn, made: Schema) -> Schema:
    """Earlier tables get roads over the newest one, which refers to them, where these lead in no circle."""
    newest = made[-1]
    if not newest.owners or newest.kept:
        return made
    for place, shape in enumerate(made[:-1]):
        to_it = [key for key in newest.keys if key.to == shape.name]
        if not to_it or shape.name == "person" or not shape.owners or shape.kept:
            continue
        how = draw(st.sampled_from(_ways(shape, made[-1], to_it)))
        owns = how in ("owned", "shared")
        if how == "none" or shape.name in _reached(made, newest.name, owns, without=shape.name):
            continue
        columns = draw(st.sampled_from(to_it)).columns if len(to_it) > 1 else ()
        leaving = draw(_leaving(shape, owns))
        road = (owned_through if owns else seen_through)(newest.name, *columns, leaving=leaving)
        roads = tuple(each for each in shape.roads if how != "shared" or not each.owns)
        shape = replace(shape, roads=(*roads, road), shares=newest.name if how == "shared" else shape.shares)
        made = (
            *made[:place],
            shape,
            *made[place + 1 : -1],
            replace(made[-1], has_key=made[-1].has_key or how == "shared"),
        )
    return made


def _ways(shape: Shape, association: Shape, to_it: list[Key]) -> list[str]:
    """What the association can be to the table. Shared rows have one association, each row of which belongs to one person."""
    if all(association.key_over(road.columns) in to_it for road in association.owners) or shape.shares or shape.has_key:
        return ["none", "seen"]
    return ["none", "seen", "owned", *(["shared"] * 2 if _may_share(shape, association) else [])]


def _may_share(shape: Shape, association: Shape) -> bool:
    """Whether a key of each row may lie in the association: a row of that belongs to one person, and has no other key yet."""
    (road, *more) = association.owners
    return shape.key == association.key == ("id",) and not more and road.kind == "by" and not association.has_key


def _reached(made: Schema, name: str, owns: bool, without: str) -> set[str]:
    """The tables to which roads of a kind lead from a table when one comes from `without`; nobody goes straight back."""
    found, ahead = set[tuple[str, str]](), {(name, without)}
    while ahead:
        step = ahead.pop()
        found.add(step)
        ahead |= set(_leads(made, *step, owns)) - found
    return {table for table, _ in found}


def _leads(made: Schema, name: str, behind: str, owns: bool) -> Iterator[tuple[str, str]]:
    shape = named(made, name)
    for road in shape.roads:
        key = shape.key_over(road.columns) if road.kind == "via" else None
        if road.owns == owns and road.kind == "through":
            yield road.table, name
        if road.owns == owns and key is not None and key.to != behind:
            yield key.to, name if key.to == name else ""


@st.composite
def _rule(draw: st.DrawFn, by: tuple[Road, ...] = (), shape: Shape | None = None) -> dict[str, object]:
    """A retention rule: delete, anonymise the note, or forget whose row it is."""
    found = {"action": draw(st.sampled_from(("delete", "delete", "anonymise", None))), "days": draw(st.integers(1, 3))}
    if shape is not None and any(road.columns[0] in shape.people and road.columns[0] in shape.optional for road in by):
        found["action"] = draw(st.sampled_from((found["action"], "forget")))
    return found


def _some(names: Sequence[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(names)) if names else st.just(frozenset[str]())
