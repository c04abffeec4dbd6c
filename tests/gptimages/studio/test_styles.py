import pytest

from gptimages.errors import InputError
from gptimages.studio.styles import STYLES, style


def test_every_style_is_found_by_its_id() -> None:
    """Looking up an id gives that style, and ids are not given twice."""
    assert [style(each.id) for each in STYLES] == list(STYLES)
    assert len({each.id for each in STYLES}) == len(STYLES)


def test_no_style_adds_no_words_and_every_other_does() -> None:
    """Only the style "none" leaves the prompt as it is."""
    assert [each.id for each in STYLES if not each.words] == ["none"]


def test_an_unknown_style_is_refused_with_the_choices() -> None:
    """The error names the styles that there are."""
    with pytest.raises(InputError, match="choose one of none, photograph"):
        style("oil")
