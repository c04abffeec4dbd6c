"""A ledger in a directory of its own, and what a test needs to spoil it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from datasteward.ledger import DirectoryOfEntries, Ledger, open_ledger

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

Opener = Callable[[], Ledger]


@pytest.fixture
def entries(tmp_path: Path) -> Path:
    """The directory of the entries."""
    return tmp_path / "ledger"


@pytest.fixture
def open_it(tmp_path: Path, entries: Path) -> Opener:
    """Opens the ledger as another process would."""
    return lambda: open_ledger(DirectoryOfEntries(entries), tmp_path / "ledger.key", now=NOW)


@pytest.fixture
def ledger(open_it: Opener) -> Ledger:
    """A ledger of five destructions."""
    opened = open_it()
    for number in range(5):
        opened.add(f"person-{number}", "erasure", now=NOW, certificate="ab" * 32)
    return opened
