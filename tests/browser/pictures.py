"""Draws the README's pictures again: a service is started, Ines makes a few pictures, and two of her pages are photographed."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from support import pages
from support.service import running

DOCS = Path(__file__).parents[2] / "docs"
WIDTH, HEIGHT = 1280, 960
PROMPTS = (
    "Ridges going blue, one behind the other",
    "Northern lights twice, once in the lake",
    "A dahlia folded from paper, lit from inside",
    "Dunes an hour before dark, the shade the colour of plums",
    "The marsh at first frost, one heron in the shallows, the sun just up",
)


def photograph(page: Page, name: str) -> None:
    """Saves what the window shows as WebP."""
    with Image.open(io.BytesIO(page.screenshot())) as shot:
        shot.convert("RGB").save(DOCS / name, "WEBP", quality=80, method=6)


def main() -> None:
    """Draws docs/studio.webp and docs/privacy.webp."""
    DOCS.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory)) as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        pages.sign_in(page, service.url, pages.INES)
        for words in PROMPTS:
            pages.make_picture(page, service.url, words, quality="fine")
        photograph(page, "studio.webp")
        page.goto(f"{service.url}/privacy")
        photograph(page, "privacy.webp")
        browser.close()


if __name__ == "__main__":
    main()
