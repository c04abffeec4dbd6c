"""The operations through the toolkit: opened for the role's purpose, the data sealed, and an entry in the log for each.

What is counted on top of what is done by hand: the purpose's check and its filter of people, sealing and revealing under
the person's own key, and the audit. A change writes itself down with the number of rows, and the person where it is one.
Whoever reads a person's data or metadata leaves an entry for each person who was read: who read, whom, and what. The
regulator's are in the log before anything is seen; those of the others, who read all the time, are in a journal, which is
carried into the log at the end of each turn, within its time. What found no row leaves none: nothing was seen or done. Nor
does a look at the log itself or for a deleted record, which are of nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from datasteward.audit import log as audit
from datasteward.audit.changes import Change
from datasteward.audit.journal import Journal
from datasteward.audit.models import AuditEntry
from datasteward.keys import Box, Context, Vault

from .schema import Record
from .statements import Statements, logs_of, new

NOW = datetime.fromisoformat("2026-11-23T09:00:00+00:00")
RECORD: Any = Record.__table__
STATEMENTS, LOGS_OF = Statements(RECORD), logs_of(AuditEntry.__table__)
CREATED = Change(STATEMENTS.create, "record.created")
DELETED_BY = {field: Change(statement, "record.deleted") for field, statement in STATEMENTS.delete_by.items()}
DESCRIBED_BY = {field: Change(statement, "record.described") for field, statement in STATEMENTS.update_by.items()}
CHANGED_OWN = Change(STATEMENTS.update_own, "record.changed")
DESCRIBED_OWN = Change(STATEMENTS.update_own_metadata, "record.described")
DELETED_OWN = Change(STATEMENTS.delete_own, "record.deleted")


class Ours:
    """The toolkit's side, on the purpose's view of the engine, as Core has it: the other side has no session either.

    Without a journal, what is read stands in the log before it is seen; such a transaction changes nothing else and does
    not wait for the disk, which has it within 0.6 seconds (synchronous_commit off on `reading`).
    """

    def __init__(self, reading: Engine, writing: Engine, actor: str, vault: Vault, journal: Journal | None) -> None:
        self._reading, self._writing, self._actor, self._vault = reading, writing, actor, vault
        self._journal = journal

    def create(self, key: str, data: bytes, metadata: dict[str, Any]) -> int:
        who = metadata["person_id"]
        return self._change(CREATED, who, **new(id=key, data=self._seal(who, key, data), **metadata))

    def delete_by(self, field: str, value: Any) -> int:
        return self._change(DELETED_BY[field], _person(field, value), value=value)

    def update_by(self, field: str, value: Any, to: str) -> int:
        return self._change(DESCRIBED_BY[field], _person(field, value), value=value, to=to)

    def read_own(self, person: str) -> int:
        with self._reading.begin() as connection:
            rows = connection.execute(STATEMENTS.read_own, {"person": person}).all()
            for row in rows:
                self._reveal(person, row.id, row.data)
            return self._seen(connection, "data", [person], rows)

    def update_own(self, person: str, key: str, data: bytes) -> int:
        box = self._seal(person, key, data)
        return self._change(CHANGED_OWN, person, person=person, key=key, to=box)

    def read_own_metadata(self, person: str, key: str) -> int:
        with self._reading.begin() as connection:
            rows = connection.execute(STATEMENTS.read_own_metadata, {"person": person, "key": key}).all()
            return self._seen(connection, "metadata", [person], rows)

    def update_own_metadata(self, person: str, key: str, to: str) -> int:
        return self._change(DESCRIBED_OWN, person, person=person, key=key, to=to)

    def delete_own(self, person: str, key: str) -> int:
        return self._change(DELETED_OWN, person, person=person, key=key)

    def read(self, key: str) -> int:
        return self._read(STATEMENTS.read, key=key)

    def read_by(self, field: str, value: Any) -> int:
        return self._read(STATEMENTS.read_by[field], value=value)

    def metadata_of(self, person: str) -> int:
        with self._reading.begin() as connection:
            return self._seen(
                connection, "metadata", [person], connection.execute(STATEMENTS.metadata_of, {"person": person}).all()
            )

    def logs_of(self, person: str) -> int:
        with self._reading.begin() as connection:
            return len(connection.execute(LOGS_OF, {"person": person}).all())

    def still_there(self, key: str) -> int:
        with self._reading.begin() as connection:
            return len(connection.execute(STATEMENTS.still_there, {"key": key}).all())

    def _read(self, statement: Any, **given: Any) -> int:
        with self._reading.begin() as connection:
            rows = connection.execute(statement, given).all()
            for row in rows:
                self._reveal(row.person_id, row.id, row.data)
            return self._seen(connection, "data", dict.fromkeys(row.person_id for row in rows), rows)

    def _seen(self, connection: Connection, kind: str, people: Iterable[str], rows: Any) -> int:
        """Nobody was seen where no row was found."""
        if rows and self._journal:
            self._journal.note("record.read", people, actor=self._actor, now=NOW, kind=kind)
        elif rows:
            audit.append_all(connection, "record.read", people, actor=self._actor, now=NOW, kind=kind)
        return len(rows)

    def _change(self, change: Change, subject: str | None, **given: Any) -> int:
        with self._writing.begin() as connection:
            return change.make(connection, given, actor=self._actor, now=NOW, subject=subject)

    def _seal(self, person: str, key: str, data: bytes) -> Box:
        return self._vault.seal(Context(person, RECORD.name, "data", key), data)

    def _reveal(self, person: str, key: str, box: Box) -> bytes:
        return self._vault.reveal(Context(person, RECORD.name, "data", key), box)


def _person(field: str, value: Any) -> str | None:
    return value if field == "person_id" else None
