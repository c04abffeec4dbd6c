"""OpenAIEngine: the Engine protocol over `images.generate` and `images.edit` of the official SDK.

A run with references is an edit, any other a generation. No user, account or metadata goes along: see words.py for what
is said and client.py for what is sent around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Literal, TypedDict, cast

import openai
from openai.types import ImagesResponse

from gptimages.errors import SettingsError
from gptimages.studio import engine as studio
from gptimages.studio.engine import EngineEvent, EngineRequest, EngineUnavailable, Finished, Partial, Size
from gptimages_jobs.engines.openai.client import http_client, quieten_loggers
from gptimages_jobs.engines.openai.errors import BROKEN_OFF, engine_errors
from gptimages_jobs.engines.openai.pictures import checked, decoded, preview
from gptimages_jobs.engines.openai.words import MOST_PICTURES, SIZES, check, prompt_for

Quality = Literal["low", "high"]
QUALITIES: dict[studio.Quality, Quality] = {"draft": "low", "fine": "high"}
OPENAI = "https://api.openai.com/v1"
MOST_PARTIALS = 3
MOST_PICTURE_BYTES = 64 * 1024 * 1024
TOO_FEW = "The engine made fewer pictures than were asked for; try again in a little while."


class _Said(TypedDict):
    """The fields that generations and edits share."""

    model: str
    prompt: str
    size: str
    quality: Quality
    background: studio.Background
    output_format: studio.Format
    n: int


class _Pictures(TypedDict, total=False):
    """The pictures of an edit: name, bytes and media type of each, as the SDK takes files."""

    image: list[tuple[str, bytes, str]]
    mask: tuple[str, bytes, str]


class OpenAIEngine:
    """Makes pictures through the Images API at `base_url`, OpenAI's own when that is None.

    `timeout_seconds` bounds the wait for each piece and for a whole answer. `max_retries` is how often the SDK repeats
    a call that failed before its answer began; calls turned away for load are left to the queue. With `partial_images`
    from 1 to 3 each picture is a streamed call of its own, as the API streams one picture a call; with 0, for servers
    that do not stream, one call makes them all. `processor` is the recipient's id in policies/processors.yaml.
    Raises SettingsError when it cannot be built as told.
    """

    is_preview = False
    sizes: tuple[Size, ...] = SIZES

    def __init__(
        self,
        api_key: str,
        base_url: str | None,
        model: str,
        timeout_seconds: float,
        max_retries: int = 1,
        *,
        partial_images: int = 2,
        max_picture_bytes: int = MOST_PICTURE_BYTES,
        processor: str = "openai",
    ) -> None:
        if not api_key or not model:
            raise SettingsError("The engine needs a key and a model; set both.")
        if not 0 <= partial_images <= MOST_PARTIALS:
            raise SettingsError(f"The engine sends 0 to {MOST_PARTIALS} partial images; set a number between them.")
        quieten_loggers()
        address = base_url or OPENAI
        self.processor = processor
        self.model = model
        self._partials = partial_images
        self._most_bytes = max_picture_bytes
        pictures = partial_images + 1 if partial_images else MOST_PICTURES
        self._http = http_client(
            address,
            timeout_seconds=timeout_seconds,
            # Base64 takes four bytes for three; the rest of an answer is small.
            most_bytes=pictures * (max_picture_bytes // 3 + 1) * 4 + 1024 * 1024,
        )
        self._client = openai.OpenAI(
            api_key=api_key, base_url=address, max_retries=max_retries, timeout=timeout_seconds, http_client=self._http
        )

    def close(self) -> None:
        """Closes the connections that are kept open."""
        self._client.close()

    def run(self, request: EngineRequest) -> Iterator[EngineEvent]:
        """See Engine.run."""
        check(request)
        said = self._said(request)
        if not self._partials:
            yield from self._at_once(said, request)
            return
        said["n"] = 1
        for index in range(request.count):
            yield from self._streamed(said, request, index)

    def _said(self, request: EngineRequest) -> _Said:
        return _Said(
            model=self.model,
            prompt=prompt_for(request),
            size=str(request.size),
            quality=QUALITIES[request.quality],
            background=request.background,
            output_format=request.format,
            n=request.count,
        )

    def _streamed(self, said: _Said, request: EngineRequest, index: int) -> Iterator[EngineEvent]:
        finished = None
        with engine_errors(), closing(self._stream(said, request)) as stream:
            for event in cast(Iterable[object], stream):
                kind = str(getattr(event, "type", ""))
                if kind.endswith(".partial_image"):
                    yield self._partial(event, index)
                elif kind.endswith(".completed"):
                    finished = self._finished(event, request, index)
                    break
        if finished is None:
            raise EngineUnavailable(BROKEN_OFF)
        yield finished

    def _at_once(self, said: _Said, request: EngineRequest) -> Iterator[EngineEvent]:
        with engine_errors():
            answer = self._call(said, request)
            pictures = [self._finished(one, request, index) for index, one in enumerate(answer.data or [])]
        if len(pictures) < request.count:
            raise EngineUnavailable(TOO_FEW)
        yield from pictures[: request.count]

    def _stream(self, said: _Said, request: EngineRequest) -> openai.Stream[object]:
        images = self._client.images
        if request.references:
            edits = images.edit(**said, **_pictures(request), stream=True, partial_images=self._partials)
            return cast(openai.Stream[object], edits)
        made = images.generate(**said, moderation=request.moderation, stream=True, partial_images=self._partials)
        return cast(openai.Stream[object], made)

    def _call(self, said: _Said, request: EngineRequest) -> ImagesResponse:
        if request.references:
            return self._client.images.edit(**said, **_pictures(request))
        return self._client.images.generate(**said, moderation=request.moderation)

    def _partial(self, event: object, index: int) -> Partial:
        data = decoded(getattr(event, "b64_json", None), most_bytes=self._most_bytes)
        step = getattr(event, "partial_image_index", 0)
        step = min(max(step, 0), self._partials - 1) if isinstance(step, int) else 0
        return Partial(index=index, step=step + 1, steps=self._partials + 1, image=preview(data))

    def _finished(self, answer: object, request: EngineRequest, index: int) -> Finished:
        data = decoded(getattr(answer, "b64_json", None), most_bytes=self._most_bytes)
        declared = getattr(answer, "output_format", None) or request.format
        media_type, size = checked(data, declared)
        refined = getattr(answer, "revised_prompt", None)
        return Finished(
            index=index,
            image=data,
            media_type=media_type,
            size=size,
            refined_prompt=refined if isinstance(refined, str) else None,
        )


def _pictures(request: EngineRequest) -> _Pictures:
    """Numbered names: a file name of the person's own would tell more than the picture."""
    pictures = _Pictures(
        image=[(f"reference-{number}.png", data, "image/png") for number, data in enumerate(request.references, 1)]
    )
    if request.mask is not None:
        pictures["mask"] = ("mask.png", request.mask, "image/png")
    return pictures
