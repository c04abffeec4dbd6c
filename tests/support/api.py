"""The JSON API as a program calls it, with a person's token; and waiting, within bounds, until a run is over."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

from support.service import Service


def call(service: Service, token: str, method: str, path: str, body: Any = None) -> Any:
    """Calls the JSON API as the person of the token."""
    request = urllib.request.Request(
        service.url + path, method=method, data=None if body is None else json.dumps(body).encode()
    )
    request.add_header("authorization", f"Bearer {token}")
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def wait_until_done(service: Service, token: str, run_id: str) -> dict[str, Any]:
    """The run, once it is over; gives up after two minutes."""
    for _ in range(240):
        run: dict[str, Any] = call(service, token, "GET", f"/api/v1/runs/{run_id}")["run"]
        if run["state"] not in ("queued", "running"):
            return run
        time.sleep(0.5)
    raise AssertionError("The run did not end.")
