"""A service over real HTTP beside the real demo provider, with a clock that runs and can be moved on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from support.serving import free_port, serving
from support.signing_in import browser

from gptimages.installation import Installation, open_installation
from gptimages.settings import Settings
from gptimages.studio.progress import Hub
from gptimages.web.app import create_app
from gptimages_demo.app import create_app as create_provider
from gptimages_demo.config import Config
from gptimages_demo.people import ensure_people

FACTS_OF_THE_ENGINE = None  # no page of accounts asks for them


class RunningClock:
    """The real time, moved on by `ahead`."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, **by: float) -> None:
        """Moves the clock on by a timedelta's arguments."""
        self.ahead += timedelta(**by)


@dataclass(frozen=True)
class Site:
    """The running service."""

    here: Installation
    url: str
    clock: RunningClock

    def browser(self) -> httpx.Client:
        """A browser that was never here."""
        return browser(self.url)


@pytest.fixture
def site_settings(settings: Settings) -> Settings:
    """Settings with ports of this test alone."""
    port, demo_port = free_port(), free_port()
    return msgspec.structs.replace(
        settings,
        port=port,
        demo_port=demo_port,
        public_url=f"http://127.0.0.1:{port}",
        oidc_issuer=f"http://127.0.0.1:{demo_port}",
        oidc_name="the demo provider",
    )


@pytest.fixture
def site(site_settings: Settings) -> Iterator[Site]:
    """The service alone; a test serves the provider that it wants."""
    clock = RunningClock()
    here = open_installation(site_settings, clock)
    with serving(create_app(here, engine=FACTS_OF_THE_ENGINE, hub=Hub()), site_settings.port) as url:  # type: ignore[arg-type]
        yield Site(here, url, clock)
    here.close()


@pytest.fixture
def provider(site_settings: Settings) -> Iterator[str]:
    """The demo provider beside it."""
    with serving(create_provider(Config.of(site_settings)), site_settings.demo_port) as url:
        yield url


@pytest.fixture
def demo(site: Site, provider: str) -> Site:
    """The service with the demo provider and the demo people's accounts."""
    ensure_people(site.here)
    return site


@pytest.fixture
def data_directory(site_settings: Settings) -> Path:
    """Where the service keeps everything."""
    return site_settings.data
