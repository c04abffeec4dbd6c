"""The JSON API as commands use it: GPTIMAGES_URL says where, GPTIMAGES_TOKEN who; every failure is one sentence.

The token comes from the environment alone, because other users of a machine can read a command's arguments. It is sent
over https or to loopback, and nowhere that an answer points to: redirects are not followed.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from gptimages.settings import LOOPBACK
from gptimages_cli.errors import CommandError, NotReached, Refused

URL, TOKEN = "GPTIMAGES_URL", "GPTIMAGES_TOKEN"
DEFAULT_URL = "http://127.0.0.1:8000"
SECONDS = httpx.Timeout(60, connect=10)
UNAUTHORIZED = 401
T = TypeVar("T")
Told = Callable[[int, int], None]


class Problem(msgspec.Struct, frozen=True):
    """What we read of a problem document (RFC 9457); what lacks a part of it was written by somebody else."""

    type: str
    status: int
    detail: str


class Saved(msgspec.Struct, frozen=True):
    """A file that was saved, and its bytes."""

    path: Path
    bytes: int


class Service:
    """A service that answers at an address. Raises NotReached or Refused, whatever is asked."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.url = url
        self._client = client

    def ask(self, method: str, path: str, answer: type[T], *, body: object = None, **query: Any) -> T:
        """The decoded answer to a request; `body` is sent as JSON, a query value of None is left out."""
        given = {name: value for name, value in query.items() if value is not None}
        with self._sent(method, path, body, given) as response:
            data = response.read()
        try:
            return msgspec.json.decode(data, type=answer)
        except msgspec.MsgspecError:
            raise NotReached(self._foreign()) from None

    def tell(self, method: str, path: str) -> None:
        """A request whose answer has nothing in it."""
        with self._sent(method, path, None, {}) as response:
            response.read()

    def fetch(self, path: str, place: Callable[[str], Path], told: Told | None = None) -> Saved:
        """Saves an answer as a file, whole or not at all; `place` gives the file for the answer's media type.

        `told` hears how many bytes came, of how many. Raises CommandError when the file cannot be written.
        """
        with self._sent("GET", path, None, {}) as response:
            target = place(response.headers.get("content-type", ""))
            unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
            try:
                done = _write(response, unfinished, told)
                unfinished.replace(target)
            except OSError as error:
                raise CommandError(f"{target} cannot be written ({error.strerror}): choose another place.") from None
            finally:
                unfinished.unlink(missing_ok=True)
        return Saved(target, done)

    @contextmanager
    def _sent(self, method: str, path: str, body: object, query: dict[str, Any]) -> Iterator[httpx.Response]:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if content is None else {"content-type": "application/json"}
        with (
            _faults(self.url),
            self._client.stream(method, path, content=content, headers=headers, params=query) as response,
        ):
            if not response.is_success:
                raise self._refusal(response.status_code, response.read())
            yield response

    def _refusal(self, status: int, data: bytes) -> CommandError:
        if status == UNAUTHORIZED:
            return Refused(
                f"The service does not know this token, or it has ended: make a new one at {self.url}/account.",
                status=status,
            )
        try:
            return Refused(msgspec.json.decode(data, type=Problem).detail, status=status)
        except msgspec.MsgspecError:
            return NotReached(self._foreign())

    def _foreign(self) -> str:
        return f"What answers at {self.url} does not speak this API: check {URL}."


@contextmanager
def service() -> Iterator[Service]:
    """The service that the environment names. Raises CommandError when the address or the token is missing or wrong."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they would log whole addresses
    url = os.environ.get(URL, DEFAULT_URL).rstrip("/")
    local = _check_url(url)
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise CommandError(f"Who are you? Make a token at {url}/account and put it into {TOKEN}.")
    if not token.isascii() or not token.isprintable():
        raise CommandError(f"What is in {TOKEN} is no token: make one at {url}/account.")
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    # a proxy of the environment is for the world outside, never for loopback
    with httpx.Client(base_url=url, headers=headers, timeout=SECONDS, trust_env=not local) as client:
        yield Service(url, client)


def check_place(file: Path) -> None:
    """Raises CommandError when there is no directory to save `file` in: said before anything is asked for."""
    if not file.parent.is_dir():
        raise CommandError(f"There is no directory {file.parent} to save {file.name} in: make it, or choose another.")


def _write(response: httpx.Response, path: Path, told: Told | None) -> int:
    done, total = 0, int(response.headers.get("content-length", 0))
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for chunk in response.iter_bytes():
            done += file.write(chunk)
            if told:
                told(done, total)
    return done


def _check_url(url: str) -> bool:
    """Whether the address is on loopback. Raises CommandError when it is none, or would carry a token in the clear."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise CommandError(f"{URL} has to be an address such as https://images.example: correct it.")
    local = host in LOOPBACK
    if parts.scheme == "http" and not local:
        raise CommandError(f"{URL} has to begin with https: plain http would show your token to others.")
    return local


@contextmanager
def _faults(url: str) -> Iterator[None]:
    """Says what a failing connection means here."""
    try:
        yield
    except httpx.ConnectError:
        raise NotReached(f"Nothing answers at {url}: start the service with gptimages run, or set {URL}.") from None
    except httpx.TimeoutException:
        raise NotReached(f"The service at {url} takes too long to answer: try again in a moment.") from None
    except httpx.InvalidURL:
        raise CommandError(f"{URL} has to be an address such as https://images.example: correct it.") from None
    except httpx.HTTPError:
        raise NotReached(f"The connection to {url} broke off: try again.") from None
