"""report, policy, roles and keys: typed by whoever runs the installation, on the installation itself."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from conftest import Clock
from support.key_world import damage

from datasteward.audit import log as audit
from datasteward.keys import FileRootKey
from gptimages.accounts import people, roles
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages_cli.main import COMMANDS, main

Type = Callable[..., Result]


def test_every_command_tells_what_it_does(local: Type) -> None:
    """Every command and every command of a group has a help text."""
    for name in COMMANDS:
        command = main.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.help, name
        for sub, each in getattr(command, "commands", {}).items():
            assert each.help, f"{name} {sub}"
            assert local(name, sub, "--help").exit_code == 0


def test_help_loads_neither_demo_nor_server() -> None:
    """A production command never loads the demo."""
    code = (
        "import sys; from gptimages_cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(any(name.split('.')[0] == 'gptimages_demo' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    ("form", "begins"), [("pdf", b"%PDF"), ("csv", b"activity,"), ("json", b"{"), ("html", b"<!doctype html>")]
)
def test_record_of_processing(here: Installation, local: Type, tmp_path: Path, form: str, begins: bytes) -> None:
    """The record comes in each form, stands alone, and that it was made is in the audit log."""
    out = tmp_path / f"record.{form}"
    done = local("report", "processing", "--format", form, "--out", str(out))
    assert done.exit_code == 0, done.output
    data = out.read_bytes()
    assert data.lstrip().startswith(begins)
    if form == "json":
        assert json.loads(data)["activities"]
    if form == "csv":
        assert len(list(csv.reader(data.decode().splitlines()))) > 5
    if form == "html":
        assert b'"/static/' not in data
    with here.db.read() as session:
        assert audit.entries(session, acts=["report.made"])[0].actor == "command-line"


def test_report_into_no_directory(local: Type) -> None:
    """A place that is not there is told."""
    done = local("report", "processing", "--format", "csv", "--out", "/nowhere/record.csv")
    assert done.exit_code == 1
    assert "There is no directory" in done.stderr


def test_policy_versions(here: Installation, local: Type) -> None:
    """A version is a draft until it is published, and is published once."""
    version = next(iter(here.policies.texts))
    assert "draft" in local("policy", "list").stdout
    assert local("policy", "publish", version, given="n\n").exit_code == 1
    assert local("policy", "publish", version, "--yes").exit_code == 0
    assert "in force" in local("policy", "list").stdout
    again = local("policy", "publish", version, "--yes")
    assert (again.exit_code, again.stderr) == (
        1, "This version is published already; a published text is never changed.\n"
    )  # fmt: skip
    assert "no text of this version" in local("policy", "publish", "1999-01-01").stderr


def test_policy_check(policies: Path) -> None:
    """A policy set that agrees is summed up; every mistake of one that does not is told with its place."""
    good = CliRunner().invoke(main, ["policy", "check", str(policies)])
    assert good.exit_code == 0
    assert "Everything agrees" in good.stdout
    text = (policies / "retention.yaml").read_text().replace("action: anonymise", "action: forget", 1)
    (policies / "retention.yaml").write_text(text)
    bad = CliRunner().invoke(main, ["policy", "check", str(policies)])
    assert bad.exit_code == 1
    assert bad.stderr.count("retention.yaml:") == 1
    assert "no policy set" in CliRunner().invoke(main, ["policy", "check", str(policies / "nowhere")]).stderr


def test_roles(here: Installation, person: Callable[..., object], local: Type) -> None:
    """A role is given, listed and taken back; each is in the audit log by the name of the command line."""
    account = person("Ines Halvorsen").id  # type: ignore[attr-defined]
    assert local("roles", "grant", account, "operator").exit_code == 0
    assert account in local("roles", "list").stdout
    assert local("roles", "grant", account, "operator").stderr == "This person has that role already.\n"
    assert "choose one of" in local("roles", "grant", account, "king").stderr
    assert local("roles", "end", account, "operator").exit_code == 0
    with here.db.read() as session:
        assert roles.roles_of(session, account) == {"user"}
        acts = [(e.act, e.actor) for e in audit.entries(session, subject=account)][:2]
    assert acts == [("role.ended", "command-line"), ("role.granted", "command-line")]


def test_keys(here: Installation, person: Callable[..., object], local: Type) -> None:
    """The state of the keys is told in numbers, and nothing of a key."""
    person()
    done = local("keys", "status")
    assert "People with keys  1" in done.stdout
    assert "0600" in done.stdout
    secret = (here.settings.data / "keys" / "root.key").read_text().splitlines()[1]
    assert secret not in done.output


def test_a_new_root_key_is_made_in_a_file(tmp_path: Path) -> None:
    """Whole, for its owner alone and never over another; no installation is opened for it, and its secret is not told."""
    file = tmp_path / "new.key"
    done = CliRunner().invoke(main, ["keys", "new-root", str(file)])
    assert done.exit_code == 0, done.output
    assert FileRootKey.load(file).id in done.stdout
    assert "GPTIMAGES_ROOT_KEY" in done.stdout
    assert file.read_text().splitlines()[1] not in done.output
    before = file.read_bytes()
    again = CliRunner().invoke(main, ["keys", "new-root", str(file)])
    assert again.exit_code == 1
    assert again.stderr == "There is a root key already, and it was left as it is: use it, or move it.\n"
    assert file.read_bytes() == before


def test_keys_are_changed_by_commands(
    here: Installation, clock: Any, person: Callable[..., Account], local: Type
) -> None:
    """Root, epoch and people's keys are changed while the installation is open; the person's name opens all along."""
    name = "Ines Halvorsen"
    account = person(name).id

    def named() -> str:
        with here.db.read() as session:
            return people.name_of(here, session.get_one(Account, account))

    root = (here.settings.data / "keys" / "root.key").read_text()
    done = local("keys", "rotate", "root")
    assert done.exit_code == 0, done.output
    assert (here.settings.data / "keys" / "root.key").read_text() != root
    assert named() == name
    clock.move(days=31)
    done = local("keys", "rotate", "epoch")
    assert "Back up the key store now" in done.stdout
    assert "0 epochs have ended" in done.stdout
    assert "1 epoch has ended" in local("keys", "rotate", "epoch", "--end-now").stdout
    assert named() == name
    assert "2 have got one" in local("keys", "rotate", "persons").stdout
    clock.move(minutes=3)
    assert "2 keysets encrypt with their new key; 0 have" in local("keys", "rotate", "persons").stdout
    assert named() == name
    status = local("keys", "status").stdout
    assert re.search(r"^2 +2$", status, re.MULTILINE)
    with here.db.read() as session:
        acts = [entry.act for entry in audit.entries(session)]
    assert acts.count("keys.rotated") == acts.count("keys.changing") == 5


def test_an_epoch_is_ended_at_once_while_time_goes_by(
    here: Installation, clock: Clock, local: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed once, the old epoch's key is gone, and it is said what older backups are good for."""
    tell = Clock.__call__
    monkeypatch.setattr(Clock, "__call__", lambda self: self.move(seconds=1) and tell(self))
    here.vault.create("ada")
    done = local("keys", "rotate", "epoch", "--end-now").stdout
    assert "1 epoch has ended" in done
    assert "destroy older backups of it" in done
    assert len(here.vault.state(made_before=clock()).epochs) == 1


def test_new_keys_of_people_that_wait_are_told_however_often_it_is_typed(
    here: Installation, clock: Clock, local: Type
) -> None:
    """Before two minutes are over the second step does nothing, and says what to wait for."""
    here.vault.create("ada")
    clock.move(seconds=1)
    for got in (2, 0):
        done = local("keys", "rotate", "persons").stdout
        assert f"{got} have got one" in done
        assert "Type it again in two minutes" in done


def test_keys_that_are_late_end_the_status_with_one(here: Installation, clock: Any, local: Type) -> None:
    """A watching program needs no reading; the sentence says what to do, and the change makes it good."""
    assert local("keys", "status").exit_code == 0
    clock.move(days=367)
    local("keys", "rotate", "epoch", "--end-now")
    late = local("keys", "status")
    assert late.exit_code == 1
    assert re.search(r"^Root key .* late ", late.stdout, re.MULTILINE)
    assert "gptimages keys rotate root" in late.stderr
    local("keys", "rotate", "root")
    assert local("keys", "status").exit_code == 0


def test_a_directory_of_epochs_that_is_new_is_filled(here: Installation, tmp_path: Path) -> None:
    """A second directory in the setting stops changes of keys until it was filled, and is told of."""
    both = f"{here.settings.data / 'keys' / 'epochs'},{tmp_path / 'disk'}"
    set_so = dataclasses.replace(here, settings=msgspec.structs.replace(here.settings, epochs=both))

    def type_(*words: str) -> Result:
        return CliRunner().invoke(main, list(words), obj=lambda: nullcontext(set_so))

    failed = type_("keys", "rotate", "epoch")
    assert failed.exit_code == 1
    assert "do not all have the same" in failed.stderr
    assert type_("keys", "refill").exit_code == 0
    assert type_("keys", "rotate", "epoch").exit_code == 0
    assert len(list((tmp_path / "disk").iterdir())) == 2


def test_damaged_keysets_are_taken_from_a_backup_by_a_command(
    here: Installation, clock: Any, person: Callable[..., Account], tmp_path: Path, local: Type
) -> None:
    """A change of keys names whose they are and the command that helps; after it all is well."""
    account = person("Ines Halvorsen").id
    assert local("backup", "--keys", str(tmp_path / "copy")).exit_code == 0
    damage(here.settings.data, account)
    clock.move(days=31)
    failed = local("keys", "rotate", "epoch")
    assert failed.exit_code == 1
    assert account in failed.stderr
    assert "gptimages keys mend DIRECTORY" in failed.stderr
    assert "1 damaged keyset is whole again" in local("keys", "mend", str(tmp_path / "copy")).stdout
    assert local("keys", "rotate", "epoch", "--end-now").exit_code == 0
