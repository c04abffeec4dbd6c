"""A ledger in each place where entries can be kept, and what a test needs to spoil it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.entries import Entries, Files, Keys
from support.seaweed import PLAIN, VERSIONED

from datasteward.ledger import Ledger, open_ledger

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

Opener = Callable[[], Ledger]


@pytest.fixture(params=["directory", PLAIN, VERSIONED])
def entries(request: pytest.FixtureRequest, tmp_path: Path) -> Entries:
    """An empty place of each kind; a test that asks for it, or for a ledger, runs once on every one."""
    if request.param == "directory":
        return Files(tmp_path / "ledger")
    return Keys(request.getfixturevalue("seaweed"), request.param)


@pytest.fixture
def open_it(tmp_path: Path, entries: Entries) -> Opener:
    """Opens the ledger as another process would."""
    store = entries.store()
    return lambda: open_ledger(store, tmp_path / "ledger.key", now=NOW)


@pytest.fixture
def ledger(open_it: Opener) -> Ledger:
    """A ledger of five destructions."""
    opened = open_it()
    for number in range(5):
        opened.add(f"person-{number}", "erasure", now=NOW)
    return opened
