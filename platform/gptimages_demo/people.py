"""The invented people of the demo, and their accounts. They sign in through the demo provider as anybody would."""

from __future__ import annotations

import msgspec

from gptimages.accounts import roles, signing_in
from gptimages.accounts.id_token import Claims
from gptimages.installation import Installation
from gptimages_demo.errors import DemoRefused


class DemoPerson(msgspec.Struct, frozen=True):
    """An invented person: name, mail address at example.org (RFC 2606), subject at the demo provider, staff roles."""

    name: str
    email: str
    subject: str
    roles: tuple[str, ...] = ()
    country: str = "NO"

    @property
    def work(self) -> str:
        """What they are here, in words."""
        return ", ".join(role.replace("_", " ").replace("-", " ") for role in self.roles) or "end user"


DEMO_PEOPLE = (
    DemoPerson("Ines Halvorsen", "ines.halvorsen@example.org", "demo-ines"),
    DemoPerson("Tomás Okafor", "tomas.okafor@example.org", "demo-tomas", ("compliance",), "IE"),
    DemoPerson("Mirela Santos", "mirela.santos@example.org", "demo-mirela", ("operator",), "PT"),
    DemoPerson("Jun Aldana", "jun.aldana@example.org", "demo-jun", ("legal",), "ES"),
    DemoPerson("Petra Vance", "petra.vance@example.org", "demo-petra", ("administrator",), "DE"),
    DemoPerson("Samir Lund", "samir.lund@example.org", "demo-samir", ("support",), "DK"),
)
GRANTED_BY = "demo"


def ensure_people(here: Installation) -> None:
    """Makes the account, identity and roles of each demo person where they are missing. Raises DemoRefused."""
    if not here.settings.demo:
        raise DemoRefused("Invented people belong to the demo alone: set GPTIMAGES_DEMO=true to have them.")
    for person in DEMO_PEOPLE:
        _ensure(here, person)


def _ensure(here: Installation, person: DemoPerson) -> None:
    now, issuer = here.clock(), here.settings.oidc_issuer
    with here.writing("law", GRANTED_BY) as session:
        account = signing_in.find(session, issuer, person.subject)
        if account is None:
            claims = Claims(issuer, person.subject, person.email, person.name, None)
            minimum_age = here.policies.minimum_age(person.country)
            account = signing_in.sign_up(session, here, claims, person.country, minimum_age, now)
        for role in set(person.roles) - roles.roles_of(session, account.id):
            roles.grant(session, here, account.id, role, by=GRANTED_BY, now=now)
