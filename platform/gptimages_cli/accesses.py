"""`gptimages keys accesses` and `keys open`: exceptional access to what is encrypted, carried out where the keys are."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from datasteward.durable import private
from datasteward.exceptional import access, carrying
from datasteward.keys import KeyStore
from gptimages import opening
from gptimages.errors import InputError
from gptimages.installation import Installation
from gptimages.web.templating import figure, utc
from gptimages_cli.here import BY, Open
from gptimages_cli.tables import echo_table

TOLD = 1000
"""After how many lines the progress is told again."""


@click.command("accesses")
@click.option("--limit", default=20, show_default=True, help="How many, the newest first.")
@click.pass_obj
def accesses(open_here: Open, limit: int) -> None:
    """The exceptional accesses that were asked for, and how far they are. They are asked for under Operations, Keys."""
    with open_here() as here, here.reading("law", BY) as session:
        rows = [
            (each.id, each.kind, each.subject_id or "everybody", each.table or "", utc(each.asked_at), state)
            for each in access.newest(session, limit=limit)
            for state in [access.state(here.policies, each, here.clock())]
        ]
    if rows:
        echo_table(("access", "kind", "of", "table", "asked", "state"), rows)
    else:
        click.echo("No exceptional access was asked for yet.")


@click.command("open")
@click.argument("access_id", metavar="ACCESS")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The new file it goes into."
)
@click.pass_obj
def carry_out(open_here: Open, access_id: str, out: Path) -> None:
    """Carry out ACCESS, the id of an approved exceptional access, once. What it opens goes into a file for its owner alone.

    The access is spent by that, also when it finds nothing or fails half-way: then another one has to be asked for.
    """
    with open_here() as here:
        number = _write(here, access_id, out)
    click.echo(f"{figure(number)} lines are in {out}. Destroy the file when the reason has gone.")


def _write(here: Installation, access_id: str, out: Path) -> int:
    """Writes the lines into a new file; the access is spent before the first is opened. How many there are.

    What fails afterwards leaves no file; after a kill a part of it is there, under its name and told in the audit log.
    """
    store = opening.key_store(here.settings, here.clock)
    try:
        with private(out) as file:
            with here.writing("law", BY) as session:
                carrying.take(session, here.policies, access_id, by=BY, now=here.clock())
            return _lines(here, store, access_id, file)
    except FileExistsError:
        raise InputError(f"There is a file {out} already: name one that is not there.") from None
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}): choose another place.") from None
    finally:
        store.close()


def _lines(here: Installation, store: KeyStore, access_id: str, file: BinaryIO) -> int:
    number = 0
    with here.reading("law", BY) as session:
        for line in carrying.opened(session, here.steward, store, access_id):
            file.write(line)
            number += 1
            if number % TOLD == 0:
                click.echo(f"{figure(number)} lines", err=True)
    return number
