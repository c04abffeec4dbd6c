"""K9db's e-commerce: what a customer pays with is theirs, what the shop must preserve belongs to its admin.

Facts from brownsys/K9db: examples/ecommerce_delf.sql; tests/data/delf_ecommerce (schema.sql, inserts.sql, queries.sql,
queries.txt).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData
from support.k9db import Rows, key, loose, number, person, table, words

from datasteward.catalog import is_subject, keep, owned_by, seen_by

SCHEMA = MetaData()
table(SCHEMA, "admins", person("id"), words("name"), roads=[is_subject("id")])
table(SCHEMA, "customers", person("id"), words("name"), roads=[is_subject("id")])
table(
    SCHEMA,
    "spi",
    number("id"),
    key("customer_id", "customers.id"),
    loose("admin_id", "admins.id"),
    words("message"),
    roads=[owned_by("customer_id"), seen_by("admin_id")],
)
table(
    SCHEMA,
    "ppi",
    number("id"),
    key("admin_id", "admins.id"),
    person("customer_id"),
    words("message"),
    roads=[owned_by("admin_id"), seen_by("customer_id", leaving=keep("What was paid is preserved by the shop."))],
)

ALICE, BARB, CHRIS = ("1", "Alice"), ("10", "Barb"), ("20", "Chris")
CARD, DEBIT = (1, "10", "1", "credit card: 1324"), (2, "10", "1", "debit card: 3214")
OTHER_CARD = (3, "20", "1", "credit card: 4123")
ZIP, SPENT, OTHER_ZIP = (1, "1", "10", "zip: 53123"), (2, "1", "10", "spent: $231.20"), (3, "1", "20", "zip: 08520")

ROWS: Rows = {
    "admins": [ALICE],
    "customers": [BARB, CHRIS],
    "spi": [CARD, DEBIT, OTHER_CARD],
    "ppi": [ZIP, SPENT, OTHER_ZIP],
}


def test_each_gets_what_is_theirs_and_what_they_appear_in(service: Any) -> None:
    """A customer gets their payment data and what is preserved of it; the admin gets what the admin may see."""
    shop = service(SCHEMA, ROWS)
    assert shop.get("10") == {"customers": [BARB], "spi": [CARD, DEBIT], "ppi": [ZIP, SPENT]}
    assert shop.get("20") == {"customers": [CHRIS], "spi": [OTHER_CARD], "ppi": [OTHER_ZIP]}
    assert shop.get("1") == {"admins": [ALICE], "spi": [CARD, DEBIT, OTHER_CARD], "ppi": [ZIP, SPENT, OTHER_ZIP]}


def test_forgetting_a_customer_leaves_what_is_preserved(service: Any) -> None:
    """The customer and their payment data go (three rows); what the admin preserves stays as it was."""
    shop = service(SCHEMA, ROWS)
    certificate = shop.forget("10")
    assert certificate.rows == {"customers": 1, "spi": 2}
    assert certificate.kept["ppi"] == 2
    assert shop.rows() == {"admins": [ALICE], "customers": [CHRIS], "spi": [OTHER_CARD], "ppi": [ZIP, SPENT, OTHER_ZIP]}
    assert shop.get("1") == {"admins": [ALICE], "spi": [OTHER_CARD], "ppi": [ZIP, SPENT, OTHER_ZIP]}
    assert shop.get("20") == {"customers": [CHRIS], "spi": [OTHER_CARD], "ppi": [OTHER_ZIP]}


def test_what_is_kept_of_somebody_forgotten_can_still_be_shown(service: Any) -> None:
    """K9db finds nothing of a forgotten customer; here what is kept of them is what an answer to them has to name."""
    shop = service(SCHEMA, ROWS)
    shop.forget("10")
    assert shop.get("10") == {"ppi": [ZIP, SPENT]}


def test_forgetting_the_admin_takes_what_the_admin_owns(service: Any) -> None:
    """The preserved data goes with its owner; customers keep theirs, which does not name the admin any more."""
    shop = service(SCHEMA, ROWS)
    shop.forget("1")
    assert shop.rows() == {
        "customers": [BARB, CHRIS],
        "spi": [(*row[:2], None, row[3]) for row in (CARD, DEBIT, OTHER_CARD)],
    }
