"""The key that signs ledger and manifests: Ed25519 (RFC 8032), so that who checks them need not be able to write them."""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from datasteward.durable import NotPrivate, read_private, write_new
from datasteward.errors import LedgerError

HEADER = "datasteward ledger key 1"
DAMAGED = "The ledger's key file is cut short or damaged: put it back from its backup."


class LedgerKey:
    """A signing key in a file of mode 0600: a line with its id, a line with 32 secret bytes in base64."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._key.public_key().public_bytes_raw()
        self.id = hashlib.sha256(self.public).hexdigest()[:16]
        """Names the key, and the installation whose ledger it signs: 16 hexadecimal digits."""

    def sign(self, data: bytes) -> str:
        """The signature, in hexadecimal digits."""
        return self._key.sign(data).hex()

    def signed(self, data: bytes, signature: str) -> bool:
        """Whether the signature is this key's over these bytes."""
        try:
            self._key.public_key().verify(bytes.fromhex(signature), data)
        except (InvalidSignature, ValueError):
            return False
        return signature == bytes.fromhex(signature).hex()  # one spelling, so that no byte can be changed unseen

    @classmethod
    def create(cls, path: Path) -> LedgerKey:
        """Makes a new key and its file, complete and durable or not at all. Raises LedgerError."""
        secret = Ed25519PrivateKey.generate().private_bytes_raw()
        key = cls(secret)
        try:
            write_new(path, f"{HEADER} {key.id}\n{base64.b64encode(secret).decode()}\n".encode())
        except FileExistsError:
            return cls.load(path)  # another process was quicker
        except OSError as error:
            raise _unwritable(error) from error
        return key

    @classmethod
    def load(cls, path: Path) -> LedgerKey:
        """Reads the key. Raises LedgerError when it is missing, another user's, usable by others, cut short or damaged."""
        try:
            data = read_private(path)
        except OSError as error:
            raise LedgerError(f"The ledger's key cannot be read ({error.strerror}): put {path.name} back.") from error
        except NotPrivate as error:
            raise LedgerError(f"The ledger's key {error}.") from None
        try:
            head, encoded = data.decode("ascii").splitlines()
            key = cls(base64.b64decode(encoded, validate=True))
        except (ValueError, binascii.Error):
            raise LedgerError(DAMAGED) from None
        if head != f"{HEADER} {key.id}":
            raise LedgerError(DAMAGED)
        return key


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Holds the directory of a key file while the block runs: who else would found a ledger waits (see flock(2))."""
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(error) from error
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _unwritable(error: OSError) -> LedgerError:
    return LedgerError(f"The ledger's key cannot be written ({error.strerror}): check its directory.")
