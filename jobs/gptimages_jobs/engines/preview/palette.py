"""What a preview picture is coloured with: the light of an hour, a family's pigments, and how words and references tint them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gptimages_jobs.engines.preview.colour import Colour, blend, rgb, times, tint


class Light(msgspec.Struct, frozen=True):
    """The light of an hour: sky from zenith to horizon, glow around the sun, the sun (or moon), haze, sunlight, shadow.

    `drain` is how much of the pigments' colour the eye loses in it, 0 to 1.
    """

    sky: tuple[Colour, ...]
    glow: Colour
    sun: Colour
    haze: Colour
    key: Colour
    shade: Colour
    drain: float = 0.0


class Palette(msgspec.Struct, frozen=True):
    """A light and seven pigments from pale to deep."""

    light: Light
    ramp: tuple[Colour, ...]

    @property
    def lit(self) -> tuple[Colour, ...]:
        """The pigments in sunlight."""
        return self._under(self.light.key)

    @property
    def shaded(self) -> tuple[Colour, ...]:
        """The pigments in shadow."""
        return self._under(self.light.shade, 0.4)

    def _under(self, light: Colour, drain: float = 0.0) -> tuple[Colour, ...]:
        lost = max(drain, self.light.drain)
        return tuple(times(blend(pigment, grey(pigment), lost), light) for pigment in self.ramp)


def grey(colour: Colour) -> Colour:
    """A grey as light as the colour."""
    level = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    return level, level, level


def colours(codes: str) -> tuple[Colour, ...]:
    """The colours of several codes, parted by spaces."""
    return tuple(rgb(code) for code in codes.split())


def _light(sky: str, rest: str, drain: float = 0.0) -> Light:
    glow, sun, haze, key, shade = colours(rest)
    return Light(colours(sky), glow, sun, haze, key, shade, drain)


LIGHTS: dict[str, Light] = {
    "dawn": _light("#6d8ea6 #c9c3bf #f0cfae #f8dcb4", "#ffe9c4 #fffaf0 #f3dcc0 #fff0dc #8a94ad"),
    "day": _light("#3b79b0 #78aacc #b3d0da #e2e6dc", "#fff6e0 #fffdf4 #d3e0e2 #ffffff #8b9cb6"),
    "gold": _light("#5f86a3 #d6c2b4 #f5d3ae #f7dcb8", "#ffe3b8 #fff6e2 #f3d6b4 #ffe6c4 #8a6f86"),
    "dusk": _light("#40597c #a08fa6 #e9a98c #f9c89a", "#ffd2a0 #fff1da #d9a79a #f6cdb8 #66608a"),
    "night": _light("#050b1c #0d1d36 #1b334f #3a566d", "#a9c4e0 #f6f3e2 #2b4258 #8ca6c8 #2b3654", 0.75),
    "mist": _light("#93a4ac #b4c0c2 #d0d5d0 #e6e2d6", "#fdf6e2 #ffffff #dcddd6 #eef0ec #9ca6aa", 0.25),
}

_SNOW: Colour = rgb("#eef1f2")
_RUST: Colour = rgb("#b8622e")
_SPROUT: Colour = rgb("#8fae5a")


def in_season(ramp: Sequence[Colour], season: str | None) -> tuple[Colour, ...]:
    """Land pigments as the season has them: paled by frost, rusted by autumn, greened by spring."""
    if season == "winter":
        return tuple(blend(colour, _SNOW, 0.5 - 0.06 * i) for i, colour in enumerate(ramp))
    if season == "autumn":
        return tuple(tint(colour, [_RUST], 0.6) for colour in ramp)
    if season == "spring":
        return tuple(tint(colour, [_SPROUT], 0.5) for colour in ramp)
    return tuple(ramp)


def tinted(palette: Palette, anchors: Sequence[Colour], pigments: float, sky: float) -> Palette:
    """The palette drawn towards the anchors' hues, its pigments and its sky by their own strengths."""
    if not anchors:
        return palette
    light = palette.light
    toned = msgspec.structs.replace(
        light,
        sky=tuple(tint(colour, anchors, sky) for colour in light.sky),
        glow=tint(light.glow, anchors, sky * 0.6),
        haze=tint(light.haze, anchors, sky),
        shade=tint(light.shade, anchors, sky),
    )
    return Palette(toned, tuple(tint(colour, anchors, pigments) for colour in palette.ramp))


def shade_tinted(palette: Palette, anchors: Sequence[Colour]) -> Palette:
    """The palette with only its shadows drawn towards the anchors: "the shade the colour of plums"."""
    light = palette.light
    shade = tint(light.shade, anchors, 0.95)
    return msgspec.structs.replace(palette, light=msgspec.structs.replace(light, shade=shade))
