"""Asking for pictures, from a page or a program: the edge that rebuilds uploads, stores them, and opens the transaction."""

from __future__ import annotations

from collections.abc import Sequence

from gptimages.errors import InputError
from gptimages.installation import Installation
from gptimages.studio import references, runs, wish
from gptimages.studio.facts import EngineFacts
from gptimages.studio.references import Role
from gptimages.studio.uploads import Picture, rebuild


def ask(
    here: Installation, engine: EngineFacts, account_id: str, wanted: wish.Wish, files: Sequence[tuple[Role, bytes]]
) -> str:
    """Begins a run and returns its id. `files` are pictures as they were sent. Raises InputError or LimitReached."""
    now = here.clock()
    settled = wish.checked(wanted, engine, here.policies)
    masks = sum(role == "mask" for role, _ in files)
    wish.check_pictures(len(files) - masks, masks, here.policies)
    with here.reading("generate", account_id) as session:  # again in the transaction of the run, which alone decides
        runs.check_room(session, here, account_id, settled.count, now)
    pictures: list[tuple[Role, Picture]] = [(role, rebuild(data, limits=here.policies.limits)) for role, data in files]
    _check_mask(pictures)
    stored = references.store(here, account_id, pictures, now)
    with here.writing("generate", account_id) as session:
        return runs.begin(session, here, account_id, settled, stored, now=now).id


def _check_mask(pictures: Sequence[tuple[Role, Picture]]) -> None:
    """A mask lies over the first picture, point by point."""
    first = next((picture for role, picture in pictures if role == "reference"), None)
    mask = next((picture for role, picture in pictures if role == "mask"), None)
    if first and mask and (first.width, first.height) != (mask.width, mask.height):
        raise InputError("The mask has to be as large as the first picture to start from: send both in one size.")
