"""A no is kept to: an objection ends the use that it speaks of, and a browser's signal counts as a no."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from support.engines import PlainEngine
from support.serving import free_port, serving

from datasteward.consent import records
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from gptimages.accounts import devices, sessions
from gptimages.accounts.models import Account, WebSession
from gptimages.activity.models import DeviceRecord, EngagementEvent
from gptimages.installation import Installation
from gptimages.privacy import choices
from gptimages.studio import asking
from gptimages.studio.facts import EngineFacts
from gptimages.studio.models import Image
from gptimages.studio.progress import Hub
from gptimages.studio.wish import Wish
from gptimages.web.app import create_app
from gptimages_jobs.generate import Generate
from gptimages_jobs.worker import Worker


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """On both databases."""
    return any_here


FOX = devices.Device("203.0.113.9", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
NO = {"sec-gpc": "1"}


def choose(here: Installation, account: Account, choice: str, allowed: bool) -> None:
    """One click in the privacy centre."""
    with here.db.write() as session:
        choices.choose(session, here, account.id, choice, allowed, now=here.clock())


def arrive(here: Installation, account: Account) -> str:
    """The person signs in on a device, and has a session; its secret."""
    now = here.clock()
    with here.db.write() as session:
        secret, begun = sessions.begin(session, here, account.id, now=now)
    with here.writing("integrity", account.id) as session:
        devices.record(session, here, account.id, begun.id, FOX, now=now)
    return secret


def count(here: Installation, table: type[Any]) -> int:
    """How many rows there are."""
    with here.db.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_whoever_objects_leaves_no_device_behind(here: Installation, person: Callable[..., Account]) -> None:
    """With an objection to `integrity` standing no device is written down, and those that were are gone."""
    ines, jun = person(), person("Jun Aldana")
    arrive(here, jun)
    arrive(here, ines)
    assert count(here, DeviceRecord) == 2
    choose(here, ines, "integrity", False)
    secret = arrive(here, ines)
    with here.db.read() as session:
        assert set(session.scalars(select(DeviceRecord.account_id))) == {jun.id}
        assert {row.device_id for row in session.scalars(select(WebSession).filter_by(account_id=ines.id))} == {None}
    assert sessions.visitor(here, secret, here.clock()).account_id == ines.id
    choose(here, ines, "integrity", True)
    arrive(here, ines)
    assert count(here, DeviceRecord) == 2


def test_what_a_hold_keeps_stays_when_its_person_objects(here: Installation, person: Callable[..., Account]) -> None:
    """Devices of a person under a legal hold stay where they are; new ones are not written."""
    ines = person()
    arrive(here, ines)
    with here.db.write() as session:
        holds.place(
            session,
            here.steward,
            Scope(subject=ines.id),
            "L-17",
            review_at=here.clock() + timedelta(days=30),
            by="tests",
            now=here.clock(),
        )
    choose(here, ines, "integrity", False)
    arrive(here, ines)
    assert count(here, DeviceRecord) == 1


@pytest.fixture
def ines(here: Installation, person: Callable[..., Account]) -> Iterator[tuple[Account, httpx.Client]]:
    """Ines, and a browser in which she is signed in."""
    account, app = person(), create_app(here, engine=EngineFacts.of(PlainEngine()), hub=Hub())
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
    cookies = {sessions.cookie_name(here.settings): arrive(here, account)}
    with serving(app, free_port()) as url, httpx.Client(base_url=url, headers=headers, cookies=cookies) as client:
        yield account, client


def test_a_yes_is_not_taken_from_a_browser_that_says_no(here: Installation, ines: tuple[Account, httpx.Client]) -> None:
    """A consent given by a browser with Global Privacy Control on is not recorded; the page says what stands in the way."""
    account, client = ines
    answer = client.post("/privacy/choices", data={"choice": "improve", "allowed": "yes"}, headers=NO)
    assert (answer.status_code, "Global Privacy Control" in answer.text) == (409, True)
    with here.db.read() as session:
        assert records.latest(session, account.id, "improve", "consent") is None
    assert client.post("/privacy/choices", data={"choice": "improve", "allowed": "no"}, headers=NO).status_code == 303
    assert client.post("/privacy/choices", data={"choice": "improve", "allowed": "yes"}).status_code == 303
    assert "You agreed" in client.get("/privacy/choices").text
    signalled = client.get("/privacy/choices", headers=NO).text
    assert "You agreed" not in signalled
    assert "Your browser says no" in signalled


def test_nothing_is_learned_from_a_browser_that_says_no(here: Installation, ines: tuple[Account, httpx.Client]) -> None:
    """Although the person agreed, a request with the signal writes no engagement; one without it does."""
    account, client = ines
    choose(here, account, "improve", True)
    asking.ask(here, EngineFacts.of(PlainEngine()), account.id, Wish("A heron"), [])
    Worker(here, {"generate": Generate(PlainEngine(), Hub()).run}).run_due()
    with here.db.read() as session:
        image = session.scalars(select(Image.id)).first()
    for act in ("favourite", "share"):
        assert client.post(f"/images/{image}/{act}", data={"favourite": "on"}, headers=NO).status_code < 400
    client.get(f"/images/{image}/download", headers=NO)
    assert count(here, EngagementEvent) == 0
    client.get(f"/images/{image}/download")
    assert count(here, EngagementEvent) == 1
