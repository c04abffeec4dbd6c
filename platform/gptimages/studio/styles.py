"""The styles a person can choose. The page lists them; a model engine appends their words to the prompt.

Neighbours: engines take the id from EngineRequest.style; the preview engine has a treatment for each.
"""

from __future__ import annotations

import msgspec

from gptimages.errors import InputError


class Style(msgspec.Struct, frozen=True):
    """A style by `id`, the `name` shown, and the `words` that a model engine appends to the prompt (may be empty)."""

    id: str
    name: str
    words: str


STYLES: tuple[Style, ...] = (
    Style("none", "No style", ""),
    Style("photograph", "Photograph", "as a photograph, natural light, fine film grain"),
    Style("gouache", "Gouache", "in gouache, visible brushwork, matt opaque colour"),
    Style("ink", "Ink", "in black ink and diluted washes on rough paper"),
    Style("papercut", "Paper cut", "as layered cut paper, soft shadows between the sheets"),
    Style("woodblock", "Woodblock", "as a woodblock print, flat colours, dark key lines, visible wood grain"),
)


def style(style_id: str) -> Style:
    """The style with this id. Raises InputError when there is none."""
    for each in STYLES:
        if each.id == style_id:
            return each
    raise InputError(f"There is no such style; choose one of {', '.join(each.id for each in STYLES)}.")
