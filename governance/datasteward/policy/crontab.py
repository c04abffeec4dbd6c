"""Whether a time of crontab ever comes: five fields of numbers, `*`, ranges, lists and steps, each within its bounds.

Numbers alone are read, and no names of months and weekdays, on which programs disagree. A weekday is 0 to 6.
"""

from __future__ import annotations

import re
from datetime import date

_FIELDS = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 6)}
_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?", re.ASCII)
_LEAP_YEAR = 2028


def flaw(cron: str) -> tuple[str, str] | None:
    """Why the time never comes, and the remedy; None when it does."""
    fields = cron.split()
    if len(fields) != len(_FIELDS) or not re.fullmatch(r"[\d*/,\- ]+", cron, re.ASCII):
        return f"'{cron}' is not a time of crontab", "write minute, hour, day, month, weekday: 10 2 * * *"
    for (name, (least, most)), field in zip(_FIELDS.items(), fields, strict=True):
        if any(not _within(part, least, most) for part in field.split(",")):
            return f"'{field}' is no {name} of crontab", f"write *, or numbers from {least} to {most}: 1, 1-5, */5"
    if not any(_there_is(month, day) for month in _values(fields[3], 1, 12) for day in _values(fields[2], 1, 31)):
        return f"no year has a day {fields[2]} of month {fields[3]}", "write a day that the month has"
    return None


def _within(part: str, least: int, most: int) -> bool:
    found = _PART.fullmatch(part)
    if found is None:
        return False
    first, last, step = (None if text is None else int(text) for text in found.groups())
    start, end = (least, most) if first is None else (first, last if last is not None else first)
    stepped = step is None or 1 <= step <= end - start
    return least <= start <= end <= most and stepped


def _values(field: str, least: int, most: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start, end = (least, most) if span == "*" else (int(first), int(last or first))
        found.update(range(start, end + 1, int(step or 1)))
    return found


def _there_is(month: int, day: int) -> bool:
    try:
        date(_LEAP_YEAR, month, day)
    except ValueError:
        return False
    return True
