"""Debian's Chromium, driven by Playwright, against a real service; every page is watched for what must not happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from support.service import Service, running

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running demo service with a few invented people and their year."""
    directory = tmp_path_factory.mktemp("service")
    with running(directory) as started:
        filled = started.command("demo", "--people", "12")
        assert filled.returncode == 0, filled.stderr
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One Chromium for the tests of a file; Playwright's event loop ends with it, so that later tests can have their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


Opener = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Opener]:
    """Opens pages in fresh contexts; at the end no request may have left for elsewhere and no script may have failed."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(width: int = 1280, scheme: str = "light", *, script: bool = True) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"script failed: {error}"))
        page.on(
            "console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None
        )
        page.on("request", lambda asked: complaints.append(asked.url) if not _ours(asked.url) else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "blob:", "data:"))
