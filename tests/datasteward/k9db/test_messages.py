"""Messages between two people in K9db's unit tests: both own them, or one owns them and the other appears in them.

Facts from brownsys/K9db: k9db/shards/sqlengine/gdpr_get_unittest.cc (TwoOwners, OwnerAccessor, ShardedDataSubject),
gdpr_get_anon_unittest.cc (TwoOwnersAnon, OwnerAccessorAnon, MultipleColumnsAnon, MultipleColumnsAnonAdmin),
gdpr_forget_unittest.cc (TwoOwners, OwnerAccessor, ShardedDataSubject), gdpr_forget_anon_unittest.cc (TwoOwnersAnon,
OwnerAccessorAnon, OwnerAccessorDelRow, MultipleColumnsAnon, TwoDistinctOwnersDelRow); examples/social_chat.sql.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData
from support.k9db import Rows, key, loose, number, person, table, words

from datasteward.catalog import Road, anonymise, is_subject, owned_by, seen_by, with_any

PEOPLE = [("0", "u1"), ("10", "u100"), ("5", "u10")]
TO_TEN, TO_SELF, FIVE_TO_TEN, FROM_FIVE = (1, "0", "10"), (2, "0", "0"), (3, "5", "10"), (4, "5", "0")
ROWS: Rows = {"user": PEOPLE, "msg": [TO_TEN, TO_SELF, FIVE_TO_TEN, FROM_FIVE]}


def schema(*roads: Road, more: tuple[str, ...] = ()) -> MetaData:
    """People and their messages, with further columns of words."""
    made = MetaData()
    table(made, "user", person("id"), words("name"), roads=[is_subject("id")])
    columns = [number("id"), loose("sender", "user.id"), loose("receiver", "user.id")]
    table(made, "msg", *columns, *map(words, more), roads=roads)
    return made


def test_both_owners_get_a_message(service: Any) -> None:
    """Who sent a message and who received it own it, and a message to oneself comes once."""
    chat = service(schema(owned_by("sender"), owned_by("receiver")), ROWS)
    assert chat.get("0") == {"user": [("0", "u1")], "msg": [TO_TEN, TO_SELF, FROM_FIVE]}
    assert chat.get("10") == {"user": [("10", "u100")], "msg": [TO_TEN, FIVE_TO_TEN]}


def test_a_message_goes_with_its_second_owner(service: Any) -> None:
    """When one of two owners leaves, the other keeps the message; when both have, it is gone."""
    chat = service(schema(owned_by("sender"), owned_by("receiver")), ROWS)
    assert chat.forget("0").rows == {"user": 1, "msg": 1}
    assert chat.rows()["msg"] == [(1, None, "10"), FIVE_TO_TEN, (4, "5", None)]
    assert chat.forget("10").rows == {"user": 1, "msg": 1}
    assert chat.rows() == {"user": [("5", "u10")], "msg": [(3, "5", None), (4, "5", None)]}


def test_whoever_appears_in_a_message_gets_it_and_does_not_take_it_along(service: Any) -> None:
    """The receiver of a message that the sender owns gets it, too; it goes with the sender alone."""
    chat = service(schema(owned_by("sender"), seen_by("receiver")), ROWS)
    assert chat.get("0") == {"user": [("0", "u1")], "msg": [TO_TEN, TO_SELF, FROM_FIVE]}
    assert chat.get("10") == {"user": [("10", "u100")], "msg": [TO_TEN, FIVE_TO_TEN]}
    assert chat.forget("0").rows == {"user": 1, "msg": 2}
    assert chat.forget("10").rows == {"user": 1}
    assert chat.rows()["msg"] == [(3, "5", None), (4, "5", None)]


def test_the_other_side_is_not_shown(service: Any) -> None:
    """Each side gets the message without the other.

    K9db hides what any road hides and shows a message to oneself as nobody's. Here a column is hidden from a person only
    where every road that leads to them hides it: one's own id in one's own message is not about somebody else.
    """
    owns = schema(owned_by("sender", hides=("receiver",)), owned_by("receiver", hides=("sender",)))
    chat = service(owns, ROWS)
    assert chat.get("5")["msg"] == [(3, "5", None), (4, "5", None)]
    assert chat.get("10")["msg"] == [(1, None, "10"), (3, None, "10")]
    assert chat.get("0")["msg"] == [(1, "0", None), TO_SELF, (4, None, "0")]


def test_secrets_are_hidden_by_the_road_that_leads_to_them(service: Any) -> None:
    """Owner and receiver each get their own secret alone; a message to oneself hides nothing (K9db hides both)."""
    made = schema(
        owned_by("sender", hides=("receiver", "receiver_secret")),
        seen_by("receiver", hides=("sender", "sender_secret")),
        more=("sender_secret", "receiver_secret"),
    )
    told = [(*row, "secret1", "secret2") for row in ROWS["msg"]]
    chat = service(made, {**ROWS, "msg": told})
    assert chat.get("5")["msg"] == [(3, "5", None, "secret1", None), (4, "5", None, "secret1", None)]
    assert chat.get("10")["msg"] == [(1, None, "10", None, "secret2"), (3, None, "10", None, "secret2")]
    assert chat.get("0")["msg"] == [(1, "0", None, "secret1", None), told[1], (4, None, "0", None, "secret2")]


def test_an_admins_messages_hide_the_admin_from_both(service: Any) -> None:
    """Two people who appear in an admin's row are each shown what their own road leaves open.

    In the row in which both are the same person, what one road hides and the other does not is shown (K9db hides it).
    """
    made = MetaData()
    table(made, "admin", person("aid"), words("aname"), roads=[is_subject("aid")])
    table(made, "user", person("id"), words("name"), roads=[is_subject("id")])
    columns = [number("id"), key("creator", "admin.aid"), loose("sender", "user.id"), loose("receiver", "user.id")]
    roads = [
        owned_by("creator"),
        seen_by("sender", hides=("receiver", "secret1", "creator")),
        seen_by("receiver", hides=("sender", "secret1", "secret2", "creator")),
    ]
    table(made, "msg", *columns, words("secret1"), words("secret2"), roads=roads)
    told = [(row[0], "a0", *row[1:], "secret1", "secret2") for row in ROWS["msg"]]
    chat = service(made, {"admin": [("a0", "a1")], "user": PEOPLE, "msg": told})
    assert chat.get("5")["msg"] == [(n, None, "5", None, None, "secret2") for n in (3, 4)]
    assert chat.get("10")["msg"] == [(n, None, None, "10", None, None) for n in (1, 3)]
    assert chat.get("0")["msg"] == [
        (1, None, "0", None, None, "secret2"),
        (2, None, "0", "0", None, "secret2"),
        (4, None, None, "0", None, None),
    ]
    assert chat.get("a0") == {"admin": [("a0", "a1")], "msg": told}


def test_an_owner_who_leaves_is_taken_out_and_the_last_takes_the_message_along(service: Any) -> None:
    """Each side is emptied when it leaves; a message whose only owner leaves is nobody's, and goes."""
    anonymised = schema(
        owned_by("sender", leaving=anonymise("sender")), owned_by("receiver", leaving=anonymise("receiver"))
    )
    chat = service(anonymised, ROWS)
    chat.forget("0")
    assert chat.rows()["msg"] == [(1, None, "10"), FIVE_TO_TEN, (4, "5", None)]
    chat.forget("10")
    assert chat.rows()["msg"] == [(3, "5", None), (4, "5", None)]


def test_a_receiver_who_leaves_is_taken_out_of_the_senders_messages(service: Any) -> None:
    """Columns about the receiver are emptied in others' messages; their own messages go."""
    made = schema(
        owned_by("sender"),
        seen_by("receiver", leaving=anonymise("receiver", "receiver_secret")),
        more=("sender_secret", "receiver_secret"),
    )
    chat = service(made, {**ROWS, "msg": [(*row, "123", "234") for row in ROWS["msg"]]})
    assert chat.forget("0").rows == {"user": 1, "msg": 2}
    assert chat.rows()["msg"] == [(*FIVE_TO_TEN, "123", "234"), (4, "5", None, "123", None)]


def test_a_receiver_may_take_the_senders_messages_along(service: Any) -> None:
    """Where the road says so, a message goes with whoever appears in it."""
    chat = service(schema(owned_by("sender"), seen_by("receiver", leaving=with_any())), ROWS)
    assert chat.forget("0").rows == {"user": 1, "msg": 3}
    assert chat.rows()["msg"] == [FIVE_TO_TEN]


def test_either_owner_may_take_a_message_along(service: Any) -> None:
    """Where both roads say so, the first of a doctor and a patient who leaves takes the message along."""
    made = MetaData()
    table(made, "patient", person("id"), words("name"), roads=[is_subject("id")])
    table(made, "doctor", person("id"), words("name"), roads=[is_subject("id")])
    roads = [owned_by("sender", leaving=with_any()), owned_by("receiver", leaving=with_any())]
    table(made, "msg", number("id"), loose("sender", "doctor.id"), loose("receiver", "patient.id"), roads=roads)
    rows: Rows = {
        "patient": [("p0", "p1"), ("p5", "p10")],
        "doctor": [("d0", "d1"), ("d5", "d10")],
        "msg": [(1, "d0", "p0"), (2, "d0", "p5"), (3, "d5", "p0")],
    }
    chat = service(made, rows)
    assert chat.forget("p0").rows == {"patient": 1, "msg": 2}
    assert chat.rows()["msg"] == [(2, "d0", "p5")]
    assert chat.forget("d5").rows == {"doctor": 1}
    assert chat.rows()["msg"] == [(2, "d0", "p5")]


CHAT: Rows = {
    "user": [("1", "Alice"), ("2", "Bob"), ("3", "Carl")],
    "msg": [
        (1, "1", "2", "HELLO from alice"),
        (2, "2", "3", "HELLO from bob"),
        (3, "3", "1", "HELLO from carl"),
        (4, "3", "2", "HELLO from carl 2"),
    ],
}


def test_a_social_chat_loses_its_people_one_by_one(service: Any) -> None:
    """Alice's messages stay with Bob and Carl; after Bob only those of Carl are left, without the two."""
    chat = service(schema(owned_by("sender"), owned_by("receiver"), more=("message",)), CHAT)
    assert chat.get("1") == {"user": [("1", "Alice")], "msg": [CHAT["msg"][0], CHAT["msg"][2]]}
    chat.forget("1")
    chat.forget("2")
    assert chat.rows() == {
        "user": [("3", "Carl")],
        "msg": [
            (2, None, "3", "HELLO from bob"),
            (3, "3", None, "HELLO from carl"),
            (4, "3", None, "HELLO from carl 2"),
        ],
    }


INVITED: Rows = {
    "user": [("0", "u1"), ("5", "u10")],
    "invited": [("i0", "i1", "5"), ("i1", "i10", "0"), ("i5", "i100", "0")],
}


def invitations() -> MetaData:
    """People who invited others, who are data subjects themselves."""
    made = MetaData()
    table(made, "user", person("id"), words("name"), roads=[is_subject("id")])
    columns = [person("id"), words("name"), loose("inviting_user", "user.id")]
    table(made, "invited", *columns, roads=[is_subject("id"), owned_by("inviting_user")])
    return made


def test_who_was_invited_outlives_who_invited_them(service: Any) -> None:
    """An invitation is shown to both; it stays with the invited person and goes with them."""
    house = service(invitations(), INVITED)
    assert house.get("0") == {"user": [("0", "u1")], "invited": [("i1", "i10", "0"), ("i5", "i100", "0")]}
    assert house.get("i1") == {"invited": [("i1", "i10", "0")]}
    assert house.forget("0").rows == {"user": 1}
    assert house.rows()["invited"] == [("i0", "i1", "5"), ("i1", "i10", None), ("i5", "i100", None)]
    assert house.forget("i1").rows == {"invited": 1}
    assert house.rows()["invited"] == [("i0", "i1", "5"), ("i5", "i100", None)]


def test_a_data_subjects_own_row_goes_with_them(service: Any) -> None:
    """Who was invited takes their row along, though the inviting person owns it too (in K9db it stays with that person)."""
    house = service(invitations(), INVITED)
    assert house.forget("i0").rows == {"invited": 1}
    assert house.rows() == {"user": INVITED["user"], "invited": INVITED["invited"][1:]}
