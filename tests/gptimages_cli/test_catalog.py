"""`gptimages catalog`: one finding a line and exit code 1, the graph, and the files for other tools."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from datasteward.retention import plans
from gptimages.accounts import roles
from gptimages.accounts.models import Account
from gptimages.activity import usage
from gptimages.installation import Installation
from gptimages.outside_tables import PREFIXES
from gptimages_cli.main import main
from gptimages_jobs.retention import carry_out

Type = Callable[..., Result]
PersonFactory = Callable[..., Account]


@pytest.fixture
def typed(here: Installation) -> Type:
    """Types `catalog …` on the installation `here`, by its settings in the environment."""
    environment = {"GPTIMAGES_DATA": str(here.settings.data), "GPTIMAGES_POLICIES": str(here.settings.policies)}

    def type_(*words: str, **more: str) -> Result:
        return CliRunner().invoke(main, ["catalog", *words], env=environment | more)

    return type_


@pytest.mark.parametrize("words", [["check"], ["check", "--live"]])
def test_a_new_installation_passes(typed: Type, words: list[str]) -> None:
    """With exit code 0 and how much was looked at."""
    done = typed(*words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith(": nothing is wrong.\n")


def test_an_installation_that_was_used_passes(here: Installation, person: PersonFactory, typed: Type) -> None:
    """Ids of people who acted stand in roles, plans, certificates and the log, and all of them are tagged so."""
    officer, other = person("Ada Lund"), person("Ben Moen")
    now = here.clock()
    with here.db.write() as session:
        roles.grant(session, here, other.id, "support", by=officer.id, now=now)
        usage.record(session, other.id, "run", pictures=1, seconds=1.0, now=now - timedelta(days=800))
    with here.db.write() as session:
        plan = plans.make(session, here.steward, by=officer.id, now=now)
    carry_out(here, plan, by=officer.id)
    done = typed("check", "--live")
    assert (done.exit_code, done.stdout) == (0, typed("check").stdout), done.stdout


def test_what_is_wrong_live_is_told_and_left_alone(here: Installation, typed: Type) -> None:
    """A table made by hand and an object of no kind: each in a line, and nothing is changed."""
    with here.db.write() as session:
        session.execute(text("CREATE TABLE contacts_2019 (mail TEXT)"))
    here.vault.create("somebody")
    here.objects.put("somebody", "draft/one", [b"x"])
    before = sorted(here.objects.keys())
    done = typed("check", "--live")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("database:1: the database has a table contacts_2019 that the models do not know; ")
    assert lines[1].startswith("objects:1: 1 object stands under draft/, which nothing tags; ")
    assert lines[2].startswith("2 findings in ")
    assert sorted(here.objects.keys()) == before
    assert typed("check").exit_code == 0


def test_a_policy_that_forgot_a_category_is_told_with_the_rows(
    here: Installation, policies: Path, person: Callable[..., object], typed: Type
) -> None:
    """Renamed in every policy file: the service would not start any more, and the check counts what is left over."""
    person("Ines Halvorsen")
    for path in policies.glob("*.yaml"):
        path.write_text(path.read_text().replace("user.contact.address.country", "user.contact.address.land"))
    done = typed("check", "--live", GPTIMAGES_POLICIES=str(policies))
    assert done.exit_code == 1
    assert "1 row of account.country still holds user.contact.address.country" in done.stdout
    assert "accounts/models.py:" in done.stdout


def test_json_tells_findings_and_every_column(typed: Type) -> None:
    """For programs: what is told of each column, by name."""
    told = json.loads(typed("check", "--json").stdout)
    assert told["findings"] == []
    columns = {(each["table"], each["column"]): each for each in told["columns"]}
    assert columns["account", "email"] == {
        "table": "account",
        "column": "email",
        "category": "user.contact.email",
        "personal": True,
        "identifiability": "identified",
        "origin": "provided",
        "encrypted": True,
        "export": True,
        "why_not": None,
    }


def test_there_is_no_database(typed: Type, tmp_path: Path) -> None:
    """Looking at what is live makes nothing."""
    done = typed("check", "--live", GPTIMAGES_DATA=str(tmp_path / "nowhere"))
    assert done.exit_code == 1
    assert "There is no database" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_the_graph_on_the_terminal_and_as_a_file(typed: Type, tmp_path: Path) -> None:
    """A tree in text, or a picture."""
    shown = typed("graph")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("account  the data subject\n")
    done = typed("graph", "--out", str(tmp_path / "graph.svg"))
    assert (done.exit_code, done.stdout) == (0, f"Written to {tmp_path / 'graph.svg'}.\n")
    assert ElementTree.fromstring((tmp_path / "graph.svg").read_text()).tag.endswith("svg")


def test_the_data_map_as_files(typed: Type, tmp_path: Path) -> None:
    """Either or both; a place that is not there, and no file at all, are told."""
    done = typed("export", "--fides", str(tmp_path / "map.yml"), "--dpv", str(tmp_path / "map.jsonld"))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "map.yml").read_text().startswith("data_category:\n")
    assert json.loads((tmp_path / "map.jsonld").read_text())["@context"]["our"].endswith("/data-map#")
    assert "at least one file" in typed("export").stderr
    assert "There is no directory" in typed("export", "--dpv", "/nowhere/map.jsonld").stderr


@pytest.mark.parametrize("words", [("graph", "--out"), ("export", "--fides"), ("export", "--dpv")])
def test_a_file_that_cannot_be_written_is_told(typed: Type, words: tuple[str, ...]) -> None:
    """In a sentence that names it."""
    done = typed(*words, "/proc/version")
    assert done.exit_code == 1
    assert "Nothing can be written to /proc/version: name a file that you may write." in done.stderr


def test_prefixes_end_where_the_id_begins() -> None:
    """So that one kind is never taken for another."""
    assert all(prefix.endswith("/") for prefix in PREFIXES)
