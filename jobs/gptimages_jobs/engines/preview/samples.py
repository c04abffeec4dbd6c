"""Draws the pictures of the first page: `python -m gptimages_jobs.engines.preview.samples [DIRECTORY]`.

Run by whoever changes the engine or gptimages.studio.showcase; the files are committed as assets of our own.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

from gptimages.studio.engine import EngineRequest, Finished
from gptimages.studio.showcase import ALL, Shown
from gptimages.web.templating import STATIC
from gptimages_jobs.engines.preview import PreviewEngine

MOST_BYTES = 40_000
QUALITIES = range(86, 20, -4)


def drawn(shown: Shown) -> bytes:
    """The WebP of one picture: the best quality that stays within MOST_BYTES."""
    request = EngineRequest(shown.words, shown.drawn, style=shown.style, seed=shown.seed, format="png")
    finished = next(event for event in PreviewEngine().run(request) if isinstance(event, Finished))
    with Image.open(io.BytesIO(finished.image), formats=("PNG",)) as opened:
        small = opened.convert("RGB").resize((shown.file.width, shown.file.height), Image.Resampling.LANCZOS)
    for quality in QUALITIES:
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= MOST_BYTES:
            break
    return buffer.getvalue()


def main(directory: Path = STATIC / "pictures") -> None:
    """Draws every picture into the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for shown in ALL:
        data = drawn(shown)
        (directory / f"{shown.name}.webp").write_bytes(data)
        sys.stdout.write(f"{shown.name} {len(data)}\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
