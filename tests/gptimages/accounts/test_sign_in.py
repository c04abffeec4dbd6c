"""The whole way through the real provider over real HTTP: who comes in, with what, and who does not."""

from __future__ import annotations

import logging
from datetime import timedelta

import httpx
import pytest
import structlog
from sqlalchemy import func, select
from support.serving import serving
from support.signing_in import ADULT, begin, choose, sign_in
from support.stored import everything

from datasteward.audit import log as audit
from datasteward.consent import restriction
from datasteward.disposal.disposal import dispose
from gptimages import logs
from gptimages.accounts import attempts, signing_in
from gptimages.accounts.models import Account, Identity, SignInAttempt, WebSession
from gptimages.activity.models import DeviceRecord
from gptimages_demo.app import create_app as create_provider
from gptimages_demo.config import Config
from gptimages_demo.people import ensure_people

ROSA = {"name": "Rosa Lindqvist", "email": "rosa@people.example"}


@pytest.fixture(scope="module")
def demo(shared_site):
    """The module's service with the demo provider and the demo people."""
    settings = shared_site.here.settings
    with serving(create_provider(Config.of(settings)), settings.demo_port):
        ensure_people(shared_site.here)
        yield shared_site


def accounts(site) -> int:
    """How many accounts there are."""
    with site.here.db.read() as session:
        return session.scalar(select(func.count()).select_from(Account)) or 0


def test_a_demo_person_signs_in_and_sees_their_account(demo):
    """A person whose identity is known is signed in by the provider's word alone and led to where they wanted to go."""
    with demo.browser() as client:
        answer = sign_in(client, "demo-ines", next_path="/account")
        assert (answer.status_code, answer.headers["location"]) == (303, "/account"), answer.text
        page = client.get("/account")
        assert page.status_code == 200, page.text
        assert "Ines Halvorsen" in page.text
        assert "ines.halvorsen@example.org" in page.text


def test_a_new_person_answers_the_age_question_and_has_an_account(demo):
    """Somebody new gets an account with the country they named, the age that was applied, and nothing of their birth."""
    before = accounts(demo)
    with demo.browser() as client:
        assert sign_in(client, "typed", birth=("DE", "31", "3", "1990"), **ROSA).headers["location"] == "/account"
        assert "Germany" in client.get("/account").text
    assert accounts(demo) == before + 1
    with demo.here.db.read() as session:
        made = session.scalars(select(Account).order_by(Account.created_at.desc())).first()
        assert (made.country, made.minimum_age, made.plan) == ("DE", 16, demo.here.policies.limits.first_plan)
        acts = [entry.act for entry in audit.entries(session, subject=made.id)]
    assert acts[-1] == "account.created"
    assert "session.begun" in acts
    assert not any("1990" in repr(rows) for rows in everything(demo.data).values())


def test_the_portrait_comes_along_encrypted_and_is_shown_to_its_owner_alone(demo):
    """The avatar is rebuilt as PNG, stored as ciphertext, and given to nobody else."""
    with demo.browser() as client, demo.browser() as other:
        sign_in(client, "typed", birth=ADULT, name="Aila Moe", email="aila@people.example")
        picture = client.get("/account/avatar")
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
        assert picture.content.startswith(b"\x89PNG")
        assert other.get("/account/avatar", headers={"accept": "*/*"}).status_code == 401
    stored = [path for path in (demo.data / "objects").rglob("*") if path.is_file()]
    assert stored
    assert all(b"PNG" not in path.read_bytes()[:64] for path in stored)


def test_who_has_no_account_is_asked_first_and_nothing_is_kept(demo):
    """`I have an account` with an unknown identity leads back to the question; not a row, key or object is more."""
    before = everything(demo.data)
    with demo.browser() as client:
        answer = sign_in(client, "typed", name="Nobody Yet", email="nobody-yet@people.example")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?unknown=1")
        page = client.get(answer.headers["location"])
        assert "No account belongs to the identity you chose" in page.text
        assert not client.cookies
    assert everything(demo.data) == before


def test_each_sign_in_has_a_new_secret_and_ends_the_session_that_the_browser_came_with(demo):
    """A session id that somebody planted is worthless after signing in: the secret is new, the old session over."""
    with demo.browser() as client:
        client.cookies.set("session", "planted-by-somebody-else")
        sign_in(client, "demo-ines")
        jar = [cookie.value for cookie in client.cookies.jar if cookie.name == "session"]
        assert "planted-by-somebody-else" not in jar[-1:]
        first = jar[-1]
        client.cookies.clear()
        client.cookies.set("session", first)
        answer = sign_in(client, "demo-ines", again=True)
        second = httpx.Cookies()
        second.extract_cookies(answer)
        assert second["session"] != first
    for secret, status in ((first, 303), (second["session"], 200), ("planted-by-somebody-else", 303)):
        with demo.browser() as client:
            assert client.get("/account", headers={"cookie": f"session={secret}"}).status_code == status


def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites(demo):
    """HttpOnly, SameSite=Lax and Path=/ on both cookies, and each lives as long as policies/ say."""
    with demo.browser() as client:
        left = begin(client)
        answer = client.get(choose(client, left.headers["location"], "demo-ines"))
    for header, name in (
        (left.headers["set-cookie"], "sign-in"),
        (answer.headers.get_list("set-cookie")[0], "session"),
    ):
        assert header.startswith(f"{name}=")
        assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in header.split(";")}
        assert "domain" not in header.lower()


def test_over_https_the_cookies_are_pinned_to_the_host():
    """Behind https the names begin with __Host- and the cookies are Secure (RFC 6265bis)."""
    from types import SimpleNamespace

    from gptimages.accounts import attempts, sessions
    from gptimages.accounts.sign_in_routes import _cookie
    from gptimages.settings import Settings

    settings = Settings(public_url="https://images.example")
    for name in (sessions.cookie_name(settings), attempts.cookie_name(settings)):
        header = _cookie(SimpleNamespace(settings=settings), name, "x", 60).to_header()  # type: ignore[arg-type]
        assert name.startswith("__Host-")
        assert "secure" in header.lower()


def test_the_device_is_recorded_sealed_and_shown_in_words(demo):
    """Network address and browser are ciphertext in the database and readable on the account page."""
    with demo.browser() as client:
        client.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        sign_in(client, "demo-ines")
        page = client.get("/account").text
    assert "Firefox on Linux" in page
    assert "127.0.0.1" in page
    with demo.here.db.read() as session:
        row = session.scalars(select(DeviceRecord).order_by(DeviceRecord.created_at.desc())).first()
    assert b"Firefox" not in row.user_agent.ciphertext
    assert b"127.0.0.1" not in row.ip_address.ciphertext


def test_the_attempt_is_gone_after_the_sign_in(demo):
    """Of a finished sign-in no state, nonce or verifier is left."""
    with demo.browser() as client:
        sign_in(client, "demo-ines")
    with demo.here.db.read() as session:
        assert session.scalars(select(SignInAttempt)).all() == []


def test_an_attempt_that_was_left_goes_with_retention_alone(demo):
    """The next visitor does not sweep it away: a hold could not keep it, and no plan would have counted it."""
    here, now = demo.here, demo.here.clock()
    with here.db.write() as session:
        _, left = attempts.begin(session, here, next_path="/", now=now - timedelta(days=1))
        session.flush()
        attempts.begin(session, here, next_path="/", now=now)
        session.flush()
        assert session.scalars(select(SignInAttempt.id).where(SignInAttempt.id == left.id)).all() == [left.id]
        session.rollback()


def test_a_changed_mail_address_follows_the_provider_and_the_account_stays(demo):
    """The identity decides, not the address: another address at the provider is taken over into the same account."""
    from gptimages.accounts.id_token import Claims
    from gptimages.accounts.people import email_of

    here = demo.here
    with here.db.write() as session:
        account = signing_in.find(session, here.settings.oidc_issuer, "demo-ines")
        claims = Claims(here.settings.oidc_issuer, "demo-ines", "ines.new@example.org", "Another Name", None)
        attempt = SignInAttempt(minimum_age=None, country="", next_path="/", fresh=False)
        arrived = signing_in.arrive(session, here, claims, attempt, replaces=None, now=here.clock())
        assert (arrived.account_id, arrived.new) == (account.id, False)
        assert email_of(here, account) == "ines.new@example.org"


def test_a_mail_address_that_is_known_opens_nobodys_account(demo):
    """Another identity with Ines's mail address is somebody else."""
    with demo.browser() as client:
        answer = sign_in(client, "typed", name="Somebody", email="ines.halvorsen@example.org")
    assert "unknown=1" in answer.headers["location"]


LURES = [
    "//evil.example",
    "///evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "evil.example",
    "",
    None,
    "/" + "x" * 300,
    "/sign-out",
    "/sign-in?next=/sign-in",
]


@pytest.mark.parametrize("lure", LURES)
def test_nobody_is_sent_elsewhere_after_signing_in(lure):
    """What is not a plain path of ours leads to the studio."""
    assert signing_in.local_path(lure) == "/studio"


@pytest.mark.parametrize("path", ["/", "/studio", "/images/abc", "/account?x=1#tokens"])
def test_a_path_of_ours_is_where_one_goes_on(path):
    """A local path is kept as it is."""
    assert signing_in.local_path(path) == path


def test_a_lure_is_refused_over_http_too(demo):
    """The redirect after the whole way leads to our own studio, whatever the form said."""
    with demo.browser() as client:
        assert sign_in(client, "demo-ines", next_path="//evil.example").headers["location"] == "/studio"


def test_who_is_signed_in_goes_on_from_the_page(demo):
    """The sign-in page sends a signed-in person on, unless a fresh sign-in is asked for."""
    with demo.browser() as client:
        sign_in(client, "demo-ines")
        assert client.get("/sign-in?next=/account").headers["location"] == "/account"
        assert "Sign in once more" in client.get("/sign-in?again=1&next=/account").text


def test_the_form_of_another_site_begins_no_sign_in(demo):
    """A sign-in that another site's form begins is refused (login forgery)."""
    with demo.browser() as client:
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            assert client.post("/sign-in", data={"way": "known"}, headers=headers).status_code == 403


@pytest.fixture
def talkative():
    """Logging as the service sets it up, at its most talkative, and afterwards as it was."""
    level = logging.getLogger().level
    logs.configure("debug")
    logging.getLogger().setLevel(logging.DEBUG)
    yield
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def test_neither_log_nor_library_tells_secrets_or_persons(demo, capfd, talkative):
    """With logging at its most talkative, no verifier, code, state, address or birth date reaches the log."""
    with demo.browser() as client:
        left = begin(client, birth=("DE", "29", "7", "1987"))
        with demo.here.db.read() as session:
            attempt = session.scalars(select(SignInAttempt)).one()
        back = choose(client, left.headers["location"], "typed", name="Rosa Lindqvist", email="rosa@people.example")
        client.get(back)
        begin(client, birth=("DE", "29", "7", "2019"))
    out, err = capfd.readouterr()
    code = back.split("code=")[1].split("&")[0]
    for secret in (attempt.verifier, attempt.state, attempt.nonce, code, "rosa@people.example", "Rosa", "1987", "2019"):
        assert secret not in out + err


def test_signing_in_after_erasure_makes_a_fresh_account_with_nothing_of_the_old(demo):
    """The identity of an erased account opens nothing: the age question comes again, and the account is a new one."""
    here = demo.here
    with here.db.read() as session:
        old = signing_in.find(session, here.settings.oidc_issuer, "demo-samir").id
    with here.db.write() as session:
        dispose(session, here.catalog, Account.__table__, Account.__table__.c.id == old, now=here.clock())
    here.vault.destroy(old)
    with demo.browser() as client:
        assert "unknown=1" in sign_in(client, "demo-samir").headers["location"]
        assert sign_in(client, "demo-samir", birth=ADULT).headers["location"] == "/account"
    with here.db.read() as session:
        new = signing_in.find(session, here.settings.oidc_issuer, "demo-samir")
        assert new.id != old
        for table in (Identity, WebSession, DeviceRecord):
            assert set(session.scalars(select(table.account_id))).isdisjoint({old})


def test_a_person_whose_data_is_only_stored_comes_in(demo):
    """Somebody who asked for a restriction signs in, sees the privacy centre, and no device of theirs is written down."""
    here = demo.here
    with here.db.read() as session:
        samir = signing_in.find(session, here.settings.oidc_issuer, "demo-samir").id
        devices = select(func.count()).where(DeviceRecord.account_id == samir)
        before = session.scalar(devices)
    with here.writing("law", samir) as session:
        restriction.restrict(session, samir, "unlawful", by=samir, now=here.clock())
    with demo.browser() as client:
        assert sign_in(client, "demo-samir", next_path="/privacy").headers["location"] == "/privacy"
        assert client.get("/privacy").status_code == 200
        refused = client.get("/studio")
    assert (refused.status_code, "only stored now" in refused.text) == (409, True)
    with here.db.read() as session:
        assert session.scalar(devices) == before
