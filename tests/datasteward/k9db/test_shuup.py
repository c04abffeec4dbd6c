"""K9db's Shuup, a web shop: a person is a contact, a login, the owner of a shop, a buyer, and the member of a company.

Facts from brownsys/K9db: tests/data/shuup (schema.sql, inserts.sql, queries.sql, queries.txt).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData
from support.k9db import Rows, key, loose, number, person, table, words

from datasteward.catalog import is_subject, owned_by, owned_through, owned_via, seen_by, seen_via, with_any

SCHEMA = MetaData()
COMPANY = "A company is a contact too, and nobody's."
table(
    SCHEMA,
    "auth_user",
    number("id"),
    words("username"),
    words("password"),
    roads=[owned_through("shuup_personcontact", or_nobody="The shop's own staff are no contacts.")],
)
table(
    SCHEMA,
    "shuup_contact",
    number("id"),
    words("name"),
    words("email"),
    roads=[owned_through("shuup_personcontact", or_nobody=COMPANY)],
)
table(
    SCHEMA,
    "shuup_personcontact",
    person("pid"),
    key("contact_ptr_id", "shuup_contact.id"),
    words("name"),
    key("user_id", "auth_user.id"),
    words("email"),
    roads=[is_subject("pid")],
)
table(
    SCHEMA,
    "shuup_companycontact",
    key("contact_ptr_id", "shuup_contact.id"),
    number("tax_number"),
    roads=[owned_via("contact_ptr_id", or_nobody=COMPANY)],
)
table(
    SCHEMA,
    "shuup_companycontact_members",
    number("id"),
    key("companycontact_id", "shuup_companycontact.contact_ptr_id"),
    key("contact_id", "shuup_personcontact.pid"),
    roads=[seen_by("contact_id", leaving=with_any())],
)
table(SCHEMA, "shuup_shop", number("id"), key("owner_id", "shuup_personcontact.pid"), roads=[owned_by("owner_id")])
table(
    SCHEMA,
    "shuup_gdpr_gdpruserconsent",
    number("id"),
    words("created_on"),
    key("shop_id", "shuup_shop.id"),
    key("user_id", "auth_user.id"),
    roads=[owned_via("user_id")],
)
table(
    SCHEMA,
    "shuup_mutaddress",
    number("id"),
    number("tax_number"),
    loose("user_id", "auth_user.id"),
    roads=[owned_through("shuup_order", or_nobody="An address may have no order yet."), seen_via("user_id")],
)
table(
    SCHEMA,
    "shuup_basket",
    number("id"),
    loose("creator_id", "auth_user.id"),
    key("customer_id", "shuup_personcontact.pid"),
    loose("orderer_id", "shuup_personcontact.pid"),
    number("shop_id"),
    roads=[owned_by("customer_id"), seen_by("orderer_id")],
)
table(
    SCHEMA,
    "shuup_order",
    number("id"),
    loose("creator_id", "auth_user.id"),
    loose("customer_id", "shuup_contact.id"),
    loose("modified_by_id", "auth_user.id"),
    loose("shop_id", "shuup_shop.id"),
    loose("orderer_id", "shuup_personcontact.pid"),
    loose("account_manager_id", "shuup_personcontact.pid"),
    loose("billing_address_id", "shuup_mutaddress.id"),
    roads=[
        owned_via("creator_id"),
        owned_via("customer_id"),
        seen_via("modified_by_id"),
        seen_via("shop_id"),
        seen_by("orderer_id"),
        seen_by("account_manager_id"),
    ],
)

ALICE: Rows = {
    "auth_user": [(15, "Alice", "secure")],
    "shuup_contact": [(6, "Alice", "alice@email.com")],
    "shuup_personcontact": [("1", 6, "Alice", 15, "alice@email.com")],
    "shuup_companycontact_members": [(1, 8, "1")],
    "shuup_shop": [(1, "1")],
    "shuup_gdpr_gdpruserconsent": [(1, "00:00:00", 1, 15)],
    "shuup_mutaddress": [(71, 6666, 15)],
    "shuup_basket": [(1, 15, "1", "2", 1)],
    "shuup_order": [(1, 15, 6, 15, 1, "1", "2", 71)],
}
JOE: Rows = {
    "auth_user": [(16, "Joe", "insecure")],
    "shuup_contact": [(7, "Joe", "joe@email.com")],
    "shuup_personcontact": [("2", 7, "Joe", 16, "joe@email.com")],
}
COMPANY_A: Rows = {
    "shuup_contact": [(8, "Company A", "company@email.com")],
    "shuup_companycontact": [(8, 666)],
}
ROWS: Rows = {
    name: [*ALICE.get(name, []), *JOE.get(name, []), *COMPANY_A.get(name, [])] for name in {**ALICE, **JOE, **COMPANY_A}
}


def test_alice_gets_every_table_in_which_she_is(service: Any) -> None:
    """Contact, login, membership, shop, consent, basket, order and address are Alice's; the company is not."""
    assert service(SCHEMA, ROWS).get("1") == ALICE


def test_forgetting_alice_leaves_joe_and_the_company(service: Any) -> None:
    """Nine rows go, one of each of her tables, the basket that Joe ordered for her among them; nothing else changes."""
    shop = service(SCHEMA, ROWS)
    certificate = shop.forget("1")
    assert certificate.rows == dict.fromkeys(ALICE, 1)
    assert shop.rows() == {
        "auth_user": JOE["auth_user"],
        "shuup_contact": [*JOE["shuup_contact"], *COMPANY_A["shuup_contact"]],
        "shuup_personcontact": JOE["shuup_personcontact"],
        "shuup_companycontact": COMPANY_A["shuup_companycontact"],
    }
    assert shop.get("2") == JOE
