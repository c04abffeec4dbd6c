"""Applying a retention plan, its account included, against the DELETE that one would write by hand."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, text

from datasteward.audit import log as audit
from datasteward.retention import applying, plans
from gptimages.accounts import people
from gptimages.activity.models import UsageEvent
from gptimages.installation import Installation, open_installation
from gptimages.models import new_id
from gptimages.settings import Settings

from .measuring import Row, compared, timed

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ROWS = 100_000
SHARE = 10  # one row of so many is due


def retention_apply(full: bool) -> Row:
    """100,000 rows of which a tenth is due, on SQLite with the service's own settings: rows deleted in a second."""
    rows = ROWS * (10 if full else 1)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        _fill(directory / "full", rows)
        mine, its = timed(lambda: _apply(_copy(directory)), lambda: _by_hand(_copy(directory), rows // SHARE), rounds=7)
    return compared("retention-apply", rows / SHARE / mine, rows / SHARE / its, "rows/s", (">=", 0.9))


def _fill(directory: Path, rows: int) -> None:
    here = _open(directory)
    with here.db.write() as session:
        account = people.create(
            session, here, name="Ines", email="ines@people.example", country="NO", minimum_age=13, now=NOW
        )
        for start in range(0, rows, 10_000):
            session.execute(insert(UsageEvent), [_event(account.id, start + number) for number in range(10_000)])
    here.db.forget_deleted()
    here.close()


def _event(account_id: str, number: int) -> dict[str, object]:
    age = timedelta(days=500 if number % SHARE == 0 else 100, seconds=number)
    return {
        "id": new_id(), "account_id": account_id, "kind": "generation", "pictures": 1, "seconds": 2.5,
        "created_at": NOW - age,
    }  # fmt: skip


def _apply(here: Installation) -> float:
    with here.db.write() as session:
        plan = plans.make(session, here.steward, by="bench", now=NOW)
    begun = time.perf_counter()
    result = applying.apply(here.db.write, here.steward, plan, by="bench", now=NOW, looked_at=True)
    taken = time.perf_counter() - begun
    assert result.rows == plan.goes > 0
    here.close()
    return taken


def _by_hand(here: Installation, due: int) -> float:
    """Batches of the same size, each a transaction, found by the index on the clock; one entry in the log at the end."""
    batch = here.policies.limits.retention_batch.value
    cutoff = (NOW - timedelta(days=400)).strftime("%Y-%m-%d %H:%M:%S.%f")
    statement = text(
        "DELETE FROM usage_event WHERE id IN (SELECT id FROM usage_event WHERE created_at < :cutoff LIMIT :batch)"
    )
    gone = 0
    begun = time.perf_counter()
    while True:
        with here.db.write() as session:
            went = session.execute(statement, {"cutoff": cutoff, "batch": batch}).rowcount  # type: ignore[attr-defined]
        gone += went
        if went < batch:
            break
    with here.db.write() as session:
        audit.append(session, "bench.deleted", actor="bench", now=NOW, rows=gone)
    taken = time.perf_counter() - begun
    assert gone == due
    here.close()
    return taken


def _copy(directory: Path) -> Installation:
    run = directory / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(directory / "full", run)
    return _open(run)


def _open(directory: Path) -> Installation:
    return open_installation(Settings(data=directory, policies=ROOT / "policies", demo=True), lambda: NOW)
