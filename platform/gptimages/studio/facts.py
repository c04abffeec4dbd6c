"""What the web knows of the engine: its name and what it can do, not the engine itself, which only jobs call."""

from __future__ import annotations

from math import gcd
from typing import Self, get_args

import msgspec

from gptimages.errors import InputError
from gptimages.studio.engine import Background, Engine, Format, Moderation, Quality, Size

QUALITIES: tuple[Quality, ...] = get_args(Quality)
BACKGROUNDS: tuple[Background, ...] = get_args(Background)
FORMATS: tuple[Format, ...] = get_args(Format)
MODERATIONS: tuple[Moderation, ...] = get_args(Moderation)


class EngineFacts(msgspec.Struct, frozen=True):
    """`processor` is the engine's id in policies/processors.yaml; `sizes` has the usual one first."""

    processor: str
    model: str
    is_preview: bool
    sizes: tuple[Size, ...]

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """The facts of an engine."""
        return cls(engine.processor, engine.model, engine.is_preview, tuple(engine.sizes))

    def size(self, width: int, height: int) -> Size:
        """The size, when the engine makes it. Raises InputError naming those that it makes."""
        wanted = Size(width, height)
        if wanted not in self.sizes:
            known = ", ".join(str(size) for size in self.sizes)
            raise InputError(f"The engine does not make pictures of this size: choose one of {known}.")
        return wanted


def shape(width: int, height: int) -> str:
    """The shape of a picture in small whole numbers: `3 : 2`."""
    common = gcd(width, height) or 1
    return f"{width // common}\u202f:\u202f{height // common}"
