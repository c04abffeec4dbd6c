"""What a stolen token cannot do: hurry an erasure, act on pages, apply a plan, lift a hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select

from datasteward.retention import holds, plans
from datasteward.retention.scope import Scope
from gptimages.accounts import people, tokens
from gptimages.accounts.models import ApiToken
from gptimages.messaging.models import Notification
from gptimages.privacy import leaving

MAIL = {"email": "ines@people.example"}


def program(web: Any, account: Any, *scopes: str, accept: str = "application/json") -> httpx.Client:
    """A client with a token of the person and without an origin."""
    with web.here.db.write() as session:
        secret, _ = tokens.create(session, web.here, account.id, "a program", scopes, now=web.here.clock())
    client = web.browser(accept=accept, authorization=f"Bearer {secret}")
    del client.headers["origin"]
    return client


def state_of(web: Any, account: Any) -> str:
    """The account's state now."""
    with web.here.db.read() as session:
        return people.get(session, account.id).state


def test_a_token_cannot_hurry_an_erasure(web: Any, person: Any) -> None:
    """Asked by a token an erasure waits; the token reaches no page, so it cannot do without the wait."""
    ines = person()
    thief = program(web, ines, "privacy")
    assert thief.post("/api/v1/privacy/erasure", json=MAIL).json()["state"] == "waiting"
    for page in ("/privacy/erase/now", "/privacy/erase/cancel"):
        assert thief.post(page).status_code in (401, 403)
    with web.here.db.read() as session:
        waiting = leaving.waiting(session, ines.id)
        assert waiting is not None
        assert waiting.run_after == web.here.clock() + web.here.policies.limits.erasure_wait.span
    assert web.here.vault.has(ines.id)


def test_an_erasure_asked_by_a_token_says_so_and_leaves_it_alone(web: Any, person: Any) -> None:
    """The notice says that a token asked; every session and other token ends; keeping the account ends that one too."""
    ines = person()
    browser, other, thief = web.signed_in(ines), program(web, ines, "images"), program(web, ines, "privacy")
    assert thief.post("/api/v1/privacy/erasure", json=MAIL).status_code == 202
    with web.here.db.read() as session:
        notice = session.scalars(select(Notification).where(Notification.kind == "erasure")).one()
    assert "A program with one of your tokens asked" in notice.body
    assert browser.get("/account", headers={"accept": "application/json"}).status_code == 401
    assert other.get("/api/v1/images").status_code == 401
    assert thief.get("/api/v1/privacy/erasure").json()["state"] == "waiting"
    assert web.signed_in(ines).post("/privacy/erase/cancel").status_code == 303
    assert state_of(web, ines) == "active"
    assert thief.get("/api/v1/privacy/holdings").status_code == 401
    with web.here.db.read() as session:
        assert all(token.ended_at == token.expires_at for token in session.scalars(select(ApiToken)))


def test_leaving_ends_every_token(web: Any, person: Any) -> None:
    """Asked in a browser, an erasure leaves no token alive."""
    ines = person()
    left_on = program(web, ines, "privacy")
    assert web.signed_in(ines).post("/privacy/erase/confirm", data=MAIL).status_code == 303
    assert left_on.get("/api/v1/privacy/erasure").status_code == 401
    assert state_of(web, ines) == "closing"


def test_a_token_opens_no_page(web: Any, person: Any) -> None:
    """Outside the API a token is nobody: no page is read or acted on by it."""
    admin = program(web, person(given=("administrator", "operator")), *tokens.SCOPES)
    for page in ("/account", "/admin", "/operations", "/privacy"):
        assert admin.get(page).status_code == 401, page
    ordinary = person("Tom Officer")
    assert admin.post(f"/admin/people/{ordinary.id}/roles", data={"role": "operator"}).status_code in (401, 403)


def test_a_staff_token_plans_and_does_not_apply(web: Any, person: Any) -> None:
    """A staff token makes and reads plans and places holds; it applies no plan and lifts no hold."""
    here, staff = web.here, person(given=("operator", "compliance"))
    client = program(web, staff, "staff")
    plan = client.post("/api/v1/retention/plans").json()["plan"]["id"]
    assert client.get(f"/api/v1/retention/plans/{plan}").status_code == 200
    refused = client.post(f"/api/v1/retention/plans/{plan}/apply")
    assert refused.status_code == 403
    assert "No token may do this" in refused.json()["detail"]
    with here.db.write() as session:
        review = here.clock() + timedelta(days=9)
        hold = holds.place(
            session, here.steward, Scope(subject=staff.id), "24-117", review_at=review, by="legal", now=here.clock()
        )
    assert client.post(f"/api/v1/holds/{hold.id}/lift").status_code == 403
    with here.db.read() as session:
        assert plans.row(session, plan).state == "open"
        assert holds.held(session, staff.id)
