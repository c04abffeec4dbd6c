"""The queue: promising work inside a transaction; the worker stands in gptimages_jobs."""
