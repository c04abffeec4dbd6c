"""Pigments of each scene family: ramps of seven colours from pale to deep. Data, not code.

The first ramp of a family is the one that its words expect; the seed may choose any of them.
"""

from __future__ import annotations

from gptimages_jobs.engines.preview.colour import Colour
from gptimages_jobs.engines.preview.palette import colours

PIGMENTS: dict[str, tuple[tuple[Colour, ...], ...]] = {
    "ridges": (
        colours("#b9cbd6 #93b0c4 #6f95b0 #527b99 #3a6180 #274760 #142c3c"),
        colours("#aebec2 #8fa7ae #71909a #547580 #3c5a66 #27424c #122a33"),
        colours("#c3bccb #a39ab4 #837a9b #655f82 #4b4968 #343650 #1d2236"),
    ),
    "dunes": (
        colours("#fbd9a4 #f4c98f #eab577 #dd9d60 #cb8550 #a8684a #6b3c40"),
        colours("#f7dfc0 #ecc9a0 #dfb085 #cf9670 #b97d60 #93604f #5a3a42"),
        colours("#f6cf9c #ecb07a #dd8f5d #c9714a #ad583f #854237 #4c2730"),
    ),
    "marsh": (
        colours("#f6ead2 #c9bd90 #a99a6c #857b55 #625c42 #454234 #23262b"),
        colours("#fbfaf2 #d3d2b2 #b5b392 #8d9077 #68705e #4a5247 #2b3330"),
        colours("#fbdcc0 #c99f80 #9c7a63 #775d55 #564650 #3a3440 #1c1a24"),
    ),
    "aurora": (
        colours("#8af7a0 #5ef0b0 #3fd7c0 #3f8fd6 #5a59d6 #a552c8 #050d14"),
        colours("#c4f58a #7fee8c #46dfae #37b6c9 #3f7fd0 #6a4fc0 #050d14"),
        colours("#ffd0e0 #f58ab8 #b56be0 #6f6be8 #3f8fe0 #36c9b8 #070b16"),
    ),
    "dahlia": (
        colours("#fff3d6 #ffd9a0 #fbb083 #ee8078 #d65a72 #a83d68 #6a2654"),
        colours("#fdf8ec #f8e4cf #f3c4b8 #e79ba4 #cd7093 #9a4c82 #59306a"),
        colours("#fffbe0 #ffeaa0 #ffcb5c #f8a23c #e5743a #b84a3a #71283a"),
        colours("#f2fbf4 #cdeee2 #96d6cf #5fb3bd #3a88a8 #2b5f8c #21386a"),
    ),
    "contours": (
        colours("#f6efe2 #f2c9a1 #e58a6b #b84a5e #6a2c5f #2b2350 #141433"),
        colours("#f7f1e1 #d9e3c4 #a5c8a8 #68a394 #3a7780 #264f66 #152c44"),
        colours("#fbf3e4 #f6dba8 #eab465 #d5813f #a4522f #67302b #331a22"),
    ),
    "sheets": (
        colours("#fbf0dc #f3d3ad #e9ab86 #d17b70 #9a5268 #5f3a5c #2c2442"),
        colours("#f5f1e0 #d8e0c5 #a9c4a6 #749f8c #4a7876 #2f535e #1a3041"),
        colours("#eef3f2 #c9dde3 #9bbfd0 #6c9cb8 #47769b #2f5478 #1b3352"),
    ),
    "courtyard": (
        colours("#f4dcb2 #efc79a #e98f72 #cf6a55 #a8485a #8a3550 #4f1f3c"),
        colours("#fbf4e4 #f3e2c0 #efc97e #dfa24b #b9743c #86523c #4a3038"),
        colours("#f6efe6 #e6d6d0 #d9aeb4 #b98aa4 #86689a #5a4d82 #33305c"),
        colours("#f5f2e8 #dfe6df #a8c8c4 #6ba3a6 #3d7a88 #2b586e #1d3850"),
    ),
    "stones": (
        colours("#e9e2d3 #d9c8ac #c8683f #9a8a78 #3f5a58 #5c4a40 #22292e"),
        colours("#f0ece2 #cfd3cf #8fa3a8 #b89b6a #57708a #4a5058 #262c36"),
        colours("#f3e6dc #e0b9a0 #b4574a #b3a79c #6a5360 #4d4348 #2a2428"),
    ),
    "agate": (
        colours("#fff4e0 #f0e2c2 #79b3a6 #1d6470 #d08a55 #7c3b35 #0f2f3c"),
        colours("#fdf6ee #e8d8e4 #b79acb #6c4f9c #e0a9a0 #8c4866 #241a44"),
        colours("#fbfaf2 #dfe8dc #9cc4a0 #3d7f66 #cdb97a #7a6a3a #12302a"),
        colours("#fff6e6 #f6dcb8 #e8a878 #b8553f #f0c890 #6e2c34 #24141e"),
    ),
    "barley": (
        colours("#fff6dc #f7e3a6 #dcc06a #b3ad5c #7f9a55 #2c5a4a #1d3a34"),
        colours("#fdf3dc #f3dba0 #e3b866 #c79347 #9a703a #5f4a34 #2e2a2a"),
        colours("#f4f8dc #d8e8a4 #aacb74 #7aa85c #4f844e #2c5c48 #173632"),
    ),
    "rain": (
        colours("#fff0d0 #ffd9a0 #ffb45a #ff7a4a #e0486b #5fc7d6 #7a8cff"),
        colours("#fdf4dc #ffd98c #ffc04a #f08a3c #d8543c #f7b07a #8fb8e0"),
        colours("#eef6ff #c0dcff #7fb4ff #6a86f0 #b06af0 #f06ac0 #5fe0d6"),
    ),
    "sea": (
        colours("#e6eef0 #b4ccd4 #7fa4b4 #4f7d94 #2f5a74 #1c3c56 #0c1e34"),
        colours("#e4f0ea #a9d0c6 #6fb0aa #40868a #28626e #194452 #0a2434"),
    ),
    "forest": (
        colours("#e4ebee #bccbd2 #93a9b3 #6a8490 #46606c #293f4a #12222b"),
        colours("#e6ebdf #c0ccb2 #93a888 #688265 #445f4c #294237 #132621"),
    ),
    "skyline": (
        colours("#cfd0d8 #a9aec0 #8289a4 #5f6888 #434c6c #2b3350 #141a30"),
        colours("#dccbc0 #bda79e #988484 #75656e #544a5a #373446 #1b1c2c"),
    ),
    "planet": (
        colours("#fbeed6 #f0cfa0 #dba070 #b87058 #7c4a50 #4a3448 #1c1a2e"),
        colours("#f4f8f8 #c4e0e4 #86bcd0 #4c8cb4 #30608e #224068 #101c38"),
        colours("#f6efe6 #dcd0d8 #b8a4c4 #8c78b0 #5f5490 #3e3a68 #181a34"),
    ),
}
