"""CSV that is safe to open: a value that a spreadsheet would run as a formula is shown as text instead."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

RISKY = ("=", "+", "-", "@", "\t", "\r")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV (RFC 4180) with a header line; risky values get a leading apostrophe (OWASP, CSV injection)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([neutral(value) for value in row] for row in rows)
    return out.getvalue()


def neutral(value: object) -> object:
    """The value, as text that no spreadsheet runs."""
    return "'" + value if isinstance(value, str) and value.startswith(RISKY) else value
