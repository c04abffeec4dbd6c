"""The archive on any schema: each row that leads to the person, and no word of any other."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any
from zipfile import ZipFile

from hypothesis import given
from support.schemas.examples import EXPORT, always
from support.schemas.filling import Service, services
from support.schemas.oracle import Oracle, Place, handed_over
from support.schemas.world import Examples, Opened, World

from datasteward.rights.export import Export
from datasteward.rights.rows import UNREADABLE


def told(world: World, archive: ZipFile) -> dict[Place, dict[str, Any]]:
    """The rows of the archive, and in them the contents of the files that they name."""
    found = {}
    for table in world.made.sorted_tables:
        if f"data/{table.name}.json" in archive.namelist():
            for row in json.loads(archive.read(f"data/{table.name}.json"))["rows"]:
                if row.get("object"):
                    row["object"] = archive.read(row["object"]).decode()
                found[str(table.name), tuple(row[column.name] for column in table.primary_key)] = row
    return found


def readable(world: World, place: Place, row: dict[str, Any], subject: str) -> dict[str, Any]:
    """A row as it is told: what was sealed under the key of another owner cannot be read, what is shared can by each."""
    oracle = Oracle(world.service)
    owners, shared = sorted(oracle.owners(place)), oracle.shape(place).shares
    mine = owners[:1] == [subject]
    at, sealed = world.before[place]["at"], world.before[place]["secret"]
    found = {**row, "at": at and at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    found.pop("row_key", None)
    if row["secret"] is not None:
        opens = subject in owners if shared else mine
        found["secret"] = None if sealed is None else row["secret"] if opens else UNREADABLE
    if row.get("object") is not None:
        found["object"] = f"object of {row['object']}" if mine else None
    return found


def test_the_archive_holds_exactly_the_persons_rows(opened: Opened, examples: Examples, now: datetime) -> None:
    """Every row of theirs is in it, decrypted, without what its road hides; of every other row there is no word."""

    @examples
    @always(EXPORT)
    @given(service=services())
    def holds(service: Service) -> None:
        with opened(service) as world, world.db.read() as session:
            export = Export(session, world.steward, "ada", service="Service", request="none", asked_at=now)
            archive = ZipFile(io.BytesIO(b"".join(export.chunks())))
            oracle = Oracle(service)
            expected = {place: readable(world, place, row, "ada") for place, row in handed_over(service, "ada").items()}
            assert told(world, archive) == expected
            words = b"".join(archive.read(name) for name in archive.namelist())
            for place, row in oracle.state.items():
                for column in ("note", "secret", "object"):
                    if row.get(column) and not expected.get(place, {}).get(column):
                        assert str(row[column]).encode() not in words

    holds()
