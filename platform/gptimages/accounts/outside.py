"""Asking other servers over HTTP, within bounds: time, size, no redirects, no compression, no proxy from the environment.

httpx bounds each wait but not the whole, and no size at all; `BoundedTransport` does both for whatever client it is given to.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2

WAIT_SECONDS = 5.0
WHOLE_SECONDS = 10.0
DOCUMENT_BYTES = 256_000  # the largest discovery document or key set seen in the wild has some 10 kB


class OutOfBounds(httpx2.TransportError):
    """The answer is too large, too slow, or compressed although that was not asked for."""


class BoundedTransport(httpx2.BaseTransport):
    """An HTTP transport whose answers end in OutOfBounds after `most_bytes` or `whole_seconds`."""

    def __init__(self, most_bytes: int = DOCUMENT_BYTES, whole_seconds: float = WHOLE_SECONDS) -> None:
        self._inner = httpx2.HTTPTransport(trust_env=False)
        self._most_bytes = most_bytes
        self._whole_seconds = whole_seconds

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends the request and gives the answer with a stream that keeps the bounds."""
        request.headers["accept-encoding"] = "identity"
        ends = time.monotonic() + self._whole_seconds
        response = self._inner.handle_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise OutOfBounds("The answer is compressed although that was not asked for.")
        assert isinstance(response.stream, httpx2.SyncByteStream)  # noqa: S101 - a synchronous transport gives no other
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Bounded(response.stream, self._most_bytes, ends),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._inner.close()


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, most_bytes: int, ends: float) -> None:
        self._stream = stream
        self._left = most_bytes
        self._ends = ends

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0 or time.monotonic() > self._ends:
                raise OutOfBounds("The answer is too large or takes too long.")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def client(most_bytes: int = DOCUMENT_BYTES, whole_seconds: float = WHOLE_SECONDS) -> httpx2.Client:
    """A client that keeps the bounds, follows no redirect and takes nothing from the environment."""
    return httpx2.Client(
        transport=BoundedTransport(most_bytes, whole_seconds),
        timeout=WAIT_SECONDS,
        follow_redirects=False,
        trust_env=False,
    )
