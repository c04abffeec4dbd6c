"""The gate that every outgoing disclosure passes: what is not in the register of recipients does not leave.

It decides from policies/processors.yaml alone and keeps nothing; who calls it records the disclosure (see models.py).
"""

from __future__ import annotations

from collections.abc import Collection

from datasteward.errors import DisclosureRefused
from datasteward.policy import PolicySet, covers


class Gate:
    """Lets data out to registered recipients, for the purposes and in the categories of their entries."""

    def __init__(self, policies: PolicySet) -> None:
        self._policies = policies

    def check(self, processor_id: str, categories: Collection[str], purpose: str) -> None:
        """Returns when all `categories` may go to this recipient for this purpose.

        An entry's category stands for itself and all below it. Raises DisclosureRefused otherwise, and when no category
        is named: whoever cannot say what leaves may not send it.
        """
        entry = self._policies.processors.get(processor_id)
        if entry is None:
            raise DisclosureRefused(
                f"Nothing was sent to '{processor_id}': it is not a registered recipient; add it to processors.yaml."
            )
        if purpose not in entry.purposes:
            raise DisclosureRefused(
                f"Nothing was sent to '{processor_id}': '{purpose}' is not among its purposes in processors.yaml."
            )
        if not categories:
            raise DisclosureRefused(
                f"Nothing was sent to '{processor_id}': the categories of what is sent have to be named."
            )
        beyond = sorted(category for category in categories if not covers(entry.categories, category))
        if beyond:
            raise DisclosureRefused(
                f"Nothing was sent to '{processor_id}': its entry in processors.yaml does not cover {', '.join(beyond)}."
            )
