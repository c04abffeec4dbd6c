"""The consoles over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from support.consoles import Consoles
from support.engines import PlainEngine
from support.serving import free_port, serving

from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.settings import Settings
from gptimages.studio.facts import EngineFacts
from gptimages.studio.progress import Hub
from gptimages.web.app import create_app
from gptimages_reports import routes as reports


@pytest.fixture
def settings(tmp_path: Path, settings: Settings) -> Settings:
    """Settings under which the service is reached at a free port."""
    port = free_port()
    return msgspec.structs.replace(settings, public_url=f"http://127.0.0.1:{port}", port=port)


@pytest.fixture
def consoles(here: Installation, person: Callable[..., Account]) -> Iterator[Consoles]:
    """The consoles, served."""
    with _served(here, person) as made:
        yield made


@pytest.fixture
def capped(here: Installation, person: Callable[..., Account]) -> Iterator[Consoles]:
    """The consoles, served under policies by which a plan of more than two rows needs a second person."""
    limits = here.policies.limits
    most = msgspec.structs.replace(limits.retention_most_per_run, value=2)
    limits = msgspec.structs.replace(limits, retention_most_per_run=most)
    steward = replace(here.steward, policies=msgspec.structs.replace(here.policies, limits=limits))
    with _served(replace(here, steward=steward), person) as made:
        yield made


@contextmanager
def _served(here: Installation, person: Callable[..., Account]) -> Iterator[Consoles]:
    app = create_app(
        here, engine=EngineFacts.of(PlainEngine()), hub=Hub(), more_routes=reports.ROUTES, templates=[reports.TEMPLATES]
    )
    with serving(app, here.settings.port) as base:
        made = Consoles(here, base, person)
        yield made
        for browser in made.browsers:
            browser.close()
