"""What rules do other than deleting, in the small service of retention_tables: who archives, shreds and anonymises what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from support.retention_tables import METADATA, by_methods, rule

from datasteward.disposal.models import KeyDisposal
from datasteward.policy import Method
from datasteward.steward import Steward
from gptimages.db import Database

Ruled = Callable[..., Steward]
USAGE = "user.behavior.usage"
CROWD = [f"guest{number}" for number in range(5)]


def archived(ruled: Ruled, **more: Any) -> Steward:
    """Visits are archived by kind and month after thirty days."""
    how = {"kind": "as_is", "at": "month"}
    return ruled({"use": rule("use", USAGE, action="archive", generalise=how, **more)}, metadata=METADATA)


def shredding(ruled: Ruled, **more: Any) -> Steward:
    """The keys of people go thirty days after their account was closed."""
    return ruled({"keys": rule("keys", "user.account", action="shred", clock="closed", **more)}, metadata=METADATA)


def method(name: Any, **more: Any) -> Method:
    """A method of anonymisation."""
    return Method(method=name, why="test", source="test", **more)


METHODS = {
    "user.device.ip_address": method("truncate_ip", v4=24, v6=48),
    "user.device.user_agent": method("fixed", value="a browser"),
    "user.authorization.token": method("keyed_hash"),
    "user.behavior.engagement": method("coarse_time", to="day"),
}


def anonymising(ruled: Ruled, *categories: str, **more: Any) -> Steward:
    """Columns of these categories of visits become anonymous after thirty days, by METHODS."""
    use = rule("use", USAGE, action="anonymise", anonymise=categories or tuple(METHODS))
    return by_methods(ruled({"use": use}, metadata=METADATA, **more), METHODS)


def promised(db: Database) -> list[str]:
    """The people whose key is promised to destruction and not destroyed."""
    with db.read() as session:
        return list(session.scalars(select(KeyDisposal.subject_id).where(KeyDisposal.done_at.is_(None))))
