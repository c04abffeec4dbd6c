"""What belongs to several people: sealed once under a key of its own, and that key sealed for each owner.

When one owner's keys are destroyed the others still read; when the last one's are, nobody does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from datasteward.crypto import Box, FieldCipher, Keyset, KeysetKind, associated_data
from datasteward.errors import DecryptionFailed, KeyMissing
from datasteward.keys.vault import Vault


@dataclass(frozen=True, slots=True)
class Shared:
    """The ciphertext, and by owner the key that opens it, sealed under that owner's keys."""

    box: Box
    keys: Mapping[str, Box]


def seal_shared(vault: Vault, place: tuple[str, str, str], plaintext: bytes, owners: Iterable[str]) -> Shared:
    """Encrypts for a place (table, column, row) and for its owners, who need keys. Raises KeyMissing."""
    keyset = Keyset.random(KeysetKind.FIELDS)
    box = Box(FieldCipher(keyset).encrypt(plaintext, _context(place)))
    return Shared(box, {owner: _sealed(vault, place, owner, keyset.to_bytes()) for owner in owners})


def reveal_shared(vault: Vault, place: tuple[str, str, str], shared: Shared, owner: str) -> bytes:
    """Decrypts for one of the owners. Raises KeyMissing, or DecryptionFailed when it was not sealed for this place."""
    return _cipher(vault, place, shared, owner).decrypt(shared.box.ciphertext, _context(place))


def share(vault: Vault, place: tuple[str, str, str], shared: Shared, owner: str, other: str) -> Shared:
    """The same for one owner more, whom one of the owners lets in; the ciphertext stays. Raises what `reveal_shared` does."""
    key = _opened(vault, place, shared, owner)
    return Shared(shared.box, {**shared.keys, other: _sealed(vault, place, other, key)})


def _cipher(vault: Vault, place: tuple[str, str, str], shared: Shared, owner: str) -> FieldCipher:
    plain = _opened(vault, place, shared, owner)
    try:
        return FieldCipher(Keyset.from_bytes(KeysetKind.FIELDS, plain))
    except ValueError:
        raise DecryptionFailed("The key of a shared value is damaged: restore its row.") from None


def _sealed(vault: Vault, place: tuple[str, str, str], owner: str, key: bytes) -> Box:
    """The key for an owner, bound to being one: no field of this place, that the owner may write, passes for it."""
    table, column, _ = place
    return Box(vault.sealer(owner, vault.use_of(table, column)).encrypt(key, _key_context(place, owner)))


def _opened(vault: Vault, place: tuple[str, str, str], shared: Shared, owner: str) -> bytes:
    if owner not in shared.keys:
        raise KeyMissing("This was not shared with that person, or is no more: only its owners can open it.")
    return vault.open(owner, shared.keys[owner].ciphertext, _key_context(place, owner))


def _context(place: tuple[str, str, str]) -> bytes:
    return associated_data("datasteward/shared/1", *place)


def _key_context(place: tuple[str, str, str], owner: str) -> bytes:
    return associated_data("datasteward/shared-key/1", owner, *place)
