"""Walking the real sign-in over HTTP, as a browser does: the page, the provider's page, the choice, and back.

client = browser(base_url)
sign_in(client, "demo-mirela")                                  # a demo person who has an account
sign_in(client, "new", birth=("NO", "31", "3", "1990"))         # somebody new, with the age question answered
"""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx

ADULT = ("NO", "31", "3", "1990")


class Fields(HTMLParser):
    """Collects the hidden fields of the first form on a page that leads to `action`."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action
        self.inside = False
        self.done = False
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = not self.done and given.get("action") == self.action
        elif tag == "input" and self.inside and given.get("type") == "hidden":
            self.found[str(given["name"])] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self.inside:
            self.inside, self.done = False, True


def browser(base_url: str) -> httpx.Client:
    """A client that behaves like a browser towards the service: pages wanted, same-origin forms, cookies kept."""
    headers = {"accept": "text/html,application/xhtml+xml", "origin": base_url.rstrip("/")}
    return httpx.Client(base_url=base_url, headers=headers, follow_redirects=False, timeout=20)


def begin(
    client: httpx.Client,
    *,
    birth: tuple[str, str, str, str] | None = None,
    next_path: str = "/account",
    again: bool = False,
) -> httpx.Response:
    """Sends the sign-in form; the answer leads to the provider, or is a page that says why not."""
    form = {"way": "known", "next": next_path, "again": "1" if again else ""}
    if birth is not None:
        form |= dict(zip(("country", "day", "month", "year"), birth, strict=True), way="new")
    return client.post("/sign-in", data=form)


def choose(client: httpx.Client, location: str, who: str, **typed: str) -> str:
    """Follows the way to the demo provider, chooses somebody there, and gives the address it sends the browser back to."""
    page = httpx.get(location, timeout=20)
    page.raise_for_status()
    fields = Fields("/authorize")
    fields.feed(page.text)
    url = urlsplit(location)
    answer = httpx.post(
        f"{url.scheme}://{url.netloc}/authorize", data={**fields.found, "who": who, **typed}, timeout=20
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def sign_in(
    client: httpx.Client,
    who: str,
    *,
    birth: tuple[str, str, str, str] | None = None,
    next_path: str = "/account",
    again: bool = False,
    **typed: str,
) -> httpx.Response:
    """Walks the whole way; the answer is that of the callback, and `client` holds the session's cookie afterwards.

    `who` is a demo person's subject, `new` or `typed` (with `name` and `email`).
    """
    left = begin(client, birth=birth, next_path=next_path, again=again)
    assert left.status_code == 303, left.text
    return client.get(choose(client, left.headers["location"], who, **typed))
