"""The studio for programs: the same acts as JSON, with a token or a session."""

from __future__ import annotations

import base64
from typing import Any

import httpx
from support.engines import encoded

from gptimages.accounts import tokens
from gptimages.studio.engine import EngineRequest, Size


def program(studio: Any, account: Any, *scopes: str) -> httpx.Client:
    """A program with a token of the person."""
    with studio.here.db.write() as session:
        secret, _ = tokens.create(session, studio.here, account.id, "tests", scopes, now=studio.here.clock())
    client = httpx.Client(base_url=studio.base, headers={"authorization": f"Bearer {secret}"}, timeout=30)
    studio.browsers.append(client)
    return client


def square(side: int) -> str:
    """A small PNG in base64."""
    return base64.b64encode(encoded(EngineRequest("a picture", Size(side, side), format="png"), 0)).decode()


def test_the_whole_way_as_json(studio: Any) -> None:
    """Ask, follow, list, search, mark, share, fetch and delete, by a token with the scope `images`."""
    client = program(studio, studio.make(), "images")
    sent = base64.b64encode(encoded(EngineRequest("a picture", Size(64, 64), format="png"), 0)).decode()
    asked = client.post("/api/v1/images", json={"prompt": "One heron", "count": 2, "references": [sent]})
    assert asked.status_code == 202, asked.text
    run = asked.json()["run"]
    assert (run["state"], run["count"], run["made"]) == ("queued", 2, 0)
    studio.work()
    done = client.get(f"/api/v1/runs/{run['id']}").json()
    assert (done["run"]["state"], len(done["images"])) == ("done", 2)
    image = done["images"][0]
    assert client.get(f"/api/v1/images/{image}").json()["prompt"] == "One heron"
    assert {one["id"] for one in client.get("/api/v1/images").json()["images"]} == set(done["images"])
    assert client.get(f"/api/v1/images/{image}/file").content.startswith(b"RIFF")
    assert client.put(f"/api/v1/images/{image}/favourite").status_code == 204
    found = client.post("/api/v1/images/search", json={"words": "heron", "favourites": True}).json()["images"]
    assert [one["id"] for one in found] == [image]
    assert client.delete(f"/api/v1/images/{image}/favourite").status_code == 204
    link = client.post(f"/api/v1/images/{image}/share").json()
    assert httpx.get(link["address"]).status_code == 200
    assert client.delete(f"/api/v1/shares/{link['id']}").status_code == 204
    assert httpx.get(link["address"]).status_code == 404
    toll = client.post("/api/v1/images/delete", json={"ids": done["images"], "preview": True}).json()
    assert (toll["pictures"], toll["words"], toll["references"], toll["links"]) == (2, 1, 1, 1)
    assert client.delete(f"/api/v1/images/{image}").status_code == 204
    assert client.post("/api/v1/images/delete", json={"ids": done["images"]}).json()["pictures"] == 1
    assert client.get("/api/v1/images").json() == {"images": [], "more": None}


def test_mistakes_are_problem_documents(studio: Any) -> None:
    """Each mistake is a problem document (RFC 9457) whose detail is the same sentence as on the page."""
    client = program(studio, studio.make(), "images")
    for body, sentence in (
        ({"prompt": ""}, "Say what should be in the picture"),
        ({"prompt": "x" * 40_000}, "40,000 characters"),
        ({"prompt": "x", "width": 7, "height": 7}, "does not make pictures of this size"),
        ({"prompt": "x", "references": ["no base64!"]}, "not valid base64"),
        ({"prompt": "x", "references": [base64.b64encode(b"a text").decode()]}, "not a picture we can read"),
        ({"prompt": "x", "mask": base64.b64encode(b"a text").decode()}, "A mask belongs to one picture"),
        ({"prompt": "x", "seed": -4}, "A seed is a whole number"),
        ({"prompt": "x", "references": [square(64)], "mask": square(32)}, "as large as the first picture"),
    ):
        answer = client.post("/api/v1/images", json=body)
        assert answer.status_code == 400, sentence
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert sentence in answer.json()["detail"]
    assert client.post("/api/v1/images", json={"prompt": "x", "colour": "red"}).status_code == 400


def test_a_token_without_the_scope_reaches_nothing(studio: Any) -> None:
    """A token for privacy matters makes no pictures and sees none."""
    client = program(studio, studio.make(), "privacy")
    assert client.post("/api/v1/images", json={"prompt": "One heron"}).status_code == 403
    assert client.get("/api/v1/images").status_code == 403
