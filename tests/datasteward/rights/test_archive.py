"""The streamed ZIP and the archive's page: same contents, same bytes; flat memory; nothing that runs."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from collections.abc import Iterator
from zipfile import ZipFile

import pytest

from datasteward.rights.archive import StreamedZip
from datasteward.rights.filetypes import ending, is_picture
from datasteward.rights.index_page import SHOWN_ROWS, Cover, Part, Picture, Section, page


def _made(files: dict[str, bytes]) -> bytes:
    made = StreamedZip()
    pieces = [piece for name, contents in files.items() for piece in made.file(name, [contents], packed=True)]
    return b"".join([*pieces, *made.end()])


def test_the_same_contents_give_the_same_bytes() -> None:
    """Two archives of the same files are equal to the last byte, whenever they are made."""
    files = {"a.json": b"{}", "images/b.png": b"\x89PNG" * 1000}
    assert _made(files) == _made(files)
    with ZipFile(io.BytesIO(_made(files))) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == files


def test_entries_name_size_and_checksum() -> None:
    """Of each file the size and the SHA-256 of its contents are kept."""
    made = StreamedZip()
    list(made.file("a", [b"one", b"two"], packed=False))
    assert made.entries[0].bytes == 6
    assert made.entries[0].sha256 == hashlib.sha256(b"onetwo").hexdigest()


def test_memory_stays_flat() -> None:
    """A file of 64 MB passes through in less than 4 MB of memory."""

    def much() -> Iterator[bytes]:
        for _ in range(1024):
            yield bytes(64 * 1024)

    made = StreamedZip()
    tracemalloc.start()
    try:
        size = sum(len(piece) for piece in made.file("big", much(), packed=False))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 64 << 20
    assert peak < 4 << 20
    list(made.end())


@pytest.mark.parametrize(
    ("start", "name", "picture"),
    [
        (b"\x89PNG\r\n\x1a\n....", ".png", True),
        (b"\xff\xd8\xff\xe0", ".jpg", True),
        (b"RIFF\0\0\0\0WEBPVP8 ", ".webp", True),
        (b"PK\x03\x04", ".zip", False),
        (b"<svg onload=alert(1)>", ".bin", False),
        (b"", ".bin", False),
    ],
)
def test_endings_come_from_the_contents(start: bytes, name: str, picture: bool) -> None:
    """A file is named for what it is; what is not known as harmless gets an ending that nothing opens."""
    assert (ending(start), is_picture(start)) == (name, picture)


def test_the_page_holds_words_as_words() -> None:
    """Markup in a prompt, a name or a reason is shown and does nothing; the page has no script and asks for nothing."""
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    picture = Picture(["images/image/a.png"], [evil], [("style", evil)])
    parts = [
        Part(evil, "data/image.json", 1, pictures=[picture]),
        Part("Events", "data/e.json", 2, ["kind"], [[evil], [None]]),
    ]
    html = b"".join(page(Cover(evil, evil, [evil], [(evil, evil)]), [Section(evil, "one", [(evil, evil)], parts)]))
    text = html.decode()
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "http" not in text.lower().replace("http-equiv", "")
    assert text.count("&lt;script&gt;") >= 8


def test_a_long_table_says_where_the_rest_is() -> None:
    """Of a long table the beginning stands on the page, with the number of the others and their file."""
    rows = ([n] for n in range(SHOWN_ROWS))
    part = Part("Events", "data/usage_event.json", 1711, ["kind"], rows)
    text = b"".join(page(Cover("t", "l", [], []), [Section("s", "s", [], [part])])).decode()
    assert text.count("<tr>") == SHOWN_ROWS + 1
    assert f"And {1711 - SHOWN_ROWS:,} more" in text
