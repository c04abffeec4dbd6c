"""The Images API as an engine, through its official SDK.

The only place that imports `openai` and the HTTP client under it. What may leave stands in words.py and client.py, what comes
back is checked in pictures.py, and errors.py turns every failure into one of the two that the Engine protocol allows.
"""

from gptimages_jobs.engines.openai.engine import OpenAIEngine

__all__ = ["OpenAIEngine"]
