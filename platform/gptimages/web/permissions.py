"""What can be allowed: every permission that a route may ask for. Which role has which stands in policies/roles.yaml.

A route names one permission (`opt=needs(Permission.…)`) or is `PUBLIC`; a route that says neither stops the start.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from gptimages.errors import AccountClosing, NotAllowed, OnlyStored, SignInNeeded, StartError
from gptimages.web.visitor import Visitor

ALLOW = "allow"
FRESH = "fresh"
BY_TOKEN = "by_token"  # noqa: S105 - a key of `opt`
COUNTED = "counted"
PUBLIC: dict[str, Any] = {ALLOW: "public"}
"""For routes that anyone may use."""
FETCHED: dict[str, Any] = {COUNTED: False}
"""Added to what a route needs (`READ | FETCHED`): a page fetches it by itself, so web.pace does not count it."""


class Permission(StrEnum):
    """`scope:resource:action`; `own` is the person's own data, `staff` the work of staff."""

    IMAGE_CREATE = "own:image:create"
    IMAGE_READ = "own:image:read"
    IMAGE_DELETE = "own:image:delete"
    IMAGE_SHARE = "own:image:share"
    ACCOUNT_READ = "own:account:read"
    ACCOUNT_UPDATE = "own:account:update"
    ACCOUNT_EXPORT = "own:account:export"
    ACCOUNT_ERASE = "own:account:erase"
    TOKEN_MANAGE = "own:token:manage"  # noqa: S105 - the name of a permission
    SESSION_END = "own:session:end"
    CHOICE_CHANGE = "own:choice:change"
    TICKET_CREATE = "own:ticket:create"
    NOTICE_READ = "own:notice:read"
    PERSON_READ = "staff:person:read"
    REQUEST_READ = "staff:request:read"
    HOLD_PLACE = "staff:hold:place"
    REPORT_READ = "staff:report:read"
    AUDIT_READ = "staff:audit:read"
    DISCLOSURE_RECORD = "staff:disclosure:record"
    PROCESSOR_READ = "staff:processor:read"
    RETENTION_PLAN = "staff:retention:plan"
    RETENTION_APPLY = "staff:retention:apply"
    RETENTION_APPROVE = "staff:retention:approve"
    JOB_READ = "staff:job:read"
    KEY_READ = "staff:key:read"
    KEY_ASK = "staff:key:ask"
    KEY_APPROVE = "staff:key:approve"
    POLICY_PUBLISH = "staff:policy:publish"
    ROLE_GRANT = "staff:role:grant"
    TICKET_ANSWER = "staff:ticket:answer"
    ABUSE_DECIDE = "staff:abuse:decide"


WHILE_CLOSING = frozenset({Permission.ACCOUNT_ERASE, Permission.ACCOUNT_EXPORT, Permission.SESSION_END})
"""What is left to somebody whose erasure waits: to take it back or hurry it, to take the archive along, to sign out."""

WHILE_NOT_RESTRICTED = frozenset(
    {
        Permission.IMAGE_CREATE,
        Permission.IMAGE_READ,
        Permission.IMAGE_DELETE,
        Permission.IMAGE_SHARE,
        Permission.ACCOUNT_UPDATE,
        Permission.TOKEN_MANAGE,
    }
)
"""What uses a person's data for more than storing it and carrying out what they ask under the law (GDPR Art. 18(2))."""


def needs(permission: Permission, *, fresh: bool = False, by_token: bool = False) -> dict[str, Any]:
    """The `opt` of a route that needs `permission`; `fresh`: and a sign-in no older than policies/limits.yaml says.

    No token is ever fresh. `by_token`: the scope of a token will do instead (decisions/0010).
    """
    return {ALLOW: permission, FRESH: fresh, BY_TOKEN: by_token}


def guard(connection: ASGIConnection[Any, Visitor, Any, Any], handler: BaseRouteHandler) -> None:
    """The one place where a request is allowed or not. Raises SignInNeeded, NotAllowed, AccountClosing or OnlyStored."""
    allow: Permission | Literal["public"] | None = handler.opt.get(ALLOW)
    if allow == "public" or _names_methods(handler):
        return
    visitor = connection.user
    if visitor.account_id is None:
        raise SignInNeeded("Sign in to go on.")
    if allow not in visitor.permissions:
        if visitor.via == "token":
            raise NotAllowed(
                "This token does not allow this: make one that does on your account page, if your roles do."
            )
        raise NotAllowed("Your role does not allow this; an administrator can give you one that does.")
    if visitor.closing and allow not in WHILE_CLOSING:
        raise AccountClosing("Your account is closing: keep it first, in your privacy centre, to go on.")
    if visitor.restricted and allow in WHILE_NOT_RESTRICTED:
        raise OnlyStored
    by_token = visitor.via == "token"
    if handler.opt.get(FRESH) and not visitor.fresh and not (by_token and handler.opt.get(BY_TOKEN)):
        if by_token:
            raise NotAllowed("No token may do this: sign in with your browser, and do it there.")
        raise SignInNeeded("Sign in once more, so that it is surely you.", fresh=True)


def check_routes(handlers: Iterable[BaseRouteHandler]) -> None:
    """Raises StartError naming every route that does not say who may use it (default deny).

    The answers to OPTIONS, which Litestar makes itself, name a route's methods and nothing else.
    """
    silent = sorted(str(handler) for handler in handlers if ALLOW not in handler.opt and not _names_methods(handler))
    if silent:
        raise StartError("These routes do not say who may use them: " + ", ".join(silent) + ".")


def _names_methods(handler: BaseRouteHandler) -> bool:
    """Whether it is an answer to OPTIONS alone."""
    return getattr(handler, "http_methods", None) == {"OPTIONS"}
