"""Roles in a key store on PostgreSQL: its owner sees and changes everything, another role uses keys of whom it names.

The service's web process opens the key store as such a role: it seals, reveals and erases for a person whose id it has, counts
keys by age, and neither lists anybody nor begins or ends an epoch. The rows are kept from it by the rules in
datasteward.keys.tables, the rest by the rights that `grant` gives. A file (SQLite) has one owner: whoever may open it.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Engine, text

from datasteward.errors import KeyStoreError
from datasteward.keys.database import faults
from datasteward.keys.tables import HAVING_KEYS, epoch, key_store, keyset_age, person_count, subject_key

NOT_ITS_OWNER = "Keys are changed and backed up by the owner of the key store: give the URL of its owner for this."
RIGHTS = {
    subject_key.name: "SELECT, INSERT, UPDATE (wrapped), DELETE",  # what is destroyed is overwritten first
    epoch.name: "SELECT, UPDATE (id)",  # for a lock alone: the rule `held` refuses every change
    key_store.name: "SELECT",
    keyset_age.name: "SELECT",
    person_count.name: "SELECT",
    f"FUNCTION {HAVING_KEYS}": "EXECUTE",
}


class OthersWork(KeyStoreError):
    """What was asked for is for the owner of the key store, and this process opens it as another role."""


_OWNER = text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(:name)")
_EXEMPT = text(
    "SELECT bool_or(other.rolsuper OR other.rolbypassrls OR other.rolreplication OR other.oid = store.relowner "
    "OR other.rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files', 'pg_write_server_files', "
    "'pg_execute_server_program')) "
    "FROM pg_roles AS role, pg_roles AS other, pg_class AS store "
    "WHERE role.rolname = :role AND store.oid = to_regclass(:name) AND pg_has_role(role.oid, other.oid, 'MEMBER')"
)
"""Whether a role is, or may become by SET ROLE, one that the rules for rows do not hold for; NULL when there is none.

Those are among them that read the planner's statistics, which hold values of rows, or the server's files, or stream its log.
Source: postgresql.org/docs/current/predefined-roles.html.
"""


def is_owner(connection: Connection) -> bool:
    """Whether this connection may do everything in the key store."""
    if connection.dialect.name == "sqlite":
        return True
    return connection.scalar(_OWNER, {"name": subject_key.name}) is True


def require_owner(engine: Engine) -> None:
    """Raises OthersWork when the rules for rows hold: what is meant for all keysets would pass over them in silence."""
    with faults(), engine.connect() as connection:
        if not is_owner(connection):
            raise OthersWork(NOT_ITS_OWNER)


def grant(engine: Engine, role: str, *, before: Callable[[], None] = lambda: None) -> None:
    """Gives an existing role of the server what a process needs that uses keys, and takes what more it had.

    `before` is called once nothing speaks against it and before the first right: what it writes down is there although
    the rest is cut off.
    Raises KeyStoreError when there is no such role, when it could pass over the rules, when the key store is a file, and as
    `require_owner` does.
    """
    if engine.dialect.name == "sqlite":
        raise KeyStoreError("A key store in a file has one owner, whoever may open the file: roles need PostgreSQL.")
    require_owner(engine)
    with faults(), engine.connect() as connection:
        _require_bound(connection, role)
    before()
    with faults(), engine.begin() as connection:
        quoted = connection.dialect.identifier_preparer.quote_identifier(role)
        for name, rights in RIGHTS.items():
            connection.exec_driver_sql(f"REVOKE ALL ON {name} FROM {quoted}")
            connection.exec_driver_sql(f"GRANT {rights} ON {name} TO {quoted}")


def _require_bound(connection: Connection, role: str) -> None:
    exempt = connection.scalar(_EXEMPT, {"role": role, "name": subject_key.name})
    if exempt is None:
        raise KeyStoreError(f"There is no role {role} on the key store's server: make it first, by CREATE ROLE.")
    if exempt:
        raise KeyStoreError(
            f"The role {role} sees every row whatever it is granted (it is or may become the owner, a superuser, one with "
            "BYPASSRLS or REPLICATION, or one of the server's roles that read all data or files): name another one."
        )
