"""What the studio's pages show of a run: read once from the rows, the hub and the policies, then handed to a template."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy.orm import Session

from gptimages.installation import Installation
from gptimages.studio import runs
from gptimages.studio.engine import Size
from gptimages.studio.facts import EngineFacts, shape
from gptimages.studio.models import Generation, Image
from gptimages.studio.progress import Glimpse, Hub
from gptimages.studio.styles import STYLES

RATIOS = {"r-3x2": 1.5, "r-2x3": 2 / 3, "r-1x1": 1.0, "r-16x9": 16 / 9, "r-4x5": 0.8}
"""The ratio classes of the style sheet."""
ENOUGH = 0.05  # of the work; before that, no time left is guessed


class SizeChoice(msgspec.Struct, frozen=True):
    """A size to choose: its `value` in the form, its shape in words, and a drawing of it in a box of 28."""

    value: str
    shape: str
    outline: str


class Status(msgspec.Struct, frozen=True):
    """How far a run is, for pages and programs. `step` of `steps` is about picture `position` (from 1).

    `partial` is the address of the newest unfinished picture, `seconds_left` a guess from the work done so far.
    """

    id: str
    state: str
    count: int
    made: int
    position: int
    step: int
    steps: int
    partial: str | None
    seconds_left: int | None
    problem: str | None


class RunView(msgspec.Struct, frozen=True):
    """A run with its words, its pictures and how far it is."""

    run: Generation
    words: str | None
    images: list[Image]
    status: Status
    receiver: str
    region: str
    embedded: bool

    @property
    def under_way(self) -> bool:
        """Whether it goes on."""
        return self.run.state in runs.UNDER_WAY


def view(session: Session, here: Installation, hub: Hub, run: Generation) -> RunView:
    """The run as its page shows it."""
    images = runs.pictures(session, run)
    processor = here.policies.processors.get(run.processor or "")
    return RunView(
        run=run,
        words=runs.words(here, run),
        images=images,
        status=status(run, len(images), hub.newest(run.id), here.clock()),
        receiver=processor.name if processor else "",
        region=processor.region if processor else "",
        embedded=processor.embedded if processor else False,
    )


def status(run: Generation, made: int, glimpse: Glimpse | None, now: datetime) -> Status:
    """How far the run is: what the hub heard last, else what its row says."""
    under_way = run.state in runs.UNDER_WAY
    step, steps, position = run.step, run.steps, made + 1
    if glimpse is not None:
        step, steps, position = glimpse.step, glimpse.steps, glimpse.position + 1
    return Status(
        id=run.id,
        state=run.state,
        count=run.count,
        made=made,
        position=min(position, run.count),
        step=step,
        steps=steps,
        partial=f"/api/v1/runs/{run.id}/partial/{glimpse.number}" if under_way and glimpse and glimpse.image else None,
        seconds_left=_left(run, made, step, steps, now) if run.state == "running" else None,
        problem=run.problem,
    )


def size_choices(engine: EngineFacts) -> list[SizeChoice]:
    """The sizes of the engine, for the form."""
    return [SizeChoice(str(size), shape(size.width, size.height), _outline(size)) for size in engine.sizes]


def ratio(width: int, height: int) -> str:
    """The ratio class nearest to the picture's shape."""
    wanted = width / height
    return min(RATIOS, key=lambda name: abs(RATIOS[name] - wanted))


def style_name(style_id: str) -> str:
    """The name of a style; one that is no longer offered keeps its id."""
    return next((style.name for style in STYLES if style.id == style_id), style_id)


def _left(run: Generation, made: int, step: int, steps: int, now: datetime) -> int | None:
    if run.sent_at is None or not run.count:
        return None
    done = (made + (step / steps if steps else 0)) / run.count
    if not ENOUGH < done < 1:
        return None
    return round((now - run.sent_at).total_seconds() * (1 - done) / done)


def _outline(size: Size) -> str:
    longest = max(size.width, size.height)
    width, height = 24 * size.width / longest, 24 * size.height / longest
    return f"M{14 - width / 2:.1f} {14 - height / 2:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z"
