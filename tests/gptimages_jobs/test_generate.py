"""Making pictures: whatever happens in between, a run ends with its pictures, each once, and nothing left over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, func, select
from support.engines import PlainEngine, encoded

from datasteward.audit import log as audit
from datasteward.consent import records as consent
from datasteward.disposal.disposal import destroy_objects
from datasteward.disposal.models import ObjectDisposal
from datasteward.processors.models import Disclosure
from gptimages.accounts.models import Account
from gptimages.activity import engagement
from gptimages.activity.models import EngagementEvent, UsageEvent
from gptimages.installation import Installation
from gptimages.queue.models import Job
from gptimages.studio import asking, images, runs
from gptimages.studio.engine import EngineRefused, EngineRequest, EngineUnavailable, Size
from gptimages.studio.facts import EngineFacts
from gptimages.studio.models import Generation, Image
from gptimages.studio.progress import Hub
from gptimages.studio.wish import Wish
from gptimages_jobs.errors import JobError, TryAgain
from gptimages_jobs.generate import Generate

WORDS = "The marsh at first frost, one heron in the shallows"
PNG = b"\x89PNG\r\n\x1a\n"


class Killed(BaseException):
    """The process died here: nothing may catch it."""


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


def statements(here: Installation, run: Callable[[], None]) -> int:
    """How many statements are sent to the database meanwhile."""
    seen = 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1

    event.listen(here.db.engine, "before_cursor_execute", count)
    try:
        run()
    finally:
        event.remove(here.db.engine, "before_cursor_execute", count)
    return seen


def die_at(here: Installation, statement: int) -> Callable[[], None]:
    """Kills the process before its n-th statement; returns how to stop that."""
    seen = 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            raise Killed

    event.listen(here.db.engine, "before_cursor_execute", count)
    return lambda: event.remove(here.db.engine, "before_cursor_execute", count)


def test_killed_before_any_statement_and_run_again(here: Installation, person: Callable[..., Account]) -> None:
    """Killed before each single statement that it sends, the job run again ends with every picture once, no object left over."""
    account = person()
    trial = ask(here, account, count=2)
    total = statements(here, lambda: Generate(PlainEngine(), Hub()).run(here, trial))
    assert total > 20
    for statement in range(1, total + 1):
        before = set(here.objects.keys())
        used = number(here, UsageEvent)
        run_id = ask(here, account, count=2)
        undo = die_at(here, statement)
        with pytest.raises(Killed):
            Generate(PlainEngine(), Hub()).run(here, run_id)
        undo()
        Generate(PlainEngine(), Hub()).run(here, run_id)
        clean_up(here)
        made = pictures(here, run_id)
        assert [image.position for image in made] == [0, 1], f"killed before statement {statement}"
        assert set(here.objects.keys()) - before == {k for image in made for k in (image.object, image.thumbnail)}
        assert number(here, UsageEvent) == used + 2
        assert run_of(here, run_id).state == "done"


@pytest.mark.parametrize("put", [1, 2, 3, 4])
def test_killed_while_bytes_are_stored(
    here: Installation, person: Callable[..., Account], monkeypatch: pytest.MonkeyPatch, put: int
) -> None:
    """Killed after any object was stored and before its row was written, nothing is lost and nothing left over."""
    run_id = ask(here, person(), count=2)
    store, seen = here.objects.put, 0

    def dying(subject: str, key: str, chunks: Any) -> int:
        nonlocal seen
        seen += 1
        size = store(subject, key, chunks)
        if seen == put:
            raise Killed
        return size

    monkeypatch.setattr(here.objects, "put", dying)
    with pytest.raises(Killed):
        Generate(PlainEngine(), Hub()).run(here, run_id)
    monkeypatch.undo()
    Generate(PlainEngine(), Hub()).run(here, run_id)
    assert_whole(here, run_id, 2)


def test_killed_in_the_engine(here: Installation, person: Callable[..., Account]) -> None:
    """Killed after the second of four pictures, only the missing two are asked for, with the seed going on where it was."""

    def die(index: int) -> None:
        if index == 2:
            raise Killed

    run_id = ask(here, person(), count=4, seed=100)
    with pytest.raises(Killed):
        Generate(PlainEngine(die), Hub()).run(here, run_id)
    first_two = [image.id for image in pictures(here, run_id)]
    assert run_of(here, run_id).state == "running"
    again = PlainEngine()
    Generate(again, Hub()).run(here, run_id)
    assert (again.requests[0].count, again.requests[0].seed) == (2, 102)
    assert [image.id for image in pictures(here, run_id)][:2] == first_two
    assert_whole(here, run_id, 4)


def test_disposal_between_bytes_and_row(
    here: Installation, person: Callable[..., Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When disposal destroys a picture's bytes before its row is written, they are stored once more."""
    run_id = ask(here, person(), count=1)
    store, seen = here.objects.put, 0

    def put(subject: str, key: str, chunks: Any) -> int:
        nonlocal seen
        seen += 1
        size = store(subject, key, chunks)
        if seen == 2:
            clean_up(here)
        return size

    monkeypatch.setattr(here.objects, "put", put)
    Generate(PlainEngine(), Hub()).run(here, run_id)
    monkeypatch.undo()
    assert_whole(here, run_id, 1)


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
