"""What an image engine is to the service: one protocol, the request it gets and the events it answers with.

The request holds all that may leave the service for one run and nothing of the person. Engines live in
gptimages_jobs.engines; the worker there is their only caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from gptimages.errors import GptImagesError

Quality = Literal["draft", "fine"]
Background = Literal["auto", "opaque", "transparent"]
Format = Literal["png", "jpeg", "webp"]
Moderation = Literal["auto", "low"]

MEDIA_TYPES: dict[Format, str] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


class Size(msgspec.Struct, frozen=True):
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class EngineRequest(msgspec.Struct, frozen=True):
    """All that an engine receives for one run: words, settings and pictures, nothing that names the person.

    `references` and `mask` are PNG bytes that the service has rebuilt from pixels; a mask needs one reference.
    `seed` makes a run repeatable where the engine can; `style` is the id of a style in gptimages.studio.styles.
    """

    prompt: str
    size: Size
    style: str = "none"
    count: int = 1
    quality: Quality = "fine"
    background: Background = "auto"
    format: Format = "webp"
    moderation: Moderation = "auto"
    references: tuple[bytes, ...] = ()
    mask: bytes | None = None
    seed: int | None = None


class Partial(msgspec.Struct, frozen=True):
    """An unfinished picture: picture `index` (from 0) is at `step` of `steps`; `image` is a small encoded picture or None."""

    index: int
    step: int
    steps: int
    image: bytes | None = None
    media_type: str = "image/webp"


class Finished(msgspec.Struct, frozen=True):
    """Picture `index` is done: encoded bytes in `media_type`. `refined_prompt` is what a model made of the words."""

    index: int
    image: bytes
    media_type: str
    size: Size
    refined_prompt: str | None = None


EngineEvent = Partial | Finished


class EngineRefused(GptImagesError):
    """The engine declined the request by its own rules; `str()` is a sentence for the person. Not to be retried."""


class EngineUnavailable(GptImagesError):
    """The engine could not be reached, timed out or is overloaded; the run may be tried again after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Engine(Protocol):
    """Makes pictures."""

    @property
    def processor(self) -> str:
        """The engine's id in policies/processors.yaml."""
        ...

    @property
    def model(self) -> str:
        """The model's name, shown beside the picture."""
        ...

    @property
    def is_preview(self) -> bool:
        """True when the pictures are drawn by arithmetic and no model made them: the page and the metadata say so."""
        ...

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes that it can make, the usual one first."""
        ...

    def run(self, request: EngineRequest) -> Iterator[EngineEvent]:
        """Yields partial pictures as they come, then one Finished per picture; closing the iterator stops the run.

        Raises EngineRefused or EngineUnavailable; nothing else leaves an engine.
        """
        ...
