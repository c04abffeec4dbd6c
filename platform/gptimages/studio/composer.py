"""What the composer shows: a draft to begin with, what the engine offers, and the true facts of the page's margin."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy.orm import Session

from gptimages.installation import Installation
from gptimages.studio import runs, views
from gptimages.studio.engine import Size
from gptimages.studio.facts import BACKGROUNDS, FORMATS, EngineFacts
from gptimages.studio.models import Generation
from gptimages.studio.styles import STYLES
from gptimages.studio.wish import Wish


def usual(session: Session, account_id: str, engine: EngineFacts) -> Wish:
    """An empty draft with what the person chose last, where the engine still offers it."""
    kept = runs.preference(session, account_id)
    if kept is None:
        return settled(Wish(""), engine)
    wanted = Wish("", style=kept.style, width=kept.width, height=kept.height, count=kept.count, quality=kept.quality)
    return settled(wanted, engine)


def like(here: Installation, run: Generation) -> Wish:
    """A draft with the words and settings of a run."""
    return Wish(
        prompt=runs.words(here, run) or "",
        style=run.style,
        width=run.width,
        height=run.height,
        count=run.count,
        quality=run.quality,
        background=run.background,
        format=run.format,
        moderation=run.moderation,
        keep_prompt=run.keep_prompt,
    )


def settled(wanted: Wish, engine: EngineFacts) -> Wish:
    """The draft with a size that the engine makes."""
    size = Size(wanted.width or 0, wanted.height or 0)
    if size not in engine.sizes:
        size = engine.sizes[0]
    return msgspec.structs.replace(wanted, width=size.width, height=size.height)


def frame(session: Session, here: Installation, engine: EngineFacts, account_id: str) -> dict[str, Any]:
    """What every page with the composer shows besides the draft, the run and the person's choices."""
    used, allowed = runs.allowance(session, here, account_id, here.clock())
    return {
        "engine": engine,
        "receiver": here.policies.processors[engine.processor],
        "styles": STYLES,
        "sizes": views.size_choices(engine),
        "backgrounds": BACKGROUNDS,
        "formats": FORMATS,
        "limits": here.policies.limits,
        "used": used,
        "allowed": allowed,
        "ratio": views.ratio,
        "style_name": views.style_name,
        "problem": None,
        "refresh": False,
    }
