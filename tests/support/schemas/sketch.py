"""A made-up service in a few lines, for whoever reads a failing example."""

from __future__ import annotations

from collections.abc import Iterator

from support.schemas.filling import Service
from support.schemas.shapes import Key, Shape

from datasteward.catalog import Road


def sketch(service: Service) -> str:
    """A line for each table and for each row what is filled in it."""
    return "\n".join(_lines(service))


def _lines(service: Service) -> Iterator[str]:
    yield f"under a hold: {', '.join(sorted(service.held)) or 'nobody'}"
    for shape in service.schema:
        yield " ".join(_table(shape))
        for row in service.rows[shape.name]:
            yield f"    { ({name: value for name, value in row.items() if value is not None}) }"


def _table(shape: Shape) -> Iterator[str]:
    yield f"{shape.name} ({', '.join(shape.key)})"
    yield from (f"[{_road(road)}]" for road in shape.roads)
    yield from (_key(key) for key in shape.keys)
    yield f"people: {', '.join(shape.people)}; optional: {', '.join(sorted(shape.optional))};"
    yield from [f"secret shared through {shape.shares};"] * bool(shape.shares)
    yield f"{shape.action} after {shape.days}" if shape.action else "no rule"
    yield from ["without a clock"] * (not shape.clock) + ["kept by law"] * shape.kept


def _road(road: Road) -> str:
    over = ", ".join((*([road.table] if road.table else []), *road.columns))
    leaving = f"{road.leaving.what} {', '.join(road.leaving.columns)}".strip()
    return f"{'owned' if road.owns else 'seen'} {road.kind} {over}: {leaving}{f', hides {road.hides}' if road.hides else ''}"


def _key(key: Key) -> str:
    return f"{', '.join(key.columns)} → {key.to}{' or nothing' if key.lets_go else ''};"
