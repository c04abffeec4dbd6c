"""The policy's pages: each version at its own address for anybody, as it was published."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
from markupsafe import escape
from sqlalchemy import delete
from support.engines import PlainEngine

from gptimages.installation import Installation
from gptimages.publishing import versions
from gptimages.publishing.models import PolicyVersion
from gptimages.studio.facts import EngineFacts
from gptimages.studio.progress import Hub
from gptimages.web.app import create_app


def read(here: Installation, *paths: str) -> list[httpx.Response]:
    """Opens pages as somebody who is not signed in."""
    app = create_app(here, engine=EngineFacts.of(PlainEngine()), hub=Hub())

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=here.settings.public_url) as client:
            return [await client.get(path, headers={"accept": "text/html"}) for path in paths]

    return asyncio.run(ask())


def test_old_versions_stay_at_their_address(here: Installation, publish, clock) -> None:
    """After the next one took effect, /policy shows it and the older one is whole at its date, for anybody."""
    row = publish(40)
    clock.now = row.effective_at + timedelta(days=1)
    current, old, new, none = read(
        here, "/policy", "/policy/2026-09-01", f"/policy/{row.version}", "/policy/1999-01-01"
    )
    assert (current.status_code, old.status_code, new.status_code, none.status_code) == (200, 200, 200, 404)
    with here.db.read() as session:
        first = versions.text_of(versions.version(session, "2026-09-01"))
        second = versions.text_of(versions.version(session, row.version))
    for text, page in ((first, old), (second, new), (second, current)):
        missing = [
            s.text for section in text.sections for s in section.sentences if str(escape(s.text)) not in page.text
        ]
        assert missing == []


def test_without_a_version_the_page_says_so(any_here: Installation) -> None:
    """Before legal has published anything there is no text to show, and the page says who publishes it."""
    with any_here.db.write() as session:
        session.execute(delete(PolicyVersion))
    (page,) = read(any_here, "/policy")
    assert page.status_code == 404
    assert "legal publishes it" in page.text
