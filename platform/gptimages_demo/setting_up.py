"""What a demo needs before its first visitor: a policy in force, and the invented people. Finds in place what is there."""

from __future__ import annotations

from sqlalchemy import func, select

from gptimages.installation import Installation
from gptimages.publishing import versions
from gptimages.publishing.models import PolicyVersion
from gptimages_demo.people import ensure_people

PUBLISHER = "demo"


def set_up(here: Installation) -> None:
    """Publishes the policy text in force where none is published, and makes the demo people. Raises DemoRefused."""
    now = here.clock()
    text = here.policies.text_in_force(now.date())
    with here.writing("deliver", PUBLISHER) as session:
        if text is not None and not session.scalar(select(func.count()).select_from(PolicyVersion)):
            versions.publish(session, here, text, by=PUBLISHER, now=now)
    ensure_people(here)
