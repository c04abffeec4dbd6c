"""Lines of progress: counted for each person, and over when the session that opened one is. Links: kept from their end."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select

from gptimages.accounts import sessions
from gptimages.settings import Settings
from gptimages.studio import runs, sharing
from gptimages.studio.models import Generation, ShareLink

MOST = 2


@pytest.fixture
def settings(settings: Settings, policies: Path) -> Settings:
    """The same, with fewer lines in the policy set."""
    limits = policies / "limits.yaml"
    limits.write_text(re.sub(r"(lines-at-once: {value: )\d+", rf"\g<1>{MOST}", limits.read_text()))
    return msgspec.structs.replace(settings, policies=policies)


class Line:
    """A line that is open until told otherwise, read by a thread of its own."""

    def __init__(self, client: httpx.Client, run_id: str) -> None:
        self.begun, self.status, self.last = threading.Event(), 0, ""
        self._thread = threading.Thread(target=self._read, args=(client, run_id), daemon=True)
        self._thread.start()
        assert self.begun.wait(10)

    def _read(self, client: httpx.Client, run_id: str) -> None:
        with client.stream("GET", f"/studio/runs/{run_id}/events") as stream:
            self.status = stream.status_code
            for line in stream.iter_lines():
                self.begun.set()
                self.last = line if line.startswith("event: ") else self.last
            self.begun.set()

    @property
    def under_way(self) -> bool:
        """Whether more may come."""
        return self._thread.is_alive()

    def ended(self) -> bool:
        """Waits until it is over, and tells whether it said so."""
        self._thread.join(10)
        return not self.under_way and self.last == "event: end"


def test_a_person_has_so_many_lines(studio: Any) -> None:
    """Above the limit the next line is refused with a sentence, others are not hindered, and a line that ends frees its place."""
    ines, tomas = studio.make(), studio.make("Tomás Rey")
    client, run_id, other = studio.signed_in(ines), studio.ask(ines), studio.ask(tomas)
    opened = [Line(client, run_id) for _ in range(MOST)]
    assert [line.status for line in opened] == [200] * MOST
    refused = client.get(f"/studio/runs/{run_id}/events")
    assert refused.status_code == 429
    assert f"You follow {MOST} runs already" in refused.text
    opened.append(Line(studio.signed_in(tomas), other))
    assert opened[-1].status == 200
    studio.work()
    assert all(line.ended() for line in opened)
    assert "event: end" in client.get(f"/studio/runs/{run_id}/events").text


def test_a_line_ends_with_its_session(studio: Any) -> None:
    """Who is signed out elsewhere reads nothing more of a run that goes on."""
    ines = studio.make()
    line = Line(studio.signed_in(ines), studio.ask(ines))
    assert line.under_way
    with studio.here.db.write() as session:
        sessions.end_all(session, ines.id, now=studio.here.clock())
    assert line.ended()


def test_a_link_is_kept_from_its_end(studio: Any) -> None:
    """The retention of a link that is ended early runs from its end, by its owner alone or with all when they leave."""
    ines, clock = studio.make(), studio.here.clock
    run_id = studio.ask(ines)
    studio.work()
    with studio.here.db.write() as session:
        image = runs.pictures(session, session.get_one(Generation, run_id))[0]
        for _ in range(2):
            sharing.share(session, studio.here, ines.id, image.id, now=clock())
        first, second = session.scalars(select(ShareLink))
        ended = clock.move(days=1)
        sharing.end(session, ines.id, first.id, now=ended)
        left = clock.move(days=1)
        sharing.end_all(session, ines.id, now=left)
        assert (first.ended_at, first.expires_at, second.ended_at, second.expires_at) == (ended, ended, left, left)
