"""Root keys: what wraps the keysets of all persons. One small interface, so that a key service is one class."""

from __future__ import annotations

import base64
import binascii
import secrets
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from datasteward.crypto import FieldCipher, Key, Keyset, KeysetKind
from datasteward.durable import NotPrivate, read_private, write_new
from datasteward.errors import RootKeyError

HEADER = "datasteward root key 1"
SECRET_BYTES = 32


class RootKey(Protocol):
    """Wraps and unwraps small secrets, bound to a context of opaque ids (datasteward.crypto.associated_data)."""

    @property
    def id(self) -> str:
        """Names the key without telling anything about it; stored beside what it wraps."""

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """The wrapped secret. Raises RootKeyError when the key cannot be used."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The secret. Raises DecryptionFailed when it was not wrapped by this key for this context."""


class FileRootKey:
    """A root key in a file of mode 0600: a line with the key's id, a line with 32 random bytes in base64.

    The id is derived from the key one way (HKDF-Expand, RFC 5869), so a damaged file is told from another key. What it
    wraps has the format of a field, with the id as Tink key id. Who has this file and the key store has all
    keys: keep its backup apart from the key store's.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise RootKeyError(f"A root key has {SECRET_BYTES} bytes: this one has {len(secret)}.")
        self._id = _key_id(secret)
        key = Key(self._id, secret)
        self._cipher = FieldCipher(Keyset(KeysetKind.FIELDS, key.id, (key,)))

    @property
    def id(self) -> str:
        """Eight hexadecimal digits."""
        return f"{self._id:08x}"

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """The wrapped secret, 33 bytes longer."""
        return self._cipher.encrypt(plaintext, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The secret. Raises DecryptionFailed when it was not wrapped by this key for this context."""
        return self._cipher.decrypt(wrapped, context)

    @classmethod
    def create(cls, path: Path) -> FileRootKey:
        """Makes a new key and its file, complete and durable or not at all. Raises RootKeyError when one is there."""
        secret = secrets.token_bytes(SECRET_BYTES)
        try:
            write_new(path, f"{HEADER} {_key_id(secret):08x}\n{base64.b64encode(secret).decode()}\n".encode())
        except FileExistsError:
            raise RootKeyError("There is a root key already, and it was left as it is: use it, or move it.") from None
        except OSError as error:
            raise RootKeyError(f"The root key cannot be written ({error.strerror}): check its directory.") from error
        return cls(secret)

    @classmethod
    def load(cls, path: Path) -> FileRootKey:
        """Reads the key. Raises RootKeyError when it is missing, another user's, usable by others, cut short or damaged."""
        try:
            return cls(_parse(read_private(path)))
        except FileNotFoundError:
            raise RootKeyError(f"There is no root key file {path.name}: put it back from its backup.") from None
        except OSError as error:
            raise RootKeyError(f"The root key file cannot be read ({error.strerror}): check its rights.") from error
        except NotPrivate as error:
            raise RootKeyError(f"The root key file {error}.") from None


def _key_id(secret: bytes) -> int:
    derived = HKDFExpand(algorithm=SHA256(), length=4, info=b"datasteward/root-key-id/1").derive(secret)
    return int.from_bytes(derived, "big")


def _parse(data: bytes) -> bytes:
    try:
        head, encoded, *rest = data.decode("ascii").splitlines()
        secret = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise RootKeyError("The root key file is cut short or damaged: put it back from its backup.") from None
    canonical = base64.b64encode(secret).decode() == encoded
    whole = not rest and canonical and len(secret) == SECRET_BYTES
    if not whole or head != f"{HEADER} {_key_id(secret):08x}":
        raise RootKeyError("The root key file is cut short or damaged: put it back from its backup.")
    return secret
