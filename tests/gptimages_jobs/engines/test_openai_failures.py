"""Every failure of the openai engine is a refusal or an unavailable engine, and tells nothing of the prompt."""

from __future__ import annotations

import base64
import inspect
import io
import logging
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import openai
import pytest
import structlog
from PIL import Image

from gptimages.studio.engine import EngineRefused, EngineRequest, EngineUnavailable, Partial, Size
from gptimages_jobs.engines.openai import OpenAIEngine, errors
from gptimages_jobs.engines.openai.client import quieten_loggers

CANARY = "zanzibar-canary-4711"
SDK_LOGGERS = ("openai", "httpx2", "httpcore2")
Build = Callable[..., OpenAIEngine]


@pytest.fixture
def build(images_api: Any) -> Iterator[Build]:
    """Builds engines on the running server and closes them."""
    engines = []

    def build(**options: Any) -> OpenAIEngine:
        told = {"api_key": images_api.key, "base_url": images_api.url, "timeout_seconds": 5, "max_retries": 0}
        engines.append(OpenAIEngine(model="test-model", **{**told, **options}))
        return engines[-1]

    yield build
    for engine in engines:
        engine.close()


def asked(**settings: Any) -> EngineRequest:
    """A request whose words are easy to find again."""
    return EngineRequest(prompt=f"a lake, {CANARY}", **{"size": Size(1024, 1024), "format": "png", **settings})


def failure_of(engine: OpenAIEngine, request: EngineRequest) -> EngineRefused | EngineUnavailable:
    """What a run ends with."""
    try:
        list(engine.run(request))
    except (EngineRefused, EngineUnavailable) as failure:
        return failure
    pytest.fail("The run ended well.")


def sdk_errors() -> list[type[Exception]]:
    """Every public exception class of the SDK and of the HTTP client under it."""
    members = [
        member
        for module in (openai, httpx2)
        for name, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Exception) and not name.startswith("_")
    ]
    return sorted(set(members), key=lambda member: member.__qualname__)


@pytest.mark.parametrize("kind", sdk_errors(), ids=lambda kind: f"{kind.__module__.split('.')[0]}.{kind.__name__}")
def test_each_class_of_the_sdk_is_mapped_by_name(kind: type[Exception]) -> None:
    """Each public exception class has an answer of its own: a new one in the SDK fails here until somebody decides."""
    assert kind in errors.BY_CLASS
    bare = kind.__new__(kind)
    assert isinstance(errors.answer_to(bare), EngineRefused | EngineUnavailable)
    with pytest.raises((EngineRefused, EngineUnavailable)), errors.engine_errors():
        raise bare


def test_private_classes_of_the_sdk_are_caught_by_an_ancestor() -> None:
    """A class that the SDK keeps to itself is a failed engine too, and no class of the SDK slips through."""

    def below(kind: type[BaseException]) -> Iterator[type[BaseException]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    for kind in below(openai.OpenAIError):
        assert isinstance(errors.answer_to(kind.__new__(kind)), EngineRefused | EngineUnavailable)  # type: ignore[arg-type]


def test_a_mistake_of_our_own_is_not_hidden() -> None:
    """A TypeError is no failure of the engine."""
    with pytest.raises(TypeError), errors.engine_errors():
        raise TypeError


@pytest.mark.parametrize(
    ("code", "status", "sentence"),
    [
        ("moderation_blocked", 400, errors.DECLINED),
        ("content_policy_violation", 400, errors.DECLINED),
        ("content_filter", 400, errors.DECLINED),
        ("moderation_blocked", 403, errors.DECLINED),
        ("image_content_policy_violation", 400, errors.PICTURE_DECLINED),
        ("invalid_image_file", 400, errors.PICTURE_UNREADABLE),
        ("something_else", 400, errors.NOT_TAKEN),
        ("something_else", 422, errors.NOT_TAKEN),
        (None, 413, errors.PICTURES_TOO_LARGE),
    ],
)
def test_refusals(
    build: Build, images_api: Any, images_api_module: Any, code: str | None, status: int, sentence: str
) -> None:
    """What the engine declines is a refusal with a sentence that says what to change."""
    images_api.behaviours.append(images_api_module.refusal(code, status))
    failure = failure_of(build(), asked())
    assert isinstance(failure, EngineRefused)
    assert str(failure) == sentence


def test_refusal_in_mid_stream(build: Build, images_api: Any, images_api_module: Any) -> None:
    """A refusal that comes after a partial picture is a refusal, too."""
    images_api.behaviours.append(images_api_module.refusal_in_stream)
    events = build().run(asked())
    assert isinstance(next(events), Partial)
    with pytest.raises(EngineRefused, match="declined these words"):
        next(events)


def test_picture_that_the_engine_cannot_read(build: Build) -> None:
    """A reference that is no picture is a refusal that speaks of the picture, not of the words."""
    assert str(failure_of(build(), asked(references=(b"no picture",)))) == errors.PICTURE_UNREADABLE


def test_refusal_is_not_repeated(build: Build, images_api: Any, images_api_module: Any) -> None:
    """A refused call is made once, whatever the number of retries."""
    images_api.behaviours.append(images_api_module.refusal())
    failure_of(build(max_retries=3), asked())
    assert len(images_api.received) == 1


@pytest.mark.parametrize(
    ("code", "status", "sentence"),
    [
        (None, 401, errors.KEY_REFUSED),
        (None, 403, errors.NOT_ALLOWED),
        (None, 404, errors.NO_SUCH_MODEL),
        ("model_not_found", 400, errors.NO_SUCH_MODEL),
        ("insufficient_quota", 429, errors.USED_UP),
        ("billing_hard_limit_reached", 400, errors.USED_UP),
    ],
)
def test_what_only_the_operator_can_mend(
    build: Build, images_api: Any, images_api_module: Any, code: str | None, status: int, sentence: str
) -> None:
    """Trouble with key, account or model is told to the operator, and not tried again at once."""
    images_api.behaviours.append(images_api_module.refusal(code, status))
    failure = failure_of(build(), asked())
    assert isinstance(failure, EngineUnavailable)
    assert str(failure) == sentence
    assert failure.retry_after == errors.FOR_THE_OPERATOR


def test_wrong_key(build: Build) -> None:
    """A key that the engine does not know is for the operator to renew."""
    assert str(failure_of(build(api_key="sk-another"), asked())) == errors.KEY_REFUSED


def test_overload_says_when_to_come_back(build: Build, images_api: Any, images_api_module: Any) -> None:
    """429 ends the run at once with the engine's own waiting time; the queue waits, not the worker."""
    images_api.behaviours.append(images_api_module.overloaded("7"))
    begun = time.monotonic()
    failure = failure_of(build(max_retries=3), asked())
    assert isinstance(failure, EngineUnavailable)
    assert failure.retry_after == 7
    assert len(images_api.received) == 1
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0.5", 0.5), ("1e9", 3600), ("-3", 20), ("nan", 20), ("inf", 20), ("soon", 20), ("", 20)],
)
def test_retry_after_is_bounded(value: str, seconds: float) -> None:
    """A waiting time that makes no sense is replaced, a very long one is cut to an hour."""
    assert errors.retry_after(_answered(value), 20) == seconds


def test_retry_after_may_be_a_date() -> None:
    """RFC 9110 allows a date instead of seconds."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < errors.retry_after(_answered(date), 20) <= 90


def _answered(retry_after: str) -> Exception:
    request = httpx2.Request("POST", "https://engine.example.org/")
    response = httpx2.Response(429, headers={"retry-after": retry_after}, request=request)
    return openai.RateLimitError("", response=response, body=None)


def test_nobody_listens(build: Build) -> None:
    """A closed port is an engine that cannot be reached."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        assert str(failure_of(build(base_url=address), asked())) == errors.UNREACHABLE


@pytest.mark.parametrize("partial_images", [0, 2])
def test_slow_engine(build: Build, images_api: Any, images_api_module: Any, partial_images: int) -> None:
    """An engine that does not begin to answer in time is an unavailable one."""
    images_api.behaviours.append(images_api_module.slow(1.0))
    engine = build(timeout_seconds=0.2, partial_images=partial_images)
    assert str(failure_of(engine, asked())) == errors.TOO_SLOW


def test_stream_without_end(build: Build, images_api: Any, images_api_module: Any) -> None:
    """A stream that only keeps itself alive ends when the time for a whole answer is over."""
    images_api.behaviours.append(images_api_module.endless)
    assert str(failure_of(build(timeout_seconds=1.0), asked())) == errors.TOO_SLOW
    assert images_api.disconnected.wait(5)


@pytest.mark.parametrize("name", ["truncated", "ends_early", "garbled"])
def test_broken_streams(build: Build, images_api: Any, images_api_module: Any, name: str) -> None:
    """A stream that breaks off, ends without its picture or makes no sense is an unavailable engine."""
    images_api.behaviours.append(getattr(images_api_module, name))
    failure = failure_of(build(), asked())
    assert isinstance(failure, EngineUnavailable)
    assert str(failure) in {errors.BROKEN_OFF, errors.UNREACHABLE}


def test_server_error(build: Build, images_api: Any, images_api_module: Any) -> None:
    """A failing engine is unavailable once the retries are used up."""
    images_api.behaviours.extend([images_api_module.failure(500), images_api_module.failure(503)])
    assert str(failure_of(build(max_retries=1), asked())) == errors.FAILED
    assert len(images_api.received) == 2


def test_fewer_pictures_than_asked(build: Build, images_api: Any, images_api_module: Any) -> None:
    """One picture where two were asked for is an unavailable engine, not half an answer."""
    images_api.behaviours.append(images_api_module.fewer)
    failure = failure_of(build(partial_images=0), asked(count=2))
    assert isinstance(failure, EngineUnavailable)
    assert "fewer pictures" in str(failure)


FAILURES = ("refusal", "failure", "overloaded", "truncated", "refusal_in_stream", "garbled", "ends_early", "answer")
MADE_BY_CALL = {"refusal", "failure", "overloaded"}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("references", [(), (b"picture",)], ids=["generation", "edit"])
def test_nothing_of_the_prompt_is_told(
    build: Build, images_api: Any, images_api_module: Any, name: str, references: tuple[bytes, ...]
) -> None:
    """Neither exception, traceback, notes nor any log at DEBUG holds the prompt, even with the SDK's loggers opened."""
    behaviour = getattr(images_api_module, name)
    images_api.behaviours.append(behaviour() if name in MADE_BY_CALL else behaviour)
    references = tuple(_png() for _ in references)
    with everything_logged() as (text, events):
        engine = build(max_retries=0)
        for logger in SDK_LOGGERS:
            logging.getLogger(logger).setLevel(logging.DEBUG)
        shown = ""
        try:
            list(engine.run(asked(references=references)))
        except (EngineRefused, EngineUnavailable) as failure:
            shown = "".join(traceback.format_exception(failure)) + repr(failure) + str(vars(failure))
        assert bool(shown) == (name != "answer")
        told = shown + text.getvalue() + repr(events)
    assert "openai._base_client" in text.getvalue()
    for form in (CANARY, base64.b64encode(CANARY.encode()).decode(), images_api.key):
        assert form not in told


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return out.getvalue()


@contextmanager
def everything_logged() -> Iterator[tuple[io.StringIO, list[Any]]]:
    """Collects every record of the standard library at DEBUG, and every structlog event."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with structlog.testing.capture_logs() as events:
            yield text, events
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        quieten_loggers()


def test_sdk_loggers_are_quiet(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    """With the root logger at DEBUG, the SDK and its HTTP client say nothing, neither addresses nor headers."""
    for name in SDK_LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    list(build().run(asked()))
    assert [record for record in caplog.records if record.name.startswith(SDK_LOGGERS)] == []
