"""What belongs to several people: sealed once under a key of its own, and that key sealed for each owner.

When one owner's keys are destroyed the others still read; when the last one's are, nobody does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from datasteward.crypto import Box, FieldCipher, Keyset, KeysetKind, associated_data
from datasteward.errors import DecryptionFailed, KeyMissing
from datasteward.keys.context import Context
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
    return Shared(box, {owner: vault.seal(Context(owner, *place), keyset.to_bytes()) for owner in owners})


def reveal_shared(vault: Vault, place: tuple[str, str, str], shared: Shared, owner: str) -> bytes:
    """Decrypts for one of the owners. Raises KeyMissing, or DecryptionFailed when it was not sealed for this place."""
    return _cipher(vault, place, shared, owner).decrypt(shared.box.ciphertext, _context(place))


def share(vault: Vault, place: tuple[str, str, str], shared: Shared, owner: str, other: str) -> Shared:
    """The same for one owner more, whom one of the owners lets in; the ciphertext stays. Raises what `reveal_shared` does."""
    key = vault.reveal(Context(owner, *place), _key(shared, owner))
    return Shared(shared.box, {**shared.keys, other: vault.seal(Context(other, *place), key)})


def _cipher(vault: Vault, place: tuple[str, str, str], shared: Shared, owner: str) -> FieldCipher:
    plain = vault.reveal(Context(owner, *place), _key(shared, owner))
    try:
        return FieldCipher(Keyset.from_bytes(KeysetKind.FIELDS, plain))
    except ValueError:
        raise DecryptionFailed("The key of a shared value is damaged: restore its row.") from None


def _key(shared: Shared, owner: str) -> Box:
    if owner not in shared.keys:
        raise KeyMissing("This was not shared with that person, or is no more: only its owners can open it.")
    return shared.keys[owner]


def _context(place: tuple[str, str, str]) -> bytes:
    return associated_data("datasteward/shared/1", *place)
