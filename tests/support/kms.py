"""An AWS KMS for tests that really refuses deleted and disabled keys: ministack, in an environment of its own.

Its requirements are not ours, so it is installed apart, once, under the user's cache directory.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from support.service import free_port

PACKAGE = "ministack==1.5.*"
START_SECONDS = 60


def _program() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gptimages-tests" / "ministack"
    program = cache / "bin" / "ministack"
    if not program.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", cache], check=True)
        subprocess.run([cache / "bin" / "pip", "install", "-q", PACKAGE], check=True)
    return program


@contextlib.contextmanager
def kms() -> Iterator[str]:
    """The address of the service, as long as the block runs."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="kms-") as directory:
        told = {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "GATEWAY_PORT": str(port), "HOME": directory}
        with (Path(directory) / "log").open("wb") as log:
            process = subprocess.Popen(
                [_program()], env={"PATH": os.defpath, **told}, cwd=directory, stdout=log, stderr=log
            )
        try:
            _wait(process, f"{address}/_ministack/health")
            yield address
        finally:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.1)
    raise AssertionError("The service for keys did not come up.")
