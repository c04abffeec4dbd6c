"""The pages and files of reports; the composition root hands them to the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import get
from litestar.connection import Request
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response

from datasteward.audit import log as audit
from gptimages.errors import NotFound
from gptimages.installation import Installation
from gptimages.web.permissions import Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor
from gptimages_reports import processing
from gptimages_reports.charts import bars
from gptimages_reports.today import today

TEMPLATES = Path(__file__).parent / "templates"
MAKERS = {"json": processing.as_json, "csv": processing.as_csv, "pdf": processing.as_pdf}


@get("/compliance", opt=needs(Permission.REPORT_READ), sync_to_thread=True, include_in_schema=False)
def first_page(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """What needs a decision today."""
    with here.reading("law", visitor.id) as session:
        shown = today(session, here.steward, here.clock())
        return pages.page("today.html", visitor, today=shown, bars=bars, policy=here.policies.hash)


@get("/compliance/reports", opt=needs(Permission.REPORT_READ), sync_to_thread=True, include_in_schema=False)
def index(pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]) -> Response[Any]:
    """The reports that there are."""
    return pages.page("reports.html", visitor)


@get("/compliance/reports/processing", opt=needs(Permission.REPORT_READ), sync_to_thread=True, include_in_schema=False)
def record_page(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The record of processing as a page."""
    return pages.page("processing.html", visitor, record=_made(here, visitor, "html"))


@get(
    [f"/compliance/reports/processing.{form}" for form in MAKERS],
    opt=needs(Permission.REPORT_READ),
    sync_to_thread=True,
    include_in_schema=False,
)
def record_download(
    request: Request[Any, Any, Any], here: NamedDependency[Installation], visitor: NamedDependency[Visitor]
) -> Response[bytes]:
    """The record of processing as a file; the address ends in what it comes as."""
    return _file(here, visitor, request.url.path.rsplit(".", 1)[-1])


@get("/api/v1/reports/processing/{form:str}", opt=needs(Permission.REPORT_READ), sync_to_thread=True, tags=["reports"])
def record_file(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], form: FromPath[str]
) -> Response[bytes]:
    """The record of processing (GDPR Art. 30) as a file: `form` is pdf, csv or json."""
    if form not in MAKERS:
        raise NotFound("The record of processing comes as pdf, csv or json: choose one of these.")
    return _file(here, visitor, form)


def _file(here: Installation, visitor: Visitor, form: str) -> Response[bytes]:
    record = _made(here, visitor, form)
    name = f"record-of-processing-{record.made_at:%Y-%m-%d}.{form}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(MAKERS[form](record), media_type=processing.FORMATS[form], headers=headers)


def _made(here: Installation, visitor: Visitor, form: str) -> processing.ProcessingRecord:
    with here.writing("law", visitor.id) as session:
        audit.append(session, "report.made", actor=visitor.id, now=here.clock(), report="processing", form=form)
        return processing.processing_record(session, here.steward, here.clock())


ROUTES = [first_page, index, record_page, record_download, record_file]
