"""Disclosures to authorities, over real HTTP: each recorded whole, or refused with a sentence."""

from __future__ import annotations

import pytest
from support.consoles import Consoles

from datasteward.processors import disclosures
from gptimages.privacy import recipients

FORM = {
    "authority": "Kommissariat für Cyberkriminalität, Landespolizei Beispielland",
    "ground": "Section 100j StPO, file 24-117",
    "category": "user.account",
}


def test_a_disclosure_names_its_authority_and_ground_in_full(consoles: Consoles) -> None:
    """What legal records is stored as it was written, shown to legal, and told to the person concerned."""
    ada = consoles.make("Ada Berg")
    legal = consoles.browser("legal", name="Jun Legal")
    assert legal.post("/legal/disclosures", data={"subject": ada.id, **FORM}).status_code == 303
    assert FORM["authority"] in legal.get("/legal/disclosures").text
    with consoles.here.db.read() as session:
        (row,) = disclosures.to_authorities(session)
        assert (row.authority, row.region, row.ground) == (FORM["authority"], None, FORM["ground"])
        (told,) = recipients.of(session, consoles.here, ada.id).others
    assert told.to == FORM["authority"]


@pytest.mark.parametrize(
    "change",
    [{"authority": " "}, {"authority": "x" * 81}, {"ground": ""}, {"ground": "x" * 201}, {"category": "user.gossip"}],
)
def test_a_disclosure_that_is_not_whole_is_refused(consoles: Consoles, change: dict[str, str]) -> None:
    """Nothing is cut short in silence and no category is invented: a sentence says what to do, nothing is recorded."""
    legal = consoles.browser("legal", name="Jun Legal")
    form = {"subject": consoles.make("Ada Berg").id, **FORM} | change
    assert legal.post("/legal/disclosures", data=form).status_code == 400
    with consoles.here.db.read() as session:
        assert disclosures.to_authorities(session) == []
