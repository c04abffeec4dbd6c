"""The embedded preview engine: pictures drawn by arithmetic from the prompt's words; no model and no network."""

from gptimages_jobs.engines.preview.engine import PreviewEngine

__all__ = ["PreviewEngine"]
