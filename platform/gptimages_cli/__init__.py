"""The command `gptimages`, and the one place where service, jobs, reports and demo are put together."""
