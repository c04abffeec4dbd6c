"""An ASGI app served over real HTTP on loopback, in a thread of the test process."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

HOST = "127.0.0.1"
START_SECONDS = 10.0


def free_port() -> int:
    """A port of loopback that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(app: Any, port: int) -> Iterator[str]:
    """Serves the app as long as the block runs; gives its base address."""
    made: dict[str, Any] = {}

    async def go() -> None:
        made["loop"] = asyncio.get_running_loop()
        made["server"] = Server(app, address=HOST, port=port, interface=Interfaces.ASGI, log_enabled=False)
        await made["server"].serve()

    thread = threading.Thread(target=lambda: asyncio.run(go()), daemon=True)
    thread.start()
    try:
        _wait(port, thread)
        yield f"http://{HOST}:{port}"
    finally:
        if "server" in made and thread.is_alive():
            made["loop"].call_soon_threadsafe(made["server"].stop)
        thread.join(START_SECONDS)


def _wait(port: int, thread: threading.Thread) -> None:
    ends = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((HOST, port)) == 0:
                return
        assert thread.is_alive(), "The server ended before it answered."
        assert time.monotonic() < ends, "The server does not answer."
        time.sleep(0.02)
