"""Every tagged column and every object of the real catalog: in the archive, gone after the erasure, nobody else's."""

from __future__ import annotations

import io
import json
import os
from typing import Any
from zipfile import ZipFile

import msgspec
import pytest
from sqlalchemy import func, select

from datasteward.crypto import SEGMENT
from datasteward.errors import ObjectMissing
from datasteward.keys import Box, FileRootKey
from datasteward.rights import requests
from datasteward.rights.erasure import Erasure, check_kept
from datasteward.rights.export import Export
from datasteward.rights.holdings import holdings
from datasteward.rights.keeping import stays
from datasteward.rights.scanning import scan
from gptimages.installation import Installation
from gptimages.settings import Settings


@pytest.fixture
def any_settings(any_settings: Settings) -> Settings:
    """With a root key: where the key store is elsewhere, the first start makes none."""
    path = any_settings.data / "keys" / "root.key"
    if any_settings.key_store is not None and not path.exists():
        path.parent.mkdir(parents=True, mode=0o700)
        FileRootKey.create(path)
    return any_settings


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """Every test of completeness runs on each kind of database."""
    return any_here


def archive_of(here: Installation, subject: str) -> dict[str, bytes]:
    """The files of the person's archive."""
    with here.db.read() as session:
        export = Export(session, here.steward, subject, service="GPT Images", request="none", asked_at=here.clock())
        made = b"".join(export.chunks())
    with ZipFile(io.BytesIO(made)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def erase(here: Installation, subject: str) -> Any:
    """Carries out an erasure without waiting."""
    with here.db.write() as session:
        request = requests.ask(session, here.policies, subject, "erasure", country="NO", now=here.clock())
    return Erasure(here.steward, here.db.write, request.id, clock=here.clock, after=here.db.forget_deleted).run()


def test_the_archive_holds_every_tagged_column(here: Installation, seed: Any) -> None:
    """D6: each column of each table that leads to the person is in the archive as it is read, or named with a reason."""
    person = seed()
    files = archive_of(here, person.subject)
    left_out = {(o["table"], o["column"]): o["why"] for o in json.loads(files["manifest.json"])["left_out"]}
    for table in here.catalog.personal():
        (row,) = json.loads(files[f"data/{table.name}.json"])["rows"]
        for column in table.columns:
            place, tag = (str(table.name), str(column.name)), here.catalog.tag(column)
            if not tag.export:
                assert left_out[place]
                assert place[1] not in row
            elif tag.holds == "object":
                assert files[row[place[1]]] == person.values[place]
                assert row[place[1]].endswith(".png")
            else:
                assert row[place[1]] == msgspec.to_builtins(person.values[place]), place


def test_what_is_left_out_stands_nowhere_in_the_archive(here: Installation, seed: Any) -> None:
    """The value of a column that is not handed over is in no file of the archive."""
    person = seed()
    words = b"\n".join(archive_of(here, person.subject).values())
    for (table, column), canary in person.canaries().items():
        tag = here.catalog.tag(here.catalog.table(table).c[column])
        if not tag.export and canary != person.subject.encode():  # the person's own id is theirs wherever it stands
            assert canary not in words, (table, column)


def test_nobody_elses_canary_is_in_the_archive(here: Installation, seed: Any) -> None:
    """D3: of two people with a row in every table, no value of the second stands in the archive of the first."""
    ines, other = seed(), seed()
    words = b"\n".join(archive_of(here, ines.subject).values())
    for place, canary in other.canaries().items():
        if ines.values[place] != other.values[place]:
            assert canary not in words, place
    assert other.subject.encode() not in words


def test_the_page_names_every_record(here: Installation, seed: Any) -> None:
    """Every word that is handed over stands on the archive's page too, beside its picture where it has one."""
    person = seed()
    page = archive_of(here, person.subject)["index.html"].decode()
    for table in here.catalog.personal():
        for column in table.columns:
            value, tag = person.values[str(table.name), str(column.name)], here.catalog.tag(column)
            if tag.export and isinstance(value, str) and value.startswith("canary"):
                assert value in page, (table.name, column.name)
    picture = page.index(f'src="images/image/{person.rows["image"]}')
    assert person.values["generation", "prompt"] in page[picture : picture + 2000]


def test_a_second_run_has_the_same_manifest(here: Installation, seed: Any) -> None:
    """Made again from the same data, the archive has the same manifest and the same bytes."""
    person = seed()
    assert archive_of(here, person.subject) == archive_of(here, person.subject)


def test_holdings_count_every_row(here: Installation, seed: Any) -> None:
    """The page counts one record in each table that leads to the person, and no table stands under two headings."""
    person = seed()
    with here.db.read() as session:
        held = holdings(session, here.steward, person.subject)
    counted = {table.table: table.rows for holding in held for table in holding.tables}
    assert counted == {str(table.name): 1 for table in here.catalog.personal()}
    assert sum(len(holding.tables) for holding in held) == len(counted)
    assert all(holding.key != "other" for holding in held)
    assert all(holding.purposes and holding.until for holding in held)


def test_after_the_erasure_nothing_is_found(here: Installation, seed: Any) -> None:
    """D6: after the erasure every table without a duty to keep is empty of the person, as are objects and keys."""
    person, other = seed(), seed()
    certificate = erase(here, person.subject)
    with here.db.read() as session:
        left, kept = scan(session, here.steward, person.subject)
        assert left == {}
        assert set(kept) == {str(t.name) for t in here.catalog.personal() if stays(here.steward, t)}
        for table in here.catalog.personal():
            mine = here.catalog.belonging_to(table, other.subject)
            assert session.scalar(select(func.count()).select_from(table).where(mine)) == 1
    assert certificate.kept == kept
    keys = list(here.objects.keys("seed/"))
    assert keys
    assert all(here.objects.read(other.subject, key) for key in keys)


def test_no_byte_of_the_person_is_left(here: Installation, seed: Any) -> None:
    """E10: no value of a row that went stands in the bytes of database, log, key store or object directory."""
    if here.db.engine.dialect.name != "sqlite":
        pytest.skip("The server's own files are not ours to read.")
    person, other = seed(), seed()
    here.db.forget_deleted()
    before = _all_bytes(here)
    told = {place: value for place, value in person.canaries().items() if not stays(here.steward, _table(here, place))}
    told = {p: v for p, v in told.items() if p[1] != "id" and v != person.subject.encode()}
    told = {p: v for p, v in told.items() if other.values[p] != person.values[p]}
    plain = {place for place, value in told.items() if value in before}
    assert plain
    assert not any(_is_sealed(here, place) for place in plain)
    erase(here, person.subject)
    after = _all_bytes(here)
    assert [place for place in plain if told[place] in after] == []
    mine = {p: v for p, v in other.canaries().items() if p in plain}
    assert [place for place, value in mine.items() if value not in after] == []


def test_policies_and_schema_agree_on_what_stays(here: Installation) -> None:
    """No table that law keeps hangs on one that goes."""
    check_kept(here.steward)


def test_a_damaged_field_or_object_does_not_keep_the_rest(here: Installation, seed: Any) -> None:
    """What does not open any more is named, and everything else is handed over."""
    person = seed()
    generation, image = here.catalog.table("generation"), here.catalog.table("image")
    with here.db.write() as session:
        box = session.scalar(select(generation.c.prompt))
        changed = bytearray(box.ciphertext)
        changed[-1] ^= 1
        session.execute(generation.update().values(prompt=Box(bytes(changed))))
        here.objects.delete(session.scalar(select(image.c.object)))
    files = archive_of(here, person.subject)
    unreadable = json.loads(files["manifest.json"])["unreadable"]
    assert len(unreadable) == 2
    assert {place.split()[0] for place in unreadable} == {"generation", "image"}
    assert json.loads(files["data/account.json"])["rows"][0]["name"] == person.values["account", "name"]
    with pytest.raises(ObjectMissing):
        here.objects.read(person.subject, "seed/nothing")


def test_e5_an_object_damaged_at_its_end_is_named_and_the_rest_is_handed_over(here: Installation, seed: Any) -> None:
    """Of an object whose last segment does not verify nothing is in the archive, and it keeps no other file from it."""
    person = seed()
    with here.db.read() as session:
        key = session.scalar(select(here.catalog.table("image").c.object))
    plain = b"\x89PNG\r\n\x1a\n" + os.urandom(3 * SEGMENT)
    here.objects.put(person.subject, key, [plain])
    assert plain in archive_of(here, person.subject).values()
    (path,) = here.settings.data.rglob(key.replace("/", "~"))
    path.write_bytes(path.read_bytes()[:-1])
    files = archive_of(here, person.subject)
    assert [place.split()[0] for place in json.loads(files["manifest.json"])["unreadable"]] == ["image"]
    assert not any(plain[: SEGMENT // 2] in contents for contents in files.values())
    assert json.loads(files["data/account.json"])["rows"][0]["name"] == person.values["account", "name"]


def _table(here: Installation, place: tuple[str, str]) -> Any:
    return here.catalog.table(place[0])


def _is_sealed(here: Installation, place: tuple[str, str]) -> bool:
    return here.policies.encrypted(here.catalog.tag(_table(here, place).c[place[1]]).category)


def _all_bytes(here: Installation) -> bytes:
    files = sorted(path for path in here.settings.data.rglob("*") if path.is_file())
    return b"\n".join(path.read_bytes() for path in files)
