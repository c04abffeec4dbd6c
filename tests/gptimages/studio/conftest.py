"""The studio over real HTTP: a server, a worker that runs when a test says so, and people who are signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
import pytest
from support.engines import PlainEngine
from support.serving import free_port, serving

from gptimages.accounts import sessions
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.settings import Settings
from gptimages.studio import asking
from gptimages.studio.facts import EngineFacts
from gptimages.studio.progress import Hub
from gptimages.studio.wish import Wish
from gptimages.web.app import create_app
from gptimages_jobs.generate import Generate
from gptimages_jobs.worker import Worker

PAGE = {"accept": "text/html"}


@dataclass
class Studio:
    """A served installation. `engine` can be exchanged before a run is worked on."""

    here: Installation
    base: str
    hub: Hub
    make: Callable[..., Account]
    engine: PlainEngine = field(default_factory=PlainEngine)
    browsers: list[httpx.Client] = field(default_factory=list)

    @property
    def facts(self) -> EngineFacts:
        """What the web knows of the engine."""
        return EngineFacts.of(self.engine)

    def work(self) -> int:
        """Makes the pictures of every run that waits."""
        return Worker(self.here, {"generate": Generate(self.engine, self.hub).run}).run_due()

    def ask(self, account: Account, prompt: str = "One heron in the shallows", **wanted: object) -> str:
        """A run that waits."""
        return asking.ask(self.here, self.facts, account.id, Wish(prompt, **wanted), [])

    def signed_in(self, account: Account) -> httpx.Client:
        """A browser in which the person is signed in."""
        now = self.here.clock()
        with self.here.db.write() as session:
            secret, _ = sessions.begin(session, self.here, account.id, now=now)
        headers = PAGE | {"origin": self.base}
        cookies = {sessions.cookie_name(self.here.settings): secret}
        opened = httpx.Client(base_url=self.base, cookies=cookies, headers=headers, timeout=30)
        self.browsers.append(opened)
        return opened


@pytest.fixture
def settings(tmp_path: Path, settings: Settings) -> Settings:
    """Settings under which the service is reached at a free port."""
    port = free_port()
    return msgspec.structs.replace(settings, public_url=f"http://127.0.0.1:{port}", port=port)


@pytest.fixture
def studio(here: Installation, person: Callable[..., Account]) -> Iterator[Studio]:
    """The studio, served."""
    hub = Hub()
    app = create_app(here, engine=EngineFacts.of(PlainEngine()), hub=hub)
    with serving(app, here.settings.port) as base:
        made = Studio(here, base, hub, person)
        yield made
        for opened in made.browsers:
            opened.close()
