"""The OpenAPI document of the API: Litestar's schema, with what only we know put in.

That is: what the docstrings of handlers and structures say, which scope a token needs, that errors are problem documents
(RFC 9457), and that files are bytes. What is not under /api/v1 is left out. Neighbours: app serves it, api_page shows it.
"""

from __future__ import annotations

import copy
import inspect
import re
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Litestar
from litestar.connection import Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.response import Response, Stream
from litestar.routes import HTTPRoute

from gptimages.accounts import tokens
from gptimages.web.permissions import ALLOW, BY_TOKEN, FRESH

PREFIX = "/api/v1/"
ABOUT = (
    "Everything that the pages do, as JSON. Send a token as `Authorization: Bearer …`; you make one on your account page. "
    "Times are UTC (RFC 3339), sizes are bytes or pixels. What goes wrong is told as a problem document (RFC 9457), whose "
    "`detail` is one sentence for people."
)
PROBLEM = {
    "title": "Problem",
    "type": "object",
    "description": "What went wrong (RFC 9457); `detail` is one sentence that says what to do.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
WRONG = {
    "400": "What was sent cannot be taken as it is",
    "401": "No token, or one that has ended",
    "403": "The token, or the person's roles, do not allow it",
    "404": "There is no such thing, or it is not yours",
    "409": "Not in the state that things are in",
    "429": "A limit is reached; try again later",
}
DONE = {"200": "Done", "201": "Made", "202": "Begun", "204": "Done, nothing to tell"}
NEEDS = "x-scope"
"""The extension of an operation that holds the scope a token needs; null where no token is enough."""

SENTENCE_END = re.compile(r"\. (?=[A-Z`])")

Document = dict[str, Any]


class DocumentPlugin(JsonRenderPlugin):
    """Serves the document in place of Litestar's own."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Document) -> bytes:
        """The document as JSON."""
        return self.render_json(request, document(request.app, openapi_schema))


def document(app: Litestar, schema: Document | None = None) -> Document:
    """The document of the app, made from Litestar's schema."""
    made = copy.deepcopy(schema or app.openapi_schema.to_schema())
    handlers = dict(_handlers(app))
    made["info"] |= {"description": ABOUT}
    made["paths"] = {path: item for path, item in made["paths"].items() if path.startswith(PREFIX)}
    for path, item in made["paths"].items():
        item.pop("head", None)  # it answers like GET, without the bytes (RFC 9110)
        for method, operation in item.items():
            _complete(operation, handlers[path, method])
    _describe_structures(made["components"]["schemas"], handlers.values())
    made["components"]["schemas"]["Problem"] = PROBLEM
    made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"token": []}]
    tags = {tag for item in made["paths"].values() for operation in item.values() for tag in operation["tags"]}
    made["tags"] = [{"name": tag} for tag in sorted(tags)]
    return made


def _handlers(app: Litestar) -> Iterator[tuple[tuple[str, str], HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                yield (route.path_format, str(method).lower()), handler


def _complete(operation: Document, handler: HTTPRouteHandler) -> None:
    words = " ".join((getattr(handler.fn, "func", handler.fn).__doc__ or "").split())
    summary, *more = SENTENCE_END.split(words, maxsplit=1)
    operation["summary"] = summary.removesuffix(".")
    if more:
        operation["description"] = more[0]
    operation["tags"] = [tag.capitalize() for tag in operation.get("tags", ["other"])]
    operation[NEEDS] = _scope(handler)
    good = {status: answer for status, answer in operation["responses"].items() if status in DONE}
    for status, answer in good.items():
        answer["description"] = DONE[status]
        if "content" in answer and _is_file(handler):
            answer["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"] = good | {
        status: {"description": sentence, "content": problem} for status, sentence in WRONG.items()
    }


def _scope(handler: HTTPRouteHandler) -> str | None:
    permission = handler.opt[ALLOW]
    if handler.opt.get(FRESH) and not handler.opt.get(BY_TOKEN):
        return None
    return next((scope for scope in tokens.SCOPES if permission.startswith(tokens.ALLOWS[scope])), None)


def _is_file(handler: HTTPRouteHandler) -> bool:
    kind = handler.parsed_fn_signature.return_type
    return kind.is_subclass_of(Stream) or (kind.is_subclass_of(Response) and kind.has_inner_subclass_of(bytes))


def _describe_structures(schemas: Document, handlers: typing.Iterable[HTTPRouteHandler]) -> None:
    """Gives each structure the words of its docstring."""
    for handler in handlers:
        signature = handler.parsed_fn_signature
        for kind in (signature.return_type, *signature.parameters.values()):
            for structure in _structures(kind.annotation):
                if structure.__name__ in schemas:
                    schemas[structure.__name__]["description"] = " ".join((inspect.getdoc(structure) or "").split())


def _structures(annotation: Any) -> Iterator[Any]:
    """The structures that an annotation names, and those that they name."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
        inner: typing.Iterable[Any] = typing.get_type_hints(annotation).values()
    else:
        inner = typing.get_args(annotation)
    for each in inner:
        yield from _structures(each)
