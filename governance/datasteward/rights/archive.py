"""A ZIP file made as a stream: one file after the other, none held in memory, and the size and SHA-256 of each kept.

Timestamps are fixed and the order is the caller's, so the same contents give the same bytes. Knows nothing of what the
files hold; rights.export does.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import msgspec

FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that ZIP can say: the time of an archive stands in its manifest
PRIVATE_FILE = 0o600 << 16
CHUNK = 64 * 1024


class Entry(msgspec.Struct, frozen=True):
    """A file of the archive: its path, its size in bytes and the SHA-256 of its contents in hexadecimal."""

    path: str
    bytes: int
    sha256: str


class StreamedZip:
    """Makes a ZIP file piece by piece: iterate over `file(…)` for each file, then over `end()`.

    `entries` lists the files that are complete.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w", allowZip64=True)

    def file(self, path: str, chunks: Iterable[bytes], *, packed: bool) -> Iterator[bytes]:
        """Adds a file and yields the archive's next bytes; `packed` deflates, which pictures would not profit from."""
        info = ZipInfo(path, FIXED_TIME)
        info.compress_type = ZIP_DEFLATED if packed else ZIP_STORED
        info.external_attr = PRIVATE_FILE
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=True) as out:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
                if self._sink.waiting >= CHUNK:
                    yield self._sink.take()
        self.entries.append(Entry(path, size, digest.hexdigest()))
        yield self._sink.take()

    def end(self) -> Iterator[bytes]:
        """Yields the directory of the archive, its last bytes."""
        self._zip.close()
        yield self._sink.take()


class _Sink(io.RawIOBase):
    """Takes what ZipFile writes until it is taken away; cannot seek, so ZipFile puts sizes after the contents."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.waiting = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        self.waiting += len(data)
        return len(data)

    def take(self) -> bytes:
        """What was written since it was last taken."""
        taken = b"".join(self._parts)
        self._parts.clear()
        self.waiting = 0
        return taken
