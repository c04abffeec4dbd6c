"""What the service keeps outside its tables, tagged like a column: objects by the prefix of their key, and fields of the log."""

from __future__ import annotations

from datasteward.catalog import tag

PREFIXES = {
    "archive/": tag("user.legal.request", export=False, why_not="An earlier archive, which holds this same data."),
    "avatar/": tag("user.content.self_image"),
    "image/": tag("user.content.private.image"),
    "reference/": tag("user.content.private.reference"),
    "retention-archive/": tag("system.operations", not_personal="Counts of groups that lead to nobody."),
    "thumbnail/": tag("user.content.private.image", export=False, why_not="A smaller copy of the picture."),
}
"""Every object that the service makes lies under one of these."""

LOG_FIELDS = {
    "asked": tag("user.unique_id"),
    "mail": tag("system.operations", not_personal="The opaque id of a letter, not an address."),
} | {
    name: tag("system.operations")
    for name in (
        "error",
        "job",
        "jobs",
        "keys",
        "kind",
        "objects",
        "places",
        "processor",
        "route",
        "run",
        "status",
        "temporary",
        "waiting",
        "why",
    )
}
"""Every field that a line of the log may have; `job`, `mail` and `run` are opaque ids of rows, `asked` of a person."""
