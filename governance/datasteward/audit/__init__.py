"""The audit log: append-only, hash-chained, without personal data."""
