"""Retention: legal holds, plans, and their execution."""
