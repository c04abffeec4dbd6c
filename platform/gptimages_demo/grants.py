"""What the demo provider remembers, in memory alone: codes that were given out, and access tokens.

A code is good once and for a minute (RFC 6749 section 4.1.2); its verifier must hash to the challenge (RFC 7636, S256).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time

import msgspec

CODE_SECONDS = 60.0
TOKEN_SECONDS = 300.0


class Subject(msgspec.Struct, frozen=True):
    """Somebody who signs in: what the provider vouches for."""

    subject: str
    name: str
    email: str


class Grant(msgspec.Struct, frozen=True):
    """What a code stands for."""

    who: Subject
    redirect_uri: str
    challenge: str
    nonce: str | None
    signed_in_at: int


class Grants:
    """Codes and access tokens. May be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._codes: dict[str, tuple[float, Grant]] = {}
        self._tokens: dict[str, tuple[float, Subject]] = {}

    def code_for(self, grant: Grant) -> str:
        """A fresh code for this grant."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            _forget_old(self._codes)
            self._codes[code] = (time.monotonic() + CODE_SECONDS, grant)
        return code

    def redeem(self, code: str, *, redirect_uri: str, verifier: str) -> Grant | None:
        """The grant of a code, which is used up whatever comes of it. None when anything does not fit."""
        with self._lock:
            _forget_old(self._codes)
            _, grant = self._codes.pop(code, (0.0, None))
        if grant is None or grant.redirect_uri != redirect_uri:
            return None
        return grant if hmac.compare_digest(challenge_of(verifier), grant.challenge.encode()) else None

    def token_for(self, who: Subject) -> str:
        """A fresh access token."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            _forget_old(self._tokens)
            self._tokens[token] = (time.monotonic() + TOKEN_SECONDS, who)
        return token

    def bearer(self, token: str) -> Subject | None:
        """Whose access token this is."""
        with self._lock:
            _forget_old(self._tokens)
            return self._tokens.get(token, (0.0, None))[1]


def challenge_of(verifier: str) -> bytes:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")


def _forget_old(held: dict[str, tuple[float, Grant]] | dict[str, tuple[float, Subject]]) -> None:
    now = time.monotonic()
    for key in [key for key, (ends, _) in held.items() if ends < now]:
        del held[key]
