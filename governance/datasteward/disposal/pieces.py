"""What hangs on rows, deleted in pieces before the rows themselves: as many transactions as it takes, none too large.

    taken = unburden(session, catalog, table, rows, 1000, now=now)  # again, in another transaction, until nothing hangs on them

Whoever was cut off goes on by asking again: what is gone hangs on nothing.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, not_, select
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog
from datasteward.disposal.disposal import dispose
from datasteward.disposal.hanging import hanging, leaves
from datasteward.statements import among, these


def unburden(
    session: Session, catalog: Catalog, table: Table, rows: ColumnElement[bool], most: int, *, now: datetime
) -> Counter[str]:
    """Deletes up to `most` rows that hang on `rows` of `table`, those first on which nothing hangs; how many, by table.

    Rows of one table that hang on each other in a ring are left: nothing can go before the other. The caller has locked
    `rows`, so that nothing more comes to hang on them, and commits.
    """
    went = Counter[str]()
    for each, along in hanging(catalog, table, rows, these):
        if along is rows:
            continue
        wanted = and_(along, not_(rows)) if each is table else along
        while (room := most - went.total()) > 0 and (piece := _piece(session, each, wanted, room)) is not None:
            went += dispose(session, catalog, each, piece, now=now)
    return went


def _piece(session: Session, table: Table, rows: ColumnElement[bool], most: int) -> ColumnElement[bool] | None:
    """Up to `most` of the rows, locked and told by their keys; None when there are none."""
    key = list(table.primary_key.columns)
    query = select(*key).where(rows, leaves(table)).order_by(*key).limit(most).with_for_update(of=table)
    found = session.execute(query).all()
    return among(key, [tuple(row) for row in found]) if found else None
