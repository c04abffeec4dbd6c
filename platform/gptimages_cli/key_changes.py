"""`gptimages keys keep|rotate|refill|mend`: changing keys while the service runs, by the owner of the key store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from datasteward import backup
from datasteward.audit import log as audit
from datasteward.errors import KeyStoreError
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.keeping import renew_persons
from datasteward.keys.tables import subject_key
from gptimages.installation import Installation
from gptimages.web.templating import figure, plural
from gptimages_cli.here import BY, Open
from gptimages_jobs import keys as job

NEW_ROOT = "The keys of epochs are wrapped under the new root key alone: back it up, apart from all else."
SAME_ROOT = (
    "The keys of epochs are wrapped anew, but under the root key that they had: for a new one set it first in "
    "GPTIMAGES_ROOT_KEY, before a comma and the old one."
)
BACKUP = "Back up the key store now: older backups of it open nothing once the old epoch has ended."
ENDED = "Back up the key store now, and destroy older backups of it: they open nothing any more."


@click.command()
@click.pass_obj
def refill(open_here: Open) -> None:
    """Write the keys of epochs into a directory that is new or was damaged, from the others.

    Not for a disk that is away and comes back: it would bring keys back that were destroyed in the meantime.
    """
    with open_here() as here, _admin(here, "refill") as admin:
        admin.refill()
        _written(here, "refill")
    click.echo("Each directory of the keys of epochs has all of them.")


@click.command()
@click.argument("directory", metavar="DIRECTORY", type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def mend(open_here: Open, directory: Path) -> None:
    """Take keysets that are damaged from DIRECTORY, a backup of the key store from this epoch or the one that is to end."""
    with open_here() as here, _admin(here, "mend") as admin:
        manifest = backup.read(directory, "keys", here.ledger.key)
        with backup.reading(admin.store.engine, directory, manifest, subject_key.name) as copy:
            number = admin.mend(copy)
        _written(here, "mend", number=number)
        click.echo(f"{plural(number, 'damaged keyset is', 'damaged keysets are')} whole again.")


@click.group()
def rotate() -> None:
    """Change keys now, while the service runs. A change that was cut off is taken up by typing it again."""


@rotate.command("root")
@click.pass_obj
def rotate_root(open_here: Open) -> None:
    """Wrap the keys of epochs under a new root key.

    A root key file gets a successor. With several root keys in GPTIMAGES_ROOT_KEY the first one takes over, and the
    others can be taken out of the setting.
    """
    with open_here() as here, _admin(here, "root") as admin:
        new = admin.change_root()
        _written(here, "root", new=new)
    click.echo(NEW_ROOT if new else SAME_ROOT)


@rotate.command("epoch")
@click.option("--end-now", is_flag=True, help="Destroy the old key at once: no backup from before opens any more.")
@click.pass_obj
def rotate_epoch(open_here: Open, end_now: bool) -> None:
    """Begin an epoch, wrap everybody's keysets under its key, and end those whose overlap is over.

    A run that was cut off while an older epoch still stands goes on with it.
    """
    with open_here() as here, _admin(here, "epoch") as admin:
        state = here.vault.state(made_before=here.clock())
        begun = len(state.epochs) == 1 and admin.begin_epoch()
        number = admin.rewrap()
        now = here.clock()  # once the epoch has begun, for --end-now
        ended = admin.end_epochs(
            overlap_before=now if end_now else here.policies.encryption.schedule.overlap.before(now)
        )
        _written(here, "epoch", number=number, ended=ended)
    click.echo(
        f"{plural(number, 'keyset is', 'keysets are')} wrapped under the present epoch's key; "
        f"{plural(ended, 'epoch has', 'epochs have')} ended."
    )
    if ended:
        click.echo(ENDED)
    elif begun:
        click.echo(BACKUP)


@rotate.command("persons")
@click.pass_obj
def rotate_persons(open_here: Open) -> None:
    """Give every person new keys, in two steps: they are added now, and encrypt when this is typed again two minutes later."""
    with open_here() as here, _admin(here, "persons") as admin:
        schedule = here.policies.encryption.schedule
        promoted, staged = renew_persons(admin, schedule, here.clock(), at_once=not admin.waiting())
        _written(here, "persons", promoted=promoted, staged=staged)
        waiting = admin.waiting()
    click.echo(f"{figure(promoted)} keysets encrypt with their new key; {figure(staged)} have got one.")
    if waiting:
        click.echo("Type it again in two minutes: by then every process knows the new keys.")


@click.command("keep")
@click.pass_obj
def keep_now(open_here: Open) -> None:
    """Do what the nightly job does: change what policies/encryption.yaml says is due.

    For a clock of the machine, with the owner's GPTIMAGES_KEY_STORE, where the service has another role's.
    """
    with open_here() as here:
        job.keep_to_schedule(here, BY)
    click.echo("What policies/encryption.yaml says is due is done.")


@contextmanager
def _admin(here: Installation, what: str) -> Iterator[KeyAdmin]:
    """Changes keys, and names people whose keysets are damaged."""
    with job.changing(here, what, by=BY, told=_told) as admin:
        yield admin
    if admin.damaged:
        raise KeyStoreError(
            "The keysets of these are damaged, stay as they are and keep their epoch from ending: take them from a backup of the "
            f"key store by gptimages keys mend DIRECTORY: {', '.join(sorted(admin.damaged))}."
        )


def _told(done: int) -> None:
    click.echo(f"{figure(done)} keysets", err=True)


def _written(here: Installation, what: str, **facts: audit.Fact) -> None:
    job.write(here, "keys.rotated", by=BY, what=what, **facts)
