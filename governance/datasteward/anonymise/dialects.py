"""One SQL expression that reads differently on SQLite and elsewhere, and the functions that SQLite has to be given.

SQLite knows neither network addresses nor SHA-256; Python's own functions stand in, registered on the connection. They are
deterministic and hold nothing: whatever they need is bound to the statement.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from datasteward.anonymise import functions
from datasteward.errors import NotAnonymous

PREPARED = "datasteward.anonymise"


class _ByDialect(FunctionElement[Any]):
    inherit_cache = True
    name = "by_dialect"


@compiles(_ByDialect)
def _elsewhere(element: _ByDialect, compiler: SQLCompiler, **kwargs: Any) -> str:
    _, found = element.clauses
    return f"({compiler.process(found, **kwargs)})"


@compiles(_ByDialect, "sqlite")
def _on_sqlite(element: _ByDialect, compiler: SQLCompiler, **kwargs: Any) -> str:
    found, _ = element.clauses
    return f"({compiler.process(found, **kwargs)})"


def by_dialect(
    kind: TypeEngine[Any], *, sqlite: ColumnElement[Any], postgresql: ColumnElement[Any]
) -> ColumnElement[Any]:
    """An expression of type `kind` that is the one on SQLite and the other on PostgreSQL."""
    found = _ByDialect(sqlite, postgresql)
    found.type = kind
    return found


def prepare(session: Session) -> None:
    """Makes the session's connection ready for anonymisation; call it in each transaction that anonymises.

    Raises NotAnonymous when the engine shows parameters in logs and errors: the key of the run would be among them.
    """
    connection = session.connection()
    if not connection.engine.hide_parameters:
        raise NotAnonymous("The engine writes parameters to logs and errors: make it with hide_parameters=True.")
    if connection.dialect.name != "sqlite" or PREPARED in connection.info:
        return
    driver: Any = connection.connection.dbapi_connection
    for name, (count, function) in functions.BY_NAME.items():
        driver.create_function(name, count, function, deterministic=True)
    connection.info[PREPARED] = True
