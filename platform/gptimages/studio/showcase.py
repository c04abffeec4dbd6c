"""The pictures on the first page: what was asked for, and how they are described to people who do not see them.

The files under web/static/pictures were drawn from these by `python -m gptimages_jobs.engines.preview.samples`.
"""

from __future__ import annotations

import msgspec

from gptimages.studio.engine import Size


class Shown(msgspec.Struct, frozen=True):
    """A picture by its file `name`, the words, what it shows, the `drawn` size, and the size of the `file` (pixels)."""

    name: str
    words: str
    alt: str
    drawn: Size
    file: Size
    style: str = "none"
    seed: int = 7

    @property
    def path(self) -> str:
        """The file under static/."""
        return f"pictures/{self.name}.webp"


WIDE, TALL, SQUARE, BROAD = Size(1536, 1024), Size(1024, 1536), Size(1024, 1024), Size(1792, 1008)

HERO = Shown(
    "ridges",
    "Ridges going blue, one behind the other",
    "Blue ridges fading into morning haze under a pale sun",
    WIDE,
    Size(1080, 720),
)
WALL = (
    Shown(
        "dunes",
        "Dunes an hour before dark, the shade the colour of plums",
        "Sand dunes in low light, their shaded sides plum coloured",
        WIDE,
        Size(900, 600),
    ),
    Shown(
        "aurora",
        "Northern lights twice, once in the lake",
        "Green northern lights over a dark shore, mirrored in a lake",
        TALL,
        Size(600, 900),
    ),
    Shown(
        "dahlia",
        "A dahlia folded from paper, lit from inside",
        "A paper dahlia, cream in the middle and magenta at the rim",
        SQUARE,
        Size(720, 720),
    ),
    Shown(
        "courtyard",
        "A courtyard nobody hurries through",
        "A coral courtyard with an arched doorway and one round plant in a pot",
        TALL,
        Size(600, 900),
    ),
    Shown(
        "stones",
        "Four stones that trust each other",
        "Four smooth stones balanced on one another in a shaft of light",
        TALL,
        Size(600, 900),
    ),
    Shown(
        "marsh",
        "The marsh at first frost, one heron, the sun just up",
        "A heron in a wide marsh, the sun on the horizon",
        WIDE,
        Size(840, 560),
    ),
    Shown("barley", "Wind, drawn by barley", "Wind drawing waves in a field of barley", BROAD, Size(592, 333)),
    Shown(
        "agate",
        "The inside of a stone that remembers the sea",
        "A cut agate with teal and amber bands",
        SQUARE,
        Size(720, 720),
    ),
)
ANATOMY = Shown(
    "valley",
    "A valley cut from seven sheets of paper",
    "A valley of layered paper, cream at the top and indigo below, under a pale sun",
    SQUARE,
    Size(720, 720),
)
ALL = (HERO, *WALL, ANATOMY)
