"""Servers that tests start as processes: they end with the tests, and are waited for only so long."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 20
PR_SET_PDEATHSIG = 1


def with_parent(number: signal.Signals) -> Callable[[], None]:
    """For Popen's `preexec_fn`: the kernel ends the process when its parent is gone, even when that was killed (prctl(2))."""

    def ask() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)

    return ask


def wait_until_up(process: subprocess.Popen[bytes], answers: Callable[[], bool], name: str, log: Path) -> None:
    """Asks until the server answers. Raises AssertionError, with the end of its log, when it has ended or takes too long."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if answers():
            return
        time.sleep(0.1)
    raise AssertionError(f"{name} did not come up:\n{log.read_text()[-2000:]}")


def end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Ends the process; once is enough, twice does no harm."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
