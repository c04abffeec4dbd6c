"""The HTTP client under the SDK: sends what is needed and no more, and reads no more than was agreed.

The SDK's own client would follow redirects to recipients that nobody registered, keep the engine's cookies from one
person's run to the next, describe this machine in headers, take headers from the environment and read without end.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2

from gptimages.errors import SettingsError
from gptimages.studio.engine import EngineUnavailable

SENT_HEADERS = frozenset(
    {"host", "authorization", "content-type", "content-length", "transfer-encoding", "accept", "connection"}
)
CONNECT_SECONDS = 10.0


class BoundedStream(httpx2.SyncByteStream):
    """An answer's body that may not pass `most_bytes`, nor go on after `deadline` (seconds of the monotonic clock)."""

    def __init__(self, response: httpx2.Response, *, most_bytes: int, deadline: float) -> None:
        if not isinstance(response.stream, httpx2.SyncByteStream):
            raise TypeError("A bounded stream needs the answer of a synchronous client.")
        self._inner = response.stream
        self._request = response.request
        self._left = most_bytes
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise EngineUnavailable(
                    "The engine's answer is larger than we accept; the operator has to look into it."
                )
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("The answer went on past its time.", request=self._request)
            yield chunk

    def close(self) -> None:
        """Closes the connection, or gives it back when the body was read whole."""
        self._inner.close()


def http_client(base_url: str, *, timeout_seconds: float, most_bytes: int) -> httpx2.Client:
    """A client for the engine at `base_url`; `timeout_seconds` is for each read and for a whole answer.

    Raises SettingsError for an address that would carry words in the clear over a network.
    """

    def outgoing(request: httpx2.Request) -> None:
        for name in [name for name in request.headers if name.lower() not in SENT_HEADERS]:
            del request.headers[name]
        request.headers["User-Agent"] = "gptimages"
        # A packed answer could unfold to any size after its bytes were counted.
        request.headers["Accept-Encoding"] = "identity"

    def incoming(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise EngineUnavailable("The engine answered in an encoding that we did not ask for; try again later.")
        if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            # The SDK would sleep through Retry-After on a worker; the queue waits better.
            response.headers["x-should-retry"] = "false"
        deadline = time.monotonic() + timeout_seconds
        response.stream = BoundedStream(response, most_bytes=most_bytes, deadline=deadline)

    return httpx2.Client(
        timeout=httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_SECONDS)),
        follow_redirects=False,
        trust_env=not _is_own_machine(base_url),
        event_hooks={"request": [outgoing], "response": [incoming]},
    )


def _is_own_machine(base_url: str) -> bool:
    """Whether the engine runs on this machine. Raises SettingsError when the address is unusable or not encrypted."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise SettingsError("The engine's address must be a full one that begins with https://.")
    own = parts.hostname == "localhost" or _is_loopback(parts.hostname)
    if parts.scheme == "http" and not own:
        raise SettingsError("The engine's address must begin with https://; plain http is for this machine alone.")
    return own


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def quieten_loggers() -> None:
    """Keeps the SDK and its HTTP clients from logging addresses, headers and retries, whatever the root level is."""
    for name in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
