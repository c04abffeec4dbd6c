"""Policy as code: the files of policies/ as one typed, checked and hashed set.

`load(directory)` reads it; `PolicySet` answers questions about categories, roles, countries and texts.
"""

from datasteward.errors import PolicyError
from datasteward.policy.comparison import Change, compare
from datasteward.policy.findings import Finding, UnknownPolicyItem
from datasteward.policy.limits import Amount, Limits, Span
from datasteward.policy.loader import digest, load
from datasteward.policy.model import (
    Category,
    Cookie,
    Group,
    Method,
    Processor,
    Promise,
    Purpose,
    RetentionRule,
    ScheduledJob,
)
from datasteward.policy.period import Period
from datasteward.policy.policyset import PolicySet, covers, lineage
from datasteward.policy.roles import Role
from datasteward.policy.wording import PolicyText, Section, Sentence

__all__ = [
    "Amount",
    "Category",
    "Change",
    "Cookie",
    "Finding",
    "Group",
    "Limits",
    "Method",
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
    "compare",
    "covers",
    "digest",
    "lineage",
    "load",
]
