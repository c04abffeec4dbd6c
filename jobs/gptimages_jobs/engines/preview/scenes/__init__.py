"""The scene families of the preview engine: one module and one function each, found by the family's name."""

from gptimages_jobs.engines.preview.drawing import Scene
from gptimages_jobs.engines.preview.scenes.agate import agate
from gptimages_jobs.engines.preview.scenes.aurora import aurora
from gptimages_jobs.engines.preview.scenes.barley import barley
from gptimages_jobs.engines.preview.scenes.contours import contours
from gptimages_jobs.engines.preview.scenes.courtyard import courtyard
from gptimages_jobs.engines.preview.scenes.dahlia import dahlia
from gptimages_jobs.engines.preview.scenes.dunes import dunes
from gptimages_jobs.engines.preview.scenes.forest import forest
from gptimages_jobs.engines.preview.scenes.marsh import marsh
from gptimages_jobs.engines.preview.scenes.planet import planet
from gptimages_jobs.engines.preview.scenes.rain import rain
from gptimages_jobs.engines.preview.scenes.ridges import ridges
from gptimages_jobs.engines.preview.scenes.sea import sea
from gptimages_jobs.engines.preview.scenes.sheets import sheets
from gptimages_jobs.engines.preview.scenes.skyline import skyline
from gptimages_jobs.engines.preview.scenes.stones import stones

SCENES: dict[str, Scene] = {
    "agate": agate,
    "aurora": aurora,
    "barley": barley,
    "contours": contours,
    "courtyard": courtyard,
    "dahlia": dahlia,
    "dunes": dunes,
    "forest": forest,
    "marsh": marsh,
    "planet": planet,
    "rain": rain,
    "ridges": ridges,
    "sea": sea,
    "sheets": sheets,
    "skyline": skyline,
    "stones": stones,
}
