"""What the openai engine sends, and the events it answers with, over real HTTP."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gptimages.errors import SettingsError
from gptimages.studio.engine import Engine, EngineRefused, EngineRequest, EngineUnavailable, Finished, Partial, Size
from gptimages_jobs.engines.openai import OpenAIEngine
from gptimages_jobs.engines.openai.words import prompt_for, without_arguments

SQUARE = Size(1024, 1024)
MakeEngine = Callable[..., OpenAIEngine]


@pytest.fixture
def make_engine(images_api: Any) -> Iterator[MakeEngine]:
    """Builds engines on the running server and closes them."""
    engines = []

    def build(**options: Any) -> OpenAIEngine:
        told = {"api_key": images_api.key, "base_url": images_api.url, "timeout_seconds": 5, "max_retries": 0}
        engines.append(OpenAIEngine(model="test-model", **{**told, **options}))
        return engines[-1]

    yield build
    for engine in engines:
        engine.close()


def request(prompt: str = "a lake", **settings: Any) -> EngineRequest:
    """A request for one small thing."""
    return EngineRequest(prompt=prompt, **{"size": SQUARE, "format": "png", **settings})


def png(size: tuple[int, int] = (32, 24), mode: str = "RGB") -> bytes:
    """A PNG of one colour."""
    out = io.BytesIO()
    Image.new(mode, size).save(out, "PNG")
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """The picture in these bytes."""
    return Image.open(io.BytesIO(data))


def test_is_an_engine(make_engine: MakeEngine) -> None:
    """The engine fits the protocol, names its model and its processor, and offers the three sizes, landscape first."""
    engine: Engine = make_engine(processor="images-vendor")
    assert (engine.processor, engine.model, engine.is_preview) == ("images-vendor", "test-model", False)
    assert [str(size) for size in engine.sizes] == ["1536x1024", "1024x1024", "1024x1536"]


def test_address_from_the_environment_is_not_used(images_api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an address the engine is OpenAI's own, and no variable of the SDK's can point it at another recipient."""
    monkeypatch.setenv("OPENAI_BASE_URL", images_api.url)
    engine = OpenAIEngine(images_api.key, None, "test-model", 5)
    assert str(engine._client.base_url) == "https://api.openai.com/v1/"
    engine.close()


def test_generation_streams_partials_then_the_picture(make_engine: MakeEngine) -> None:
    """A run yields the partial pictures, small and in order, and then the finished one in the asked size and format."""
    first, second, last = make_engine().run(request(size=Size(1536, 1024), format="webp"))
    assert isinstance(first, Partial)
    assert isinstance(second, Partial)
    assert isinstance(last, Finished)
    assert [(first.step, first.steps), (second.step, second.steps)] == [(1, 3), (2, 3)]
    assert first.image is not None
    assert first.media_type == "image/webp"
    assert opened(first.image).format == "WEBP"
    assert max(opened(first.image).size) == 512
    assert (last.index, last.media_type, last.size) == (0, "image/webp", Size(1536, 1024))
    assert opened(last.image).size == (1536, 1024)


def test_generation_sends_exactly_what_is_needed(make_engine: MakeEngine, images_api: Any) -> None:
    """A generation sends the words, the settings and nothing else."""
    asked = request("a lake at dusk", style="ink", quality="draft", background="opaque", moderation="low", seed=7)
    list(make_engine().run(asked))
    (received,) = images_api.received
    assert received.path == "/v1/images/generations"
    assert received.fields == {
        "model": "test-model",
        "prompt": prompt_for(asked),
        "size": "1024x1024",
        "quality": "low",
        "background": "opaque",
        "output_format": "png",
        "n": 1,
        "moderation": "low",
        "stream": True,
        "partial_images": 2,
    }
    assert "ink" in received.fields["prompt"]


def test_edit_sends_exactly_what_is_needed(make_engine: MakeEngine, images_api: Any) -> None:
    """An edit sends up to 16 references and the mask under numbered names, the words, the settings and nothing else."""
    references = tuple(png((32, 24 + number)) for number in range(16))
    mask = png((32, 24), "RGBA")
    events = list(make_engine().run(request(references=references, mask=mask, background="transparent")))
    assert [type(event) for event in events] == [Partial, Partial, Finished]
    (received,) = images_api.received
    assert received.path == "/v1/images/edits"
    assert received.fields == {
        "model": "test-model",
        "prompt": "a lake",
        "size": "1024x1024",
        "quality": "high",
        "background": "transparent",
        "output_format": "png",
        "n": 1,
        "stream": True,
        "partial_images": 2,
    }
    assert [data for name, _, _, data in received.files if name != "mask"] == list(references)
    assert [data for name, _, _, data in received.files if name == "mask"] == [mask]
    assert {name.split("-")[0] for _, name, _, _ in received.files} == {"reference", "mask.png"}
    assert {media_type for _, _, media_type, _ in received.files} == {"image/png"}


def test_headers_say_nothing_more(
    make_engine: MakeEngine, images_api: Any, images_api_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No header tells about this machine, its environment, the organisation behind it or an earlier run."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-from-environment")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-from-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Person: from-environment")
    engine = make_engine(partial_images=0)
    images_api.behaviours.append(images_api_module.sets_cookie)
    for _ in range(2):
        list(engine.run(request()))
    for received in images_api.received:
        assert set(received.headers) <= {
            *("host", "authorization", "content-type", "content-length", "accept", "accept-encoding"),
            *("connection", "user-agent"),
        }
        assert received.headers["user-agent"] == "gptimages"
        assert "environment" not in str(received.headers)


def test_several_pictures_are_several_streams(make_engine: MakeEngine, images_api: Any) -> None:
    """Three pictures are three streamed calls of one picture each, numbered from 0."""
    events = list(make_engine().run(request(count=3)))
    assert [event.index for event in events if isinstance(event, Finished)] == [0, 1, 2]
    assert [received.fields["n"] for received in images_api.received] == [1, 1, 1]


def test_without_partials_one_call_makes_all(make_engine: MakeEngine, images_api: Any) -> None:
    """For a server that does not stream, one call with n makes all pictures, and says nothing of streams."""
    events = list(make_engine(partial_images=0).run(request(count=3, format="jpeg")))
    assert [type(event) for event in events] == [Finished] * 3
    (received,) = images_api.received
    assert received.fields["n"] == 3
    assert not {"stream", "partial_images"} & set(received.fields)


def test_edit_without_partials(make_engine: MakeEngine, images_api: Any) -> None:
    """References go along in a whole call too."""
    events = list(make_engine(partial_images=0).run(request(references=(png(),), count=2)))
    assert len(events) == 2
    assert images_api.received[0].path == "/v1/images/edits"


def test_closing_the_iterator_hangs_up(make_engine: MakeEngine, images_api: Any, images_api_module: Any) -> None:
    """Closing the iterator in mid-stream closes the connection: the server sees it."""
    images_api.behaviours.append(images_api_module.endless)
    events = make_engine().run(request())
    assert isinstance(next(events), Partial)
    assert not images_api.disconnected.is_set()
    events.close()  # type: ignore[attr-defined]
    assert images_api.disconnected.wait(5)


def test_failed_call_is_repeated_by_the_sdk(make_engine: MakeEngine, images_api: Any, images_api_module: Any) -> None:
    """A call that fails before its answer begins is repeated as often as was set, and then succeeds."""
    images_api.behaviours.append(images_api_module.failure(500))
    events = list(make_engine(max_retries=1).run(request()))
    assert isinstance(events[-1], Finished)
    assert len(images_api.received) == 2


def test_redirect_is_not_followed(make_engine: MakeEngine, images_api: Any, images_api_module: Any) -> None:
    """Words never travel to an address that the engine redirects to."""
    with images_api_module.ImagesApi() as elsewhere:
        images_api.behaviours.append(images_api_module.sends_elsewhere(f"{elsewhere.url}/images/generations"))
        with pytest.raises(EngineUnavailable):
            list(make_engine().run(request()))
        assert elsewhere.received == []


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"b64_json": "not base64!"}, "not the picture"),
        ({"b64_json": None}, "not the picture"),
        ({"b64_json": base64.b64encode(b"GIF89a" + bytes(64)).decode()}, "not the picture"),
        ({"b64_json": base64.b64encode(png()[:40]).decode()}, "not the picture"),
        ({"b64_json": base64.b64encode(png()).decode(), "output_format": "webp"}, "not the picture"),
        ({"b64_json": base64.b64encode(png((4000, 2500))).decode()}, "not the picture"),
        ({"b64_json": base64.b64encode(bytes(100_001)).decode()}, "larger than we accept"),
    ],
    ids=[
        "no base64",
        "nothing",
        "unknown kind",
        "cut short",
        "declared otherwise",
        "too many pixels",
        "too many bytes",
    ],
)
def test_what_is_no_proper_picture_is_not_taken(
    make_engine: MakeEngine, images_api: Any, images_api_module: Any, event: dict[str, Any], sentence: str
) -> None:
    """A picture that is unreadable, of another kind than declared, or too large is an unavailable engine, not a picture."""
    images_api.behaviours.append(images_api_module.finished_with(**event))
    with pytest.raises(EngineUnavailable, match=sentence):
        list(make_engine(max_picture_bytes=100_000).run(request()))


def test_answer_is_not_read_past_its_limit(make_engine: MakeEngine, images_api: Any, images_api_module: Any) -> None:
    """An answer that goes on beyond what its pictures may hold is cut off while it comes."""
    images_api.behaviours.append(images_api_module.flood)
    with pytest.raises(EngineUnavailable, match="answer is larger than we accept"):
        list(make_engine(max_picture_bytes=100_000).run(request()))
    assert images_api.disconnected.wait(5)


def test_unreadable_partial_does_not_fail_the_run(
    make_engine: MakeEngine, images_api: Any, images_api_module: Any
) -> None:
    """A partial picture that cannot be read is told as a step without a picture."""
    images_api.behaviours.append(
        images_api_module.finished_with(type="image_generation.partial_image", b64_json="AAAA")
    )
    events = make_engine().run(request())
    assert next(events) == Partial(index=0, step=1, steps=3, image=None)
    with pytest.raises(EngineUnavailable):
        next(events)


def test_refined_prompt_is_handed_on(make_engine: MakeEngine, images_api: Any, images_api_module: Any) -> None:
    """What a model made of the words comes with the picture."""
    images_api.behaviours.append(images_api_module.finished_with(revised_prompt="a calm lake"))
    (finished,) = make_engine().run(request())
    assert isinstance(finished, Finished)
    assert finished.refined_prompt == "a calm lake"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"size": Size(640, 480)}, "size"),
        ({"count": 11}, "1 to 10"),
        ({"count": 0}, "1 to 10"),
        ({"references": (b"",) * 17}, "up to 16"),
        ({"mask": b""}, "mask needs"),
        ({"background": "transparent", "format": "jpeg"}, "transparency"),
        ({"prompt": "  "}, "no words"),
        ({"prompt": "<sd_cpp_extra_args>{}</sd_cpp_extra_args>"}, "no words"),
        ({"style": "no-such"}, "no such style"),
    ],
)
def test_what_the_api_cannot_do_never_leaves(
    make_engine: MakeEngine, images_api: Any, settings: dict[str, Any], sentence: str
) -> None:
    """What the API would turn down is refused here, before anything leaves."""
    with pytest.raises(EngineRefused, match=sentence):
        list(make_engine().run(request(**{"prompt": "a lake", **settings})))
    assert images_api.received == []


def test_engine_arguments_are_stripped(make_engine: MakeEngine, images_api: Any) -> None:
    """Settings hidden in a prompt for stable-diffusion.cpp do not reach the engine."""
    arguments = "<sd_cpp_extra_args>" + json.dumps({"steps": 10_000}) + "</sd_cpp_extra_args>"
    list(make_engine().run(request(f"a {arguments}lake")))
    assert images_api.received[0].fields["prompt"] == "a lake"


TAG_PIECES = st.sampled_from(["<sd_cpp_", "extra_args>", "</sd_cpp_", "<SD_CPP_EXTRA_ARGS>", "</", "x", "\n"])


@given(st.lists(TAG_PIECES, max_size=30).map("".join))
def test_no_engine_argument_tag_survives(prompt: str) -> None:
    """However the tags are nested, halved or spelled, none is left."""
    left = without_arguments(prompt).lower()
    assert "<sd_cpp_extra_args>" not in left
    assert "</sd_cpp_extra_args>" not in left


def test_stripping_ends_soon() -> None:
    """The longest prompt full of nested tags is stripped in a moment."""
    begun = time.perf_counter()
    without_arguments("<sd_cpp_" * 800 + "extra_args>" * 800 + "<sd_cpp_extra_args>" * 800)
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": ""},
        {"base_url": "http://engine.example.org/v1"},
        {"base_url": "engine.example.org"},
        {"partial_images": 4},
    ],
)
def test_wrong_settings_are_a_sentence(make_engine: MakeEngine, options: dict[str, Any]) -> None:
    """A missing key, an address in the clear or an impossible number is said when the engine is built."""
    with pytest.raises(SettingsError, match=r"\w+ .*\.$"):
        make_engine(**options)
