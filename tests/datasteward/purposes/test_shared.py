"""A shared value is revealed for no purpose that does not cover it or its key, wherever the rows were loaded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from support.boards import TITLE, Base, Board, Membership, member, shared_board
from support.views import filled

from datasteward.errors import PurposeError
from datasteward.keys import Vault, reveal_shared, seal_shared, share
from datasteward.policy import PolicySet
from datasteward.purposes import Purposes


@pytest.fixture
def purposes(database_url: str, stated: PolicySet, vault: Vault) -> Iterator[Purposes]:
    """Views of a database with a board of Ada's: `serve` covers its words, `taste` the ids alone."""
    board, members = shared_board(vault, "b1", "ada")
    with filled(database_url, stated, Base.metadata) as (views, session):
        session.add(board)
        session.flush()
        session.add_all(members)
        session.commit()
        yield views


def test_neither_value_nor_key_is_carried_into_another_purpose(purposes: Purposes, vault: Vault) -> None:
    """What `serve` loaded opens there; in a session for `taste` neither the words nor the key do, whichever is taken along."""
    with purposes.session("serve", actor="test", expire_on_commit=False) as session:
        board, ada = session.scalars(select(Board)).one(), session.scalars(select(Membership)).one()
        assert reveal_shared(vault, board, "title", through=ada) == TITLE
    with purposes.session("taste", actor="test") as session, session.no_autoflush:
        carried = session.merge(board, load=False)
        with pytest.raises(PurposeError, match=r"taste does not cover user\.support\.ticket, which board\.title"):
            reveal_shared(vault, carried, "title", through=ada)
    with purposes.session("taste", actor="test") as session, session.no_autoflush:
        carried_key = session.merge(ada, load=False)
        told = r"taste does not cover user\.support\.ticket, which membership\.board_key"
        with pytest.raises(PurposeError, match=told):
            reveal_shared(vault, board, "title", through=carried_key)
        with pytest.raises(PurposeError, match=told):
            seal_shared(vault, board, "title", "another", through=carried_key)
        with pytest.raises(PurposeError, match=told):
            share(vault, board, [member(board, "ben")], through=carried_key)
