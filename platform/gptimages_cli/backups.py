"""`gptimages backup` and `gptimages restore`."""

from __future__ import annotations

from pathlib import Path

import click

from gptimages import backups, opening, restoring
from gptimages.settings import read
from gptimages.web.templating import plural, size, utc
from gptimages_cli.here import BY, Open
from gptimages_cli.locking import DirectoryLock
from gptimages_cli.tables import echo_facts

DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("directory", metavar="DIRECTORY", type=DIRECTORY)
@click.option("--keys", is_flag=True, help="The key store instead of database and objects.")
@click.pass_obj
def backup(open_here: Open, directory: Path, keys: bool) -> None:
    """Back database and objects up into DIRECTORY, which must not exist yet, while the service runs.

    The key store has a backup of its own, by --keys: keep the two apart, and destroy that of the keys on the day that is
    told. Root key, ledger and its key (keys/root.key, keys/ledger.key) are in neither: keep a copy of them elsewhere.
    """
    make = backups.make_of_keys if keys else backups.make
    with open_here() as here:
        made = make(here, directory, by=BY, told=_told)
    facts: list[tuple[str, str | int]] = [("Backup", str(directory)), ("Begun", utc(made.begun_at))]
    facts += [("Tables", len(made.tables)), ("Rows", sum(table.rows for table in made.tables))]
    if made.destroy_by is None:
        facts += [("Objects", made.objects), ("Bytes of objects", size(made.object_bytes))]
    else:
        facts += [("To be destroyed by", utc(made.destroy_by))]
    echo_facts([*facts, ("Entries of the ledger", made.ledger.number)])


@click.command()
@click.argument("directory", metavar="[DIRECTORY]", type=DIRECTORY, required=False)
@click.option("--keys", type=DIRECTORY, help="Restore the key store too, from this backup of it.")
def restore(directory: Path | None, keys: Path | None) -> None:
    """Restore database and objects from DIRECTORY, then erase again whoever was erased since.

    The server is stopped, the database empty, and root key, ledger and its key are in their places. What is there is not
    overwritten. A restore that was cut off is run again with the same words; without DIRECTORY and --keys only the
    ledger is replayed, over a database or a key store that was put back by other means.
    """
    settings = read(serving=False)
    opening.make_directory(settings.data)
    lock = DirectoryLock(settings.data)
    lock.take()
    try:
        done = restoring.restore(settings, directory, keys, told=_told)
    finally:
        lock.release()
    click.echo(
        f"Restored. {plural(done.keys, 'key')} destroyed again, {plural(done.people, 'person', 'people')} erased again"
        + (f", {done.waiting} when a legal hold is lifted." if done.waiting else ".")
    )
    if done.bare:
        gone = plural(done.bare, "object that a row names is", "objects that rows name are")
        click.echo(f"{gone} not there: gptimages objects audit tells which, and mends it under a plan.")
    if done.unopened:
        click.echo(
            f"Something of {plural(done.unopened, 'person', 'people')} does not open: it came after the key store's backup "
            "was made, and opens only with a newer one."
        )


def _told(step: str) -> None:
    """Progress, on standard error so that what the command says can be read by a program."""
    click.echo(f"{step} …", err=True)
