"""Tink's own implementation of the two formats, for tests of what either side must read of the other."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import tink
from tink import aead, secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, tink_pb2

from datasteward.crypto import SEGMENT, Keyset, KeysetKind


class Trickling(io.RawIOBase):
    """A source that gives at most so many bytes at a time, as a socket does."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data, self._most = io.BytesIO(data), most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        found = self._data.read(min(self._most, len(buffer)))
        buffer[: len(found)] = found
        return len(found)


class _Kept(io.BytesIO):
    """A sink that keeps its bytes when it is closed."""

    kept = b""

    def close(self) -> None:
        if not self.closed:
            self.kept = self.getvalue()
        super().close()


def handle(keyset: bytes) -> tink.KeysetHandle:
    """A binary keyset, read by Tink."""
    aead.register()
    streaming_aead.register()
    return tink.proto_keyset_format.parse(keyset, secret_key_access.TOKEN)


def written(keyset: bytes) -> bytes:
    """A binary keyset, read and written again by Tink."""
    return bytes(tink.proto_keyset_format.serialize(handle(keyset), secret_key_access.TOKEN))


def fields(keyset: Keyset | bytes) -> aead.Aead:
    """Tink's cipher for fields under our keyset."""
    data = keyset if isinstance(keyset, bytes) else keyset.to_bytes()
    return handle(data).primitive(aead.Aead)


class Streams:
    """Tink's cipher for streams under our keyset."""

    def __init__(self, keyset: Keyset | bytes) -> None:
        data = keyset if isinstance(keyset, bytes) else keyset.to_bytes()
        self._cipher = handle(data).primitive(streaming_aead.StreamingAead)

    def encrypt(self, chunks: Iterable[bytes], context: bytes) -> bytes:
        """The ciphertext of the chunks, each written on its own."""
        sink = _Kept()
        with self._cipher.new_encrypting_stream(sink, context) as out:
            for chunk in chunks:
                out.write(chunk)
        return sink.kept

    def decrypt(self, ciphertext: bytes, context: bytes, *, most: int = 1 << 30, step: int = -1) -> bytes:
        """The plaintext, read `step` bytes at a time from a source that gives at most `most` bytes at a time."""
        with self._cipher.new_decrypting_stream(Trickling(ciphertext, most), context) as source:
            return b"".join(_pieces(source, step))


def _pieces(source: io.BufferedIOBase, step: int) -> Iterator[bytes]:
    while piece := source.read(step):
        yield piece


def new_keyset(kind: KeysetKind, keys: int, primary: int) -> bytes:
    """A binary keyset of new keys that Tink made; `primary` is the place of the one that encrypts."""
    aead.register()
    streaming_aead.register()
    together = tink_pb2.Keyset()
    for _ in range(keys):
        made = tink.new_keyset_handle(_template(kind))
        alone = tink_pb2.Keyset.FromString(tink.proto_keyset_format.serialize(made, secret_key_access.TOKEN))
        together.key.append(alone.key[0])
    together.primary_key_id = together.key[primary].key_id
    return written(together.SerializeToString())


def _template(kind: KeysetKind) -> tink_pb2.KeyTemplate:
    if kind is KeysetKind.FIELDS:
        return aead.aead_key_templates.AES256_GCM
    template = tink_pb2.KeyTemplate()
    template.CopyFrom(streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB)
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKeyFormat.FromString(template.value)
    key.params.ciphertext_segment_size = SEGMENT
    template.value = key.SerializeToString()
    return template
