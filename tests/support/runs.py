"""Runs for the job that makes pictures: asking for one, and what is there when it has been made."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from support.engines import PlainEngine

from datasteward.audit import log as audit
from datasteward.disposal.disposal import destroy_objects
from datasteward.disposal.models import ObjectDisposal
from gptimages.accounts.models import Account
from gptimages.activity.models import UsageEvent
from gptimages.installation import Installation
from gptimages.studio import asking, runs
from gptimages.studio.facts import EngineFacts
from gptimages.studio.models import Generation, Image
from gptimages.studio.wish import Wish

WORDS = "The marsh at first frost, one heron in the shallows"


def ask(here: Installation, account: Account, **wanted: Any) -> str:
    """A run that was asked for, and no job done yet."""
    facts = EngineFacts.of(PlainEngine())
    files = wanted.pop("files", ())
    return asking.ask(here, facts, account.id, Wish(wanted.pop("prompt", WORDS), **wanted), files)


def run_of(here: Installation, run_id: str) -> Generation:
    """The run's row."""
    with here.db.read() as session:
        return session.get_one(Generation, run_id)


def pictures(here: Installation, run_id: str) -> list[Image]:
    """The run's pictures."""
    with here.db.read() as session:
        return runs.pictures(session, session.get_one(Generation, run_id))


def number(here: Installation, model: Any) -> int:
    """How many rows a table has."""
    with here.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def clean_up(here: Installation) -> None:
    """What the job `disposal` does."""
    with here.db.write() as session:
        destroy_objects(session, here.objects)


def assert_whole(here: Installation, run_id: str, count: int) -> None:
    """The run has its pictures, each written down once, and the store holds their objects and no others."""
    made = pictures(here, run_id)
    assert [image.position for image in made] == list(range(count))
    clean_up(here)
    assert set(here.objects.keys()) == {key for image in made for key in (image.object, image.thumbnail)}
    assert number(here, ObjectDisposal) == 0
    assert number(here, UsageEvent) == count
    with here.db.read() as session:
        acts = [entry.act for entry in audit.entries(session, subject=made[0].account_id)]
        assert audit.verify(session).broken_at is None
    assert acts.count("image.made") == count
    for image in made:
        assert here.objects.read(image.account_id, image.object)[:4] == b"RIFF"
