"""The outbox of the object store: keys of objects whose row is gone and whose bytes are still to be destroyed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import StewardBase
from datasteward.catalog import nobody, record, tag
from datasteward.types import UtcDateTime


class ObjectDisposal(StewardBase):
    """An object to destroy; written in the transaction that deletes its row, deleted once the bytes are gone."""

    __tablename__ = "steward_object_disposal"
    __table_args__ = {
        "info": record(
            "system.operations", nobody("Opaque object keys, each there only until its bytes are destroyed.")
        )
    }

    key: Mapped[str] = mapped_column(String(120), primary_key=True, info=tag("system.operations"))
    since: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=tag("system.operations"))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", info=tag("system.operations"))
