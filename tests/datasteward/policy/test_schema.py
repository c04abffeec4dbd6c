"""The schemas by which an editor helps while somebody writes policies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from support.mistakes.every import MISTAKES

from datasteward.policy.loader import FILES
from datasteward.policy.schema import schemas

SHIPPED = Path(__file__).parents[3] / "policies"
EXAMPLES = sorted((SHIPPED / "tests").glob("*.yaml"))
SEEN_BY_AN_EDITOR = [
    "an unknown key",
    "a missing key",
    "a missing source",
    "a text for a number",
    "a number for a text",
    "a word for yes or no",
    "a value for a list",
    "a list for a group",
    "nothing at all",
    "an unknown word",
    "a period in words",
    "an unknown coarseness",
    "an unknown method",
    "a method without its reason",
    "a crowd of rows",
]


def _faults(path: Path, schema: str) -> list[str]:
    said = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    plain: Any = json.loads(json.dumps(said, default=str))  # an editor takes a moment for a text, as JSON does
    return [fault.message for fault in Draft202012Validator(json.loads(schema)).iter_errors(plain)]


@pytest.mark.parametrize("name", schemas())
def test_the_committed_schemas_are_those_of_the_types(name: str) -> None:
    """Each committed schema is what the types give now (else run `gptimages policy schema`), and is a schema itself."""
    text = schemas()[name]
    assert (SHIPPED / "schema" / name).read_text("utf-8") == text
    Draft202012Validator.check_schema(json.loads(text))


def test_there_is_no_other_schema() -> None:
    """Nothing stays in schema/ of a file that is no more."""
    assert {path.name for path in (SHIPPED / "schema").iterdir()} == set(schemas())


@pytest.mark.parametrize("name", FILES)
def test_a_policy_file_names_its_schema_and_keeps_it(name: str) -> None:
    """The first line of each policy file leads an editor to its schema, and the shipped file has no fault by it."""
    path = SHIPPED / name
    first = path.read_text("utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema=schema/{path.stem}.json"
    assert _faults(path, schemas()[f"{path.stem}.json"]) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_file_of_examples_names_its_schema_and_keeps_it(path: Path) -> None:
    """So do the examples in tests/."""
    assert path.read_text("utf-8").splitlines()[0] == "# yaml-language-server: $schema=../schema/examples.json"
    assert _faults(path, schemas()["examples.json"]) == []


@pytest.mark.parametrize("mistake", SEEN_BY_AN_EDITOR)
def test_an_editor_sees_what_the_reader_sees(
    mistake: str, policy_copy: Path, spoil: Callable[[str, str, str], None]
) -> None:
    """A mistake that lies in one file is one by its schema, too."""
    name, pattern, new, _, _ = MISTAKES[mistake]
    spoil(name, pattern, new)
    assert _faults(policy_copy / name, schemas()[f"{Path(name).stem}.json"])
