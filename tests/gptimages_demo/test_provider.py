"""The demo provider checks what a provider has to check, and runs where it may alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from support.serving import free_port, serving

from gptimages.accounts import roles, signing_in
from gptimages_demo.app import create_app
from gptimages_demo.config import HOST, Config
from gptimages_demo.errors import DemoRefused
from gptimages_demo.grants import CODE_SECONDS, Grant, Grants, Subject, challenge_of
from gptimages_demo.people import DEMO_PEOPLE, ensure_people
from gptimages_demo.provider import run_in_process, running, serve

VERIFIER = "v" * 43
BACK = "http://127.0.0.1:9/sign-in/callback"


@pytest.fixture(scope="module")
def config() -> Config:
    """A configuration on a free port."""
    port = free_port()
    return Config(f"http://127.0.0.1:{port}", port, "the-client", "the secret of the client", BACK, True)


@pytest.fixture(scope="module")
def provider(config: Config) -> Iterator[httpx.Client]:
    """A client of the provider."""
    with serving(create_app(config), config.port) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


def asked(**changes: str) -> dict[str, str]:
    """A right authorization request, changed."""
    right = {
        "client_id": "the-client",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid email profile",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": challenge_of(VERIFIER).decode(),
        "code_challenge_method": "S256",
    }
    return {key: value for key, value in {**right, **changes}.items() if value}


def code_from(provider: httpx.Client, who: str = "demo-ines", **changes: str) -> str:
    """A code for somebody."""
    answer = provider.post("/authorize", data={**asked(**changes), "who": who})
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def exchange(
    provider: httpx.Client, code: str, secret: str = "the secret of the client", **changes: str
) -> httpx.Response:
    """The token request for a code."""
    right = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return provider.post("/token", data={**right, **changes}, auth=("the-client", secret))


def test_discovery_promises_what_is_kept(provider, config):
    """The metadata name the issuer, RS256, S256 alone and the issuer in callbacks."""
    found = provider.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == config.issuer
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True


def test_the_key_set_holds_no_private_part(provider):
    """What is published of the key is its public part."""
    (key,) = provider.get("/jwks").json()["keys"]
    assert {"kty", "n", "e", "kid"} <= set(key)
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)


def test_the_page_lists_the_demo_people_under_a_strict_policy(provider):
    """Each person is a button; nothing from elsewhere, no script, forms to itself and back alone."""
    page = provider.get("/authorize", params=asked())
    assert all(person.name in page.text for person in DEMO_PEOPLE)
    assert "Somebody new" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:9" in policy
    assert "<script" not in page.text


def test_what_was_asked_cannot_break_out_of_the_page(provider):
    """Parameters stand in the page escaped."""
    page = provider.get("/authorize", params=asked(state='"><script>alert(1)</script>'))
    assert "<script>" not in page.text


def test_a_code_becomes_an_id_token_for_this_client(provider, config):
    """Signature, audience, nonce and person are right, and userinfo says the same of the same subject."""
    tokens = exchange(provider, code_from(provider)).json()
    keys = KeySet.import_key_set(provider.get("/jwks").json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (config.issuer, "the-client", "the-nonce")
    assert (claims["sub"], claims["email_verified"]) == ("demo-ines", True)
    told = provider.get("/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"}).json()
    assert told["sub"] == claims["sub"]
    assert provider.get("/userinfo", headers={"authorization": "Bearer x"}).status_code == 401
    assert provider.get(urlsplit(claims["picture"]).path).content.startswith(b"\x89PNG")


def test_the_answer_carries_state_and_issuer(provider, config):
    """State comes back unchanged and the issuer stands in the callback (RFC 9207)."""
    answer = provider.post("/authorize", data={**asked(), "who": "demo-ines"})
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (query["state"], query["iss"]) == (["the-state"], [config.issuer])


@pytest.mark.parametrize(
    "change", [{"client_id": "another"}, {"redirect_uri": "http://127.0.0.1:9/elsewhere"}, {"redirect_uri": ""}]
)
def test_nobody_is_sent_to_an_address_that_is_not_the_clients(provider, change):
    """Another client or redirect address gets a page, never a redirect."""
    for answer in (
        provider.get("/authorize", params=asked(**change)),
        provider.post("/authorize", data={**asked(**change), "who": "demo-ines"}),
    ):
        assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_requests_that_cannot_be_served_come_back_as_errors(provider, change, error):
    """The error goes back to the client, with no code, whether the page or the form was asked."""
    for answer in (
        provider.get("/authorize", params=asked(**change)),
        provider.post("/authorize", data={**asked(**change), "who": "demo-ines"}),
    ):
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        assert (query["error"], "code" in query) == ([error], False)


def test_a_code_is_good_once(provider):
    """The second exchange of a code is refused."""
    code = code_from(provider)
    assert [exchange(provider, code).status_code for _ in range(2)] == [200, 400]


@pytest.mark.parametrize(
    "change", [{"code_verifier": "w" * 43}, {"code_verifier": ""}, {"redirect_uri": BACK + "/x"}, {"code": "guessed"}]
)
def test_a_code_wants_its_verifier_and_its_redirect_address(provider, change):
    """Anything that does not fit is `invalid_grant`, and the code is used up by the attempt."""
    code = code_from(provider)
    answer = exchange(provider, **{"code": code, **change})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    if "code" not in change:
        assert exchange(provider, code).status_code == 400


def test_a_client_has_to_prove_itself(provider):
    """A wrong secret, none, and a wrong kind of grant are refused."""
    code = code_from(provider)
    assert exchange(provider, code, secret="another").status_code == 401
    assert provider.post("/token", data={"grant_type": "authorization_code", "code": code}).status_code == 401
    assert exchange(provider, code, grant_type="password").json()["error"] == "unsupported_grant_type"


def test_an_old_code_is_worth_nothing(monkeypatch):
    """After a minute a code has expired."""
    grants = Grants()
    code = grants.code_for(Grant(Subject("s", "n", "e"), BACK, challenge_of(VERIFIER).decode(), None, 0))
    later = time.monotonic() + CODE_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert grants.redeem(code, redirect_uri=BACK, verifier=VERIFIER) is None


def test_somebody_new_is_new_each_time_and_a_typed_address_the_same(provider):
    """New people have fresh subjects; the same mail address is the same subject again."""

    def subject(who: str, **typed: str) -> str:
        token = exchange(provider, code_from(provider, who, **typed)).json()["id_token"]
        return jwt.decode(token, KeySet.import_key_set(provider.get("/jwks").json()), algorithms=["RS256"]).claims[
            "sub"
        ]

    assert subject("new") != subject("new")
    typed = [
        subject("typed", name="Rosa", email=email) for email in ("rosa@x.example", "Rosa@x.example", "r@x.example")
    ]
    assert typed[0] == typed[1] != typed[2]


def test_outside_demo_mode_it_refuses_in_a_sentence(settings):
    """Neither a configuration nor a process nor demo people can be had outside demo mode."""
    production = msgspec.structs.replace(settings, demo=False)
    for attempt in (Config.of, run_in_process, serve):
        with pytest.raises(DemoRefused, match=r"in demo mode alone.*\.$"):
            attempt(production)
    with pytest.raises(DemoRefused):
        create_app(msgspec.structs.replace(Config.of(settings), demo=False))


def test_demo_people_are_refused_outside_demo_mode(here):
    """Invented people are never made in an installation that is not a demo."""
    production = here.__class__(msgspec.structs.replace(here.settings, demo=False), here.db, here.steward, here.clock)
    with pytest.raises(DemoRefused):
        ensure_people(production)


def test_demo_people_are_made_once_with_their_roles(here):
    """A second time changes nothing; each person has the roles that the list says."""
    for _ in range(2):
        ensure_people(here)
    with here.db.read() as session:
        for person in DEMO_PEOPLE:
            account = signing_in.find(session, here.settings.oidc_issuer, person.subject)
            assert roles.roles_of(session, account.id) == {"user", *person.roles}


def test_it_runs_in_a_process_of_its_own_on_loopback_alone(settings):
    """`running` answers when it is entered and has ended when it is left."""
    port = free_port()
    here = msgspec.structs.replace(settings, demo_port=port, oidc_issuer=f"http://{HOST}:{port}")
    with running(here) as started:
        assert httpx.get(f"http://{HOST}:{port}/jwks").status_code == 200
        table = Path(f"/proc/{started.process.pid}/net/tcp").read_text().splitlines()
        listening = [line.split()[1] for line in table if " 0A " in line]
        assert f"0100007F:{port:04X}" in listening
        assert f"00000000:{port:04X}" not in listening
    assert started.process.poll() is not None


PARENT = """
import sys, time
from pathlib import Path
from gptimages.settings import Settings
from gptimages_demo.provider import run_in_process
started = run_in_process(Settings(demo=True, demo_port=int(sys.argv[1]), oidc_issuer="http://127.0.0.1:" + sys.argv[1],
                                  oidc_client_id="c", oidc_client_secret="s"))
print(started.process.pid, flush=True)
time.sleep(60)
"""


def test_it_ends_with_its_parent_even_when_that_is_killed():
    """No provider is left behind by a parent that had no time to end it."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(free_port())], stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    ends = time.monotonic() + 10
    while _alive(child) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
