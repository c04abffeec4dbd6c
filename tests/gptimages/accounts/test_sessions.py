"""Sessions end when they should, and nothing brings one back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from datasteward.errors import StewardError
from gptimages.accounts import sessions, tokens
from gptimages.accounts.models import Account, WebSession
from gptimages.errors import NotFound
from gptimages.web.visitor import NOBODY


@pytest.fixture
def ines(person) -> Account:
    """Somebody."""
    return person()


@pytest.fixture
def begun(here, clock, ines) -> str:
    """The secret of a session of hers."""
    with here.db.write() as session:
        secret, _ = sessions.begin(session, here, ines.id, now=clock())
    return secret


def test_a_secret_opens_its_session_and_is_stored_nowhere(here, clock, ines, begun):
    """The cookie's secret finds the person; the database holds its hash alone."""
    assert sessions.visitor(here, begun, clock()).account_id == ines.id
    with here.db.read() as session:
        assert begun not in str(session.execute(select(WebSession.__table__)).all())


@pytest.mark.parametrize("secret", ["", "unknown", "x" * 4000])
def test_an_unknown_secret_is_never_adopted(here, clock, secret):
    """A cookie that we never gave opens nothing and makes no row."""
    assert sessions.visitor(here, secret, clock()) == NOBODY
    with here.db.read() as session:
        assert session.scalars(select(WebSession)).all() == []


def test_an_ended_session_cannot_be_revived_by_a_late_request(here, clock, ines, begun):
    """A request that was let in before the sign-out and ends after it writes nothing back."""
    with here.db.read() as session:
        late = session.scalars(select(WebSession)).one()
    with here.db.write() as session:
        sessions.end(session, ines.id, late.id, now=clock())
    sessions._touch(here, late, clock.move(minutes=5))
    with here.db.read() as session:
        row = session.scalars(select(WebSession)).one()
    assert (row.ended_at is not None, row.last_seen_at) == (True, late.last_seen_at)
    assert sessions.visitor(here, begun, clock()) == NOBODY


def test_an_idle_session_is_over(here, clock, begun):
    """Unused for as long as policies/limits.yaml says, a session opens nothing."""
    clock.now += here.policies.limits.session_idle.span
    assert sessions.visitor(here, begun, clock()) == NOBODY


def test_use_keeps_a_session_but_never_beyond_its_absolute_end(here, clock, ines, begun):
    """Used twice a day it lives on, and ends at the absolute limit all the same: expiry does not only slide."""
    ends = clock() + here.policies.limits.session_absolute.span
    while clock.move(hours=11) < ends:
        assert sessions.visitor(here, begun, clock()).account_id == ines.id
    assert sessions.visitor(here, begun, clock()) == NOBODY


def test_a_sign_in_is_fresh_for_a_while_only(here, clock, begun):
    """Acts that need a fresh sign-in are open at first and closed after the time of policies/limits.yaml."""
    assert sessions.visitor(here, begun, clock()).fresh
    clock.now += here.policies.limits.session_fresh.span
    assert sessions.visitor(here, begun, clock()).fresh
    clock.move(seconds=1)
    assert not sessions.visitor(here, begun, clock()).fresh


def test_nobody_ends_the_session_of_somebody_else(here, clock, ines, begun, person):
    """Another person's session id is as good as none."""
    other = person("Jon Aas")
    with here.db.read() as session:
        row = session.scalars(select(WebSession)).one()
    with pytest.raises(NotFound), here.db.write() as session:
        sessions.end(session, other.id, row.id, now=clock())
    assert sessions.visitor(here, begun, clock()).account_id == ines.id


def test_ending_all_others_keeps_the_one_that_asks(here, clock, ines, begun):
    """`end_all` ends every session but the one to keep, and says how many."""
    with here.db.write() as session:
        kept, row = sessions.begin(session, here, ines.id, now=clock())
        assert sessions.end_all(session, ines.id, now=clock(), keep=row.id) == 1
    assert sessions.visitor(here, begun, clock()) == NOBODY
    assert sessions.visitor(here, kept, clock()).account_id == ines.id


def test_a_token_acts_within_its_scopes_and_never_makes_another(here, clock, ines):
    """A token for pictures may not touch the account, and no token may manage tokens."""
    with here.db.write() as session:
        pictures, _ = tokens.create(session, here, ines.id, "pictures", ["images"], now=clock())
        everything, _ = tokens.create(session, here, ines.id, "all", list(tokens.SCOPES), now=clock())
    allowed = tokens.visitor(here, pictures, clock()).permissions
    assert "own:image:create" in allowed
    assert not any(permission.startswith("own:account:") for permission in allowed)
    assert "own:token:manage" not in tokens.visitor(here, everything, clock()).permissions


def test_a_token_ends_by_itself_and_by_its_owner(here, clock, ines):
    """An expired token and an ended one open nothing."""
    with here.db.write() as session:
        first, row = tokens.create(session, here, ines.id, "first", ["images"], now=clock())
        second, _ = tokens.create(session, here, ines.id, "second", ["images"], now=clock())
        tokens.end(session, ines.id, row.id, now=clock())
    assert tokens.visitor(here, first, clock()) == NOBODY
    clock.now += here.policies.limits.api_token.span
    assert tokens.visitor(here, second, clock()) == NOBODY


def test_a_person_whose_key_is_gone_cannot_be_read(here, ines):
    """After the key is destroyed, the name cannot be revealed any more: the person is forgotten."""
    from gptimages.accounts.people import name_of

    here.vault.destroy(ines.id)
    with pytest.raises(StewardError):
        name_of(here, ines)
