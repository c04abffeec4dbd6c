"""Data categories beside the fields, and what follows from them.

`tags` and `roads` are the language, `catalog` gives the answers, `ownership` turns roads into SQL, `sharing` says where the
keys of shared rows lie, `checks` says what is wrong, `graph` and `drawing` show whose everything is, `fides` and `dpv` write
it for other tools.
"""

from datasteward.catalog.catalog import Catalog, foreign_keys, within
from datasteward.catalog.roads import (
    Leaving,
    Road,
    anonymise,
    is_subject,
    keep,
    last_owner,
    nobody,
    owned_by,
    owned_through,
    owned_via,
    seen_by,
    seen_through,
    seen_via,
    with_any,
)
from datasteward.catalog.tags import Identifiability, Origin, Record, Tag, record, tag

__all__ = [
    "Catalog",
    "Identifiability",
    "Leaving",
    "Origin",
    "Record",
    "Road",
    "Tag",
    "anonymise",
    "foreign_keys",
    "is_subject",
    "keep",
    "last_owner",
    "nobody",
    "owned_by",
    "owned_through",
    "owned_via",
    "record",
    "seen_by",
    "seen_through",
    "seen_via",
    "tag",
    "with_any",
    "within",
]
