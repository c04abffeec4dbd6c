"""Data opened for a purpose: a session that sees the categories and the people that policies/purposes.yaml allows.

`rules` says what a purpose may see, `compiling` enforces it, `engines` makes the view of an engine, `purposes` opens it.
"""

from datasteward.purposes.purposes import Purposes, check, raw

__all__ = ["Purposes", "check", "raw"]
