"""Root keys as a setting names them: a file, a key of AWS KMS, or several while one follows another."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from datasteward.errors import DecryptionFailed, RootKeyError
from datasteward.keys.directory import replace
from datasteward.keys.root import FileRootKey, RootKey

KMS = "aws-kms:"
NEXT = ".next"


class RootKeyFile:
    """The root key as its file says at each use, so that a change by another process is seen without a restart.

    While one key follows another there is a second file, `root.key.next`: it wraps, and both open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._following = path.with_name(path.name + NEXT)
        self._keys()

    @property
    def id(self) -> str:
        """The id of the key that wraps."""
        return self._keys()[0].id

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """The secret, wrapped by the newest key. Raises RootKeyError."""
        return self._keys()[0].wrap(plaintext, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The secret, wrapped by either key. Raises RootKeyError, DecryptionFailed."""
        return _unwrap(self._keys(), wrapped, context)

    def follow(self) -> None:
        """Makes the key that follows, unless an interrupted change has made it already. Raises RootKeyError."""
        if not self._following.exists():
            FileRootKey.create(self._following)

    def settle(self) -> None:
        """Puts the following key in the place of the old one, whose bytes are overwritten. Raises RootKeyError."""
        try:
            replace(self._following, self.path)
        except OSError as error:
            raise RootKeyError(f"The root key cannot be replaced ({error.strerror}): check its directory.") from error

    def _keys(self) -> list[FileRootKey]:
        if self._following.exists():
            with suppress(RootKeyError):  # it has just been put in its place
                return [FileRootKey.load(self._following), FileRootKey.load(self.path)]
        return [FileRootKey.load(self.path)]


class RootKeys:
    """Several root keys while one follows another: the first wraps, all of them open."""

    def __init__(self, keys: Sequence[RootKey]) -> None:
        self._keys = tuple(keys)

    @property
    def id(self) -> str:
        """The id of the key that wraps."""
        return self._keys[0].id

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """The secret, wrapped by the first key. Raises RootKeyError."""
        return self._keys[0].wrap(plaintext, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The secret, wrapped by any of them. Raises RootKeyError, DecryptionFailed."""
        return _unwrap(self._keys, wrapped, context)


def open_root(told: str) -> RootKey:
    """The root key of a setting: `/path/root.key`, `aws-kms:ARN`, or several parted by commas, the present one first.

    Raises RootKeyError.
    """
    keys = [_one(each.strip()) for each in told.split(",")]
    return keys[0] if len(keys) == 1 else RootKeys(keys)


def _one(told: str) -> RootKey:
    if told.startswith(KMS):
        from datasteward.keys.kms import KmsRootKey

        return KmsRootKey(told.removeprefix(KMS))
    if not Path(told).name:
        raise RootKeyError("A root key has no name: name a file or aws-kms:ARN, or several of them parted by commas.")
    return RootKeyFile(Path(told))


def _unwrap(keys: Sequence[RootKey], wrapped: bytes, context: bytes) -> bytes:
    """By whichever key opens it; one that cannot be used just now keeps no other from it."""
    away: RootKeyError | None = None
    for key in keys:
        try:
            return key.unwrap(wrapped, context)
        except DecryptionFailed:
            continue
        except RootKeyError as error:
            away = away or error
    raise away or DecryptionFailed("None of the root keys has wrapped this for this use.")
