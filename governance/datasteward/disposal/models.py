"""The outboxes of disposal: objects whose row is gone and whose bytes are still to go, and people whose key is to go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.base import StewardBase
from datasteward.catalog import nobody, owned_by, record, tag
from datasteward.objects.store import LONGEST_KEY
from datasteward.types import UtcDateTime

ObjectKey = String(LONGEST_KEY)
"""The column type for keys of objects; columns that name one are tagged `holds="object"`."""


class ObjectDisposal(StewardBase):
    """An object to destroy; written in the transaction that deletes its row, deleted once the bytes are gone."""

    __tablename__ = "steward_object_disposal"
    __table_args__ = {
        "info": record(
            "system.operations", nobody("Opaque object keys, each there only until its bytes are destroyed.")
        )
    }

    key: Mapped[str] = mapped_column(ObjectKey, primary_key=True, info=tag("system.operations"))
    since: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=tag("system.operations"))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", info=tag("system.operations"))


class KeyDisposal(StewardBase):
    """A person whose keys are promised to destruction while rows of theirs stay; `done_at` when they are gone.

    Those for content go at once, those for records when no row needs them any more. It stays as the proof, like the
    answer to a request under the law.
    """

    __tablename__ = "steward_key_disposal"
    __table_args__ = {
        "info": record("user.legal.request", owned_by("subject_id"), clocks={"created": "since", "closed": "done_at"})
    }

    subject_id: Mapped[str] = mapped_column(String(40), primary_key=True, info=tag("user.unique_id"))
    use: Mapped[str] = mapped_column(
        String(16), primary_key=True, default="content", server_default="content", info=tag("user.legal.request")
    )
    since: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.legal.request"))
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime(), info=tag("user.legal.request"))
