"""`gptimages report`: reports as files, made on this machine from its own installation."""

from __future__ import annotations

from pathlib import Path

import click
from jinja2 import FileSystemLoader

from datasteward.audit import log as audit
from gptimages.installation import Installation
from gptimages.web import templating
from gptimages.web.templating import plural, size
from gptimages_cli.client import check_place
from gptimages_cli.errors import CommandError
from gptimages_cli.here import BY, Open
from gptimages_reports import processing
from gptimages_reports.processing import ProcessingRecord
from gptimages_reports.routes import MAKERS, TEMPLATES

FRAME = Path(__file__).parent / "templates"
"""A page frame for files, which takes the place of the service's own: no navigation, and the style sheet inside."""


@click.group()
def report() -> None:
    """Write reports as files."""


@report.command("processing")
@click.option("--format", "form", required=True, type=click.Choice([*MAKERS, "html"]), help="What kind of file.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
@click.pass_obj
def write_processing(open_here: Open, form: str, out: Path) -> None:
    """The record of processing (GDPR Art. 30), computed now from catalog, policies and database."""
    check_place(out)
    with open_here() as here:
        record = _made(here, form)
        data = _as_page(record) if form == "html" else MAKERS[form](record)
    try:
        out.write_bytes(data)
    except OSError as error:
        raise CommandError(f"{out} cannot be written ({error.strerror}): choose another place.") from None
    click.echo(f"{out}, {size(len(data))}: {plural(len(record.activities), 'activity', 'activities')}")


def _made(here: Installation, form: str) -> ProcessingRecord:
    with here.writing("law", BY) as session:
        audit.append(session, "report.made", actor=BY, now=here.clock(), report="processing", form=form)
        return processing.processing_record(session, here.steward, here.clock())


def _as_page(record: ProcessingRecord) -> bytes:
    environment = templating.environment()
    environment.loader = FileSystemLoader([FRAME, TEMPLATES, templating.TEMPLATES])
    style = (templating.STATIC / "style.css").read_text()
    return environment.get_template("processing.html").render(record=record, style=style).encode()
