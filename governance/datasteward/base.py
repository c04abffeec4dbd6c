"""The toolkit's own tables: one declarative base, and the columns that several of them share.

They refer to a data subject by its opaque id, never by a foreign key into the service, so that they outlive an erasure.
"""

from __future__ import annotations

import base64
import secrets
from typing import Annotated

from sqlalchemy import MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

from datasteward.catalog import tag

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of constraints and indexes, fixed so that migrations can refer to them on every database."""

ID_LENGTH = 26

Id = Annotated[str, mapped_column(String(ID_LENGTH), primary_key=True, info=tag("system.operations"))]
"""The primary key of a row: opaque, made by `new_id` before the row is written, so that ciphertext can be bound to it."""


def new_id() -> str:
    """128 random bits as 26 characters of lower-case base32 (RFC 4648, no padding); fit for URLs and object keys."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


class StewardBase(DeclarativeBase):
    """Base of the toolkit's tables; their names begin with `steward_`."""

    metadata = MetaData(naming_convention=NAMING)
