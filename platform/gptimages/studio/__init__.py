"""The studio: prompts and reference pictures in, pictures out, and the person's history of both."""
