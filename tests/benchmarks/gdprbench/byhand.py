"""The operations as SQLAlchemy Core over the plain tables: no governance, nothing that could be left out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from .schema import LOG, RECORD
from .statements import Statements, logs_of, new

STATEMENTS = Statements(RECORD)
LOGS_OF = logs_of(LOG)


class ByHand:
    """The hand-written side, on connections of the engine's pool."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, key: str, data: bytes, metadata: dict[str, Any]) -> int:
        return self._change(STATEMENTS.create, **new(id=key, data=data, **metadata))

    def delete_by(self, field: str, value: Any) -> int:
        return self._change(STATEMENTS.delete_by[field], value=value)

    def update_by(self, field: str, value: Any, to: str) -> int:
        return self._change(STATEMENTS.update_by[field], value=value, to=to)

    def read_own(self, person: str) -> int:
        return self._read(STATEMENTS.read_own, person=person)

    def update_own(self, person: str, key: str, data: bytes) -> int:
        return self._change(STATEMENTS.update_own, person=person, key=key, to=data)

    def read_own_metadata(self, person: str, key: str) -> int:
        return self._read(STATEMENTS.read_own_metadata, person=person, key=key)

    def update_own_metadata(self, person: str, key: str, to: str) -> int:
        return self._change(STATEMENTS.update_own_metadata, person=person, key=key, to=to)

    def delete_own(self, person: str, key: str) -> int:
        return self._change(STATEMENTS.delete_own, person=person, key=key)

    def read(self, key: str) -> int:
        return self._read(STATEMENTS.read, key=key)

    def read_by(self, field: str, value: Any) -> int:
        return self._read(STATEMENTS.read_by[field], value=value)

    def metadata_of(self, person: str) -> int:
        return self._read(STATEMENTS.metadata_of, person=person)

    def logs_of(self, person: str) -> int:
        return self._read(LOGS_OF, person=person)

    def still_there(self, key: str) -> int:
        return self._read(STATEMENTS.still_there, key=key)

    def _read(self, statement: Any, **given: Any) -> int:
        with self._engine.begin() as connection:
            return len(connection.execute(statement, given).all())

    def _change(self, statement: Any, **given: Any) -> int:
        with self._engine.begin() as connection:
            return connection.execute(statement, given).rowcount
