"""A service over real HTTP beside the real demo provider, with a clock that runs and can be moved on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
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
    app: Litestar
    url: str
    clock: RunningClock

    @property
    def data(self) -> Path:
        """Where it keeps everything."""
        return self.here.settings.data

    def browser(self) -> httpx.Client:
        """A browser that was never here."""
        return browser(self.url)


def settings_of(directory: Path) -> Settings:
    """Settings of a demo installation in this directory, with ports that nobody else has."""
    port, demo_port = free_port(), free_port()
    return Settings(
        data=directory / "data",
        policies=Path(__file__).parents[3] / "policies",
        port=port,
        demo_port=demo_port,
        public_url=f"http://127.0.0.1:{port}",
        oidc_issuer=f"http://127.0.0.1:{demo_port}",
        oidc_name="the demo provider",
        oidc_client_id="gptimages-test",
        oidc_client_secret="a secret of the tests",
        demo=True,
        scheduler=False,
    )


@contextmanager
def open_site(settings: Settings) -> Iterator[Site]:
    """The service, served."""
    clock = RunningClock()
    here = open_installation(settings, clock)
    app = create_app(here, engine=FACTS_OF_THE_ENGINE, hub=Hub())  # type: ignore[arg-type]
    with serving(app, settings.port) as url:
        yield Site(here, app, url, clock)
    here.close()


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """What needs no server runs on both databases."""
    return any_here


@pytest.fixture
def site_settings(tmp_path: Path) -> Settings:
    """Settings with ports of this test alone."""
    return settings_of(tmp_path)


@pytest.fixture
def site(site_settings: Settings) -> Iterator[Site]:
    """The service alone; a test serves the provider that it wants."""
    with open_site(site_settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service that the tests of a module share."""
    with open_site(settings_of(tmp_path_factory.mktemp("shared"))) as opened:
        yield opened


@pytest.fixture
def provider(site: Site) -> Iterator[str]:
    """The demo provider beside it."""
    settings = site.here.settings
    with serving(create_provider(Config.of(settings)), settings.demo_port) as url:
        yield url


@pytest.fixture
def demo(site: Site, provider: str) -> Site:
    """The service with the demo provider and the demo people's accounts."""
    ensure_people(site.here)
    return site
