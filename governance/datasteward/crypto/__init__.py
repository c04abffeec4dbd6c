"""Authenticated encryption of fields and streams in Tink's published wire formats, on `cryptography`.

Pure functions of keys and bytes: nothing here reads a file or a database. Its one user is datasteward.keys.
"""

from datasteward.crypto.associated import associated_data
from datasteward.crypto.box import Box, Home, home
from datasteward.crypto.fields import FieldCipher
from datasteward.crypto.keyset import SEGMENT, Key, Keyset, KeysetKind
from datasteward.crypto.streams import HEADER_BYTES, Part, StreamCipher, plaintext_size, stored_size

__all__ = [
    "HEADER_BYTES",
    "SEGMENT",
    "Box",
    "FieldCipher",
    "Home",
    "Key",
    "Keyset",
    "KeysetKind",
    "Part",
    "StreamCipher",
    "associated_data",
    "home",
    "plaintext_size",
    "stored_size",
]
