"""Boxes."""

from __future__ import annotations

import copy
import json
import pickle

import msgspec
import pytest

from datasteward.crypto import Box

BOX = Box(b"ciphertext of something")


def test_a_box_shows_its_length_alone() -> None:
    """Neither repr nor the repr of what holds it shows the bytes."""
    assert repr([BOX]) == "[<Box, 23 bytes>]"


@pytest.mark.parametrize("use", [str, "{}".format, "%s".__mod__, pickle.dumps, json.dumps, msgspec.json.encode])
def test_a_box_slips_into_no_text_and_no_pickle(use: object) -> None:
    """Templates, log lines, JSON and caches raise TypeError instead of taking it."""
    with pytest.raises(TypeError):
        use(BOX)  # type: ignore[operator]


def test_boxes_compare_by_ciphertext() -> None:
    """Equal ciphertexts are equal boxes with one hash; bytes are no box; a copy is the same."""
    assert Box(BOX.ciphertext) == BOX
    assert len({BOX, Box(BOX.ciphertext), Box(b"")}) == 2
    assert BOX.ciphertext != BOX
    assert copy.deepcopy(BOX) is copy.copy(BOX) is BOX
