"""The demo's errors.

GptImagesError
└── DemoRefused     the demo was asked for where it must not run
"""

from __future__ import annotations

from gptimages.errors import GptImagesError


class DemoRefused(GptImagesError):
    """The demo was asked for where it must not run."""
