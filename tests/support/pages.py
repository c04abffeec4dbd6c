"""Which pages there are for whom, and how a person gets in: shared by the checks and by the screenshots."""

from __future__ import annotations

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
    MIRELA: ("/operations", "/operations/retention"),
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
