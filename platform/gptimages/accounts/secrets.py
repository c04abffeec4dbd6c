"""Secrets that we hand out and recognise again: made here, stored as their SHA-256 alone.

They carry 256 random bits, so a plain hash is enough and nothing has to be compared in constant time: the look-up is by hash.
"""

from __future__ import annotations

import hashlib
import secrets

SECRET_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """A fresh secret for a cookie, a token or a link; `prefix` lets people and scanners recognise what it is."""
    return prefix + secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> str:
    """What is stored of a secret: SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()
