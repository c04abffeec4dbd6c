"""The record of processing: whole, computed, and safe to open in every form."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasteward.base import new_id
from gptimages.activity.models import EngagementEvent
from gptimages.support import desk
from gptimages_reports import processing
from gptimages_reports.spreadsheet import RISKY, csv_text, neutral


@pytest.fixture
def here(any_here):
    """Every test of reports runs on both databases."""
    return any_here


@pytest.fixture
def record(here, person) -> processing.ProcessingRecord:
    """The record over two people."""
    person("Ines")
    person("Tomas")
    with here.db.read() as session:
        return processing.processing_record(session, here.steward, here.clock())


def test_every_personal_category_stands_in_it(here, record) -> None:
    """Each personal category that any column of the catalog holds is in at least one activity: none is forgotten."""
    held = {
        here.catalog.tag(column).category
        for table in here.catalog.personal()
        for column in table.columns
        if here.policies.category(here.catalog.tag(column).category).personal
    }
    told = {data.category for activity in record.activities for data in activity.data}
    assert held - told == set()
    assert told <= held


def test_it_says_what_article_30_asks_for(here, record) -> None:
    """Controller, officer, purposes, people, categories, recipients with safeguards, time limits and measures."""
    assert record.controller.name == here.policies.controller.name
    assert record.officer.contact
    assert record.authority.name
    assert {activity.id for activity in record.activities} == set(here.policies.purposes)
    for activity in record.activities:
        assert activity.purpose
        assert activity.legal_basis
        assert activity.source
        assert all(data.kept and data.name for data in activity.data)
        assert all(recipient.safeguard and recipient.region and recipient.role for recipient in activity.recipients)
    assert record.measures


def test_its_figures_are_counted(record) -> None:
    """People and records are those of the database."""
    assert record.people == 2
    named = [data for activity in record.activities for data in activity.data if data.category == "user.name"]
    assert named
    assert {data.records for data in named} == {2}
    assert {data.encrypted for activity in record.activities for data in activity.data} == {True, False}


def test_each_activity_counts_its_own_people(here, person) -> None:
    """People are counted where there is a record of them, each once; whoever has none is not counted there."""
    ines, tomas = person("Ines"), person("Tomas")
    with here.db.write() as session:
        for account in (ines, ines, tomas):
            desk.ask(session, here, account.id, "other", "How do I begin?", now=here.clock())
        for account_id in (ines.id, ines.id, None):
            row = EngagementEvent(id=new_id(), account_id=account_id, kind="share", style="ink")
            row.created_at = here.clock()
            session.add(row)
        made = processing.processing_record(session, here.steward, here.clock())
    people = {activity.id: activity.people for activity in made.activities}
    assert (people["deliver"], people["support"]) == (2, 2)
    assert people["improve"] == 1


def test_it_names_nobody(record) -> None:
    """The record speaks of categories; no name and no address of a person is in any of its forms."""
    for form in (processing.as_json(record), processing.as_csv(record)):
        assert b"Ines" not in form
        assert b"people.example" not in form


def test_json_reads_back(record) -> None:
    """The JSON is the record."""
    assert msgspec.json.decode(processing.as_json(record), type=processing.ProcessingRecord) == record
    assert json.loads(processing.as_json(record))["policy_hash"] == record.policy_hash


def test_csv_has_a_line_for_each_category(record) -> None:
    """Read as CSV it has one line for each category of data in each activity, all of the same width."""
    lines = list(csv.reader(io.StringIO(processing.as_csv(record).decode())))
    assert len(lines) == 1 + sum(len(activity.data) for activity in record.activities)
    assert {len(line) for line in lines} == {len(lines[0])}


def test_csv_leaves_nothing_of_article_30_out(here, record) -> None:
    """Each line names controller, officer, authority, moment, policy set and measures, and for each recipient its region and
    safeguard."""
    for line in csv.DictReader(io.StringIO(processing.as_csv(record).decode())):
        activity = next(each for each in record.activities if each.name == line["activity"])
        assert line["controller"] == record.controller.name
        assert line["controller contact"] == record.controller.contact
        assert line["data protection officer"] == record.officer.name
        assert line["officer contact"] == record.officer.contact
        assert line["supervisory authority"] == record.authority.name
        assert (line["made at"], line["policy set"]) == (record.made_at.isoformat(), record.policy_hash)
        assert all(measure in line["security measures"] for measure in record.measures)
        assert line["people"] == str(activity.people)
        for recipient in activity.recipients:
            assert f"{recipient.name}: {recipient.region}" in line["regions"]
            assert f"{recipient.name}: {recipient.safeguard}" in line["safeguards"]


@given(
    st.lists(
        st.lists(
            st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
            min_size=3,
            max_size=3,
        ),
        max_size=5,
    )
)
def test_no_value_is_a_formula(rows: list[list[str]]) -> None:
    """Whatever is in a cell, no spreadsheet runs it, and what was harmless is unchanged."""
    for line, row in zip(list(csv.reader(io.StringIO(csv_text(("a", "b", "c"), rows))))[1:], rows, strict=False):
        assert not any(cell.startswith(RISKY) for cell in line)
        del row
    for value in (cell for row in rows for cell in row):
        assert neutral(value) == (f"'{value}" if value.startswith(RISKY) else value)


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")'])
def test_formulas_are_shown_as_text(formula: str) -> None:
    """The known ways of smuggling a formula begin with an apostrophe afterwards; numbers stay numbers."""
    assert neutral(formula) == "'" + formula
    assert neutral(-1) == -1


def test_the_pdf_is_tagged(here, record) -> None:
    """The PDF has a structure tree and a language, says that it is PDF/UA, and has the controller in its metadata."""
    made = processing.as_pdf(record)
    assert made.startswith(b"%PDF-")
    whole = made + b"".join(_unpacked(made))
    assert b"/StructTreeRoot" in whole
    assert re.search(rb"/Lang\s*\(en", whole)
    assert re.search(rb"/Marked\s+true", whole)
    assert b"pdfuaid:part" in whole
    name = here.policies.controller.name
    assert name.encode() in whole or name.encode("utf-16-be") in whole


def _unpacked(pdf: bytes) -> list[bytes]:
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            found.append(stream)
    return found
