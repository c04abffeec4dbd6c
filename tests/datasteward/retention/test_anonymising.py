"""A rule that anonymises: each column by the method of its category, once, and with pseudonyms of its run alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from support.retention_actions import Ruled, anonymising
from support.retention_tables import ago, make, of, people, rows, run, told, visit, visits

from gptimages.db import Database


@pytest.fixture
def seen(small_db: Database) -> Database:
    """Five visits of which the last is young."""
    people(small_db, "ada")
    for number, address in enumerate(("203.0.113.9", "2001:db8:1:2::3", None, "no address", "203.0.113.9")):
        days = 1 if number == 4 else 100
        token = f"token-{number % 2}" if number != 2 else None
        visits(
            small_db,
            "ada",
            [number],
            days=days,
            address=address,
            token=token,
            browser=f"browser {number}",
            seen_at=ago(days) + timedelta(minutes=17),
            kind="look",
        )
    return small_db


def column(db: Database, name: str) -> list[object]:
    """The column's values, by visit."""
    return [getattr(row, name) for row in rows(db, visit)]


def test_each_method_of_the_policies_is_carried_out(seen: Database, ruled: Ruled) -> None:
    """By category, all columns of a row at once: addresses lose their end, times their hour, tokens their meaning."""
    steward = anonymising(ruled)
    plan = make(seen, steward)
    assert of(plan, "visit").columns == ("address", "browser", "token", "seen_at")
    assert run(seen, steward, plan).anonymised == {"visit": plan.rows} == {"visit": 4}
    assert column(seen, "address") == ["203.0.113.0", "2001:db8:1::", None, None, "203.0.113.9"]
    assert column(seen, "browser") == ["a browser"] * 4 + ["browser 4"]
    day = ago(100).replace(hour=0)
    assert column(seen, "seen_at") == [day, day, day, day, ago(1) + timedelta(minutes=17)]
    first, second, none, third, young = map(str, column(seen, "token"))
    assert re.fullmatch("hmac:[0-9a-f]{64}", first)
    assert re.fullmatch("hmac:[0-9a-f]{64}", second)
    assert (first != second, second, none, young) == (True, third, "None", "token-0")
    assert column(seen, "kind") == ["look"] * 5


@pytest.mark.parametrize(
    ("category", "rows_due"),
    [
        ("user.device.ip_address", 3),
        ("user.device.user_agent", 4),
        ("user.authorization.token", 3),
        ("user.behavior.engagement", 4),
        ("user.device", 4),
    ],
)
def test_a_plan_counts_what_a_run_changes_and_then_nothing_is_due(
    seen: Database, ruled: Ruled, category: str, rows_due: int
) -> None:
    """Only rows in which the column is not anonymous yet are due; after the run, none, and the certificate is clean."""
    steward = anonymising(ruled, category)
    plan = make(seen, steward)
    assert (plan.due, plan.rows) == (rows_due, rows_due)
    assert run(seen, steward, plan).rows == rows_due
    assert told(seen, plan.id).clean
    before = rows(seen, visit)
    again = make(seen, steward)
    assert again.due == 0
    run(seen, steward, again)
    assert rows(seen, visit) == before


def test_pseudonyms_of_a_run_are_told_from_those_of_another(seen: Database, ruled: Ruled) -> None:
    """The key of a run is kept nowhere: the same token, anonymised by two runs, becomes two pseudonyms."""
    steward = anonymising(ruled, "user.authorization.token")
    run(seen, steward, make(seen, steward))
    first = column(seen, "token")[0]
    visits(seen, "ada", [9], token="token-0")
    run(seen, steward, make(seen, steward))
    assert column(seen, "token")[0] == first
    assert column(seen, "token")[-1] not in (first, "token-0")


def test_batches_of_one_run_share_its_pseudonyms(seen: Database, ruled: Ruled) -> None:
    """However small the batches, equal tokens stay equal."""
    steward = anonymising(ruled, "user.authorization.token", batch=1)
    assert run(seen, steward, make(seen, steward)).rows == 3
    assert column(seen, "token")[1] == column(seen, "token")[3]
