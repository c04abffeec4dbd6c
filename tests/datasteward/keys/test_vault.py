"""The vault: sealing for a place, its cache, and destroying."""

from __future__ import annotations

import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
import tink
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from tink import aead, secret_key_access

from datasteward.crypto import HEADER_BYTES, Box, KeysetKind, Part
from datasteward.errors import DecryptionFailed, KeyMissing
from datasteward.keys import Context, KeyStore, Vault
from datasteward.keys.cache import KeyCache
from datasteward.keys.database import about
from datasteward.keys.tables import subject_key

aead.register()

HERE = Context("ada", "generation", "prompt", "g1")


@pytest.fixture(params=["sqlite", "postgresql", "granted"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each kind of database, and PostgreSQL as a role that was granted the use of keys."""
    return str(request.param)


@pytest.fixture
def key_store_url(backend: str, database_url: str, request: pytest.FixtureRequest) -> str:
    """On each of them."""
    return request.getfixturevalue("granted")(database_url) if backend == "granted" else database_url  # type: ignore[no-any-return]


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_sealed_is_revealed(vault: Vault, text: str) -> None:
    """Any text comes back, as text and as its UTF-8; the box does not contain it."""
    box = vault.seal(HERE, text)
    assert vault.reveal_text(HERE, box) == text
    assert vault.reveal(HERE, box) == text.encode()
    assert len(box.ciphertext) == len(text.encode()) + 33


@pytest.mark.parametrize("part", ["subject", "table", "column", "row"])
def test_e2_moved_anywhere_it_does_not_open(vault: Vault, part: str) -> None:
    """A ciphertext put into another row, column or table, or another person's row, fails."""
    box = vault.seal(HERE, "a lighthouse")
    elsewhere = msgspec.structs.replace(HERE, **{part: "ben"})
    with pytest.raises(DecryptionFailed):
        vault.reveal(elsewhere, box)


def test_e4_there_is_no_way_to_reveal_without_a_context(vault: Vault) -> None:
    """The context is an argument that cannot be left out."""
    with pytest.raises(TypeError):
        vault.reveal(vault.seal(HERE, "a lighthouse"))  # type: ignore[arg-type,call-arg]


def test_tink_opens_a_field_with_the_persons_keyset(vault: Vault) -> None:
    """With the keyset and the documented context, no code of ours is needed to read a person's data."""
    keyset = vault._store.keysets("ada")[KeysetKind.FIELDS]
    cipher = tink.proto_keyset_format.parse(keyset, secret_key_access.TOKEN).primitive(aead.Aead)
    assert cipher.decrypt(vault.seal(HERE, "a lighthouse").ciphertext, HERE.associated_data()) == b"a lighthouse"


def test_a_person_without_keys_is_refused(vault: Vault) -> None:
    """Nothing is sealed for somebody who has no keys, and none are made by the way."""
    with pytest.raises(KeyMissing, match="destroyed or was never made"):
        vault.seal(Context("carla", "t", "c", "r"), "text")
    assert not vault.has("carla")


def test_creating_again_changes_nothing(vault: Vault) -> None:
    """What was sealed before the second creation still opens."""
    box = vault.seal(HERE, "a lighthouse")
    vault.create("ada")
    assert vault.reveal_text(HERE, box) == "a lighthouse"


def test_after_destroying_nothing_opens_and_others_are_untouched(vault: Vault) -> None:
    """The cached key is refused at once; a second destruction finds nothing; Ben reads on."""
    box, bens = vault.seal(HERE, "a lighthouse"), Context("ben", "generation", "prompt", "g2")
    kept = vault.seal(bens, "a harbour")
    assert vault.destroy("ada")
    with pytest.raises(KeyMissing):
        vault.reveal(HERE, box)
    assert not vault.has("ada")
    assert not vault.destroy("ada")
    assert vault.reveal_text(bens, kept) == "a harbour"


def test_new_keys_do_not_bring_old_data_back(vault: Vault) -> None:
    """Keys made again under the same id open nothing of what was sealed before."""
    box = vault.seal(HERE, "a lighthouse")
    vault.destroy("ada")
    vault.create("ada")
    with pytest.raises(DecryptionFailed):
        vault.reveal(HERE, box)


def test_e8_other_processes_refuse_within_the_age(open_store: Callable[[], KeyStore], vault: Vault) -> None:
    """A vault that had the key cached may read until the age is over, and not a moment longer."""
    time = [100.0]
    other = Vault(open_store(), cache_seconds=30, clock=lambda: time[0])
    box = other.seal(HERE, "a lighthouse")
    vault.destroy("ada")
    time[0] += 29.9
    assert other.reveal_text(HERE, box) == "a lighthouse"
    time[0] += 0.1
    with pytest.raises(KeyMissing):
        other.reveal(HERE, box)


def test_e8_the_cache_has_a_size() -> None:
    """The least recently used goes first, and no more than the size are kept."""
    loaded: list[str] = []
    cache: KeyCache[str] = KeyCache(age=10, size=2, clock=lambda: 0.0)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert cache.get(name, lambda name: loaded.append(name) or name) == name  # type: ignore[func-returns-value]
    assert loaded == ["a", "b", "c", "b"]


def test_a_key_destroyed_while_it_is_loaded_is_not_cached() -> None:
    """A thread that read the key just before it was destroyed does not bring it back into the cache."""
    cache: KeyCache[str] = KeyCache(age=10, size=2, clock=lambda: 0.0)

    def load(name: str) -> str:
        cache.forget(name)
        return "old"

    assert cache.get("a", load) == "old"
    assert cache.get("a", lambda _: "new") == "new"


def test_a_key_is_loaded_once_however_many_ask_for_it() -> None:
    """A key service is asked once; those who come meanwhile get what it says, its refusal too."""
    cache: KeyCache[str] = KeyCache(age=10, size=2, clock=lambda: 0.0)
    asked: list[str] = []

    def load(name: str) -> str:
        asked.append(name)
        time.sleep(0.3)
        if name == "bad":
            raise KeyMissing("no")
        return name

    def get(name: str) -> str:
        try:
            return cache.get(name, load)
        except KeyMissing:
            return "missing"

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(get, ["good"] * 20)) == {"good"}
        assert set(pool.map(get, ["bad"] * 20)) == {"missing"}
    assert asked == ["good", "bad"]


def test_e8_a_stream_does_not_outlive_the_keys(vault: Vault) -> None:
    """Whoever reads or writes it slowly gets no segment more once the keys are destroyed."""
    picture = [bytes(64 * 1024)] * 4
    sealed = b"".join(vault.seal_stream("ada", picture, b"p"))
    part = Part(len(sealed), sealed[:HEADER_BYTES], iter([sealed[HEADER_BYTES:]]))
    streams = (
        vault.reveal_stream("ada", [sealed], b"p"),
        vault.reveal_range("ada", lambda *_: part, 0, 4 * 64 * 1024, b"p"),
        vault.seal_stream("ada", picture, b"p"),
    )
    for stream in streams:
        assert next(stream)
    vault.destroy("ada")
    for stream in streams:
        with pytest.raises(KeyMissing):
            next(stream)


def test_what_is_no_text_is_said_without_a_byte_of_it(vault: Vault) -> None:
    """An error of decoding would hold the whole value."""
    box = vault.seal(HERE, b"geheim caf\xe9")
    with pytest.raises(DecryptionFailed, match="no text") as failed:
        vault.reveal_text(HERE, box)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    assert vault.reveal(HERE, box) == b"geheim caf\xe9"


def test_after_a_fork_nothing_of_the_parents_is_kept() -> None:
    """Its timer has not come along, so nothing would let go of it."""
    cache: KeyCache[str] = KeyCache(age=60, size=9, clock=time.monotonic)
    cache.get("ada", lambda _: "key")
    cache.begin_anew()
    asked: list[str] = []
    cache.get("ada", lambda name: asked.append(name) or name)  # type: ignore[func-returns-value]
    assert asked == ["ada"]
    told = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == "{}"


FORKED = """
import os, time
from datasteward.keys.cache import KeyCache
cache = KeyCache(age=60, size=9, clock=time.monotonic)
cache.get("ada", lambda _: "key")
if os.fork() == 0:
    print(cache._values, end="", flush=True)
    os._exit(0)
os.wait()
"""


class Secret:
    """Something that tells when it is gone."""


def test_e8_a_key_that_is_too_old_is_let_go_whether_anybody_asks_or_not() -> None:
    """The age limits how long it is kept, and not only how long it is used; and closing lets go of all."""
    cache: KeyCache[Secret] = KeyCache(age=0.2, size=9, clock=time.monotonic)
    old = weakref.ref(cache.get("ada", lambda _: Secret()))
    assert old() is not None
    for _ in range(200):
        if old() is None:
            break
        time.sleep(0.05)
    assert old() is None
    again = weakref.ref(cache.get("ada", lambda _: Secret()))
    cache.clear()
    assert again() is None


def test_a_damaged_keyset_is_said(key_store: KeyStore, vault: Vault) -> None:
    """One of the two keysets gone is an error of its own, not a stray KeyError."""
    with about(key_store.engine, "ada") as connection:
        connection.execute(delete(subject_key).where(subject_key.c.keyset == "objects"))
    with pytest.raises(DecryptionFailed, match="restore the key store"):
        vault.seal(HERE, "text")


def test_threads_seal_reveal_create_and_destroy_together(vault: Vault) -> None:
    """Each thread's person lives and dies on its own while the others work."""

    def life(number: int) -> str:
        context = Context(f"person-{number}", "t", "c", "r")
        vault.create(context.subject)
        box: Box = vault.seal(context, f"words {number}")
        text = vault.reveal_text(context, box)
        vault.destroy(context.subject)
        with pytest.raises(KeyMissing):
            vault.reveal(context, box)
        return text

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(life, range(40))) == [f"words {number}" for number in range(40)]


def test_errors_name_nobody(vault: Vault) -> None:
    """The messages hold neither the subject's id nor the text."""
    box = vault.seal(HERE, "a lighthouse")
    vault.destroy("ada")
    with pytest.raises(KeyMissing) as missing:
        vault.reveal(HERE, box)
    with pytest.raises(DecryptionFailed) as failed:
        vault.reveal(msgspec.structs.replace(HERE, subject="ben"), box)
    for message in (str(missing.value), str(failed.value)):
        assert not {"ada", "ben", "lighthouse"} & set(message.split())


def test_a_first_record_is_sealed_while_others_read_that_person(vault: Vault) -> None:
    """Who reads in the meantime does not leave behind keys from before there were those for records."""
    record = Vault(vault._store, records={("letter", "words")})
    add = vault._store.add

    def read_meanwhile(*given: Any) -> bool:
        record.opener("ada")
        return add(*given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(vault._store, "add", read_meanwhile)
        here = Context("ada", "letter", "words", "1")
        assert record.reveal_text(here, record.seal(here, "dear")) == "dear"
