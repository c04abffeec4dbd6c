"""What a change of policies means for the data that is there, in rows and people: what would be disposed of that is kept
now, and what would be kept.

    for each in consequences(session, old, new, now=now):
        print(each)  # usage_event: 12,034 usage events of 871 people would go tonight.

Both sets are asked what is due now and not held, and the answers are taken from each other in the database.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Table, and_, false, func, not_, or_, select
from sqlalchemy.orm import Session

from datasteward.anonymise.dialects import prepare
from datasteward.disposal.hanging import hanging
from datasteward.retention import selection
from datasteward.retention.held import Held
from datasteward.retention.plan import Action
from datasteward.retention.planning import people
from datasteward.retention.rules import governed
from datasteward.retention.selection import Selection
from datasteward.statements import these
from datasteward.steward import Steward


class Consequence(msgspec.Struct, frozen=True):
    """One kind of disposal of the rows of one table that begins or, with `ends`, is no more.

    `noun` are the rows in the words of retention.yaml; `columns` are what would be anonymised; `people` is how many data
    subjects the `rows` belong to, 0 where they belong to nobody.
    """

    table: str
    noun: str
    action: Action
    columns: tuple[str, ...]
    rows: int
    people: int
    ends: bool

    def __str__(self) -> str:
        what = f"{self.rows:,} {self.noun}" if self.rows != 1 else f"1 of the {self.noun}"
        of = f" of {self.people:,} {'person' if self.people == 1 else 'people'}" if self.people else ""
        deed = {
            "delete": "go",
            "archive": "be archived as counts of groups and go",
            "anonymise": f"be anonymised in {', '.join(self.columns)}",
            "shred": "become unreadable",
        }[self.action]
        return f"{self.table}: {what}{of} would {'no longer ' if self.ends else ''}{deed} tonight."


class _Fate(NamedTuple):
    table: Table
    action: Action
    columns: tuple[str, ...]


class _Why(NamedTuple):
    """Rows that meet a fate, and by which rule's selection."""

    by: Selection
    rows: ColumnElement[bool]


def consequences(session: Session, old: Steward, new: Steward, *, now: datetime) -> list[Consequence]:
    """What the policies of `new` would do to the present data as of `now` (UTC) and those of `old` would not, and the other
    way round; empty when both would do the same. Both stewards have one catalog, whose tables the session reads.

    Rows that hang on others go with them and are counted as well. Raises PolicyError when a rule of either set asks for
    what a table cannot give.
    """
    prepare(session)
    held = Held(session, new.catalog)
    was, will = _fates(old, held, now), _fates(new, held, now)
    found: list[Consequence] = []
    for fate in {**will, **was}:
        before, after = was.get(fate, []), will.get(fate, [])
        if [why.by for why in before] != [why.by for why in after]:
            begins = _consequence(session, old, new, fate, and_(_any(after), not_(_any(before))), ends=False)
            ceases = _consequence(session, old, new, fate, and_(_any(before), not_(_any(after))), ends=True)
            found += [each for each in (begins, ceases) if each.rows]
    return found


def _fates(steward: Steward, held: Held, now: datetime) -> dict[_Fate, list[_Why]]:
    """What would be done now to which rows, those that hang on others included."""
    found: defaultdict[_Fate, list[_Why]] = defaultdict(list)
    for each in governed(steward):
        chosen = each.selection(steward.policies, now)
        goes = selection.going(steward.catalog, held, chosen)
        if not each.rule.removes:
            found[_Fate(each.table, each.action, chosen.columns)].append(_Why(chosen, goes))
            continue
        for table, rows in hanging(steward.catalog, each.table, goes, these):
            found[_Fate(table, each.action if table is each.table else "delete", ())].append(_Why(chosen, rows))
    return found


def _consequence(
    session: Session, old: Steward, new: Steward, fate: _Fate, rows: ColumnElement[bool], *, ends: bool
) -> Consequence:
    number = session.scalar(select(func.count()).select_from(fate.table).where(rows)) or 0
    return Consequence(
        table=str(fate.table.name),
        noun=_noun(old if ends else new, fate.table),
        action=fate.action,
        columns=fate.columns,
        rows=number,
        people=people(session, new.catalog, [(fate.table, rows)]) if number else 0,
        ends=ends,
    )


def _noun(steward: Steward, table: Table) -> str:
    """What the rows are called by the rule about them: "usage events"."""
    category = steward.catalog.record(table).category
    rules = steward.policies.rules_for(category, table=str(table.name))
    name = rules[0].name if rules else "rows"
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def _any(whys: list[_Why]) -> ColumnElement[bool]:
    return or_(false(), *(why.rows for why in whys))
