"""A key store that was restored keeps the promises that were made before: no epoch is forgotten, and none stays for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from support.key_world import PEOPLE, SCHEDULE, World

from datasteward.crypto import Keyset, KeysetKind, associated_data
from datasteward.errors import KeyStoreError, RootKeyError
from datasteward.keys import KeyStore, Vault
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from datasteward.keys.keeping import Kept, keep

DAY = timedelta(days=1)


def admin(store: KeyStore) -> KeyAdmin:
    """What changes keys, without pauses."""
    return KeyAdmin(Changing(store, per_second=10**9))


def nights(world: World, store: KeyStore, number: int) -> Iterator[Kept]:
    """What the nightly job does."""
    for _ in range(number):
        world.now += DAY
        yield keep(admin(store), SCHEDULE, world.now)


def test_e11_an_epoch_that_began_after_the_backup_ends_too(world: World, new_database: Callable[[], str]) -> None:
    """Its key lies there though the restored key store does not know it: else later backups would open the dead for ever."""
    first, place = world.back_up(), world.backup
    world.now += 31 * DAY
    world.admin.begin_epoch()
    world.admin.rewrap()
    world.backup = world.directory / "second"
    second = world.back_up()
    world.vault.destroy("ada")
    world.now += DAY
    with closing(world.restore(new_database(), first, place)) as store:
        Vault(store).destroy("ada")  # as the erasure ledger says, when it is replayed
        with closing(world.restore(new_database(), second)) as later:
            assert world.readable(Vault(later), "ada")
        done = list(nights(world, store, 9))
        assert sum(night.ended for night in done) == 2
        assert sum(night.begun for night in done) == 1
        assert world.readable(Vault(store), *PEOPLE[1:])
        assert list(nights(world, store, 10))[-1] == Kept(begun=False, rewrapped=0, ended=0)
    with pytest.raises(KeyStoreError, match="keys of epochs are not those of this key store"):
        world.restore(new_database(), second)
    assert len(world.places.names()) == 1


@pytest.mark.parametrize("change", ["keep", "change_root", "refill", "end_epochs"])
def test_an_epoch_that_ended_after_the_backup_holds_nothing_up(
    world: World, new_database: Callable[[], str], change: str
) -> None:
    """A backup from the overlap says that the old epoch lives: its key is gone, and so is it."""
    world.now += 31 * DAY
    world.admin.begin_epoch()
    world.admin.rewrap()
    manifest = world.back_up()
    world.now += 8 * DAY
    assert world.admin.end_epochs(overlap_before=world.now) == 1
    with closing(world.restore(new_database(), manifest)) as store:
        changes = {
            "keep": lambda: keep(admin(store), SCHEDULE, world.now),
            "change_root": lambda: admin(store).change_root(),
            "refill": lambda: admin(store).refill(),
            "end_epochs": lambda: admin(store).end_epochs(overlap_before=world.now),
        }
        changes[change]()
        assert len(Vault(store).state(made_before=world.now).epochs) == 1
        assert world.readable(Vault(store), *PEOPLE)
        assert sum(night.begun for night in nights(world, store, 40)) == 1
        assert world.readable(Vault(store), *PEOPLE)


def test_a_backup_from_before_a_change_of_the_root_key_is_under_the_new_one(
    world: World, new_database: Callable[[], str]
) -> None:
    """It names the old root key, though the keys of epochs are wrapped by the new one: taken over, epochs begin again."""
    manifest = world.back_up()
    world.admin.change_root()
    with closing(world.restore(new_database(), manifest)) as store:
        world.now += 31 * DAY
        with pytest.raises(RootKeyError):
            admin(store).begin_epoch()
        admin(store).take_over()
        assert admin(store).begin_epoch()
        assert Vault(store).state(made_before=world.now).root_key == world.root.id
        assert world.readable(Vault(store), *PEOPLE)


@pytest.mark.parametrize("taken_along", [True, False])
def test_a_backup_of_an_overlap_holds_nothing_up_once_that_is_over(
    world: World, new_database: Callable[[], str], taken_along: bool
) -> None:
    """Keysets that had not been taken along to the next epoch are lost with the old one; root keys and epochs change."""
    world.now += 31 * DAY
    world.admin.begin_epoch()
    world.vault.create("felix")
    if taken_along:
        world.admin.rewrap()
    manifest = world.back_up()
    world.admin.rewrap()
    world.now += 8 * DAY
    assert world.admin.end_epochs(overlap_before=world.now) == 1
    world.admin.change_root()
    with closing(world.restore(new_database(), manifest)) as store:
        admin(store).take_over()
        admin(store).refill()
        assert admin(store).change_root()
        nightly = list(nights(world, store, 40))
        assert sum(night.begun for night in nightly) == 1
        assert nightly[-1].damaged == (0 if taken_along else len(PEOPLE))
        assert Vault(store).opener("felix")
        for name in PEOPLE if taken_along else ():
            assert world.readable(Vault(store), name)


def test_what_the_root_key_does_not_open_is_left_alone(world: World) -> None:
    """A file of something else, or of another installation, is neither taken up nor destroyed."""
    strange = world.directory / "epochs" / "readme"
    strange.write_text("the keys of epochs")
    (world.directory / "epochs" / "lost+found").mkdir()
    assert not world.admin.begin_epoch(begun_before=world.now - DAY)
    for _ in nights(world, world.store, 45):
        pass
    assert strange.read_text() == "the keys of epochs"


def test_a_beginning_that_was_rolled_back_leaves_a_key_that_goes(world: World) -> None:
    """The file was written before the transaction failed; nobody has wrapped anything under it."""
    plain = Keyset.random(KeysetKind.FIELDS).to_bytes()
    world.places.put("abcd", world.root.wrap(plain, associated_data("datasteward/epoch/1", "abcd")))
    for _ in nights(world, world.store, 9):
        pass
    assert "abcd" not in world.places.names()
    assert world.all_readable()


def test_a_clock_that_was_ahead_stops_no_epoch(world: World) -> None:
    """One night ten years ahead, then the right time: epochs go on, and nobody's keys wait for those years."""
    right = world.now + DAY
    world.now += 3650 * DAY
    keep(admin(world.store), SCHEDULE, world.now)
    world.now = right
    done = list(nights(world, world.store, 60))
    assert sum(night.begun for night in done) >= 1
    assert sum(night.ended for night in done) >= 1
    told = world.vault.state(made_before=world.now)
    assert told.staged == 0
    assert told.epochs[-1].begun_at <= world.now
    assert world.all_readable()


def test_with_a_clock_that_went_back_it_is_the_old_key_that_goes(world: World) -> None:
    """A minute is enough, between two machines or after a correction of the time."""
    old = world.store.epochs.present()
    world.now -= timedelta(minutes=1)
    world.turn()
    assert world.store.epochs.present() != old
    assert old not in world.places.names()
    assert world.all_readable()
