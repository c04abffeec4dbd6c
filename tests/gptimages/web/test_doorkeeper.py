"""The doorkeeper: what comes from another site changes nothing, and a malformed visitor is nobody."""

from __future__ import annotations

import pytest

from gptimages.accounts import people, tokens

FORM = {"name": "Somebody Else"}


def name_of(web, account) -> str:
    """The account's name now."""
    with web.here.db.read() as session:
        return people.name_of(web.here, people.get(session, account.id))


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"}, "cross-site, with our origin"),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8000"}, "a neighbour of our site"),
        ({"sec-fetch-site": "cross-site"}, "cross-site, without an origin"),
        ({"sec-fetch-site": "SAME-ORIGIN"}, "no word of the standard"),
        ({"origin": "https://elsewhere.example"}, "another origin"),
        ({"origin": "null"}, "a hidden origin"),
        ({"origin": "http://127.0.0.1:8000.elsewhere.example"}, "an origin that begins like ours"),
        ({"origin": "http://127.0.0.1"}, "another port"),
        ({"origin": "https://127.0.0.1:8000"}, "another scheme"),
        ({}, "neither header"),
        ({"referer": "http://127.0.0.1:8000/account"}, "a referrer alone"),
    ],
)
def test_a_forged_request_changes_nothing(web, person, headers: dict[str, str], told: str) -> None:
    """A POST with the person's cookie but not from our own pages is refused in a sentence, and nothing is changed."""
    account = person()
    client = web.signed_in(account)
    del client.headers["origin"]
    answer = client.post("/account/name", data=FORM, headers=headers)
    assert answer.status_code == 403, told
    assert "did not come from our own pages" in answer.text
    assert name_of(web, account) == "Ines Halvorsen"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_method_that_changes_is_watched(web, person, method: str) -> None:
    """Whatever the method and the address, a request from elsewhere comes to 403 or 405, before anything is done."""
    client = web.signed_in(person(), **{"sec-fetch-site": "cross-site"})
    for path in ("/api/v1/images/nothing/favourite", "/api/v1/images/nothing", "/account/name", "/studio"):
        assert client.request(method, path, json={}).status_code in (403, 405)


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": "http://127.0.0.1:8000"}]
)
def test_our_own_pages_are_let_through(web, person, headers: dict[str, str]) -> None:
    """What the browser says comes from our own pages, or from the person's own hand, is done."""
    account = person()
    client = web.signed_in(account)
    del client.headers["origin"]
    assert client.post("/account/name", data=FORM, headers=headers).status_code in (200, 303)
    assert name_of(web, account) == "Somebody Else"


def test_reading_is_open_to_links_from_elsewhere(web, person) -> None:
    """A GET from another site, a followed link, is answered."""
    client = web.signed_in(person(), **{"sec-fetch-site": "cross-site"})
    assert client.get("/account").status_code == 200


def test_a_token_needs_no_origin(web, person, clock) -> None:
    """A program with a token vouches for itself; a cookie beside a bad token does not count."""
    account = person()
    with web.here.db.write() as session:
        secret, _ = tokens.create(session, web.here, account.id, "a program", ["images"], now=clock())
    client = web.browser(accept="application/json", authorization=f"Bearer {secret}")
    del client.headers["origin"]
    assert client.post("/api/v1/images/search", json={}).status_code == 200
    both = web.signed_in(account, accept="application/json", authorization="Bearer gi_wrong")
    assert both.get("/api/v1/tokens").status_code == 401


@pytest.mark.parametrize(
    "cookie",
    ["session=", "session=unknown", 'session="; x', "=;=;=", "session=" + "a" * 4000, "session=%00"],
)
def test_a_cookie_that_is_none_of_ours_is_nobody(web, cookie: str) -> None:
    """An unknown or broken cookie is never adopted and breaks nothing: the visitor is nobody, and no cookie is set."""
    client = web.browser(accept="application/json", cookie=cookie)
    assert client.get("/api/v1/tokens").status_code == 401
    page = client.get("/cookies")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
