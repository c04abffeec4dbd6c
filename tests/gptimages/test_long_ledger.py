"""An erasure ledger grows for ever: what is asked of the databases for it does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime

import pytest
from conftest import Clock
from sqlalchemy import Engine, event

from datasteward.backup.replay import destroy_again
from datasteward.ledger import DirectoryOfEntries, LedgerKey
from datasteward.ledger.anchoring import replayed
from datasteward.ledger.entries import Entry, hash_of, to_line
from gptimages.errors import StartError
from gptimages.installation import Installation, open_installation
from gptimages.settings import Settings


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that the block sends to any database."""
    statements: list[str] = []

    def note(*given: object) -> None:
        statements.append(str(given[2]))

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)


def grow(settings: Settings, first: int, last: int, now: datetime) -> None:
    """Entries of people who are gone, with these numbers; written as the ledger writes them, and faster."""
    assert settings.ledger_directory is not None
    store, key = DirectoryOfEntries(settings.ledger_directory), LedgerKey.load(settings.ledger_key_file)
    (before,) = store.lines([first - 1])
    for number in range(first, last + 1):
        before = to_line(Entry(number, f"gone-{number}", "erasure", now, hash_of(before)), key)
        assert store.add(number, before)


def known(here: Installation) -> None:
    """The database knows of every entry."""
    with here.db.write() as session:
        replayed(session, here.ledger, actor="tests", now=here.clock())


def start(settings: Settings, clock: Clock) -> int:
    """How many statements a start takes."""
    with counted() as statements, closing(open_installation(settings, clock)):
        return len(statements)


def test_a_start_asks_no_more_for_a_long_ledger(any_settings: Settings, clock: Clock) -> None:
    """As many statements with ten times as many entries; so when the ledger is replayed."""
    taken, replays = [], []
    with closing(open_installation(any_settings, clock)) as here:
        for first, last in ((1, 30), (31, 300)):
            grow(any_settings, first, last, clock())
            known(here)
            taken.append(start(any_settings, clock))
            with counted() as statements:
                assert destroy_again(here.steward, here.ledger) == 0
            replays.append(len(statements))
    assert taken[0] == taken[1]
    assert replays[0] == replays[1]


def test_one_key_among_many_is_found(any_settings: Settings, clock: Clock) -> None:
    """Whose key is there although the ledger says that it is gone: the start is refused, and the replay destroys it."""
    with closing(open_installation(any_settings, clock)) as here:
        grow(any_settings, 1, 30, clock())
        known(here)
        here.vault.create("gone-17")
        here.vault.create("another")
        with pytest.raises(StartError, match="key store is older than the erasure ledger"):
            open_installation(any_settings, clock)
        assert destroy_again(here.steward, here.ledger) == 1
        assert not here.vault.has("gone-17")
        assert here.vault.has("another")
    open_installation(any_settings, clock).close()
