"""Services that once went wrong, or nearly, kept by name with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import example
from support.schemas.building import columns
from support.schemas.filling import Service
from support.schemas.shapes import PEOPLE, PERSON, Key, Shape

from datasteward.catalog import anonymise, keep, owned_by, owned_through, owned_via

Property = Callable[..., None]


def always(services: Iterable[Service]) -> Callable[[Property], Property]:
    """Decorates a property: these services are tried before those that are made up."""

    def decorate(prove: Property) -> Property:
        for each in services:
            prove = example(service=each)(prove)
        return prove

    return decorate


def _service(*tables: tuple[Shape, list[dict[str, Any]]], held: tuple[str, ...] = ()) -> Service:
    """The tables with their rows, each nine days old and with a note where nothing else is said."""
    rows = {"person": tuple({"id": name, "at": 0, "note": None, "secret": None} for name in PEOPLE)}
    for shape, told in tables:
        rows[shape.name] = tuple(
            {**dict.fromkeys(columns(shape)), "at": 9, "note": f"note of {shape.name}.{number}.", **row}
            for number, row in enumerate(told)
        )
    return Service((PERSON, *(shape for shape, _ in tables)), rows, frozenset(held))


_DUE = Shape("t1", ("id",), (owned_by("p0"),), people=("p0",), action="delete")
_TO_IT = Key(("k0_id",), "t1")

OF_ANOTHER = _service(
    (_DUE, [{"id": "a", "p0": "ada"}]),
    (Shape("t2", ("id",), (owned_by("p0"),), (_TO_IT,), ("p0",)), [{"id": "b", "k0_id": "a", "p0": "ben"}]),
    held=("ben",),
)
"""A row that is due, and on which the row of another person hangs, who is under a hold."""

LET_GO_BY_ANOTHER = _service(
    (_DUE, [{"id": "a", "p0": "ada"}]),
    (
        Shape(
            "t2",
            ("id",),
            (owned_by("p0"),),
            (Key(("k0_id",), "t1", lets_go=True),),
            ("p0",),
            optional=frozenset({"k0_id"}),
        ),
        [{"id": "b", "k0_id": "a", "p0": "ben"}],
    ),
    held=("ben",),
)
"""The same, where that row would not go but change."""

GONE_BEFORE_EMPTIED = _service(
    (_DUE, [{"id": "a", "p0": "ada"}]),
    (
        Shape("t2", ("id",), (owned_via("k0_id"),), (_TO_IT,), action="anonymise"),
        [{"id": "b", "k0_id": "a"}, {"id": "c", "k0_id": "a", "note": None}],
    ),
)
"""A row that is to be emptied by its own rule, and goes with the row that it hangs on."""

TWO_WAYS = _service(
    (_DUE, [{"id": "a", "p0": "ada"}]),
    (Shape("t2", ("id",), (owned_by("p0"),), people=("p0",), action="delete"), [{"id": "b", "p0": "ada"}]),
    (
        Shape("t3", ("id",), (owned_via("k0_id"),), (_TO_IT, Key(("k1_id",), "t2")), action="delete", days=3),
        [{"id": "c", "k0_id": "a", "k1_id": "b", "at": 2}, {"id": "d", "k0_id": "a", "k1_id": "b"}],
    ),
)
"""Rows that hang on two others that are both due, one of them due by its own rule as well."""

CLOCK_OF_WHAT_GOES = _service(
    (_DUE, [{"id": "a", "p0": "ada"}]),
    (
        Shape(
            "t2",
            ("id",),
            (owned_via("k0_id"),),
            (Key(("k0_id",), "t1", lets_go=True),),
            optional=frozenset({"k0_id"}),
            clock=False,
            action="anonymise",
        ),
        [{"id": "b", "k0_id": "a"}],
    ),
)
"""A row whose clock is that of another, which it lets go of when that one goes by its own rule."""

OWNED_TWICE = _service(
    (
        Shape("t1", ("id",), (owned_by("p0"), owned_by("p1")), people=("p0", "p1"), action="delete"),
        [{"id": "a", "p0": "ada", "p1": "ben"}],
    ),
    (
        Shape("t2", ("id",), (owned_by("p0"), owned_by("p1")), people=("p0", "p1"), action="delete"),
        [{"id": "b", "p0": "ada", "p1": "ben"}],
    ),
)
"""Two tables with two roads each: the plan counts the people of all four, each once."""

LETS_GO_OF_THE_PERSON = _service(
    (
        Shape(
            "t1",
            ("id",),
            (owned_by("k0_id"),),
            (Key(("k0_id",), "person", lets_go=True),),
            optional=frozenset({"k0_id"}),
        ),
        [{"id": "a", "k0_id": "ada"}],
    ),
    (Shape("t2", ("id",), (owned_via("k0_id"),), (_TO_IT,)), [{"id": "b", "k0_id": "a"}]),
    (Shape("t3", ("id",), (owned_via("k0_id"),), (Key(("k0_id",), "t2"),)), [{"id": "c", "k0_id": "b"}]),
)
"""A road over three tables, the first of which would let go of the person: theirs have to go before the person does."""

ONE_ASSOCIATION_OF_TWO = _service(
    (Shape("t1", ("id",), (owned_through("t3"),)), [{"id": "a"}]),
    (Shape("t2", ("id",), (owned_through("t3"),)), [{"id": "b"}]),
    (
        Shape("t3", ("id",), (owned_by("p0"),), (_TO_IT, Key(("k1_id",), "t2")), ("p0",)),
        [{"id": "c", "k0_id": "a", "k1_id": "b", "p0": "ada"}],
    ),
)
"""Rows of two tables, owned through the same row, which goes with the first of them."""

OWNED_THROUGH_WHAT_HANGS = _service(
    (Shape("t1", ("id",), (owned_by("p0"), owned_through("t2")), people=("p0",)), [{"id": "a", "p0": "ada"}]),
    (
        Shape("t2", ("id",), (owned_by("p0"),), (_TO_IT, Key(("k1_id",), "person")), ("p0",)),
        [{"id": "b", "k0_id": "a", "k1_id": "ada", "p0": "ben"}],
    ),
)
"""A row of two people, one of whom owns it through a row that must refer to the other: when that one leaves, nobody is left."""

STAYS_WITHOUT_THE_PERSON = _service(
    (
        Shape(
            "t1",
            ("id",),
            (owned_by("k0_id", leaving=anonymise("k0_id")), owned_by("p0", leaving=keep("They share it."))),
            (Key(("k0_id",), "person"),),
            ("p0",),
            frozenset({"k0_id"}),
        ),
        [{"id": "a", "k0_id": "ada", "p0": "ben"}],
    ),
)
"""A row whose reference to the person is emptied, so that it does not go with the person's own row."""

HIDDEN_ON_THE_PAGE = _service(
    (
        Shape("t1", ("id",), (owned_by("p0", hides=("note",)),), people=("p0",), has_object=True),
        [{"id": "a", "p0": "ada", "object": "thing/a"}],
    ),
)
"""A picture in a row with a column that its owner is not shown."""

HIDDEN_WORDS_OF_A_PARENT = _service(
    (
        Shape("t1", ("id",), (owned_by("p0", hides=("secret",)),), people=("p0",)),
        [{"id": "a", "p0": "ada", "secret": "secret of t1."}],
    ),
    (
        Shape("t2", ("id",), (owned_by("p0"),), (_TO_IT,), ("p0",), has_object=True),
        [{"id": "b", "k0_id": "a", "p0": "ada", "object": "thing/b"}],
    ),
)
"""A picture that must refer to a row whose words its owner is not shown."""

TWO_PARENTS = _service(
    (
        Shape("t1", ("id", "part"), (owned_by("p0"),), people=("p0",)),
        [{"id": "a", "part": n, "p0": "ada" if n else "ben", "secret": f"secret of {n}."} for n in range(2)],
    ),
    (
        Shape(
            "t2",
            ("id",),
            (owned_by("p0"),),
            (Key(("k0_id", "k0_part"), "t1"), Key(("k1_id", "k1_part"), "t1")),
            ("p0",),
            has_object=True,
        ),
        [{"id": "b", "k0_id": "a", "k0_part": 0, "k1_id": "a", "k1_part": 1, "p0": "ada", "object": "thing/b"}],
    ),
)
"""A picture that must refer to two rows of one table by keys of two columns, one of them another person's."""


SHARED_SECRET = _service(
    (
        Shape("t1", ("id",), (owned_through("t2"),), shares="t2"),
        [{"id": "a", "secret": "secret of a."}, {"id": "b", "secret": "secret of b."}],
    ),
    (
        Shape("t2", ("id",), (owned_by("p0"),), (_TO_IT,), ("p0",), has_object=True, has_key=True),
        [
            {"id": "c", "k0_id": "a", "p0": "ben", "row_key": "key"},
            {"id": "d", "k0_id": "a", "p0": "ada", "row_key": "key", "object": "thing/d"},
            {"id": "e", "k0_id": "b", "p0": "ben", "row_key": "key"},
        ],
    ),
)
"""A row of two people with words for both, which stand beside a picture of the one; and a row of the other alone."""


def deep(depth: int) -> Service:
    """A road over so many tables, each with a rule of its own; what one person has is under a hold."""
    tables = []
    for number in range(depth):
        people, key = ((), (Key(("k0_id",), f"t{number}"),)) if number else (("p0",), ())
        road = owned_via("k0_id") if number else owned_by("p0")
        rows: list[dict[str, Any]] = [{"id": f"{who}-{number}", "at": 3 if number % 3 else 0} for who in PEOPLE]
        for row, who in zip(rows, PEOPLE, strict=True):
            row |= {"k0_id": f"{who}-{number - 1}"} if number else {"p0": who}
        tables.append((Shape(f"t{number + 1}", ("id",), (road,), key, people, action="delete"), rows))
    return _service(*tables, held=("ben",))


def _tree(name: str, to: str, **more: Any) -> Shape:
    keys = (Key(("k0_id",), to), Key(("s_id",), name))
    return Shape(name, ("id",), (owned_via("k0_id"),), keys, optional=frozenset({"s_id"}), **more)


TREES_IN_A_ROW = _service(
    (_tree("t1", "person"), [{"id": "a", "k0_id": "ada", "s_id": None}, {"id": "b", "k0_id": "ben", "s_id": "a"}]),
    (_tree("t2", "t1"), [{"id": "c", "k0_id": "a", "s_id": None}]),
    (_tree("t3", "t2", has_object=True), [{"id": "d", "k0_id": "c", "s_id": None, "object": "thing/d"}]),
)
"""Three tables in a row whose rows refer to others of their own table, too: a depth at which SQLite's parser gave up."""

RETENTION = (OF_ANOTHER, LET_GO_BY_ANOTHER, GONE_BEFORE_EMPTIED, TWO_WAYS, CLOCK_OF_WHAT_GOES, OWNED_TWICE)
ERASURE = (
    LETS_GO_OF_THE_PERSON,
    ONE_ASSOCIATION_OF_TWO,
    OWNED_THROUGH_WHAT_HANGS,
    STAYS_WITHOUT_THE_PERSON,
    TREES_IN_A_ROW,
    SHARED_SECRET,
)
EXPORT = (HIDDEN_ON_THE_PAGE, HIDDEN_WORDS_OF_A_PARENT, TWO_PARENTS, SHARED_SECRET)
