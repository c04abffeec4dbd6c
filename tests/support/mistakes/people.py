"""Mistakes in roles.yaml, purposes.yaml, jurisdictions.yaml and minors.yaml: who may do what, and by which law."""

MISTAKES = {
    "a permission of another shape": (
        "roles.yaml",
        "^  own:image:create:",
        "  create-images:",
        "not shaped like a permission",
        "scope:resource:action",
    ),
    "a permission that nobody explains": (
        "roles.yaml",
        "- own:image:read",
        "- own:image:reed",
        "unknown permission 'own:image:reed'",
        "'own:image:read'",
    ),
    "consent without consent": (
        "purposes.yaml",
        "    needs_consent: true\n",
        "",
        "disagree on whether consent",
        "change",
    ),
    "interests without objection": (
        "purposes.yaml",
        "    objectable: true\n    interest: .*\n",
        "",
        "rests on legitimate interests",
        "let people object",
    ),
    "a country in words": ("jurisdictions.yaml", r"\[BR\]", "[Brazil]", "'Brazil' is not a country", "ISO 3166"),
    "a fiscal year that ends on no day": (
        "jurisdictions.yaml",
        "month: 12\n  day: 31",
        "month: 2\n  day: 29",
        "which not every year has",
        "month 12, day 31",
    ),
    "no such clock": ("jurisdictions.yaml", "elsewhere: eu", "elsewhere: mars", "unknown request clock", "use one of"),
    "too young without a country": (
        "minors.yaml",
        "unknown_country: 16",
        "unknown_country: 14",
        "younger than 16",
        "16 or more",
    ),
    "an age below nothing": ("minors.yaml", "^minimum: .*", "minimum: -3", "nobody is -3 years old", "0 or more"),
}
