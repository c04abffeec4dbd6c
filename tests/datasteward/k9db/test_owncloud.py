"""K9db's ownCloud: files are shared with people and groups, which either makes them see the file or own it.

Facts from brownsys/K9db: examples/owncloud.sql, examples/owncloud_owners.sql.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData
from support.k9db import Rows, key, loose, number, person, table, words

from datasteward.catalog import Road, is_subject, owned_by, owned_through, owned_via, seen_by, seen_through, seen_via


def schema(shares: list[Road], files: list[Road]) -> MetaData:
    """Users in groups, and files shared with either, with these roads."""
    made = MetaData()
    table(made, "users", person("id"), words("name"), roads=[is_subject("id")])
    table(made, "usergroups", number("id"), words("name"), roads=[owned_through("members")])
    columns = [number("id"), key("user_id", "users.id"), key("group_id", "usergroups.id")]
    table(made, "members", *columns, roads=[owned_by("user_id")])
    table(made, "files", number("id"), words("path"), roads=files)
    with_whom = [loose("share_with_user", "users.id"), loose("share_with_group", "usergroups.id")]
    table(
        made, "shares", number("id"), loose("creator", "users.id"), *with_whom, key("file_id", "files.id"), roads=shares
    )
    return made


SEEING = schema(
    [owned_by("creator"), seen_by("share_with_user"), seen_via("share_with_group")],
    [owned_through("shares"), seen_through("shares")],
)
OWNING = schema(
    [owned_by("creator"), owned_by("share_with_user"), owned_via("share_with_group")], [owned_through("shares")]
)
ROWS: Rows = {
    "users": [("1", "Alice"), ("2", "Bob")],
    "usergroups": [(1, "Group 1")],
    "members": [(1, "1", 1), (2, "2", 1)],
    "files": [(1, "file 1")],
    "shares": [(1, "1", None, None, 1), (2, "1", "2", None, 1), (3, "1", None, 1, 1)],
}


def test_bob_sees_what_is_shared_with_him_and_his_group(service: Any) -> None:
    """Bob gets his group, the two shares with him and with the group, and the file; not the share with nobody."""
    assert service(SEEING, ROWS).get("2") == {
        "users": [("2", "Bob")],
        "usergroups": [(1, "Group 1")],
        "members": [(2, "2", 1)],
        "files": [(1, "file 1")],
        "shares": [(2, "1", "2", None, 1), (3, "1", None, 1, 1)],
    }


def test_a_file_goes_with_its_creator_and_a_group_with_its_last_member(service: Any) -> None:
    """The file stays after Bob, whom it was shared with, and goes after Alice, as does the group, now empty."""
    cloud = service(SEEING, ROWS)
    assert cloud.forget("2").rows == {"users": 1, "members": 1}
    assert cloud.rows() == {
        "users": [("1", "Alice")],
        "usergroups": [(1, "Group 1")],
        "members": [(1, "1", 1)],
        "files": [(1, "file 1")],
        "shares": [(1, "1", None, None, 1), (2, "1", None, None, 1), (3, "1", None, 1, 1)],
    }
    cloud.forget("1")
    assert cloud.rows() == {}


def test_a_file_that_all_own_goes_with_the_last_of_them(service: Any) -> None:
    """Where sharing gives the file away, it stays with Bob after its creator, and goes with him."""
    cloud = service(OWNING, ROWS)
    assert cloud.forget("1").rows == {"users": 1, "members": 1, "shares": 1}
    assert cloud.rows() == {
        "users": [("2", "Bob")],
        "usergroups": [(1, "Group 1")],
        "members": [(2, "2", 1)],
        "files": [(1, "file 1")],
        "shares": [(2, None, "2", None, 1), (3, None, None, 1, 1)],
    }
    cloud.forget("2")
    assert cloud.rows() == {}
