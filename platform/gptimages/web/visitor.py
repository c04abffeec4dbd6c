"""Who is asking: what the doorkeeper found out about a request, before any handler sees it."""

from __future__ import annotations

from typing import Literal

import msgspec


class Visitor(msgspec.Struct, frozen=True):
    """The person behind a request, or nobody (`account_id` None).

    `signal`: the browser asks not to be tracked (Sec-GPC, Global Privacy Control), which counts as a no to any consent.

    `via` says what vouches for them. `fresh`: they signed in within the time that policies/limits.yaml sets for acts
    that need a fresh sign-in; a token never is. `session_id` and `token_id` are the row ids of what vouches for them.
    `closing`: an erasure waits. `restricted`: their data is only stored (GDPR Art. 18).
    """

    account_id: str | None = None
    via: Literal["session", "token", "nobody"] = "nobody"
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    session_id: str | None = None
    token_id: str | None = None
    fresh: bool = False
    closing: bool = False
    restricted: bool = False
    scheme: str | None = None
    signal: bool = False

    @property
    def signed_in(self) -> bool:
        """Whether anybody is signed in."""
        return self.account_id is not None

    @property
    def id(self) -> str:
        """The account's id, for handlers whose route needs a permission. Raises AssertionError for nobody."""
        assert self.account_id is not None  # noqa: S101 - the guard let only signed-in people through
        return self.account_id

    @property
    def actor(self) -> str:
        """Who acts, on routes for everybody: the account's id, or `anybody`."""
        return self.account_id or "anybody"


NOBODY = Visitor()
