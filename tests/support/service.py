"""A real service for browser and acceptance tests: `gptimages run` in a process of its own, on loopback and free ports."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 25


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Service:
    """The demo service over a data directory; `log` is where its output goes."""

    def __init__(self, data: Path, log: Path, **settings: str) -> None:
        self.data, self.log = data, log
        self.port, self.demo_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GPTIMAGES_")},
            "GPTIMAGES_DATA": str(data),
            "GPTIMAGES_PORT": str(self.port),
            "GPTIMAGES_DEMO_PORT": str(self.demo_port),
            "GPTIMAGES_PUBLIC_URL": self.url,
            **{f"GPTIMAGES_{name.upper()}": value for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Runs `gptimages WORDS` with the service's settings and returns what it said."""
        given = {f"GPTIMAGES_{name.upper()}": value for name, value in settings.items()}
        return subprocess.run(
            [sys.executable, "-m", "gptimages_cli", *words],
            env={**self.environment, **given},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def start(self) -> None:
        """Starts it and waits until it answers. Raises AssertionError with its output when it does not."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gptimages_cli", "run"],
                env=self.environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(self.url + "/healthz", timeout=2).close()
                return
            time.sleep(0.2)
        raise AssertionError(f"The service did not come up:\n{self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """Ends it without warning, as a power cut would: every process of its group."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """Ends it as an operator would."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


@contextlib.contextmanager
def running(directory: Path, **settings: str) -> Iterator[Service]:
    """A started service with its data under `directory`, stopped at the end."""
    service = Service(directory / "data", directory / "service.log", **settings)
    service.start()
    try:
        yield service
    finally:
        service.stop()
