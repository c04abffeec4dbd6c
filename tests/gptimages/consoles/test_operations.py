"""The operator's console: a plan from the click to its result, over real HTTP, and who may do what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from support.consoles import Consoles

from datasteward.audit import log as audit
from datasteward.retention import holds, plans, states
from datasteward.retention.scope import Scope
