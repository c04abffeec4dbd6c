"""policy verify, diff and schema: typed by whoever writes the policies, with an installation or without one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from datasteward.policy.schema import schemas
from gptimages.accounts.models import Account
from gptimages.activity import usage
from gptimages.installation import Installation
from gptimages_cli.main import main


def _typed(*words: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(main, ["policy", *map(str, words)], env=environment)


def _change(policies: Path, old: str, new: str) -> None:
    path = policies / "retention.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_check_finds_nothing_to_weigh_in_the_shipped_set(policies: Path) -> None:
    """What is anonymised keeps no exact time by which a row could be matched with others."""
    done = _typed("check", policies)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "To weigh" not in done.stdout


def test_check_knows_the_jobs(policies: Path) -> None:
    """A job that nothing does, and retention without a time, are told before the service starts."""
    path = policies / "schedule.yaml"
    path.write_text(path.read_text("utf-8").replace("  retention:", "  retenton:"), "utf-8")
    done = _typed("check", policies)
    assert done.exit_code == 1
    assert "no job is called 'retenton'; write 'retention' if that is meant" in done.stderr
    assert "the job 'retention' has no time, so it would never be done" in done.stderr


def test_verify_holds_the_examples(policies: Path) -> None:
    """Examples that hold are counted; one that does not is told with its place, and the exit code is 1."""
    good = _typed("verify", policies)
    assert (good.exit_code, good.stderr) == (0, "")
    assert "examples hold, and every rule with a period is shown by one." in good.stdout
    _change(policies, "period: P90D", "period: P80D")
    bad = _typed("verify", policies)
    assert (bad.exit_code, bad.stdout) == (1, "")
    told = bad.stderr.splitlines()
    assert told[0] == f"2 things do not hold in {policies}."
    assert [line.startswith(f"{policies / 'tests/content.yaml'}:") for line in told[1:]] == [True, True]


def test_verify_takes_the_set_in_force(policies: Path) -> None:
    """Without a directory the set that GPTIMAGES_POLICIES names is verified."""
    _change(policies, "period: P90D", "period: P91D")
    assert str(policies) in _typed("verify", GPTIMAGES_POLICIES=str(policies)).stderr


def test_diff_of_two_sets_and_of_one_with_that_in_force(policies: Path, tmp_path: Path) -> None:
    """Each change is one line, from the old set to the new; with one directory, from the set in force to that."""
    shipped = Path(__file__).parents[2] / "policies"
    _change(policies, "period: P90D", "period: P80D")
    there = _typed("diff", shipped, policies)
    assert there.exit_code == 0
    assert "reference-pictures period: 90 days → 80 days" in there.stdout
    assert "80 days → 90 days" in _typed("diff", policies, shipped).stdout
    assert _typed("diff", policies).stdout.splitlines()[1:] == there.stdout.splitlines()[1:]
    assert "80 days → 90 days" in _typed("diff", shipped, GPTIMAGES_POLICIES=str(policies)).stdout
    assert "Both say the same." in _typed("diff", shipped).stdout


def test_diff_says_what_it_means_for_the_data(
    here: Installation, person: Callable[..., Account], policies: Path
) -> None:
    """Where there is an installation, rows and people stand below the changes; nothing is changed by counting them."""
    ines, now = person("Ines Berg").id, here.clock()
    with here.db.write() as session:
        for days in (10, 40, 50):
            usage.record(session, ines, "run", pictures=1, seconds=1.0, now=now - timedelta(days=days))
    _change(policies, "period: P13M", "period: P30D")
    data = {"GPTIMAGES_DATA": str(here.settings.data), "GPTIMAGES_POLICIES": str(here.settings.policies)}
    told = _typed("diff", policies, **data)
    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout.splitlines()[-1] == "usage_event: 2 usage events of 1 person would go tonight."
    same = _typed("diff", data["GPTIMAGES_POLICIES"], **data)
    assert same.stdout.splitlines()[-1] == "Of the data that is there, nothing more and nothing less would go tonight."


def test_diff_without_an_installation_says_so_and_makes_none(policies: Path, tmp_path: Path) -> None:
    """The changes are told all the same."""
    _change(policies, "period: P90D", "period: P80D")
    told = _typed("diff", policies, GPTIMAGES_DATA=str(tmp_path / "nowhere"))
    assert told.exit_code == 0
    assert "reference-pictures period: 90 days → 80 days" in told.stdout
    assert told.stdout.splitlines()[-1] == (
        f"What that means for data was not counted. There is no database in {tmp_path / 'nowhere'}: "
        "set GPTIMAGES_DATA to the directory that holds it."
    )
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("words", [(), ("a", "b", "c")])
def test_diff_wants_one_set_or_two(words: tuple[str, ...]) -> None:
    """Any other number of directories is a mistake of usage."""
    done = _typed("diff", *words)
    assert done.exit_code == 2
    assert "Name one policy set, to compare with the one in force, or two." in done.stderr


def test_diff_of_a_set_with_mistakes_says_them(policies: Path) -> None:
    """A set that cannot be read is not compared; its mistakes are told."""
    _change(policies, "period: P90D", "period: 90 days")
    done = _typed("diff", policies)
    assert done.exit_code == 1
    assert "not an ISO 8601 period" in done.stderr


def test_schemas_are_written(policies: Path, tmp_path: Path) -> None:
    """The schemas go where --out says, else beside the policies in force; where nothing can be written, that is told."""
    assert _typed("schema", "--out", tmp_path / "new/place").exit_code == 0
    assert {path.name: path.read_text("utf-8") for path in (tmp_path / "new/place").iterdir()} == schemas()
    (policies / "schema/retention.json").unlink()
    assert _typed("schema", GPTIMAGES_POLICIES=str(policies)).exit_code == 0
    assert (policies / "schema/retention.json").exists()
    (tmp_path / "file").touch()
    refused = _typed("schema", "--out", tmp_path / "file/under")
    assert refused.exit_code == 1
    assert "name another place with --out" in refused.stderr
