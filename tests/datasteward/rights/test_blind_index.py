"""E9: blind indexes, on each kind of database."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, String, Table, insert, select, text

from datasteward.base import new_id
from datasteward.catalog import is_subject, record, tag
from datasteward.crypto import Keyset, KeysetKind, associated_data
from datasteward.errors import NotSealed
from datasteward.keys import Context, EpochDirectory, FileRootKey, KeyStore, Vault, blind
from datasteward.keys.blind import STANDING, email, exact
from datasteward.rights import requests
from datasteward.rights.erasure import Erasure
from datasteward.types import BlindIndex, Sealed

MADE = "Made from the address beside it."
ADDRESS = "Ada.Lovelace@Example.org"


def addresses() -> MetaData:
    """People with two sealed addresses, each found by an index."""
    metadata = MetaData()
    kept_back = tag("user.contact.email", export=False, why_not=MADE)
    Table(
        "person",
        metadata,
        Column("id", String(26), primary_key=True, info=tag("user.unique_id")),
        Column("mail", Sealed(), info=tag("user.contact.email")),
        Column("mail_index", BlindIndex("email"), index=True, info=kept_back),
        Column("second_index", BlindIndex("email", length=4), info=kept_back),
        Column("exact_index", BlindIndex(), info=kept_back),
        info=record("user.account", is_subject("id")),
    )
    return metadata


@pytest.fixture
def service(world: Any, database_url: str, tmp_path: Path) -> Iterator[Any]:
    """People with addresses, and nobody in it; the key store is on the same kind of database."""
    made = world(addresses())
    root, epochs = FileRootKey.load(tmp_path / "root.key"), EpochDirectory(tmp_path / "other-epochs")
    with closing(Vault(KeyStore(database_url, root, epochs=epochs))) as vault:
        yield dataclasses.replace(made, steward=dataclasses.replace(made.steward, vault=vault))


def join(service: Any, address: str) -> str:
    """Somebody with this address in each field."""
    subject, vault, person = new_id(), service.steward.vault, service.steward.catalog.table("person")
    vault.create(subject)
    indexes = {name: blind(vault, person.c[name], address) for name in ("mail_index", "second_index", "exact_index")}
    mail = vault.seal(Context(subject, "person", "mail", subject), address)
    with service.write() as session:
        session.execute(insert(person).values(id=subject, mail=mail, **indexes))
    return subject


def found(service: Any, name: str, address: str) -> list[str]:
    """Who is found by the address in this column."""
    person = service.steward.catalog.table("person")
    with service.write() as session:
        wanted = blind(service.steward.vault, person.c[name], address)
        return list(session.scalars(select(person.c.id).where(person.c[name] == wanted)))


def test_e9_an_address_is_found_however_it_was_typed(service: Any) -> None:
    """Case, blanks, full-width letters and composed letters make no difference where the column says so, else all do."""
    ada, _ = join(service, ADDRESS), join(service, "ben@example.org")
    for typed in (ADDRESS, f"  {ADDRESS.upper()}\n", "ada.lovelace@example.org", "ada.lovelace\uff20example.org"):
        assert found(service, "mail_index", typed) == [ada]
        assert found(service, "second_index", typed) == [ada]
        assert found(service, "exact_index", typed) == ([ada] if typed == ADDRESS else [])
    assert found(service, "mail_index", "eve@example.org") == []


def test_e9_each_field_has_a_key_of_its_own(service: Any) -> None:
    """The same value in two fields has indexes with nothing in common; each is HMAC under HKDF of the standing key."""
    join(service, ADDRESS)
    with service.write() as session:
        stored = session.execute(text("select mail_index, second_index, exact_index from person")).one()
    first, second, third = (bytes(each) for each in stored)
    assert (len(first), len(second), len(third)) == (16, 4, 16)
    assert first[:4] != second
    keyset = service.steward.vault._store.keysets(service.steward.vault.standing(STANDING))[KeysetKind.OBJECTS]
    secret = Keyset.from_bytes(KeysetKind.OBJECTS, keyset).keys[0].secret
    for index, column, value in ((first, "mail_index", email(ADDRESS)), (third, "exact_index", ADDRESS)):
        use = associated_data("datasteward/blind/1", "person", column)
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=use).derive(secret)
        assert hmac.digest(key, value.encode(), "sha256")[:16] == index
    assert hashlib.sha256(email(ADDRESS).encode()).digest()[:16] != first


def test_e9_gone_at_erasure(service: Any) -> None:
    """The index goes with the row: nobody is found any more, the database has no byte of it, others are found as before."""
    ada, ben = join(service, ADDRESS), join(service, "ben@example.org")
    person = service.steward.catalog.table("person")
    index = blind(service.steward.vault, person.c.mail_index, ADDRESS).index
    with service.write() as session:
        request = requests.ask(session, service.steward.policies, ada, "erasure", country="NO", now=service.clock())
        waiting = request.id
    certificate = Erasure(service.steward, service.write, waiting, clock=service.clock).run()
    assert certificate.rows == {"person": 1}
    assert found(service, "mail_index", ADDRESS) == []
    assert found(service, "mail_index", "ben@example.org") == [ben]
    with service.write() as session:
        left = session.scalars(text("select mail_index from person")).all()
        assert index not in {bytes(each) for each in left}


def test_what_is_no_index_of_the_column_is_neither_stored_nor_looked_for(service: Any) -> None:
    """Plaintext, bytes and the index of another column raise, in a row and in a condition."""
    person = service.steward.catalog.table("person")
    other = blind(service.steward.vault, person.c.exact_index, ADDRESS)
    for wrong in (ADDRESS, ADDRESS.encode(), other):
        with service.write() as session:
            with pytest.raises(NotSealed) as raised:
                session.execute(insert(person).values(id=new_id(), mail_index=wrong))
            with pytest.raises(NotSealed):
                session.scalar(select(person.c.id).where(person.c.mail_index == wrong))
            assert "Lovelace" not in str(raised.value)
    assert repr(other) == "<Blinded of person.exact_index>"
    with pytest.raises(ValueError, match="make it BlindIndex"):
        blind(service.steward.vault, person.c.mail, ADDRESS)
    with pytest.raises(ValueError, match="1 to 32"):
        BlindIndex(length=0)


TYPED = (
    "ada@xn--bcher-kva.example",
    "Ada@B\u00dcCHER.example",
    "a\u200bda@b\u00fcch\u00ader.example",
    " ada@bu\u0308cher.example",
)


@pytest.mark.parametrize("typed", TYPED)
def test_an_address_that_is_shown_as_another_is_that_one(typed: str) -> None:
    """Marks that nobody sees and the two ways to write a domain make no second address."""
    assert email(typed) == email("ada@b\u00fccher.example") == "ada@xn--bcher-kva.example"


def test_what_is_no_domain_is_compared_as_it_was_typed() -> None:
    """Nothing is refused here: whether it is an address is asked elsewhere."""
    for typed in ("nobody", "a@", "a@b..c", "@", "a@" + "x" * 70):
        assert email(typed) == typed


@given(value=st.one_of(st.text(), st.builds("{}@{}".format, st.text(max_size=4), st.text(max_size=12))))
def test_normalising_twice_is_normalising_once(value: str) -> None:
    """Whatever is typed: what was normalised is normal, and case changes nothing."""
    assert email(email(value)) == email(value)
    assert exact(value) == value
