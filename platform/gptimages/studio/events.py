"""Progress as it happens: server-sent events about one run, from the row and the hub, until the run has ended.

An event named `run` carries a Status as JSON whenever it changed; the last one is named `end`. Comments keep the line open.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import msgspec
from anyio import sleep, to_thread
from litestar.response.sse import ServerSentEventMessage

from gptimages.errors import NotFound
from gptimages.installation import Installation
from gptimages.studio import runs, views
from gptimages.studio.progress import Hub
from gptimages.studio.views import Status

POLL_SECONDS = 0.5
HEARTBEAT_POLLS = 30  # about every 15 seconds, below the idle limits of common proxies


async def follow(here: Installation, hub: Hub, account_id: str, run_id: str) -> AsyncIterator[ServerSentEventMessage]:
    """The events of the person's run; ends with the run, or when it is deleted."""
    told: Status | None = None
    silent = 0
    while True:
        try:
            status = await to_thread.run_sync(partial(look, here, hub, account_id, run_id))
        except NotFound:
            yield ServerSentEventMessage(event="end", data="{}")
            return
        ended = status.state in runs.ENDED
        silent += 1
        if status != told:
            yield ServerSentEventMessage(event="end" if ended else "run", data=msgspec.json.encode(status).decode())
            told, silent = status, 0
        elif silent >= HEARTBEAT_POLLS:
            yield ServerSentEventMessage(data=None, comment="still here")
            silent = 0
        if ended:
            return
        await sleep(POLL_SECONDS)


def look(here: Installation, hub: Hub, account_id: str, run_id: str) -> Status:
    """How far the person's run is now. Raises NotFound."""
    with here.db.read() as session:
        run = runs.find(session, account_id, run_id)
        return views.status(run, len(runs.pictures(session, run)), hub.newest(run.id), here.clock())


async def check(here: Installation, account_id: str, run_id: str) -> None:
    """Raises NotFound, before anything is answered, when the run is not the person's."""

    def found() -> None:
        with here.db.read() as session:
            runs.find(session, account_id, run_id)

    await to_thread.run_sync(found)
