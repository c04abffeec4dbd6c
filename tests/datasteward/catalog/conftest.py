"""The shipped policies, and small tables to tag wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import MetaData
from support.people import person

from datasteward.policy import PolicySet, load


@pytest.fixture(scope="session")
def shipped() -> PolicySet:
    """The policies as they are shipped."""
    return load(Path(__file__).parents[3] / "policies")


@pytest.fixture
def people() -> MetaData:
    """Tables of a service with people and nothing else yet."""
    made = MetaData()
    person(made)
    return made
