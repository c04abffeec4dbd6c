"""What the demo provider needs to know, taken from the service's settings and handed to its own process."""

from __future__ import annotations

import msgspec

from gptimages.settings import Settings
from gptimages_demo.errors import DemoRefused

HOST = "127.0.0.1"  # never another: whoever reaches the provider can be anybody


class Config(msgspec.Struct, frozen=True):
    """The one client that the provider serves, its secret, and where it wants people sent back to."""

    issuer: str
    port: int
    client_id: str
    client_secret: str
    redirect_uri: str
    demo: bool

    @classmethod
    def of(cls, settings: Settings) -> Config:
        """The configuration that fits these settings. Raises DemoRefused outside demo mode."""
        if not settings.demo or not settings.oidc_client_id or not settings.oidc_client_secret:
            raise DemoRefused(
                "The demo provider runs in demo mode alone, because it lets anybody be anybody: "
                "set GPTIMAGES_DEMO=true on a machine that serves nobody else, or use a real provider."
            )
        return cls(
            issuer=settings.oidc_issuer,
            port=settings.demo_port,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            redirect_uri=settings.redirect_uri,
            demo=True,
        )
