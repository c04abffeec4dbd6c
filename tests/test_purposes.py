"""The service opens its data for a purpose: whoever sees everything is named here, with the reason."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOTS = ("platform", "jobs", "reports")

SEES_EVERYTHING = {
    "jobs/gptimages_jobs/erase.py": "The erasure takes every row of a person, and makes temporary tables, which no purpose does.",
    "jobs/gptimages_jobs/retention.py": "Retention carries out what the policies say of every row, whoever closed it to us.",
    "platform/gptimages/installation.py": "It makes the sessions that have a purpose, and asks first whose database it is.",
    "platform/gptimages/origin.py": "It asks whether there is an installation at all, before there are keys and purposes.",
    "platform/gptimages/restoring.py": "It erases again whom a backup has brought back, before anybody is served.",
    "platform/gptimages_cli/catalog.py": "It compares a database's columns with the models, before anybody knows what they hold.",
    "platform/gptimages_cli/objects.py": "It compares every object with every row: one that is hidden would look like none.",
    "platform/gptimages_demo/data.py": "It writes rows of every category about people whom it has invented.",
}


def sees_everything(source: str) -> bool:
    """Whether code opens the database itself: by `.db.read`, `.db.write`, or `read` and `write` of a `db`."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ("read", "write")
        and (getattr(node.value, "attr", None) == "db" or getattr(node.value, "id", None) == "db")
        for node in ast.walk(ast.parse(source))
    )


def test_every_transaction_of_the_service_has_a_purpose() -> None:
    """No module opens the database past the purposes but those named here, and each that is named does."""
    modules = [path for root in ROOTS for path in (ROOT / root).rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in modules if sees_everything(path.read_text())}
    assert found == SEES_EVERYTHING.keys()


def test_the_look_finds_both_ways_in() -> None:
    """Reading and writing are found under either name, and a session for a purpose is not."""
    assert sees_everything("with here.db.read() as session: ...")
    assert sees_everything("with db.write() as session: ...")
    assert sees_everything("opened = self._here.db.write")
    assert not sees_everything('with here.reading("deliver", "anybody") as session: ...')
