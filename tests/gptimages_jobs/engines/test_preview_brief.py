import pytest

from gptimages_jobs.engines.preview import words
from gptimages_jobs.engines.preview.brief import Prompt, family_of, read, seed_of
from gptimages_jobs.engines.preview.colour import rgb, tint, to_lab
from gptimages_jobs.engines.preview.pigments import PIGMENTS
from gptimages_jobs.engines.preview.scenes import SCENES

LANDING = {
    "Ridges going blue, one behind the other": "ridges",
    "Dunes an hour before dark, the shade the colour of plums": "dunes",
    "Northern lights twice, once in the lake": "aurora",
    "A dahlia folded from paper, lit from inside": "dahlia",
    "A courtyard nobody hurries through": "courtyard",
    "Four stones that trust each other": "stones",
    "The marsh at first frost, one heron, the sun just up": "marsh",
    "Wind, drawn by barley": "barley",
    "The inside of a stone that remembers the sea": "agate",
    "A valley cut from seven sheets of paper": "sheets",
}


@pytest.mark.parametrize(("prompt", "family"), LANDING.items())
def test_words_choose_the_family(prompt: str, family: str) -> None:
    """Each prompt of the landing page is drawn by the family that its words name."""
    assert family_of(Prompt(prompt)) == family


@pytest.mark.parametrize(
    ("prompt", "hour", "season", "number"),
    [
        ("The marsh at first frost, one heron, the sun just up", "dawn", "winter", 1),
        ("Dunes an hour before dark", "gold", None, None),
        ("seven towers at midnight", "night", None, 7),
        ("a wood in october, foggy", "mist", "autumn", None),
    ],
)
def test_words_choose_hour_season_and_number(prompt: str, hour: str, season: str | None, number: int | None) -> None:
    """The hour of day, the season and how many are read from the words."""
    brief = read(prompt, 1)
    assert (brief.hour, brief.season, brief.number) == (hour, season, number)


def test_a_colour_word_tints_the_pigments() -> None:
    """A prompt that says green gets pigments that are greener than without."""
    plain, green = read("contour map", 4).palette.ramp, read("contour map in green", 4).palette.ramp
    assert to_lab(green[3])[1] < to_lab(plain[3])[1]


def test_colour_of_the_shade_leaves_the_light_alone() -> None:
    """Where the words speak of the shade's colour, the pigments keep theirs."""
    plain, plum = read("dunes", 4).palette, read("dunes, the shade the colour of plums", 6).palette
    assert plain.light.shade != plum.light.shade
    assert plum.ramp in PIGMENTS["dunes"]


def test_an_unknown_prompt_always_gets_the_same_family() -> None:
    """Words that no table knows are hashed, whatever their case, and different ones spread over the families."""
    assert family_of(Prompt("Qwertz uiop")) == family_of(Prompt("qwertz, UIOP!"))
    assert len({family_of(Prompt(f"zzz{chr(97 + n)}q")) for n in range(26)}) > 6


def test_every_family_has_a_scene_words_and_pigments() -> None:
    """The tables and the scenes speak of the same families."""
    assert set(words.FAMILIES) == set(SCENES) == set(PIGMENTS)
    assert set(words.FALLBACK) <= set(SCENES)
    assert all(len(ramp) == 7 for ramps in PIGMENTS.values() for ramp in ramps)


def test_seeds_differ_by_picture_and_by_prompt() -> None:
    """Without a seed the prompt gives it; each picture of a run has its own."""
    assert seed_of("a", None, 0) != seed_of("a", None, 1) != seed_of("b", None, 1)
    assert seed_of("a", 7, 0) == seed_of("b", 7, 0) != seed_of("a", 8, 0)


def test_tinting_keeps_lightness() -> None:
    """A tinted colour is about as light as it was."""
    for code in ("#f4c98f", "#3a6180", "#141433"):
        before, after = to_lab(rgb(code)), to_lab(tint(rgb(code), [rgb("#4f8f4a")], 0.8))
        assert abs(before[0] - after[0]) < 0.05
