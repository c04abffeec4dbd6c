"""What retention says of one row: which rules govern it and why, which decides, and what keeps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import insert
from support.retention_tables import METADATA, NOW, ago, make, people, rule, run, seat, step, visits

from datasteward.errors import CatalogError
from datasteward.policy import Period
from datasteward.retention import holds
from datasteward.retention.explain import Explanation, explain
from datasteward.retention.scope import Scope
from datasteward.steward import Steward
from gptimages.db import Database

Ruled = Callable[..., Steward]
USAGE = "user.behavior.usage"


@pytest.fixture
def used(small_db: Database) -> Database:
    """An old visit with a step, a young one, one without its moment, and a seat."""
    people(small_db, "ada", country="FR")
    visits(small_db, "ada", [1], kind="look")
    visits(small_db, "ada", [2], days=1, kind="look")
    with small_db.write() as session:
        session.execute(insert(METADATA.tables["visit"]).values(id=3, person_id="ada"))
        session.execute(insert(step), [{"visit_id": 1, "place": 4}])
        session.execute(insert(seat), [{"person_id": "ada", "place": 7, "at": ago(40)}])
    return small_db


@pytest.fixture
def deleting(ruled: Ruled) -> Steward:
    """Visits go after thirty days, seats after fifty."""
    seats = rule("seats", "user.content", days=50)
    return ruled({"use": rule("use", USAGE), "seats": seats}, metadata=METADATA)


def of(db: Database, steward: Steward, table: str, key: str) -> Explanation:
    """What is said of the row."""
    with db.read() as session:
        return explain(session, steward, table, key, now=NOW)


def test_a_row_that_is_due_goes_by_its_rule(used: Database, deleting: Steward) -> None:
    """The verdict names the rule; beside it since when its clock runs, until when that is kept, and the rule's own words."""
    found = of(used, deleting, "visit", "1")
    assert found.verdict == "It goes with the next plan, by use."
    (ruled,) = found.rules
    assert (ruled.started, ruled.cutoff) == (ago(100), ago(30))
    assert (ruled.applies, ruled.due, ruled.left) == (True, True, True)
    assert ruled.why == "Use: kept 30 days after it was made, then deleted (test; test)."
    assert (found.table, found.category, found.at, found.held) == ("visit", USAGE, NOW, False)


@pytest.mark.parametrize("key", ["2", "3"])
def test_a_row_that_is_young_or_has_no_moment_stays(used: Database, deleting: Steward, key: str) -> None:
    """No rule is due on it."""
    found = of(used, deleting, "visit", key)
    assert found.verdict == "It stays: no rule is due on it now."
    assert [(each.due, each.left) for each in found.rules] == [(False, False)]


def test_a_row_that_does_not_meet_the_condition_stays(used: Database, ruled: Ruled) -> None:
    """It is old enough, and the rule is not about it."""
    steward = ruled({"use": rule("use", USAGE, only_if={"kind": ("run",)})}, metadata=METADATA)
    found = of(used, steward, "visit", "1")
    assert found.verdict == "It stays: no rule is due on it now."
    assert [(each.applies, each.due, each.left) for each in found.rules] == [(False, True, False)]


def test_a_row_with_nothing_left_to_do_stays(used: Database, ruled: Ruled) -> None:
    """What was anonymised is still old, and not due again."""
    use = rule("use", USAGE, action="anonymise", anonymise=(USAGE,))
    steward = ruled({"use": use}, metadata=METADATA)
    assert of(used, steward, "visit", "1").verdict == "It goes with the next plan, by use."
    run(used, steward, make(used, steward))
    found = of(used, steward, "visit", "1")
    assert found.verdict == "It stays: no rule is due on it now."
    assert [(each.due, each.left) for each in found.rules] == [(True, False)]


def test_a_row_goes_with_what_it_hangs_on(used: Database, deleting: Steward) -> None:
    """Though no rule speaks about it, and though its key has two columns."""
    found = of(used, deleting, "step", "1,4")
    assert found.with_rows == ("Use (visit)",)
    assert found.verdict == "It goes with the next plan, by what it hangs on, by Use (visit)."
    assert (found.rules, found.precedence) == ((), "No rule speaks about user.behavior.engagement.")


def test_a_hold_keeps_what_is_due(used: Database, deleting: Steward) -> None:
    """The rule is named all the same; a row that is not due just stays."""
    with used.write() as session:
        who, review = Scope(subject="ada"), NOW + timedelta(days=9)
        holds.place(session, deleting, who, "24-117", review_at=review, by="staff", now=NOW)
    found = of(used, deleting, "visit", "1")
    assert (found.verdict, found.held) == ("It is due by use, and a legal hold keeps it.", True)
    assert of(used, deleting, "visit", "2").verdict == "It stays: no rule is due on it now."


def test_the_country_of_the_person_tells_the_cutoff(used: Database, ruled: Ruled) -> None:
    """As it is found along the road of the row."""
    use = rule("use", USAGE, by_country={"FR": Period(days=200)})
    found = of(used, ruled({"use": use}, metadata=METADATA), "visit", "1")
    assert ([each.cutoff for each in found.rules], found.verdict) == (
        [ago(200)],
        "It stays: no rule is due on it now.",
    )


def test_why_these_rules_and_no_others(used: Database, ruled: Ruled) -> None:
    """A rule for the table, for the category itself, for one above it, or none."""
    own = rule("own", "user.content", table="visit")
    exact, above = rule("exact", USAGE), rule("above", "user.behavior")

    def precedence(*rules: object) -> str:
        steward = ruled({each.id: each for each in rules}, metadata=METADATA)  # type: ignore[attr-defined]
        return of(used, steward, "visit", "1").precedence

    assert precedence(own, exact) == "A rule for the table visit itself comes before any rule for a category."
    assert precedence(exact, above) == f"The rule is for {USAGE} itself, and no rule names the table."
    assert precedence(above) == f"The nearest rule above {USAGE} is for user.behavior, and no rule names the table."
    assert precedence() == f"No rule speaks about {USAGE}."


def test_a_key_of_several_columns_is_joined_by_commas(used: Database, deleting: Steward) -> None:
    """With a personal part as with any other."""
    assert of(used, deleting, "seat", "ada,7").rules[0].started == ago(40)


@pytest.mark.parametrize(
    ("table", "key", "sentence"),
    [
        ("visit", "99", "There is no such row in visit: give its primary key"),
        ("visit", "ninety", "There is no such row in visit: give its primary key"),
        ("seat", "ada", "The primary key of seat has 2 parts: give them joined by commas"),
        ("seat", "ada,7,8", "The primary key of seat has 2 parts: give them joined by commas"),
        ("nothing", "1", "nothing"),
    ],
)
def test_a_row_that_there_is_not_is_told(
    used: Database, deleting: Steward, table: str, key: str, sentence: str
) -> None:
    """With what to give instead."""
    with pytest.raises(CatalogError, match=sentence):
        of(used, deleting, table, key)
