"""Policy as code: the files of policies/ as one typed, checked and hashed set.

`load(directory)` reads it; `PolicySet` answers questions about categories, roles, countries and texts.
"""

from datasteward.errors import PolicyError
from datasteward.policy.findings import Finding, UnknownPolicyItem
from datasteward.policy.loader import digest, load
from datasteward.policy.model import (
    Amount,
    Category,
    Cookie,
    Group,
    Limits,
    PolicyText,
    Processor,
    Promise,
    Purpose,
    RetentionRule,
    Role,
    ScheduledJob,
    Section,
    Sentence,
    Span,
)
from datasteward.policy.period import Period
from datasteward.policy.policyset import PolicySet, covers, lineage

__all__ = [
    "Amount",
    "Category",
    "Cookie",
    "Finding",
    "Group",
    "Limits",
    "Period",
    "PolicyError",
    "PolicySet",
    "PolicyText",
    "Processor",
    "Promise",
    "Purpose",
    "RetentionRule",
    "Role",
    "ScheduledJob",
    "Section",
    "Sentence",
    "Span",
    "UnknownPolicyItem",
    "covers",
    "digest",
    "lineage",
    "load",
]
