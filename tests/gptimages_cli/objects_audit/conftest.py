"""A person with pictures in an installation, when everything that a test stores is old."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.audits import LATER, picture

from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.studio.models import Generation


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """An installation, once on SQLite and once on PostgreSQL."""
    return any_here


@pytest.fixture
def ines(here: Installation, person: Callable[..., Account], clock: Any) -> str:
    """A person with three pictures, of which all objects are there; her id. It is two days later."""
    clock.now = LATER
    found = person().id
    with here.db.write() as session:
        run = Generation(id="run", account_id=found, style="none", width=1, height=1, count=3, created_at=LATER)
        for name, value in (("quality", "low"), ("background", "opaque"), ("format", "png"), ("moderation", "auto")):
            setattr(run, name, value)
        session.add(run)
        session.flush()
        for number in range(3):
            session.add(picture(here, found, f"picture{number}", number))
    return found
