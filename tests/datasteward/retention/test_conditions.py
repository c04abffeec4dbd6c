"""Which rows a rule is about: conditions on columns, precedence, and clocks and countries found along a road."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import insert
from support.retention_tables import METADATA, NOW, ago, ids, make, of, people, person, rows, rule, run, step, visits

from datasteward.errors import PolicyError
from datasteward.policy import Period
from datasteward.steward import Steward
from gptimages.db import Database

Ruled = Callable[..., Steward]
USAGE = "user.behavior.usage"


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"kind": ("run",)}, [2, 3]),
        ({"kind": ("run", "look")}, [3]),
        ({"number": ("7",)}, [1, 3]),
        ({"open": ("true",)}, [2, 3]),
        ({"open": ("false",)}, [1, 3]),
        ({"kind": ("run",), "number": ("7",)}, [1, 2, 3]),
    ],
    ids=["text", "one-of-two", "number", "true", "false", "both"],
)
def test_only_rows_whose_columns_hold_a_value_go(
    small_db: Database, ruled: Ruled, wanted: dict[str, tuple[str, ...]], left: list[int]
) -> None:
    """Values are read as what the column holds; an empty column holds none of them, and what is young stays."""
    people(small_db, "ada")
    visits(small_db, "ada", [1], kind="run", number=1, open=True)
    visits(small_db, "ada", [2], kind="look", number=7, open=False)
    visits(small_db, "ada", [3])
    visits(small_db, "ada", [4], days=1, kind="run", number=7, open=True)
    steward = ruled({"use": rule("use", USAGE, only_if=wanted)}, metadata=METADATA)
    plan = make(small_db, steward)
    assert run(small_db, steward, plan).rows == plan.rows == 4 - len([*left, 4])
    assert ids(small_db) == [*left, 4]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"colour": ("red",)}, r"asks for colour of visit, which has no such column: correct only_if"),
        ({"number": ("many",)}, r"whether number of visit is 'many', which it cannot be"),
        ({"open": ("perhaps",)}, r"whether open of visit is 'perhaps', which it cannot be"),
        ({"at": ("yesterday",)}, r"whether at of visit is 'yesterday', which it cannot be"),
    ],
)
def test_a_condition_that_cannot_be_met_is_refused(
    small_db: Database, ruled: Ruled, wanted: dict[str, tuple[str, ...]], sentence: str
) -> None:
    """A column that there is not, or a value that it cannot hold, is a mistake in the policies and told before any count."""
    steward = ruled({"use": rule("use", USAGE, only_if=wanted)}, metadata=METADATA)
    with pytest.raises(PolicyError, match=sentence):
        make(small_db, steward)


def test_a_rule_for_the_table_wins_over_the_rule_for_its_category(small_db: Database, ruled: Ruled) -> None:
    """Even where it is written later and keeps the rows for longer."""
    people(small_db, "ada")
    visits(small_db, "ada", [1], days=100)
    visits(small_db, "ada", [2], days=300)
    own = rule("visits", "user.content", days=200, table="visit")
    steward = ruled({"use": rule("use", USAGE, days=30), "visits": own}, metadata=METADATA)
    plan = make(small_db, steward)
    assert [(item.rule, item.goes) for item in plan.items if item.table == "visit"] == [("visits", 1)]
    run(small_db, steward, plan)
    assert ids(small_db) == [1]


def test_a_nearer_category_wins_over_one_above(small_db: Database, ruled: Ruled) -> None:
    """The rule for user.behavior governs what no rule below it does."""
    people(small_db, "ada")
    visits(small_db, "ada", [1])
    above, near = rule("above", "user.behavior", days=1), rule("near", USAGE, days=200)
    plan = make(small_db, ruled({"above": above, "near": near}, metadata=METADATA))
    assert {item.table: item.rule for item in plan.items} == {"visit": "near", "step": "above"}
    assert plan.rows == 0


def test_the_clock_of_an_account_runs_for_its_rows(small_db: Database, ruled: Ruled) -> None:
    """Rows of an account go thirty days after it was closed, however old they are; while it is open they stay."""
    people(small_db, "ada", closed_at=ago(31))
    people(small_db, "ben", closed_at=ago(29))
    people(small_db, "cleo")
    for number, name in enumerate(("ada", "ben", "cleo")):
        visits(small_db, name, [number], days=300)
    with small_db.write() as session:
        session.execute(insert(step), [{"visit_id": number, "place": 1} for number in range(3)])
    steward = ruled({"use": rule("use", USAGE, clock="closed")}, metadata=METADATA)
    plan = make(small_db, steward)
    assert (of(plan, "visit").goes, of(plan, "visit").along, plan.people) == (1, {"step": 1}, 1)
    assert of(plan, "visit").oldest == ago(31)
    run(small_db, steward, plan)
    assert (ids(small_db), ids(small_db, step)) == ([1, 2], [1, 2])


def test_a_clock_is_found_over_two_tables(small_db: Database, ruled: Ruled) -> None:
    """A step has no clock of its own: that of its visit runs, or that of the account of its visit."""
    people(small_db, "ada", closed_at=ago(31))
    visits(small_db, "ada", [1], days=100)
    visits(small_db, "ada", [2], days=5)
    with small_db.write() as session:
        session.execute(insert(step), [{"visit_id": number, "place": place} for number in (1, 2) for place in (1, 2)])
    by_visit = ruled({"steps": rule("steps", "user.behavior.engagement")}, metadata=METADATA)
    by_account = ruled({"steps": rule("steps", "user.behavior.engagement", clock="closed")}, metadata=METADATA)
    assert of(make(small_db, by_account), "step").goes == 4
    plan = make(small_db, by_visit)
    assert of(plan, "step").goes == 2
    run(small_db, by_visit, plan)
    assert rows(small_db, step) == [(2, 1), (2, 2)]


def test_the_country_of_a_person_sets_the_period_of_their_rows(small_db: Database, ruled: Ruled) -> None:
    """A country with its own period comes before the default, also when it is longer; no country means the default."""
    for number, (name, country) in enumerate({"ada": "FR", "ben": "DE", "cleo": "NO", "dan": None}.items()):
        people(small_db, name, country=country)
        visits(small_db, name, [number], days=100)
    with small_db.write() as session:
        session.execute(insert(step), [{"visit_id": number, "place": 1} for number in range(4)])
    period = {"FR": Period(days=200), "DE": Period(days=10)}
    steward = ruled({"use": rule("use", USAGE, days=90, by_country=period)}, metadata=METADATA)
    plan = make(small_db, steward)
    assert of(plan, "visit").cutoffs == {"": ago(90), "FR": ago(200), "DE": ago(10)}
    run(small_db, steward, plan)
    assert (ids(small_db), ids(small_db, step), len(ids(small_db, person))) == ([0], [0], 4)
    longer = ruled({"use": rule("use", USAGE, days=200, by_country={"FR": Period(days=99)})}, metadata=METADATA)
    assert of(make(small_db, longer, NOW), "visit").goes == 1


def test_a_plan_counts_each_person_once(small_db: Database, ruled: Ruled) -> None:
    """However many of their rows go, of one table or of several."""
    people(small_db, "ada", "ben")
    visits(small_db, "ada", range(5))
    use = rule("use", USAGE)
    assert make(small_db, ruled({"use": use}, metadata=METADATA)).people == 1
    visits(small_db, "ben", [7])
    whole = ruled({"use": use, "steps": rule("steps", "user.behavior.engagement")}, metadata=METADATA)
    assert make(small_db, whole).people == 2
