"""The pages of accounts: signing in, the account, the administrator's console."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from gptimages.accounts import account_routes, admin_routes, sign_in_routes

ROUTES: list[ControllerRouterHandler] = [*sign_in_routes.ROUTES, *account_routes.ROUTES, *admin_routes.ROUTES]
