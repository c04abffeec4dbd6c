"""The tables of accounts: the profile, who vouches for it, its sessions, tokens and roles."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.catalog import is_subject, nobody, owned_by, record, tag
from datasteward.keys import Box
from datasteward.types import Sealed, UtcDateTime
from gptimages.models import AccountId, Base, Id, Moment, ObjectKey


class Account(Base):
    """A person who uses the service: the data subject whose id all other tables hold.

    `state` is `active`, or `closing` while an erasure waits. `minimum_age` is the age that was asked for at sign-up;
    the birth date itself is never stored.
    """

    __tablename__ = "account"
    __table_args__ = {
        "info": record(
            "user.account", is_subject("id"), clocks={"created": "created_at", "last_activity": "last_seen_at"}
        )
    }

    id: Mapped[str] = mapped_column(String(26), primary_key=True, info=tag("user.unique_id"))
    name: Mapped[Box] = mapped_column(Sealed(), info=tag("user.name"))
    email: Mapped[Box] = mapped_column(Sealed(), info=tag("user.contact.email"))
    avatar: Mapped[str | None] = mapped_column(ObjectKey, info=tag("user.content.self_image", holds="object"))
    country: Mapped[str] = mapped_column(String(2), info=tag("user.contact.address.country"))
    minimum_age: Mapped[int] = mapped_column(info=tag("user.account"))
    scheme: Mapped[str | None] = mapped_column(String(5), info=tag("user.account.settings"))
    plan: Mapped[str] = mapped_column(String(20), info=tag("user.account"))
    state: Mapped[str] = mapped_column(String(10), default="active", index=True, info=tag("user.account"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=tag("user.account"))
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=tag("user.account"))


class Identity(Base):
    """Who vouches for an account: an OpenID provider's issuer and its subject. Never the mail address."""

    __tablename__ = "identity"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        {"info": record("user.authorization.identity", owned_by("account_id"), clocks={"created": "created_at"})},
    )

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    issuer: Mapped[str] = mapped_column(String(255), info=tag("user.authorization.identity"))
    subject: Mapped[str] = mapped_column(String(255), info=tag("user.authorization.identity"))
    created_at: Mapped[Moment]


class WebSession(Base):
    """A signed-in browser. The cookie's secret is stored as its SHA-256 alone; `ended_at` revokes it for good."""

    __tablename__ = "web_session"
    __table_args__ = {
        "info": record(
            "user.authorization.session",
            owned_by("account_id"),
            clocks={"created": "created_at", "last_used": "last_seen_at", "expires": "expires_at", "ended": "ended_at"},
        )
    }

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    device_id: Mapped[str | None] = mapped_column(
        ForeignKey("device_record.id", ondelete="SET NULL"), index=True, info=tag("system.operations")
    )
    secret_hash: Mapped[str] = mapped_column(
        String(64),
        unique=True,
        info=tag("user.authorization.session", export=False, why_not="Whoever reads it could look for your session."),
    )
    created_at: Mapped[Moment]
    authenticated_at: Mapped[Moment]
    last_seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]


class SignInAttempt(Base):
    """A sign-in under way at the identity provider: what the answer must match. Gone when it comes back or expires."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = {
        "info": record(
            "user.authorization.attempt",
            nobody("Random values of a sign-in that has no account yet; they live for minutes."),
            clocks={"created": "created_at", "expires": "expires_at"},
        )
    }

    id: Mapped[Id]
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True, info=tag("system.operations"))
    state: Mapped[str] = mapped_column(String(64), info=tag("system.operations"))
    nonce: Mapped[str] = mapped_column(String(64), info=tag("system.operations"))
    verifier: Mapped[str] = mapped_column(String(128), info=tag("system.operations"))
    next_path: Mapped[str] = mapped_column(String(200), info=tag("system.operations"))
    country: Mapped[str] = mapped_column(String(2), info=tag("user.authorization.attempt"))
    minimum_age: Mapped[int | None] = mapped_column(info=tag("user.authorization.attempt"))
    fresh: Mapped[bool] = mapped_column(Boolean, info=tag("system.operations"))
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]


class RoleGrant(Base):
    """A role of policies/roles.yaml that a person was given; `ended_at` takes it back and keeps the record."""

    __tablename__ = "role_grant"
    __table_args__ = (
        Index("ix_role_grant_account_id_role", "account_id", "role"),
        {
            "info": record(
                "user.account.role", owned_by("account_id"), clocks={"created": "granted_at", "ended": "ended_at"}
            )
        },
    )

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    role: Mapped[str] = mapped_column(String(20), info=tag("user.account.role"))
    granted_by: Mapped[str] = mapped_column(
        String(40), info=tag("user.unique_id", export=False, why_not="Names a member of staff.")
    )
    granted_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]


class ApiToken(Base):
    """A key for programs that act for the person; stored as its SHA-256 alone, limited to its scopes."""

    __tablename__ = "api_token"
    __table_args__ = {
        "info": record(
            "user.authorization.token",
            owned_by("account_id"),
            clocks={"created": "created_at", "last_used": "last_used_at", "expires": "expires_at", "ended": "ended_at"},
        )
    }

    id: Mapped[Id]
    account_id: Mapped[AccountId]
    label: Mapped[str] = mapped_column(String(60), info=tag("user.authorization.token"))
    secret_hash: Mapped[str] = mapped_column(
        String(64),
        unique=True,
        info=tag("user.authorization.token", export=False, why_not="Whoever reads it could look for your token."),
    )
    scopes: Mapped[list[str]] = mapped_column(JSON, info=tag("user.authorization.token", holds="list"))
    created_at: Mapped[Moment]
    last_used_at: Mapped[Moment | None]
    expires_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
