"""Removing an account that is too young, over real HTTP: two of staff decide, each signed in freshly."""

from __future__ import annotations

from support.consoles import Consoles

from datasteward.rights import requests
from gptimages.support import desk


def test_two_of_staff_remove_an_account_that_is_too_young(consoles: Consoles) -> None:
    """Who proposes sees no button to order, and is refused; the second one orders, and the report is closed."""
    here, child = consoles.here, consoles.make("Kim Young")
    with here.db.write() as session:
        filed = desk.report(session, here, None, "under-age", "", "She is nine.", now=here.clock()).id
    first, second = (
        consoles.browser("support", name="Samir Lund"),
        consoles.browser("compliance", name="Tom Officer"),
    )
    page = f"/desk/reports/{filed}"
    assert "Propose the removal" in first.get(page).text
    assert first.post(f"{page}/removal", data={"account": child.id}).headers["location"] == page
    assert "Order the removal" not in first.get(page).text
    assert first.post(f"{page}/removal/order").status_code == 409
    assert "Order the removal" in second.get(page).text
    assert second.post(f"{page}/removal/order").status_code == 303
    assert "Closed" in second.get(page).text
    with here.db.read() as session:
        asked = requests.current(session, child.id, "erasure")
    assert asked is not None
    assert asked.state == "waiting"
    assert consoles.browser("operator", name="Mira Op").get(page).status_code == 403
