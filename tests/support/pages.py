"""Which pages there are for whom, and how a person gets in: shared by the checks and by the screenshots."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from playwright.sync_api import Page

INES, TOMAS, MIRELA = "Ines Halvorsen", "Tomás Okafor", "Mirela Santos"
JUN, PETRA, SAMIR = "Jun Aldana", "Petra Vance", "Samir Lund"

PUBLIC = ("/", "/sign-in", "/policy", "/cookies", "/report", "/api", "/no-such-page")
PAGES: dict[str, tuple[str, ...]] = {
    INES: (
        "/studio",
        "/history",
        "/account",
        "/notices",
        "/support",
        "/privacy",
        "/privacy/requests",
        "/privacy/archive",
        "/privacy/choices",
        "/privacy/recipients",
        "/privacy/erase",
        "/privacy/erase/confirm",
    ),
    TOMAS: (
        "/compliance",
        "/compliance/requests",
        "/compliance/reports",
        "/compliance/reports/processing",
        "/compliance/holds",
        "/compliance/audit",
    ),
    MIRELA: ("/operations", "/operations/retention", "/operations/keys"),
    JUN: ("/legal", "/legal/versions/2027-01-05", "/legal/processors", "/legal/disclosures"),
    PETRA: ("/admin",),
    SAMIR: ("/desk", "/desk/reports"),
}


def sign_in(page: Page, url: str, name: str) -> None:
    """Signs one of the demo people in through the provider, as anybody would."""
    page.goto(f"{url}/sign-in")
    page.get_by_role("button", name="Go on with").click()
    page.get_by_role("button", name=name).click()
    page.wait_for_url(f"{url}/**")
    assert page.locator(".initials").is_visible()


def make_picture(page: Page, url: str, words: str, quality: str = "draft") -> None:
    """Asks for one picture and waits until it is there."""
    page.goto(f"{url}/studio")
    page.get_by_label("What should be in the picture?").fill(words)
    page.get_by_label("How many").select_option("1")
    page.get_by_label("Quality").select_option(quality)
    page.get_by_role("button", name="Make").click()
    page.wait_for_url(f"{url}/studio/runs/*")
    page.locator(".state.kept", has_text="Done").wait_for(timeout=60_000)


def follow(page: Page, url: str, start: str, beginning: str) -> str:
    """Goes to the first page whose link on `start` begins so, and returns its address. Fails when there is none."""
    page.goto(url + start)
    found = page.locator(f'main a[href^="{beginning}"]').first.get_attribute("href")
    assert found is not None
    return visit(page, url, found)


def visit(page: Page, url: str, path: str) -> str:
    """Opens a page that has to be there, and returns its address."""
    answer = page.goto(url + path)
    assert answer is not None
    assert answer.ok, f"{path}: {answer.status}"
    return path


def own_pages(page: Page, url: str) -> Iterator[str]:
    """A picture, its run, its deletion, its link before and after, what a stranger sees, and an account that closes."""
    make_picture(page, url, "One heron in the shallows")
    image = follow(page, url, "/history", "/images/")
    yield image
    like = page.locator('a[href^="/studio?like="]').first.get_attribute("href")
    assert like is not None
    yield visit(page, url, f"/studio/runs/{like.split('=')[1]}")
    yield visit(page, url, f"{image}/delete")
    yield visit(page, url, f"{image}/share")
    page.get_by_role("button", name="Make a link").click()
    shared = page.locator("#address").input_value()
    yield f"{image}/share"
    yield visit(page, url, shared.removeprefix(url))
    yield from closing_page(page, url)


def closing_page(page: Page, url: str) -> Iterator[str]:
    """The page of an account that closes; it is kept again afterwards."""
    mail = re.search(r"[\w.+-]+@[\w-]+\.[\w.-]*\w", visited(page, url, "/account"))
    assert mail is not None
    visit(page, url, "/privacy/erase/confirm")
    page.locator("#mail").fill(mail[0])
    page.get_by_role("button", name="Erase my account").click()
    page.wait_for_url(f"{url}/privacy/erase")
    try:
        yield "/privacy/erase"
    finally:
        visit(page, url, "/privacy/erase")
        page.get_by_role("button", name="Keep my account").click()
        page.wait_for_url(f"{url}/privacy")


def visited(page: Page, url: str, path: str) -> str:
    """The words of a page's main part."""
    visit(page, url, path)
    return page.locator("main").inner_html()


def operator_pages(page: Page, url: str) -> Iterator[str]:
    """A plan of retention and the question before it is carried out."""
    visit(page, url, "/operations/retention")
    page.locator('main form[method="post"] button').first.click()
    page.wait_for_url(f"{url}/operations/retention/*")
    plan = page.url.removeprefix(url)
    yield plan
    yield visit(page, url, f"{plan}/run")


def support_pages(page: Page, url: str) -> Iterator[str]:
    """A question and a report, filed and opened."""
    visit(page, url, "/support")
    page.locator('form[action="/support"] [name="text"]').fill("How do I begin?")
    page.locator('form[action="/support"] button').first.click()
    visit(page, url, "/report")
    page.locator('[name="kind"]').first.check()
    page.locator('[name="text"]').fill("It is not kind.")
    page.get_by_role("button", name="Send the report").click()
    page.wait_for_url(f"{url}/report?*")
    yield follow(page, url, "/desk", "/desk/")
    yield follow(page, url, "/desk/reports", "/desk/reports/")


def admin_pages(page: Page, url: str) -> Iterator[str]:
    """A person as administrators see them."""
    yield follow(page, url, "/admin", "/admin/people/")


def reader_pages(page: Page, url: str) -> Iterator[str]:
    """A version of the policy under its own address."""
    yield visit(page, url, "/policy/2026-09-01")


FOLLOWED: dict[str, Callable[[Page, str], Iterator[str]]] = {
    INES: own_pages,
    MIRELA: operator_pages,
    SAMIR: support_pages,
    PETRA: admin_pages,
    TOMAS: reader_pages,
}
"""For each person the pages with an id in their address, found by links and buttons; each is open when it is yielded."""
