"""Where a purpose is enforced: in the compiler that turns every statement, of the ORM and of Core, into SQL.

A column that the purpose does not cover is refused; a table whose rows are not all open to it is rendered as a sub-select of
those that are, under the same name, so that joins keep their meaning; UPDATE, DELETE and ON CONFLICT DO UPDATE get the
condition into their WHERE. SQLAlchemy keeps compiled SQL by dialect, and each purpose has its own: nothing is done at
execution.

The classes are mixed into those of the engine's own dialect (see `engines`).
"""

# mypy: disable-error-code="override, no-untyped-call, no-any-return, attr-defined, typeddict-item, typeddict-unknown-key, misc"
# (most of what is overridden here has no types in SQLAlchemy)

from __future__ import annotations

import re
from copy import copy
from typing import Any, cast

from sqlalchemy import Boolean, ColumnElement, Select, Table, and_, literal_column, select
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.sql.compiler import IdentifierPreparer, SQLCompiler
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import Alias, TableClause, TableSample

from datasteward.errors import PurposeError
from datasteward.purposes.rules import Rules

HARMLESS = re.compile(r"-?\d+|'\w*'|NULL")
"""Literal SQL that names no data."""
SYMBOL = re.compile(r"(?!.*(--|/\*))[-+*/<>=~!@#%^&|`?:]+")
"""An operator written as a string, as those of JSON and arrays are; words could be a condition."""
NAME = re.compile(r"\w+")
TYPE = re.compile(r"""["\w.]+( \w+){0,3}(\(\d+(, ?\d+)?\))?( \w+){0,3}(\[\])*( COLLATE ["\w.-]+)?""")
"""A type as databases write it."""
TRANSACTION = re.compile(r"BEGIN( (DEFERRED|IMMEDIATE|EXCLUSIVE))?|COMMIT|ROLLBACK")
"""What a driver's `begin` event may send as a string."""

IN_WHERE = "purpose_in_where"
"""Where the compiler notes the tables of a SELECT whose condition stands in its WHERE."""


class Visible(ColumnElement[bool]):
    """The condition, inside a statement that is being compiled, that a row of `table` is open to the purpose."""

    __visit_name__ = "visible"
    inherit_cache = False
    type = Boolean()

    def __init__(self, table: Table) -> None:
        self.table = table


class PurposeCompiler(SQLCompiler):
    """Compiles what the purpose allows, and raises PurposeError for the rest."""

    _in_condition = False

    @property
    def _rules(self) -> Rules:
        return cast("Rules", self.dialect.rules)

    # Columns and text

    def visit_column(self, column: ColumnClause[Any], *args: Any, **kw: Any) -> str:
        """Refuses a column that the purpose does not cover, and a name that belongs to no table."""
        if not self._in_condition:
            self._check_column(column)
        return super().visit_column(column, *args, **kw)

    def visit_table_valued_column(self, element: Any, **kw: Any) -> str:
        """A whole row as one value is all of its columns."""
        if (table := _table(element.scalar_alias)) is not None:
            for column in table.c:
                self._rules.check(table, column.name)
        return super().visit_column(element, **kw)

    def visit_function(self, func: Any, *args: Any, **kw: Any) -> str:
        """Refuses a function that may see more than its arguments."""
        self._rules.check_function(".".join([*func.packagenames, func.name]))
        return super().visit_function(func, *args, **kw)

    def visit_extract(self, extract: Any, **kw: Any) -> str:
        """Refuses a field that is no word."""
        if not NAME.fullmatch(extract.field):
            self._rules.check_text()
        return super().visit_extract(extract, **kw)

    def visit_typeclause(self, typeclause: Any, **kw: Any) -> str:
        """Refuses a type whose SQL is more than its name and size."""
        text = cast("str", super().visit_typeclause(typeclause, **kw))
        if not TYPE.fullmatch(text):
            self._rules.check_text()
        return text

    def visit_count_func(self, func: Any, **kw: Any) -> str:
        """`count(*)` names no data."""
        return "count(*)" if _is_star(list(func.clauses)) else f"count{self.function_argspec(func, **kw)}"

    def visit_exists_unary_operator(self, unary: Any, operator: Any, **kw: Any) -> str:  # noqa: ARG002
        """`EXISTS (SELECT * …)` names no data."""
        inner = getattr(unary.element, "element", None)
        if isinstance(inner, Select) and _is_star(inner._raw_columns):
            unary = unary._clone()
            unary.element = inner.with_only_columns(literal_column("1")).scalar_subquery()
        return cast("str", self._generate_generic_unary_operator(unary, "EXISTS ", **kw))

    def visit_textclause(self, textclause: Any, **kw: Any) -> str:
        """Refuses text."""
        self._rules.check_text()
        return super().visit_textclause(textclause, **kw)

    def visit_tstring(self, tstring: Any, **kw: Any) -> str:
        """Refuses text."""
        self._rules.check_text()
        return super().visit_tstring(tstring, **kw)

    def get_statement_hint_text(self, hint_texts: Any) -> str:
        """Refuses text."""
        self._rules.check_text()
        return super().get_statement_hint_text(hint_texts)

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> str:
        """Refuses an operator of words."""
        self._check_operator(operator)
        return super().visit_custom_op_binary(element, operator, **kw)

    def visit_custom_op_unary_operator(self, element: Any, operator: Any, **kw: Any) -> str:
        """Refuses an operator of words."""
        self._check_operator(operator)
        return super().visit_custom_op_unary_operator(element, operator, **kw)

    def visit_custom_op_unary_modifier(self, element: Any, operator: Any, **kw: Any) -> str:
        """Refuses an operator of words."""
        self._check_operator(operator)
        return super().visit_custom_op_unary_modifier(element, operator, **kw)

    def _check_column(self, column: ColumnClause[Any]) -> None:
        if column.is_literal:
            if not HARMLESS.fullmatch(column.name):
                self._rules.check_text()
        elif (table := _table(column.table)) is not None:
            self._rules.check(table, column.name)
        elif column.table is None:
            self._rules.check_text()

    def _check_operator(self, operator: Any) -> None:
        if not SYMBOL.fullmatch(operator.opstring):
            self._rules.check_text()

    # Rows

    def visit_table(self, table: Any, asfrom: bool = False, iscrud: bool = False, **kw: Any) -> str:
        """Renders a table in a FROM as those of its rows that are open to the purpose."""
        text = cast("str", super().visit_table(table, asfrom=asfrom, iscrud=iscrud, **kw))
        if self._in_condition or not asfrom:
            return text
        self._rules.check_table(table)
        if iscrud or table not in self._rules.visible:
            return text
        name = self.preparer.format_table(table)
        rows = f"(SELECT * FROM {name} WHERE {self._open_rows(table)})"  # noqa: S608 (rendered by this very compiler)
        alias = kw.get("enclosing_alias")
        if alias is not None and alias.element is table:
            return rows
        if table in cast("dict[str, Any]", self.stack[-1]).get(IN_WHERE, ()):
            return text
        return rows + (text.removeprefix(name) or f" AS {name}")

    def visit_visible(self, element: Visible, **kw: Any) -> str:  # noqa: ARG002
        """The condition in the WHERE of a statement."""
        return f"({self._open_rows(element.table)})"

    def visit_update(self, update_stmt: Any, **kw: Any) -> str:
        """Changes only rows that are open to the purpose."""
        return super().visit_update(self._limited(update_stmt), **kw)

    def visit_delete(self, delete_stmt: Any, **kw: Any) -> str:
        """Deletes only rows that are open to the purpose."""
        return super().visit_delete(self._limited(delete_stmt), **kw)

    def visit_insert(self, insert_stmt: Any, **kw: Any) -> str:
        """Inserts into tables of the catalog alone."""
        self._rules.check_table(insert_stmt.table)
        return super().visit_insert(insert_stmt, **kw)

    def visit_on_conflict_do_update(self, on_conflict: Any, **kw: Any) -> str:
        """Changes only rows that are open, and only columns that are covered."""
        table = self.stack[-1]["selectable"].table
        for key in dict(on_conflict.update_values_to_set):
            column = table.c.get(key) if isinstance(key, str) else key
            self._rules.check(table, key if column is None else column.name)
        if table in self._rules.visible:
            on_conflict = copy(on_conflict)
            asked = on_conflict.update_whereclause
            on_conflict.update_whereclause = Visible(table) if asked is None else and_(asked, Visible(table))
        return super().visit_on_conflict_do_update(on_conflict, **kw)

    def _compose_select_body(
        self, text: Any, select: Any, compile_state: Any, inner_columns: Any, froms: Any, *rest: Any
    ) -> str:
        """A locking SELECT has the condition in its WHERE: PostgreSQL would lock every row of a sub-select below a LIMIT."""
        if select._for_update_arg is not None:
            plain = {table for table in froms if isinstance(table, Table) and table in self._rules.visible}
            cast("dict[str, Any]", self.stack[-1])[IN_WHERE] = plain
            select = select.where(*(Visible(table) for table in plain))
        return super()._compose_select_body(text, select, compile_state, inner_columns, froms, *rest)

    def _limited(self, statement: Any) -> Any:
        table = statement.table
        if not isinstance(table, TableClause):
            raise PurposeError(
                "For a purpose, an UPDATE or DELETE names its table by no other name: leave the alias out."
            )
        self._rules.check_table(cast("Table", table))
        return statement.where(Visible(cast("Table", table))) if table in self._rules.visible else statement

    def _open_rows(self, table: Table) -> str:
        """The condition, which may name what the purpose does not cover, with its values in the text: they never differ."""
        before, self._in_condition = self._in_condition, True
        self.stack.append({"correlate_froms": {table}, "asfrom_froms": {table}, "selectable": select(table)})
        try:
            return self.process(self._rules.visible[table], literal_binds=True)
        finally:
            self.stack.pop()
            self._in_condition = before


class PurposePreparer(IdentifierPreparer):
    """Checks names: those that must not be quoted, and of the columns that an INSERT or UPDATE writes."""

    rules: Rules

    def quote(self, ident: str, *args: Any, **kw: Any) -> str:
        """Refuses a name that is more than one and asks to stand as it is."""
        if getattr(ident, "quote", None) is False and not NAME.fullmatch(ident):
            self.rules.check_text()
        return super().quote(ident, *args, **kw)

    def format_column(self, column: Any, *args: Any, **kw: Any) -> str:
        """Refuses a column that the purpose does not cover."""
        if (table := _table(column.table)) is not None:
            self.rules.check(table, column.name)
        return super().format_column(column, *args, **kw)


class PurposeContext(DefaultExecutionContext):
    """Refuses what comes to execution without having gone through the compiler."""

    @classmethod
    def _init_ddl(cls, dialect: Any, *args: Any) -> Any:
        dialect.rules.check_text()
        return super()._init_ddl(dialect, *args)

    @classmethod
    def _init_statement(
        cls, dialect: Any, connection: Any, dbapi: Any, options: Any, statement: str, parameters: Any
    ) -> Any:
        if not TRANSACTION.fullmatch(statement):
            dialect.rules.check_text()
        return super()._init_statement(dialect, connection, dbapi, options, statement, parameters)


def _table(element: Any) -> Table | None:
    """The table that a FROM element is, or is another name of."""
    while isinstance(element, Alias | TableSample):
        element = element.element
    return cast("Table", element) if isinstance(element, TableClause) else None


def _is_star(columns: list[Any]) -> bool:
    return len(columns) == 1 and getattr(columns[0], "is_literal", False) and columns[0].name == "*"
