"""Image engines: each package here implements gptimages.studio.engine.Engine; the worker is their only caller."""
