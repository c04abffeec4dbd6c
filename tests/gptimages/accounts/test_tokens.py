"""Tokens: less than a person who signed in, cheap to refuse, and a use of the service like any other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from gptimages.accounts import sessions, tokens
from gptimages.accounts.models import Account, ApiToken, WebSession
from gptimages.activity.models import DeviceRecord
from gptimages.models import new_id
from gptimages.publishing.models import Acceptance, PolicyNotice, PolicyVersion
from gptimages.web.visitor import NOBODY


@pytest.fixture
def ines(person) -> Account:
    """Somebody."""
    return person()


@pytest.fixture
def token(here, clock, ines) -> str:
    """A token of hers for everything."""
    with here.db.write() as session:
        secret, _ = tokens.create(session, here, ines.id, "all", list(tokens.SCOPES), now=clock())
    return secret


def writes(here: Any) -> list[str]:
    """What takes the database's one write lock from now on."""
    found: list[str] = []

    @event.listens_for(here.db.engine, "before_cursor_execute")
    def executed(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith(("BEGIN IMMEDIATE", "UPDATE", "INSERT")):
            found.append(statement)

    return found


def test_a_token_is_never_fresh(here, clock, token):
    """Holding a token is not having signed in lately."""
    assert not tokens.visitor(here, token, clock()).fresh


def test_an_unknown_token_writes_nothing(here, clock, ines, token):
    """Guessing tokens takes no write lock, and using one takes it once a minute at most."""
    written = writes(here)
    assert tokens.visitor(here, "gi_unknown", clock()) == NOBODY
    assert written == []
    for _ in range(3):
        assert tokens.visitor(here, token, clock()).account_id == ines.id
    assert sum(statement.startswith("UPDATE api_token") for statement in written) == 1
    later = clock.move(minutes=2)
    assert tokens.visitor(here, token, later).account_id == ines.id
    with here.db.read() as session:
        assert session.scalars(select(ApiToken.last_used_at)).one() == later


def test_using_a_token_is_going_on(here, clock, ines, token):
    """Who was told of a policy and uses the service by a token afterwards goes on under it, and that is recorded."""
    told, begins = clock(), clock() + timedelta(days=30)
    with here.db.write() as session:
        version = PolicyVersion(
            version=f"{begins:%Y-%m-%d}",
            title="Another policy",
            summary="What changes",
            material=True,
            body={},
            text_hash="",
            policy_hash="",
            effective_at=begins,
            published_at=told,
            published_by="legal",
        )
        session.add(version)
        session.flush()
        session.add(PolicyNotice(id=new_id(), account_id=ines.id, version=version.version, told_at=told))
    clock.now = begins + timedelta(hours=1)
    tokens.visitor(here, token, clock())
    with here.db.read() as session:
        assert session.scalars(select(Acceptance.how).where(Acceptance.version == version.version)).all() == ["went on"]


def test_using_a_session_is_using_its_device(here, clock, ines):
    """A device's retention runs from when it was last used, not from the sign-in."""
    with here.db.write() as session:
        device = DeviceRecord(id=new_id(), account_id=ines.id, created_at=clock(), last_seen_at=clock())
        session.add(device)
        session.flush()
        secret, begun = sessions.begin(session, here, ines.id, now=clock())
        begun.device_id = device.id
    later = clock.move(hours=3)
    assert sessions.visitor(here, secret, later).account_id == ines.id
    with here.db.read() as session:
        assert session.scalars(select(WebSession.last_seen_at)).one() == later
        assert session.scalars(select(DeviceRecord.last_seen_at)).one() == later


def test_what_is_ended_early_is_kept_from_then(here, clock, ines, token):
    """The retention of a token or link that was ended runs from its end, not from when it would have expired."""
    with here.db.write() as session:
        row = session.scalars(select(ApiToken)).one()
        clock.move(days=1)
        tokens.end(session, ines.id, row.id, now=clock())
        assert row.expires_at == row.ended_at == clock()
