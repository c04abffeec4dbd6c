"""The rights of data subjects: requests, the archive, the erasure."""
