"""The service's declarative base, the columns that many tables share, and the list of all its models.

Each noun's tables stand in its own folder (`accounts/models.py`, …); importing `all_models` brings them all together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import ForeignKey, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

from datasteward.base import ID_LENGTH, NAMING, Id, new_id
from datasteward.catalog import tag
from datasteward.disposal.models import ObjectKey
from datasteward.types import UtcDateTime

AccountId = Annotated[
    str,
    mapped_column(
        String(ID_LENGTH), ForeignKey("account.id", ondelete="CASCADE"), index=True, info=tag("user.unique_id")
    ),
]
"""The person whose row this is; the row goes with the account."""

Moment = Annotated[datetime, mapped_column(UtcDateTime(), info=tag("system.operations"))]
"""A point in time, aware, UTC."""


class Base(DeclarativeBase):
    """Base of the service's tables."""

    metadata = MetaData(naming_convention=NAMING)


__all__ = ["AccountId", "Base", "Id", "Moment", "ObjectKey", "new_id"]
