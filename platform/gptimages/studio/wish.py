"""What a person asks for, as it comes from a form or a program, and the check that it can be asked for at all."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import get_args

import msgspec

from datasteward.policy import PolicySet
from gptimages.errors import InputError
from gptimages.studio.engine import Background, Format, Moderation, Quality
from gptimages.studio.facts import EngineFacts
from gptimages.studio.styles import style

SEEDS = 2**31  # what every engine takes for a seed


class Wish(msgspec.Struct, frozen=True):
    """Words and settings of one run; `width` and `height` in pixels, None for the engine's usual size."""

    prompt: str
    style: str = "none"
    width: int | None = None
    height: int | None = None
    count: int = 1
    quality: str = "fine"
    background: str = "auto"
    format: str = "webp"
    moderation: str = "auto"
    keep_prompt: bool = True
    seed: int | None = None


def checked(wish: Wish, engine: EngineFacts, policies: PolicySet) -> Wish:
    """The wish with everything in it settled. Raises InputError with the sentence that says what to change."""
    prompt = wish.prompt.replace("\r\n", "\n").strip()
    usual = engine.sizes[0]
    size = engine.size(wish.width or usual.width, wish.height or usual.height)
    _check_words(prompt, policies.limits.prompt_characters.value)
    style(wish.style)
    _check_count(wish.count, policies.limits.pictures_per_run.value)
    _one_of("quality", wish.quality, get_args(Quality))
    _one_of("background", wish.background, get_args(Background))
    _one_of("file format", wish.format, get_args(Format))
    _one_of("moderation", wish.moderation, get_args(Moderation))
    if wish.background == "transparent" and wish.format == "jpeg":
        raise InputError("JPEG has no transparency: choose PNG or WebP, or another background.")
    if wish.seed is not None and not 0 <= wish.seed < SEEDS:
        raise InputError(f"A seed is a whole number from 0 to {SEEDS - 1}.")
    seed = secrets.randbelow(SEEDS) if wish.seed is None else wish.seed
    return msgspec.structs.replace(wish, prompt=prompt, width=size.width, height=size.height, seed=seed)


def check_pictures(references: int, masks: int, policies: PolicySet) -> None:
    """Raises InputError when there are more pictures to start from than policies/limits.yaml allows, or a mask alone."""
    most = policies.limits.references_per_run.value
    if references > most:
        raise InputError(f"You can start from at most {most} pictures: leave some out.")
    if masks > 1 or (masks and not references):
        raise InputError("A mask belongs to one picture to start from: send both, or neither.")


def _check_words(prompt: str, most: int) -> None:
    if not prompt:
        raise InputError("Say what should be in the picture; a few words are enough.")
    if len(prompt) > most:
        raise InputError(f"Your description has {len(prompt):,} characters: shorten it to at most {most:,}.")
    if "\x00" in prompt:
        raise InputError("Your description holds a character that is no text: write it anew.")


def _check_count(count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise InputError(f"You can ask for 1 to {most} pictures at a time.")


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise InputError(f"There is no such {name}: choose one of {', '.join(known)}.")
