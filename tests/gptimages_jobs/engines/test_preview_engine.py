import io
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gptimages.studio.engine import (
    Engine,
    EngineEvent,
    EngineRefused,
    EngineRequest,
    Finished,
    Format,
    Partial,
    Size,
)
from gptimages.studio.styles import STYLES
from gptimages_jobs.engines.preview import PreviewEngine, engine, label, words
from gptimages_jobs.engines.preview.brief import read, seed_of
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.scenes import SCENES
from gptimages_jobs.engines.preview.treatments import TREATMENTS

SMALL = Size(96, 64)
WORD = {"agate": "agate", "sheets": "sheets of paper", "stones": "pebbles", "contours": "contour map", "rain": "rain"}
SAMPLES = {family: WORD.get(family, family) for family in SCENES} | {"aurora": "aurora", "skyline": "skyline"}


def _run(prompt: str, size: Size = SMALL, **settings: object) -> list[EngineEvent]:
    request = EngineRequest(prompt=prompt, size=size, **settings)  # type: ignore[arg-type]
    return list(PreviewEngine().run(request))


def _last(events: list[EngineEvent]) -> Image.Image:
    assert isinstance(events[-1], Finished)
    image = Image.open(io.BytesIO(events[-1].image))
    image.load()
    return image


def _pixels(image: Image.Image, size: tuple[int, int] | None = None) -> npt.NDArray[np.float64]:
    picture = image.convert("RGB")
    return np.asarray(picture.resize(size, Image.Resampling.BOX) if size else picture, float)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _filled(colour: tuple[int, ...], size: tuple[int, int] = (60, 40)) -> bytes:
    return _png(np.full((size[1], size[0], len(colour)), colour, np.uint8))


def test_it_is_an_engine_that_says_it_is_a_preview() -> None:
    """The page and the metadata can tell it from a model."""
    engine: Engine = PreviewEngine()
    assert (engine.processor, engine.model, engine.is_preview) == ("preview", "preview-1", True)
    assert [str(size) for size in engine.sizes] == ["1536x1024", "1024x1024", "1024x1536", "1792x1008"]


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_same_request_gives_the_same_bytes(kind: Format) -> None:
    """A run can be repeated: partial and finished pictures are equal byte for byte, with a seed and without."""
    assert _run("dunes", format=kind) == _run("dunes", format=kind)
    assert _run("dunes", format=kind, seed=5) == _run("dunes", format=kind, seed=5)


def test_seed_prompt_and_index_each_change_the_picture() -> None:
    """Different seeds, prompts and picture numbers give different pictures."""
    finished = [event.image for event in _run("ridges", count=2) if isinstance(event, Finished)]
    finished += [
        _last_bytes(_run("ridges", seed=1)),
        _last_bytes(_run("ridges", seed=2)),
        _last_bytes(_run("blue ridges")),
    ]
    assert len(set(finished)) == 5


def _last_bytes(events: list[EngineEvent]) -> bytes:
    assert isinstance(events[-1], Finished)
    return events[-1].image


@pytest.mark.parametrize("family", sorted(SCENES))
def test_each_family_draws_each_shape(family: str) -> None:
    """Every family fills every shape on offer, in small, with finite values and something to see."""
    seed = seed_of(SAMPLES[family], None, 0)
    brief = read(SAMPLES[family], seed)
    assert brief.family == family
    for size in PreviewEngine().sizes:
        canvas = Canvas(size.width // 24, size.height // 24, size.width / size.height, seed)
        drawn = SCENES[family](canvas, brief)
        assert drawn.planes.shape == (3, size.height // 24, size.width // 24)
        assert np.isfinite(drawn.planes).all()
        assert np.std(np.clip(drawn.planes, 0, 1)) > 0.03
        assert drawn.subject is None or drawn.subject.shape == drawn.planes.shape[1:]


@pytest.mark.parametrize("style", [style.id for style in STYLES])
def test_each_style_has_a_treatment(style: str) -> None:
    """Every style on the list can be drawn, and looks different from the plain picture."""
    plain, styled = _pixels(_last(_run("ridges"))), _pixels(_last(_run("ridges", style=style)))
    assert set(TREATMENTS) == {each.id for each in STYLES}
    assert (style == "none") == bool(np.abs(plain - styled).mean() < 1)


@pytest.mark.parametrize("family", sorted(SCENES))
def test_partials_come_first_and_agree_with_the_picture(family: str) -> None:
    """Coarse drawings precede the finished one and show the same composition."""
    *partials, done = _run(SAMPLES[family], Size(240, 160), format="png")
    assert isinstance(done, Finished)
    assert all(isinstance(event, Partial) for event in partials)
    assert [event.step for event in partials if isinstance(event, Partial)] == [1, 2, 3, 4]
    final = _pixels(Image.open(io.BytesIO(done.image)), (30, 20))
    shown = [event.image for event in partials if isinstance(event, Partial) and event.image]
    for data, least in zip(shown, (0.9, 0.9, 0.9), strict=True):
        seen = _pixels(Image.open(io.BytesIO(data)), (30, 20))
        assert np.corrcoef(seen.ravel(), final.ravel())[0, 1] > least


def test_partials_are_small() -> None:
    """Partial pictures are WebP, at most 420 pixels wide and under 15 kB, for the largest size too."""
    events: Iterator[EngineEvent] = PreviewEngine().run(
        EngineRequest(prompt="wind in barley", size=Size(1792, 1008), style="ink")
    )
    for _ in range(3):
        event = next(events)
        assert isinstance(event, Partial)
        assert event.image is not None
        image = Image.open(io.BytesIO(event.image))
        assert image.format == "WEBP"
        assert image.width <= 420
        assert len(event.image) < 15_000


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_picture_says_that_no_model_made_it(kind: Format) -> None:
    """The label reads back from all three formats, as well-formed XMP, and holds nothing of the prompt."""
    secret = "zanzibarquagga"
    events = _run(f"dunes {secret}", format=kind)
    image = _last(events)
    packet = image.info["xmp"]
    root = ElementTree.fromstring(packet if isinstance(packet, bytes) else packet.encode())
    values = [value for element in root.iter() for value in (element.text, *element.attrib.values()) if value]
    assert {label.SOURCE_TYPE, label.TOOL, label.DESCRIPTION} <= set(values)
    assert secret.encode() not in _last_bytes(events)
    if kind == "png":
        assert isinstance(image, Image.Image)
        assert image.info["Software"] == label.TOOL


def test_partials_carry_the_label_too() -> None:
    """An unfinished picture that somebody saves says the same of itself."""
    first = _run("dunes")[0]
    assert isinstance(first, Partial)
    assert first.image is not None
    assert label.SOURCE_TYPE.encode() in first.image


def test_a_reference_gives_the_picture_its_colours() -> None:
    """A green reference makes the picture greener, a red one redder, the composition staying."""
    green, red = (
        _pixels(_last(_run("contour map", seed=3, references=(_filled(colour),)))).mean((0, 1))
        for colour in ((40, 150, 60, 255), (180, 40, 40, 255))
    )
    assert green[1] - green[0] > 10
    assert red[0] - red[1] > 10


def test_a_mask_keeps_the_reference_where_it_is_opaque() -> None:
    """Only the transparent half is drawn; the other half is the reference's pixels."""
    mask = np.full((40, 60, 4), 255, np.uint8)
    mask[:, 30:, 3] = 0
    events = _run("dunes", format="png", references=(_filled((10, 200, 30, 255)),), mask=_png(mask))
    picture = _pixels(_last(events))
    assert np.abs(picture[:, :44] - (10, 200, 30)).max() <= 1
    assert np.abs(picture[:, 52:] - (10, 200, 30)).mean() > 20


def test_transparent_background_cuts_out_what_can_be_cut() -> None:
    """A flower loses its ground; dunes and JPEG stay whole."""
    flower = _last(_run("dahlia", format="png", background="transparent"))
    assert flower.mode == "RGBA"
    assert flower.getchannel("A").getextrema() == (0, 255)
    assert _last(_run("dunes", format="png", background="transparent")).mode == "RGB"
    assert _last(_run("dahlia", format="jpeg", background="transparent")).mode == "RGB"


def test_draft_and_fine_have_the_asked_size_and_the_same_composition() -> None:
    """A draft is as large as the fine picture and shows the same."""
    draft, fine = (_last(_run("aurora", Size(200, 134), quality=quality)) for quality in ("draft", "fine"))
    assert draft.size == fine.size == (200, 134)
    both = np.corrcoef(_pixels(draft, (30, 20)).ravel(), _pixels(fine, (30, 20)).ravel())
    assert both[0, 1] > 0.95


def test_closing_the_run_stops_the_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first partial nothing more is drawn when the iterator is closed."""
    drawn: list[int] = []
    scene = SCENES["ridges"]
    monkeypatch.setitem(
        engine.SCENES, "ridges", lambda canvas, brief: (drawn.append(canvas.width), scene(canvas, brief))[1]
    )
    events = PreviewEngine().run(EngineRequest(prompt="ridges", size=Size(640, 400), count=3))
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert drawn == [77]


@pytest.mark.parametrize(
    "settings",
    [
        {"style": "oil"},
        {"size": Size(8, 900)},
        {"size": Size(9000, 900)},
        {"mask": _filled((0, 0, 0, 0))},
        {"references": (b"no picture",)},
        {"references": (_filled((1, 2, 3, 255)),), "mask": b"GIF89a"},
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(settings: dict[str, object]) -> None:
    """A style, size, reference or mask that it cannot draw with is refused with what to do."""
    with pytest.raises(EngineRefused, match=r"^[A-Z].*\.$"):
        _run("dunes", **settings)  # type: ignore[arg-type]


TABLE = [word for table in words.FAMILIES.values() for part in table.values() for word in part.split("|")]


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    prompt=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(TABLE), max_size=4).map(" ".join)),
    style=st.sampled_from([style.id for style in STYLES]),
    seed=st.one_of(st.none(), st.integers(-(2**63), 2**63)),
    size=st.sampled_from([Size(24, 16), Size(16, 24), Size(17, 16), Size(40, 16)]),
)
def test_any_prompt_is_drawn(prompt: str, style: str, seed: int | None, size: Size) -> None:
    """No words, however odd, make the engine raise: the first drawing of any prompt comes out as a picture."""
    events = PreviewEngine().run(EngineRequest(prompt=prompt, size=size, style=style, seed=seed))
    first = next(events)
    assert isinstance(first, Partial)
    assert first.image is not None
    assert Image.open(io.BytesIO(first.image)).size == (size.width, size.height)
