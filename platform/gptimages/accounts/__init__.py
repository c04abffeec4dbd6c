"""Accounts: signing in, sessions, tokens, roles, the profile."""
