"""The template environment: autoescaping always, undefined names are errors, and filters for figures and times.

Figures have a thin separator (U+202F); times carry the UTC time for whoever hovers, and stand in UTC words otherwise.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
THIN = "\u202f"
UNITS = ("bytes", "kB", "MB", "GB", "TB")


def environment(*more: Path) -> Environment:
    """A template environment over the service's templates and `more` directories."""
    made = Environment(
        loader=FileSystemLoader([TEMPLATES, *more]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = asset
    made.filters |= {"figure": figure, "size": size, "moment": moment, "day": day, "plural": plural, "utc": utc}
    return made


@cache
def asset(name: str) -> str:
    """The address of a file under static/, with a part that changes with its contents, so that it may be kept for long."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def figure(number: float) -> str:
    """A number with thin separators: 12 345."""
    return f"{number:,}".replace(",", THIN)


def size(number: int) -> str:
    """A number of bytes in the unit that suits it: 1.9 MB."""
    value, unit = float(number), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f}{THIN}{UNITS[unit]}" if unit < 2 or value >= 100 else f"{value:.1f}{THIN}{UNITS[unit]}"


def moment(at: datetime, words: str | None = None) -> Markup:
    """A `time` element: `22 Nov 2026, 10:14`, or the words given, with the exact UTC time on hover."""
    exact = at.astimezone(UTC)
    shown = words or f"{exact.day} {exact:%b %Y, %H:%M}"
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        exact.strftime("%Y-%m-%dT%H:%M:%SZ"), exact.strftime("%Y-%m-%d %H:%M:%S"), shown
    )


def day(at: date | datetime) -> Markup:
    """A `time` element with the day alone: `22 November 2026`."""
    title = utc(at) if isinstance(at, datetime) else at.isoformat()
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.strftime("%Y-%m-%d"), title, f"{at.day} {at:%B %Y}"
    )


def utc(at: datetime) -> str:
    """`2026-11-22 10:14:02 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def plural(number: int, one: str, many: str | None = None) -> Markup:
    """`1 picture`, `2 pictures`."""
    word = one if number == 1 else (many or one + "s")
    return Markup("{} {}").format(figure(number), escape(word))
