"""A power cut in the middle of a run: after the next start it is finished, and nothing is lost or there twice."""

from __future__ import annotations

import time
from pathlib import Path

from support.api import call, wait_until_done
from support.service import Service


def test_killed_in_mid_generation(tmp_path: Path) -> None:
    """A run that was cut off by a kill is taken up at the next start and ends with exactly the pictures asked for."""
    service = Service(tmp_path / "data", tmp_path / "service.log")
    service.start()
    try:
        token = service.command("demo", "token", "ines").stdout.split()[-1]
        run = call(service, token, "POST", "/api/v1/images", {"prompt": "four stones", "count": 3, "quality": "draft"})[
            "run"
        ]
        for _ in range(120):
            if call(service, token, "GET", f"/api/v1/runs/{run['id']}")["run"]["state"] == "running":
                break
            time.sleep(0.1)
        service.kill()
        service.start()
        assert wait_until_done(service, token, run["id"])["state"] == "done"
        pictures = call(service, token, "GET", "/api/v1/images")["images"]
        assert len(pictures) == 3
    finally:
        service.stop()
