"""The record of processing as JSON, CSV and PDF (tagged, PDF/UA-1); as a page it is drawn by routes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typst

from gptimages_reports.processing.query import ProcessingRecord
from gptimages_reports.spreadsheet import csv_text

TEMPLATE = Path(__file__).parents[1] / "templates" / "processing.typ"
FORMATS = {"json": "application/json", "csv": "text/csv", "pdf": "application/pdf"}
HEADER = (
    "activity", "purpose", "legal basis", "source", "people", "category", "data", "records", "kept", "encrypted",
    "recipients", "regions", "safeguards", "security measures", "controller", "controller contact",
    "data protection officer", "officer contact", "supervisory authority", "authority contact", "made at", "policy set",
)  # fmt: skip
BETWEEN = "; "


def as_json(record: ProcessingRecord) -> bytes:
    """The record as JSON."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2)


def as_csv(record: ProcessingRecord) -> bytes:
    """One line for each category of data in each activity; each stands for itself, with all that Art. 30(1) names."""
    parties = (record.controller, record.officer, record.authority)
    always = (
        BETWEEN.join(record.measures),
        *(word for party in parties for word in (party.name, party.contact)),
        record.made_at.isoformat(),
        record.policy_hash,
    )
    rows = [
        (
            activity.name,
            activity.purpose,
            activity.legal_basis,
            activity.source,
            activity.people,
            data.category,
            data.name,
            data.records,
            data.kept,
            "yes" if data.encrypted else "no",
            BETWEEN.join(recipient.name for recipient in activity.recipients) or "nobody",
            BETWEEN.join(f"{recipient.name}: {recipient.region}" for recipient in activity.recipients),
            BETWEEN.join(f"{recipient.name}: {recipient.safeguard}" for recipient in activity.recipients),
            *always,
        )
        for activity in record.activities
        for data in activity.data
    ]
    return csv_text(HEADER, rows).encode()


def as_pdf(record: ProcessingRecord) -> bytes:
    """The record as a tagged PDF that screen readers can follow (PDF/UA-1)."""
    made = typst.compile(
        str(TEMPLATE), sys_inputs={"record": msgspec.json.encode(record).decode()}, pdf_standards=["ua-1"]
    )
    assert isinstance(made, bytes)  # noqa: S101 - without an output path typst returns the bytes of one document
    return made
