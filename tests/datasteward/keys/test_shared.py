"""What several people own, and what nobody does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session
from support.boards import NOTE, TITLE, Base, Board, Membership, Person, member, shared_board

from datasteward.crypto import Box
from datasteward.errors import DecryptionFailed, KeyMissing
from datasteward.keys import (
    Context,
    Vault,
    context_for,
    reveal,
    reveal_all,
    reveal_shared,
    seal,
    seal_all,
    seal_shared,
    share,
)
from datasteward.keys.shared import Door, SharedRow, open_key, open_shared

__all__ = ["Base"]  # whose tables `session` makes


@pytest.fixture
def key_store_url(database_url: str) -> str:
    """On each kind of database."""
    return database_url


def test_when_one_owner_goes_the_others_still_read(session: Session, vault: Vault) -> None:
    """Both read what is stored; Ada's keys are destroyed and she reads no more, Ben still does; with his, nobody does."""
    board, members = shared_board(vault, "b1", "ada", "ben")
    session.add_all([board, *members])
    session.commit()
    ada, ben = (session.get_one(Membership, each.id) for each in members)
    for each in (ada, ben):
        assert reveal_shared(vault, board, "title", through=each) == TITLE
        assert reveal_shared(vault, board, Board.text, through=each) == NOTE
    vault.destroy("ada")
    with pytest.raises(KeyMissing):
        reveal_shared(vault, board, "title", through=ada)
    assert reveal_shared(vault, board, "title", through=ben) == TITLE
    vault.destroy("ben")
    with pytest.raises(KeyMissing):
        reveal_shared(vault, board, "title", through=ben)


def test_an_owner_lets_another_in(vault: Vault) -> None:
    """A membership that was handed no key opens nothing; handed it through another, it does, and nothing is sealed anew."""
    board, [ada] = shared_board(vault, "b1", "ada")
    ben, sealed = member(board, "ben"), board.title
    with pytest.raises(KeyMissing, match="not handed to this owner"):
        reveal_shared(vault, board, "title", through=ben)
    with pytest.raises(KeyMissing, match="not handed to this owner"):
        share(vault, board, [member(board, "ben", 2)], through=ben)
    share(vault, board, [ben], through=ada)
    assert board.title is sealed
    assert reveal_shared(vault, board, "title", through=ben) == TITLE


def test_a_value_is_changed_under_the_same_key(vault: Vault) -> None:
    """What one owner writes the others read, with the key that they have; an empty value stays empty."""
    board, [ada, ben] = shared_board(vault, "b1", "ada", "ben")
    before = board.title
    after = seal_shared(vault, board, "title", "another title", through=ben)
    board.text = None
    assert before is not None
    assert after is board.title
    assert after.ciphertext[:5] == before.ciphertext[:5]
    assert reveal_shared(vault, board, "title", through=ada) == "another title"
    assert reveal_shared(vault, board, "text", through=ada) is None


MOVES: dict[str, Callable[[Board, Membership, Membership, Board, Membership], None]] = {
    "the value to another column": lambda board, _ada, _ben, _other, _there: setattr(board, "title", board.text),
    "the value of another row": lambda board, _ada, _ben, other, _there: setattr(board, "title", other.title),
    "the key of another member": lambda _board, ada, ben, _other, _there: setattr(ada, "key", ben.key),
    "the key to another membership": lambda _board, ada, _ben, _other, _there: setattr(ada, "id", "another"),
    "the key of another board": lambda _board, ada, _ben, _other, there: setattr(ada, "key", there.key),
    "the membership of another person": lambda _board, ada, _ben, _other, _there: setattr(ada, "person_id", "ben"),
}


@pytest.mark.parametrize("move", MOVES)
def test_e2_nothing_opens_that_was_sealed_for_another_place(vault: Vault, move: str) -> None:
    """A value moved to another row or column, and a key to another membership, person or board, are refused."""
    board, [ada, ben] = shared_board(vault, "b1", "ada", "ben")
    other, [there] = shared_board(vault, "b2", "ada")
    MOVES[move](board, ada, ben, other, there)
    with pytest.raises(DecryptionFailed):
        reveal_shared(vault, board, "title", through=ada)


def test_e2_a_board_and_its_memberships_moved_together_do_not_open(vault: Vault) -> None:
    """A membership with its key that is made to refer to another row opens nothing, and seals nothing there."""
    board, [ada] = shared_board(vault, "b1", "ada")
    other = Board(id="b2", title=board.title)
    ada.board_id = "b2"
    with pytest.raises(DecryptionFailed):
        reveal_shared(vault, other, "title", through=ada)
    with pytest.raises(DecryptionFailed):
        seal_shared(vault, other, "text", "words", through=ada)
    with pytest.raises(DecryptionFailed):
        share(vault, other, [member(other, "ben")], through=ada)


def test_e2_a_field_does_not_pass_for_a_key_nor_a_key_for_a_field(vault: Vault) -> None:
    """Both are of one place and one person, and bound to different uses: who writes fields makes no keys."""
    board, [ada] = shared_board(vault, "b1", "ada")
    at, here = Context("ada", "membership", "board_key", ada.id), SharedRow("board", "b1")
    assert ada.key is not None
    with pytest.raises(DecryptionFailed):
        vault.reveal(at, ada.key)
    ada.key = vault.seal(at, open_key(vault, here, Door(at, ada.key)))
    with pytest.raises(DecryptionFailed):
        reveal_shared(vault, board, "title", through=ada)


def test_one_persons_functions_refuse_what_is_shared_and_the_other_way_round(vault: Vault) -> None:
    """Whoever takes the wrong one is told the right one; the key of a row is neither sealed nor revealed as a value."""
    board, [ada] = shared_board(vault, "b1", "ada")
    for wrong in (
        lambda: seal(vault, board, "title", "words"),
        lambda: reveal(vault, board, "title"),
        lambda: seal_all(vault, [board], ["title"], [("words",)]),
        lambda: reveal_all(vault, [board], ["title"]),
        lambda: context_for(board, "title", subject="ada"),
    ):
        with pytest.raises(ValueError, match=r"board\.title is several people's: use seal_shared and reveal_shared"):
            wrong()
    for wrong in (lambda: seal(vault, ada, "key", b"words"), lambda: reveal_all(vault, [ada], ["key"])):
        with pytest.raises(ValueError, match=r"membership\.board_key holds the keys .* datasteward\.keys\.share"):
            wrong()
    seal(vault, ada, "nick", "Addie")
    for one in (
        lambda: reveal_shared(vault, ada, "nick", through=ada),
        lambda: seal_shared(vault, ada, "nick", "Addie", through=ada),
    ):
        with pytest.raises(ValueError, match=r"membership\.nick is not shared, but one person's: use seal and reveal"):
            one()
    with pytest.raises(ValueError, match="No column of membership is shared"):
        share(vault, ada, [ada])


def test_a_new_key_locks_nobody_out(vault: Vault) -> None:
    """A row has one key: a second one is not made while something is sealed, or somebody has the first."""
    board, [ada] = shared_board(vault, "b1", "ada")
    with pytest.raises(ValueError, match="say through="):
        share(vault, board, [member(board, "ben")])
    board.title = board.text = None
    with pytest.raises(ValueError, match="say through="):
        share(vault, board, [ada])


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("emptied", [True, False])
def test_a_row_in_a_session_gets_no_second_key(session: Session, vault: Vault, stored: bool, emptied: bool) -> None:
    """Whether or not something is sealed yet, or any more: another owner has the key, and is asked to let others in."""
    vault.create("cleo")
    board = Board(id="b1")
    ada, cleo = member(board, "ada"), member(board, "cleo")
    session.add_all([board, ada])
    share(vault, board, [ada])
    if emptied:
        seal_shared(vault, board, "title", TITLE, through=ada)
        board.title = None
    if stored:
        session.commit()
    with pytest.raises(ValueError, match="say through="):
        share(vault, board, [cleo])
    share(vault, board, [cleo], through=ada)
    seal_shared(vault, board, "title", TITLE, through=cleo)
    assert reveal_shared(vault, board, "title", through=ada) == TITLE
    other = Board(id="b2")
    session.add(other)
    share(vault, other, [member(other, "cleo")])


def test_rows_that_do_not_belong_together_are_refused(vault: Vault) -> None:
    """A key goes to memberships of its board alone, which say whose they are; nobody has it when one of them is refused."""
    board, first = Board(id="b1"), member(Board(id="b1"), "ada")
    for wrong, told in (
        (member(Board(id="b2"), "ben"), "Set board_id of the row of membership first"),
        (Membership(id="m", person_id="ben"), "Set board_id of the row of membership first"),
        (Membership(board_id="b1", person_id="ben"), "Set the primary key of Membership"),
        (Membership(id="m", board_id="b1"), "Nothing in the row tells whose membership.board_key is"),
        (Person(id="ben"), "Name a row of membership"),
    ):
        with pytest.raises(ValueError, match=told):
            share(vault, board, [first, wrong])
    with pytest.raises(ValueError, match="Set the primary key of Board"):
        share(vault, Board(), [first])
    with pytest.raises(KeyMissing):
        share(vault, board, [first, member(board, "carla")])
    assert first.key is None


def test_what_is_sealed_opens_by_what_the_formats_say(vault: Vault) -> None:
    """Who has the person's keys, the rows and FORMATS.md opens a shared value without a mapped row."""
    board, [ada] = shared_board(vault, "b1", "ada")
    door = Door(Context("ada", "membership", "board_key", ada.id), ada.key)
    assert isinstance(board.title, Box)
    assert open_shared(vault, SharedRow("board", "b1"), "title", board.title, door) == TITLE.encode()


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
