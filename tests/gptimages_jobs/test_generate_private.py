"""What making pictures keeps, and what it gives to the engine: nothing in the clear, and no more than was written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from support.engines import PlainEngine, encoded
from support.runs import WORDS, ask, number, run_of

from datasteward.consent import records as consent
from datasteward.processors.models import Disclosure
from gptimages.accounts.models import Account
from gptimages.activity import engagement
from gptimages.activity.models import EngagementEvent
from gptimages.installation import Installation
from gptimages.studio.engine import EngineRequest, Size
from gptimages.studio.models import Generation
from gptimages.studio.progress import Hub
from gptimages_jobs.errors import JobError
from gptimages_jobs.generate import Generate

PNG = b"\x89PNG\r\n\x1a\n"


def test_words_that_are_not_kept(here: Installation, person: Callable[..., Account]) -> None:
    """Words that the person did not want kept are destroyed when the picture is made, and in no byte of the database left."""
    account = person()
    run_id = ask(here, account, keep_prompt=False)
    with here.db.read() as session:
        sealed = session.get_one(Generation, run_id).prompt
    assert sealed is not None
    assert sealed.ciphertext in database_bytes(here)
    Generate(PlainEngine(), Hub()).run(here, run_id)
    assert run_of(here, run_id).prompt is None
    assert sealed.ciphertext not in database_bytes(here)


def database_bytes(here: Installation) -> bytes:
    """The database file and its write-ahead log."""
    return b"".join(path.read_bytes() for path in sorted(here.settings.data.glob("gptimages.db*")))


def test_nothing_lies_in_the_clear(here: Installation, person: Callable[..., Account]) -> None:
    """After a run no file of the installation holds the words, a PNG or a WebP."""
    account = person()
    run_id = ask(here, account, files=[("reference", sample())], format="png")
    Generate(PlainEngine(), Hub()).run(here, run_id)
    everything = b"".join(path.read_bytes() for path in here.settings.data.rglob("*") if path.is_file())
    assert WORDS.encode() not in everything
    assert b"heron" not in everything
    assert PNG not in everything
    assert b"WEBPVP8" not in everything
    assert account.id.encode() in everything


def sample() -> bytes:
    """A small PNG."""
    return encoded(EngineRequest("a picture", Size(64, 64), format="png"), 0)


def test_references_reach_the_engine_as_png(here: Installation, person: Callable[..., Account]) -> None:
    """Pictures to start from come to the engine decrypted, as PNG, in their order."""
    run_id = ask(here, person(), files=[("reference", sample()), ("reference", sample())])
    engine = PlainEngine()
    Generate(engine, Hub()).run(here, run_id)
    assert len(engine.requests[0].references) == 2
    assert all(data.startswith(PNG) for data in engine.requests[0].references)


def test_what_leaves_is_written_down_first(here: Installation, person: Callable[..., Account]) -> None:
    """For an engine outside, the disclosure is committed before the engine is asked; for the embedded one there is none."""
    account = person()
    seen: list[int] = []
    Generate(PlainEngine(lambda index: seen.append(number(here, Disclosure))), Hub()).run(here, ask(here, account))
    outside = PlainEngine(lambda index: seen.append(number(here, Disclosure)), processor="openai", is_preview=False)
    run_id = ask(here, account)
    Generate(outside, Hub()).run(here, run_id)
    assert seen == [0, 1]
    with here.db.read() as session:
        told = session.scalars(select(Disclosure)).one()
    assert (told.subject_id, told.recipient, told.reference) == (account.id, "openai", run_id)
    assert told.categories == ["user.content.private.prompt", "user.content.private.generation"]


def test_an_unregistered_engine_receives_nothing(here: Installation, person: Callable[..., Account]) -> None:
    """An engine that is not in the register of recipients is not asked, and the run says so."""
    engine = PlainEngine(processor="somebody")
    run_id = ask(here, person())
    with pytest.raises(JobError):
        Generate(engine, Hub()).run(here, run_id)
    assert engine.requests == []
    assert run_of(here, run_id).state == "failed"


def test_engagement_is_written_only_for_those_who_allow_it(here: Installation, person: Callable[..., Account]) -> None:
    """No event without a consent, one with it, none after it is withdrawn or objected to."""
    account = person()

    def record() -> bool:
        return engagement.record(here, account.id, "favourite", "ink", now=here.clock())

    def answer(kind: Any, granted: bool) -> None:
        with here.db.write() as session:
            consent.answer(session, account.id, "improve", kind, granted, "tests", here.policies, here.clock())

    assert not record()
    answer("consent", True)
    assert record()
    answer("objection", True)
    assert not record()
    assert number(here, EngagementEvent) == 1
