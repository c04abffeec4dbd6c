"""People's keys are changed while everything stays readable, and everything at random."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from support.key_world import PEOPLE, START, World

from datasteward.errors import KeyMissing
from datasteward.keys import Vault
from datasteward.keys.admin import SETTLED


def test_a_persons_new_key_is_known_everywhere_before_it_encrypts(world: World) -> None:
    """First it is added, then it encrypts; what the old ones sealed opens for ever, in a process with an old cache too."""
    other_store = world.open(world.root)
    other = Vault(other_store, cache_seconds=60, clock=lambda: (world.now - START).total_seconds())
    assert world.readable(other, *PEOPLE)
    world.now += timedelta(days=730)
    assert world.readable(other, *PEOPLE)
    assert world.admin.stage(made_before=world.now) == 2 * len(PEOPLE)
    assert world.admin.stage(made_before=world.now) == 0
    assert world.admin.promote(staged_before=world.now - SETTLED) == 0
    world.vault = Vault(world.store)
    world.write()
    assert world.readable(other, *PEOPLE)
    world.now += SETTLED
    assert world.readable(other, *PEOPLE)
    assert world.admin.promote(staged_before=world.now - SETTLED) == 2 * len(PEOPLE)
    world.vault = Vault(world.store)
    old_ids = {box.ciphertext[:5] for _, box in world.texts["ada"]}
    world.write()
    assert world.texts["ada"][-1][1].ciphertext[:5] not in old_ids
    assert world.readable(other, *PEOPLE)
    assert world.all_readable()
    other_store.close()


def test_the_state_tells_ages_versions_and_what_is_due(world: World) -> None:
    """Counts by version and epoch, since when the root key wraps, and how many keysets are older than a time."""
    world.now += timedelta(days=800)
    told = world.vault.state(made_before=world.now)
    assert (told.root_key, told.root_since, told.due, told.staged) == (world.root.id, START, 10, 0)
    assert [(each.begun_at, each.keysets) for each in told.epochs] == [(START, 10)]
    world.admin.stage(made_before=world.now)
    world.admin.promote(staged_before=world.now)
    told = world.vault.state(made_before=world.now)
    assert (told.versions, told.due, told.oldest) == ({2: 10}, 0, world.now)


def test_a_keyset_made_by_a_clock_that_was_ahead_is_due_too(world: World) -> None:
    """It would else be used for ten years and the schedule's two; with its new key it is of now."""
    month = timedelta(days=30)
    world.now += timedelta(days=3650)
    world.vault.create("felix")
    world.now = START + timedelta(days=1)
    assert world.vault.state(made_before=world.now - month).due == 2
    assert world.admin.stage(made_before=world.now - month) == 2
    world.now += SETTLED
    assert world.admin.promote(staged_before=world.now - SETTLED) == 2
    told = world.vault.state(made_before=world.now - month)
    assert (told.due, told.versions) == (0, {1: 10, 2: 2})


def test_changes_and_destructions_at_random_keep_the_living_and_only_them(world: World) -> None:
    """Whatever is done in whatever order, who lives reads everything and who was destroyed is gone."""
    chance, living = random.Random(7), list(PEOPLE)
    steps = [
        lambda: world.turn(),
        lambda: world.admin.stage(made_before=world.now),
        lambda: world.admin.promote(staged_before=world.now - SETTLED),
        lambda: world.admin.change_root(),
        lambda: len(living) > 2 and world.vault.destroy(living.pop()),
        lambda: world.write(),
    ]
    for _ in range(25):
        world.now += timedelta(days=1)
        chance.choice(steps)()
        world.vault = Vault(world.store)
        assert world.readable(world.vault, *living)
    for name in set(PEOPLE) - set(living):
        with pytest.raises(KeyMissing):
            world.readable(world.vault, name)
