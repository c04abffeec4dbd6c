"""Making the pictures of a run: the engine's only caller.

The job can be killed anywhere and run again: pictures that are written down stay, the missing ones are made. Each picture's
bytes are stored first, on the disposal list (studio.pending), and taken off it in the one transaction that writes its row,
its usage and its audit entry; so nothing is lost, nothing is there twice, and no object is left without a row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, cast

import msgspec
import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.consent import records as consent
from datasteward.errors import DisclosureRefused, KeyFault, KeyMissing, UploadEnded
from datasteward.processors import disclosures
from datasteward.processors.gate import Gate
from gptimages.activity import usage
from gptimages.forgetting import forget_deleted
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.queue import queue
from gptimages.queue.models import Job
from gptimages.studio import pending, references, runs
from gptimages.studio.engine import (
    Engine,
    EngineRefused,
    EngineRequest,
    EngineUnavailable,
    Finished,
    Partial,
    Size,
)
from gptimages.studio.keys import picture_key, thumbnail_key
from gptimages.studio.models import Generation, GenerationReference, Image, ReferenceImage
from gptimages.studio.progress import Hub
from gptimages.studio.thumbnails import thumbnail
from gptimages.studio.wish import SEEDS
from gptimages_jobs.errors import JobError, TryAgain

log = structlog.get_logger()

PURPOSE = "generate"
CATEGORIES = ("user.content.private.prompt", "user.content.private.generation", "user.content.private.reference")
"""What an engine receives; the last only when there are pictures to start from."""
TELL_EVERY = 0.5  # seconds between two notes of progress in the run's row
TRIES = 3
BROKEN = "Something broke on our side while your pictures were made; what is finished is kept. Ask once more."
NOT_SENT = "The engine is not registered as a recipient of your words, so nothing was sent; our staff can see why."
STORED = "The data of this run is only stored now; it is made when the data may be used again."
STORED_SECONDS = 3600.0
NO_ENGINE = "The engine could not be reached after several tries; what is finished is kept. Ask again in a while."


class Task(msgspec.Struct, frozen=True):
    """What is left to do of a run: `positions` are the missing pictures, in the order in which the engine makes them."""

    run_id: str
    account_id: str
    request: EngineRequest
    positions: tuple[int, ...]


class RunEnded(Exception):
    """The run was stopped, deleted or finished elsewhere while its pictures were being made."""


class Generate:
    """The job `generate` about a run, closed over the engine and the hub that shows unfinished pictures."""

    KIND = runs.JOB

    def __init__(self, engine: Engine, hub: Hub, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._hub = hub
        self._monotonic = monotonic

    def run(self, here: Installation, ref: str) -> None:
        """Makes what is missing of the run `ref`. Raises TryAgain while the engine cannot be reached, or data is only stored."""
        try:
            task = self._begin(here, ref)
            if task is not None:
                self._make(here, task)
        except (RunEnded, KeyMissing):  # KeyMissing: the person is gone
            _sweep(here, ref)
        except EngineRefused as refused:
            _end(here, ref, "refused", str(refused))
        except DisclosureRefused as closed:
            log.error("gate closed", processor=self._engine.processor, run=ref)
            _end(here, ref, "failed", NOT_SENT)
            raise JobError(str(closed)) from None
        except EngineUnavailable as away:
            _again(here, ref, away)
        except KeyFault:  # keys that are away: the worker tries again
            raise
        except Exception:
            _end(here, ref, "failed", BROKEN)
            raise
        finally:
            self._hub.forget(ref)
            forget_deleted(here)
        _wait_while_closed(here, ref)

    def _begin(self, here: Installation, ref: str) -> Task | None:
        """Marks the run as running and collects what goes to the engine; None when nothing is to be done."""
        now = here.clock()
        with here.writing(PURPOSE, Generate.KIND) as session:
            run = session.get(Generation, ref)
            if run is None or run.state not in runs.UNDER_WAY:
                return None
            made = {image.position for image in runs.pictures(session, run)}
            missing = tuple(position for position in range(run.count) if position not in made)
            if not missing:
                runs.end(session, here, run, "done", now=now)
                return None
            if run.sent_at is not None:  # an earlier try may have left bytes without a row
                queue.promise(session, references.DISPOSAL, ref, now=now)
            run.state, run.problem = "running", None
            run.processor, run.model, run.is_preview = (
                self._engine.processor,
                self._engine.model,
                self._engine.is_preview,
            )
            run.sent_at = now
            request = _request(session, here, run, missing)
            self._pass_gate(session, here, run, request)
        return Task(ref, run.account_id, request, missing)

    def _pass_gate(self, session: Session, here: Installation, run: Generation, request: EngineRequest) -> None:
        """Passes the processor gate; what leaves this installation is written down before it is sent."""
        processor = here.policies.processors.get(self._engine.processor)
        categories = CATEGORIES if request.references else CATEGORIES[:-1]
        if processor is not None and processor.embedded:
            Gate(here.policies).check(processor.id, categories, PURPOSE)
            return
        disclosures.disclose(
            session,
            here.policies,
            run.account_id,
            recipient=self._engine.processor,
            purpose=PURPOSE,
            categories=categories,
            now=here.clock(),
            reference=run.id,
        )

    def _make(self, here: Installation, task: Task) -> None:
        """Follows the engine until the last picture is kept."""
        left = len(task.positions)
        began = told = self._monotonic()
        with closing(cast(Any, self._engine.run(task.request))) as events:
            for event in events:
                position = task.positions[event.index]
                if isinstance(event, Partial):
                    self._hub.put(task.run_id, position, event)
                    if self._monotonic() - told >= TELL_EVERY:
                        told = self._monotonic()
                        _tell(here, task.run_id, position, event)
                    continue
                left -= 1
                self._keep(here, task, position, event, self._monotonic() - began)
                began = self._monotonic()
        if left:
            raise EngineUnavailable("The engine made fewer pictures than were asked for.")

    def _keep(self, here: Installation, task: Task, position: int, made: Finished, seconds: float) -> None:
        """Stores a finished picture and writes it down. Raises RunEnded when nobody wants it any more."""
        small = thumbnail(made.image)
        for _ in range(TRIES):
            image = _image(task, position, made, here)
            keys = [image.object, image.thumbnail]
            with here.writing(PURPOSE, Generate.KIND) as session:
                pending.announce(session, keys, now=here.clock())
            try:
                here.objects.put(task.account_id, image.object, [made.image])
                here.objects.put(task.account_id, image.thumbnail, [small])
            except UploadEnded:  # by disposal, which had the promise first
                continue
            with here.writing(PURPOSE, Generate.KIND) as session:
                if pending.settle(session, keys):
                    _write_down(session, here, task, image, seconds)
                    return
                pending.announce(session, keys, now=here.clock())
        raise EngineUnavailable("The picture could not be stored.")


def _write_down(session: Session, here: Installation, task: Task, image: Image, seconds: float) -> None:
    """The row, the usage and the audit entry of a picture, and the end of the run with its last one."""
    now = image.created_at
    run = session.get(Generation, task.run_id)
    taken = select(Image.id).where(Image.generation_id == task.run_id, Image.position == image.position)
    if run is None or run.state != "running" or session.scalar(taken) is not None:
        raise RunEnded
    session.add(image)
    session.flush()
    usage.record(session, task.account_id, usage.PICTURE, pictures=1, seconds=seconds, now=now)
    facts = {"run": run.id, "image": image.id, "processor": run.processor}
    audit.append(session, "image.made", actor=Generate.KIND, subject=task.account_id, now=now, **facts)
    made = session.scalar(select(func.count()).where(Image.generation_id == run.id)) or 0
    run.picture, run.step, run.steps = made, 0, 0
    if made >= run.count:
        runs.end(session, here, run, "done", now=now)


def _sweep(here: Installation, run_id: str) -> None:
    """Has the bytes destroyed that were stored for a run that nobody wants any more."""
    with here.writing(PURPOSE, Generate.KIND) as session:
        queue.promise(session, references.DISPOSAL, run_id, now=here.clock())


def _wait_while_closed(here: Installation, run_id: str) -> None:
    """Raises TryAgain for a run under way that its purpose may not see now, and that goes on when it may."""
    with here.reading("law", Generate.KIND) as session:
        under_way = select(Generation.account_id).where(Generation.id == run_id, Generation.state.in_(runs.UNDER_WAY))
        person = session.scalar(under_way)
        if person is not None and not consent.allowed(session, here.policies, person, PURPOSE):
            raise TryAgain(STORED, STORED_SECONDS)


def _image(task: Task, position: int, made: Finished, here: Installation) -> Image:
    image_id = new_id()
    return Image(
        id=image_id,
        account_id=task.account_id,
        generation_id=task.run_id,
        position=position,
        object=picture_key(image_id),
        thumbnail=thumbnail_key(image_id),
        media_type=made.media_type,
        width=made.size.width,
        height=made.size.height,
        bytes=len(made.image),
        created_at=here.clock(),
    )


def _request(session: Session, here: Installation, run: Generation, missing: tuple[int, ...]) -> EngineRequest:
    """Words, settings and pictures of the run, for the pictures that are missing; nothing that names the person."""
    words = runs.words(here, run)
    if words is None:
        raise RunEnded
    pictures = _references(session, here, run)
    return msgspec.convert(
        {
            "prompt": words,
            "size": Size(run.width, run.height),
            "style": run.style,
            "count": len(missing),
            "quality": run.quality,
            "background": run.background,
            "format": run.format,
            "moderation": run.moderation,
            "references": tuple(data for role, data in pictures if role == "reference"),
            "mask": next((data for role, data in pictures if role == "mask"), None),
            # the rest of a run has a seed of its own, or an engine would draw its first pictures once more
            "seed": None if run.seed is None else (run.seed + missing[0]) % SEEDS,
        },
        EngineRequest,
    )


def _references(session: Session, here: Installation, run: Generation) -> list[tuple[str, bytes]]:
    query = (
        select(GenerationReference.role, ReferenceImage.object)
        .join(ReferenceImage)
        .where(GenerationReference.generation_id == run.id)
        .order_by(GenerationReference.role, GenerationReference.position)
    )
    return [(role, here.objects.read(run.account_id, key)) for role, key in session.execute(query)]


def _tell(here: Installation, run_id: str, position: int, partial: Partial) -> None:
    """Notes how far the run is. Raises RunEnded when it was stopped or deleted."""
    with here.writing(PURPOSE, Generate.KIND) as session:
        run = session.get(Generation, run_id)
        if run is None or run.state != "running":
            raise RunEnded
        run.picture, run.step, run.steps = position, partial.step, partial.steps


def _again(here: Installation, run_id: str, away: EngineUnavailable) -> None:
    """Puts the run back for another try, or ends it when there were enough. Raises TryAgain for the former."""
    with here.writing(PURPOSE, Generate.KIND) as session:
        tried = session.scalar(select(func.max(Job.attempts)).where(Job.kind == Generate.KIND, Job.ref == run_id)) or 0
        run = session.get(Generation, run_id)
        if run is None or run.state != "running":
            return
        if tried >= here.policies.limits.engine_attempts.value:
            runs.end(session, here, run, "failed", now=here.clock(), problem=NO_ENGINE)
            return
        run.state, run.step, run.steps = "queued", 0, 0
    raise TryAgain(str(away), away.retry_after) from None


def _end(here: Installation, run_id: str, state: str, problem: str) -> None:
    with here.writing(PURPOSE, Generate.KIND) as session:
        run = session.get(Generation, run_id)
        if run is not None and run.state in runs.UNDER_WAY:
            runs.end(session, here, run, state, now=here.clock(), problem=problem[:300])
