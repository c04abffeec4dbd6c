"""E5 on the way out: a picture that was damaged in the object store does not arrive as a whole one, over real HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from datasteward.crypto import SEGMENT
from gptimages.studio.models import Image

PLAIN = os.urandom(4 * SEGMENT)
ADDRESSES = pytest.mark.parametrize("address", ["file", "download"])


def stored(studio: Any, account: Any) -> tuple[str, Path]:
    """A picture of several segments: its id, and the file that holds its ciphertext."""
    studio.ask(account)
    studio.work()
    with studio.here.db.read() as session:
        image = session.scalars(select(Image)).one()
    studio.here.objects.put(account.id, image.object, [PLAIN])
    (path,) = studio.here.settings.data.rglob(image.object.replace("/", "~"))
    return image.id, path


@ADDRESSES
def test_a_picture_that_verifies_arrives_whole(studio: Any, address: str) -> None:
    """What is asked for below would arrive if it were not damaged."""
    ines = studio.make()
    image_id, _ = stored(studio, ines)
    assert studio.signed_in(ines).get(f"/images/{image_id}/{address}").content == PLAIN


@ADDRESSES
@pytest.mark.parametrize("segment", [1, 2, 4])
def test_e5_a_picture_damaged_in_a_later_segment_is_broken_off(studio: Any, address: str, segment: int) -> None:
    """The browser is told that the answer is not complete, and what it got until then was genuine."""
    ines = studio.make()
    image_id, path = stored(studio, ines)
    sealed = bytearray(path.read_bytes())
    sealed[segment * SEGMENT + 5] ^= 1
    path.write_bytes(sealed)
    got = arrived(studio.signed_in(ines), f"/images/{image_id}/{address}")
    assert PLAIN.startswith(got)
    assert len(got) < len(PLAIN)


@ADDRESSES
@pytest.mark.parametrize("segments", [1, 2, 4])
def test_e5_a_picture_cut_at_a_boundary_is_broken_off(studio: Any, address: str, segments: int) -> None:
    """Bytes that end with a whole segment do not pass for a whole picture."""
    ines = studio.make()
    image_id, path = stored(studio, ines)
    path.write_bytes(path.read_bytes()[: segments * SEGMENT])
    got = arrived(studio.signed_in(ines), f"/images/{image_id}/{address}")
    assert PLAIN.startswith(got)
    assert len(got) < len(PLAIN)


@ADDRESSES
def test_e5_a_picture_damaged_at_its_beginning_is_an_error(studio: Any, address: str) -> None:
    """Nothing was sent yet, so the answer is an error and holds nothing of the picture."""
    ines = studio.make()
    image_id, path = stored(studio, ines)
    path.write_bytes(b"\0" + path.read_bytes()[1:])
    answer = studio.signed_in(ines).get(f"/images/{image_id}/{address}")
    assert answer.status_code >= 500
    assert PLAIN[:16] not in answer.content


@pytest.mark.parametrize("address", ["file", "download", "thumbnail"])
def test_a_picture_whose_file_is_gone_says_so(studio: Any, address: str) -> None:
    """Its address answers with the one sentence, for GET and HEAD; its page, and the history, open as before."""
    ines = studio.make()
    image_id, _ = stored(studio, ines)
    for key in list(studio.here.objects.keys()):
        studio.here.objects.delete(key)
    browser = studio.signed_in(ines)
    answer = browser.get(f"/images/{image_id}/{address}")
    assert answer.status_code == browser.head(f"/images/{image_id}/{address}").status_code == 404
    assert "The file of this picture is gone and cannot be brought back: make a new picture" in answer.text
    for page in (f"/images/{image_id}", "/history"):
        assert browser.get(page).status_code == 200


def arrived(browser: httpx.Client, address: str) -> bytes:
    """What arrives of a picture until the answer breaks off; nothing when it is an error from its beginning."""
    got = b""
    with browser.stream("GET", address) as answer:
        if answer.is_error:
            return got
        try:
            for chunk in answer.iter_raw():
                got += chunk
        except httpx.RemoteProtocolError:
            return got
    raise AssertionError("The answer came to its proper end.")
