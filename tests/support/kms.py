"""An AWS KMS for tests that really refuses deleted and disabled keys: ministack, in an environment of its own.

Its requirements are not ours, so it has a lock of its own and is installed apart, once, under the user's cache directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from support.processes import end, wait_until_up, with_parent
from support.service import free_port

LOCK = Path(__file__).parents[2] / "requirements-kms.lock"


def _program() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gptimages-tests"
    cache = cache / f"ministack-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    program = cache / "bin" / "ministack"
    cache.parent.mkdir(parents=True, exist_ok=True)
    with cache.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of a test run begin at once
        if not program.exists():
            subprocess.run([sys.executable, "-m", "venv", cache], check=True)
            subprocess.run([cache / "bin" / "pip", "install", "-q", "--require-hashes", "-r", LOCK], check=True)
    return program


@contextlib.contextmanager
def kms() -> Iterator[str]:
    """The address of the service, as long as the block runs."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="kms-") as directory:
        told = {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "GATEWAY_PORT": str(port), "HOME": directory}
        log = Path(directory) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [_program()],
                env={"PATH": os.defpath, **told},
                cwd=directory,
                stdout=out,
                stderr=out,
                preexec_fn=with_parent(signal.SIGKILL),
            )
        try:
            wait_until_up(process, lambda: _answers(f"{address}/_ministack/health"), "ministack", log)
            yield address
        finally:
            end(process, signal.SIGKILL)


def _answers(address: str) -> bool:
    with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(address, timeout=2):
        return True
    return False
