"""The privacy centre over real HTTP: rights as no weapon, leaving and staying, choices in one click."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from sqlalchemy import select, update
from support.engines import PlainEngine
from support.serving import free_port, serving

from datasteward.audit import log as audit
from datasteward.consent import records
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from datasteward.rights import requests
from gptimages.accounts import sessions, tokens
from gptimages.accounts.models import Account, WebSession
from gptimages.installation import Installation
from gptimages.messaging import outbox
from gptimages.messaging.models import MailMessage, Notification
from gptimages.privacy import leaving
from gptimages.studio.facts import EngineFacts
from gptimages.studio.progress import Hub
from gptimages.web.app import create_app
from gptimages_jobs import erase, export

Browser = Callable[[Account], httpx.Client]


@pytest.fixture
def site(here: Installation) -> Iterator[str]:
    """The web app, served."""
    app = create_app(here, engine=EngineFacts.of(PlainEngine()), hub=Hub())
    with serving(app, free_port()) as url:
        yield url


@pytest.fixture
def browser(here: Installation, site: str) -> Iterator[Browser]:
    """A browser that is signed in as the person, freshly."""
    opened: list[httpx.Client] = []

    def make(account: Account) -> httpx.Client:
        with here.db.write() as session:
            secret, _ = sessions.begin(session, here, account.id, now=here.clock())
        headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
        cookies = {sessions.cookie_name(here.settings): secret}
        opened.append(httpx.Client(base_url=site, headers=headers, cookies=cookies, timeout=30))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def latest(here: Installation, account: Account, kind: Any) -> Any:
    """The person's newest request of that kind."""
    with here.db.read() as session:
        return requests.last(session, account.id, kind)


PAGES = ["", "/requests", "/archive", "/erase", "/erase/confirm", "/choices", "/recipients"]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_its_person_alone(browser: Browser, person: Any, site: str, page: str) -> None:
    """A signed-in person sees each page; somebody who is not signed in is sent to sign in and sees nothing."""
    opened = browser(person()).get(f"/privacy{page}")
    assert opened.status_code == 200
    assert "Ines Halvorsen" in opened.text
    assert opened.headers["cache-control"] == "no-store"
    stranger = httpx.get(f"{site}/privacy{page}", headers={"accept": "text/html"})
    assert stranger.status_code == 303
    assert stranger.headers["location"].startswith("/sign-in?")


@pytest.mark.parametrize("page", ["/archive", "/archive/file", "/erase/confirm"])
def test_export_and_erasure_want_a_fresh_sign_in(
    here: Installation, browser: Browser, person: Any, clock: Any, page: str
) -> None:
    """D1: with an older sign-in the archive and the erasure ask for another one; what was mailed opens nothing."""
    client = browser(person())
    clock.now += here.policies.limits.session_fresh.span + timedelta(minutes=1)
    with here.db.write() as session:
        session.execute(update(WebSession).values(last_seen_at=clock()))
    answer = client.get(f"/privacy{page}")
    assert answer.status_code == 303
    assert "again=1" in answer.headers["location"]
    for path in ("/archive", "/erase/confirm"):
        assert client.post(f"/privacy{path}", data={"email": "ines@people.example"}).status_code == 401


def test_an_archive_is_prepared_and_fetched(here: Installation, browser: Browser, person: Any) -> None:
    """Asked for with one click, it is found again at its address and comes as a ZIP file of the length it says."""
    ines = person()
    client = browser(ines)
    assert client.post("/privacy/archive").headers["location"] == "/privacy/archive"
    assert "It is being made" in client.get("/privacy/archive").text
    export.run(here, latest(here, ines, "export").id)
    assert "It is ready" in client.get("/privacy/archive").text
    answer = client.get("/privacy/archive/file")
    assert answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert ZipFile(io.BytesIO(answer.content)).testzip() is None
    assert downloads(here) == 1


@pytest.mark.parametrize("path", ["/privacy/archive/file", "/api/v1/privacy/archive/file"])
def test_only_what_gives_bytes_of_an_archive_is_a_download(
    here: Installation, browser: Browser, person: Any, path: str
) -> None:
    """HEAD, 304, 412 and 416 write no download down and leave the archive to be fetched; the whole and a part of it do."""
    ines = person()
    client = browser(ines)
    client.post("/privacy/archive")
    export.run(here, latest(here, ines, "export").id)
    known = {"if-none-match": client.head(path).headers["etag"]}
    assert client.head(path, headers=known).status_code == client.get(path, headers=known).status_code == 304
    assert client.get(path, headers={"if-match": '"other"'}).status_code == 412
    assert client.get(path, headers={"range": "bytes=99999999-"}).status_code == 416
    assert client.head(path, headers={"range": "bytes=0-9"}).status_code == 200
    assert downloads(here) == 0
    assert client.get(path, headers={"range": "bytes=0-9"}).status_code == 206
    assert downloads(here) == 1
    assert ZipFile(io.BytesIO(client.get(path).content)).testzip() is None
    assert downloads(here) == 2


def test_a_damaged_archive_is_no_download(here: Installation, browser: Browser, person: Any) -> None:
    """Its first bytes are opened before the answer begins: an error is an error status, and nothing is written down."""
    ines = person()
    client = browser(ines)
    client.post("/privacy/archive")
    made = latest(here, ines, "export").id
    export.run(here, made)
    store = here.objects.stored
    [key] = [each.key for each in store.list() if made in each.key]
    sealed = bytearray(b"".join(store.get(key)))
    sealed[60] ^= 1
    store.put(key, [bytes(sealed)])
    for asked in ({}, {"range": "bytes=0-9"}):
        assert client.get("/privacy/archive/file", headers=asked).status_code == 500
    assert downloads(here) == 0


def downloads(here: Installation) -> int:
    """How many downloads of archives are written down."""
    with here.db.read() as session:
        return len(audit.entries(session, acts=["rights.export.downloaded"]))


def test_an_archive_is_for_its_account_alone(here: Installation, browser: Browser, person: Any, clock: Any) -> None:
    """D2: somebody else finds nothing at the same address, and after its time nobody does."""
    ines, tomas = person(), person("Tomás Okafor")
    client = browser(ines)
    client.post("/privacy/archive")
    export.run(here, latest(here, ines, "export").id)
    assert browser(tomas).get("/privacy/archive/file").status_code == 404
    clock.move(days=8)
    assert browser(ines).get("/privacy/archive/file").status_code == 409


def test_archives_are_limited(here: Installation, browser: Browser, person: Any, clock: Any) -> None:
    """More archives a day than the policies allow are refused with the time to wait, and a day later allowed again."""
    ines = person()
    client, allowed = browser(ines), here.policies.limits.archives_per_day.value
    for _ in range(allowed):
        assert client.post("/privacy/archive").status_code == 303
        clock.move(seconds=1)
        export.run(here, latest(here, ines, "export").id)
    assert client.post("/privacy/archive").status_code == 429
    clock.move(days=1)
    assert browser(ines).post("/privacy/archive").status_code == 303


def test_only_one_archive_stands(here: Installation, browser: Browser, person: Any, clock: Any) -> None:
    """A new archive replaces the one before, whose bytes are promised to be destroyed."""
    ines = person()
    client = browser(ines)
    client.post("/privacy/archive")
    first = latest(here, ines, "export").id
    assert client.post("/privacy/archive").status_code == 409
    export.run(here, first)
    clock.move(seconds=1)
    client.post("/privacy/archive")
    with here.db.read() as session:
        assert requests.get(session, first).state == "done"


def test_leaving_waits_and_closes_everything_else(
    here: Installation, browser: Browser, person: Any, clock: Any
) -> None:
    """D4: asked for, the erasure waits; other browsers are out, other pages closed, and every channel has been told."""
    ines = person()
    client, other = browser(ines), browser(ines)
    wrong = client.post("/privacy/erase/confirm", data={"email": "ines@people.exmaple"})
    assert wrong.status_code == 400
    assert "not the address" in wrong.text
    assert client.post("/privacy/erase/confirm", data={"email": " INES@people.example "}).status_code == 303
    assert client.get("/studio").headers["location"] == "/privacy/erase"
    assert client.get("/privacy").headers["location"] == "/privacy/erase"
    assert "Keep my account" in client.get("/privacy/erase").text
    assert client.post("/privacy/choices", data={"choice": "improve", "allowed": "yes"}).status_code == 409
    assert other.get("/privacy").headers["location"].startswith("/sign-in")
    assert client.get("/policy").status_code in (200, 404)
    request = latest(here, ines, "erasure")
    assert request.run_after == clock() + here.policies.limits.erasure_wait.span
    with here.db.read() as session:
        assert [m.kind for m in session.scalars(select(MailMessage))] == ["erasure"]
        assert [n.kind for n in session.scalars(select(Notification))] == ["erasure"]


def test_leaving_ends_links_and_runs(here: Installation, person: Any, seed: Any) -> None:
    """When an erasure is asked for, the person's share links end and runs under way are stopped; nobody else's are."""
    ines, other = person(), seed()
    with here.db.write() as session:
        link = here.catalog.table("share_link")
        session.execute(link.update().values(ended_at=None))
        mine = here.catalog.table("generation")
        session.execute(mine.update().values(account_id=ines.id, state="queued", prompt=None))
        session.execute(link.update().values(account_id=ines.id))
    kept = seed()
    with here.db.write() as session:
        session.execute(link.update().where(link.c.account_id == kept.subject).values(ended_at=None))
        leaving.ask(
            session, here, ines.id, email="ines@people.example", keep_session=None, via="session", now=here.clock()
        )
    with here.db.read() as session:
        told = {row.account_id: row.ended_at for row in session.execute(select(link.c.account_id, link.c.ended_at))}
        assert told == {ines.id: here.clock(), kept.subject: None}
        assert session.scalar(select(mine.c.state).where(mine.c.account_id == ines.id)) == "stopped"
    assert other.subject not in told


def test_staying_brings_it_all_back(here: Installation, browser: Browser, person: Any) -> None:
    """One click keeps the account; nothing was lost, and another erasure can be asked for later."""
    ines = person()
    client = browser(ines)
    client.post("/privacy/erase/confirm", data={"email": "ines@people.example"})
    assert client.post("/privacy/erase/cancel").headers["location"] == "/privacy"
    assert client.get("/privacy").status_code == 200
    assert client.post("/privacy/erase/cancel").status_code == 409
    assert client.post("/privacy/erase/confirm", data={"email": "ines@people.example"}).status_code == 303


def test_not_waiting_signs_out_and_erases(here: Installation, browser: Browser, person: Any) -> None:
    """Who does not wait is signed out at once and reads the last page; the job then takes everything."""
    ines = person()
    client = browser(ines)
    client.post("/privacy/erase/confirm", data={"email": "ines@people.example"})
    gone = client.post("/privacy/erase/now")
    assert gone.headers["location"] == "/erased"
    assert client.get("/erased").status_code == 200
    assert client.get("/privacy").headers["location"].startswith("/sign-in")
    erase.run(here, latest(here, ines, "erasure").id)
    assert not here.vault.has(ines.id)


def test_not_waiting_is_refused_under_a_hold(here: Installation, browser: Browser, person: Any, clock: Any) -> None:
    """While a legal hold keeps the data nobody is told that it goes now: the answer says why, and nothing changes."""
    ines = person()
    client = browser(ines)
    client.post("/privacy/erase/confirm", data={"email": "ines@people.example"})
    with here.db.write() as session:
        holds.place(
            session,
            here.steward,
            Scope(subject=ines.id),
            "24-117",
            review_at=clock() + timedelta(days=9),
            by="legal",
            now=clock(),
        )
    assert "Do not wait" not in client.get("/privacy/erase").text
    refused = client.post("/privacy/erase/now")
    assert refused.status_code == 409
    assert "legal hold" in refused.text
    assert client.get("/privacy/erase").status_code == 200
    assert latest(here, ines, "erasure").state == "waiting"


def test_a_forged_form_is_refused(browser: Browser, person: Any) -> None:
    """A page of another site cannot ask for an erasure, take one back or change a choice."""
    client = browser(person())
    for path in ("/privacy/archive", "/privacy/erase/confirm", "/privacy/erase/now", "/privacy/choices"):
        assert client.post(path, headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_choices_take_one_click_each_way(here: Installation, browser: Browser, person: Any) -> None:
    """Consent, objection and mail are given and taken back at the same place with one form each."""
    ines = person()
    client = browser(ines)

    def choose(choice: str, allowed: str) -> None:
        answer = client.post("/privacy/choices", data={"choice": choice, "allowed": allowed})
        assert answer.headers["location"] == f"/privacy/choices#{choice}"

    def state() -> tuple[bool, bool, bool]:
        with here.db.read() as session:
            told = (records.allowed(session, here.policies, ines.id, one) for one in ("improve", "integrity"))
            improve, integrity = told
            return improve, integrity, outbox.wants_promotion(session, ines.id)

    assert state() == (False, True, False)
    for choice, allowed in (("improve", "yes"), ("integrity", "no"), ("promotional-mail", "yes")):
        choose(choice, allowed)
    assert state() == (True, False, True)
    assert "You agreed" in client.get("/privacy/choices").text
    for choice, allowed in (("improve", "no"), ("integrity", "yes"), ("promotional-mail", "no")):
        choose(choice, allowed)
    assert state() == (False, True, False)
    assert client.post("/privacy/choices", data={"choice": "generate", "allowed": "no"}).status_code >= 400
    assert client.post("/privacy/choices", data={"choice": "improve", "allowed": "perhaps"}).status_code == 400


def test_the_browsers_signal_is_shown_as_honoured(browser: Browser, person: Any) -> None:
    """A browser that sends Global Privacy Control reads that it is honoured."""
    client = browser(person())
    assert "Global Privacy Control" in client.get("/privacy/choices", headers={"sec-gpc": "1"}).text
    assert "Global Privacy Control" not in client.get("/privacy/choices").text


def test_programs_have_the_same_rights(here: Installation, person: Any, site: str) -> None:
    """With a token of the scope `privacy`, holdings, archive, choices, and leaving work as JSON."""
    ines = person()
    with here.db.write() as session:
        secret, _ = tokens.create(session, here, ines.id, "mine", ["privacy"], now=here.clock())
    with httpx.Client(base_url=f"{site}/api/v1/privacy", headers={"authorization": f"Bearer {secret}"}) as client:
        held = client.get("/holdings").json()
        assert {"account", "api_token"} <= {t["table"] for h in held for t in h["tables"] if t["rows"]}
        assert client.get("/archive").status_code == 404
        asked = client.post("/archive")
        assert (asked.status_code, asked.json()["state"]) == (202, "asked")
        export.run(here, asked.json()["id"])
        assert client.get("/archive").json()["state"] == "ready"
        assert ZipFile(io.BytesIO(client.get("/archive/file").content)).testzip() is None
        told = client.put("/choices", json=[{"id": "improve", "allowed": True}]).json()
        assert next(c for c in told if c["id"] == "improve")["allowed"]
        assert client.post("/erasure", json={"email": "somebody@else.example"}).status_code == 400
        assert client.post("/erasure", json={"email": "ines@people.example"}).status_code == 202
        assert client.get("/holdings").status_code == 409
        assert client.get("/erasure").json()["state"] == "waiting"
        assert client.delete("/erasure").json()["state"] == "cancelled"
        assert client.get("/holdings").status_code == 200
