"""From a request to what is to be drawn: the family, the hour, the colours and the details that the prompt's words ask for.

Pure and deterministic: the same words and seed give the same brief. The tables are in words.py and pigments.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import msgspec

from gptimages_jobs.engines.preview import words
from gptimages_jobs.engines.preview.colour import Colour, rgb
from gptimages_jobs.engines.preview.palette import LIGHTS, Palette, in_season, shade_tinted, tinted
from gptimages_jobs.engines.preview.pigments import PIGMENTS

_USUAL_HOUR = {
    "ridges": "gold",
    "dunes": "gold",
    "marsh": "dawn",
    "aurora": "night",
    "rain": "night",
    "sea": "night",
    "forest": "mist",
    "skyline": "dusk",
    "planet": "night",
}
_ALWAYS_NIGHT = {"aurora", "rain", "planet"}
_LAND = {"marsh", "barley", "forest", "sheets", "dunes"}


class Brief(msgspec.Struct, frozen=True):
    """What to draw: `number` is how many of the thing, when the prompt says so; `details` are keys of words.DETAILS."""

    family: str
    hour: str
    palette: Palette
    details: frozenset[str]
    season: str | None = None
    number: int | None = None


class Prompt:
    """A prompt as the tables see it: its words in lower case, singular or plural alike."""

    def __init__(self, text: str) -> None:
        self._words = re.findall(r"[^\W\d_]+", text.lower())[:2000]
        self._joined = " " + " ".join(self._words) + " "
        self._forms = set(self._words) | {word[:-1] for word in self._words if word.endswith("s")}
        self._forms |= {word[:-2] for word in self._words if word.endswith("es")}

    def count(self, alternatives: str) -> int:
        """How many of the alternatives (parted by "|") the prompt holds."""
        return sum(self._holds(alternative) for alternative in alternatives.split("|"))

    def first(self, table: dict[str, str]) -> str | None:
        """The key with the most words in the prompt, the earlier one when two are even; None when there is none."""
        best = max(table, key=lambda key: self.count(table[key]))
        return best if self.count(table[best]) else None

    def digest(self) -> int:
        """A number that depends on the words alone."""
        return int.from_bytes(hashlib.sha256(self._joined.encode()).digest()[:8])

    def _holds(self, alternative: str) -> bool:
        return f" {alternative} " in self._joined if " " in alternative else alternative in self._forms


def seed_of(prompt: str, seed: int | None, index: int) -> int:
    """The seed of picture `index`: the request's own, or one derived from the prompt, apart for each picture."""
    source = f"seed {seed}" if seed is not None else f"prompt {prompt}"
    return int.from_bytes(hashlib.sha256(f"{source}\n{index}".encode()).digest()[:8])


def family_of(prompt: Prompt) -> str:
    """The scene family that the most and strongest words speak for; the prompt's hash decides when none does."""
    scores = {
        family: sum(weight * prompt.count(alternatives) for weight, alternatives in table.items())
        for family, table in words.FAMILIES.items()
    }
    best = max(scores, key=lambda family: scores[family])
    return best if scores[best] else words.FALLBACK[prompt.digest() % len(words.FALLBACK)]


def read(text: str, seed: int, reference: Sequence[Colour] = ()) -> Brief:
    """The brief for a prompt; `reference` are the colours of a reference picture, which then outweigh the words."""
    prompt = Prompt(text)
    family = family_of(prompt)
    season = prompt.first(words.SEASONS)
    hour = "night" if family in _ALWAYS_NIGHT else prompt.first(words.HOURS) or _USUAL_HOUR.get(family, "day")
    number = next((number for number, forms in words.NUMBERS.items() if prompt.count(forms)), None)
    details = frozenset(key for key, forms in words.DETAILS.items() if prompt.count(forms))
    palette = _palette(prompt, family, hour, season, seed)
    if reference:
        palette = tinted(palette, reference, 0.9, 0.75)
    return Brief(family, hour, palette, details, season, number)


def _palette(prompt: Prompt, family: str, hour: str, season: str | None, seed: int) -> Palette:
    named = [rgb(code) for code, forms in words.COLOURS.items() if prompt.count(forms)]
    ramps = PIGMENTS[family]
    ramp = ramps[0 if named or seed % 2 == 0 else seed // 2 % len(ramps)]
    palette = Palette(LIGHTS[hour], in_season(ramp, season) if family in _LAND else ramp)
    if named and prompt.count(words.SHADE):
        return shade_tinted(palette, named)
    return tinted(palette, named, 0.8, 0.25)
