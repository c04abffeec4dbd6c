"""The API's page: the OpenAPI document drawn by ourselves, without a script and without anything from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from litestar import get
from litestar.connection import Request
from litestar.di import NamedDependency
from litestar.response import Response
from markupsafe import Markup, escape

from gptimages.accounts.tokens import SCOPES
from gptimages.installation import Installation
from gptimages.web.api_document import NEEDS, Document, document
from gptimages.web.permissions import PUBLIC
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor

ORDER = ("Images", "Privacy", "Account")
"""The groups that everybody uses, first; those of staff follow by name."""
EXAMPLES: dict[str, Any] = {
    "prompt": "a harbour at dawn",
    "name": "Ines Halvorsen",
    "email": "ines.halvorsen@example.org",
    "label": "my laptop",
    "scopes": ["images"],
    "ids": ["ID"],
    "id": "promotional-mail",
    "account": "ID",
    "review": "2027-06-30",
}
"""What stands in an example for a field of this name."""
KINDS: dict[str, Any] = {"string": "…", "integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}
REFERENCE = "#/components/schemas/"


class Field(msgspec.Struct, frozen=True):
    """A parameter or a field: its name, its type in words (safe HTML with links), and what holds when it is left out."""

    name: str
    kind: Markup
    required: bool
    default: str | None
    where: str = ""


class Operation(msgspec.Struct, frozen=True):
    """One operation as the page shows it. `scope` is what a token needs, None where no token is enough."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    scope: str | None
    parameters: list[Field]
    body: str | None
    body_words: str
    fields: list[Field]
    answers: list[tuple[str, str, Markup | None]]
    example: str


class Structure(msgspec.Struct, frozen=True):
    """One structure of answers: its name, words and fields."""

    name: str
    description: str
    fields: list[Field]


@get("/api", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def page(
    request: Request[Any, Any, Any],
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
) -> Response[Any]:
    """The API, operation by operation."""
    found = document(request.app)
    return pages.page(
        "api/api.html",
        visitor,
        groups=groups(found, here.settings.public_url.rstrip("/")),
        structures=structures(found),
        scopes=SCOPES,
        about=ticked(found["info"]["description"]),
        ticked=ticked,
    )


def groups(found: Document, base: str) -> list[tuple[str, list[Operation]]]:
    """The operations by tag; `base` is the address that examples begin with."""
    by_tag: dict[str, list[Operation]] = {}
    for path, item in found["paths"].items():
        for method, operation in item.items():
            by_tag.setdefault(operation["tags"][0], []).append(_operation(found, method, path, operation, base))
    names = sorted(by_tag, key=lambda tag: (ORDER.index(tag) if tag in ORDER else len(ORDER), tag))
    return [(name, by_tag[name]) for name in names]


def structures(found: Document) -> list[Structure]:
    """Every structure, by name."""
    schemas = found["components"]["schemas"]
    return [Structure(name, schemas[name].get("description", ""), _fields(schemas[name])) for name in sorted(schemas)]


def ticked(text: str) -> Markup:
    """Text in which `words between backticks` are code."""
    parts = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def _operation(found: Document, method: str, path: str, operation: Document, base: str) -> Operation:
    sent = _json_of(operation.get("requestBody", {}))
    name = sent["$ref"].removeprefix(REFERENCE) if sent and "$ref" in sent else None
    structure = found["components"]["schemas"].get(name, {})
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        scope=operation[NEEDS],
        parameters=[_parameter(each) for each in operation.get("parameters", [])],
        body=None if sent is None else str(_kind(sent)),
        body_words=structure.get("description", ""),
        fields=_fields(structure),
        answers=[_answer(status, answer) for status, answer in operation["responses"].items()],
        example=_example(found, method, base + path, operation, sent),
    )


def _parameter(given: Document) -> Field:
    schema = given["schema"]
    return Field(given["name"], _kind(schema), given["required"], _default(schema), given["in"])


def _fields(schema: Document) -> list[Field]:
    needed = schema.get("required", [])
    return [
        Field(name, _kind(field), name in needed, _default(field))
        for name, field in schema.get("properties", {}).items()
    ]


def _answer(status: str, answer: Document) -> tuple[str, str, Markup | None]:
    schema = _json_of(answer)
    return status, answer["description"], None if schema is None else _kind(schema)


def _json_of(holder: Document) -> Document | None:
    """The schema of what is sent or answered, whatever its media type."""
    schemas: Iterable[Document] = (media["schema"] for media in holder.get("content", {}).values())
    return next(iter(schemas), None)


def _kind(schema: Document) -> Markup:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        return Markup('<a href="#{}">{}</a>').format(f"structure-{name}", name)
    if "oneOf" in schema:
        return Markup(" or ").join(_kind(each) for each in schema["oneOf"])
    if "enum" in schema:
        return Markup(" or ").join(Markup("<code>{}</code>").format(json.dumps(each)) for each in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return Markup("list of {}").format(_kind(schema.get("items", {})))
    if schema.get("format") == "binary":
        return Markup("the bytes of a file")
    names = kind if isinstance(kind, list) else [kind]
    return Markup(" or ").join(escape(_word(each, schema.get("format"))) for each in names)


def _word(kind: str, form: str | None) -> str:
    return {"date-time": "time", "date": "day"}.get(form or "", {"string": "text", "integer": "number"}.get(kind, kind))


def _default(schema: Document) -> str | None:
    if "default" not in schema:
        return None
    return json.dumps(schema["default"])


def _example(found: Document, method: str, address: str, operation: Document, sent: Document | None) -> str:
    for parameter in operation.get("parameters", []):
        address = address.replace("{" + parameter["name"] + "}", "ID")
    lines = ['curl -H "Authorization: Bearer $GPTIMAGES_TOKEN"']
    if method != "get":
        lines[0] += f" -X {method.upper()}"
    if sent is not None:
        lines += [
            '-H "Content-Type: application/json"',
            f"-d '{json.dumps(_value(found, sent, ''), ensure_ascii=False)}'",
        ]
    answers = operation["responses"]
    if any("*/*" in answer.get("content", {}) for answer in answers.values()):
        lines.append("-o FILE")
    return " \\\n  ".join([*lines, address])


def _value(found: Document, schema: Document, name: str) -> Any:
    if "$ref" in schema:
        structure = found["components"]["schemas"][schema["$ref"].removeprefix(REFERENCE)]
        needed = structure.get("required", [])
        return {key: _value(found, structure["properties"][key], key) for key in needed}
    if name in EXAMPLES:
        return EXAMPLES[name]
    if "oneOf" in schema:
        return _value(found, schema["oneOf"][0], name)
    if schema.get("type") == "array" and not name:
        return [_value(found, schema["items"], "")]
    return KINDS.get(schema.get("type", "object"), {})


ROUTES = [page]
