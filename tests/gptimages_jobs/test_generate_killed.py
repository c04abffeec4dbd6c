"""Making pictures when the process is killed: run again, the job ends with every picture once, and nothing left over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.engines import PlainEngine
from support.killing import Killed, Statements
from support.runs import ask, assert_whole, clean_up, number, pictures, run_of

from gptimages.accounts.models import Account
from gptimages.activity.models import UsageEvent
from gptimages.installation import Installation
from gptimages.studio.progress import Hub
from gptimages_jobs.generate import Generate


def test_killed_before_any_statement_and_run_again(here: Installation, person: Callable[..., Account]) -> None:
    """Killed before each single statement that it sends, the job run again ends with every picture once, no object left over."""
    account = person()
    trial = ask(here, account, count=2)
    with Statements(here.db.engine) as counted:
        Generate(PlainEngine(), Hub()).run(here, trial)
    assert counted.sent > 20
    for statement in range(1, counted.sent + 1):
        before = set(here.objects.keys())
        used = number(here, UsageEvent)
        run_id = ask(here, account, count=2)
        with pytest.raises(Killed), Statements(here.db.engine, kill_at=statement):
            Generate(PlainEngine(), Hub()).run(here, run_id)
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
