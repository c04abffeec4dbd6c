"""Asking other servers stays within bounds, and a portrait's address leads nowhere that it must not."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest
from litestar import Litestar, get
from litestar.response import Redirect, Response, Stream
from support.killing import Killed, Killer
from support.serving import free_port, serving

from datasteward.disposal.disposal import destroy_objects
from datasteward.objects import EncryptedObjects
from datasteward.policy import load
from gptimages.accounts import avatar, outside
from gptimages.accounts.avatar import NotFetched
from gptimages.accounts.models import Account
from gptimages.settings import Settings
from gptimages_demo.portraits import portrait


@get("/small", sync_to_thread=False)
def small() -> Response[bytes]:
    """A few bytes."""
    return Response(b"x" * 10, media_type="text/plain")


@get("/large", sync_to_thread=False)
def large() -> Response[bytes]:
    """More bytes than are taken."""
    return Response(b"x" * 300_000, media_type="text/plain")


@get("/endless", sync_to_thread=True)
def endless() -> Stream:
    """A little every now and then, for ever."""

    def drip() -> Iterator[bytes]:
        for _ in range(100):
            time.sleep(0.05)
            yield b"x"

    return Stream(drip())


@get("/bomb", sync_to_thread=False)
def bomb() -> Response[bytes]:
    """Compressed although nobody asked for it."""
    return Response(gzip.compress(bytes(1_000_000)), headers={"content-encoding": "gzip"}, media_type="text/plain")


@get("/elsewhere", sync_to_thread=False)
def elsewhere() -> Redirect:
    """A redirect into the own network."""
    return Redirect("http://127.0.0.1:1/secret", status_code=302)


@get("/portrait.png", sync_to_thread=False)
def picture() -> Response[bytes]:
    """A portrait."""
    return Response(portrait("x"), media_type="image/png")


@get("/text.png", sync_to_thread=False)
def text() -> Response[bytes]:
    """A text that is called a picture."""
    return Response(b"not a picture", media_type="image/png")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server with bad manners."""
    app = Litestar([small, large, endless, bomb, elsewhere, picture, text], openapi_config=None, logging_config=None)
    with serving(app, free_port()) as url:
        yield url


def test_a_small_answer_is_given(server):
    """Within the bounds an answer is an answer."""
    with outside.client() as client:
        assert client.get(server + "/small").content == b"x" * 10


@pytest.mark.parametrize("path", ["/large", "/bomb"])
def test_an_answer_out_of_bounds_is_cut_off(server, path):
    """Too many bytes, and bytes that would become too many, end in OutOfBounds, which is an httpx error."""
    with outside.client() as client, pytest.raises(outside.OutOfBounds):
        client.get(server + path)
    assert issubclass(outside.OutOfBounds, httpx2.HTTPError)


def test_an_answer_that_never_ends_is_cut_off(server):
    """Each wait is short enough, the whole is not: it ends all the same."""
    with outside.client(whole_seconds=0.3) as client, pytest.raises(outside.OutOfBounds):
        client.get(server + "/endless")


def test_redirects_are_not_followed(server):
    """The answer is the redirect itself."""
    with outside.client() as client:
        assert client.get(server + "/elsewhere").status_code == 302


LIMITS = load(Path(__file__).parents[3] / "policies").limits


def demo(settings: Settings, server: str, **changes: object) -> Settings:
    """Settings whose provider is the server of these tests."""
    return msgspec.structs.replace(settings, oidc_issuer=server, **changes)


def test_in_the_demo_the_providers_own_portraits_are_fetched(settings, server):
    """The demo provider's origin is the one exception on loopback."""
    assert avatar.fetch(demo(settings, server), server + "/portrait.png", LIMITS).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/portrait.png",
        "http://localhost/portrait.png",
        "https://127.0.0.1/portrait.png",
        "https://localhost/portrait.png",
        "https://[::1]/portrait.png",
        "https://[::ffff:127.0.0.1]/portrait.png",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://192.168.1.1/x",
        "https://0.0.0.0/x",
        "https://user:secret@images.example/x",
        "https://images.example:8443/x",
        "http://images.example/x",
        "file:///etc/passwd",
        "ftp://images.example/x",
        "//images.example/x",
        "not an address",
        "",
        "https://",
        "https://[::1",
        "https://" + "a" * 300 + ".example/x",
    ],
)
def test_other_addresses_are_refused_before_anything_is_sent(settings, server, address, monkeypatch):
    """Plain http, other ports, user names and every address that is not public: no connection is made."""

    def connect(*_: object, **__: object) -> None:
        pytest.fail("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(NotFetched):
        avatar.fetch(demo(settings, server), address, LIMITS)


def test_a_name_that_stands_for_a_private_address_is_refused(settings, monkeypatch):
    """The name is looked up first; one private address among several is enough to refuse."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.215.14", "10.1.2.3")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(NotFetched, match="public address"):
        avatar.fetch(settings, "https://images.example/x.png", LIMITS)


def test_outside_the_demo_loopback_is_never_fetched(settings, server):
    """A production provider on loopback gets no exception."""
    with pytest.raises(NotFetched):
        avatar.fetch(demo(settings, server, demo=False), server + "/portrait.png", LIMITS)


@pytest.mark.parametrize("path", ["/text.png", "/large", "/elsewhere", "/nothing"])
def test_a_portrait_that_cannot_be_had_leaves_the_account_without_one(here, person, server, path):
    """No fault of the portrait reaches the person: the account stays as it is."""
    account = person()
    changed = here.__class__(demo(here.settings, server), here.db, here.steward, here.clock)
    avatar.adopt(changed, account.id, server + path, here.clock())
    with here.db.read() as session:
        assert session.get(Account, account.id).avatar is None


def test_a_portrait_is_rebuilt_and_kept_under_the_persons_key(here, person, server):
    """The bytes in the store are ciphertext; what is read back is a PNG of ours."""
    account = person()
    changed = here.__class__(demo(here.settings, server), here.db, here.steward, here.clock)
    avatar.adopt(changed, account.id, server + "/portrait.png", here.clock())
    with here.db.read() as session:
        key = session.get(Account, account.id).avatar
    assert here.objects.read(account.id, key).startswith(b"\x89PNG")


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_killed_while_it_is_kept_no_portrait_is_left_that_nobody_names(here, person, server, moment):
    """Before its bytes are stored disposal is promised them: what no row names goes."""
    account = person()
    changed = here.__class__(demo(here.settings, server), here.db, here.steward, here.clock)
    with pytest.raises(Killed), Killer(moment, [(EncryptedObjects, "put")]).at_work():
        avatar.adopt(changed, account.id, server + "/portrait.png", here.clock())
    with here.db.write() as session:
        destroy_objects(session, here.objects)
        assert session.get(Account, account.id).avatar is None
    assert list(here.objects.keys("avatar/")) == []


def test_a_portrait_that_disposal_takes_first_is_not_named(here, person, server, monkeypatch):
    """The account stays without one rather than naming bytes that are gone."""
    account, put = person(), EncryptedObjects.put

    def slowly(objects: EncryptedObjects, *what: object) -> int:
        stored = put(objects, *what)
        with here.db.write() as session:
            destroy_objects(session, objects)
        return stored

    monkeypatch.setattr(EncryptedObjects, "put", slowly)
    changed = here.__class__(demo(here.settings, server), here.db, here.steward, here.clock)
    avatar.adopt(changed, account.id, server + "/portrait.png", here.clock())
    with here.db.read() as session:
        assert session.get(Account, account.id).avatar is None
