"""What is kept outside the tables is tagged: every key of an object and every field of the log that the source makes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from datasteward.catalog import within
from datasteward.catalog.tags import TAG
from datasteward.retention import archiving
from gptimages.outside_tables import LOG_FIELDS, PREFIXES
from gptimages.web.errors import describe

ROOT = Path(__file__).parents[2]
LEVELS = ("debug", "info", "warning", "error", "exception", "critical", "bind")


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Every call in the service and its jobs."""
    for folder in ("platform", "jobs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
            yield from ((path, call) for call in found)


def test_every_field_of_the_log_is_tagged() -> None:
    """Whatever a line of the log is given by name, and what is logged of any error."""
    used = set(describe(ValueError("a secret")))
    for path, call in calls():
        to = call.func
        if (
            isinstance(to, ast.Attribute)
            and to.attr in LEVELS
            and isinstance(to.value, ast.Name)
            and to.value.id == "log"
        ):
            used |= {word.arg for word in call.keywords if word.arg is not None}
            spread = [ast.unparse(word.value) for word in call.keywords if word.arg is None]
            assert set(spread) <= {"**describe(error)", "describe(error)"}, path
    assert used == set(LOG_FIELDS)


def test_every_kind_of_object_lies_under_a_tagged_prefix() -> None:
    """A key is `kind/id`: where one is made, in the modules that put objects or name their keys."""
    made = set()
    for folder in ("platform", "jobs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text()
            if "objects.put(" in text or "_key(" in text:
                strings = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.JoinedStr))
                firsts = (s.values[0].value for s in strings if s.values and isinstance(s.values[0], ast.Constant))
                made |= {
                    first
                    for first in firsts
                    if isinstance(first, str) and first.count("/") == 1 and first.endswith("/")
                }
    assert made | {archiving.PREFIX} == set(PREFIXES)


def test_archives_of_retention_are_not_taken_for_those_of_people() -> None:
    """They hold counts of groups that lead to nobody, and no prefix is the beginning of another."""
    assert within(PREFIXES[archiving.PREFIX][TAG].category, "system")
    assert not [(one, other) for one in PREFIXES for other in PREFIXES if one != other and other.startswith(one)]
