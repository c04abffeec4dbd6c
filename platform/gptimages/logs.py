"""Logging: JSON lines on standard error. Libraries that would log addresses, headers or secrets are held to warnings.

httpx logs whole URLs at INFO, Authlib the PKCE verifier at DEBUG; neither is ever let through, whatever the level.
"""

from __future__ import annotations

import logging
import sys

import structlog

TALKATIVE = (
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "authlib",
    "openai",
    "PIL",
    "asyncio",
    "sqlalchemy",
    "alembic",
    "apscheduler",
)


def configure(level: str) -> None:
    """Sets up logging for this process; `level` is one of Settings.log_level."""
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s")
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
