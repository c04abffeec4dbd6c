"""Boxes and the canonical associated data."""

from __future__ import annotations

import copy
import json
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasteward.crypto import Box, associated_data
from datasteward.keys import Context

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


def test_the_test_vectors_of_the_associated_data() -> None:
    """The encoding is a format: these bytes do not change."""
    vectors = {
        Context("s", "t", "c", "r"): "00000013"
        + b"datasteward/field/1".hex()
        + "0000000173000000017400000001630000000172",
        Context("", "generation", "prompt", "é"): (
            "00000013" + b"datasteward/field/1".hex() + "00000000"
            "0000000a67656e65726174696f6e" + "0000000670726f6d7074" + "00000002c3a9"
        ),
    }
    for context, expected in vectors.items():
        assert context.associated_data().hex() == expected
    assert associated_data("datasteward/store/1").hex() == "00000013" + b"datasteward/store/1".hex()


PARTS = st.lists(st.text(alphabet="ab\0\x01/é", max_size=4), max_size=4)


@given(one=PARTS, two=PARTS)
def test_the_associated_data_is_injective(one: list[str], two: list[str]) -> None:
    """Two different lists of parts never have the same encoding."""
    assert (associated_data("use", *one) == associated_data("use", *two)) == (one == two)
