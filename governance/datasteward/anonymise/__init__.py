"""Anonymisation as set-based SQL, the same on SQLite and PostgreSQL.

`methods` changes columns in place, `archive` counts activity in groups of at least k people, `weaknesses` tells of policies
whose anonymisation does not deserve the name.
"""

from datasteward.anonymise.archive import Head, Suppressed, check, grouped, suppressed, unfit, write
from datasteward.anonymise.dialects import prepare
from datasteward.anonymise.flaws import flaw
from datasteward.anonymise.methods import anonymised, left, still, update_of
from datasteward.anonymise.pseudonyms import RunKey
from datasteward.anonymise.weaknesses import Weakness, require, weaknesses

__all__ = [
    "Head",
    "RunKey",
    "Suppressed",
    "Weakness",
    "anonymised",
    "check",
    "flaw",
    "grouped",
    "left",
    "prepare",
    "require",
    "still",
    "suppressed",
    "unfit",
    "update_of",
    "weaknesses",
    "write",
]
