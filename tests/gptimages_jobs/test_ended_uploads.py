"""Long objects in a bucket whose upload disposal ends, since it had their promise first: they are stored again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from support.buckets import in_a_bucket
from support.engines import PlainEngine
from support.runs import ask, assert_whole, run_of
from support.seaweed import Seaweed

from datasteward.objects.s3 import PART_BYTES, S3Bucket
from datasteward.rights import requests
from gptimages.accounts.models import Account
from gptimages.installation import Installation, open_installation
from gptimages.privacy import archives
from gptimages.settings import Settings
from gptimages.studio.engine import EngineEvent, EngineRequest, Finished
from gptimages.studio.progress import Hub
from gptimages_jobs import disposal, export
from gptimages_jobs.errors import TryAgain
from gptimages_jobs.generate import Generate

LONG = PART_BYTES + 5
LAST = "CompleteMultipartUpload"


@pytest.fixture
def here(settings: Settings, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch, clock: Any) -> Iterator[Installation]:
    """An installation with its objects in a bucket."""
    opened = open_installation(in_a_bucket(settings, seaweed, monkeypatch, objects=seaweed.prefix()), clock)
    yield opened
    opened.close()


def disposal_before(step: str, here: Installation) -> list[str]:
    """The job of disposal runs once, before an upload takes this step; the list holds the step when it has."""
    done: list[str] = []

    def meanwhile(**_: Any) -> None:
        if not done:
            done.append(step)
            disposal.run(here, "tests")

    assert isinstance(here.objects.stored, S3Bucket)
    here.objects.stored._client.meta.events.register(f"before-call.s3.{step}", meanwhile)
    return done


def test_an_archive_is_made_again(here: Installation, person: Callable[..., Account]) -> None:
    """Its request goes on, and the next try answers it."""
    ines = person().id
    here.objects.put(ines, "avatar/long", [os.urandom(LONG)])
    with here.db.write() as session:
        ref = archives.ask(session, here, ines, via="session", now=here.clock()).id
        session.get_one(Account, ines).avatar = "avatar/long"
    done = disposal_before(LAST, here)  # it is promised after its last piece
    with pytest.raises(TryAgain, match="ended by a deletion"):
        export.run(here, ref)
    assert done == [LAST]
    with here.db.read() as session:
        assert requests.get(session, ref).state == "running"
    export.run(here, ref)
    with here.db.read() as session:
        assert requests.get(session, ref).state == "ready"
    assert len(here.objects.read(ines, archives.archive_key(ref))) > LONG


class LongPictures(PlainEngine):
    """Its pictures take an upload in parts."""

    def run(self, request: EngineRequest) -> Iterator[EngineEvent]:
        """See Engine.run."""
        for event in super().run(request):
            if isinstance(event, Finished):
                event = msgspec.structs.replace(event, image=event.image + os.urandom(LONG))
            yield event


@pytest.mark.parametrize("step", ["UploadPart", LAST])
def test_a_picture_is_stored_again(here: Installation, person: Callable[..., Account], step: str) -> None:
    """The run has it once, and nothing of the first try is left."""
    done = disposal_before(step, here)
    run_id = ask(here, person())
    Generate(LongPictures(), Hub()).run(here, run_id)
    assert done == [step]
    assert run_of(here, run_id).state == "done"
    assert_whole(here, run_id, 1)
