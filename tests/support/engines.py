"""Engines of the tests: they keep to the protocol, draw plain pictures, and do what a test tells them to do."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator

from PIL import Image

from gptimages.studio.engine import MEDIA_TYPES, EngineEvent, EngineRequest, Finished, Partial, Size


class PlainEngine:
    """Draws each picture in one colour that follows from the seed; `requests` remembers what it was asked.

    `before(index)` is called before each picture, and may raise or wait.
    """

    model = "plain-1"
    sizes = (Size(96, 64), Size(64, 64))

    def __init__(
        self,
        before: Callable[[int], None] | None = None,
        *,
        processor: str = "preview",
        is_preview: bool = True,
        steps: int = 2,
    ) -> None:
        self.processor = processor
        self.is_preview = is_preview
        self.requests: list[EngineRequest] = []
        self.closed = 0
        self._before = before or (lambda index: None)
        self._steps = steps

    def run(self, request: EngineRequest) -> Iterator[EngineEvent]:
        """See Engine.run."""
        self.requests.append(request)
        try:
            for index in range(request.count):
                self._before(index)
                for step in range(1, self._steps + 1):
                    yield Partial(index, step, self._steps, encoded(request, index, quality=10), "image/webp")
                yield Finished(index, encoded(request, index), MEDIA_TYPES[request.format], request.size)
        finally:
            self.closed += 1


class Gate:
    """Holds an engine before a picture until the test opens it."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, index: int) -> None:
        """Waits, for half a minute at most."""
        if index == self.at:
            self.reached.set()
            assert self.open.wait(30), "Nobody opened the gate."


def colour(request: EngineRequest, index: int) -> tuple[int, int, int]:
    """The colour of a picture of a request."""
    number = (request.seed or 0) + index
    return number * 37 % 256, number * 59 % 256, number * 83 % 256


def encoded(request: EngineRequest, index: int, quality: int = 90) -> bytes:
    """The picture as a file in the format that was asked for."""
    buffer = io.BytesIO()
    picture = Image.new("RGB", (request.size.width, request.size.height), colour(request, index))
    picture.save(buffer, request.format.upper(), quality=quality)
    return buffer.getvalue()
