"""Every kind of mistake that the files of a policy set can have, by its name.

Each is made in one file of the shipped set: (file, pattern, what takes its place, what is said of it, the remedy).
"""

from support.mistakes import anonymisation, categories, form, limits, people, privacy, retention

_GROUPS = [each.MISTAKES for each in (form, categories, retention, anonymisation, people, limits, privacy)]
MISTAKES = {name: mistake for group in _GROUPS for name, mistake in group.items()}

assert len(MISTAKES) == sum(map(len, _GROUPS)), "two mistakes have one name"
