"""`gptimages keys`: the state of the keys, without a word of what they are, and changing them."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
from sqlalchemy import func, select

from datasteward.audit import log as audit
from datasteward.keys import RootKeyFile
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.keeping import renew_persons
from datasteward.keys.roles import grant
from datasteward.keys.state import KeyState
from datasteward.policy import PolicySet
from gptimages import opening
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.settings import Settings
from gptimages.web.templating import figure, utc
from gptimages_cli.accesses import accesses, carry_out
from gptimages_cli.here import BY, Open
from gptimages_cli.tables import echo_facts, echo_table
from gptimages_jobs import keys as job

BACKUP = "Back up the key store now: older backups of it open nothing once the old epoch has ended."


@click.group()
def keys() -> None:
    """The keys that everything personal is encrypted under."""


keys.add_command(accesses)
keys.add_command(carry_out)


@keys.command()
@click.pass_obj
def status(open_here: Open) -> None:
    """Where the keys are, how old they are against policies/encryption.yaml, how many at which version, what is due."""
    with open_here() as here:
        with here.reading("law", BY) as session:
            people = session.scalar(select(func.count()).select_from(Account)) or 0
        schedule, now = here.policies.encryption.schedule, here.clock()
        state = here.vault.state(made_before=schedule.persons.before(now))
        echo_facts(
            [
                *_root(here.settings, state),
                ("Root key due", utc(schedule.root.after(state.root_since))),
                ("Key store", _key_store(here.settings)),
                ("People with keys", here.vault.count()),
                ("Accounts", people),
                ("Due for new keys", state.due),
                ("New keys waiting", state.staged),
            ]
        )
        _epochs(here.policies, state)
        click.echo()
        echo_table(["Version of keysets", "Keysets"], [(str(each), number) for each, number in state.versions.items()])


@keys.group()
def rotate() -> None:
    """Change keys now, while the service runs. A change that was cut off is taken up by typing it again."""


@rotate.command("root")
@click.pass_obj
def rotate_root(open_here: Open) -> None:
    """Wrap the keys of epochs under a new root key.

    A root key file gets a successor. With several root keys in GPTIMAGES_ROOT_KEY the first one takes over, and the
    others can be taken out of the setting.
    """
    with open_here() as here, _admin(here) as admin:
        told = opening.root_key(here.settings)
        file = RootKeyFile(Path(told)) if opening.is_file(told) else None
        if file:
            file.follow()
        number = admin.rewrap_epochs()
        if file:
            file.settle()
        _written(here, "root", number)
    click.echo(f"{figure(number)} keys of epochs are wrapped under the new root key: back it up, apart from all else.")


@rotate.command("epoch")
@click.option("--end-now", is_flag=True, help="Destroy the old key at once: no backup from before opens any more.")
@click.pass_obj
def rotate_epoch(open_here: Open, end_now: bool) -> None:
    """Begin an epoch, wrap everybody's keysets under its key, and end those whose overlap is over.

    A run that was cut off while an older epoch still stands goes on with it.
    """
    with open_here() as here, _admin(here) as admin:
        now = here.clock()
        state = here.vault.state(made_before=now)
        begun = len(state.epochs) == 1 and admin.begin_epoch()
        number = admin.rewrap()
        overlap = now if end_now else here.policies.encryption.schedule.overlap.before(now)
        ended = admin.end_epochs(overlap_before=overlap)
        _written(here, "epoch", number)
    click.echo(
        f"{figure(number)} keysets are wrapped under the present epoch's key; {figure(ended)} epochs have ended."
    )
    if begun and not ended:
        click.echo(BACKUP)


@rotate.command("persons")
@click.pass_obj
def rotate_persons(open_here: Open) -> None:
    """Give every person new keys, in two steps: they are added now, and encrypt when this is typed again two minutes later."""
    with open_here() as here, _admin(here) as admin:
        schedule = here.policies.encryption.schedule
        promoted, staged = renew_persons(admin, schedule, here.clock(), at_once=not admin.waiting())
        _written(here, "persons", promoted + staged)
    click.echo(f"{figure(promoted)} keysets encrypt with their new key; {figure(staged)} have got one.")
    if staged:
        click.echo("Type it again in two minutes: by then every process knows the new keys.")


@keys.command("keep")
@click.pass_obj
def keep_now(open_here: Open) -> None:
    """Do what the nightly job does: change what policies/encryption.yaml says is due.

    For a clock of the machine, with the owner's GPTIMAGES_KEY_STORE, where the service has another role's.
    """
    with open_here() as here:
        job.run(here, BY)
    click.echo("The keys are as young as policies/encryption.yaml wants them.")


@keys.command("grant")
@click.argument("role")
@click.pass_obj
def grant_role(open_here: Open, role: str) -> None:
    """Let ROLE, which PostgreSQL knows, use the keys of one person at a time, and nothing else of the key store.

    The service then runs with that role's GPTIMAGES_KEY_STORE: it lists no keys and changes no epoch. Type it again after a
    restore, which brings no rights back.
    """
    with (
        open_here() as here,
        closing(opening.key_store(here.settings, here.clock)) as store,
        here.writing("law", BY) as session,
    ):
        audit.append(session, "keys.granted", actor=BY, now=here.clock(), role=role)
        grant(store.engine, role)
    click.echo(f"{role} uses keys of one person at a time: give the service its GPTIMAGES_KEY_STORE.")


def _root(settings: Settings, state: KeyState) -> list[tuple[str, str]]:
    told = opening.root_key(settings)
    named = [("Root key id", state.root_key), ("Root key since", utc(state.root_since))]
    if not opening.is_file(told):
        return named
    mode = f"{stat.S_IMODE(Path(told).stat().st_mode):04o}, for its owner alone"
    return [("Root key file", told), ("Mode", mode), *named]


def _epochs(policies: PolicySet, state: KeyState) -> None:
    schedule = policies.encryption.schedule
    rows = [(utc(each.begun_at), utc(schedule.epoch.after(each.begun_at)), each.keysets) for each in state.epochs]
    click.echo()
    echo_table(["Epoch begun", "Next one due", "Keysets"], rows)


@contextmanager
def _admin(here: Installation) -> Iterator[KeyAdmin]:
    store = opening.key_store(here.settings, here.clock)
    try:
        yield KeyAdmin(store, per_second=here.policies.encryption.schedule.per_second, told=_told)
    finally:
        store.close()


def _told(done: int) -> None:
    click.echo(f"{figure(done)} keysets", err=True)


def _written(here: Installation, what: str, number: int) -> None:
    with here.writing("law", BY) as session:
        audit.append(session, "keys.rotated", actor=BY, now=here.clock(), what=what, number=number)


def _key_store(settings: Settings) -> str:
    """The file of the embedded key store, or that it is a database of its own, whose address may hold a password."""
    return "a database of its own" if settings.key_store else str(settings.data / "keys" / "keys.db")
