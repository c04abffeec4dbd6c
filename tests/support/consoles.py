"""A served installation with staff who are signed in, and a worker that runs when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from gptimages.accounts import sessions
from gptimages.accounts.models import Account
from gptimages.activity.models import UsageEvent
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages_jobs import disposal, retention
from gptimages_jobs.worker import Worker


@dataclass
class Consoles:
    """A served installation with an operator, a compliance officer and an end user."""

    here: Installation
    base: str
    make: Callable[..., Account]
    browsers: list[httpx.Client] = field(default_factory=list)

    def work(self) -> int:
        """Does every job that waits."""
        return Worker(self.here, {"retention": retention.run, "disposal": disposal.run}).run_due()

    def browser(self, *roles: str, name: str = "Staff Person") -> httpx.Client:
        """A browser in which somebody with these roles is signed in."""
        account = self.make(name, given=roles)
        with self.here.db.write() as session:
            secret, _ = sessions.begin(session, self.here, account.id, now=self.here.clock())
        cookies = {sessions.cookie_name(self.here.settings): secret}
        headers = {"accept": "text/html", "origin": self.base}
        opened = httpx.Client(base_url=self.base, cookies=cookies, headers=headers, timeout=30)
        self.browsers.append(opened)
        return opened

    def old_use(self, account: Account, events: int, days: int = 500) -> None:
        """Usage events of long ago."""
        at = self.here.clock() - timedelta(days=days)
        with self.here.db.write() as session:
            session.add_all(
                UsageEvent(id=new_id(), account_id=account.id, kind="run", created_at=at) for _ in range(events)
            )
