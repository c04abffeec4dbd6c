"""The erasure ledger, in a directory and in a bucket: only ever added to, each entry once, and every change of it is found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.entries import Entries, Files, Keys
from support.owners import give_away
from support.seaweed import IDENTITY, REGION

from datasteward import durable
from datasteward.durable import sync_directory
from datasteward.errors import LedgerError
from datasteward.ledger import DirectoryOfEntries, Ledger, LedgerKey, open_ledger, store
from datasteward.ledger.bucket import BucketOfEntries
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
    """Several threads that add at the same time, each to a ledger of its own, end in one chain with every entry in it once."""
    ledgers = [open_it() for _ in range(4)]
    people = [f"person-{number}" for number in range(40)]

    def add_all(ledger: Ledger) -> None:
        for subject in people:
            ledger.add(subject, "erasure", now=NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_all, ledgers))
    assert sorted(entry.subject for entry in open_it().since()) == sorted(people)


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from datasteward.ledger import DirectoryOfEntries, open_ledger

key, place, endpoint, region, *identity = sys.argv[1:]
if place.startswith("s3://"):
    from datasteward.ledger.bucket import BucketOfEntries
    from datasteward.s3 import connect
    names = "aws_access_key_id", "aws_secret_access_key"
    store = BucketOfEntries.at(place, connect(endpoint, region, **dict(zip(names, identity, strict=True))))
else:
    store = DirectoryOfEntries(Path(place))
now = datetime.now(UTC)
ledger = open_ledger(store, Path(key), now=now)
print("open", flush=True)
sys.stdin.read(1)
for number in range(12):
    ledger.add(f"person-{number}", "erasure", now=now)
"""


def test_processes_at_once_lose_nothing(open_it: Opener, entries: Entries, tmp_path: Path) -> None:
    """Three that found one ledger together, wait for each other, and then add the same people: one chain, each once."""
    where = ["", REGION, *IDENTITY.values()]
    place = str(entries.path) if isinstance(entries, Files) else f"s3://{entries.bucket}/{entries.prefix}"
    if isinstance(entries, Keys):
        where[0] = entries.seaweed.endpoint
    words = [sys.executable, "-c", WRITER, str(tmp_path / "ledger.key"), place, *where]
    started = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
    try:
        assert [each.stdout.readline() for each in started if each.stdout] == [b"open\n"] * 3
        for each in started:
            each.stdin.write(b".")  # type: ignore[union-attr]
            each.stdin.flush()  # type: ignore[union-attr]
        for each in started:
            each.communicate(timeout=60)
    finally:
        for each in started:
            each.kill()
            each.wait()
    assert [each.returncode for each in started] == [0, 0, 0]
    assert sorted(entry.subject for entry in open_it().since()) == sorted(f"person-{number}" for number in range(12))


def test_founders_at_once_found_one_ledger(tmp_path: Path) -> None:
    """Many that begin together, again and again: each opens the same one, and no second key takes the place of the first."""
    with ThreadPoolExecutor(8) as pool:
        for name in map(str, range(40)):
            (tmp_path / name).mkdir()
            begin = Barrier(8)

            def found(_number: int, place: Path = tmp_path / name, begin: Barrier = begin) -> str:
                begin.wait()
                return open_ledger(DirectoryOfEntries(place / "ledger"), place / "ledger.key", now=NOW).head().hash

            assert len(set(pool.map(found, range(8)))) == 1
            assert len(list((tmp_path / name).iterdir())) == 2


def test_directories_that_are_made_for_it_are_on_disk_before_the_first_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new directory is lost with the power until the one above it is flushed; so each of those is."""
    synced: list[Path] = []
    real = durable.sync_directory
    monkeypatch.setattr(durable, "sync_directory", lambda directory: (synced.append(directory), real(directory)))
    DirectoryOfEntries(tmp_path / "mounted" / "ledger").add(0, b"first")
    assert synced == [tmp_path / "mounted", tmp_path, tmp_path / "mounted" / "ledger"]


def test_a_place_that_does_not_show_what_it_took_is_told(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of trying for ever: whoever hears of it destroys no key."""
    monkeypatch.setattr(ledger._store, "add", lambda *_given: False)
    with pytest.raises(LedgerError, match="does not show what was written"):
        ledger.add("somebody", "erasure", now=NOW)


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Directory, entries and key; and no unfinished file stays."""
    entries = tmp_path / "ledger"
    ledger = open_ledger(DirectoryOfEntries(entries), tmp_path / "ledger.key", now=NOW)
    ledger.add("somebody", "erasure", now=NOW)
    assert entries.stat().st_mode & 0o777 == 0o700
    files = [*entries.iterdir(), tmp_path / "ledger.key"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert len(files) == ledger.head().number + 2


def test_who_has_the_public_key_can_check_an_entry(ledger: Ledger, entries: Entries) -> None:
    """The second line is the Ed25519 signature over the first, and nothing secret is needed to see that."""
    public = Ed25519PublicKey.from_public_bytes(ledger.key.public)
    told, signature = entries.get(3).splitlines()
    public.verify(bytes.fromhex(signature.decode()), told)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_is_found(ledger: Ledger, open_it: Opener, entries: Entries, data: st.DataObject) -> None:
    """Whichever byte of whichever entry is changed, the ledger does not open."""
    number = data.draw(st.integers(0, 5))
    whole = entries.get(number)
    place = data.draw(st.integers(0, len(whole) - 1))
    entries.put(number, whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :])
    try:
        with pytest.raises(LedgerError):
            open_it()
    finally:
        entries.put(number, whole)
    assert open_it().head() == ledger.head()


def remove_one(entries: Entries) -> None:
    """Takes an entry out of the middle."""
    entries.remove(3)


def close_up(entries: Entries) -> None:
    """Takes an entry out of the middle, and moves those after it up."""
    for number in (3, 4):
        entries.put(number, entries.get(number + 1))
    entries.remove(5)


def swap(entries: Entries) -> None:
    """Swaps two entries."""
    kept = entries.get(2)
    entries.put(2, entries.get(3))
    entries.put(3, kept)


def repeat(entries: Entries) -> None:
    """Puts the last entry there once more."""
    entries.put(6, entries.get(5))


def empty(entries: Entries) -> None:
    """Leaves the place without entries, as one that is not mounted is."""
    for number in entries.store().numbers():
        entries.remove(number)


def take_away(entries: Entries) -> None:
    """Takes the place away."""
    empty(entries)
    if isinstance(entries, Files):
        entries.path.rmdir()


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("spoil", [remove_one, close_up, swap, repeat, empty, take_away])
def test_a_spoilt_ledger_is_refused(open_it: Opener, entries: Entries, spoil: Callable[[Entries], None]) -> None:
    """Deleting, closing the gap, reordering, repeating, and losing all of it are found when it is opened."""
    spoil(entries)
    with pytest.raises(LedgerError):
        open_it()


def test_a_ledger_cut_short_is_told_from_what_was_known(ledger: Ledger, open_it: Opener, entries: Entries) -> None:
    """By itself a shorter chain is whole; against a head that somebody kept elsewhere it is refused, and so is another."""
    known = ledger.head()
    entries.remove(5)
    shorter = open_it()
    assert shorter.head().number == 4
    with pytest.raises(LedgerError, match="ends at entry 4, and there were 5"):
        shorter.check(known)
    with pytest.raises(LedgerError, match="not the one"):
        shorter.check(Head(4, known.hash))
    shorter.add("somebody else", "erasure", now=NOW)
    with pytest.raises(LedgerError, match="not the one"):
        shorter.check(known)


def test_a_running_process_sees_that_entries_are_gone(ledger: Ledger, entries: Entries) -> None:
    """What it has read already is asked for again."""
    entries.remove(5)
    with pytest.raises(LedgerError):
        ledger.head()


def test_another_key_is_refused(ledger: Ledger, entries: Entries, tmp_path: Path) -> None:
    """A ledger that somebody else signed does not open with our key, nor ours without its key."""
    assert ledger.head().number == 5
    LedgerKey.create(tmp_path / "other.key")
    for name in ("other.key", "none.key"):
        with pytest.raises(LedgerError):
            open_ledger(entries.store(), tmp_path / name, now=NOW)


def test_a_key_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns the file can sign entries with it."""
    LedgerKey.create(tmp_path / "ledger.key")
    give_away(tmp_path / "ledger.key", monkeypatch)
    with pytest.raises(LedgerError, match="ledger's key belongs to another user: make the service's user its owner"):
        LedgerKey.load(tmp_path / "ledger.key")


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


@pytest.mark.parametrize("moment", [1, 2, 3, 4])
def test_killed_while_it_is_founded_it_is_founded_later(
    open_it: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Whichever file or object was the last to be made, the next opening ends with key and first entry."""

    class Killed(BaseException):
        pass

    calls, add = 0, BucketOfEntries.add

    def tick(directory: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == moment:
            raise Killed

    with monkeypatch.context() as patched:
        for module in (durable, __import__("datasteward.ledger.ledger", fromlist=["ledger"])):
            patched.setattr(module, "sync_directory", tick)
        patched.setattr(BucketOfEntries, "add", lambda *given: (add(*given), tick(tmp_path))[0])
        with suppress(Killed):
            open_it()
            assert (calls, moment) == (3, 4)  # a bucket has no directory to make, and is founded in one step less
    opened = open_it()
    assert opened.add("somebody", "erasure", now=NOW).number == 1
    assert open_it().head() == opened.head()


def test_an_entry_that_is_found_is_durable_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was killed before the directory was synced left an entry that power may take; who finds it syncs it."""
    opened = open_ledger(DirectoryOfEntries(tmp_path / "ledger"), tmp_path / "ledger.key", now=NOW)
    first = opened.add("ada", "erasure", now=NOW)
    synced: list[Path] = []

    def note(directory: Path) -> None:
        synced.append(directory)
        sync_directory(directory)

    monkeypatch.setattr(store, "sync_directory", note, raising=False)
    assert opened.add("ada", "erasure", now=NOW) == first
    assert synced == [tmp_path / "ledger"]
