"""Making an account and correcting it."""

from __future__ import annotations

import pytest

from datasteward.audit import log as audit
from gptimages.accounts import devices, people
from gptimages.accounts.models import Account
from gptimages.errors import InputError, NotFound


def test_name_and_mail_address_are_sealed_and_read_back(here, person):
    """The row holds ciphertext; the helpers reveal what was given."""
    account = person("Ines Halvorsen")
    assert (people.name_of(here, account), people.email_of(here, account)) == ("Ines Halvorsen", "ines@people.example")
    assert b"Ines" not in account.name.ciphertext + account.email.ciphertext


def test_a_new_account_has_its_key_its_plan_and_an_audit_entry(here, person):
    """The vault has the person's key, the plan is the first one, and the log says that the account was made."""
    account = person()
    assert here.vault.has(account.id)
    assert (account.plan, account.state) == (here.policies.limits.first_plan, "active")
    with here.db.read() as session:
        entries = audit.entries(session, subject=account.id)
    assert [entry.act for entry in entries] == ["account.created"]
    assert b"Ines" not in entries[0].entry


@pytest.mark.parametrize("name", ["Ida Ås", "李小龍", "O’Neil-Smith", "نرگس\u200cحسینی", "A", "x" * 80])
def test_a_name_can_be_corrected_to_any_persons_name(here, clock, person, name):
    """Names of all scripts are taken as they are."""
    account = person()
    with here.db.write() as session:
        changed = people.rename(session, here, account.id, f"  {name} ", clock())
    assert people.name_of(here, changed) == name


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 81, "two\nlines", "tab\tbed", "nul\x00", "turned \u202eround", "\u2028"]
)
def test_what_is_no_name_is_refused_in_a_sentence(here, clock, person, name):
    """Empty, overlong and control characters: a sentence, and the old name stays."""
    account = person()
    with pytest.raises(InputError, match=r"\.$"), here.db.write() as session:
        people.rename(session, here, account.id, name, clock())
    with here.db.read() as session:
        assert people.name_of(here, session.get(Account, account.id)) == "Ines Halvorsen"


def test_renaming_is_written_down_without_the_name_and_only_when_something_changed(here, clock, person):
    """One audit entry for one change, with no name in it; the same name again is no change."""
    account = person()
    for _ in range(2):
        with here.db.write() as session:
            people.rename(session, here, account.id, "Ines Holm", clock())
    with here.db.read() as session:
        renamed = audit.entries(session, subject=account.id, acts=["account.renamed"])
    assert len(renamed) == 1
    assert b"Holm" not in renamed[0].entry


def test_a_name_from_the_provider_is_made_to_fit(here, clock):
    """Control characters, overlong and missing names from outside never stop a sign-up."""
    given = {"a\x00b\u202ec  d": "a b c d", "x" * 200: "x" * 80, "": "Somebody", "\n\t": "Somebody"}
    for name, stored in given.items():
        with here.db.write() as session:
            account = people.create(
                session, here, name=name, email="x@people.example", country="NO", minimum_age=13, now=clock()
            )
        assert people.name_of(here, account) == stored


def test_the_scheme_is_one_of_three(here, person):
    """Light and dark are kept, the system's choice is none, anything else is refused."""
    account = person()
    for scheme, kept in (("dark", "dark"), ("system", None), ("light", "light")):
        with here.db.write() as session:
            people.choose_scheme(session, account.id, scheme)
            assert people.get(session, account.id).scheme == kept
    with pytest.raises(InputError), here.db.write() as session:
        people.choose_scheme(session, account.id, "sepia")


def test_an_unknown_id_is_nobody(here, clock):
    """There is no account for an id that was never given."""
    with pytest.raises(NotFound), here.db.write() as session:
        people.rename(session, here, "nobody", "Name", clock())


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/19.0 Safari/605.1", "Safari on macOS"),
        ("curl/8.5", "Another browser"),
        (None, "A device no longer recorded"),
    ],
)
def test_a_browser_is_named_as_people_know_it(agent, words):
    """The owner recognises their device by browser and system."""
    assert devices.words(agent) == words
