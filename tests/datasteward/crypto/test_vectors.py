"""The test vectors of our own: made without our code, and passed by it and by Tink."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import by_hand, other_side, vectors
from tink import aead

from datasteward.crypto import FieldCipher, Key, Keyset, KeysetKind, StreamCipher, associated_data
from datasteward.keys import Box, Context, FileRootKey, KeyStore, Vault
from datasteward.keys.shared import Door, SharedRow, open_key, open_shared

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(vectors.FILE.read_text(encoding="utf-8"))


def of(group: str) -> pytest.MarkDecorator:
    """Runs a test once for each vector of the group."""
    return pytest.mark.parametrize("vector", VECTORS[group])


def one_key(kind: KeysetKind, vector: dict[str, Any]) -> Keyset:
    """The key of a vector as a keyset; a stream names no key, so any id does."""
    key = Key(vector.get("key_id", 1), bytes.fromhex(vector["key"]))
    return Keyset(kind, key.id, (key,))


def test_the_file_is_what_bare_primitives_make() -> None:
    """Nobody has edited it, and none of it comes from the code that it judges."""
    assert vectors.FILE.read_text(encoding="utf-8") == vectors.text()


@of("associated_data")
def test_the_associated_data_has_these_bytes(vector: dict[str, Any]) -> None:
    """The encoding is a format: these bytes do not change."""
    use, parts = vector["use"], vector["parts"]
    assert associated_data(use, *parts).hex() == vector["bytes"]
    if use == "datasteward/field/1":
        assert Context(*parts).associated_data().hex() == vector["bytes"]
    if use == "datasteward/shared/1":
        table, column, row = parts
        assert SharedRow(table, row).value_in(column).hex() == vector["bytes"]
    if use == "datasteward/shared-key/1":
        assert SharedRow(*parts[4:]).key_at(Context(*parts[:4])).hex() == vector["bytes"]


@of("fields")
def test_a_field_opens_and_is_made_again(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """We and Tink open it; with the same IV we make the same bytes."""
    keyset, plaintext = one_key(KeysetKind.FIELDS, vector), vector["plaintext"].encode()
    context, sealed, iv = (bytes.fromhex(vector[name]) for name in ("associated_data", "ciphertext", "iv"))
    assert Context(*vector["parts"]).associated_data() == context
    assert FieldCipher(keyset).decrypt(sealed, context) == plaintext
    assert other_side.fields(keyset).decrypt(sealed, context) == plaintext
    monkeypatch.setattr(os, "urandom", lambda size: (iv * size)[:size])
    assert FieldCipher(keyset).encrypt(plaintext, context) == sealed


@of("shared")
def test_a_shared_value_opens_with_the_key_that_a_person_has(vector: dict[str, Any], tmp_path: Path) -> None:
    """We open the key with the person's and the value with the key; so does Tink, by the document alone."""
    keyset, words = one_key(KeysetKind.FIELDS, vector), vector["plaintext"].encode()
    sealed, sealed_keyset, key = (bytes.fromhex(vector[name]) for name in ("ciphertext", "sealed_keyset", "keyset"))
    (table, column, row), place = vector["parts"], Context(*vector["key_parts"][:4])
    store = KeyStore(f"sqlite:///{tmp_path / 'keys.db'}", FileRootKey.create(tmp_path / "root.key"))
    objects = Keyset.random(KeysetKind.OBJECTS)
    store.add(place.subject, {each.kind: each.to_bytes() for each in (keyset, objects)})
    with closing(Vault(store)) as vault:
        door = Door(place, Box(sealed_keyset))
        assert open_key(vault, SharedRow(table, row), door) == key
        assert open_shared(vault, SharedRow(table, row), column, Box(sealed), door) == words
    contexts = [by_hand.associated("datasteward/shared-key/1", *vector["key_parts"])]
    contexts += [by_hand.associated("datasteward/shared/1", *vector["parts"])]
    opened = other_side.fields(keyset).decrypt(sealed_keyset, contexts[0])
    assert other_side.handle(opened).primitive(aead.Aead).decrypt(sealed, contexts[1]) == words


@of("streams")
def test_a_stream_opens_and_is_made_again(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same salt and nonce prefix we make the same bytes; we and Tink open them."""
    keyset, plaintext = one_key(KeysetKind.OBJECTS, vector), vectors.plaintext(vector["plaintext_bytes"])
    context = bytes.fromhex(vector["associated_data"])
    drawn = bytes.fromhex(vector["salt"] + vector["nonce_prefix"])
    monkeypatch.setattr(os, "urandom", lambda size: (drawn * size)[:size])
    sealed = b"".join(StreamCipher(keyset).encrypt([plaintext], context))
    monkeypatch.undo()
    assert hashlib.sha256(sealed).hexdigest() == vector["ciphertext_sha256"]
    assert sealed.hex() == vector.get("ciphertext", sealed.hex())
    assert len(sealed) == vector["ciphertext_bytes"]
    assert b"".join(StreamCipher(keyset).decrypt([sealed], context)) == plaintext
    assert other_side.Streams(keyset).decrypt(sealed, context) == plaintext
    assert by_hand.opened(bytes.fromhex(vector["key"]), sealed, context) == plaintext


@of("keysets")
def test_a_keyset_has_these_bytes(vector: dict[str, Any]) -> None:
    """Two keys, the second one primary: read, written, and taken by Tink."""
    kind, data = KeysetKind(vector["kind"]), bytes.fromhex(vector["bytes"])
    keys = tuple(Key(int(key_id), bytes.fromhex(secret)) for key_id, secret in vector["keys"].items())
    keyset = Keyset(kind, vector["primary"], keys)
    assert Keyset.from_bytes(kind, data) == keyset
    assert keyset.to_bytes() == data
    assert other_side.handle(data).keyset_info().primary_key_id == keys[1].id
