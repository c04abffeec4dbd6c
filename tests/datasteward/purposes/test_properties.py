"""Whatever statement is composed, it answers as if the closed rows were not in the database, and changes none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Engine,
    Select,
    Table,
    create_engine,
    delete,
    exists,
    func,
    insert,
    select,
    union,
    union_all,
    update,
)
from support.albums import CATALOG, Album, Base, Board, Member, Note, Person, Picture, Setting
from support.postgres import PostgresServer

from datasteward import tables
from datasteward.consent.models import Standing
from datasteward.policy import PolicySet
from datasteward.purposes import Purposes

TABLES = tuple(e.__table__ for e in (Person, Album, Picture, Board, Member, Note, Setting))
LEAVES = (2, 4, 5, 6)
PURPOSES = ("serve", "guard", "taste", "law")
PEOPLE = ("ada", "ben", "cleo")
Row = tuple[str, int]


@dataclass(frozen=True)
class Source:
    """One table of a query, under its own name or another, bare or inside of a sub-select or a CTE."""

    table: int
    form: str


@dataclass(frozen=True)
class Query:
    """Rows of `left`, joined with `right` on equal numbers (`outer`: also those that match none), where `asks` holds."""

    left: Source
    right: Source | None
    outer: bool
    asks: int | None
    negated: bool
    lock: bool


sources = st.builds(Source, st.integers(0, 6), st.sampled_from(("plain", "alias", "subquery", "cte")))
queries = st.builds(
    Query, sources, st.none() | sources, st.booleans(), st.none() | st.integers(0, 6), st.booleans(), st.booleans()
)


@dataclass(frozen=True)
class World:
    """The numbers of the rows, whose they are, and what people said."""

    numbers: tuple[tuple[int, ...], ...]
    members: tuple[tuple[int, int], ...]
    said: frozenset[tuple[str, str, str]]

    def rows(self) -> list[list[tuple[Row, frozenset[str]]]]:
        """Of each table, each row with its owners; what hangs on an album is its owner's."""
        boards = [frozenset(PEOPLE[who] for board, who in self.members if board == i) for i in range(3)]
        own = [frozenset({who}) for who in PEOPLE]
        owners: list[list[frozenset[str]]] = [
            own, own, own, boards, [frozenset({PEOPLE[who]}) for _, who in self.members],
            [*own[:2], frozenset()], [frozenset()] * 3,
        ]  # fmt: skip
        return [
            [((f"{t}-{i}", self.numbers[t][i]), owner) for i, owner in enumerate(owners[t])] for t in range(len(owners))
        ]

    def open_to(self, purpose: str) -> list[list[Row]]:
        """The rows of each table that the purpose may use."""
        closed = {
            who
            for who in PEOPLE
            if (purpose != "law" and (who, "*", "restriction") in self.said)
            or (purpose in ("guard", "taste") and (who, purpose, "objection") in self.said)
            or (purpose == "taste" and (who, purpose, "consent") not in self.said)
        }
        return [[row for row, owners in table if not owners & closed] for table in self.rows()]


words = st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PURPOSES), st.sampled_from(("consent", "objection")))
restrictions = st.tuples(st.sampled_from(PEOPLE), st.just("*"), st.just("restriction"))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Three people with an album and a picture each, three boards, who shares them, and what was said."""
    members = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=5, unique=True))
    few = st.integers(0, 2)
    numbers = [draw(st.tuples(few, few, few)) for _ in range(7)]
    numbers[4] = tuple(draw(few) for _ in members)  # type: ignore[call-overload]
    said = draw(st.frozensets(st.one_of(words, words, restrictions), max_size=8))
    return World(tuple(numbers), tuple(members), said)


def fill(engine: Engine, world: World) -> None:
    """Writes the world, in place of whatever there was."""
    made = world.rows()
    more: list[list[dict[str, Any]]] = [
        [{} for _ in PEOPLE],
        [{"person_id": f"0-{i}"} for i in range(3)],
        [{"album_id": f"1-{i}"} for i in range(3)],
        [{} for _ in range(3)],
        [{"board_id": f"3-{board}", "person_id": f"0-{who}"} for board, who in world.members],
        [{"person_id": "0-0"}, {"person_id": "0-1"}, {"person_id": None}],
        [{} for _ in range(3)],
    ]
    ids = {who: f"0-{i}" for i, who in enumerate(PEOPLE)}
    with engine.begin() as connection:
        connection.execute(delete(Standing))
        for table in reversed(TABLES):
            connection.execute(delete(table))
        for t, table in enumerate(TABLES):
            rows = [{"id": row[0], "n": row[1], **extra} for (row, _), extra in zip(made[t], more[t], strict=True)]
            if rows:
                connection.execute(insert(table), rows)
        if world.said:
            said = [{"subject_id": ids[who], "purpose": p, "kind": kind} for who, p, kind in sorted(world.said)]
            connection.execute(insert(Standing), said)


def selectable(source: Source) -> Any:
    """The FROM element."""
    table = TABLES[source.table]
    match source.form:
        case "plain":
            return table
        case "alias":
            return table.alias()
        case "subquery":
            return select(table.c.id, table.c.n).subquery()
        case _:
            return select(table.c.id, table.c.n).cte()


def statement(query: Query) -> Select[Any]:
    """The query as SQLAlchemy's."""
    left = selectable(query.left)
    columns, joined = [left.c.id, left.c.n], left
    if query.right is not None:
        right = selectable(query.right)
        if right is left:
            right = left.alias()
        columns = [left.c.id, right.c.id]
        joined = left.join(right, left.c.n == right.c.n, isouter=query.outer)
    made = select(*columns).select_from(joined)
    if query.asks is not None:
        asked = TABLES[query.asks].alias()
        there = exists().where(asked.c.n == left.c.n)
        made = made.where(~there if query.negated else there)
    if query.lock and not query.outer and query.left.form == "plain":
        made = made.with_for_update(of=left)
    return made


def answer(query: Query, rows: list[list[Row]]) -> Counter[Any]:
    """What it has to answer, when these are the rows."""
    found: Counter[Any] = Counter()
    for row, n in rows[query.left.table]:
        if query.asks is not None and any(n == other for _, other in rows[query.asks]) is query.negated:
            continue
        if query.right is None:
            found[row, n] += 1
            continue
        matches = [other for other, m in rows[query.right.table] if m == n]
        found.update((row, other) for other in matches or ([None] if query.outer else []))
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def many(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stated: PolicySet
) -> Iterator[tuple[Engine, Purposes]]:
    """A database of each kind, for many examples."""
    server: PostgresServer | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    path: Path = tmp_path_factory.mktemp("many") / "test.db"
    url = server.empty() if server else f"sqlite:///{path}"
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    tables.metadata.create_all(engine)
    yield engine, Purposes(engine, CATALOG, stated)
    engine.dispose()
    if server:
        server.drop(url)


rounds = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@rounds
@given(world=worlds(), asked=st.lists(queries, min_size=1, max_size=3), every=st.booleans())
def test_any_query_answers_as_if_closed_rows_were_not_there(
    many: tuple[Engine, Purposes], world: World, asked: list[Query], every: bool
) -> None:
    """Joins, outer joins, aliases, sub-selects, CTEs, EXISTS, locks and unions, for every purpose by the same objects."""
    engine, purposes = many
    fill(engine, world)
    made = [statement(query) for query in asked]
    for purpose in PURPOSES:
        rows = world.open_to(purpose)
        expected = [answer(query, rows) for query in asked]
        with purposes.session(purpose, actor="test") as session:
            for one, wanted in zip(made, expected, strict=True):
                assert Counter(session.execute(one).all()) == wanted
                if one._for_update_arg is None:
                    counted = select(func.count()).select_from(one.subquery())
                    assert session.scalar(counted) == sum(wanted.values())
            pairs = [
                (one, wanted)
                for one, wanted, query in zip(made, expected, asked, strict=True)
                if query.right is not None and one._for_update_arg is None
            ]
            if pairs:
                united = union_all if every else union
                whole = sum((wanted for _, wanted in pairs), Counter[Any]())
                found = Counter(session.execute(united(*(one for one, _ in pairs))).all())
                assert found == (whole if every else Counter(set(whole)))


@rounds
@given(world=worlds(), purpose=st.sampled_from(PURPOSES), target=st.integers(0, 6), source=sources, n=st.integers(0, 2))
def test_any_change_leaves_closed_rows_as_they_are(
    many: tuple[Engine, Purposes], world: World, purpose: str, target: int, source: Source, n: int
) -> None:
    """An UPDATE, and a DELETE of what nothing refers to, touch the open rows that the condition and a sub-select find."""
    engine, purposes = many
    fill(engine, world)
    rows, table, other = world.open_to(purpose), TABLES[target], selectable(source)
    if other is table:
        other = table.alias()
    numbers = {m for _, m in rows[source.table]}
    hit = {row for row, m in rows[target] if m == n or m in numbers}
    condition = (table.c.n == n) | table.c.n.in_(select(other.c.n))
    with purposes.session(purpose, actor="test") as session, session.begin():
        session.execute(update(table).where(condition).values(n=9))
    left = {row: 9 if row in hit else m for (row, m), _ in world.rows()[target]}
    assert stored(engine, table) == left
    if target in LEAVES:
        hit = {row for row, _ in rows[target] if left[row] == 9}
        with purposes.session(purpose, actor="test") as session, session.begin():
            session.execute(delete(table).where((table.c.n == 9) | (table.c.n == 10)))
        assert stored(engine, table) == {row: m for row, m in left.items() if row not in hit}


def stored(engine: Engine, table: Table) -> dict[str, int]:
    """The numbers of all rows, by id, seen without a purpose."""
    with engine.connect() as connection:
        return {row.id: row.n for row in connection.execute(select(table.c.id, table.c.n))}
