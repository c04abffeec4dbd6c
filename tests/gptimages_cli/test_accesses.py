"""Exceptional access: asked for, approved by another, carried out once at the command line, all of it audited."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from sqlalchemy import select
from support import other_side
from support.backups import bill, erase

from datasteward.audit import log as audit
from datasteward.errors import AccessRefused, KeyStoreError
from datasteward.exceptional import access, carrying
from datasteward.exceptional.models import ExceptionalAccess, Kind
from datasteward.keys import context_for
from datasteward.rights.models import SubjectRequest
from datasteward.rights.rows import UNREADABLE
from gptimages import opening
from gptimages.accounts.models import Account
from gptimages.installation import Installation

Type = Callable[..., Result]
OPERATOR, OFFICER = "the-operator", "the-officer"


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """On both kinds of database."""
    return any_here


@pytest.fixture
def ada(person: Callable[..., Account]) -> str:
    """Ada's id."""
    return person("Ada Berg").id


@pytest.fixture
def ben(person: Callable[..., Account]) -> str:
    """Ben's id."""
    return person("Ben Ohm").id


def ask(here: Installation, kind: Kind, *, approved: bool = True, **of: Any) -> str:
    """An access that the operator has asked for and the officer has approved; its id."""
    with here.writing("law", OPERATOR) as session:
        made = access.ask(session, here.steward, kind, file="24-117", by=OPERATOR, now=here.clock(), **of).id
    if approved:
        with here.writing("law", OFFICER) as session:
            access.approve(session, here.policies, made, by=OFFICER, now=here.clock())
    return made


def lines(file: Path) -> list[dict[str, Any]]:
    """What was opened."""
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.usefixtures("ben")
def test_break_glass_takes_two_people_and_opens_one_persons_words_once(
    here: Installation, ada: str, local: Type, tmp_path: Path
) -> None:
    """Not before somebody else has approved, never again after, and each step is in the log with whose words they are."""
    out = tmp_path / "opened.jsonl"
    asked = ask(here, Kind.BREAK_GLASS, approved=False, subject=ada)
    waits = local("keys", "open", asked, "--out", str(out))
    assert waits.exit_code == 1
    assert "somebody else has to approve it first" in waits.stderr
    assert not out.exists()
    with here.writing("law", OPERATOR) as session, pytest.raises(AccessRefused, match="somebody else has to"):
        access.approve(session, here.policies, asked, by=OPERATOR, now=here.clock())
    with here.writing("law", OFFICER) as session:
        access.approve(session, here.policies, asked, by=OFFICER, now=here.clock())
    done = local("keys", "open", asked, "--out", str(out))
    assert done.exit_code == 0, done.output
    told = lines(out)
    assert {line["person"] for line in told} == {ada}
    assert ("account", "Ada Berg", "ada@people.example") in {(t["table"], t.get("name"), t.get("email")) for t in told}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    again = local("keys", "open", asked, "--out", str(tmp_path / "again.jsonl"))
    assert again.exit_code == 1
    assert "carried out before" in again.stderr
    with here.db.read() as session:
        entries = audit.entries(session, acts=["access.asked", "access.approved", "access.carried-out"])
    assert {(e.act, e.actor, e.subject_id) for e in entries} == {
        ("access.asked", OPERATOR, ada),
        ("access.approved", OFFICER, ada),
        ("access.carried-out", "command-line", ada),
    }
    assert "done" in local("keys", "accesses").stdout


def test_an_exported_keyset_opens_with_tink(here: Installation, ada: str, local: Type, tmp_path: Path) -> None:
    """It is the person's own: Tink reads their name with it."""
    out = tmp_path / "keyset.jsonl"
    done = local("keys", "open", ask(here, Kind.KEYSET_EXPORT, subject=ada), "--out", str(out))
    assert done.exit_code == 0, done.output
    keyset = next(line for line in lines(out) if line["keyset"] == "fields")
    with here.db.read() as session:
        account = session.scalars(select(Account).where(Account.id == ada)).one()
        assert account.name is not None
        sealed, bound = account.name.ciphertext, context_for(account, "name").associated_data()
    assert other_side.fields(base64.b64decode(keyset["tink"])).decrypt(sealed, bound) == b"Ada Berg"


def test_a_bulk_reading_is_of_everybody_in_one_table(
    here: Installation, ada: str, ben: str, local: Type, tmp_path: Path
) -> None:
    """Each line says whose it is."""
    out = tmp_path / "all.jsonl"
    done = local("keys", "open", ask(here, Kind.BULK, table="account"), "--out", str(out))
    assert done.exit_code == 0, done.output
    assert {(line["person"], line["name"]) for line in lines(out)} == {(ada, "Ada Berg"), (ben, "Ben Ohm")}
    assert {line["table"] for line in lines(out)} == {"account"}


def test_who_is_erased_meanwhile_keeps_nobody_elses_words_back(here: Installation, ada: str, ben: str) -> None:
    """Their key goes while the first lines are written: theirs say that they cannot be read, the others' are whole."""
    asked, (first, last) = ask(here, Kind.BULK, table="account"), sorted((ada, ben))
    with here.writing("law", OPERATOR) as session:
        carrying.take(session, here.policies, asked, by=OPERATOR, now=here.clock())
    with closing(opening.key_store(here.settings, here.clock)) as store, here.reading("law", OPERATOR) as session:
        coming = carrying.opened(session, here.steward, store, asked)
        told = [json.loads(next(coming))]
        here.vault.destroy(last)
        told += [json.loads(line) for line in coming]
    assert [line["person"] for line in told] == [first, last]
    assert [line["name"] for line in told] == [{ada: "Ada Berg", ben: "Ben Ohm"}[first], UNREADABLE]


def test_a_file_that_cannot_be_written_spends_nothing(
    here: Installation, ada: str, local: Type, tmp_path: Path
) -> None:
    """Neither one that is there, which stays as it is, nor a directory that is not: the access can still be carried out."""
    asked, there = ask(here, Kind.BREAK_GLASS, subject=ada), tmp_path / "there"
    there.write_text("mine")
    for out, said in ((there, "already"), (tmp_path / "none" / "file", "cannot be written")):
        refused = local("keys", "open", asked, "--out", str(out))
        assert refused.exit_code == 1
        assert said in refused.stderr
    assert there.read_text() == "mine"
    assert [path.name for path in tmp_path.glob(".there*")] == []
    assert local("keys", "open", asked, "--out", str(tmp_path / "new")).exit_code == 0


def test_it_is_told_before_anything_is_opened_and_nobody_waits_for_it(
    here: Installation, ada: str, ben: str, local: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the first line comes the entry is committed, and others write to the log meanwhile."""
    opened = carrying.opened

    def watched(*given: Any) -> Iterator[bytes]:
        for line in opened(*given):
            with here.db.write() as session:
                assert len(audit.entries(session, acts=["access.carried-out"])) == 1
                audit.append(session, "tests.wrote", actor=ben, now=here.clock())
            yield line

    monkeypatch.setattr(carrying, "opened", watched)
    done = local("keys", "open", ask(here, Kind.BREAK_GLASS, subject=ada), "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    with here.db.read() as session:
        assert len(audit.entries(session, acts=["tests.wrote"])) == len(lines(tmp_path / "out"))


def test_what_fails_half_way_leaves_no_file_and_is_spent(
    here: Installation, ada: str, local: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of it was opened: that stays told, and another access has to be asked for."""
    opened = carrying.opened

    def broken(*given: Any) -> Iterator[bytes]:
        yield next(opened(*given))
        raise KeyStoreError("The key store cannot be used: check it.")

    monkeypatch.setattr(carrying, "opened", broken)
    asked = ask(here, Kind.BREAK_GLASS, subject=ada)
    assert local("keys", "open", asked, "--out", str(tmp_path / "out")).exit_code == 1
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]
    monkeypatch.undo()
    assert "carried out before" in local("keys", "open", asked, "--out", str(tmp_path / "out")).stderr
    with here.db.read() as session:
        assert len(audit.entries(session, acts=["access.carried-out"])) == 1


def test_an_access_that_finds_nothing_is_spent_and_says_so_before(
    here: Installation, ben: str, local: Type, tmp_path: Path
) -> None:
    """Somebody has looked, and that there is nothing is an answer; to look again is to ask again."""
    assert "also when it finds nothing" in " ".join(local("keys", "open", "--help").stdout.split())
    asked = ask(here, Kind.BREAK_GLASS, subject=ben, table="transaction")
    done = local("keys", "open", asked, "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert lines(tmp_path / "out") == []
    assert "0 lines" in done.stdout
    assert "carried out before" in local("keys", "open", asked, "--out", str(tmp_path / "again")).stderr


def test_what_outlives_an_erasure_can_be_asked_for_and_nothing_else(
    here: Installation, ada: str, local: Type, tmp_path: Path
) -> None:
    """A court asks for an invoice of somebody who was erased: only the keys for records are left, and only they open."""
    bill(here, ada, "Ada Berg, Mill Lane 2", here.clock())
    erase(here, ada)
    for kind, of in ((Kind.BREAK_GLASS, {"subject": ada}), (Kind.BULK, {"table": "transaction"})):
        out = tmp_path / kind
        done = local("keys", "open", ask(here, kind, **of), "--out", str(out))
        assert done.exit_code == 0, done.output
        assert [line["billed_to"] for line in lines(out) if line["table"] == "transaction"] == ["Ada Berg, Mill Lane 2"]
        assert "Ada Berg" not in out.read_text().replace("Ada Berg, Mill Lane 2", "")


def test_an_erasure_tells_that_a_keyset_was_handed_out(
    here: Installation, ada: str, ben: str, local: Type, tmp_path: Path, clock: Any
) -> None:
    """What was copied with it opens for ever: the certificate says when it left, and says nothing where none did."""
    assert (
        local("keys", "open", ask(here, Kind.KEYSET_EXPORT, subject=ada), "--out", str(tmp_path / "out")).exit_code == 0
    )
    handed, ids = clock(), (ada, ben)
    clock.move(hours=1)
    for subject in ids:
        erase(here, subject)
    with here.db.read() as session:
        done = {row.subject_id: row.result or {} for row in session.scalars(select(SubjectRequest))}
    assert [done[subject]["keyset_exported_at"] for subject in ids] == [handed.isoformat().replace("+00:00", "Z"), None]


def test_other_policies_on_the_way_end_it(here: Installation, ada: str) -> None:
    """Whoever is given other rules than those it was asked under can neither approve it nor carry it out."""
    asked = ask(here, Kind.BREAK_GLASS, approved=False, subject=ada)
    allowed = here.policies.role_file.exceptional_access
    assert allowed.break_glass is not None
    alone = msgspec.structs.replace(
        allowed, break_glass=msgspec.structs.replace(allowed.break_glass, second_person=False)
    )
    roles = msgspec.structs.replace(here.policies.role_file, exceptional_access=alone)
    other = msgspec.structs.replace(here.policies, role_file=roles, hash="0" * 64)
    with here.writing("law", OPERATOR) as session, pytest.raises(AccessRefused, match="the policies have changed"):
        carrying.take(session, other, asked, by=OPERATOR, now=here.clock())
    with here.writing("law", OFFICER) as session, pytest.raises(AccessRefused, match="nothing to approve"):
        access.approve(session, other, asked, by=OFFICER, now=here.clock())


def test_a_refused_one_is_not_carried_out(here: Installation, ada: str, local: Type, tmp_path: Path) -> None:
    """Approved before or not; what was carried out cannot be refused any more."""
    for approved in (False, True):
        asked = ask(here, Kind.BREAK_GLASS, approved=approved, subject=ada)
        with here.writing("law", OFFICER) as session:
            access.refuse(session, here.policies, asked, by=OFFICER, now=here.clock())
        assert local("keys", "open", asked, "--out", str(tmp_path / "out")).exit_code == 1
    asked = ask(here, Kind.BREAK_GLASS, subject=ada)
    assert local("keys", "open", asked, "--out", str(tmp_path / "out")).exit_code == 0
    with here.writing("law", OFFICER) as session, pytest.raises(AccessRefused, match="nothing to refuse"):
        access.refuse(session, here.policies, asked, by=OFFICER, now=here.clock())


def test_its_time_runs_out(here: Installation, ada: str, local: Type, tmp_path: Path, clock: Any) -> None:
    """What was not approved, or not carried out, within the time of policies/roles.yaml is over."""
    unapproved = ask(here, Kind.BREAK_GLASS, approved=False, subject=ada)
    approved = ask(here, Kind.BREAK_GLASS, subject=ada)
    clock.now += timedelta(days=1)
    refused = local("keys", "open", approved, "--out", str(tmp_path / "late"))
    assert refused.exit_code == 1
    assert "its time is over" in refused.stderr
    with here.writing("law", OFFICER) as session, pytest.raises(AccessRefused, match="nothing to approve"):
        access.approve(session, here.policies, unapproved, by=OFFICER, now=here.clock())


def test_the_policies_say_who_else_is_needed_and_what_is_allowed(here: Installation, ada: str) -> None:
    """Without a second person an access may be carried out as it is asked for; a kind that does not stand there is refused."""
    allowed = here.policies.role_file.exceptional_access
    assert allowed.break_glass is not None
    alone = msgspec.structs.replace(allowed.break_glass, second_person=False)
    changed = msgspec.structs.replace(allowed, break_glass=alone, keyset_export=None)
    roles = msgspec.structs.replace(here.policies.role_file, exceptional_access=changed)
    policies = msgspec.structs.replace(here.policies, role_file=roles)
    there = replace(here, steward=replace(here.steward, policies=policies))
    asked = ask(there, Kind.BREAK_GLASS, approved=False, subject=ada)
    with there.db.read() as session:
        row = session.get_one(ExceptionalAccess, asked)
        assert access.state(policies, row, here.clock()) == "approved"
    with pytest.raises(AccessRefused, match="allows no such access"):
        ask(there, Kind.KEYSET_EXPORT, subject=ada)


@pytest.mark.parametrize(
    ("kind", "of", "file", "said"),
    [
        (Kind.BREAK_GLASS, {"subject": "ada"}, "because", "number of the file"),
        (Kind.BREAK_GLASS, {}, "24-117", "Say whose"),
        (Kind.BREAK_GLASS, {"subject": "nobody"}, "24-117", "No keys of such a person"),
        (Kind.KEYSET_EXPORT, {"subject": "standing/tests"}, "24-117", "No keys of such a person"),
        (Kind.BREAK_GLASS, {"subject": "ada", "table": "usage_event"}, "24-117", "no sealed words"),
        (Kind.BULK, {"subject": "ada", "table": "account"}, "24-117", "a bulk reading is of everybody"),
        (Kind.BULK, {}, "24-117", "in which table"),
        (Kind.KEYSET_EXPORT, {"subject": "ada", "table": "account"}, "24-117", "in no table"),
    ],
)
def test_what_is_asked_badly_is_refused(
    here: Installation, ada: str, kind: Kind, of: dict[str, str], file: str, said: str
) -> None:
    """One sentence says what is missing, and nothing is written down."""
    of = {name: ada if value == "ada" else value for name, value in of.items()}
    here.vault.standing("tests")
    with here.writing("law", OPERATOR) as session, pytest.raises(AccessRefused, match=said):
        access.ask(session, here.steward, kind, file=file, by=OPERATOR, now=here.clock(), **of)
    with here.db.read() as session:
        assert session.scalars(select(ExceptionalAccess)).all() == []
