"""What retention says of one row: which rules govern it and why, which decides, and what keeps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import insert, update
from sqlalchemy.orm import Session
from support.retention_tables import METADATA, NOW, ago, make, people, rule, run, seat, step, visit, visits, words

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


def hold(session: Session, steward: Steward, scope: Scope) -> None:
    """Places a hold."""
    holds.place(session, steward, scope, "24-117", review_at=NOW + timedelta(days=9), by="staff", now=NOW)


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
        hold(session, deleting, Scope(subject="ada"))
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


def test_of_two_rules_that_are_due_the_one_that_removes_decides(used: Database, ruled: Ruled) -> None:
    """As in a run, whichever stands first in the file."""
    rules = {
        "empty": rule("empty", USAGE, action="anonymise", anonymise=("user.device",)),
        "use": rule("use", USAGE),
    }
    steward = ruled(rules, metadata=METADATA)
    with used.write() as session:
        session.execute(update(visit).values(address="198.51.100.7"))
    found = of(used, steward, "visit", "1")
    assert [each.left for each in found.rules] == [True, True]
    assert found.verdict == "It goes with the next plan, by use."
    assert [(i.rule, i.goes) for i in make(used, steward).items if i.goes] == [("use", 1)]


def test_a_hold_on_what_hangs_beside_it_keeps_it_too(used: Database, deleting: Steward) -> None:
    """One step is held, so the visit stays, and with it the other step."""
    with used.write() as session:
        session.execute(insert(step), [{"visit_id": 1, "place": 5}])
        hold(session, deleting, Scope(table="step", rows=(("1", "5"),)))
    found = of(used, deleting, "step", "1,4")
    assert found.verdict == "It is due by what it hangs on, by Use (visit), and a legal hold keeps it."
    assert (found.with_rows, found.held) == ((), True)
    assert make(used, deleting).rows == 0


def test_a_hold_on_a_column_that_the_rule_leaves_alone_keeps_nothing_from_it(used: Database, ruled: Ruled) -> None:
    """What is emptied is looked at, not the row."""
    emptying = rule("empty", USAGE, action="anonymise", anonymise=("user.device.ip_address",))
    steward = ruled({"empty": emptying}, metadata=METADATA)
    with used.write() as session:
        session.execute(update(visit).values(address="198.51.100.7", browser="rare"))
        hold(session, steward, Scope(category="user.device.user_agent"))
    found = of(used, steward, "visit", "1")
    assert (found.verdict, found.held) == ("It goes with the next plan, by empty.", False)
    assert make(used, steward).goes == 1


def test_a_row_goes_with_one_of_its_own_table(retention_db: Database, ruled: Ruled) -> None:
    """A young answer goes with the old word that it must refer to."""
    word = words(retention_db)
    with retention_db.write() as session:
        session.execute(insert(word), [{"id": 1, "at": ago(100)}])
        session.execute(insert(word), [{"id": 2, "answers": 1, "at": ago(1)}])
    steward = ruled({"use": rule("use", USAGE)}, metadata=word.metadata)
    found = of(retention_db, steward, "word", "2")
    assert found.with_rows == ("Use (word)",)
    assert found.verdict == "It goes with the next plan, by what it hangs on, by Use (word)."
    assert of(retention_db, steward, "word", "1").with_rows == ()
    assert make(retention_db, steward).rows == 2


@pytest.mark.parametrize(
    ("table", "key", "sentence"),
    [
        ("visit", "99", "There is no such row in visit: give its primary key"),
        ("visit", "99999999999999999999", "There is no such row in visit: give its primary key"),
        ("visit", "9999999999", "There is no such row in visit: give its primary key"),
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
