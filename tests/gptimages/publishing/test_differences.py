"""What differs between two texts: whatever they are, both can be read back from the differences."""

from __future__ import annotations

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from datasteward.policy import load
from datasteward.policy.text import PolicyText
from gptimages.publishing import differences

ROOT = Path(__file__).parents[3]
WORDS = st.lists(
    st.sampled_from(["we", "keep", "it", "for", "thirteen", "months", "no", "longer"]), min_size=1, max_size=6
)
SENTENCES = st.lists(
    st.tuples(WORDS.map(" ".join), st.sampled_from(["retain.inputs", "rights.erase", "intro"])), max_size=7
)


SHIPPED = [load(ROOT / "policies").texts[name] for name in ("2026-09-01", "2027-01-05")]


def text(sentences: list[tuple[str, str]], like: PolicyText) -> PolicyText:
    """A text of one section."""
    section = like.sections[0]
    sample = section.sentences[0]
    made = tuple(msgspec.structs.replace(sample, text=words, promise=promise) for words, promise in sentences)
    return msgspec.structs.replace(like, sections=(msgspec.structs.replace(section, sentences=made),))


def told(found: list[differences.Difference], *kinds: str) -> list[str]:
    """The sentences of one side, read back from the pieces."""
    sides = (" ".join(words for kind, words in each.parts if kind in ("same", *kinds)) for each in found)
    return [side for side in sides if side]


@given(SENTENCES, SENTENCES)
def test_both_texts_can_be_read_back(before: list, after: list) -> None:
    """Without the new pieces the differences are the old sentences, without the old ones the new, in their order."""
    found = differences.compare(text(before, SHIPPED[0]), text(after, SHIPPED[0]))
    assert told(found, "ins") == [words for words, _ in after]
    assert sorted(told(found, "del")) == sorted(words for words, _ in before)
    for each in found:
        kinds = {kind for kind, _ in each.parts}
        assert kinds <= {"added": {"ins"}, "removed": {"del"}, "same": {"same"}}.get(each.kind, {"same", "ins", "del"})


@given(SENTENCES)
def test_a_text_does_not_differ_from_itself(sentences: list) -> None:
    """Compared with itself, every sentence is the same, and none is new."""
    one = text(sentences, SHIPPED[0])
    assert {each.kind for each in differences.compare(one, one)} <= {"same"}
    assert differences.new_sentences(one, one) == frozenset()


def test_the_shipped_versions() -> None:
    """Between the two shipped versions something differs, and what is marked as new stands in the newer alone."""
    old, new = SHIPPED
    found = differences.compare(old, new)
    assert {each.kind for each in found} >= {"same"}
    assert any(each.kind != "same" for each in found)
    fresh = differences.new_sentences(old, new)
    assert fresh
    assert all(sentence.text not in fresh for section in old.sections for sentence in section.sentences)
