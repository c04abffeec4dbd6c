"""Progress as it happens: server-sent events about one run, from the row and the hub, until the run has ended.

Each look asks first that the session which opened the line still stands; a person has as many lines at once as
policies/limits.yaml says. An event named `run` carries a Status as JSON whenever it changed; the last one is named `end`.
Comments keep the line open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial

import msgspec
from anyio import sleep, to_thread
from litestar.response.sse import ServerSentEventMessage

from gptimages.accounts import sessions
from gptimages.errors import LimitReached, NotFound
from gptimages.installation import Installation
from gptimages.studio import runs, views
from gptimages.studio.progress import Hub
from gptimages.studio.views import Status
from gptimages.web.visitor import Visitor

POLL_SECONDS = 0.5
HEARTBEAT_POLLS = 30  # about every 15 seconds, below the idle limits of common proxies


class Lines:
    """How many lines are open, by person. For the event loop's thread alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def check(self, account_id: str) -> None:
        """Raises LimitReached when the person has no line left."""
        if self._open[account_id] >= self._most:
            raise LimitReached(f"You follow {self._most} runs already: close a page that shows one, and try again.")

    @contextmanager
    def opened(self, account_id: str) -> Iterator[None]:
        """Counts a line while the block lasts. Raises LimitReached."""
        self.check(account_id)
        self._open[account_id] += 1
        try:
            yield
        finally:
            self._open[account_id] -= 1
            if not self._open[account_id]:
                del self._open[account_id]


async def follow(
    here: Installation, hub: Hub, lines: Lines, visitor: Visitor, run_id: str
) -> AsyncIterator[ServerSentEventMessage]:
    """The events of the person's run; ends with the run, when it is deleted, or when the session is over."""
    with lines.opened(visitor.id):
        async for event in _events(here, hub, visitor, run_id):
            yield event


async def _events(here: Installation, hub: Hub, visitor: Visitor, run_id: str) -> AsyncIterator[ServerSentEventMessage]:
    told: Status | None = None
    silent = 0
    while True:
        try:
            status = await to_thread.run_sync(partial(look, here, hub, visitor, run_id))
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


def look(here: Installation, hub: Hub, visitor: Visitor, run_id: str) -> Status:
    """How far the person's run is now. Raises NotFound, also when the session is over."""
    with here.reading("deliver", visitor.id) as session:
        if not sessions.stands(session, here, visitor.session_id, here.clock()):
            raise NotFound("This session is over: sign in to go on.")
        run = runs.find(session, visitor.id, run_id)
        return views.status(run, len(runs.pictures(session, run)), hub.newest(run.id), here.clock())


async def check(here: Installation, account_id: str, run_id: str) -> None:
    """Raises NotFound, before anything is answered, when the run is not the person's."""

    def found() -> None:
        with here.reading("generate", account_id) as session:
            runs.find(session, account_id, run_id)

    await to_thread.run_sync(found)
