"""The origin of a database: a demo's and a service's are never taken for one another."""

from __future__ import annotations

import msgspec
import pytest

from datasteward.audit import log
from gptimages.errors import StartError
from gptimages.installation import open_installation
from gptimages.settings import Settings


@pytest.fixture
def service(any_settings: Settings) -> Settings:
    """The settings of a service that is no demo, on the same database."""
    return msgspec.structs.replace(any_settings, demo=False)


def test_a_demo_database_is_not_served(any_settings: Settings, service: Settings) -> None:
    """A database that a demo made does not open without demo mode: invented people are no accounts."""
    open_installation(any_settings).close()
    with pytest.raises(StartError) as caught:
        open_installation(service)
    assert "demo" in str(caught.value)
    open_installation(any_settings).close()


def test_a_real_database_is_no_demo(any_settings: Settings, service: Settings) -> None:
    """A database of a service does not open in demo mode: nobody signs in there by a click."""
    open_installation(service).close()
    with pytest.raises(StartError) as caught:
        open_installation(any_settings)
    assert "a service with real people" in str(caught.value)
    open_installation(service).close()


def test_each_opens_again_as_what_it_is(any_settings: Settings) -> None:
    """Opening twice finds everything in place and adds nothing."""
    open_installation(any_settings).close()
    here = open_installation(any_settings)
    with here.db.read() as session:
        assert log.count(session) == 0
    here.close()


def test_a_refused_start_leaves_nothing_open(any_settings: Settings, service: Settings) -> None:
    """After a refusal the database can be opened at once by the right one; nothing holds on to it."""
    open_installation(any_settings).close()
    for _ in range(3):
        with pytest.raises(StartError):
            open_installation(service)
    open_installation(any_settings).close()
