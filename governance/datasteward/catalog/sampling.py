"""Some values of a column on a live system, and what stands inside a JSON value, by key path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column

from datasteward.catalog.tags import Tag
from datasteward.policy.policyset import PolicySet


def sampled(session: Session, policies: PolicySet, column: Column[Any]) -> list[Any]:
    """Some values of the column, from the newest key down, as many as lookalikes.yaml says."""
    key = [each.desc() for each in column.table.primary_key.columns]
    found = select(column).where(column.is_not(None)).order_by(*key).limit(policies.lookalikes.sample)
    return list(session.scalars(found))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value inside a JSON value with its key path; positions in lists are no part of it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def tagged_path(tag: Tag, path: str) -> Tag | None:
    """The tag of a key path inside a JSON column, its own or the nearest one above it; None when there is none."""
    parts = path.split(".")
    steps = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((tag.paths[step] for step in steps if step in tag.paths), None)
