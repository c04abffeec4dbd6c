"""The consoles over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


@pytest.fixture
def settings(tmp_path: Path, settings: Settings) -> Settings:
    """Settings under which the service is reached at a free port."""
    port = free_port()
    return msgspec.structs.replace(settings, public_url=f"http://127.0.0.1:{port}", port=port)


@pytest.fixture
def consoles(here: Installation, person: Callable[..., Account]) -> Iterator[Consoles]:
    """The consoles, served."""
    app = create_app(here, engine=EngineFacts.of(PlainEngine()), hub=Hub())
    with serving(app, here.settings.port) as base:
        made = Consoles(here, base, person)
        yield made
        for browser in made.browsers:
            browser.close()
