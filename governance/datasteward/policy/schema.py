"""JSON Schemas (draft 2020-12) of the policy files, for editors: made from the very types that `reading` fills.

    for name, text in schemas().items():
        (directory / name).write_text(text, "utf-8")

What two files must agree on stands in `checks`; a schema knows one file.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import Any

import msgspec
from msgspec import inspect

from datasteward.policy import period
from datasteward.policy.examples import Examples
from datasteward.policy.loader import FILES
from datasteward.policy.reading import NAMED_BY_KEY

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_PERIOD: Schema = {
    "type": "string",
    "pattern": f"^{re.sub(r'[?]P<[a-z]+>', '?:', period.SHAPE.pattern)}$",
    "description": "An ISO 8601 period: P13M, P90D, PT24H.",
}
_PLAIN: dict[type[inspect.Type], Schema] = {
    inspect.StrType: {"type": "string", "pattern": r"\S"},
    inspect.IntType: {"type": "integer"},
    inspect.BoolType: {"type": "boolean"},
    inspect.NoneType: {"type": "null"},
    inspect.DateType: {"type": "string", "format": "date"},
    inspect.DateTimeType: {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d"},
}


def schemas() -> dict[str, str]:
    """The schema of each policy file, and of the examples in tests/, as JSON text by its file name: `retention.json`."""
    kinds: dict[str, type[msgspec.Struct]] = {**FILES, "examples.yaml": Examples}
    return {str(PurePath(name).with_suffix(".json")): _text(name, kind) for name, kind in kinds.items()}


def _text(name: str, kind: type[msgspec.Struct]) -> str:
    writer = _Writer()
    top = writer.structure(inspect.type_info(kind), named=False)  # type: ignore[arg-type] # a structure, as FILES says
    whole = {"$schema": DRAFT, "title": name, **top, "$defs": dict(sorted(writer.defined.items()))}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


class _Writer:
    """Turns types into schemas; each structure below the top is `defined` once, by the name of its class."""

    def __init__(self) -> None:
        self.defined: dict[str, Schema] = {}

    def of(self, kind: inspect.Type) -> Schema:
        match kind:
            case inspect.UnionType():
                return {"anyOf": [self.of(one) for one in kind.types]}
            case inspect.StructType(cls=cls) if cls is period.Period:
                return _PERIOD
            case inspect.StructType():
                return self.reference(kind)
            case inspect.DictType():
                return {"type": "object", **self.keys(kind.key_type), "additionalProperties": self.of(kind.value_type)}
            case inspect.VarTupleType():
                return {"type": "array", "items": self.of(kind.item_type)}
            case inspect.LiteralType():
                return {"enum": list(kind.values)}
            case _:
                return _PLAIN[type(kind)]

    def keys(self, kind: inspect.Type) -> Schema:
        return {"propertyNames": self.of(kind)} if isinstance(kind, inspect.LiteralType) else {}

    def reference(self, kind: inspect.StructType) -> Schema:
        name = kind.cls.__name__
        if name not in self.defined:
            self.defined[name] = {}
            self.defined[name] = self.structure(kind, named=True)
        return {"$ref": f"#/$defs/{name}"}

    def structure(self, kind: inspect.StructType, *, named: bool) -> Schema:
        fields = [field for field in kind.fields if not (named and field.encode_name in NAMED_BY_KEY)]
        said = _said(kind.cls)
        return {
            "type": "object",
            **({"description": said[0]} if said else {}),
            "properties": {field.encode_name: self.field(field, said) for field in fields},
            "required": [field.encode_name for field in fields if field.required],
            "additionalProperties": False,
        }

    def field(self, field: inspect.Field, said: list[str]) -> Schema:
        about = next((sentence for sentence in said if f"`{field.encode_name}`" in sentence), None)
        default = {"default": field.default} if isinstance(field.default, (str, int)) and field.default != "" else {}
        return {**self.of(field.type), **({"description": about} if about else {}), **default}


def _said(kind: type) -> list[str]:
    """The sentences in which a structure, and those that it is made from, say what their fields mean."""
    structures = [one for one in kind.__mro__ if issubclass(one, msgspec.Struct) and one is not msgspec.Struct]
    docs = (" ".join((one.__doc__ or "").split()) for one in structures)
    return [said.rstrip(";") for doc in docs for said in re.split(r"(?<=[.;]) (?=[`A-Z])", doc) if said]
