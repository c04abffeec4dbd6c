"""Which engine the settings ask for."""

from __future__ import annotations

from gptimages.settings import Settings
from gptimages.studio.engine import Engine
from gptimages_jobs.engines.openai import OpenAIEngine
from gptimages_jobs.engines.preview import PreviewEngine


def make(settings: Settings) -> Engine:
    """The engine of these settings, ready to run."""
    if settings.engine == "openai":
        return OpenAIEngine(
            api_key=settings.engine_key or "",
            base_url=settings.engine_url,
            model=settings.engine_model,
            timeout_seconds=settings.engine_timeout,
        )
    return PreviewEngine()
