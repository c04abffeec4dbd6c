"""Where the keys of epochs lie: in every directory or not at all, and nothing of them after a kill."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.killing import Killed

from datasteward import durable
from datasteward.errors import KeyStoreError, RootKeyError
from datasteward.keys import Context, EpochDirectory, FileRootKey, KeyStore, RootKeyFile, RootKeys, Vault, directory
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing

FAR = datetime(2099, 1, 1, tzinfo=UTC)
PLACE = Context("ada", "letter", "words", "1")


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """The first directory."""
    return tmp_path / "one"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """The second directory."""
    return tmp_path / "two"


@pytest.fixture
def place(one: Path, two: Path) -> EpochDirectory:
    """Keys in two directories."""
    return EpochDirectory(one, two)


@pytest.fixture
def store(open_store: Callable[..., KeyStore], place: EpochDirectory) -> KeyStore:
    """A key store whose epochs lie in both."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return open_store(epochs=place, clock=lambda: now + timedelta(seconds=next(ticks)), cache_seconds=0)


ticks = iter(range(10**9))


@pytest.fixture
def admin(store: KeyStore) -> KeyAdmin:
    """What changes keys in it."""
    return KeyAdmin(Changing(store, per_second=10_000))


def turn(admin: KeyAdmin) -> int:
    """A whole change of epochs; says how many have ended."""
    admin.begin_epoch()
    admin.rewrap()
    return admin.end_epochs(overlap_before=FAR)


def test_one_directory_of_two_is_enough_to_read_but_not_to_destroy(place: EpochDirectory, one: Path) -> None:
    """A lost disk takes no key along; a key that cannot be destroyed everywhere is not said to be gone."""
    place.put("epoch", b"wrapped")
    shutil.rmtree(one)
    assert place.copies("epoch") == [None, b"wrapped"]
    with pytest.raises(KeyStoreError, match="each of their directories"):
        place.destroy("epoch")


def test_a_directory_that_cannot_be_read_is_none_unless_it_is_the_only_one(place: EpochDirectory, one: Path) -> None:
    """A failing disk beside a good one holds nobody up; alone it is said to fail, and not to be empty."""
    place.put("epoch", b"wrapped")
    (one / "epoch").unlink()
    (one / "epoch").mkdir()  # reading it fails for root too
    assert place.copies("epoch") == [None, b"wrapped"]
    with pytest.raises(KeyStoreError, match="Is a directory"):
        EpochDirectory(one).copies("epoch")


def test_keys_of_epochs_are_for_their_owner_alone_and_overwritten(tmp_path: Path) -> None:
    """Directory 0700, file 0600; who held the file open finds noise after it was destroyed or replaced."""
    place = EpochDirectory(tmp_path / "epochs")
    place.put("epoch", b"wrapped once")
    path = tmp_path / "epochs" / "epoch"
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    with path.open("rb") as replaced:
        place.put("epoch", b"wrapped twice")
        assert replaced.read() != b"wrapped once"
    with path.open("rb") as destroyed:
        place.destroy("epoch")
        assert destroyed.read() != b"wrapped twice"
    assert place.copies("epoch") == [None]
    place.destroy("epoch")


@pytest.mark.parametrize("again", [EpochDirectory.destroy, lambda place, name: place.put(name, b"new")])
def test_e11_what_a_kill_leaves_of_a_key_goes_with_the_key(
    place: EpochDirectory, one: Path, monkeypatch: pytest.MonkeyPatch, again: Callable[[EpochDirectory, str], None]
) -> None:
    """A copy that was not put in its place yet is overwritten and removed when the key is destroyed, or replaced."""
    place.put("epoch", b"old")
    place.put("epoch.other", b"other")

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(directory, "replace", kill)
        with pytest.raises(Killed):
            place.put("epoch", b"wrapped")
    (left,) = durable.unfinished_of(one / "epoch")
    with left.open("rb") as held:
        again(place, "epoch")
        assert held.read() != b"wrapped"
    assert not left.exists()
    assert place.copies("epoch.other") == [b"other", b"other"]
    assert {path.name for path in one.iterdir()} <= {"epoch", "epoch.other"}


@pytest.mark.parametrize("damage", [b"", b"cut sho", os.urandom(200)], ids=["empty", "short", "other"])
@pytest.mark.parametrize("which", ["one", "two"])
def test_a_damaged_copy_is_passed_over_and_can_be_filled_from_the_other(
    admin: KeyAdmin, store: KeyStore, tmp_path: Path, which: str, damage: bytes
) -> None:
    """Everything opens by the copy that is whole; no epoch begins until both are."""
    vault = Vault(store, cache_seconds=0)
    vault.create("ada")
    box = vault.seal(PLACE, "dear")
    (path,) = (tmp_path / which).iterdir()
    path.write_bytes(damage)
    assert vault.reveal_text(PLACE, box) == "dear"
    with pytest.raises(KeyStoreError, match="do not all have the same"):
        admin.begin_epoch()
    admin.refill()
    assert path.read_bytes() != damage
    assert turn(admin) == 1
    assert vault.reveal_text(PLACE, box) == "dear"


@pytest.mark.parametrize("leaves_its_mount_point", [True, False])
def test_while_a_disk_is_away_no_epoch_begins_ends_or_gets_another_root(
    admin: KeyAdmin, store: KeyStore, two: Path, tmp_path: Path, leaves_its_mount_point: bool
) -> None:
    """Else it would come back with a key that was destroyed meanwhile. Back, or another one filled: all goes on."""
    before = store.epochs.present()
    admin.begin_epoch()
    admin.rewrap()
    two.rename(tmp_path / "away")
    if leaves_its_mount_point:
        two.mkdir()
    for change in (admin.begin_epoch, admin.change_root, lambda: admin.end_epochs(overlap_before=FAR)):
        with pytest.raises(KeyStoreError, match="bring back the disk that is away"):
            change()
    assert store.epochs.place.copies(before).count(None) == 1
    shutil.rmtree(two, ignore_errors=True)
    (tmp_path / "away").rename(two)
    assert admin.end_epochs(overlap_before=FAR) == 1
    assert store.epochs.place.copies(before) == [None, None]


def test_a_new_disk_is_filled_and_nothing_is_lost(
    admin: KeyAdmin, store: KeyStore, two: Path, place: EpochDirectory
) -> None:
    """The keys of all living epochs are in both again; those of ended ones are not."""
    turn(admin)
    admin.begin_epoch()
    shutil.rmtree(two)
    admin.refill()
    assert sorted(path.name for path in two.iterdir()) == sorted(path.name for path in (two.parent / "one").iterdir())
    assert None not in place.copies(store.epochs.present())
    assert len(list(two.iterdir())) == 2


def test_a_root_key_is_not_made_while_a_disk_is_away(
    admin: KeyAdmin, store: KeyStore, two: Path, tmp_path: Path
) -> None:
    """The change is refused before anything is made, so a disk that is filled as told has what the old root key opens."""
    store.epochs.root_key = store.root_key = RootKeyFile(tmp_path / "root.key")
    shutil.rmtree(two)
    with pytest.raises(KeyStoreError, match="is to be filled from the others"):
        admin.change_root()
    assert not (tmp_path / "root.key.next").exists()
    admin.refill()
    assert admin.change_root()


def test_a_directory_is_not_filled_from_a_change_that_was_cut_off(
    admin: KeyAdmin, store: KeyStore, place: EpochDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One copy is under the new root key, which nobody was told to back up: the change is to be done again first."""
    old, new = store.root_key, FileRootKey(os.urandom(32))
    store.epochs.root_key = store.root_key = RootKeys([new, old])
    killed_at_the_second(monkeypatch, admin.change_root)
    before = place.copies(store.epochs.present())
    for change in (admin.refill, admin.begin_epoch):
        with pytest.raises(RootKeyError, match="change the root key again"):
            change()
    assert place.copies(store.epochs.present()) == before
    assert admin.change_root()
    admin.refill()
    assert turn(admin) == 1


def test_a_beginning_that_was_cut_off_between_two_directories_ends_like_others(
    admin: KeyAdmin, place: EpochDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key lies in one of them: doing it again takes it up, in both, and in the end destroys it."""
    killed_at_the_second(monkeypatch, admin.begin_epoch)
    assert turn(admin) == 2
    assert len(place.names()) == 1


def killed_at_the_second(patched: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """The process of the change ends before it puts a file into the second directory."""
    calls = iter([directory.replace])

    def kill(*_: object) -> None:
        raise Killed

    with patched.context() as broken:
        broken.setattr(directory, "replace", lambda *paths: next(calls, kill)(*paths))
        with pytest.raises(Killed):
            change()


def test_a_loss_of_power_finds_the_old_key_whole_or_the_new_one(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new name is on disk before the old bytes are overwritten, and the directory before anything is in it."""
    done: list[str] = []
    for name in ("sync_directory", "_overwrite"):
        real = getattr(directory, name)

        def told(what: object, name: str = name, real: Callable[[object], None] = real) -> None:
            done.append(name)
            real(what)

        monkeypatch.setattr(directory, name, told)
    parents: list[Path] = []
    flush = durable.sync_directory
    monkeypatch.setattr(durable, "sync_directory", lambda path: (parents.append(path), flush(path)))
    place = EpochDirectory(one)
    place.put("epoch", b"old")
    place.put("epoch", b"new")
    assert one.parent in parents
    assert done == ["sync_directory", "sync_directory", "_overwrite", "sync_directory"]
