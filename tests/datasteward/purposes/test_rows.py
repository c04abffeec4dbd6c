"""Rows of people who are closed to a purpose are not there, whatever kind of statement asks for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Select, delete, exists, func, insert, literal, select, union, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased, joinedload, selectinload, subqueryload
from support.albums import NOW, Album, Board, Member, Note, Person, Picture, Setting

from datasteward.consent import records, restriction
from datasteward.policy import PolicySet
from datasteward.purposes import Purposes

SEEN = {"serve": {"ada", "ben"}, "guard": {"ada"}, "taste": {"ada"}, "law": {"ada", "ben", "cleo"}}
"""Of whom each purpose sees rows."""


def ids(session: Session, statement: Select[Any]) -> set[str]:
    """What the statement finds."""
    return set(session.scalars(statement))


@pytest.mark.parametrize("purpose", SEEN)
def test_a_table_of_each_road_shows_the_rows_of_those_who_are_open(purpose: str, purposes: Purposes) -> None:
    """By a column, over a foreign key, and as the person: the same people are seen on every road."""
    with purposes.session(purpose, actor="test") as session:
        seen = SEEN[purpose]
        assert ids(session, select(Person.id)) == seen
        assert ids(session, select(Album.id)) == {f"album-{who}" for who in seen}
        assert ids(session, select(Picture.id)) == {f"picture-{who}" for who in seen}
        assert ids(session, select(Note.id)) == {"house", *(f"note-{who}" for who in seen)}
        assert ids(session, select(Setting.id)) == {"one"}


@pytest.mark.parametrize(("purpose", "boards"), [("serve", "013"), ("guard", "03"), ("taste", "03"), ("law", "0123")])
def test_a_shared_row_is_closed_when_one_owner_is(purpose: str, boards: str, purposes: Purposes) -> None:
    """A board of two people is seen when both are open; one without owners always."""
    with purposes.session(purpose, actor="test") as session:
        assert ids(session, select(Board.id)) == set(boards)


def queries() -> dict[str, tuple[Select[Any], set[Any]]]:
    """Statements that a purpose of which Ben and Cleo are closed answers with Ada alone."""
    a, p, q = aliased(Album), aliased(Person), aliased(Picture)
    sub = select(Album.person_id).where(Album.n >= 0).subquery()
    cte = select(Album.person_id).cte()
    tree = select(Person.n.label("n")).where(Person.n == 0).cte(recursive=True)
    tree = tree.union_all(select(Person.n).join(tree, Person.n == tree.c.n + 1))
    return {
        "count": (select(func.count()).select_from(Album), {1}),
        "alias": (select(a.person_id), {"ada"}),
        "inner join": (select(Person.id).join(Album, Album.n >= 0), {"ada"}),
        "join of aliases": (select(p.id).join(a, a.person_id == p.id).join(q, q.album_id == a.id), {"ada"}),
        "outer join": (
            select(Setting.id + func.coalesce(Album.id, "none")).outerjoin(Album, Album.n == 1),
            {"onenone"},
        ),
        "outer join of an alias": (
            select(Setting.id + func.coalesce(a.id, "none")).outerjoin(a, a.n == 1),
            {"onenone"},
        ),
        "full join": (
            select(func.coalesce(Setting.id, Album.id)).outerjoin(Album, Album.n == 1, full=True).where(Album.n > 0),
            set(),
        ),
        "sub-select": (select(sub.c.person_id), {"ada"}),
        "scalar sub-select": (select(select(func.max(Album.n)).scalar_subquery()), {0}),
        "correlated": (
            select(select(func.count()).where(Album.person_id == Person.id).scalar_subquery()).select_from(Person),
            {1},
        ),
        "exists": (select(Setting.id).where(exists().where(Album.n == 1)), set()),
        "in": (select(Setting.id).where(literal("ben").in_(select(Album.person_id))), set()),
        "any": (select(Person.id).where(Person.albums.any(Album.n >= 0)), {"ada"}),
        "has": (select(Picture.id).where(Picture.album.has(Album.n >= 0)), {"picture-ada"}),
        "cte": (select(cte.c.person_id), {"ada"}),
        "recursive cte": (select(tree.c.n), {0}),
        "union": (select(union(select(Album.person_id), select(Person.id)).subquery().c.person_id), {"ada"}),
        "union all": (select(union_all(select(a.person_id), select(Person.id)).subquery().c.person_id), {"ada"}),
        "lock": (select(Album.person_id).order_by(Album.n).limit(5).with_for_update(), {"ada"}),
        "lock an alias": (select(a.person_id).with_for_update(of=a), {"ada"}),
        "lock a join": (select(Person.id).join(Person.albums).with_for_update(of=Album, skip_locked=True), {"ada"}),
        "lock a table and its alias": (
            select(a.person_id).where(Album.n == a.n).with_for_update(),
            {"ada"},
        ),
        "lock two": (select(Person.id).where(Person.id == Album.person_id).with_for_update(), {"ada"}),
        "group": (select(Album.person_id).group_by(Album.person_id).having(func.count() > 0), {"ada"}),
        "label in order": (select(Album.person_id.label("who")).order_by("who"), {"ada"}),
        "itself": (select(p.id).join(Person, Person.n != p.n), set()),
    }


@pytest.mark.parametrize("kind", queries())
def test_every_kind_of_query_leaves_them_out(kind: str, purposes: Purposes) -> None:
    """ORM and Core, plain, joined, nested or united: what is closed is nowhere."""
    statement, expected = queries()[kind]
    with purposes.session("guard", actor="test") as session:
        assert set(session.scalars(statement)) == expected
    with purposes.engine("guard").connect() as connection:
        assert set(connection.scalars(statement)) == expected


LOADS: dict[str, Callable[[Any], Any]] = {
    "joined": joinedload,
    "selectin": selectinload,
    "subquery": subqueryload,
}


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
def test_relationships_load_what_is_open(load: Callable[[Any], Any], purposes: Purposes, engine: Engine) -> None:
    """However a relationship is loaded, a row that is closed is not among its rows."""
    with Session(engine) as session, session.begin():
        session.execute(update(Album).where(Album.id == "album-ben").values(person_id="ben"))
        session.add(Note(id="n", n=0, person_id="ada"))
    with purposes.session("guard", actor="test") as session:
        found = session.scalars(select(Person).options(load(Person.albums))).unique().all()
        assert [(person.id, [album.id for album in person.albums]) for person in found] == [("ada", ["album-ada"])]


def test_a_lazy_load_and_a_refresh_find_what_is_open(purposes: Purposes, engine: Engine, stated: PolicySet) -> None:
    """A row whose person objects meanwhile is not refreshed, not loaded lazily and not got."""
    with Session(engine) as session, session.begin():
        session.add(Picture(id="odd", n=5, album_id="album-ada"))
    with purposes.session("serve", actor="test") as session:
        album = session.get_one(Album, "album-ada")
        assert {picture.id for picture in album.pictures} == {"odd", "picture-ada"}
        picture = session.get_one(Picture, "odd")
        session.commit()
        with Session(engine) as other, other.begin():
            restriction.restrict(other, "ada", "claims", by="staff", now=NOW)
        session.expire_all()
        assert session.get(Album, "album-ben") is not None
        assert session.get(Album, "album-cleo") is None
        with pytest.raises(Exception, match="has been deleted"):
            _ = picture.n


def test_who_objects_in_one_transaction_is_gone_from_the_next(
    purposes: Purposes, engine: Engine, stated: PolicySet
) -> None:
    """Objections and consents are in force at once, for statements that are compiled already too."""
    statement = select(Person.id)
    answers: list[tuple[str, records.Kind, bool, str, set[str]]] = [
        ("guard", "objection", True, "ada", set()),
        ("guard", "objection", False, "ben", {"ben"}),
        ("taste", "consent", True, "ben", {"ada", "ben"}),
        ("taste", "consent", False, "ada", {"ben"}),
        ("taste", "objection", True, "ben", set()),
    ]
    for purpose, kind, granted, who, left in answers:
        with Session(engine) as session, session.begin():
            records.answer(session, who, purpose, kind, granted, "test", stated, NOW + timedelta(days=1))
        with purposes.session(purpose, actor="test") as session:
            assert ids(session, statement) == left
    with Session(engine) as session, session.begin():
        assert restriction.lift(session, "cleo", by="staff", now=NOW)
    with purposes.session("serve", actor="test") as session:
        assert ids(session, statement) == {"ada", "ben", "cleo"}


def numbers(engine: Engine, entity: Any) -> dict[str, int]:
    """The numbers of all rows, by id, seen without a purpose."""
    with Session(engine) as session:
        return {row.id: row.n for row in session.execute(select(entity.id, entity.n))}


def test_bulk_changes_leave_closed_rows_alone(purposes: Purposes, engine: Engine) -> None:
    """UPDATE and DELETE, of the ORM and of Core, with RETURNING and with an OR, touch what is open and count it."""
    with purposes.session("guard", actor="test") as session, session.begin():
        assert session.execute(update(Picture).values(n=7)).rowcount == 1  # type: ignore[attr-defined]
        assert session.execute(update(Album.__table__).values(n=8)).rowcount == 1  # type: ignore[attr-defined]
        done = update(Note).where((Note.n == 1) | (Note.n == 0)).values(n=6).returning(Note.id)
        assert session.scalars(done).all() == ["note-ada"]
        changed = update(Board).values(n=5).execution_options(synchronize_session="fetch")
        assert session.execute(changed).rowcount == 2  # type: ignore[attr-defined]
    assert numbers(engine, Picture) == {"picture-ada": 7, "picture-ben": 1, "picture-cleo": 2}
    assert numbers(engine, Album) == {"album-ada": 8, "album-ben": 1, "album-cleo": 2}
    assert numbers(engine, Note) == {"note-ada": 6, "note-ben": 1, "note-cleo": 2, "house": 3}
    assert numbers(engine, Board) == {"0": 5, "1": 1, "2": 2, "3": 5}
    with purposes.session("guard", actor="test") as session, session.begin():
        assert session.scalars(delete(Note).returning(Note.id)).all() in (["note-ada", "house"], ["house", "note-ada"])
        session.execute(delete(Picture))
        session.execute(delete(Member.__table__).where(Member.n.in_(select(Member.n))))
    assert set(numbers(engine, Note)) == {"note-ben", "note-cleo"}
    assert set(numbers(engine, Picture)) == {"picture-ben", "picture-cleo"}
    assert set(numbers(engine, Member)) == {"1-ben", "2-cleo"}


def test_an_update_over_two_tables_joins_what_is_open(purposes: Purposes, engine: Engine) -> None:
    """The second table of an UPDATE … FROM shows the same rows as in a query."""
    with purposes.session("guard", actor="test") as session, session.begin():
        session.execute(update(Setting).where(Setting.n == Album.n).values(n=9))
        session.execute(insert(Setting).values(id="zero", n=0))
        session.execute(update(Setting).where(Setting.n == Album.n).values(n=Album.n + 4))
    assert numbers(engine, Setting) == {"one": 1, "zero": 4}


def test_an_insert_from_a_select_takes_what_is_open(purposes: Purposes, engine: Engine) -> None:
    """INSERT … SELECT copies no closed row."""
    with purposes.session("guard", actor="test") as session, session.begin():
        session.execute(insert(Setting).from_select(["id", "n"], select(Album.id, Album.n)))
    assert set(numbers(engine, Setting)) == {"one", "album-ada"}


def test_an_upsert_changes_no_closed_row(purposes: Purposes, engine: Engine) -> None:
    """ON CONFLICT DO UPDATE leaves a closed person's row as it is."""
    make = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    rows = [{"id": f"album-{who}", "n": 0, "person_id": who} for who in ("ada", "ben")]
    added = make(Album)
    with purposes.session("guard", actor="test") as session, session.begin():
        session.execute(added.on_conflict_do_update(index_elements=["id"], set_={"n": added.excluded.n + 4}), rows)
        changed = {"n": Album.n + 100}
        session.execute(
            make(Album).values(rows).on_conflict_do_update(index_elements=[Album.id], set_=changed, where=Album.n < 9)
        )
    assert numbers(engine, Album) == {"album-ada": 104, "album-ben": 1, "album-cleo": 2}


def test_a_flush_writes_many_rows_and_reads_what_it_wrote(purposes: Purposes, engine: Engine) -> None:
    """The unit of work inserts, updates, deletes and rolls back to a savepoint as it does without a purpose."""
    with purposes.session("serve", actor="test") as session, session.begin():
        session.add_all([Album(id=f"new-{n}", n=n, person_id="ada") for n in range(50)])
        session.flush()
        with session.begin_nested() as point:
            session.get_one(Album, "album-ada").n = 77
            session.flush()
            point.rollback()
        session.get_one(Album, "new-3").n = 33
        session.delete(session.get_one(Album, "new-4"))
    found = numbers(engine, Album)
    assert (len(found), found["new-3"], found["album-ada"]) == (52, 33, 0)


def test_the_persons_own_questions_are_answered_by_the_same_rule(
    engine: Engine, purposes: Purposes, stated: PolicySet
) -> None:
    """`records.allowed` says of each person what the sessions show."""
    with Session(engine) as session:
        for purpose, seen in SEEN.items():
            assert {who for who in ("ada", "ben", "cleo") if records.allowed(session, stated, who, purpose)} == seen
