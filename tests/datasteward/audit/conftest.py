"""A database with the toolkit's tables, for the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from datasteward import tables
from gptimages.db import Database


@pytest.fixture
def audit_db(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    db = Database(f"sqlite:///{tmp_path / 'audit.db'}")
    tables.metadata.create_all(db.engine)
    yield db
    db.close()
