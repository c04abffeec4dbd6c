"""Compliance's console: requests with their clocks, holds, approvals, the audit log. Its first page stands with the reports."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_303_SEE_OTHER

from datasteward.audit import log as audit
from datasteward.retention import holds, plans
from gptimages.consoles import oversight
from gptimages.consoles.oversight import Asking
