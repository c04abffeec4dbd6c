"""Groups, their files, and rows over several tables in K9db's unit tests: who owns, who sees, and what is left.

Facts from brownsys/K9db: k9db/shards/sqlengine/gdpr_get_unittest.cc (DeepTransitiveTable, VariableOwnership,
ComplexVariableOwnership, TransitiveAccessorship, SimpleMixedAccessorship, ComplexVariableAccessorship),
gdpr_get_anon_unittest.cc (ComplexVariableOwnershipAnon), gdpr_forget_unittest.cc (DeepTransitiveTable, VariableOwnership,
ComplexVariableOwnership, ComplexVariableOwnershipAdminDelete), gdpr_forget_anon_unittest.cc (TransitiveOwnershipAnon,
TransitiveAccessorshipAnon, ComplexVariableOwnershipAnon, ComplexVariableAccessorshipAnon).

K9db follows what somebody may see onwards by itself; here a table says so with a road of its own (seen_via, seen_through).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, MetaData
from support.k9db import Rows, key, loose, number, person, table, words

from datasteward.catalog import (
    Road,
    anonymise,
    is_subject,
    owned_by,
    owned_through,
    owned_via,
    seen_by,
    seen_through,
    seen_via,
)


def with_people(*names: str) -> MetaData:
    """A schema that has these tables of people."""
    made = MetaData()
    for name in names:
        table(made, name, person("id"), words("name"), roads=[is_subject("id")])
    return made


def test_rows_belong_to_people_over_several_tables(service: Any) -> None:
    """What hangs on a phone that hangs on an address belongs to the person of the address, and goes with them."""
    made = with_people("user")
    table(made, "addr", number("id"), key("uid", "user.id"), roads=[owned_by("uid")])
    table(made, "phones", number("id"), key("aid", "addr.id"), roads=[owned_via("aid")])
    table(made, "deep", number("id"), key("pid", "phones.id"), roads=[owned_via("pid")])
    rows: Rows = {
        "user": [("0", "u1"), ("5", "u10")],
        "addr": [(0, "0"), (1, "0"), (2, "5")],
        "phones": [(0, 2), (1, 1), (2, 0), (3, 0)],
        "deep": [(0, 2), (1, 2), (2, 0), (3, 1), (4, 3)],
    }
    book = service(made, rows)
    theirs: Rows = {"user": [("5", "u10")], "addr": [(2, "5")], "phones": [(0, 2)], "deep": [(2, 0)]}
    mine = {name: [row for row in found if row not in theirs[name]] for name, found in rows.items()}
    assert book.get("0") == mine
    assert sum(book.forget("0").rows.values()) == 10
    assert book.rows() == theirs


def test_a_group_goes_with_its_last_member(service: Any) -> None:
    """A group belongs to all its members, however often one is in it; memberships go with the member."""
    made = with_people("user")
    table(made, "grps", number("gid"), roads=[owned_through("association")])
    columns = [number("id"), key("group_id", "grps.gid"), key("user_id", "user.id")]
    table(made, "association", *columns, roads=[owned_by("user_id")])
    rows: Rows = {
        "user": [("0", "u1"), ("5", "u10")],
        "grps": [(0,), (1,)],
        "association": [(0, 0, "0"), (1, 1, "0"), (2, 1, "5"), (3, 1, "5")],
    }
    club = service(made, rows)
    assert club.get("0") == {"user": [("0", "u1")], "grps": [(0,), (1,)], "association": rows["association"][:2]}
    assert club.forget("0").rows == {"user": 1, "grps": 1, "association": 2}
    assert club.rows() == {"user": [("5", "u10")], "grps": [(1,)], "association": rows["association"][2:]}
    assert club.forget("5").rows == {"user": 1, "grps": 1, "association": 2}
    assert club.rows() == {}


def sharing(group: list[Road], files: list[Road], fassoc: list[Road], *more: Column[Any]) -> MetaData:
    """Groups with an admin and members; files with a creator, shared with groups."""
    made = with_people("user", "admin")
    table(made, "grps", number("gid"), loose("admin", "admin.id"), roads=[owned_by("admin"), *group])
    columns = [number("sid"), key("group_id", "grps.gid"), key("user_id", "user.id")]
    table(made, "association", *columns, roads=[owned_by("user_id")])
    table(made, "files", number("fid"), loose("creator", "user.id"), *more, roads=files)
    table(made, "fassoc", number("fsid"), key("file", "files.fid"), key("group_id", "grps.gid"), roads=fassoc)
    return made


OWNING = sharing(
    [owned_through("association")], [owned_by("creator"), owned_through("fassoc")], [owned_via("group_id")]
)
SHARED: Rows = {
    "user": [("0", "u1"), ("5", "u10")],
    "admin": [("a0", "a1")],
    "grps": [(0, "a0"), (1, "a0")],
    "association": [(0, 1, "5")],
    "files": [(0, "0"), (1, "0")],
    "fassoc": [(0, 0, 1), (1, 1, 1)],
}
FIVES = {
    "user": [("5", "u10")],
    "grps": [(1, "a0")],
    "association": [(0, 1, "5")],
    "files": [(0, "0"), (1, "0")],
    "fassoc": [(0, 0, 1), (1, 1, 1)],
}
ADMINS = {"admin": [("a0", "a1")], **{name: SHARED[name] for name in ("grps", "files", "fassoc")}}


def test_files_of_a_group_belong_to_members_and_admin(service: Any) -> None:
    """A member and the admin of a group get its files; a member gets no group that they are not in."""
    drive = service(OWNING, SHARED)
    assert drive.get("5") == FIVES
    assert drive.get("a0") == ADMINS


def test_a_group_outlives_its_member_and_its_files_its_admin(service: Any) -> None:
    """After the member the admin keeps groups and files; after the admin only the creator's files are left."""
    drive = service(OWNING, SHARED)
    assert drive.forget("5").rows == {"user": 1, "association": 1}
    assert drive.rows() == {
        name: rows for name, rows in {**SHARED, "user": [("0", "u1")]}.items() if name != "association"
    }
    assert drive.forget("a0").rows == {"admin": 1, "grps": 2, "fassoc": 2}
    assert drive.rows() == {"user": [("0", "u1")], "files": SHARED["files"]}


def test_a_group_outlives_its_admin_for_its_member(service: Any) -> None:
    """When the admin leaves first, the group with a member stays with its files, and the empty group goes."""
    drive = service(OWNING, SHARED)
    assert drive.forget("a0").rows == {"admin": 1, "grps": 1}
    rows = {name: found for name, found in SHARED.items() if name != "admin"}
    assert drive.rows() == {**rows, "grps": [(1, None)]}


def test_whoever_only_sees_gets_the_same_and_takes_nothing_along(service: Any) -> None:
    """Members who see a group, and so see what is shared with it, get the same rows; the group is not theirs."""
    seeing = sharing(
        [seen_through("association")],
        [owned_by("creator"), seen_through("fassoc")],
        [owned_via("group_id"), seen_via("group_id")],
    )
    drive = service(seeing, SHARED)
    assert drive.get("5") == FIVES
    assert drive.get("a0") == ADMINS
    assert drive.forget("a0").rows == {"admin": 1, "grps": 2, "association": 1, "fassoc": 2}
    assert drive.rows() == {"user": SHARED["user"], "files": SHARED["files"]}


BOTH: Rows = {**SHARED, "association": [(0, 1, "5"), (1, 1, "0")]}


def test_a_shared_file_loses_its_creator_and_stays_with_the_group(service: Any) -> None:
    """A creator who leaves is taken out of the files that member and admin still own, with the membership."""
    files = [owned_by("creator", leaving=anonymise("creator")), owned_through("fassoc")]
    drive = service(sharing([owned_through("association")], files, [owned_via("group_id")]), BOTH)
    drive.forget("0")
    assert drive.rows() == {**SHARED, "user": [("5", "u10")], "files": [(0, None), (1, None)]}


def test_a_file_without_its_group_loses_its_creator_and_goes(service: Any) -> None:
    """The same file goes with its creator when nobody shares it: nothing stays that is nobody's."""
    files = [owned_by("creator", leaving=anonymise("creator")), owned_through("fassoc")]
    drive = service(
        sharing([owned_through("association")], files, [owned_via("group_id")]), {**BOTH, "fassoc": [(0, 0, 1)]}
    )
    assert drive.forget("0").rows == {"user": 1, "association": 1, "files": 1}
    assert drive.rows()["files"] == [(0, None)]


def test_a_file_hides_its_creator_from_the_group(service: Any) -> None:
    """Members and admin do not see who made a file; who made it and is a member sees all (K9db hides both columns)."""
    files = [owned_by("creator", hides=("fid",)), owned_through("fassoc", hides=("creator",))]
    drive = service(sharing([owned_through("association")], files, [owned_via("group_id")]), BOTH)
    assert drive.get("5")["files"] == [(0, None), (1, None)]
    assert drive.get("a0")["files"] == [(0, None), (1, None)]
    assert drive.get("0")["files"] == [(0, "0"), (1, "0")]


def test_a_groups_secret_in_a_file_is_emptied_when_a_member_leaves(service: Any) -> None:
    """What a file says of the group that sees it goes with a member of the group; the file is its creator's."""
    files = [owned_by("creator"), seen_through("fassoc", leaving=anonymise("group_secret"))]
    made = sharing([owned_through("association")], files, [seen_via("group_id")], number("group_secret"))
    drive = service(made, {**BOTH, "files": [(0, "0", 0), (1, "0", 0)]})
    drive.forget("5")
    assert drive.rows() == {
        **BOTH,
        "user": [("0", "u1")],
        "association": [(1, 1, "0")],
        "files": [(0, "0", None), (1, "0", None)],
    }


MESSAGES: Rows = {
    "user": [("0", "u1"), ("10", "u100"), ("5", "u10")],
    "msg": [(1, "0", "10"), (2, "0", "0"), (3, "5", "10"), (4, "5", "0")],
    "meta": [(2, 1)],
    "deep": [(3, 2)],
}


def test_what_hangs_on_a_message_is_seen_by_whoever_sees_the_message(service: Any) -> None:
    """Receivers see what stands about their message, at any depth; nobody else does."""
    made = with_people("user")
    columns = [number("id"), loose("sender", "user.id"), loose("receiver", "user.id")]
    table(made, "msg", *columns, roads=[owned_by("sender"), seen_by("receiver")])
    table(made, "meta", number("id"), key("message", "msg.id"), roads=[owned_via("message"), seen_via("message")])
    table(made, "deep", number("id"), key("meta", "meta.id"), roads=[seen_via("meta")])
    chat = service(made, MESSAGES)
    about = {"meta": [(2, 1)], "deep": [(3, 2)]}
    assert chat.get("0") == {"user": [("0", "u1")], "msg": [(1, "0", "10"), (2, "0", "0"), (4, "5", "0")], **about}
    assert chat.get("10") == {"user": [("10", "u100")], "msg": [(1, "0", "10"), (3, "5", "10")], **about}
    assert chat.get("5") == {"user": [("5", "u10")], "msg": [(3, "5", "10"), (4, "5", "0")]}


PROFILES: Rows = {
    "user": [("0", "u1"), ("5", "u10")],
    "prof": [(0, "0"), (1, "0"), (2, "5")],
    "msg": [(1, 0, 2), (2, 0, 0), (3, 1, 2), (4, 2, 0), (5, 0, 1), (6, 1, 0)],
}


def between_profiles(*roads: Road) -> MetaData:
    """People with several profiles, and messages between those."""
    made = with_people("user")
    table(made, "prof", number("id"), key("uid", "user.id"), roads=[owned_by("uid")])
    table(made, "msg", number("id"), loose("sender", "prof.id"), loose("receiver", "prof.id"), roads=roads)
    return made


def test_messages_between_profiles_lose_the_one_who_left(service: Any) -> None:
    """Both sides own over their profiles: what two people share stays without the one, the rest goes, whichever profile."""
    sides = [owned_via(side, leaving=anonymise(side)) for side in ("sender", "receiver")]
    chat = service(between_profiles(*sides), PROFILES)
    assert chat.forget("0").rows == {"user": 1, "prof": 2, "msg": 3}
    assert chat.rows()["msg"] == [(1, None, 2), (3, None, 2), (4, 2, None)]


def test_messages_between_profiles_go_with_their_sender(service: Any) -> None:
    """Where the receiver's profile only sees, the sender's messages go and the receiver is taken out of the others."""
    sides = [owned_via("sender"), seen_via("receiver", leaving=anonymise("receiver"))]
    chat = service(between_profiles(*sides), PROFILES)
    assert chat.forget("0").rows == {"user": 1, "prof": 2, "msg": 5}
    assert chat.rows()["msg"] == [(4, 2, None)]
