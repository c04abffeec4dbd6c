"""Asking for an erasure, holding it back, and counting what is left, in whatever service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from datasteward.retention import holds
from datasteward.retention.scope import Scope
from datasteward.rights import requests


def asked(service: Any, subject: str) -> str:
    """An erasure that waits for nothing."""
    with service.write() as session:
        return requests.ask(session, service.steward.policies, subject, "erasure", country="NO", now=service.clock()).id


def hold(service: Any, **scope: Any) -> str:
    """Places a hold and returns its id."""
    until = service.clock() + timedelta(days=9)
    with service.write() as session:
        return holds.place(
            session, service.steward, Scope(**scope), "24-117", review_at=until, by="legal", now=service.clock()
        ).id


def lift(service: Any, hold_id: str) -> None:
    """Lifts it."""
    with service.write() as session:
        holds.lift(session, hold_id, by="legal", now=service.clock())


def number(service: Any, table: str) -> int:
    """How many rows a table has."""
    with service.write() as session:
        return session.scalar(select(func.count()).select_from(service.steward.catalog.table(table))) or 0
