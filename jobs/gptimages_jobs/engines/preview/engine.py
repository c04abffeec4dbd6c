"""The preview engine: draws a picture for a request, coarse to fine, without a model and without a network.

The same request gives the same bytes. A picture is drawn at a sixteenth, an eighth and a quarter of its width for the
partial pictures and then in full. Quality "draft" draws at half the size and enlarges. A reference gives the picture
its colours; with a mask the picture is drawn into the mask's transparent part over the first reference. Background
"transparent" makes the ground see-through where a scene has a thing upon a ground (flower, stones, planet) and the
format keeps opacity; other scenes stay whole, because nothing in them could be cut out with sense.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from gptimages.studio.engine import (
    MEDIA_TYPES,
    EngineEvent,
    EngineRefused,
    EngineRequest,
    Finished,
    Partial,
    Size,
)
from gptimages_jobs.engines.preview import encode
from gptimages_jobs.engines.preview.brief import Brief, read, seed_of
from gptimages_jobs.engines.preview.canvas import Canvas, resize
from gptimages_jobs.engines.preview.colour import Plane, Planes
from gptimages_jobs.engines.preview.reference import colours_of, into_mask, open_png
from gptimages_jobs.engines.preview.scenes import SCENES
from gptimages_jobs.engines.preview.treatments import TREATMENTS

SIZES = (Size(1536, 1024), Size(1024, 1024), Size(1024, 1536), Size(1792, 1008))

_COARSE = (16, 8, 4)
_STEPS = len(_COARSE) + 2
_LEAST, _MOST = 16, 4096
"""Pixels: the smallest and largest side that is drawn."""
_LEAST_COARSE = 48
"""Pixels: coarse drawings are no smaller, unless the picture is; below this the composition could not be told."""


class PreviewEngine:
    """Implements gptimages.studio.engine.Engine; holds no state, so that one instance serves every thread."""

    @property
    def processor(self) -> str:
        """The id in the register of processors."""
        return "preview"

    @property
    def model(self) -> str:
        """Shown beside the picture."""
        return "preview-1"

    @property
    def is_preview(self) -> bool:
        """Always: no model makes these pictures."""
        return True

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes offered; others from 16 to 4096 pixels a side are drawn as well."""
        return SIZES

    def run(self, request: EngineRequest) -> Iterator[EngineEvent]:
        """Yields partial pictures, coarse to fine, and one Finished per picture; closing it stops between steps.

        Raises EngineRefused for a style, size, reference or mask that cannot be drawn with.
        """
        task = _accepted(request)
        for index in range(request.count):
            yield from task.picture(index)


@dataclass(frozen=True, slots=True)
class _Task:
    """A request whose references and mask are open."""

    request: EngineRequest
    references: tuple[Image.Image, ...]
    mask: Image.Image | None

    def picture(self, index: int) -> Iterator[EngineEvent]:
        """The events of one picture."""
        request, size = self.request, self.request.size
        seed = seed_of(request.prompt, request.seed, index)
        colours = tuple(colour for image in self.references for colour in colours_of(image))
        brief = read(request.prompt, seed, colours)
        for step, coarse in enumerate(_COARSE, 1):
            planes, _ = self._drawn(_canvas(size, seed, 1 / coarse), brief)
            yield Partial(index, step, _STEPS, encode.partial(planes, size.width, size.height))
        canvas = _canvas(size, seed, 0.5 if request.quality == "draft" else 1.0)
        planes, cut = self._drawn(canvas, brief)
        yield Partial(index, _STEPS - 1, _STEPS)
        if canvas.width != size.width or canvas.height != size.height:
            planes = resize(planes, size.width, size.height, Image.Resampling.LANCZOS)
            cut = None if cut is None else resize(cut, size.width, size.height)
        image = encode.finished(planes, cut, request.format)
        yield Finished(index, image, MEDIA_TYPES[request.format], size)

    def _drawn(self, canvas: Canvas, brief: Brief) -> tuple[Planes, Plane | None]:
        """The styled picture, and its opacity where the ground is to be see-through."""
        drawing = SCENES[brief.family](canvas, brief)
        planes = TREATMENTS[self.request.style](canvas, drawing.planes)
        if self.mask is not None:
            return into_mask(planes, self.references[0], self.mask), None
        return planes, drawing.subject if self.request.background == "transparent" else None


def _canvas(size: Size, seed: int, share: float) -> Canvas:
    """A canvas at a share of the size, in the full size's shape."""
    short = min(size.width, size.height)
    share = max(share, min(1.0, _LEAST_COARSE / short))
    width, height = (max(1, round(full * share)) for full in (size.width, size.height))
    return Canvas(width, height, size.width / size.height, seed)


def _accepted(request: EngineRequest) -> _Task:
    if request.style not in TREATMENTS:
        raise EngineRefused("The preview engine does not know this style; choose another one.")
    sides = (request.size.width, request.size.height)
    if min(sides) < _LEAST or max(sides) > _MOST:
        raise EngineRefused(f"The preview engine draws from {_LEAST} to {_MOST} pixels a side; choose another size.")
    if request.mask is not None and not request.references:
        raise EngineRefused("A mask needs a reference picture to draw into; add one or leave the mask out.")
    references = tuple(open_png(data) for data in request.references)
    return _Task(request, references, None if request.mask is None else open_png(request.mask))
