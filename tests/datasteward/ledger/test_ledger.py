"""The erasure ledger: only ever added to, each entry once, and every change of it is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasteward import durable
from datasteward.errors import LedgerError
from datasteward.ledger import DirectoryOfEntries, Ledger, LedgerKey, open_ledger
from datasteward.ledger.entries import Head

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

Opener = Callable[[], Ledger]


def test_each_destruction_is_written_once(ledger: Ledger, open_it: Opener) -> None:
    """A repeat adds nothing and gives the same place, in this process and in another; another reason is another entry."""
    first = ledger.add("person-0", "erasure", now=NOW)
    assert first.number == 1
    assert open_it().add("person-0", "erasure", now=NOW) == first
    assert open_it().add("person-0", "retention", now=NOW).number == 6
    assert [entry.subject for entry in ledger.since()] == [*(f"person-{n}" for n in range(5)), "person-0"]
    assert ledger.head().number == 6


def test_writers_at_once_lose_nothing(open_it: Opener) -> None:
    """Several processes that add at the same time end in one chain with every entry in it once."""
    ledgers = [open_it() for _ in range(4)]
    people = [f"person-{number}" for number in range(40)]

    def add_all(ledger: Ledger) -> None:
        for subject in people:
            ledger.add(subject, "erasure", now=NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_all, ledgers))
    assert sorted(entry.subject for entry in open_it().since()) == sorted(people)


def test_files_are_for_their_owner_alone(ledger: Ledger, entries: Path, tmp_path: Path) -> None:
    """Directory, entries and key; and no unfinished file stays."""
    assert entries.stat().st_mode & 0o777 == 0o700
    files = [*entries.iterdir(), tmp_path / "ledger.key"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert len(files) == ledger.head().number + 2


def test_who_has_the_public_key_can_check_an_entry(ledger: Ledger, entries: Path) -> None:
    """The second line is the Ed25519 signature over the first, and nothing secret is needed to see that."""
    public = Ed25519PublicKey.from_public_bytes(ledger.key.public)
    told, signature = (entries / "0000000003.entry").read_bytes().splitlines()
    public.verify(bytes.fromhex(signature.decode()), told)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_is_found(ledger: Ledger, open_it: Opener, entries: Path, data: st.DataObject) -> None:
    """Whichever byte of whichever entry is changed, the ledger does not open."""
    path = data.draw(st.sampled_from(sorted(entries.iterdir())))
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :])
    try:
        with pytest.raises(LedgerError):
            open_it()
    finally:
        path.write_bytes(whole)
    assert open_it().head() == ledger.head()


def remove_one(entries: Path) -> None:
    """Takes an entry out of the middle."""
    (entries / "0000000003.entry").unlink()


def close_up(entries: Path) -> None:
    """Takes an entry out of the middle, and moves those after it up."""
    for number in (3, 4):
        (entries / f"{number + 1:010}.entry").replace(entries / f"{number:010}.entry")


def swap(entries: Path) -> None:
    """Swaps two entries."""
    one, other = (entries / f"{number:010}.entry" for number in (2, 3))
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


def repeat(entries: Path) -> None:
    """Puts the last entry there once more."""
    shutil.copy(entries / "0000000005.entry", entries / "0000000006.entry")


def empty(entries: Path) -> None:
    """Leaves the directory without entries, as a place that is not mounted is."""
    for path in entries.iterdir():
        path.unlink()


def take_away(entries: Path) -> None:
    """Takes the directory away."""
    shutil.rmtree(entries)


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("spoil", [remove_one, close_up, swap, repeat, empty, take_away])
def test_a_spoilt_ledger_is_refused(open_it: Opener, entries: Path, spoil: Callable[[Path], None]) -> None:
    """Deleting, closing the gap, reordering, repeating, and losing all of it are found when it is opened."""
    spoil(entries)
    with pytest.raises(LedgerError):
        open_it()


def test_a_ledger_cut_short_is_told_from_what_was_known(ledger: Ledger, open_it: Opener, entries: Path) -> None:
    """By itself a shorter chain is whole; against a head that somebody kept elsewhere it is refused, and so is another."""
    known = ledger.head()
    (entries / "0000000005.entry").unlink()
    shorter = open_it()
    assert shorter.head().number == 4
    with pytest.raises(LedgerError, match="ends at entry 4, and there were 5"):
        shorter.check(known)
    with pytest.raises(LedgerError, match="not the one"):
        shorter.check(Head(4, known.hash))
    shorter.add("somebody else", "erasure", now=NOW)
    with pytest.raises(LedgerError, match="not the one"):
        shorter.check(known)


def test_a_running_process_sees_that_entries_are_gone(ledger: Ledger, entries: Path) -> None:
    """What it has read already is asked for again."""
    (entries / "0000000005.entry").unlink()
    with pytest.raises(LedgerError):
        ledger.head()


def test_another_key_is_refused(ledger: Ledger, entries: Path, tmp_path: Path) -> None:
    """A ledger that somebody else signed does not open with our key, nor ours without its key."""
    assert ledger.head().number == 5
    LedgerKey.create(tmp_path / "other.key")
    for name in ("other.key", "none.key"):
        with pytest.raises(LedgerError):
            open_ledger(DirectoryOfEntries(entries), tmp_path / name, now=NOW)


def test_a_key_that_others_can_read_or_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    """In a sentence that says what to do."""
    path = tmp_path / "ledger.key"
    LedgerKey.create(path)
    path.chmod(0o640)
    with pytest.raises(LedgerError, match="mode to 0600"):
        LedgerKey.load(path)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(LedgerError, match="cut short"):
        LedgerKey.load(path)


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_killed_while_it_is_founded_it_is_founded_later(
    open_it: Opener, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Whichever file was the last to be made, the next opening ends with key and first entry."""

    class Killed(BaseException):
        pass

    calls = 0

    def tick(directory: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == moment:
            raise Killed

    with monkeypatch.context() as patched:
        for module in (durable, __import__("datasteward.ledger.ledger", fromlist=["ledger"])):
            patched.setattr(module, "sync_directory", tick)
        with pytest.raises(Killed):
            open_it()
    opened = open_it()
    assert opened.add("somebody", "erasure", now=NOW).number == 1
    assert open_it().head() == opened.head()
