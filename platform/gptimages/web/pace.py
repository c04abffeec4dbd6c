"""How fast one person may ask: a sliding minute in the memory of this process (policies/limits.yaml, requests-per-minute).

Who is signed in is counted by account, anybody else by network address. What a page fetches by itself (assets, pictures,
progress) is not counted, nor is who asks from this machine without signing in: that is its operator, or a proxy that is
not named in the setting `proxies` and has to keep a pace of its own. Nothing of it is written down or kept longer than
the minute.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from gptimages.errors import LimitReached
from gptimages.web.permissions import COUNTED
from gptimages.web.visitor import Visitor

WINDOW = 60.0  # seconds; the limit's own name says so


class Pace:
    """Counts requests by key, at most `most` in any sixty seconds. May be shared by threads; `clock` is in seconds."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._asked: dict[str, deque[float]] = {}
        self._swept = clock()
        self._lock = Lock()

    def step(self, key: str) -> None:
        """Counts one request. Raises LimitReached with the seconds to wait; a refused request is not counted."""
        now = self._clock()
        with self._lock:
            self._sweep(now)
            asked = self._asked.setdefault(key, deque())
            _forget(asked, now)
            if len(asked) >= self._most:
                wait = math.ceil(asked[0] + WINDOW - now) or 1
                raise LimitReached(f"That was faster than we can follow: try again in {wait} s.", retry_after=wait)
            asked.append(now)

    def __len__(self) -> int:
        return len(self._asked)

    async def __call__(self, connection: ASGIConnection[Any, Visitor, Any, Any], handler: BaseRouteHandler) -> None:
        """The guard of every route; see `step`."""
        key = _key(connection) if handler.opt.get(COUNTED, True) else None
        if key is not None:
            self.step(key)

    def _sweep(self, now: float) -> None:
        """Once a window, lets go of everybody who has been quiet for one."""
        if now - self._swept < WINDOW:
            return
        self._swept = now
        for key, asked in list(self._asked.items()):
            _forget(asked, now)
            if not asked:
                del self._asked[key]


def _forget(asked: deque[float], now: float) -> None:
    while asked and asked[0] <= now - WINDOW:
        asked.popleft()


def _key(connection: ASGIConnection[Any, Visitor, Any, Any]) -> str | None:
    if connection.user.account_id is not None:
        return connection.user.account_id
    if connection.client is None:
        return None
    try:
        address = ipaddress.ip_address(connection.client.host)
    except ValueError:  # a Unix socket
        return None
    return None if address.is_loopback else str(address)
