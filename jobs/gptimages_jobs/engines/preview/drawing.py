"""What a scene hands back: the picture, and which part of it is the subject where that makes sense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Planes


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn scene; `subject` covers the thing apart from its ground, None where ground and thing are one."""

    planes: Planes
    subject: Plane | None = None


Scene = Callable[[Canvas, Brief], Drawing]
