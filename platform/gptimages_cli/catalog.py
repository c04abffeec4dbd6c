"""`gptimages catalog`: whether everything that is stored is tagged, whose it is, and the data map for other tools."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import msgspec

from datasteward.catalog import Catalog, checks, dpv, drawing, fides, graph
from datasteward.catalog.describe import describe
from datasteward.policy import Finding, PolicySet
from gptimages import installation, opening
from gptimages.settings import Settings, read
from gptimages.web.templating import plural
from gptimages_cli.errors import CommandError

BY_ALEMBIC = ("alembic_version",)
"""Tables of the database that belong to its migrations."""

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def catalog() -> None:
    """The data catalog: what each column holds, whose each row is, and whether that is the whole truth."""


@catalog.command()
@click.option("--live", is_flag=True, help="Look into database and objects too; reads a sample, changes nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print findings, and what is told of every column, as JSON.")
def check(live: bool, as_json: bool) -> None:
    """Check the tags against the policies; one finding a line, exit code 1 when there is any.

    Without --live the same is checked at each start.
    """
    settings = read(serving=False)
    policies = opening.policies(installation.policy_directory(settings))
    tagged = installation.catalog(faulty=True)
    found = checks.of(tagged, policies)
    if live:
        found = sorted({*found, *_live(tagged, policies, settings)})
    if as_json:
        click.echo(_json(tagged, policies, found))
    else:
        _tell(tagged, found)
    sys.exit(1 if found else 0)


@catalog.command("graph")
@click.option("--out", type=FILE, help="Draw it into this SVG file instead.")
def graph_(out: Path | None) -> None:
    """Whose each row is: from the data subject over every road to each table."""
    tagged = installation.catalog()
    if out is None:
        click.echo(graph.text(tagged))
    else:
        _write(out, drawing.svg(tagged))


@catalog.command()
@click.option("--fides", "fides_file", type=FILE, help="Write a Fides dataset manifest (YAML).")
@click.option("--dpv", "dpv_file", type=FILE, help="Write JSON-LD in W3C's Data Privacy Vocabulary.")
def export(fides_file: Path | None, dpv_file: Path | None) -> None:
    """Write the data map for other tools; the same models and policies give the same bytes."""
    if fides_file is None and dpv_file is None:
        raise CommandError("Name at least one file: --fides FILE or --dpv FILE.")
    settings = read(serving=False)
    policies, tagged = opening.policies(installation.policy_directory(settings)), installation.catalog()
    checks.require(tagged, policies)
    if fides_file is not None:
        _write(fides_file, fides.manifest(tagged, policies, key="gptimages", name="GPT Images"))
    if dpv_file is not None:
        _write(dpv_file, dpv.document(tagged, policies, base=f"{settings.public_url.rstrip('/')}/data-map#"))


def _live(tagged: Catalog, policies: PolicySet, settings: Settings) -> list[Finding]:
    stored = opening.object_store(settings).list() if _has_objects(settings) else iter(())
    keys = (each.key for each in stored)
    db = opening.database_as_it_is(settings)
    try:
        with db.read() as session:
            return checks.live(tagged, policies, session, object_keys=keys, ignored=BY_ALEMBIC)
    finally:
        db.close()


def _has_objects(settings: Settings) -> bool:
    return settings.objects is not None or (settings.data / "objects").is_dir()


def _write(out: Path, text: str) -> None:
    if not out.absolute().parent.is_dir():
        raise CommandError(f"There is no directory {out.parent}: make it, or choose another place.")
    try:
        out.write_text(text, "utf-8")
    except OSError:
        raise CommandError(f"Nothing can be written to {out}: name a file that you may write.") from None
    click.echo(f"Written to {out}.")


def _tell(tagged: Catalog, found: list[Finding]) -> None:
    for finding in found:
        click.echo(str(_shown(finding)))
    columns = sum(len(table.columns) for table in tagged.tables)
    whole = f"{plural(columns, 'column', 'columns')} of {plural(len(tagged.tables), 'table', 'tables')}"
    click.echo(f"{plural(len(found), 'finding', 'findings')} in {whole}." if found else f"{whole}: nothing is wrong.")


def _shown(finding: Finding) -> Finding:
    """The finding with its file as it is reached from here."""
    here = Path(finding.file)
    near = here.is_absolute() and here.is_relative_to(Path.cwd())
    return msgspec.structs.replace(finding, file=os.path.relpath(here)) if near else finding


def _json(tagged: Catalog, policies: PolicySet, found: list[Finding]) -> str:
    known = (c for c in tagged.tagged_columns() if tagged.tag(c).category in policies.taxonomy.categories)
    told = {"findings": [_shown(each) for each in found], "columns": [describe(tagged, policies, c) for c in known]}
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode()
