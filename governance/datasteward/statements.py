"""Running a statement that changes rows, and learning how many it changed."""

from __future__ import annotations

from typing import cast

from sqlalchemy import CursorResult, Delete, Insert, Update
from sqlalchemy.orm import Session


def changed(session: Session, statement: Update | Delete | Insert) -> int:
    """Executes the statement in the caller's transaction and returns how many rows it changed."""
    return cast("CursorResult[object]", session.execute(statement)).rowcount
