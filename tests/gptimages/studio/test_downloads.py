"""Pictures over HTTP: ranges, conditions and names, for the session they belong to and for no cache."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from gptimages.studio.models import Image
from gptimages.web.downloads import disposition

SIZE = 200_003  # more than three segments of the encryption
BEHIND = [f"bytes={place}-" for place in (SIZE, 1 << 44, 1 << 50, (1 << 50) + 1, "9" * 15, "9" * 19)]


@pytest.fixture
def picture(studio: Any) -> tuple[httpx.Client, str, bytes]:
    """A browser, the address of a picture that is its person's, and the picture's bytes, exchanged for longer ones."""
    account = studio.make()
    studio.ask(account)
    studio.work()
    with studio.here.db.read() as session:
        image = session.scalars(select(Image)).one()
    data = bytes(number * number % 251 for number in range(SIZE))
    studio.here.objects.put(account.id, image.object, [data])
    return studio.signed_in(account), f"/images/{image.id}/file", data


def ask(client: httpx.Client, address: str, **headers: str) -> httpx.Response:
    """A GET with some headers."""
    return client.get(address, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_the_whole_says_its_size_and_is_for_no_cache(picture: Any) -> None:
    """And that ranges of it may be asked for, under a type and a name that are fixed."""
    client, address, data = picture
    answer = ask(client, address)
    assert (answer.status_code, answer.content) == (200, data)
    told = answer.headers
    assert told["content-length"] == str(SIZE)
    assert told["accept-ranges"] == "bytes"
    assert told["cache-control"] == "private, no-store"
    assert told["content-type"] == "image/webp"
    assert told["x-content-type-options"] == "nosniff"
    assert told["content-disposition"] == "inline"
    assert told["content-security-policy"] == "default-src 'none'; sandbox"


def test_head_says_the_same_without_the_bytes(picture: Any) -> None:
    """Every header but the date; a range is for GET alone."""
    client, address, _ = picture
    head, whole = client.head(address, headers={"range": "bytes=0-1"}), ask(client, address)
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) | {"date": ""} == dict(whole.headers) | {"date": ""}


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=5-", slice(5, None)),
        ("bytes=65479-65480", slice(65479, 65481)),
        ("bytes=65000-140000", slice(65000, 140001)),
        ("bytes=-7", slice(-7, None)),
        (f"bytes=-{SIZE + 9}", slice(0, None)),
        (f"bytes={SIZE - 1}-{SIZE + 99}", slice(SIZE - 1, None)),
    ],
)
def test_a_range_is_answered_with_the_part(picture: Any, asked: str, part: slice) -> None:
    """206, the part, and where it lies in the whole."""
    client, address, data = picture
    answer = ask(client, address, range=asked)
    begin, end, _ = part.indices(SIZE)
    assert (answer.status_code, answer.content) == (206, data[part])
    assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - begin)
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("asked", [*BEHIND, f"bytes={SIZE + 9}-{SIZE + 10}", "bytes=-0"])
def test_a_range_that_is_not_there_is_416(picture: Any, asked: str) -> None:
    """With the size, and no bytes."""
    client, address, _ = picture
    answer = ask(client, address, range=asked)
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-3", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1,5-6", "0-1", "bytes=²-", "bytes=" + "9" * 99]
)
def test_a_range_that_is_not_understood_is_for_the_whole(picture: Any, asked: str) -> None:
    """As RFC 9110 has it; several at once too, so that nobody multiplies our work."""
    client, address, data = picture
    answer = client.get(address, headers={"range": asked.encode()})
    assert (answer.status_code, answer.content) == (200, data)


def test_who_has_this_version_is_told_so(picture: Any, studio: Any) -> None:
    """304 without bytes, and without 304 once it is another version."""
    client, address, data = picture
    tag = ask(client, address).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = ask(client, address, if_none_match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert client.head(address, headers={"if-none-match": known}).status_code == 304
    assert ask(client, address, if_none_match='"other"').content == data
    store_again(studio, data)
    assert ask(client, address, if_none_match=tag).status_code == 200


def test_a_download_goes_on_only_with_the_same_version(picture: Any, studio: Any) -> None:
    """If-Range: the part while nothing changed, the whole of the new version when it has; a date is no version."""
    client, address, data = picture
    tag = ask(client, address).headers["etag"]
    assert ask(client, address, range="bytes=9-", if_range=tag).content == data[9:]
    for other in (f"W/{tag}", '"other"', "Mon, 23 Nov 2026 09:00:00 GMT"):
        assert ask(client, address, range="bytes=9-", if_range=other).status_code == 200
    store_again(studio, data)
    assert ask(client, address, range="bytes=9-", if_range=tag).status_code == 200


def test_who_wants_one_version_gets_no_other(picture: Any, studio: Any) -> None:
    """If-Match, compared strongly: 412 without bytes unless it is this version, whatever else is asked for."""
    client, address, data = picture
    tag = ask(client, address).headers["etag"]
    for wanted in (tag, f'"other", {tag}', "*"):
        assert ask(client, address, if_match=wanted).content == data
        assert ask(client, address, if_match=wanted, range="bytes=5-9").content == data[5:10]
        assert ask(client, address, if_match=wanted, if_none_match=tag).status_code == 304
    store_again(studio, data)
    new = ask(client, address).headers["etag"]
    for other in (tag, f"W/{new}", f'"other", W/{new}', ""):
        for more in ({}, {"range": "bytes=5-9"}, {"if_none_match": "*"}):
            answer = ask(client, address, if_match=other, **more)
            assert (answer.status_code, answer.content) == (412, b"")
        assert client.head(address, headers={"if-match": other}).status_code == 412


def test_an_etag_tells_nothing(picture: Any, studio: Any) -> None:
    """The same bytes stored again have another, so that nobody can tell by it what a picture shows."""
    client, address, data = picture
    seen = {ask(client, address).headers["etag"]}
    for _ in range(2):
        store_again(studio, data)
        seen.add(ask(client, address).headers["etag"])
    assert len(seen) == 3
    assert all(len(tag) == 34 for tag in seen)


def store_again(studio: Any, data: bytes) -> None:
    """The same bytes, encrypted anew."""
    with studio.here.db.read() as session:
        image = session.scalars(select(Image)).one()
    studio.here.objects.put(image.account_id, image.object, [data])


@pytest.mark.parametrize("kind", ["file", "thumbnail", "download"])
def test_a_part_is_bound_to_the_session_like_the_whole(picture: Any, studio: Any, kind: str) -> None:
    """Neither a stranger nor somebody signed out gets a range, a HEAD or a 304."""
    client, address, _ = picture
    address = address.replace("/file", f"/{kind}")
    tag = ask(client, address).headers["etag"]
    stranger = studio.signed_in(studio.make("Tomas Berg"))
    for headers in ({}, {"range": "bytes=0-0"}, {"if-none-match": tag}):
        for use in (stranger.get, stranger.head):
            assert use(address, headers=headers).status_code == 404
        gone = httpx.get(studio.base + address, headers=headers)
        assert gone.status_code == 401
        assert b"etag" not in str(gone.headers).encode().lower()


def test_a_damaged_picture_is_no_half_answer(picture: Any, studio: Any) -> None:
    """What does not open is said before the answer begins; a damaged place is not given out."""
    client, address, data = picture
    store = studio.here.objects._store
    [key] = [each.key for each in store.list("image/")]
    sealed = bytearray(b"".join(store.get(key)))
    sealed[100_000] ^= 1
    store.put(key, [bytes(sealed)])
    assert ask(client, address, range="bytes=0-9").content == data[:10]
    assert ask(client, address, range="bytes=100000-").status_code == 500
    sealed[60] ^= 1
    store.put(key, [bytes(sealed)])
    assert ask(client, address).status_code == 500


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (None, "inline"),
        ("a heron.png", 'attachment; filename="a heron.png"'),
        ('a"; b=c.png', 'attachment; filename="a__ b=c.png"'),
        ("../../etc/passwd", 'attachment; filename="_.._etc_passwd"'),
        ("a\r\nset-cookie: b", 'attachment; filename="a__set-cookie_ b"'),
        ("Å.png", "attachment; filename=\"_.png\"; filename*=UTF-8''%C3%85.png"),
        ("gnp\u202e.exe", 'attachment; filename="gnp_.exe"'),
        ("...", 'attachment; filename="file"'),
    ],
)
def test_a_name_is_safe(name: str | None, told: str) -> None:
    """It ends no header, names no directory, hides no suffix."""
    assert disposition(name) == told


@given(st.text())
def test_any_name_makes_one_safe_header(name: str) -> None:
    """In printable ASCII, with exactly the quotes that are ours."""
    told = disposition(name)
    assert told.isascii()
    assert told.isprintable()
    assert told.count('"') == 2
    assert told.startswith('attachment; filename="')
