"""`gptimages objects audit`: every object has a row and every row its object, or a plan says what becomes of them."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from support.audits import state

from datasteward.audit import log
from datasteward.objects import LocalDirectory, Stored
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.studio.keys import picture_key, thumbnail_key

Type = Callable[..., Result]


@pytest.mark.usefixtures("ines")
def test_nothing_is_wrong(here: Installation, local: Type) -> None:
    """Six objects with their rows, and nothing to mend: exit code 0, and nothing is changed."""
    before = state(here)
    done = local("objects", "audit")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("objects with their row ")
    assert done.stdout.splitlines()[0].endswith("  6")
    assert state(here) == before


def test_orphans_of_both_kinds_are_mended_as_planned(
    here: Installation, local: Type, ines: str, tmp_path: Path
) -> None:
    """The stray object and the row without its picture go, with its thumbnail; all else stays; a second audit is clean."""
    here.objects.put(ines, "image/stray", [b"x"])
    here.objects.delete(picture_key("picture1"))
    file = tmp_path / "plan.json"
    planned = local("objects", "audit", "--plan", str(file))
    assert planned.exit_code == 1
    assert f"To mend it: gptimages objects audit --apply {file}" in planned.stdout
    assert len(state(here)[0]) == 3
    done = local("objects", "audit", "--apply", str(file), "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("1 object and 1 row are mended.\n")
    kept = ["picture0", "picture2"]
    assert state(here) == (kept, sorted(make(name) for make in (picture_key, thumbnail_key) for name in kept), [])
    assert local("objects", "audit").exit_code == 0
    with here.db.read() as session:
        [entry] = [each for each in log.entries(session) if each.act == "objects.mended"]
        assert log.facts(entry) == {"objects": 1, "rows": 1}


@pytest.mark.usefixtures("ines")
def test_a_plan_is_a_new_file_for_its_owner_alone(local: Type, tmp_path: Path) -> None:
    """It names objects and rows; and a file that is there, a plan or anything else, stays as it is."""
    file = tmp_path / "plan.json"
    before = os.umask(0)
    try:
        assert local("objects", "audit", "--plan", str(file)).exit_code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = tmp_path / "other"
    other.write_text("mine")
    (link := tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for there in (other, link):
        done = local("objects", "audit", "--plan", str(there))
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == f"There is something at {there} already: name a file that does not exist yet.\n"
    assert other.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    assert (
        "name a file in a directory where you may write"
        in local("objects", "audit", "--plan", str(tmp_path / "no" / "file")).stderr
    )


def test_nobody_is_kept_from_writing_while_the_store_is_asked(
    here: Installation, local: Type, ines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many entries a plan has and however slow the store is: it is asked before the transaction."""
    here.objects.put(ines, "image/stray", [b"x"])
    here.objects.delete(picture_key("picture1"))
    local("objects", "audit", "--plan", str(tmp_path / "plan.json"))
    stat, asked = LocalDirectory.stat, []

    def slow(store: LocalDirectory, key: str) -> Stored:
        with here.db.write() as session:
            queue.promise(session, "mail", key, now=here.clock())
        asked.append(key)
        return stat(store, key)

    monkeypatch.setattr(LocalDirectory, "stat", slow)
    done = local("objects", "audit", "--apply", str(tmp_path / "plan.json"), "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert asked[:2] == ["image/stray", picture_key("picture1")]


def test_a_plan_that_would_be_refused_anyway_asks_the_store_nothing(
    here: Installation, local: Type, ines: str, tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is too old, of another place or of too much."""
    here.objects.put(ines, "image/stray", [b"x"])
    local("objects", "audit", "--plan", str(tmp_path / "plan.json"))
    clock.move(days=30)
    monkeypatch.delattr(LocalDirectory, "stat")
    done = local("objects", "audit", "--apply", str(tmp_path / "plan.json"), "--yes")
    assert done.exit_code == 1
    assert "older than policies/limits.yaml allows" in done.stderr


def test_a_file_that_is_no_plan_is_said(local: Type, tmp_path: Path) -> None:
    """Not there, not a plan, or both asked at once: each in a sentence."""
    (tmp_path / "other.json").write_text(json.dumps({"made_at": "today"}))
    for words, said in (
        (("--apply", str(tmp_path / "absent")), "cannot be read"),
        (("--apply", str(tmp_path / "other.json")), "not a plan of an audit"),
        (("--plan", "a", "--apply", "b"), "not both"),
    ):
        done = local("objects", "audit", *words)
        assert (done.exit_code, said in done.stderr) == (1, True)


@pytest.mark.usefixtures("ines")
def test_an_empty_store_is_not_taken_for_the_truth(here: Installation, local: Type) -> None:
    """When not one object that rows name is there, it is the wrong store: no plan takes every picture's row."""
    for key in list(here.objects.keys()):
        here.objects.delete(key)
    done = local("objects", "audit")
    assert done.exit_code == 1
    assert "this is not their store, or it has to be restored" in done.stderr
