"""Makes the test vectors of the formats: `python -m support.vectors` writes them, a test holds the file against this.

All of them come from support.by_hand and Tink's own protocol buffers, none from datasteward.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from support import by_hand
from tink.proto import aes_gcm_hkdf_streaming_pb2, aes_gcm_pb2, common_pb2, tink_pb2

FILE = Path(__file__).parents[2] / "governance" / "datasteward" / "crypto" / "vectors.json"

KEYS = {7: bytes(range(32)), 0x89ABCDEF: bytes(range(32, 64))}
IV, SALT, NONCE_PREFIX = bytes(range(0xA0, 0xAC)), bytes(range(0x60, 0x80)), bytes(range(0xB0, 0xB7))
FIELD, OBJECT = "datasteward/field/1", "datasteward/object/1"
SHARED, SHARED_KEY = "datasteward/shared/1", "datasteward/shared-key/1"
USES = [
    (FIELD, ["s", "t", "c", "r"]),
    (FIELD, ["", "generation", "prompt", "é"]),
    (FIELD, ["4711", "generation", "prompt", "0192f1c4"]),
    (FIELD, ["47", "11generation", "prompt", "0192f1c4"]),
    (OBJECT, ["4711", "images/0192f1c4"]),
    (SHARED, ["board", "title", "0192f1c4"]),
    (SHARED_KEY, ["4711", "membership", "board_key", "0192f1c5", "board", "0192f1c4"]),
]
WORDS = ["", "a", "a lighthouse at dusk, 灯台"]
FIRST, OTHERS = by_hand.SEGMENT - by_hand.HEADER - by_hand.TAG, by_hand.SEGMENT - by_hand.TAG
SIZES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + OTHERS - 1, FIRST + OTHERS, FIRST + OTHERS + 1, FIRST + 3 * OTHERS]
SHORT = 1


def plaintext(size: int) -> bytes:
    """Byte number i is i modulo 251."""
    return bytes(i % 251 for i in range(size))


def made() -> dict[str, Any]:
    """All vectors; bytes are in hexadecimal."""
    return {
        "associated_data": [_use(use, parts) for use, parts in USES],
        "fields": [_field(key_id, words) for key_id in KEYS for words in WORDS],
        "streams": [_stream(size) for size in SIZES],
        "keysets": [_keyset("fields"), _keyset("objects")],
        "shared": [_shared(person, row) for person, row in (KEYS, reversed(KEYS))],
    }


def _use(use: str, parts: list[str]) -> dict[str, Any]:
    return {"use": use, "parts": parts, "bytes": by_hand.associated(use, *parts).hex()}


def _field(key_id: int, words: str) -> dict[str, Any]:
    use, parts = USES[2]
    context = by_hand.associated(use, *parts)
    sealed = by_hand.field(key_id, KEYS[key_id], IV, words.encode(), context)
    return {
        "key_id": key_id,
        "key": KEYS[key_id].hex(),
        "parts": parts,
        "associated_data": context.hex(),
        "iv": IV.hex(),
        "plaintext": words,
        "ciphertext": sealed.hex(),
    }


def _stream(size: int) -> dict[str, Any]:
    use, parts = USES[4]
    context, key = by_hand.associated(use, *parts), KEYS[7]
    sealed = by_hand.stream(key, SALT, NONCE_PREFIX, plaintext(size), context)
    told = {
        "key": key.hex(),
        "parts": parts,
        "associated_data": context.hex(),
        "salt": SALT.hex(),
        "nonce_prefix": NONCE_PREFIX.hex(),
        "derived_key": by_hand.hkdf(key, SALT, context, 32).hex(),
        "plaintext_bytes": size,
        "ciphertext_bytes": len(sealed),
        "ciphertext_sha256": hashlib.sha256(sealed).hexdigest(),
        "last_tag": sealed[-by_hand.TAG :].hex(),
    }
    return told | ({"ciphertext": sealed.hex()} if size <= SHORT else {})


def _keyset(kind: str) -> dict[str, Any]:
    keys = [_tink_key(kind, key_id) for key_id in KEYS]
    primary = list(KEYS)[-1]
    message = tink_pb2.Keyset(primary_key_id=primary, key=keys)
    return {
        "kind": kind,
        "primary": primary,
        "keys": {str(key_id): key.hex() for key_id, key in KEYS.items()},
        "bytes": message.SerializeToString(deterministic=True).hex(),
    }


def _tink_key(kind: str, key_id: int) -> tink_pb2.Keyset.Key:
    value, prefix = aes_gcm_pb2.AesGcmKey(key_value=KEYS[key_id]), tink_pb2.TINK
    name = "AesGcmKey"
    if kind == "objects":
        parameters = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=by_hand.SEGMENT, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256
        )
        value = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(params=parameters, key_value=KEYS[key_id])
        name, prefix = "AesGcmHkdfStreamingKey", tink_pb2.RAW
    data = tink_pb2.KeyData(
        type_url=f"type.googleapis.com/google.crypto.tink.{name}",
        value=value.SerializeToString(deterministic=True),
        key_material_type=tink_pb2.KeyData.SYMMETRIC,
    )
    return tink_pb2.Keyset.Key(key_data=data, status=tink_pb2.ENABLED, key_id=key_id, output_prefix_type=prefix)


def _shared(person: int, row: int) -> dict[str, Any]:
    """A value under the key of its row, which is sealed under the key of a person."""
    (_, parts), (_, key_parts) = USES[5:]
    keyset = tink_pb2.Keyset(primary_key_id=row, key=[_tink_key("fields", row)]).SerializeToString(deterministic=True)
    context, key_context = by_hand.associated(SHARED, *parts), by_hand.associated(SHARED_KEY, *key_parts)
    return {
        "key_id": person,
        "key": KEYS[person].hex(),
        "iv": IV.hex(),
        "parts": parts,
        "plaintext": WORDS[-1],
        "ciphertext": by_hand.field(row, KEYS[row], IV, WORDS[-1].encode(), context).hex(),
        "key_parts": key_parts,
        "keyset": keyset.hex(),
        "sealed_keyset": by_hand.field(person, KEYS[person], IV, keyset, key_context).hex(),
    }


def text() -> str:
    """The file: a vector in each line."""
    groups = []
    for name, vectors in made().items():
        lines = ",\n".join(f"    {json.dumps(vector, ensure_ascii=False)}" for vector in vectors)
        groups.append(f"  {json.dumps(name)}: [\n{lines}\n  ]")
    return "{\n" + ",\n".join(groups) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
