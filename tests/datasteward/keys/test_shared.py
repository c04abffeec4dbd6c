"""What several people own, and what nobody does."""

from __future__ import annotations

import pytest

from datasteward.errors import DecryptionFailed, KeyMissing
from datasteward.keys import Context, Vault
from datasteward.keys.shared import Shared, reveal_shared, seal_shared, share

PLACE = ("board", "title", "b1")


@pytest.fixture
def key_store_url(database_url: str) -> str:
    """On each kind of database."""
    return database_url


def test_when_one_owner_goes_the_others_still_read(vault: Vault) -> None:
    """Both read; Ada is destroyed and reads no more, Ben still does; with him gone nobody does."""
    shared = seal_shared(vault, PLACE, b"our board", ["ada", "ben"])
    assert reveal_shared(vault, PLACE, shared, "ada") == reveal_shared(vault, PLACE, shared, "ben") == b"our board"
    vault.destroy("ada")
    with pytest.raises(KeyMissing):
        reveal_shared(vault, PLACE, shared, "ada")
    assert reveal_shared(vault, PLACE, shared, "ben") == b"our board"
    vault.destroy("ben")
    with pytest.raises(KeyMissing):
        reveal_shared(vault, PLACE, shared, "ben")


def test_an_owner_lets_another_in(vault: Vault) -> None:
    """Who was not an owner becomes one without the value being sealed anew."""
    shared = seal_shared(vault, PLACE, b"our board", ["ada"])
    with pytest.raises(KeyMissing, match="only its owners"):
        reveal_shared(vault, PLACE, shared, "ben")
    more = share(vault, PLACE, shared, "ada", "ben")
    assert more.box == shared.box
    assert reveal_shared(vault, PLACE, more, "ben") == b"our board"


def test_e2_it_opens_in_its_place_alone_and_each_key_for_its_owner(vault: Vault) -> None:
    """Moved to another row, or with the keys of two owners changed over, nothing opens."""
    shared = seal_shared(vault, PLACE, b"our board", ["ada", "ben"])
    with pytest.raises(DecryptionFailed):
        reveal_shared(vault, ("board", "title", "b2"), shared, "ada")
    swapped = Shared(shared.box, {"ada": shared.keys["ben"], "ben": shared.keys["ada"]})
    with pytest.raises(DecryptionFailed):
        reveal_shared(vault, PLACE, swapped, "ada")


def test_standing_keys_are_nobodys(vault: Vault) -> None:
    """They are made once, do not count among people's, and stay when people are destroyed."""
    owner = vault.standing("reports")
    place = Context(owner, "report", "text", "r1")
    box = vault.seal(place, "a report")
    assert vault.standing("reports") == owner
    assert vault.count() == 2
    vault.destroy("ada")
    vault.destroy("ben")
    assert vault.reveal_text(place, box) == "a report"


def test_a_field_of_an_owner_does_not_pass_for_the_key_nor_the_key_for_a_field(vault: Vault) -> None:
    """Both are of one place and one person, and bound to different uses."""
    shared = seal_shared(vault, PLACE, b"our board", ["ada"])
    field = vault.seal(Context("ada", *PLACE), shared.keys["ada"].ciphertext)
    with pytest.raises(DecryptionFailed):
        vault.reveal(Context("ada", *PLACE), shared.keys["ada"])
    with pytest.raises(DecryptionFailed):
        reveal_shared(vault, PLACE, Shared(shared.box, {"ada": field}), "ada")
