"""What the privacy centre offers to do about each kind of data."""

from __future__ import annotations

from support.engines import PlainEngine

from gptimages.installation import Installation
from gptimages.privacy.overview import ACTS
from gptimages.studio.facts import EngineFacts
from gptimages.studio.progress import Hub
from gptimages.web.app import create_app


def test_every_act_leads_to_a_page_that_is_there(here: Installation) -> None:
    """Each table that an act is offered for is in the catalog, and each address is one that the app answers."""
    app = create_app(here, engine=EngineFacts.of(PlainEngine()), hub=Hub())
    assert {address for offered in ACTS.values() for _, address in offered} <= {route.path for route in app.routes}
    assert set(ACTS) <= {table.name for table in here.catalog.personal()}
