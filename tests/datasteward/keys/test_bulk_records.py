"""Sealing many records at once, on each kind of database: under the keys that outlive those for content."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from datasteward.catalog import owned_by, record
from datasteward.errors import DecryptionFailed, KeyMissing
from datasteward.keys import Box, Context, KeyStore, Use, Vault, reveal, reveal_all, seal, seal_all
from datasteward.types import Sealed

FIELDS = ("address", "note", "number")
RECORDS = {("invoice", "address"), ("invoice", "number")}
TOLD = [("Storgata 1", "for the attic", "2026-1"), (None, "a gift", "2026-2"), ("Storgata 3", None, None)]


class Base(DeclarativeBase):
    pass


class Invoice(Base):
    __tablename__ = "invoice"
    __table_args__ = ({"info": record("user", owned_by("owner"))},)
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(40))
    address: Mapped[Box | None] = mapped_column(Sealed())
    note: Mapped[Box | None] = mapped_column(Sealed())
    number: Mapped[Box | None] = mapped_column(Sealed())


@pytest.fixture
def key_store_url(new_database: Callable[[], str]) -> str:
    """On each kind of database."""
    return new_database()


@pytest.fixture
def vault(key_store: KeyStore) -> Vault:
    """A vault with the keys of Ada and Ben, where address and number of an invoice are records and its note is not."""
    made = Vault(key_store, records=RECORDS)
    made.create("ada")
    made.create("ben")
    return made


def invoices(vault: Vault, session: Session) -> list[Invoice]:
    """Three invoices of each, sealed in one go, stored, and loaded again."""
    rows = [Invoice(id=number, owner=who) for number, (who, _) in enumerate(product(("ada", "ben"), TOLD))]
    seal_all(vault, rows, FIELDS, TOLD * 2)
    session.add_all(rows)
    session.commit()
    return list(session.scalars(select(Invoice).order_by(Invoice.id)))


def test_content_and_records_are_sealed_in_one_call(vault: Vault, session: Session) -> None:
    """Each value comes back, empty ones too, all at once and one by one, and whoever had no keys for records has some."""
    assert not vault.has("ada", Use.RECORDS)
    rows = invoices(vault, session)
    assert vault.has("ada", Use.RECORDS)
    assert reveal_all(vault, rows, FIELDS) == TOLD * 2
    assert [tuple(reveal(vault, row, field) for field in FIELDS) for row in rows] == TOLD * 2


def test_each_column_is_sealed_under_the_keys_that_seal_takes(vault: Vault, session: Session) -> None:
    """The id of the key in each box is that of one sealed by itself: of two kinds of keys, the same for both of its kind."""
    row, other = invoices(vault, session)[0], Invoice(id=9, owner="ada")
    found = {field: getattr(row, field).ciphertext[:5] for field in FIELDS}
    assert found == {field: seal(vault, other, field, "words").ciphertext[:5] for field in FIELDS}
    assert found["address"] == found["number"] != found["note"]


def test_after_the_content_is_shredded_the_records_are_read(
    vault: Vault, session: Session, key_store: KeyStore
) -> None:
    """Address and number open until the keys for records go too, in another process as well; the note does not."""
    rows = invoices(vault, session)[:3]
    vault.destroy("ada")
    for each in (vault, Vault(key_store, records=RECORDS)):
        assert reveal_all(each, rows, ["address", "number"]) == [(address, number) for address, _, number in TOLD]
        with pytest.raises(DecryptionFailed, match="does not open"):
            reveal_all(each, rows, ["note"])
    vault.destroy("ada", Use.RECORDS)
    with pytest.raises(KeyMissing):
        reveal_all(vault, rows, ["address"])


def test_nothing_new_of_whom_only_records_are_kept_is_sealed_as_content(vault: Vault, session: Session) -> None:
    """Content of a person who was erased is refused, instead of going under the keys that stay."""
    rows = invoices(vault, session)[:3]
    vault.destroy("ada")
    for fields in (["note"], ["address", "note"]):
        with pytest.raises(KeyMissing):
            seal_all(vault, rows, fields, [["words"] * len(fields)] * 3)
    assert [(row.address is None, row.note is None) for row in rows] == [
        (address is None, note is None) for address, note, _ in TOLD
    ]
    assert reveal_all(vault, rows, ["number"]) == [(number,) for *_, number in TOLD]


def test_a_row_of_too_few_or_too_many_texts_is_refused(vault: Vault) -> None:
    """Nothing is left out quietly when columns of both kinds are sealed."""
    for told in (("Storgata 1", "a note"), ("Storgata 1", "a note", "2026-1", "more")):
        with pytest.raises(ValueError, match="zip"):
            seal_all(vault, [Invoice(id=1, owner="ada")], FIELDS, [told])


def test_a_process_that_knew_the_person_before_opens_what_another_has_sealed_for_records(
    vault: Vault, session: Session, key_store: KeyStore
) -> None:
    """The keys for records are made with the first of them; whoever had loaded the person's keys by then loads them again."""
    one, many = (Vault(key_store, records=RECORDS) for _ in range(2))
    for other in (one, many):
        box = other.seal(Context("ada", "invoice", "note", "1"), "before")
        assert other.reveal(Context("ada", "invoice", "note", "1"), box) == b"before"
    rows = invoices(vault, session)
    assert reveal(one, rows[0], "address") == "Storgata 1"
    assert reveal_all(many, rows, FIELDS) == TOLD * 2


def test_no_keys_for_records_are_made_for_whom_was_erased_meanwhile(vault: Vault, key_store: KeyStore) -> None:
    """A process that had loaded the person's keys seals no record after they were destroyed, so that none outlive them."""
    late = Vault(key_store, records=RECORDS)
    late.seal(Context("ada", "invoice", "note", "1"), "before")
    vault.destroy("ada")
    for _ in range(2):
        with pytest.raises(KeyMissing):
            late.seal(Context("ada", "invoice", "address", "1"), "Storgata 1")
    assert not vault.has("ada", Use.RECORDS)
