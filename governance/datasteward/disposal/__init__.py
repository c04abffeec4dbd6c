"""Deleting rows for good: with what hangs on them, and with the bytes they name."""
