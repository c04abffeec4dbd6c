"""Reads one YAML file into a typed structure, and notes every mistake with its line instead of stopping at the first.

The types say what is allowed: msgspec.Struct fields, dict, tuple, Literal, Period, date, datetime, str, int, bool, None. A
structure inside a mapping takes its `key` or `id` from the mapping's key. Knows nothing of what the files mean.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from datasteward.policy.findings import Findings, Place, suggestion
from datasteward.policy.period import Period

_TAG = "tag:yaml.org,2002:"
NAMED_BY_KEY = ("key", "id")
"""The fields that a structure inside a mapping takes from the mapping's key."""
_BAD: Any = object()

T = TypeVar("T", bound=msgspec.Struct)


def read_text(path: Path, name: str, findings: Findings) -> str | None:
    """The text of one file, or None after noting why there is none."""
    findings.opened(name, path)
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        findings.add(name, 1, "this policy file is missing", "put it back, or take it from the last release")
    except UnicodeDecodeError:
        findings.add(name, 1, "this file is not text in UTF-8", "restore it from the last version that was good")
    except OSError as trouble:
        findings.add(
            name, 1, f"this file cannot be read ({trouble.strerror})", "give the service's user the right to read it"
        )
    return None


def read_yaml(text: str, kind: type[T], name: str, findings: Findings, *, first_line: int = 1) -> T | None:
    """The structure `kind` that the YAML `text` of file `name` holds, or None after noting what is wrong."""
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as trouble:
        mark = trouble.problem_mark or trouble.context_mark
        line = first_line + (mark.line if mark else 0)
        findings.add(
            name, line, f"this is not YAML ({trouble.problem or 'it breaks off'})", "mend the line or the one before it"
        )
        return None
    except YAMLError:
        findings.add(name, first_line, "this is not YAML (it holds characters that no text has)", "restore the file")
        return None
    except RecursionError:
        findings.add(
            name, first_line, "this file is nested too deeply", "restore it from the last version that was good"
        )
        return None
    if node is None:
        findings.add(name, first_line, "this policy file is empty", "restore it from the last version that was good")
        return None
    value = _Reader(name, findings, first_line).read(node, inspect.type_info(kind), ())
    return None if value is _BAD else value


class _Reader:
    """Walks the nodes of one file beside the types that they should have."""

    def __init__(self, name: str, findings: Findings, first_line: int) -> None:
        self.name = name
        self.findings = findings
        self.first_line = first_line

    def read(self, node: Node, kind: inspect.Type, place: Place) -> Any:
        self.findings.remember(self.name, place, self.line(node))
        match kind:
            case inspect.UnionType():
                return self.union(node, kind, place)
            case inspect.StructType(cls=cls) if cls is Period:
                return self.period(node)
            case inspect.StructType():
                return self.structure(node, kind, place)
            case inspect.DictType():
                return self.mapping(node, kind, place)
            case inspect.VarTupleType():
                return self.sequence(node, kind, place)
            case inspect.LiteralType():
                return self.literal(node, kind)
            case _:
                return self.scalar(node, kind)

    def line(self, node: Node) -> int:
        return int(node.start_mark.line) + self.first_line

    def bad(self, node: Node, what: str, remedy: str) -> Any:
        self.findings.add(self.name, self.line(node), what, remedy)
        return _BAD

    def union(self, node: Node, kind: inspect.UnionType, place: Place) -> Any:
        inner = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        if isinstance(node, ScalarNode) and node.tag == _TAG + "null":
            return None
        shaped = [one for one in inner if _fits(node, one)] or inner
        return self.read(node, shaped[0], place)

    def structure(self, node: Node, kind: inspect.StructType, place: Place) -> Any:
        if not isinstance(node, MappingNode):
            return self.bad(
                node, f"here should stand keys and values, not {_shown(node)}", "write them one a line, indented"
            )
        fields = {field.encode_name: field for field in kind.fields}
        values: dict[str, Any] = {}
        for key, child in self.pairs(node, place):
            if key not in fields or (key in NAMED_BY_KEY and place):
                known = [field for field in fields if field not in NAMED_BY_KEY]
                self.bad(child, f"unknown key '{key}'", f"{suggestion(key, known)}, or remove it")
            else:
                values[fields[key].name] = self.read(child, fields[key].type, (*place, key))
        for named in NAMED_BY_KEY:
            if named in fields and place:
                values[named] = place[-1]
        return self.made(node, kind, values, place)

    def made(self, node: Node, kind: inspect.StructType, values: dict[str, Any], place: Place) -> Any:
        missing = [field.encode_name for field in kind.fields if field.required and field.name not in values]
        for name in missing:
            where = f" of '{place[-1]}'" if place else ""
            self.bad(node, f"the key '{name}'{where} is missing", f"add '{name}: …'")
        if missing or any(value is _BAD for value in values.values()):
            return _BAD
        return kind.cls(**values)

    def mapping(self, node: Node, kind: inspect.DictType, place: Place) -> Any:
        if not isinstance(node, MappingNode):
            return self.bad(
                node, f"here should stand keys and values, not {_shown(node)}", "write them one a line, indented"
            )
        pairs = self.pairs(node, place)
        if isinstance(kind.key_type, inspect.LiteralType):
            for key, child in pairs:
                self.key(key, child, kind.key_type)
        return _whole({key: self.read(child, kind.value_type, (*place, key)) for key, child in pairs})

    def key(self, key: str, node: Node, kind: inspect.LiteralType) -> None:
        allowed = [str(value) for value in kind.values]
        if key not in allowed:
            self.bad(node, f"unknown key '{key}'", suggestion(key, allowed))

    def pairs(self, node: MappingNode, place: Place) -> list[tuple[str, Node]]:
        seen: dict[str, Node] = {}
        for key, child in node.value:
            if not isinstance(key, ScalarNode):
                self.bad(key, "a key is a single word", "write one word before the colon")
            elif key.value in seen:
                self.bad(key, f"'{key.value}' stands here a second time", "remove one of the two")
            else:
                seen[key.value] = child
                self.findings.remember(self.name, (*place, key.value), self.line(key))
        return list(seen.items())

    def sequence(self, node: Node, kind: inspect.VarTupleType, place: Place) -> Any:
        if not isinstance(node, SequenceNode):
            return self.bad(node, f"here should stand a list, not {_shown(node)}", "put it in brackets: [one, another]")
        items = {str(i): self.read(child, kind.item_type, (*place, str(i))) for i, child in enumerate(node.value)}
        whole = _whole(items)
        return _BAD if whole is _BAD else tuple(whole.values())

    def literal(self, node: Node, kind: inspect.LiteralType) -> Any:
        allowed = [str(value) for value in kind.values]
        if isinstance(node, ScalarNode) and node.value in allowed:
            return kind.values[allowed.index(node.value)]
        return self.bad(node, f"{_shown(node)} is not allowed here", f"use one of: {', '.join(sorted(allowed))}")

    def period(self, node: Node) -> Any:
        if not isinstance(node, ScalarNode):
            return self.bad(
                node, f"here should stand a period, not {_shown(node)}", "write it as in ISO 8601: P13M, P90D, PT24H"
            )
        try:
            return Period.parse(node.value)
        except ValueError as trouble:
            return self.bad(node, str(trouble), "write years, months and days after P, hours and minutes after T")

    def scalar(self, node: Node, kind: inspect.Type) -> Any:
        tag, words, make = _SCALARS[type(kind)]
        if isinstance(node, ScalarNode) and node.tag == _TAG + tag:
            try:
                if made := make(node.value):
                    return made[0]
            except ValueError:
                pass
        return self.bad(node, f"here should stand {words}, not {_shown(node)}", f"write {words}")


def _text(value: str) -> tuple[str, ...]:
    return (value.strip(),) if value.strip() else ()


def _moment(value: str) -> tuple[datetime]:
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC),)


_SCALARS: dict[type[inspect.Type], tuple[str, str, Any]] = {
    inspect.StrType: ("str", "a text", _text),
    inspect.IntType: ("int", "a whole number", lambda value: (int(value.replace("_", "")),)),
    inspect.BoolType: ("bool", "true or false", lambda value: (value.lower() == "true",)),
    inspect.DateTimeType: ("timestamp", "a moment such as 2026-09-01 or 2026-09-01T12:00:00Z", _moment),
    inspect.DateType: ("timestamp", "a date such as 2026-09-01", lambda value: (date.fromisoformat(value),)),
}


def _fits(node: Node, kind: inspect.Type) -> bool:
    shape = {inspect.DictType: MappingNode, inspect.StructType: MappingNode, inspect.VarTupleType: SequenceNode}
    is_period = isinstance(kind, inspect.StructType) and kind.cls is Period
    wanted = ScalarNode if is_period else shape.get(type(kind), ScalarNode)
    return isinstance(node, wanted) and (type(kind) not in _SCALARS or node.tag == _TAG + _SCALARS[type(kind)][0])


def _whole(values: dict[str, Any]) -> Any:
    return _BAD if any(value is _BAD for value in values.values()) else values


def _shown(node: Node) -> str:
    if isinstance(node, ScalarNode):
        return "nothing" if node.tag == _TAG + "null" or not node.value.strip() else f"'{node.value[:60]}'"
    return "a list" if isinstance(node, SequenceNode) else "a group of keys"
