"""`gptimages demo`: invented people for a demo database."""

from __future__ import annotations

import re
from pathlib import Path

from support.service import Service


def test_demo_fills_an_empty_directory(tmp_path: Path) -> None:
    """One command makes the demo's own people and the invented ones, and says what it does meanwhile."""
    service = Service(tmp_path / "data", tmp_path / "log")
    done = service.command("demo", "--people", "3")
    assert done.returncode == 0, done.stderr
    assert "There are 3 invented people more." in done.stdout
    assert "3 people made" in done.stderr
    accounts = re.search(r"Accounts +(\d+)", service.command("keys", "status", demo="true").stdout)
    assert accounts is not None
    assert int(accounts[1]) == 6 + 3


def test_demo_token_of_nobody(tmp_path: Path) -> None:
    """Who is not one of the demo's people gets no token, and nothing is made for it."""
    done = Service(tmp_path / "data", tmp_path / "log").command("demo", "token", "nobody")
    assert done.returncode == 1
    assert done.stderr.startswith("There is no such person in the demo: name one of ines,")
    assert not (tmp_path / "data").exists()
