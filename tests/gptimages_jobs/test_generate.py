"""Making pictures: a run ends with its pictures, each once, or with a sentence that says why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from support.engines import PlainEngine
from support.runs import WORDS, ask, assert_whole, clean_up, number, pictures, run_of

from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.queue.models import Job
from gptimages.studio import images, runs
from gptimages.studio.engine import EngineRefused, EngineUnavailable
from gptimages.studio.models import Generation, Image
from gptimages.studio.progress import Hub
from gptimages_jobs.errors import TryAgain
from gptimages_jobs.generate import Generate


def test_a_run_is_made(here: Installation, person: Callable[..., Account]) -> None:
    """Pictures, smaller copies, usage and audit entries are there, and the run is done."""
    run_id = ask(here, person(), count=3)
    engine = PlainEngine()
    Generate(engine, Hub()).run(here, run_id)
    run = run_of(here, run_id)
    assert (run.state, run.processor, run.model, run.is_preview) == ("done", "preview", "plain-1", True)
    assert run.sent_at is not None
    assert run.finished_at is not None
    assert_whole(here, run_id, 3)
    assert engine.requests[0].prompt == WORDS
    assert engine.closed == 1


def test_a_second_time_changes_nothing(here: Installation, person: Callable[..., Account]) -> None:
    """A job that is done again because its end was lost asks the engine for nothing."""
    run_id = ask(here, person(), count=2)
    Generate(PlainEngine(), Hub()).run(here, run_id)
    again = PlainEngine()
    Generate(again, Hub()).run(here, run_id)
    assert again.requests == []
    assert_whole(here, run_id, 2)


def test_a_refusal_is_told_as_one(here: Installation, person: Callable[..., Account]) -> None:
    """The engine's refusal ends the run with the engine's sentence, and what was finished before is kept."""

    def refuse(index: int) -> None:
        if index == 1:
            raise EngineRefused("The engine does not draw this; describe something else.")

    run_id = ask(here, person(), count=2)
    Generate(PlainEngine(refuse), Hub()).run(here, run_id)
    run = run_of(here, run_id)
    assert (run.state, run.problem) == ("refused", "The engine does not draw this; describe something else.")
    assert len(pictures(here, run_id)) == 1


def test_an_engine_that_is_away_is_tried_again_and_then_given_up(
    here: Installation, person: Callable[..., Account]
) -> None:
    """While attempts are left the job is put back and the run waits; then it fails with a sentence."""

    def away(index: int) -> None:
        raise EngineUnavailable("The engine is overloaded.", retry_after=7)

    run_id = ask(here, person())
    job = Generate(PlainEngine(away), Hub())
    with pytest.raises(TryAgain) as again:
        job.run(here, run_id)
    assert again.value.after == 7
    assert run_of(here, run_id).state == "queued"
    with here.db.write() as session:
        row = session.scalars(select(Job).where(Job.ref == run_id)).one()
        row.attempts = here.policies.limits.engine_attempts.value
    job.run(here, run_id)
    run = run_of(here, run_id)
    assert run.state == "failed"
    assert run.problem is not None
    assert "after several tries" in run.problem


def test_our_own_fault_ends_the_run(here: Installation, person: Callable[..., Account]) -> None:
    """A defect of ours fails the run with a sentence, instead of leaving it under way for ever, and reaches the worker."""

    def break_down(index: int) -> None:
        raise RuntimeError("a defect")

    run_id = ask(here, person())
    with pytest.raises(RuntimeError):
        Generate(PlainEngine(break_down), Hub()).run(here, run_id)
    run = run_of(here, run_id)
    assert run.state == "failed"
    assert run.problem is not None
    assert run.problem.startswith("Something broke on our side")


def test_stopped_by_the_person(here: Installation, person: Callable[..., Account]) -> None:
    """A run that is stopped keeps what is finished and makes no more; the engine is told by closing it."""
    account = person()
    run_id = ask(here, account, count=3)

    def stop(index: int) -> None:
        if index == 1:
            with here.db.write() as session:
                runs.stop(session, here, account.id, run_id, now=here.clock())

    engine = PlainEngine(stop)
    Generate(engine, Hub()).run(here, run_id)
    assert run_of(here, run_id).state == "stopped"
    assert len(pictures(here, run_id)) == 1
    assert engine.closed == 1
    assert_whole(here, run_id, 1)


def test_stopped_before_it_began(here: Installation, person: Callable[..., Account]) -> None:
    """A run that was stopped while it waited never reaches the engine."""
    account = person()
    run_id = ask(here, account)
    with here.db.write() as session:
        runs.stop(session, here, account.id, run_id, now=here.clock())
    engine = PlainEngine()
    Generate(engine, Hub()).run(here, run_id)
    assert engine.requests == []


def test_progress_notices_a_stop(here: Installation, person: Callable[..., Account]) -> None:
    """Between pictures, too, the job looks whether it was stopped, twice a second."""
    account = person()
    run_id = ask(here, account)
    ticks = iter(range(1000))
    hub = Hub()

    def stop(index: int) -> None:
        with here.db.write() as session:
            runs.stop(session, here, account.id, run_id, now=here.clock())

    Generate(PlainEngine(stop), hub, monotonic=lambda: float(next(ticks))).run(here, run_id)
    assert pictures(here, run_id) == []
    assert hub.newest(run_id) is None


def test_the_run_deleted_meanwhile(here: Installation, person: Callable[..., Account]) -> None:
    """When the run goes while its pictures are made, nothing of it is written and its bytes are destroyed."""
    account = person()
    run_id = ask(here, account)

    def delete(index: int) -> None:
        with here.db.write() as session:
            images.remove_runs(session, here, account.id, Generation.id == run_id, now=here.clock())

    Generate(PlainEngine(delete), Hub()).run(here, run_id)
    clean_up(here)
    assert list(here.objects.keys()) == []
    assert number(here, Image) == 0


def test_the_hub_holds_unfinished_pictures_while_they_are_made(
    here: Installation, person: Callable[..., Account]
) -> None:
    """While a run is under way its newest unfinished picture can be seen; afterwards it is gone."""
    hub = Hub()
    run_id = ask(here, person(), count=2)
    seen: list[Any] = []
    Generate(PlainEngine(lambda index: seen.append(hub.newest(run_id))), hub).run(here, run_id)
    assert seen[0] is None
    assert (seen[1].position, seen[1].step, seen[1].number) == (0, 2, 2)
    assert seen[1].image.startswith(b"RIFF")
    assert hub.newest(run_id) is None
