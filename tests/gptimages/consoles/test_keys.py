"""The console of keys, and exceptional access from the operator's form to the officer's button."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from support.consoles import Consoles

from datasteward.exceptional.models import ExceptionalAccess
from gptimages.accounts.models import WebSession

KEYS = "/operations/keys"


def asked(consoles: Consoles) -> ExceptionalAccess:
    """The one access that was asked for."""
    with consoles.here.db.read() as session:
        return session.scalars(select(ExceptionalAccess)).one()


def test_the_page_tells_ages_and_what_is_due(consoles: Consoles, clock: Any) -> None:
    """Root key, epochs and people's keys against the policies; when one is late, the headline says so."""
    consoles.make("Ada Berg")
    operator = consoles.browser("operator")
    page = operator.get(KEYS).text
    assert "All keys are as young as they have to be" in page
    assert "2 people have keys" in page
    clock.now += timedelta(days=34)
    late = consoles.browser("operator", name="Olga Late").get(KEYS).text
    assert "1 change of keys is late" in late


def test_one_asks_and_another_lets_it_pass(consoles: Consoles) -> None:
    """The officer finds it under Today and approves; then the operator's page shows what to type."""
    ada = consoles.make("Ada Berg")
    operator, officer = consoles.browser("operator"), consoles.browser("compliance", name="Tom Officer")
    form = {"kind": "break_glass", "account": ada.id, "table": "", "file": "24-117"}
    assert operator.post(KEYS, data=form).status_code == 303
    assert "Waits for a second person" in operator.get(KEYS).text
    address = f"/compliance/access/{asked(consoles).id}"
    assert address in officer.get("/compliance").text
    assert operator.post(address).status_code == 403
    page = officer.get(address).text
    assert ada.id in page
    assert "24-117" in page
    assert officer.post(address).status_code == 303
    assert officer.post(address).status_code == 409
    assert address not in officer.get("/compliance").text
    assert f"gptimages keys open {asked(consoles).id}" in operator.get(KEYS).text


def test_the_officer_may_refuse(consoles: Consoles) -> None:
    """Before it passes and after: then the operator's page says so, and there is nothing to type."""
    ada = consoles.make("Ada Berg")
    operator, officer = consoles.browser("operator"), consoles.browser("compliance", name="Tom Officer")
    operator.post(KEYS, data={"kind": "break_glass", "account": ada.id, "file": "24-117"})
    address = f"/compliance/access/{asked(consoles).id}"
    assert officer.post(address).status_code == 303
    assert "Refuse it after all" in officer.get(address).text
    assert operator.post(f"{address}/refuse").status_code == 403
    assert officer.post(f"{address}/refuse").status_code == 303
    assert "Refused" in officer.get(address).text
    assert officer.post(f"{address}/refuse").status_code == 409
    page = operator.get(KEYS).text
    assert "Refused" in page
    assert "gptimages keys open" not in page


def test_nobody_is_both_persons(consoles: Consoles) -> None:
    """Somebody with both roles gets no button for an access of their own, and is refused without it."""
    ada = consoles.make("Ada Berg")
    both = consoles.browser("operator", "compliance", name="Bo Both")
    assert both.post(KEYS, data={"kind": "keyset_export", "account": ada.id, "file": "24-117"}).status_code == 303
    address = f"/compliance/access/{asked(consoles).id}"
    page = both.get(address).text
    assert "somebody else has to approve it" in page
    assert "Let it pass" not in page
    refused = both.post(address)
    assert refused.status_code == 409
    assert "Who asked for an access does not approve it" in refused.text


def test_what_is_asked_badly_is_said(consoles: Consoles) -> None:
    """One sentence on the page, and nothing is asked for."""
    operator = consoles.browser("operator")
    for form, said in (
        ({"kind": "break_glass", "account": "nobody", "file": "24-117"}, "No keys of such a person are there"),
        ({"kind": "everything", "file": "24-117"}, "choose one of the kinds"),
    ):
        refused = operator.post(KEYS, data=form)
        assert refused.status_code == 400
        assert said in refused.text
    assert consoles.browser("compliance", name="Tom Officer").get("/compliance/access/none").status_code == 404


def test_a_fresh_sign_in_is_wanted(consoles: Consoles, clock: Any) -> None:
    """Whoever signed in long ago signs in again before they ask or approve."""
    operator, officer = consoles.browser("operator"), consoles.browser("compliance", name="Tom Officer")
    clock.now += consoles.here.policies.limits.session_fresh.span + timedelta(minutes=1)
    with consoles.here.db.write() as session:
        session.execute(update(WebSession).values(last_seen_at=clock()))
    assert operator.post(KEYS, data={"kind": "bulk", "table": "account", "file": "24-117"}).status_code == 401
    assert "again=1" in officer.get("/compliance/access/any").headers["location"]
    assert officer.post("/compliance/access/any").status_code == 401
