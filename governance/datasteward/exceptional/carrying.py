"""Carrying an exceptional access out: that is written down and committed first (`take`), then it is opened, line by line."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, Table, true
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.errors import AccessRefused, KeyMissing
from datasteward.exceptional.access import find, is_person, readable, state
from datasteward.exceptional.models import Kind
from datasteward.keys import KeyStore, Vault
from datasteward.policy import PolicySet
from datasteward.rights import rows
from datasteward.steward import Steward

WAITS = "This access waits for a second person: somebody else has to approve it first."
OVER = "This access was carried out before, its time is over, or the policies have changed: ask for another one."


def take(session: Session, policies: PolicySet, access_id: str, *, by: str, now: datetime) -> None:
    """Writes down that the access is carried out, which spends it. To be committed before anything is opened.

    Raises AccessRefused unless it may be carried out now.
    """
    access = find(session, access_id, lock=True)
    now_is = state(policies, access, now)
    if now_is != "approved":
        raise AccessRefused(WAITS if now_is == "asked" else OVER)
    access.done_at = now
    session.flush()
    told = {"access": access.id, "kind": access.kind}
    audit.append(session, "access.carried-out", actor=by, subject=access.subject_id, now=now, **told)


def opened(session: Session, steward: Steward, store: KeyStore, access_id: str) -> Iterator[bytes]:
    """The lines (JSON, UTF-8) of an access that was just taken; the session only reads, so nobody waits for it.

    A value that does not open any more is told as such, also where the person's key went while this was under way.
    """
    access = find(session, access_id)
    if access.kind == Kind.KEYSET_EXPORT:
        yield from _keysets(store, str(access.subject_id))
        return
    for name in [access.table] if access.table else readable(steward.catalog):
        table = steward.catalog.table(name)
        whose = [access.subject_id] if access.subject_id else _people(session, steward, table)
        for person in whose:
            yield from _words(session, steward, table, person)


def _words(session: Session, steward: Steward, table: Table, person: str) -> Iterator[bytes]:
    """A line for each row of the person in the table, with its sealed values in the clear."""
    sealed = list(filter(rows.is_words, table.columns))
    for row in rows.rows(session, steward.catalog, table, person):
        values = {c.name: _value(steward.vault, person, table, row, c) for c in sealed}
        yield _line(table=table.name, id=rows.identity(table, row), person=person, **values)


def _value(vault: Vault, person: str, table: Table, row: Row[Any], column: Column[Any]) -> Any:
    try:
        return rows.readable(vault, person, table, row, column)
    except KeyMissing:  # an erasure meanwhile: it must not keep the others' words back
        return rows.UNREADABLE


def _people(session: Session, steward: Steward, table: Table) -> list[str]:
    """Everybody who has rows in the table and keys."""
    found = session.execute(steward.catalog.subjects(table, true())).scalars()
    return sorted(person for person in {*found} if person is not None and is_person(steward.vault, person))


def _keysets(store: KeyStore, person: str) -> Iterator[bytes]:
    """A line for each keyset: Tink's Keyset, serialised and in base64, in the clear."""
    for use, kinds in store.opened(person).items():
        for kind, plain in kinds.items():
            yield _line(person=person, use=use, keyset=kind, tink=base64.b64encode(plain).decode())


def _line(**values: Any) -> bytes:
    encoded = {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in values.items()}
    return json.dumps(encoded, ensure_ascii=False).encode() + b"\n"
