"""The account page, the administrator's console and the API of accounts, over real HTTP."""

from __future__ import annotations

import re

import pytest
from support.serving import serving
from support.signing_in import browser, sign_in

from datasteward.audit import log as audit
from gptimages.accounts import signing_in
from gptimages_demo.app import create_app as create_provider
from gptimages_demo.config import Config
from gptimages_demo.people import ensure_people


@pytest.fixture(scope="module")
def demo(shared_site):
    """The module's service with the demo provider and the demo people."""
    settings = shared_site.here.settings
    with serving(create_provider(Config.of(settings)), settings.demo_port):
        ensure_people(shared_site.here)
        yield shared_site


@pytest.fixture
def ines(demo):
    """A browser in which Ines is signed in."""
    with demo.browser() as client:
        sign_in(client, "demo-ines")
        yield client


@pytest.fixture
def admin(demo):
    """A browser in which the administrator is signed in."""
    with demo.browser() as client:
        sign_in(client, "demo-petra")
        yield client


@pytest.fixture(autouse=True)
def now(demo):
    """Every test begins at the present."""
    demo.clock.move(seconds=-demo.clock.ahead.total_seconds())


def account_of(site, subject: str) -> str:
    """The account id of a demo person."""
    with site.here.db.read() as session:
        return signing_in.find(session, site.here.settings.oidc_issuer, subject).id


def acts(site, subject: str) -> list[str]:
    """What the audit log says about a person, the newest first."""
    with site.here.db.read() as session:
        return [entry.act for entry in audit.entries(session, subject=subject)]


@pytest.mark.parametrize("path", ["/account", "/account/avatar", "/admin", "/admin/people/x"])
def test_pages_of_the_person_want_a_sign_in(demo, path):
    """Who is not signed in is led to the sign-in page and back afterwards."""
    with demo.browser() as client:
        answer = client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


def test_the_name_is_corrected_on_the_page(ines):
    """The form changes the name; a name that is none comes back with its sentence and a marked field."""
    assert ines.post("/account/name", data={"name": "Ines H. Halvorsen"}).status_code == 303
    assert "Ines H. Halvorsen" in ines.get("/account").text
    refused = ines.post("/account/name", data={"name": " "})
    assert refused.status_code == 400
    assert 'aria-invalid="true"' in refused.text
    assert "A name has 1 to 80 characters" in refused.text
    assert ines.post("/account/name", data={"name": "Ines Halvorsen"}).status_code == 303


def test_light_and_dark_are_the_persons_choice(ines):
    """The scheme stands on the html element of every page until it is left to the system again."""
    ines.post("/account/scheme", data={"scheme": "dark"})
    assert 'data-theme="dark"' in ines.get("/account").text
    ines.post("/account/scheme", data={"scheme": "system"})
    assert "data-theme" not in ines.get("/account").text
    assert ines.post("/account/scheme", data={"scheme": "sepia"}).status_code == 400


def test_sessions_are_seen_and_ended(demo, ines):
    """Another browser is in the list, is signed out from here for good, and this one stays."""
    with demo.browser() as other:
        sign_in(other, "demo-ines")
        ended = re.search(r"/account/sessions/(\w+)/end", ines.get("/account").text).group(0)
        assert ines.post(ended).status_code == 303
        assert other.get("/account").status_code == 303
    assert ines.get("/account").status_code == 200


def test_all_other_sessions_end_at_once(demo, ines):
    """One button signs every other browser out."""
    with demo.browser() as second, demo.browser() as third:
        sign_in(second, "demo-ines")
        sign_in(third, "demo-ines")
        assert ines.post("/account/sessions/end-others").status_code == 303
        assert [client.get("/account").status_code for client in (second, third, ines)] == [303, 303, 200]


def test_signing_out_is_for_good(demo, ines):
    """After the sign-out the very cookie opens nothing; signing out twice does no harm."""
    kept = ines.cookies["session"]
    assert ines.post("/sign-out").headers["location"] == "/"
    assert "session" not in ines.cookies
    with demo.browser() as late:
        assert late.get("/account", headers={"cookie": f"session={kept}"}).status_code == 303
        assert late.post("/sign-out").status_code == 303


def test_a_link_elsewhere_signs_nobody_out(ines):
    """Signing out is a POST of our own pages alone."""
    assert ines.get("/sign-out").status_code == 405
    assert ines.post("/sign-out", headers={"origin": "https://evil.example"}).status_code == 403
    assert ines.get("/account").status_code == 200


def test_a_token_is_shown_once_works_and_is_ended(demo, ines):
    """The secret stands on one page alone; with it a program is Ines, until the token is ended."""
    made = ines.post("/account/tokens", data={"label": "my script", "scopes": ["privacy", "images"]})
    secret = re.search(r"gi_[\w-]+", made.text).group(0)
    assert secret not in ines.get("/account").text
    with browser(demo.url) as program:
        program.headers.update({"authorization": f"Bearer {secret}", "accept": "application/json"})
        assert program.get("/api/v1/me").json()["name"] == "Ines Halvorsen"
        assert program.post("/api/v1/tokens", json={"label": "more", "scopes": ["images"]}).status_code == 403
        ended = re.search(r"/account/tokens/(\w+)/end", ines.get("/account").text).group(0)
        assert ines.post(ended).status_code == 303
        assert program.get("/api/v1/me").status_code == 401


def test_one_ticked_box_is_enough_and_none_is_told(ines):
    """A single scope is taken as one; without any the page says what to choose."""
    assert "gi_" in ines.post("/account/tokens", data={"label": "one", "scopes": "images"}).text
    refused = ines.post("/account/tokens", data={"label": "none"})
    assert (refused.status_code, "Choose what the token may do" in refused.text) == (400, True)


def test_making_a_token_wants_a_fresh_sign_in(demo, ines):
    """Some time after the sign-in the page offers to sign in once more instead of the form, and the form is refused."""
    demo.clock.move(seconds=demo.here.policies.limits.session_fresh.span.total_seconds() + 1)
    assert "/sign-in?again=1" in ines.get("/account").text
    assert ines.post("/account/tokens", data={"label": "late", "scopes": "images"}).status_code == 401


def test_the_console_is_for_administrators(demo, ines):
    """Ines, who has no role, is told so; nothing of anybody is shown."""
    other = account_of(demo, "demo-petra")
    for path in ("/admin", f"/admin/people/{other}"):
        assert ines.get(path).status_code == 403
    assert ines.post(f"/admin/people/{other}/view").status_code == 403
    assert (
        ines.post(f"/admin/people/{account_of(demo, 'demo-ines')}/roles", data={"role": "administrator"}).status_code
        == 403
    )


def test_staff_see_no_names_until_they_look_and_looking_is_written_down(demo, admin):
    """The lists hold opaque ids; name and mail address come with an audit entry that names who looked."""
    ines = account_of(demo, "demo-ines")
    for path in ("/admin", f"/admin/people/{ines}"):
        assert "ines.halvorsen" not in admin.get(path).text
        assert "Ines" not in admin.get(path).text
    assert "person.viewed" not in acts(demo, ines)
    shown = admin.post(f"/admin/people/{ines}/view")
    assert "ines.halvorsen@example.org" in shown.text
    with demo.here.db.read() as session:
        looked = audit.entries(session, subject=ines, acts=["person.viewed"])
    assert [entry.actor for entry in looked] == [account_of(demo, "demo-petra")]


def test_a_person_is_found_by_id_alone(demo, admin):
    """The field takes an account id; what is none gets a sentence."""
    ines = account_of(demo, "demo-ines")
    assert admin.get(f"/admin?id=%20{ines}").headers["location"] == f"/admin/people/{ines}"
    unknown = admin.get("/admin?id=ines.halvorsen@example.org")
    assert (unknown.status_code, "There is no account with this id" in unknown.text) == (404, True)


def test_roles_are_given_and_ended_and_each_is_written_down(demo, admin, ines):
    """A role opens its console at once and closes it at once; both acts are in the log."""
    person = account_of(demo, "demo-ines")
    assert ines.get("/admin").status_code == 403
    assert admin.post(f"/admin/people/{person}/roles", data={"role": "administrator"}).status_code == 303
    assert ines.get("/admin").status_code == 200
    assert admin.post(f"/admin/people/{person}/roles", data={"role": "administrator"}).status_code == 409
    assert admin.post(f"/admin/people/{person}/roles/administrator/end").status_code == 303
    assert ines.get("/admin").status_code == 403
    assert {"role.granted", "role.ended"} <= set(acts(demo, person))


@pytest.mark.parametrize("role", ["", "emperor", "user"])
def test_only_roles_of_the_policy_can_be_given(demo, admin, role):
    """What policies/roles.yaml does not name, and what everybody has, cannot be given."""
    assert admin.post(f"/admin/people/{account_of(demo, 'demo-ines')}/roles", data={"role": role}).status_code == 400


def test_nobody_changes_their_own_roles(demo, admin):
    """An administrator neither gives themselves another role nor ends their own."""
    own = account_of(demo, "demo-petra")
    assert admin.post(f"/admin/people/{own}/roles", data={"role": "compliance"}).status_code == 403
    assert admin.post(f"/admin/people/{own}/roles/administrator/end").status_code == 403


def test_giving_roles_wants_a_fresh_sign_in(demo, admin):
    """Some time after the sign-in roles cannot be changed until one signs in once more."""
    demo.clock.move(seconds=demo.here.policies.limits.session_fresh.span.total_seconds() + 1)
    answer = admin.post(f"/admin/people/{account_of(demo, 'demo-ines')}/roles", data={"role": "operator"})
    assert answer.status_code == 401


def test_the_api_shows_and_corrects_the_person(ines):
    """GET and PATCH /api/v1/me, with a problem document for what cannot be taken."""
    ines.headers["accept"] = "application/json"
    me = ines.get("/api/v1/me").json()
    assert (me["email"], me["country"], me["pictures_this_month"]) == ("ines.halvorsen@example.org", "NO", 0)
    assert ines.patch("/api/v1/me", json={"name": "Ines"}).json()["name"] == "Ines"
    refused = ines.patch("/api/v1/me", json={"name": ""})
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
    assert ines.patch("/api/v1/me", json={"email": "other@example.org"}).status_code == 400
    ines.patch("/api/v1/me", json={"name": "Ines Halvorsen"})


def test_the_api_lists_and_ends_sessions_and_tokens(demo, ines):
    """Sessions and tokens are seen and ended through the API as on the page."""
    ines.headers["accept"] = "application/json"
    with demo.browser() as other:
        sign_in(other, "demo-ines")
        found = ines.get("/api/v1/sessions").json()
        assert found[0]["here"] is True
        for each in found[1:]:
            assert ines.delete(f"/api/v1/sessions/{each['id']}").status_code == 204
        assert other.get("/account").status_code == 303
    made = ines.post("/api/v1/tokens", json={"label": "by api", "scopes": ["images"]})
    assert made.status_code == 201
    token = made.json()
    assert token["secret"].startswith("gi_")
    assert "secret" not in ines.get("/api/v1/tokens").text
    assert ines.delete(f"/api/v1/tokens/{token['token']['id']}").status_code == 204
    assert ines.delete("/api/v1/tokens/unknown").status_code == 404


def test_the_api_wants_a_sign_in_and_our_own_origin(demo, ines):
    """Without a sign-in: 401 as a problem document. With a cookie but from another site: 403."""
    with browser(demo.url) as nobody:
        answer = nobody.get("/api/v1/me")
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    forged = ines.patch("/api/v1/me", json={"name": "Forged"}, headers={"origin": "https://evil.example"})
    assert forged.status_code == 403
