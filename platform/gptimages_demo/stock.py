"""A small stock of pictures for invented people, drawn once by the preview engine and used again for each of them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gptimages.studio.engine import EngineRequest, Finished, Size
from gptimages.studio.thumbnails import thumbnail
from gptimages_demo.vocabulary import PROMPTS, STYLES
from gptimages_jobs.engines.preview import PreviewEngine

EACH = 1
SIZE = Size(768, 512)  # invented people share these pictures, so small ones do


class StockPicture(msgspec.Struct, frozen=True):
    """A picture and its smaller copy, as encoded bytes."""

    full: bytes
    small: bytes


class Stock:
    """The pictures by prompt; `width` and `height` in pixels."""

    def __init__(self, model: str, size: Size, pictures: dict[str, list[StockPicture]]) -> None:
        self.model = model
        self.width, self.height = size.width, size.height
        self._pictures = pictures

    def of(self, words: str, position: int) -> StockPicture:
        """The picture at that position for these words."""
        found = self._pictures[words]
        return found[position % len(found)]


def draw(told: Callable[[int, int], None]) -> Stock:
    """Draws the stock; `told` hears how many of how many prompts are drawn."""
    engine = PreviewEngine()
    pictures: dict[str, list[StockPicture]] = {}
    for number, words in enumerate(PROMPTS):
        style = STYLES[number % len(STYLES)]
        request = EngineRequest(prompt=words, size=SIZE, style=style, count=EACH, quality="draft")
        done = [event for event in engine.run(request) if isinstance(event, Finished)]
        pictures[words] = [StockPicture(event.image, thumbnail(event.image)) for event in done]
        told(number + 1, len(PROMPTS))
    return Stock(engine.model, SIZE, pictures)
