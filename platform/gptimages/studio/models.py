"""The tables of the studio: what was asked for, what came of it, and what the person did with it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.catalog import owned_by, owned_via, record, tag
from datasteward.keys import Box
from datasteward.types import Sealed, UtcDateTime
from gptimages.models import AccountId, Base, Id, Moment, ObjectKey


class Generation(Base):
    """One run: the words, the settings, and how far it is.

    `state`: queued, running, done, refused (by the engine), failed, stopped (by the person). `prompt` is empty once
    the person asked that the words be forgotten. `problem` is the sentence that the person reads.
    """

    __tablename__ = "generation"
    __table_args__ = (
        Index("ix_generation_account_id_created_at", "account_id", "created_at"),
        {"info": record("user.content.private.generation", owned_by("account_id"), clocks={"created": "created_at"})},
    )

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    prompt: Mapped[Box | None] = mapped_column(Sealed(), info=tag("user.content.private.prompt"))
    keep_prompt: Mapped[bool] = mapped_column(default=True, info=tag("user.content.private.generation"))
    style: Mapped[str] = mapped_column(String(40), info=tag("user.content.private.generation"))
    width: Mapped[int] = mapped_column(info=tag("user.content.private.generation"))
    height: Mapped[int] = mapped_column(info=tag("user.content.private.generation"))
    count: Mapped[int] = mapped_column(info=tag("user.content.private.generation"))
    quality: Mapped[str] = mapped_column(String(10), info=tag("user.content.private.generation"))
    background: Mapped[str] = mapped_column(String(12), info=tag("user.content.private.generation"))
    format: Mapped[str] = mapped_column(String(5), info=tag("user.content.private.generation"))
    moderation: Mapped[str] = mapped_column(String(5), info=tag("user.content.private.generation"))
    seed: Mapped[int | None] = mapped_column(BigInteger, info=tag("user.content.private.generation"))
    processor: Mapped[str | None] = mapped_column(String(40), info=tag("user.content.private.generation"))
    model: Mapped[str | None] = mapped_column(String(80), info=tag("user.content.private.generation"))
    is_preview: Mapped[bool] = mapped_column(default=False, info=tag("user.content.private.generation"))
    state: Mapped[str] = mapped_column(String(10), default="queued", index=True, info=tag("system.operations"))
    problem: Mapped[str | None] = mapped_column(String(300), info=tag("user.content.private.generation"))
    picture: Mapped[int] = mapped_column(default=0, info=tag("system.operations"))
    step: Mapped[int] = mapped_column(default=0, info=tag("system.operations"))
    steps: Mapped[int] = mapped_column(default=0, info=tag("system.operations"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.content.private.generation"))
    sent_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]


class ReferenceImage(Base):
    """A picture that the person gave us to start from, rebuilt from its pixels; place and camera data are gone."""

    __tablename__ = "reference_image"
    __table_args__ = {
        "info": record(
            "user.content.private.reference",
            owned_by("account_id"),
            clocks={"created": "created_at", "last_used": "last_used_at"},
        )
    }

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    object: Mapped[str] = mapped_column(ObjectKey, info=tag("user.content.private.reference", holds="object"))
    media_type: Mapped[str] = mapped_column(String(20), info=tag("system.operations"))
    width: Mapped[int] = mapped_column(info=tag("user.content.private.generation"))
    height: Mapped[int] = mapped_column(info=tag("user.content.private.generation"))
    bytes: Mapped[int] = mapped_column(info=tag("system.operations"))
    created_at: Mapped[Moment]
    last_used_at: Mapped[Moment]


class GenerationReference(Base):
    """Which reference a run started from, in which place; `role` is `reference` or `mask`."""

    __tablename__ = "generation_reference"
    __table_args__ = (
        UniqueConstraint("generation_id", "role", "position"),
        {"info": record("user.content.private.generation", owned_via("generation_id"))},
    )

    id: Mapped[Id]
    generation_id: Mapped[str] = mapped_column(
        ForeignKey("generation.id", ondelete="CASCADE"), info=tag("system.operations")
    )
    reference_id: Mapped[str] = mapped_column(
        ForeignKey("reference_image.id", ondelete="CASCADE"), index=True, info=tag("system.operations")
    )
    role: Mapped[str] = mapped_column(String(10), info=tag("user.content.private.generation"))
    position: Mapped[int] = mapped_column(info=tag("user.content.private.generation"))


class Image(Base):
    """A picture that was made: the encrypted original, and a smaller encrypted copy for lists."""

    __tablename__ = "image"
    __table_args__ = (
        UniqueConstraint("generation_id", "position"),
        Index("ix_image_account_id_created_at", "account_id", "created_at", "id"),
        {"info": record("user.content.private.image", owned_by("account_id"), clocks={"created": "created_at"})},
    )

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    generation_id: Mapped[str] = mapped_column(
        ForeignKey("generation.id", ondelete="CASCADE"), info=tag("system.operations")
    )
    position: Mapped[int] = mapped_column(info=tag("user.content.private.generation"))
    object: Mapped[str] = mapped_column(ObjectKey, info=tag("user.content.private.image", holds="object"))
    thumbnail: Mapped[str] = mapped_column(
        ObjectKey,
        info=tag(
            "user.content.private.image", export=False, why_not="A smaller copy of the same picture.", holds="object"
        ),
    )
    media_type: Mapped[str] = mapped_column(String(20), info=tag("user.content.private.generation"))
    width: Mapped[int] = mapped_column(info=tag("user.content.private.generation"))
    height: Mapped[int] = mapped_column(info=tag("user.content.private.generation"))
    bytes: Mapped[int] = mapped_column(info=tag("user.content.private.generation"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.content.private.generation"))


class StylePreference(Base):
    """What the person chose last, offered again next time; one row a person."""

    __tablename__ = "style_preference"
    __table_args__ = {
        "info": record("user.content.preference", owned_by("account_id"), clocks={"last_used": "updated_at"})
    }

    id: Mapped[Id]
    account_id: Mapped[str] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), unique=True, info=tag("user.unique_id")
    )
    style: Mapped[str] = mapped_column(String(40), info=tag("user.content.preference"))
    width: Mapped[int] = mapped_column(info=tag("user.content.preference"))
    height: Mapped[int] = mapped_column(info=tag("user.content.preference"))
    quality: Mapped[str] = mapped_column(String(10), info=tag("user.content.preference"))
    count: Mapped[int] = mapped_column(info=tag("user.content.preference"))
    updated_at: Mapped[Moment]


class Favourite(Base):
    """A picture that the person marked."""

    __tablename__ = "favourite"
    __table_args__ = (
        UniqueConstraint("image_id"),
        {"info": record("user.content.favourite", owned_by("account_id"), clocks={"created": "created_at"})},
    )

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    image_id: Mapped[str] = mapped_column(
        ForeignKey("image.id", ondelete="CASCADE"), info=tag("user.content.favourite")
    )
    created_at: Mapped[Moment]


class ShareLink(Base):
    """A link under which anyone who has it sees one picture, until it ends; only its SHA-256 is stored."""

    __tablename__ = "share_link"
    __table_args__ = {
        "info": record(
            "user.content.share",
            owned_by("account_id"),
            clocks={"created": "created_at", "expires": "expires_at", "ended": "ended_at"},
        )
    }

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    image_id: Mapped[str] = mapped_column(
        ForeignKey("image.id", ondelete="CASCADE"), index=True, info=tag("user.content.share")
    )
    token_hash: Mapped[str] = mapped_column(
        String(64), unique=True, info=tag("user.content.share", export=False, why_not="It would open the link.")
    )
    opened: Mapped[int] = mapped_column(default=0, info=tag("user.content.share"))
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
