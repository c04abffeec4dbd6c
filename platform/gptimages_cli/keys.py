"""`gptimages keys`: the state of the keys, without a word of what they are, and changing them."""

from __future__ import annotations

import stat
import sys
from contextlib import closing
from pathlib import Path

import click
from sqlalchemy import func, select

from datasteward.keys import FileRootKey
from datasteward.keys.ages import ages
from datasteward.keys.roles import grant
from datasteward.keys.state import KeyState
from gptimages import opening
from gptimages.accounts.models import Account
from gptimages.settings import Settings
from gptimages.web.templating import utc
from gptimages_cli.accesses import accesses, carry_out
from gptimages_cli.here import BY, Open
from gptimages_cli.key_changes import keep_now, mend, refill, rotate
from gptimages_cli.tables import echo_facts, echo_table
from gptimages_jobs import keys as job

LATE = "A change of keys is late: find out why the nightly job fails, or change the root key by gptimages keys rotate root."


@click.group()
def keys() -> None:
    """The keys that everything personal is encrypted under."""


keys.add_command(accesses)
keys.add_command(carry_out)
for change in (keep_now, rotate, refill, mend):
    keys.add_command(change)


@keys.command()
@click.pass_obj
def status(open_here: Open) -> None:
    """Where the keys are, how old they are against policies/encryption.yaml, how many at which version, what is due.

    Ends with 1 when a change is late.
    """
    with open_here() as here:
        with here.reading("law", BY) as session:
            people = session.scalar(select(func.count()).select_from(Account)) or 0
        schedule, now = here.policies.encryption.schedule, here.clock()
        state = here.vault.state(made_before=schedule.persons.before(now))
        echo_facts(
            [
                *_root(here.settings, state),
                ("Key store", _key_store(here.settings)),
                ("People with keys", here.vault.count()),
                ("Accounts", people),
                ("Due for new keys", state.due),
                ("New keys waiting", state.staged),
            ]
        )
        told = list(ages(state, schedule, now))
    click.echo()
    rows = [(age.name, utc(age.since), utc(age.due), "late" if age.late else "in time", age.words) for age in told]
    echo_table(["Key", "Since", "To be changed by", "State", ""], rows)
    click.echo()
    echo_table(["Version of keysets", "Keysets"], [(str(each), number) for each, number in state.versions.items()])
    if any(age.late for age in told):
        click.echo(LATE, err=True)
        sys.exit(1)


@keys.command("grant")
@click.argument("role")
@click.pass_obj
def grant_role(open_here: Open, role: str) -> None:
    """Let ROLE, which PostgreSQL knows, use the keys of one person at a time, and nothing else of the key store.

    The service then runs with that role's GPTIMAGES_KEY_STORE: it lists no keys and changes no epoch. Type it again after a
    restore, which brings no rights back.
    """
    with open_here() as here, closing(opening.key_store(here.settings, here.clock)) as store:
        grant(store.engine, role, before=lambda: job.write(here, "keys.granting", by=BY, role=role))
        job.write(here, "keys.granted", by=BY, role=role)
    click.echo(f"{role} uses keys of one person at a time: give the service its GPTIMAGES_KEY_STORE.")


@keys.command("new-root")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def new_root(file: Path) -> None:
    """Make a root key in FILE, which must not exist yet; nothing is wrapped by it so far.

    It takes over when GPTIMAGES_ROOT_KEY names it before a comma and the present one, and by gptimages keys rotate root.
    """
    made = FileRootKey.create(file)
    click.echo(f"A new root key, {made.id}: name it first in GPTIMAGES_ROOT_KEY, before a comma and the present one,")
    click.echo("start the service again, and type gptimages keys rotate root. Back it up, apart from all else.")


def _root(settings: Settings, state: KeyState) -> list[tuple[str, str]]:
    told = opening.root_key(settings)
    named = [("Root key id", state.root_key), ("Root key since", utc(state.root_since))]
    if not opening.is_file(told):
        return named
    mode = f"{stat.S_IMODE(Path(told).stat().st_mode):04o}, for its owner alone"
    return [("Root key file", told), ("Mode", mode), *named]


def _key_store(settings: Settings) -> str:
    """The file of the embedded key store, or that it is a database of its own, whose address may hold a password."""
    return "a database of its own" if settings.key_store else str(settings.data / "keys" / "keys.db")
