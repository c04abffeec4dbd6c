"""datasteward: governance for SQLAlchemy services, derived from tags beside the fields and from policy files."""
