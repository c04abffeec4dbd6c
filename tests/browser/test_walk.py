"""The whole loop in a browser: from the age question to the erased account, then the operator and compliance."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect
from support import pages
from support.service import Service

WORDS = "Four stones that trust each other, one of them violet"
Opener = Callable[..., Page]


def picture_file(directory: Path) -> Path:
    """A photograph to start from."""
    path = directory / "start.jpg"
    Image.effect_noise((320, 200), 60).convert("RGB").save(path, "JPEG")
    return path


def answer_age(page: Page, url: str, year: str) -> None:
    """Answers the age question as somebody new."""
    page.goto(f"{url}/sign-in")
    page.get_by_label("Which country do you live in?").select_option("NO")
    page.get_by_label("Day").fill("3")
    page.get_by_label("Month").fill("5")
    page.get_by_label("Year").fill(year)
    page.get_by_role("button", name="Make an account").click()


def compose(page: Page, url: str, start: Path) -> None:
    """Asks for one picture with everything that can be chosen."""
    page.goto(f"{url}/studio")
    page.get_by_label("What should be in the picture?").fill(WORDS)
    page.get_by_text("Gouache", exact=True).click()
    page.get_by_text("1 : 1", exact=True).click()
    page.locator("input[type=file]").set_input_files(start)
    page.get_by_label("How many").select_option("1")
    page.get_by_label("Quality").select_option("draft")
    page.get_by_role("button", name="Make 1 picture").click()
    page.wait_for_url(f"{url}/studio/runs/*")


def test_end_user(service: Service, open_page: Opener, tmp_path: Path) -> None:
    """A person makes, finds, marks, takes and deletes a picture, sees, corrects and takes their data, and leaves."""
    page = open_page()
    answer_age(page, service.url, "1990")
    page.get_by_role("button", name="Somebody new").click()
    page.wait_for_url(f"{service.url}/**")

    compose(page, service.url, picture_file(tmp_path))
    expect(page.locator("progress").first).to_be_visible()
    expect(page.locator(".state.kept", has_text="Done")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("no model", exact=False).first).to_be_visible()

    page.goto(f"{service.url}/history")
    page.get_by_label("Search your words").fill("violet")
    page.get_by_role("button", name="Search").click()
    assert "violet" not in page.url
    page.locator(".hang a").first.click()
    expect(page.get_by_role("heading", name=WORDS)).to_be_visible()
    page.get_by_role("button", name="Favourite").click()
    expect(page.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download").click()
    with Image.open(taken.value.path()) as picture:
        assert picture.size == (1024, 1024)
    image_page = page.url

    page.goto(f"{service.url}/account")
    page.get_by_label("Name", exact=True).fill("Ragna Corrected")
    page.get_by_role("button", name="Correct it").click()
    expect(page.get_by_label("Account of Ragna Corrected")).to_be_visible()

    take_archive(page, service.url)

    page.goto(image_page)
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete 1 picture").click()
    assert page.goto(image_page).status == 404  # type: ignore[union-attr]

    page.goto(f"{service.url}/privacy")
    page.get_by_role("link", name="See what would go…").click()
    page.get_by_role("link", name="Go on to confirm…").click()
    mail = mail_of(page, service.url)
    page.goto(f"{service.url}/privacy/erase/confirm")
    page.get_by_label(re.compile("Your mail address")).fill(mail)
    page.get_by_role("button", name="Erase my account").click()
    expect(page.get_by_role("button", name="Keep my account")).to_be_visible()
    page.get_by_role("button", name=re.compile("now", re.IGNORECASE)).click()
    expect(page.get_by_role("heading", name="You are signed out, and your account goes")).to_be_visible()
    page.goto(f"{service.url}/studio")
    assert "/sign-in" in page.url


def take_archive(page: Page, url: str) -> None:
    """Prepares the archive, waits for it, downloads it and looks for the person's words and picture in it."""
    page.goto(f"{url}/privacy/archive")
    page.get_by_role("button", name="Prepare the archive").click()
    for _ in range(60):
        if page.get_by_role("heading", name="It is ready").is_visible():
            break
        page.wait_for_timeout(500)
        page.goto(f"{url}/privacy/archive")
    with page.expect_download() as taken:
        page.locator("a[download]").click()
    with zipfile.ZipFile(io.BytesIO(Path(taken.value.path()).read_bytes())) as archive:
        names = archive.namelist()
        assert {"index.html", "manifest.json"} <= set(names)
        everything = b"".join(archive.read(name) for name in names if name.endswith(".json"))
        assert WORDS.encode() in everything
        assert b"Ragna Corrected" in everything
        assert any(name.startswith("images/") for name in names)
        assert json.loads(archive.read("manifest.json"))


def mail_of(page: Page, url: str) -> str:
    """The person's own mail address, read off their account page."""
    page.goto(f"{url}/account")
    found = re.search(r"[\w.+-]+@example\.org", page.content())
    assert found is not None
    return found.group(0)


def test_too_young(service: Service, open_page: Opener) -> None:
    """Somebody below the age is told so kindly and never reaches the provider."""
    page = open_page(390)
    answer_age(page, service.url, "2019")
    expect(page.get_by_role("heading", name="We cannot make an account for you yet")).to_be_visible()
    assert page.context.cookies() == []


def test_operator(service: Service, open_page: Opener) -> None:
    """The operator makes a retention plan, reads what would go, runs it and sees what went."""
    page = open_page()
    pages.sign_in(page, service.url, pages.MIRELA)
    page.goto(f"{service.url}/operations/retention")
    page.get_by_role("button", name="Make a plan now").click()
    expect(page.get_by_role("heading", name=re.compile("This plan would take"))).to_be_visible()
    page.get_by_role("link", name="Run this plan…").click()
    page.get_by_role("button", name=re.compile("Take .* for good")).click()
    for _ in range(60):
        if page.get_by_role("heading", name=re.compile("This plan took")).is_visible():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError("The plan was not carried out.")


def test_compliance(service: Service, open_page: Opener) -> None:
    """Compliance opens the record of processing and takes it as PDF."""
    page = open_page()
    pages.sign_in(page, service.url, pages.TOMAS)
    page.goto(f"{service.url}/compliance/reports")
    page.get_by_role("link", name="Record of processing").first.click()
    expect(page.get_by_role("heading", name="Making pictures", exact=True)).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="PDF").click()
    assert Path(taken.value.path()).read_bytes().startswith(b"%PDF-")


def test_without_script(service: Service, open_page: Opener) -> None:
    """Without JavaScript a picture is made, found and deleted just the same."""
    page = open_page(script=False)
    pages.sign_in(page, service.url, pages.INES)
    pages.make_picture(page, service.url, "Rain on the tram window")
    page.goto(f"{service.url}/history")
    page.locator(".cap input[type=checkbox]").first.check()
    page.locator(".bulk").get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete 1 picture").click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()


def test_keyboard(service: Service, open_page: Opener) -> None:
    """By keyboard alone one reaches the content, writes a prompt and sends it."""
    page = open_page()
    pages.sign_in(page, service.url, pages.INES)
    page.goto(f"{service.url}/studio")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(3):
        if page.evaluate("document.activeElement.id") == "prompt":
            break
        page.keyboard.press("Tab")
    page.keyboard.type("Fog over the fjord, one boat")
    page.get_by_label("Quality").select_option("draft")
    page.get_by_role("button", name="Make").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{service.url}/studio/runs/*")
