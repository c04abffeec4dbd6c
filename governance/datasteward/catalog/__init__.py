"""Data categories beside the fields, and what follows from them: see tags for the language, catalog for the answers."""

from datasteward.catalog.catalog import Catalog, within
from datasteward.catalog.tags import Record, Road, Tag, is_subject, nobody, owned_by, owned_via, record, tag

__all__ = [
    "Catalog",
    "Record",
    "Road",
    "Tag",
    "is_subject",
    "nobody",
    "owned_by",
    "owned_via",
    "record",
    "tag",
    "within",
]
