"""A small real HTTP server that speaks the Images API, for tests of whoever talks to it.

    with ImagesApi() as api:
        api.behaviours.append(refusal())
        OpenAIEngine(api.key, api.url, "test-model", 5, 0)

It checks the key, rejects every field that the Images API does not document, draws a picture of the asked size and
format, and records in `received` exactly what came. Each request takes the next of `behaviours`; when there is none, the
request is answered properly. Error messages quote the prompt on purpose, as servers do.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from multipart import parse_form_data  # type: ignore[import-untyped]
from PIL import Image

JSON_FIELDS = frozenset(
    {"model", "prompt", "size", "quality", "background", "output_format", "output_compression", "n"}
    | {"moderation", "stream", "partial_images", "user", "safety_identifier"}
)
FORM_FIELDS = JSON_FIELDS - {"moderation"} | {"input_fidelity"}
CHOICES = {
    "size": {"1024x1024", "1536x1024", "1024x1536", "auto"},
    "quality": {"low", "medium", "high", "auto"},
    "background": {"transparent", "opaque", "auto"},
    "output_format": {"png", "jpeg", "webp"},
    "moderation": {"low", "auto"},
}


@dataclass
class Received:
    """One request as it came: path, headers in lower case, fields, and files as (field, name, media type, bytes)."""

    path: str
    headers: dict[str, str]
    fields: dict[str, Any] = field(default_factory=dict)
    files: list[tuple[str, str, str, bytes]] = field(default_factory=list)


class Rejected(Exception):
    """The request is not one that the Images API takes."""

    def __init__(self, status: int, code: str | None, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": "invalid_request_error", "code": code, "param": param}}


Behaviour = Callable[["Exchange"], None]


class ImagesApi:
    """The server on `host` and `port` (0: a free one) while the context is open."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, key: str = "sk-test-key") -> None:
        self.host = host
        self.key = key
        self.received: list[Received] = []
        self.behaviours: deque[Behaviour] = deque()
        self.disconnected = threading.Event()
        self._server = _Server((host, port), Exchange)
        self._server.api = self
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        """The base address for a client of the Images API."""
        return f"http://{self.host}:{self.port}/v1"

    def __enter__(self) -> ImagesApi:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: ImagesApi

    def handle_error(self, *args: object) -> None:
        """A client that hung up is a thing that tests do; anything else is a fault of this server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*args)  # type: ignore[arg-type]


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer. Behaviours use `fields`, `picture`, `send_json`, `send_error_body` and `stream`."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *args: object) -> None:
        """Says nothing: the output of tests is for the tests."""

    def do_POST(self) -> None:
        """Records, checks and answers one request."""
        received = Received(self.path, {name.lower(): value for name, value in self.headers.items()})
        self.server.api.received.append(received)
        try:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            self._authorise()
            read_body(received, body)
            self.fields = received.fields
            check(received)
            behaviours = self.server.api.behaviours
            (behaviours.popleft() if behaviours else answer)(self)
        except Rejected as rejected:
            self.send_json(rejected.body, rejected.status)
        except (BrokenPipeError, ConnectionResetError):
            self.server.api.disconnected.set()
            self.close_connection = True

    def _authorise(self) -> None:
        if self.headers.get("authorization") != f"Bearer {self.server.api.key}":
            raise Rejected(401, "invalid_api_key", f"Incorrect API key: {self.headers.get('authorization')}")

    @property
    def event_prefix(self) -> str:
        """The first half of the event names of this call."""
        return "image_edit" if self.path.endswith("/edits") else "image_generation"

    def picture(self, shade: int = 200) -> bytes:
        """A picture of one colour in the asked size and format."""
        size = self.fields.get("size", "auto")
        width, height = (1024, 1024) if size == "auto" else map(int, size.split("x"))
        kind = self.fields.get("output_format", "png")
        mode = "RGBA" if self.fields.get("background") == "transparent" else "RGB"
        out = io.BytesIO()
        Image.new(mode, (width, height), (shade, 90, 60, 0)[: len(mode)]).save(out, kind.upper())
        return out.getvalue()

    def send_json(self, body: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Sends a whole JSON answer."""
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def send_error_body(self, status: int, code: str | None, *, param: str | None = None, **headers: str) -> None:
        """Sends an error that quotes the prompt; underscores in header names become hyphens."""
        message = f"Rejected: {self.fields.get('prompt')}"
        body = {"error": {"message": message, "type": "image_generation_user_error", "code": code, "param": param}}
        self.send_json(body, status, {name.replace("_", "-"): value for name, value in headers.items()})

    @contextlib.contextmanager
    def stream(self) -> Iterator[Callable[[dict[str, Any]], None]]:
        """Sends server-sent events in chunks; the block gets the function that sends one."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

        def send(event: dict[str, Any]) -> None:
            self.send_chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

        yield send
        self.send_chunk(b"")

    def send_chunk(self, data: bytes) -> None:
        """Sends one chunk; an empty one ends the answer."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, kind: str, picture: bytes, **more: Any) -> dict[str, Any]:
        """An event of the stream with a picture in it."""
        told = {name: self.fields.get(name, "auto") for name in ("size", "quality", "background")}
        return {
            "type": f"{self.event_prefix}.{kind}",
            "b64_json": base64.b64encode(picture).decode(),
            "created_at": 1_790_000_000,
            "output_format": self.fields.get("output_format", "png"),
            **told,
            **more,
        }

    def send_partials(self, send: Callable[[dict[str, Any]], None], count: int | None = None) -> None:
        """Sends the partial pictures that were asked for, or `count` of them."""
        wanted = int(self.fields.get("partial_images", 0)) if count is None else count
        for number in range(wanted):
            send(self.event("partial_image", self.picture(40 * number), partial_image_index=number))


def read_body(received: Received, body: bytes) -> None:
    """Fills in fields and files. Raises Rejected when the body cannot be read."""
    kind = received.headers.get("content-type", "")
    if received.path == "/v1/images/generations" and kind == "application/json":
        received.fields = json.loads(body)
    elif received.path == "/v1/images/edits" and kind.startswith("multipart/form-data"):
        environ = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        forms, files = parse_form_data(environ, strict=True)
        received.fields = {name: _plain(name, value) for name, value in forms.iterallitems()}
        received.files = [(name, part.filename, part.content_type, part.raw) for name, part in files.iterallitems()]
    else:
        raise Rejected(404, None, "There is no such endpoint for this kind of body.")


def _plain(name: str, value: str) -> str | int | bool:
    if name in {"n", "partial_images"}:
        return int(value)
    return value == "true" if name == "stream" else value


def check(received: Received) -> None:
    """Raises Rejected as the Images API does for what it does not document."""
    fields = received.fields
    unknown = set(fields) - (FORM_FIELDS if received.files else JSON_FIELDS)
    if unknown:
        raise Rejected(400, "unknown_parameter", f"Unknown parameter: {unknown}", sorted(unknown)[0])
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= 32_000:
        raise Rejected(400, "string_above_max_length", f"Invalid prompt: {prompt}", "prompt")
    for name, allowed in CHOICES.items():
        if name in fields and fields[name] not in allowed:
            raise Rejected(400, "invalid_value", f"Invalid value for {name}", name)
    check_counts(fields)
    if fields.get("background") == "transparent" and fields.get("output_format") == "jpeg":
        raise Rejected(400, "invalid_value", "Transparent needs png or webp.", "background")
    if received.path.endswith("/edits"):
        check_pictures(received.files)


def check_counts(fields: dict[str, Any]) -> None:
    """Raises Rejected for a wrong number of pictures or partial pictures."""
    count, partials, stream = fields.get("n", 1), fields.get("partial_images", 0), fields.get("stream", False)
    if not isinstance(count, int) or not 1 <= count <= 10:
        raise Rejected(400, "invalid_value", "n must be 1 to 10", "n")
    if not isinstance(partials, int) or not 0 <= partials <= 3 or (partials and not stream):
        raise Rejected(400, "invalid_value", "partial_images must be 0 to 3, with stream", "partial_images")
    if stream and count > 1:
        raise Rejected(400, "invalid_value", "streaming makes one picture", "n")


def check_pictures(files: list[tuple[str, str, str, bytes]]) -> None:
    """Raises Rejected unless there are 1 to 16 pictures, and a mask of the first one's size if any."""
    images = [data for name, _, _, data in files if name in {"image", "image[]"}]
    masks = [data for name, _, _, data in files if name == "mask"]
    if not 1 <= len(images) <= 16 or len(masks) > 1 or len(images) + len(masks) != len(files):
        raise Rejected(400, "invalid_value", "1 to 16 images and one mask", "image")
    sizes = [size_of(data) for data in images]
    if masks and size_of(masks[0]) != sizes[0]:
        raise Rejected(400, "invalid_value", "mask and image differ in size", "mask")


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of a picture. Raises Rejected when it is none."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]) as image:
            return image.size
    except OSError:
        raise Rejected(400, "invalid_image_file", "Invalid image file", "image") from None


def answer(exchange: Exchange) -> None:
    """Answers properly: as a stream when that was asked for, whole otherwise."""
    fields = exchange.fields
    if not fields.get("stream"):
        pictures = [base64.b64encode(exchange.picture(number)).decode() for number in range(fields.get("n", 1))]
        exchange.send_json({"created": 1_790_000_000, "data": [{"b64_json": picture} for picture in pictures]})
        return
    with exchange.stream() as send:
        exchange.send_partials(send)
        send(exchange.event("completed", exchange.picture(), usage={"total_tokens": 1}))


def refusal(code: str = "moderation_blocked", status: int = 400, param: str | None = None) -> Behaviour:
    """Answers with an error of this code."""
    return lambda exchange: exchange.send_error_body(status, code, param=param)


def overloaded(retry_after: str = "7") -> Behaviour:
    """Answers 429 with Retry-After."""
    return lambda exchange: exchange.send_error_body(429, "rate_limit_exceeded", retry_after=retry_after)


def failure(status: int = 500) -> Behaviour:
    """Answers with this status and no code."""
    return lambda exchange: exchange.send_error_body(status, None)


def slow(seconds: float) -> Behaviour:
    """Waits before it answers properly."""

    def behave(exchange: Exchange) -> None:
        time.sleep(seconds)
        answer(exchange)

    return behave


def truncated(exchange: Exchange) -> None:
    """Hangs up in the middle of a stream, after one partial picture."""
    exchange.close_connection = True
    with contextlib.suppress(ConnectionAbortedError), exchange.stream() as send:
        exchange.send_partials(send, 1)
        raise ConnectionAbortedError


def ends_early(exchange: Exchange) -> None:
    """Ends a stream in good order without the finished picture."""
    with exchange.stream() as send:
        exchange.send_partials(send, 1)


def refusal_in_stream(exchange: Exchange) -> None:
    """Declines after the first partial picture, as the moderation of an output does."""
    with exchange.stream() as send:
        exchange.send_partials(send, 1)
        message = f"Rejected: {exchange.fields['prompt']}"
        send({"type": "error", "error": {"message": message, "code": "moderation_blocked", "type": "user_error"}})


def garbled(exchange: Exchange) -> None:
    """Sends a stream whose data is no JSON."""
    with exchange.stream():
        exchange.send_chunk(b"event: image_generation.completed\ndata: {this is not JSON\n\n")


def endless(exchange: Exchange) -> None:
    """Sends a partial picture, then comments for as long as somebody reads."""
    with exchange.stream() as send:
        exchange.send_partials(send, 1)
        while True:
            exchange.send_chunk(b": keep-alive\n\n")
            time.sleep(0.02)


def flood(exchange: Exchange) -> None:
    """Sends one event that never ends."""
    with exchange.stream():
        exchange.send_chunk(b"data: ")
        while True:
            exchange.send_chunk(b"A" * 65_536)


def finished_with(**event: Any) -> Behaviour:
    """Streams a finished event with these members instead of the proper ones."""

    def behave(exchange: Exchange) -> None:
        with exchange.stream() as send:
            send({**exchange.event("completed", exchange.picture()), **event})

    return behave


def fewer(exchange: Exchange) -> None:
    """Answers a whole call with one picture, however many were asked for."""
    exchange.fields["n"] = 1
    answer(exchange)


def sends_elsewhere(address: str) -> Behaviour:
    """Redirects to another address with the body kept (307)."""
    return lambda exchange: exchange.send_json({}, 307, {"location": address})


def sets_cookie(exchange: Exchange) -> None:
    """Answers a whole call properly, and sets a cookie."""
    picture = base64.b64encode(exchange.picture()).decode()
    exchange.send_json({"created": 1, "data": [{"b64_json": picture}]}, 200, {"set-cookie": "who=1; Path=/"})
