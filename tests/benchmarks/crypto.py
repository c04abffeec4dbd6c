"""Fields and streams against AES-GCM alone: what the format, the contexts and the key cache cost on top."""

from __future__ import annotations

import os
import random
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import String, Text, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from support.postgres import server

from datasteward.catalog import owned_by, record
from datasteward.crypto import Keyset, KeysetKind, StreamCipher
from datasteward.crypto.keyset import SEGMENT
from datasteward.crypto.streams import HEADER_BYTES, TAG_BYTES
from datasteward.keys import Box, FileRootKey, KeyStore, Vault, context_for, reveal_all, seal_all
from datasteward.types import Sealed

from .measuring import Row, compared, medians

MIB = 1 << 20
PEOPLE, ROWS = 100, 10_000
READ = 65536
CONTEXT = b"the place of the object"


class Base(DeclarativeBase):
    """The tables of these figures."""


class Letter(Base):
    """A row with three encrypted fields."""

    __tablename__ = "letter"
    __table_args__ = ({"info": record("user.content", owned_by("person_id"))},)
    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person_id: Mapped[str] = mapped_column(String(26))
    subject: Mapped[Box] = mapped_column(Sealed())
    body: Mapped[Box] = mapped_column(Sealed())
    answer: Mapped[Box] = mapped_column(Sealed())


class ClearLetter(Base):
    """The same in the clear."""

    __tablename__ = "clear_letter"
    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person_id: Mapped[str] = mapped_column(String(26))
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)


FIELDS = ("subject", "body", "answer")


def field_reveal(full: bool) -> Row:
    """Three texts in each of ten thousand rows of a hundred people, against a loop over AESGCM with ciphers and contexts ready.

    Both split what is stored, decode, and give the texts of each row. A loop that drops the bytes is quicker by what it
    costs to keep 18 MB of texts, which whoever wants them pays.
    """
    with _vault() as vault:
        letters, texts = _letters()
        seal_all(vault, letters, FIELDS, texts)
        secrets = {person: AESGCM(_secret(vault, person)) for person in {letter.person_id for letter in letters}}
        bare = [(secrets[letter.person_id], [_sealed(letter, field) for field in FIELDS]) for letter in letters]

        def ours() -> list[tuple[str | None, ...]]:
            return reveal_all(vault, letters, FIELDS)

        def other() -> list[tuple[str, ...]]:
            return [
                tuple([cipher.decrypt(data[5:17], data[17:], bound).decode() for data, bound in row])
                for cipher, row in bare
            ]

        assert ours() == other()
        mine, its = medians(ours, other, rounds=41 if full else 21)
    return compared("field-reveal", mine / ROWS * 1e6, its / ROWS * 1e6, "us", ("<=", 1.5))


def field_insert(full: bool) -> Row:
    """Ten thousand rows with three texts, sealed at once and flushed on PostgreSQL, against the same in the clear."""
    with server() as postgres:
        return _insert("field-insert", postgres.empty(), full)


def field_insert_sqlite(full: bool) -> Row:
    """The same on SQLite."""
    with tempfile.TemporaryDirectory() as name:
        return _insert("field-insert-sqlite", f"sqlite:///{name}/letters.db", full)


def _insert(name: str, url: str, full: bool) -> Row:
    with _vault() as vault:
        engine = create_engine(url)
        Base.metadata.create_all(engine)
        made, texts = _letters()
        told = [
            (letter.id, letter.person_id, dict(zip(FIELDS, text, strict=True)))
            for letter, text in zip(made, texts, strict=True)
        ]

        def ours() -> None:
            with Session(engine) as session:
                letters = [Letter(id=row, person_id=person) for row, person, _ in told]
                seal_all(vault, letters, FIELDS, texts)
                session.add_all(letters)
                session.flush()

        def other() -> None:
            with Session(engine) as session:
                session.add_all([ClearLetter(id=row, person_id=person, **text) for row, person, text in told])
                session.flush()

        mine, its = medians(ours, other, rounds=15 if full else 7)
        engine.dispose()
    return compared(name, mine / ROWS * 1e6, its / ROWS * 1e6, "us", ("<=", 1.3))


@contextmanager
def _vault() -> Iterator[Vault]:
    """A vault with the keys of a hundred people."""
    with tempfile.TemporaryDirectory() as name:
        vault = Vault(KeyStore(f"sqlite:///{name}/keys.db", FileRootKey.create(Path(name) / "root.key")))
        for person in range(PEOPLE):
            vault.create(f"person{person:020d}")
        yield vault
        vault.close()


def _sealed(letter: Letter, field: str) -> tuple[bytes, bytes]:
    """The ciphertext of a field, and what it is bound to."""
    return getattr(letter, field).ciphertext, context_for(letter, field).associated_data()


def _letters() -> tuple[list[Letter], list[tuple[str, ...]]]:
    """Ten thousand rows of the people, and the texts for their fields: of 20 to 1,200 letters."""
    chance = random.Random(7)
    letters = [Letter(id=f"row{row:020d}", person_id=f"person{chance.randrange(PEOPLE):020d}") for row in range(ROWS)]
    words = "".join(chance.choices("etaoin shrdlu", k=1200))
    return letters, [tuple(words[: chance.randint(20, 1200)] for _ in FIELDS) for _ in letters]


def stream_encrypt(full: bool) -> Row:
    """64 MiB given in pieces of 1 MiB, encrypted as an object, against AESGCM over the same segments: megabytes in a second."""
    size = (256 if full else 64) * MIB
    data = os.urandom(size)
    cipher = StreamCipher(Keyset.random(KeysetKind.OBJECTS))
    pieces = [data[at : at + MIB] for at in range(0, size, MIB)]
    segments, bare = _segments(data), AESGCM(os.urandom(32))
    nonces = [number.to_bytes(12, "big") for number in range(len(segments))]

    def ours() -> None:
        for _ in cipher.encrypt(pieces, CONTEXT):
            pass

    def other() -> None:
        for nonce, segment in zip(nonces, segments, strict=True):
            bare.encrypt(nonce, segment, None)

    mine, its = medians(ours, other, rounds=7)
    return compared("stream-encrypt", size / mine / 1e6, size / its / 1e6, "MB/s", (">=", 0.85))


def stream_decrypt(full: bool) -> Row:
    """64 MiB decrypted from the pieces that a file gives, against AESGCM over the same segments."""
    size = (256 if full else 64) * MIB
    data = os.urandom(size)
    cipher = StreamCipher(Keyset.random(KeysetKind.OBJECTS))
    sealed = b"".join(cipher.encrypt([data], CONTEXT))
    pieces = [sealed[at : at + READ] for at in range(0, len(sealed), READ)]
    bare = AESGCM(os.urandom(32))
    nonces = [number.to_bytes(12, "big") for number in range(len(_segments(data)))]
    segments = [bare.encrypt(n, segment, None) for n, segment in zip(nonces, _segments(data), strict=True)]

    def ours() -> None:
        for _ in cipher.decrypt(pieces, CONTEXT):
            pass

    def other() -> None:
        for nonce, segment in zip(nonces, segments, strict=True):
            bare.decrypt(nonce, segment, None)

    mine, its = medians(ours, other, rounds=7)
    return compared("stream-decrypt", size / mine / 1e6, size / its / 1e6, "MB/s", (">=", 0.85))


def stream_memory(full: bool) -> Row:
    """The most memory at once for an object of 4 GiB, there and back, against that for 1 MiB: kilobytes."""
    cipher = StreamCipher(Keyset.random(KeysetKind.OBJECTS))
    small = _peak(cipher, MIB)
    large = _peak(cipher, 4096 * MIB)
    return compared("stream-memory", large / 1000, small / 1000, "kB", ("<=", 1.1))


def _peak(cipher: StreamCipher, size: int) -> int:
    """The peak of Python's memory above what there was before, in bytes."""
    piece = bytes(READ)

    def pieces() -> Iterator[bytes]:
        for _ in range(size // READ):
            yield piece

    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in cipher.decrypt(cipher.encrypt(pieces(), CONTEXT), CONTEXT):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - before


def _segments(data: bytes) -> list[bytes]:
    """The plaintext of each segment of a stream."""
    first = SEGMENT - HEADER_BYTES - TAG_BYTES
    rest = SEGMENT - TAG_BYTES
    return [data[:first], *(data[at : at + rest] for at in range(first, len(data), rest))]


def _secret(vault: Vault, person: str) -> bytes:
    """The person's key for fields, as the vault has it."""
    return Keyset.from_bytes(KeysetKind.FIELDS, vault._store.keysets(person)[KeysetKind.FIELDS]).primary_key.secret
