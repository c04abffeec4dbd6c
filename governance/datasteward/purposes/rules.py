"""What one purpose may see: the columns that it does not cover, and which rows of each table are closed to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, not_

from datasteward.catalog import Catalog
from datasteward.consent import records, standing
from datasteward.errors import PurposeError
from datasteward.policy import PolicySet, Purpose, covers
from datasteward.purposes.functions import HARMLESS


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one purpose, worked out once from the catalog and the policies.

    `uncovered` has, for every table of the catalog, the category of each column that the purpose does not cover. `visible`
    has the condition on the rows of a table that the purpose may use, where it may not use all. `text` lets SQL pass that
    was written as text, which no rule can read.
    """

    purpose: Purpose
    place: str
    uncovered: Mapping[Table, Mapping[str, str]]
    visible: Mapping[Table, ColumnElement[bool]]
    text: bool = False

    def check_table(self, table: Table) -> None:
        """Raises PurposeError for a table that the catalog does not know: nobody has said what it holds."""
        if table not in self.uncovered:
            raise PurposeError(
                f"The catalog knows no table {table.name}: tag it, so that a purpose can be asked for it."
            )

    def check(self, table: Table, column: str) -> None:
        """Raises PurposeError, with the place in the policies, when the purpose does not cover what the column holds."""
        self.check_table(table)
        if column not in table.c and column not in (c.name for c in table.c):
            raise PurposeError(f"The table {table.name} has no column {column}.")
        if category := self.uncovered[table].get(column):
            raise PurposeError(
                f"The purpose {self.purpose.id} does not cover {category}, which {table.name}.{column} holds ({self.place}): "
                "leave the column out, or open the data for a purpose that covers it."
            )

    def check_function(self, name: str) -> None:
        """Raises PurposeError for a function that might see more than its arguments."""
        if not self.text and name.lower() not in HARMLESS:
            raise PurposeError(
                f"The purpose {self.purpose.id} calls no function {name}, which might read more than it is given: do without "
                "it, or say why in purposes.raw(…), which the audit log keeps."
            )

    def check_text(self) -> None:
        """Raises PurposeError unless SQL as text may pass."""
        if not self.text:
            raise PurposeError(
                f"The purpose {self.purpose.id} runs no SQL written as text, which cannot be checked: write it with "
                "SQLAlchemy's expressions, or say why in purposes.raw(…), which the audit log keeps."
            )


def rules_for(catalog: Catalog, policies: PolicySet, purpose: str) -> Rules:
    """The rules of the purpose. Raises PurposeError for one that is not in the policies."""
    known = records.named(policies, purpose)
    place = policies.where("purposes.yaml", ("purposes", purpose))
    uncovered = {table: dict(_uncovered(catalog, policies, known, table)) for table in catalog.tables}
    visible = {table: rows for table in catalog.tables if (rows := _visible(catalog, known, table)) is not None}
    return Rules(known, place, uncovered, visible)


def _uncovered(catalog: Catalog, policies: PolicySet, purpose: Purpose, table: Table) -> list[tuple[str, str]]:
    found = []
    for column in table.c:
        tag = catalog.tag(column)
        # A JSON column is loaded whole: what key a statement asks for is a parameter.
        for category in (tag.category, *(inner.category for inner in tag.paths.values())):
            if _personal(policies, category) and not covers(purpose.categories, category):
                found.append((column.name, category))
    return found


def _personal(policies: PolicySet, category: str) -> bool:
    told = policies.taxonomy.categories.get(category)
    return told is None or told.personal


def _visible(catalog: Catalog, purpose: Purpose, table: Table) -> ColumnElement[bool] | None:
    """The rows without an owner whose data is closed to the purpose: a row of nobody is open. None: all rows are."""
    if table is standing.TABLE or not standing.excludes(purpose) or not catalog.record(table).owners:
        return None  # what stands has to be known to those who keep to it
    return not_(catalog.some_person(table, lambda person: standing.excluded(purpose, person), each=True))
