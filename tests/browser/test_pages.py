"""Every page, for everybody who may see it: accessible, whole at phone width, and with nothing from elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from support import pages
from support.service import Service

WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")


def faults_of(page: Page) -> list[str]:
    """What axe-core finds, and whether the page scrolls sideways."""
    found = Axe().run(page).response["violations"]
    faults = [f"{page.url}: {one['id']} at {one['nodes'][0]['target']}" for one in found]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        faults.append(f"{page.url}: scrolls sideways")
    return faults


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_public_pages(service: Service, open_page: Any, width: int, scheme: str) -> None:
    """No page that anybody may read has an accessibility fault or scrolls sideways."""
    page = open_page(width, scheme)
    faults = []
    for path in pages.PUBLIC:
        page.goto(service.url + path)
        faults += faults_of(page)
    assert faults == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
@pytest.mark.parametrize("name", list(pages.FOLLOWED))
def test_pages_behind_links(service: Service, open_page: Any, name: str, width: int, scheme: str) -> None:
    """No page with an id in its address has an accessibility fault or scrolls sideways, from picture to retention plan."""
    page = open_page(width, scheme)
    pages.sign_in(page, service.url, name)
    faults = []
    for one in pages.FOLLOWED[name](page, service.url):
        faults += faults_of(page)
        assert page.locator("main h1").count() == 1, f"{one} has no heading"
    assert faults == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", list(pages.PAGES))
def test_pages_of(service: Service, open_page: Any, name: str, width: int, scheme: str) -> None:
    """No page of anybody who is signed in has an accessibility fault or scrolls sideways."""
    page = open_page(width, scheme)
    pages.sign_in(page, service.url, name)
    faults = []
    for path in pages.PAGES[name]:
        answer = page.goto(service.url + path)
        assert answer is not None
        if answer.status != 200:
            faults.append(f"{path}: {answer.status}")
        faults += faults_of(page)
    assert faults == []
