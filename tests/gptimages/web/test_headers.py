"""The security headers: on every answer, whatever it is."""

from __future__ import annotations

import msgspec
import pytest
from litestar import get

from gptimages.settings import Settings
from gptimages.web import headers
from gptimages.web.permissions import PUBLIC

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@get("/broken", opt=PUBLIC, sync_to_thread=True)
def broken() -> None:
    """Breaks."""
    raise RuntimeError("broken on purpose")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/cookies", 200),
        ("GET", "/static/style.css", 200),
        ("GET", "/static/no-such-file", 404),
        ("GET", "/no-such-page", 404),
        ("GET", "/account", 303),
        ("POST", "/cookies", 405),
        ("POST", "/account/name", 401),
        ("OPTIONS", "/cookies", 204),
        ("HEAD", "/no-such-page", 404),
        ("GET", "/broken", 500),
        ("GET", "/healthz", 200),
        ("GET", "/api/v1/schema/openapi.json", 200),
        ("GET", "/api/v1/tokens", 401),
        ("GET", "/%00", 404),
        ("GET", "/static/%2e%2e/%2e%2e/settings.py", 404),
    ],
)
def test_every_answer_has_them(serve, method: str, path: str, status: int) -> None:
    """Pages, assets, redirects, refusals and errors all carry the policy and the rest."""
    answer = serve([broken]).browser().request(method, path)
    assert answer.status_code == status
    assert ALWAYS.items() <= dict(answer.headers).items()
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "camera=()" in answer.headers["permissions-policy"]


def test_only_assets_may_be_kept(web, person) -> None:
    """A page is not stored by any cache; an asset, addressed by its contents, for a year."""
    client = web.signed_in(person())
    assert client.get("/account").headers["cache-control"] == "no-store"
    assert client.get("/no-such-page").headers["cache-control"] == "no-store"
    kept = client.get("/static/style.css").headers["cache-control"]
    assert "max-age=31536000" in kept
    assert "immutable" in kept


def test_https_is_for_good(settings: Settings) -> None:
    """Reached over https the service asks browsers never to come without it; on loopback it must not."""
    secure = msgspec.structs.replace(settings, public_url="https://images.example", demo=False)
    assert headers.policy(secure)["strict-transport-security"].startswith("max-age=63072000")
    assert "strict-transport-security" not in headers.policy(settings)


def test_forms_lead_to_us_and_the_provider_alone(settings: Settings) -> None:
    """The one other place that a form may lead to is the identity provider of the settings."""
    told = headers.policy(settings)["content-security-policy"]
    assert "form-action 'self' http://127.0.0.1:8001;" in told
