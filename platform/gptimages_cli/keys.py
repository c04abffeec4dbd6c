"""`gptimages keys`: the state of the keys, without a word of what they are."""

from __future__ import annotations

import stat
from pathlib import Path

import click
from sqlalchemy import func, select

from datasteward.keys import FileRootKey
from gptimages.accounts.models import Account
from gptimages.settings import Settings
from gptimages_cli.here import BY, Open
from gptimages_cli.tables import echo_facts


@click.group()
def keys() -> None:
    """The keys that everything personal is encrypted under."""


@keys.command()
@click.pass_obj
def status(open_here: Open) -> None:
    """Where the root key and the key store are, and how many people have keys."""
    with open_here() as here:
        root = _root_key(here.settings)
        with here.reading("law", BY) as session:
            people = session.scalar(select(func.count()).select_from(Account)) or 0
        echo_facts(
            [
                ("Root key file", str(root)),
                ("Root key id", FileRootKey.load(root).id),
                ("Mode", f"{stat.S_IMODE(root.stat().st_mode):04o}, for its owner alone"),
                ("Key store", _key_store(here.settings)),
                ("People with keys", here.vault.count()),
                ("Accounts", people),
            ]
        )


def _root_key(settings: Settings) -> Path:
    return settings.root_key or settings.data / "keys" / "root.key"


def _key_store(settings: Settings) -> str:
    """The file of the embedded key store, or that it is a database of its own, whose address may hold a password."""
    return "a database of its own" if settings.key_store else str(settings.data / "keys" / "keys.db")
