"""What a ciphertext is bound to: E2, every part of its place counts; E4, no call can leave it out."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import by_hand

from datasteward.crypto import FieldCipher, Keyset, KeysetKind, StreamCipher, associated_data
from datasteward.errors import DecryptionFailed
from datasteward.keys import Context, Vault, reveal, reveal_all, reveal_shared, seal, seal_all, seal_shared, share
from datasteward.keys.shared import Door, SharedRow
from datasteward.objects import EncryptedObjects

CIPHER = FieldCipher(Keyset.random(KeysetKind.FIELDS))
PARTS = st.lists(st.text(alphabet="ab\0\x01\x02/é", max_size=4), max_size=5)
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
CONTEXTS = st.builds(Context, *[ANY_TEXT] * 4)


@st.composite
def cut_otherwise(draw: st.DrawFn) -> tuple[Context, Context]:
    """Two contexts whose parts, put together, are the same text."""
    text = draw(st.text(alphabet="ab\0\x01", max_size=8))
    one, two = (sorted(draw(st.tuples(*[st.integers(0, len(text))] * 3))) for _ in range(2))
    return _cut(text, one), _cut(text, two)


def _cut(text: str, at: list[int]) -> Context:
    edges = [0, *at, len(text)]
    return Context(*(text[start:end] for start, end in pairwise(edges)))


@example(one=["a", "b"], two=["ab"])
@example(one=["", "a"], two=["a", ""])
@example(one=[], two=[""])
@given(one=PARTS, two=PARTS)
@settings(deadline=None)
def test_e2_the_encoding_is_injective(one: list[str], two: list[str]) -> None:
    """Two different lists, the use included, never have the same bytes: they can be taken apart again."""
    assert (associated_data("use", *one) == associated_data("use", *two)) == (one == two)
    for parts in filter(None, (one, two)):
        assert by_hand.parts(associated_data(*parts)) == parts


@given(parts=st.lists(ANY_TEXT, min_size=1, max_size=5))
@settings(deadline=None)
def test_e2_the_encoding_is_the_documented_one(parts: list[str]) -> None:
    """Whatever the text, the bytes are those that an implementation from the document alone gives."""
    assert associated_data(*parts) == by_hand.associated(*parts)


@given(context=CONTEXTS)
@settings(deadline=None)
def test_e2_a_context_has_the_encoding_of_a_field(context: Context) -> None:
    """The quick way that contexts take gives the canonical bytes."""
    expected = by_hand.associated("datasteward/field/1", context.subject, context.table, context.column, context.row)
    assert context.associated_data() == expected


@given(pair=st.one_of(st.tuples(CONTEXTS, CONTEXTS), cut_otherwise()))
@settings(deadline=None)
def test_e2_a_field_moved_to_any_other_place_does_not_open(pair: tuple[Context, Context]) -> None:
    """Under one and the same key, a field opens in its own place and in no other, however alike they are written."""
    home, elsewhere = pair
    sealed = CIPHER.encrypt(b"words", home.associated_data())
    assert CIPHER.decrypt(sealed, home.associated_data()) == b"words"
    if home != elsewhere:
        with pytest.raises(DecryptionFailed):
            CIPHER.decrypt(sealed, elsewhere.associated_data())


@given(context=CONTEXTS, part=st.sampled_from(Context.__struct_fields__), other=ANY_TEXT)
@settings(deadline=None)
def test_e2_each_part_of_a_place_counts_alone(context: Context, part: str, other: str) -> None:
    """Another subject, table, column or row, everything else being equal, is another place."""
    elsewhere = msgspec.structs.replace(context, **{part: other})
    assert (elsewhere.associated_data() == context.associated_data()) == (elsewhere == context)


@given(subject=ANY_TEXT, key=ANY_TEXT, context=CONTEXTS)
@settings(deadline=None)
def test_e2_what_is_sealed_for_one_use_is_not_for_another(subject: str, key: str, context: Context) -> None:
    """No field's place is an object's, a keyset's or the store's."""
    uses = [associated_data(f"datasteward/{use}/1", subject, key) for use in ("object", "keyset", "field")]
    row = SharedRow(subject, key)
    uses += [row.value_in(context.column), row.key_at(context)]
    assert len({*uses, associated_data("datasteward/store/1"), context.associated_data()}) == len(uses) + 2


PLACES: list[tuple[Callable[..., object], set[str]]] = [
    (FieldCipher.encrypt, {"associated_data"}),
    (FieldCipher.decrypt, {"associated_data"}),
    (StreamCipher.encrypt, {"associated_data"}),
    (StreamCipher.decrypt, {"associated_data"}),
    (Vault.seal, {"context"}),
    (Vault.reveal, {"context"}),
    (Vault.reveal_text, {"context"}),
    (Vault.seal_stream, {"subject", "associated_data"}),
    (Vault.reveal_stream, {"subject", "associated_data"}),
    (EncryptedObjects.put, {"subject", "key"}),
    (EncryptedObjects.open, {"subject", "key"}),
    (EncryptedObjects.read, {"subject", "key"}),
    (FieldCipher.seal_texts, {"heads", "tail"}),
    (FieldCipher.open_texts, {"heads", "tail"}),
    (seal, {"row", "attribute"}),  # the row tells its place, and whose it is or ValueError
    (reveal, {"row", "attribute"}),
    (seal_all, {"rows", "attributes"}),
    (reveal_all, {"rows", "attributes"}),
    (seal_shared, {"row", "attribute", "through"}),
    (reveal_shared, {"row", "attribute", "through"}),
    (share, {"row", "doors"}),
    (SharedRow, {"table", "row"}),
    (Door, {"place", "key"}),
    (Context, {"subject", "table", "column", "row"}),
]


@pytest.mark.parametrize(("call", "names"), PLACES, ids=lambda value: getattr(value, "__qualname__", None))
def test_e4_no_call_has_a_default_for_the_place(call: Callable[..., object], names: set[str]) -> None:
    """What seals or opens takes the place as an argument that cannot be left out."""
    parameters = inspect.signature(call).parameters
    assert names <= parameters.keys()
    assert {name for name in names if parameters[name].default is not inspect.Parameter.empty} == set()


@pytest.mark.parametrize("owner", [FieldCipher, StreamCipher, Vault, EncryptedObjects])
def test_e4_no_other_call_makes_the_place_optional(owner: type) -> None:
    """Whatever else comes to seal or open for a place: no part of the place may be left out or be None by default."""
    place = {"associated_data", "context", "contexts", "subject", "key"}
    for name, call in inspect.getmembers(owner, inspect.isfunction):
        found = inspect.signature(call).parameters
        optional = {each for each in place & found.keys() if found[each].default is not inspect.Parameter.empty}
        assert optional == set(), name


def test_e4_leaving_the_place_out_is_an_error() -> None:
    """Decrypting without associated data raises before anything is decrypted; None does not stand for any."""
    sealed = CIPHER.encrypt(b"words", Context("s", "t", "c", "r").associated_data())
    with pytest.raises(TypeError):
        CIPHER.decrypt(sealed)  # type: ignore[call-arg]
    with pytest.raises(DecryptionFailed):
        CIPHER.decrypt(sealed, None)  # type: ignore[arg-type]
