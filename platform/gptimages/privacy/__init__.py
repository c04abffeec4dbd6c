"""The privacy centre: what we hold, the archive, corrections, choices, erasure."""
