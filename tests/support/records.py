"""A service of letters, which go with a person, and of invoices, which the law keeps and keys of their own open."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, MetaData, String, Table, insert
from support.erasing import asked
from support.people import person

from datasteward.base import new_id
from datasteward.catalog import owned_by, record, tag
from datasteward.disposal.keys import destroy_records
from datasteward.keys import Box, Context
from datasteward.rights.erasure import Erasure
from datasteward.types import Sealed

RECORDS = {("invoice", "words")}


def metadata() -> MetaData:
    """People with letters, which go, and invoices, which the law keeps."""
    made = MetaData()
    person(made)
    for name, category in (("letter", "user.content.private.generation"), ("invoice", "user.financial.transaction")):
        Table(
            name,
            made,
            Column("id", String(26), primary_key=True, info=tag("user.unique_id")),
            Column("owner", String(26), info=tag("user.unique_id")),
            Column("words", Sealed(), info=tag("user.content.private.prompt")),
            info=record(category, owned_by("owner")),
        )
    return made


def join(service: Any, *, invoices: int) -> tuple[str, dict[str, list[tuple[Context, Box]]]]:
    """A person with a letter and invoices, and what was sealed for them by table."""
    subject, sealed = new_id(), {}
    service.steward.vault.create(subject)
    with service.write() as session:
        session.execute(insert(service.steward.catalog.table("person")).values(id=subject))
        for name, number in (("letter", 1), ("invoice", invoices)):
            for _ in range(number):
                place = Context(subject, name, "words", new_id())
                box = service.steward.vault.seal(place, f"the {name}")
                sealed.setdefault(name, []).append((place, box))
                row = {"id": place.row, "owner": subject, "words": box}
                session.execute(insert(service.steward.catalog.table(name)).values(row))
    return subject, sealed


def erase(service: Any, subject: str) -> Any:
    """Carries out an erasure that waits for nothing."""
    return carry_out(service, asked(service, subject))


def carry_out(service: Any, request: str) -> Any:
    """Carries out an erasure that was asked for, as far as it goes."""
    return Erasure(service.steward, service.write, request, clock=service.clock).run()


def kept_to_their_end(service: Any) -> int:
    """What the job of disposal does about keys for records."""
    with service.write() as session:
        return destroy_records(session, service.steward, clock=service.clock)
