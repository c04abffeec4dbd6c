"""Requests in the same moment: the limits of a person hold, whoever comes first, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select, update
from support.engines import PlainEngine

from datasteward.audit import log as audit
from gptimages.accounts.models import Account
from gptimages.activity import usage
from gptimages.activity.models import UsageEvent
from gptimages.errors import LimitReached
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.queue.models import Job
from gptimages.studio import asking
from gptimages.studio.facts import EngineFacts
from gptimages.studio.models import Generation
from gptimages.studio.wish import Wish


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """On both databases."""
    return any_here


TOGETHER = 10
FACTS = EngineFacts.of(PlainEngine())


def race(here: Installation, accounts: list[Account], count: int) -> int:
    """Asks for a run in as many threads as there are accounts in the list, and gives how many were begun."""
    start = Barrier(len(accounts))

    def ask(account: Account) -> bool:
        start.wait(30)
        try:
            asking.ask(here, FACTS, account.id, Wish("One heron", count=count), [])
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(len(accounts)) as pool:
        return list(pool.map(ask, accounts)).count(True)


def rows(here: Installation, model: type) -> int:
    """How many rows a table has."""
    with here.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_runs_under_way_at_once(here: Installation, person: Callable[..., Account]) -> None:
    """Ten requests together begin as many runs as policies/limits.yaml allows under way, each with its job and its entry."""
    account, most = person(), here.policies.limits.runs_under_way.value
    assert race(here, [account] * TOGETHER, 1) == most
    assert rows(here, Generation) == rows(here, Job) == most
    with here.db.read() as session:
        assert [e.act for e in audit.entries(session, acts=["generation.asked"])] == ["generation.asked"] * most
        assert audit.verify(session).broken_at is None


def test_the_last_pictures_of_a_month_at_once(here: Installation, person: Callable[..., Account]) -> None:
    """With three pictures left, ten requests for two get them once: nobody passes the plan by being quick."""
    account = person()
    allowed = here.policies.limits.plans[account.plan].pictures_per_month
    with here.db.write() as session:
        session.add(
            UsageEvent(
                id=new_id(), account_id=account.id, kind="generation", pictures=allowed - 3, seconds=1.0,
                created_at=here.clock(),
            )
        )  # fmt: skip
        session.flush()
        assert usage.pictures_this_month(session, account.id, here.clock()) == allowed - 3
    assert race(here, [account] * TOGETHER, 2) == 1


def test_people_do_not_stand_in_each_others_way(here: Installation, person: Callable[..., Account]) -> None:
    """Ten people together each begin their run."""
    assert race(here, [person(f"Person{number}") for number in range(TOGETHER)], 1) == TOGETHER


def test_an_account_that_begins_to_close_begins_nothing(here: Installation, person: Callable[..., Account]) -> None:
    """Once it is closing, no request of the same moment leaves a run behind that nobody would make."""
    account = person()
    with here.db.write() as session:
        session.execute(update(Account).where(Account.id == account.id).values(state="closing"))
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(asking.ask, here, FACTS, account.id, Wish("One heron"), []) for _ in range(4)]
    assert {type(each.exception()).__name__ for each in asked} == {"Conflict"}
    assert rows(here, Generation) == 0
