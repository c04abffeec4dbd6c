"""What the service makes of a provider that misbehaves: a sentence, and nothing stored."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from support import bad_provider
from support.bad_provider import BadProvider
from support.serving import free_port, serving
from support.signing_in import ADULT, begin
from support.stored import everything

from gptimages.accounts import oidc
from gptimages.accounts.provider import Metadata, Provider
from gptimages.accounts.sign_in_routes import PROVIDER

MISFIT = "does not belong to this sign-in"
DOWN = "does not work at the moment"


@pytest.fixture(scope="module")
def served(shared_site: Any) -> Iterator[BadProvider]:
    """The provider of this module."""
    made = BadProvider(shared_site.here.settings)
    with serving(made.app(), shared_site.here.settings.demo_port):
        yield made


@pytest.fixture
def site(shared_site: Any) -> Any:
    """The module's service, which forgets what it knew of the provider."""
    shared_site.app.state.pop(PROVIDER, None)
    shared_site.clock.ahead = timedelta()
    return shared_site


@pytest.fixture
def bad(site: Any, served: BadProvider) -> BadProvider:
    """A provider that behaves until it is told otherwise."""
    fresh = BadProvider(site.here.settings)
    for name in fresh.__dataclass_fields__:
        setattr(served, name, getattr(fresh, name))
    return served


def come_back(client: httpx.Client) -> httpx.Response:
    """Goes to the provider as somebody new and comes back; the answer of the callback."""
    left = begin(client, birth=ADULT)
    assert left.status_code == 303, left.text
    return client.get(httpx.get(left.headers["location"]).headers["location"])


def test_the_same_provider_signs_in_when_it_behaves(site, bad):
    """Without a fault the sign-in succeeds: so it is the fault that is refused below."""
    with site.browser() as client:
        assert come_back(client).headers["location"] == "/account"
        assert "Rosa Lindqvist" in client.get("/account").text


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "wrong nonce": ({"claims": {"nonce": "another"}}, MISFIT),
    "no nonce": ({"claims": {"nonce": None}}, MISFIT),
    "wrong audience": ({"claims": {"aud": "another-client"}}, MISFIT),
    "another audience beside us": ({"claims": {"aud": ["gptimages-test", "another-client"]}}, MISFIT),
    "no audience": ({"claims": {"aud": None}}, MISFIT),
    "another authorized party": ({"claims": {"azp": "another-client"}}, MISFIT),
    "wrong issuer": ({"claims": {"iss": "http://127.0.0.1:1"}}, MISFIT),
    "no issuer": ({"claims": {"iss": None}}, MISFIT),
    "no subject": ({"claims": {"sub": None}}, MISFIT),
    "empty subject": ({"claims": {"sub": ""}}, MISFIT),
    "expired": ({"claims": {"exp": int(time.time()) - 3600}}, MISFIT),
    "no expiry": ({"claims": {"exp": None}}, MISFIT),
    "expiry as text": ({"claims": {"exp": "never"}}, MISFIT),
    "issued long ago": ({"claims": {"iat": int(time.time()) - 3600}}, MISFIT),
    "issued in the future": ({"claims": {"iat": int(time.time()) + 7200}}, MISFIT),
    "never issued": ({"claims": {"iat": None}}, MISFIT),
    "not valid yet": ({"claims": {"nbf": int(time.time()) + 7200}}, MISFIT),
    "hash of another access token": ({"claims": {"at_hash": "c29tZXRoaW5nIGVsc2U"}}, MISFIT),
    "algorithm none": ({"sign": bad_provider.unsigned}, MISFIT),
    "HMAC under the public key": ({"sign": bad_provider.hmac_under_public_key}, MISFIT),
    "signed by another key": ({"sign": bad_provider.signed_by_another}, MISFIT),
    "claims swapped": ({"sign": bad_provider.swapped}, MISFIT),
    "no token at all": ({"sign": lambda _claims, _key: "not.a.token"}, MISFIT),
    "no ID token": ({"tokens": {"id_token": None}}, MISFIT),
    "ID token of another kind": ({"tokens": {"id_token": 7}}, MISFIT),
    "code refused": ({"tokens": {"error": "invalid_grant"}, "token_status": 400}, MISFIT),
    "token endpoint broken": ({"token_status": 500}, DOWN),
    "mail address not verified": ({"claims": {"email_verified": False}}, "Your mail address is not verified"),
    "mail address verified in words": ({"claims": {"email_verified": "true"}}, "Your mail address is not verified"),
    "verification not told": ({"claims": {"email_verified": None}}, "Your mail address is not verified"),
    "no mail address": ({"claims": {"email": None}}, "did not get your mail address"),
    "wrong state": ({"callback": {"state": "another"}}, MISFIT),
    "no state": ({"callback": {"state": None}}, MISFIT),
    "another issuer in the callback": ({"callback": {"iss": "http://127.0.0.1:1"}}, MISFIT),
    "promised issuer missing in the callback": ({"callback": {"iss": None}}, MISFIT),
    "no code": ({"callback": {"code": None}}, MISFIT),
    "cancelled": ({"callback": {"code": None, "error": "access_denied"}}, "You stopped at the demo provider"),
    "keys of other kinds only": ({"served_keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "first"}]}, MISFIT),
    "no keys": ({"served_keys": []}, MISFIT),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_does_not_fit_is_refused_in_a_sentence_and_nothing_is_stored(site, bad, fault):
    """Each single fault ends the sign-in: one sentence, no cookie of a session, and no row, key or object more."""
    change, sentence = FAULTS[fault]
    before = everything(site.data)
    for name, value in change.items():
        setattr(bad, name, value)
    with site.browser() as client:
        answer = come_back(client)
        assert answer.status_code in (400, 503), answer.text
        assert sentence in answer.text
        assert "session" not in client.cookies
    assert everything(site.data) == before


METADATA: dict[str, dict[str, Any]] = {
    "issuer of somebody else": {"metadata": {"issuer": "http://127.0.0.1:1"}},
    "issuer with a slash": {"metadata": {"issuer": "http://127.0.0.1:8001/"}},
    "PKCE downgraded to plain": {"metadata": {"code_challenge_methods_supported": ["plain"]}},
    "keys over plain http elsewhere": {"metadata": {"jwks_uri": "http://keys.example/jwks"}},
    "no token endpoint": {"metadata": {"token_endpoint": None}},
    "an error": {"discovery_status": 500},
    "a huge answer": {"metadata": {"padding": "x" * 400_000}},
}


@pytest.mark.parametrize("fault", METADATA)
def test_metadata_that_cannot_be_trusted_sends_nobody_away(site, bad, fault):
    """A provider whose metadata differs from what is pinned is not used: one sentence, status 503, nothing stored."""
    before = everything(site.data)
    for name, value in METADATA[fault].items():
        setattr(bad, name, value)
    with site.browser() as client:
        answer = begin(client)
        assert answer.status_code == 503, answer.text
        assert DOWN in answer.text
        assert not client.cookies
    assert everything(site.data) == before


def test_a_provider_that_is_not_there_is_told_in_a_sentence(site):
    """Without a provider the page says that it is not the person's fault and what to do; nothing is stored."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    site.app.state[PROVIDER] = Provider(msgspec.structs.replace(site.here.settings, oidc_issuer=nowhere))
    before = everything(site.data)
    with site.browser() as client:
        answer = begin(client)
    assert (answer.status_code, DOWN in answer.text) == (503, True)
    assert everything(site.data) == before


def test_pkce_is_always_s256_and_its_verifier_comes_along(site, bad):
    """The challenge is S256 of the verifier that the token request carries; state and nonce are there and differ."""
    from gptimages_demo.grants import challenge_of

    with site.browser() as client:
        come_back(client)
    asked, exchanged = bad.asked[0], bad.exchanges[0]
    assert asked["code_challenge_method"] == "S256"
    assert challenge_of(exchanged["code_verifier"]).decode() == asked["code_challenge"]
    assert len({asked["state"], asked["nonce"], exchanged["code_verifier"]}) == 3
    assert min(len(asked["state"]), len(asked["nonce"])) >= 43


def test_an_answer_is_taken_once(site, bad):
    """The same callback a second time, cookie and all, finds no sign-in under way."""
    with site.browser() as client:
        left = begin(client, birth=ADULT)
        mark = client.cookies["sign-in"]
        back = httpx.get(left.headers["location"]).headers["location"]
        assert client.get(back).status_code == 303
        before = everything(site.data)
        client.cookies.clear()
        again = client.get(back, headers={"cookie": f"sign-in={mark}"})
    assert again.status_code == 400
    assert "This sign-in is over" in again.text
    assert everything(site.data) == before


def test_an_answer_in_another_browser_signs_nobody_in(site, bad):
    """A callback that is opened without the cookie of the browser that began it is refused (login forgery)."""
    with site.browser() as client, site.browser() as other:
        left = begin(client, birth=ADULT)
        back = httpx.get(left.headers["location"]).headers["location"]
        answer = other.get(back)
        assert (answer.status_code, "This sign-in is over" in answer.text) == (400, True)
        assert "session" not in other.cookies


def test_a_sign_in_that_takes_too_long_is_over(site, bad):
    """After the time of policies/limits.yaml the attempt opens nothing any more."""
    with site.browser() as client:
        left = begin(client, birth=ADULT)
        back = httpx.get(left.headers["location"]).headers["location"]
        site.clock.ahead = site.here.policies.limits.sign_in_attempt.span
        answer = client.get(back)
    assert (answer.status_code, "This sign-in is over" in answer.text) == (400, True)


def test_a_new_key_is_fetched_once_and_used(site, bad):
    """When the provider has changed its key, the unknown key id leads to one more look; known ones lead to none."""
    with site.browser() as client:
        come_back(client)
        come_back(client)
        assert (bad.key_fetches, bad.discoveries) == (1, 1)
        bad.key = bad_provider.signing_key("second")
        assert come_back(client).status_code == 303
    assert bad.key_fetches == 2


@pytest.mark.parametrize(
    ("issuer", "listed", "usual", "fresh"),
    [
        ("https://accounts.google.com", None, {"prompt": "select_account"}, {"prompt": "select_account", "max_age": 0}),
        ("https://op.example", None, {}, {"prompt": "login", "max_age": 0}),
        (
            "https://op.example",
            ["login", "select_account"],
            {"prompt": "select_account"},
            {"prompt": "login", "max_age": 0},
        ),
        ("https://op.example", [], {}, {"max_age": 0}),
    ],
)
def test_a_provider_is_asked_only_in_words_that_it_knows(issuer, listed, usual, fresh):
    """Google refuses `prompt=login`, certified providers refuse `select_account`: what is not known is not sent."""
    metadata = Metadata(issuer, "a", "t", "j", prompt_values_supported=listed)
    assert oidc._asking(metadata.prompts, fresh=False) == usual
    assert oidc._asking(metadata.prompts, fresh=True) == fresh


def test_a_fresh_sign_in_wants_a_fresh_authentication(site, bad):
    """`again=1` asks the provider to ask anew, and an answer that tells of an old authentication is refused."""
    with site.browser() as client:
        come_back(client)
        left = begin(client, again=True)
        assert "prompt=login" in left.headers["location"]
        assert "max_age=0" in left.headers["location"]
        bad.claims = {"auth_time": int(time.time()) - 3600}
        answer = client.get(httpx.get(left.headers["location"]).headers["location"])
        assert (answer.status_code, MISFIT in answer.text) == (400, True)
        bad.claims = {"auth_time": int(time.time())}
        left = begin(client, again=True)
        assert client.get(httpx.get(left.headers["location"]).headers["location"]).status_code == 303
