"""`python -m tests.benchmarks`: a row for each figure, `name ours other ratio goal ok|short`; fails when one is short.

The same rows stand as JSON lines in bench.jsonl. `--only NAME` measures one figure, `--full` the largest sizes.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from . import archives, crypto, objects, purposes, retention
from .gdprbench import rows as gdprbench
from .measuring import Row

FIGURES: dict[str, Callable[[bool], Row]] = {
    "field-reveal": crypto.field_reveal,
    "field-insert": crypto.field_insert,
    "field-insert-sqlite": crypto.field_insert_sqlite,
    "stream-encrypt": crypto.stream_encrypt,
    "stream-decrypt": crypto.stream_decrypt,
    "stream-memory": crypto.stream_memory,
    "object-range": objects.object_range,
    "retention-apply": retention.retention_apply,
    "retention-memory": retention.retention_memory,
    "retention-plan-growth": retention.retention_plan_growth,
    "purpose-overhead": purposes.purpose_overhead,
    "gdprbench-controller": gdprbench.controller,
    "gdprbench-customer": gdprbench.customer,
    "gdprbench-processor": gdprbench.processor,
    "gdprbench-regulator": gdprbench.regulator,
    "gdprbench-growth": gdprbench.growth,
    "export-zip": archives.export_zip,
}
RESULTS = Path("bench.jsonl")


def main() -> int:
    """Measures, prints and writes; 1 when a row is short."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measures what the promises on speed say.")
    parser.add_argument("--only", choices=FIGURES, help="measure this figure alone")
    parser.add_argument("--full", action="store_true", help="measure the largest sizes")
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    rows = []
    with RESULTS.open("wb") as out:
        for name in [asked.only] if asked.only else FIGURES:
            row = FIGURES[name](asked.full)
            print(row.line(), flush=True)
            out.write(msgspec.json.encode(row) + b"\n")
            rows.append(row)
    return 0 if all(row.met for row in rows) else 1


sys.exit(main())
