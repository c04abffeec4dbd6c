"""Behind proxies: each visitor has their own address, and nobody can claim another's."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from gptimages.settings import Settings
from gptimages.web.proxies import Proxies

TRUSTED = "127.0.0.1, 10.0.0.0/8, fd00::/8"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The same, behind proxies."""
    return msgspec.structs.replace(settings, proxies=TRUSTED)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["127.0.0.1, 203.0.113.7, 10.1.2.3"], "203.0.113.7"),
        ("127.0.0.1", ["198.51.100.1", "203.0.113.7,10.1.2.3"], "203.0.113.7"),
        ("fd00::1", ["2001:DB8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", ["203.0.113.7, nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7, nonsense, 10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
    ],
)
def test_the_last_address_that_is_not_ours_counts(peer: str, forwarded: list[str], client: str) -> None:
    """Read from the end, the first address that no proxy of ours has is the visitor's; what they wrote is not believed."""
    scope: Any = {"client": (peer, 4711), "headers": [(b"x-forwarded-for", each.encode()) for each in forwarded]}
    Proxies(TRUSTED).settle(scope)
    assert scope["client"][0] == client


def test_without_the_setting_nobody_is_believed() -> None:
    """X-Forwarded-For changes nothing unless a proxy is named."""
    scope: Any = {"client": ("127.0.0.1", 4711), "headers": [(b"x-forwarded-for", b"203.0.113.7")]}
    Proxies("").settle(scope)
    assert scope["client"] == ("127.0.0.1", 4711)


def test_visitors_behind_a_proxy_have_their_own_pace(build_app: Any, here: Any) -> None:
    """Behind a proxy on this machine each visitor is counted by their own address."""
    app, most = build_app(), here.policies.limits.requests_per_minute.value

    async def ask(times: int, address: str) -> int:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            for _ in range(times):
                answer = await client.get("/cookies", headers={"x-forwarded-for": f"127.0.0.1, {address}"})
            return answer.status_code

    assert asyncio.run(ask(most, "203.0.113.7")) == 200
    assert asyncio.run(ask(1, "203.0.113.7")) == 429
    assert asyncio.run(ask(1, "203.0.113.8")) == 200
