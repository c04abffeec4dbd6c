"""Running the demo provider: in a process of its own beside the service, on loopback, until its parent ends.

The configuration goes to the process through its standard input, which stays open as long as the parent lives: its end
is the provider's end too, however the parent ended.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from granian.constants import Interfaces
from granian.server.embed import Server

from gptimages import logs
from gptimages.errors import StartError
from gptimages.settings import Settings
from gptimages_demo.app import create_app
from gptimages_demo.config import HOST, Config

START_SECONDS = 20.0
STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Running:
    """The provider's process."""

    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ends it; it may have ended by itself already."""
        assert self.process.stdin is not None  # noqa: S101 - it was opened as a pipe
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_in_process(settings: Settings) -> Running:
    """Starts the provider beside this process and returns when it answers. Raises DemoRefused or StartError."""
    config = Config.of(settings)
    process = subprocess.Popen([sys.executable, "-m", "gptimages_demo.provider"], stdin=subprocess.PIPE)
    assert process.stdin is not None  # noqa: S101 - as above
    process.stdin.write(msgspec.json.encode(config) + b"\n")
    process.stdin.flush()
    started = Running(process)
    ends = time.monotonic() + START_SECONDS
    while not _answers(config.port):
        if process.poll() is not None or time.monotonic() > ends:
            started.stop()
            raise StartError(
                f"The demo provider does not start on port {config.port}: set GPTIMAGES_DEMO_PORT to another one."
            )
        time.sleep(0.05)
    return started


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    """The provider, running as long as the block does."""
    started = run_in_process(settings)
    try:
        yield started
    finally:
        started.stop()


def serve(settings: Settings) -> None:
    """Serves until the process is stopped. Raises DemoRefused outside demo mode."""
    _serve(Config.of(settings))


def _serve(config: Config) -> None:
    import asyncio

    async def go() -> None:
        server = Server(
            create_app(config), address=HOST, port=config.port, interface=Interfaces.ASGI, log_enabled=False
        )
        await server.serve()

    asyncio.run(go())


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """What `python -m gptimages_demo.provider` does: reads its configuration from standard input and serves."""
    logs.configure("warning")
    config = msgspec.json.decode(sys.stdin.buffer.readline(), type=Config)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _serve(config)


if __name__ == "__main__":
    main()
