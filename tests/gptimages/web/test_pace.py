"""The pace of requests: a sliding minute for each person, for each address, and nothing kept of those who are quiet."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from gptimages.errors import LimitReached
from gptimages.installation import Installation
from gptimages.settings import Settings
from gptimages.web.pace import WINDOW, Pace

MOST = 5


class Seconds:
    """A clock in seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def settings(settings: Settings, policies: Path) -> Settings:
    """The same, with a lower pace in the policy set."""
    limits = policies / "limits.yaml"
    limits.write_text(re.sub(r"(requests-per-minute: {value: )\d+", rf"\g<1>{MOST}", limits.read_text()))
    return Settings(
        data=settings.data,
        policies=policies,
        demo=True,
        oidc_issuer=settings.oidc_issuer,
        oidc_client_id="gptimages-test",
        oidc_client_secret="a secret of the tests",
        scheduler=False,
    )


@given(st.lists(st.floats(min_value=0, max_value=25), max_size=60))
def test_no_window_holds_more_than_the_limit(waits: list[float]) -> None:
    """Whenever people ask, no sixty seconds hold more than the limit, and nobody is refused without need."""
    clock = Seconds()
    pace, taken = Pace(MOST, clock), []
    for wait in waits:
        clock.now += wait
        recent = [at for at in taken if at > clock.now - WINDOW]
        if len(recent) < MOST:
            pace.step("somebody")
            taken.append(clock.now)
            continue
        with pytest.raises(LimitReached) as refused:
            pace.step("somebody")
        wait = refused.value.retry_after or 0
        assert 0 < wait <= WINDOW
        assert recent[0] + WINDOW <= clock.now + wait


def test_waiting_as_told_is_enough() -> None:
    """Who waits the seconds that the answer names is let through."""
    clock = Seconds()
    pace = Pace(MOST, clock)
    for _ in range(MOST):
        clock.now += 0.3
        pace.step("somebody")
    with pytest.raises(LimitReached, match="faster than we can follow") as refused:
        pace.step("somebody")
    clock.now += refused.value.retry_after or 0
    pace.step("somebody")


def test_people_do_not_stand_in_each_others_way() -> None:
    """Each key has its own minute."""
    pace = Pace(MOST, Seconds())
    for number in range(100):
        for _ in range(MOST):
            pace.step(f"person {number}")


def test_the_quiet_are_forgotten() -> None:
    """After a minute without a request nothing is held of anybody: memory does not grow with visitors."""
    clock = Seconds()
    pace = Pace(MOST, clock)
    for number in range(1000):
        pace.step(f"address {number}")
    assert len(pace) == 1000
    clock.now += WINDOW
    pace.step("the next")
    assert len(pace) == 1


def test_the_answer_says_when_to_come_back(web, person) -> None:
    """Above the pace the answer is 429 with Retry-After, as a page with a sentence or as a problem document."""
    client = web.signed_in(person())
    for _ in range(MOST):
        assert client.get("/account").status_code == 200
    page = client.get("/account")
    assert page.status_code == 429
    assert 0 < int(page.headers["retry-after"]) <= 60
    assert "faster than we can follow" in page.text
    problem = client.get("/api/v1/tokens", headers={"accept": "application/json"})
    assert problem.status_code == 429
    assert problem.json()["status"] == 429
    assert web.signed_in(person("Tomás")).get("/account").status_code == 200


def test_what_pages_fetch_by_themselves_is_free(web, person) -> None:
    """Assets, thumbnails, portraits and the health address are not counted; pages are."""
    client = web.signed_in(person())
    for _ in range(MOST * 2):
        assert client.get("/static/style.css").status_code == 200
        assert client.get("/healthz").status_code == 200
        assert client.get("/images/none/thumbnail").status_code == 404
        assert client.get("/account/avatar").status_code in (200, 404)
    assert client.get("/account").status_code == 200


def test_strangers_are_counted_by_address(build_app, here: Installation) -> None:
    """Without a sign-in each network address has its own minute, and this machine, or a proxy on it, has none."""
    app = build_app()
    assert _asked(app, "203.0.113.7") == [200] * MOST + [429]
    assert _asked(app, "2001:db8::7") == [200] * MOST + [429]
    assert _asked(app, "127.0.0.1") == [200] * (MOST + 1)
    assert _asked(app, "::1") == [200] * (MOST + 1)


def _asked(app: Litestar, address: str) -> list[int]:
    """Asks once more than the pace allows, from a network address."""

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(app, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return [(await client.get("/cookies")).status_code for _ in range(MOST + 1)]

    return asyncio.run(ask())
