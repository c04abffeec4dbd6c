"""Pictures over HTTP from a bucket: how often the server of the bucket is asked for one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from support.buckets import in_a_bucket
from support.seaweed import Seaweed

from gptimages.settings import Settings
from gptimages.studio.models import Image

SIZE = 200_003
DATA = bytes(number * number % 251 for number in range(SIZE))


@pytest.fixture
def settings(settings: Settings, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """With the objects in a bucket."""
    return in_a_bucket(settings, seaweed, monkeypatch, objects=seaweed.prefix())


@pytest.fixture
def picture(studio: Any) -> tuple[httpx.Client, str]:
    """A browser and the address of a picture of DATA that is its person's."""
    account = studio.make()
    studio.ask(account)
    studio.work()
    with studio.here.db.read() as session:
        image = session.scalars(select(Image)).one()
    studio.here.objects.put(account.id, image.object, [DATA])
    return studio.signed_in(account), f"/images/{image.id}/file"


@pytest.fixture
def asked(studio: Any) -> Callable[[], Any]:
    """`with asked() as requests:` has the names of the requests to the bucket in `requests`."""

    @contextmanager
    def listening() -> Iterator[list[str]]:
        heard: list[str] = []

        def hear(model: Any, **_: Any) -> None:
            heard.append(model.name)

        events = studio.here.objects.stored._client.meta.events
        events.register("before-call.s3", hear)
        yield heard
        events.unregister("before-call.s3", hear)

    return listening


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=70000-140000", slice(70000, 140001)),
        ("bytes=5-", slice(5, None)),
        (f"bytes={SIZE - 1}-{SIZE + 99}", slice(SIZE - 1, None)),
        ("bytes=9-" + "9" * 19, slice(9, None)),
    ],
)
def test_a_range_is_one_request(picture: Any, asked: Any, wanted: str, part: slice) -> None:
    """Size, version and bytes come with one answer; going on with the same version (If-Range) too."""
    client, address = picture
    tag = client.head(address).headers["etag"]
    for more in ({}, {"if-range": tag}):
        with asked() as requests:
            answer = client.get(address, headers={"range": wanted} | more)
        assert (answer.status_code, answer.content) == (206, DATA[part])
        assert answer.headers["content-range"].endswith(f"/{SIZE}")
        assert requests == ["GetObject"]


def test_other_ranges_are_answered_as_from_a_directory(picture: Any) -> None:
    """The last bytes, a place behind the end, one that is no number of the server's, and another version."""
    client, address = picture
    assert client.get(address, headers={"range": "bytes=-7"}).content == DATA[-7:]
    for behind in (SIZE, SIZE + 70_000, 10**19 - 1):
        answer = client.get(address, headers={"range": f"bytes={behind}-"})
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{SIZE}")
    answer = client.get(address, headers={"range": "bytes=9-", "if-range": '"other"'})
    assert (answer.status_code, answer.content) == (200, DATA)
