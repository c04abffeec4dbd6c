"""An installation on each kind of database with the first version of the policy in force, and its job at hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import msgspec
import pytest

from datasteward.policy.text import PolicyText
from gptimages.installation import Installation
from gptimages.publishing import versions
from gptimages.publishing.models import PolicyVersion
from gptimages_jobs import policy_effect

FIRST = "2026-09-01"

Published = Callable[..., PolicyVersion]


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """Every test of publishing runs on both databases."""
    with any_here.db.write() as session:
        text = any_here.policies.text(FIRST)
        versions.publish(session, any_here, text, by="tests", now=any_here.clock() - timedelta(days=80))
    return any_here


@pytest.fixture
def text_for(here: Installation) -> Callable[[date], PolicyText]:
    """The shipped next text, with another date of effect."""

    def make(day: date) -> PolicyText:
        return msgspec.structs.replace(here.policies.text("2027-01-05"), version=day.isoformat(), effective=day)

    return make


@pytest.fixture
def publish(here: Installation, text_for: Callable[[date], PolicyText]) -> Published:
    """Publishes the next version so many days from now, and tells everybody unless a test says otherwise."""

    def make(days: int = 40, *, tell: bool = True) -> PolicyVersion:
        day = (here.clock() + timedelta(days=days)).date()
        with here.db.write() as session:
            row = versions.publish(session, here, text_for(day), by="legal-officer", now=here.clock())
        if tell:
            policy_effect.run(here, row.version)
        return row

    return make
