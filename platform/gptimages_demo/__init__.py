"""The demo: an identity provider on loopback and invented people.

Only the command line imports it, only in demo mode.
"""
