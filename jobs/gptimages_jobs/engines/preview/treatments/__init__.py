"""Treatments: what each style of gptimages.studio.styles does to a drawn scene."""

from collections.abc import Callable

from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Planes
from gptimages_jobs.engines.preview.treatments.gouache import gouache
from gptimages_jobs.engines.preview.treatments.ink import ink
from gptimages_jobs.engines.preview.treatments.papercut import papercut
from gptimages_jobs.engines.preview.treatments.photograph import photograph, plain
from gptimages_jobs.engines.preview.treatments.woodblock import woodblock

Treatment = Callable[[Canvas, Planes], Planes]

TREATMENTS: dict[str, Treatment] = {
    "none": plain,
    "photograph": photograph,
    "gouache": gouache,
    "ink": ink,
    "papercut": papercut,
    "woodblock": woodblock,
}
