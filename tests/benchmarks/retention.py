"""Retention on PostgreSQL against what one would write by hand: the run, its memory, and planning as tables grow.

The rows are usage events of the service's own table, with its indexes and foreign keys; nobody else is connected.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from sqlalchemy import text
from support.postgres import FOR_BENCHMARKS, PostgresServer, server

from datasteward import tables
from datasteward.audit import log as audit
from datasteward.catalog import Catalog
from datasteward.keys import FileRootKey, KeyStore, Vault
from datasteward.objects import EncryptedObjects, LocalDirectory
from datasteward.policy import Period, load
from datasteward.retention import applying, planning, plans
from datasteward.steward import Steward
from gptimages import all_models
from gptimages.db import Database

from .measuring import Row, compared, timed

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CUTOFF = datetime(2025, 10, 23, 9, 0, tzinfo=UTC)
MILLION = 1_000_000
FILL = """
INSERT INTO usage_event (id, account_id, kind, pictures, seconds, created_at)
SELECT substr(md5(n::text), 1, 26), 'person' || n % 1000, 'run', 1, 2.5,
       CASE WHEN n % :all < :due THEN timestamptz '2025-05-01 00:00Z' ELSE timestamptz '2026-06-01 00:00Z' END
       + n * interval '1 second' / :scale
FROM generate_series(1, :rows) n
"""
PEOPLE = """
INSERT INTO account (id, name, email, country, minimum_age, plan, state, created_at, last_seen_at)
SELECT 'person' || n, ''::bytea, ''::bytea, 'NO', 13, 'free', 'active', now(), now() FROM generate_series(0, 999) n
"""
BY_HAND = """
DELETE FROM usage_event WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM usage_event WHERE created_at < :cutoff ORDER BY created_at LIMIT :batch))
"""


def retention_apply(full: bool) -> Row:
    """A million rows of which a tenth is due, audit and certificate included: rows deleted in a second.

    Both sides use the one engine of a running service; before each turn the table is filled anew, so that each finds its
    rows on as many pages.
    """
    with _servers() as (postgres, steward):
        db = Database(_filled(postgres, MILLION, due=MILLION // 10))
        ours, its = timed(lambda: _apply(db, steward), lambda: _by_hand(db, steward), rounds=9)
        db.close()
    return compared("retention-apply", MILLION / 10 / ours, MILLION / 10 / its, "rows/s", (">=", 0.9))


def retention_plan_growth(full: bool) -> Row:
    """Planning ten million rows against a million with the same number due: milliseconds."""
    with _servers() as (postgres, steward):
        small = Database(_filled(postgres, MILLION, due=100_000))
        large = Database(_filled(postgres, 10 * MILLION, due=100_000))
        ours, its = timed(lambda: _plan(large, steward), lambda: _plan(small, steward), rounds=7)
        small.close()
        large.close()
    return compared("retention-plan-growth", ours * 1000, its * 1000, "ms", ("<=", 1.5))


def retention_memory(full: bool) -> Row:
    """The most memory while ten million rows are planned and a tenth of them goes, against 100,000 rows: megabytes of the
    process at its peak. Met when the peak is flat, and less than 100 MB above the same process idle.
    """
    with _servers() as (postgres, _):
        (idle, large), (_, small) = (_peak(postgres, rows) for rows in (10 * MILLION, 100_000))
    row = compared("retention-memory", large, small, "MB", ("<=", 1.1))
    return msgspec.structs.replace(row, met=row.met and large - idle < 100)


@contextmanager
def _servers() -> Iterator[tuple[PostgresServer, Steward]]:
    with server(FOR_BENCHMARKS) as postgres, TemporaryDirectory() as name:
        steward = _steward(Path(name))
        yield postgres, steward
        steward.vault.close()


def _steward(directory: Path) -> Steward:
    """The service's catalog with the one rule that is measured."""
    policies = load(ROOT / "policies")
    rule = msgspec.structs.replace(policies.retention["usage-events"], period=Period(months=13))
    policies = msgspec.structs.replace(policies, retention={rule.id: rule})
    vault = Vault(KeyStore(f"sqlite:///{directory}/keys.db", FileRootKey.create(directory / "root.key")))
    objects = EncryptedObjects(LocalDirectory(directory / "objects"), vault)
    return Steward(Catalog(all_models.metadata, tables.metadata), policies, vault, objects)


def _filled(postgres: PostgresServer, rows: int, *, due: int) -> str:
    url = postgres.database()
    db = Database(url)
    with db.write() as session:
        session.execute(text(PEOPLE))
    _fill(db, rows, due=due)
    db.close()
    return url


def _fill(db: Database, rows: int, *, due: int) -> None:
    with db.write() as session:
        session.execute(text("TRUNCATE usage_event"))
        indexes = session.execute(text("SELECT indexdef, indexname FROM pg_indexes WHERE tablename = 'usage_event'"))
        second = [(made, name) for made, name in indexes if not name.startswith("pk_")]
        for _, name in second:
            session.execute(text(f"DROP INDEX {name}"))
        session.execute(text("SET session_replication_role = replica"))
        session.execute(
            text(FILL), {"rows": rows, "all": rows // 1000, "due": due // 1000, "scale": max(1, rows // MILLION)}
        )
        session.execute(text("SET session_replication_role = DEFAULT"))
        for made, _ in second:
            session.execute(text(made))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def _apply(db: Database, steward: Steward) -> float:
    _fill(db, MILLION, due=MILLION // 10)
    with db.write() as session:
        plan = plans.make(session, steward, by="bench", now=NOW)
    begun = time.perf_counter()
    result = applying.apply(db.write, steward, plan, by="bench", clock=lambda: NOW)
    taken = time.perf_counter() - begun
    assert result.rows == plan.goes == MILLION // 10
    return taken


def _by_hand(db: Database, steward: Steward) -> float:
    """Batches of the same size, each a transaction, found by the index on the clock; one entry in the log at the end."""
    _fill(db, MILLION, due=MILLION // 10)
    batch, gone = steward.policies.limits.retention_batch.value, 0
    begun = time.perf_counter()
    while True:
        with db.write() as session:
            went = session.execute(text(BY_HAND), {"cutoff": CUTOFF, "batch": batch}).rowcount  # type: ignore[attr-defined]
        gone += went
        if went < batch:
            break
    with db.write() as session:
        audit.append(session, "bench.deleted", actor="bench", now=NOW, rows=gone)
    taken = time.perf_counter() - begun
    assert gone == MILLION // 10
    return taken


def _plan(db: Database, steward: Steward) -> float:
    begun = time.perf_counter()
    with db.read() as session:
        made = planning.plan(session, steward, now=NOW)
    assert made.goes == 100_000
    return time.perf_counter() - begun


def _peak(postgres: PostgresServer, rows: int) -> tuple[float, float]:
    """Idle and at the peak, in a process of its own: megabytes."""
    url = _filled(postgres, rows, due=rows // 10)
    run = [sys.executable, "-m", "benchmarks.retention", url, str(rows // 10)]
    told = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "tests"})
    postgres.drop(url)
    idle, peak = told.stdout.split()
    return float(idle), float(peak)


def _measured(url: str, due: int) -> tuple[float, float]:
    """Idle, when everything is open and has run once, and at the peak of a plan and its run."""
    with TemporaryDirectory() as name:
        steward, db = _steward(Path(name)), Database(url)
        limits = steward.policies.limits
        cap = msgspec.structs.replace(limits.retention_most_per_run, value=2 * due)
        limits = msgspec.structs.replace(limits, retention_most_per_run=cap)
        steward = replace(steward, policies=msgspec.structs.replace(steward.policies, limits=limits))
        with db.read() as session:
            planning.plan(
                session, replace(steward, policies=msgspec.structs.replace(steward.policies, retention={})), now=NOW
            )
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (proc(5))
        idle = _status("VmRSS")
        with db.write() as session:
            plan = plans.make(session, steward, by="bench", now=NOW)
        result = applying.apply(db.write, steward, plan, by="bench", clock=lambda: NOW)
        assert result.rows == due
        db.close()
        return idle, _status("VmHWM")


def _status(name: str) -> float:
    """A figure of /proc/self/status in megabytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1000 for line in lines if line.startswith(name))


if __name__ == "__main__":
    print(*_measured(sys.argv[1], int(sys.argv[2])))
