"""Asking with pictures to start from: what cannot be taken is refused before anything is done with them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from support.engines import encoded

from datasteward.errors import PurposeError
from gptimages.accounts.models import Account
from gptimages.errors import LimitReached
from gptimages.studio import asking, uploads
from gptimages.studio.engine import EngineRequest, Size
from gptimages.studio.wish import Wish


def test_a_run_too_many_is_refused_before_its_pictures_are_opened(studio: Any) -> None:
    """Somebody with as many runs under way as are allowed is told so, and no picture of theirs is read or stored."""
    ines = studio.make()
    for _ in range(studio.here.policies.limits.runs_under_way.value):
        studio.ask(ines)
    with pytest.raises(LimitReached, match="under way"):
        asking.ask(studio.here, studio.facts, ines.id, Wish("A heron"), [("reference", b"no picture at all")])


def test_a_process_rebuilds_few_pictures_side_by_side(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While as many pictures are being rebuilt as memory allows, another is refused with a time to come back."""
    picture = encoded(EngineRequest("a picture", Size(64, 64), format="png"), 0)
    monkeypatch.setattr(uploads, "PATIENCE", 0.01)
    with uploads.AT_ONCE, uploads.AT_ONCE, pytest.raises(LimitReached, match="in a moment"):
        uploads.rebuild(picture, limits=studio.here.policies.limits)
    assert uploads.rebuild(picture, limits=studio.here.policies.limits).width == 64


def test_what_makes_pictures_does_not_see_who_asks(studio: Any) -> None:
    """For `generate` an account is an id with a plan and a state: asking for more is refused."""
    ines = studio.make()
    with studio.here.reading("generate", ines.id) as session:
        assert session.execute(select(Account.id, Account.plan, Account.state)).one() == (ines.id, ines.plan, "active")
        for column in (Account.name, Account.email, Account.avatar, Account.country):
            with pytest.raises(PurposeError, match="generate does not cover"):
                session.scalars(select(column))
