"""What roles.yaml says, as types: permissions, who has them, and which exceptional accesses need whom."""

from __future__ import annotations

import msgspec

from datasteward.policy.model import Sourced
from datasteward.policy.period import Period


class Role(Sourced, frozen=True, kw_only=True):
    """What someone may do here; roles add up."""

    id: str
    name: str
    words: str
    permissions: tuple[str, ...]
    promise: str


class Exceptional(Sourced, frozen=True, kw_only=True):
    """A use of keys beyond the service's own work, which is asked for and carried out once.

    `second_person`: whether somebody else has to approve it. `lasts`: how long it may be carried out after that.
    """

    name: str
    words: str
    second_person: bool
    lasts: Period
    why: str


class ExceptionalAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each kind of exceptional access; one that is left out is not allowed.

    `at_once`: of how many people the service opens words in one go, at most.
    """

    at_once: int
    break_glass: Exceptional | None = None
    bulk: Exceptional | None = None
    keyset_export: Exceptional | None = None

    def of(self, kind: str) -> Exceptional | None:
        """What holds for a kind, None when it is not allowed."""
        found: Exceptional | None = getattr(self, kind, None)
        return found


class RolesFile(msgspec.Struct, frozen=True):
    """roles.yaml; `permissions` says each one in words, as `scope:resource:action`."""

    permissions: dict[str, str]
    roles: dict[str, Role]
    exceptional_access: ExceptionalAccess
