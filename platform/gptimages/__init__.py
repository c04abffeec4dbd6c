"""GPT Images: the service. Its toolkit is datasteward; jobs, reports and the command line build on it."""
