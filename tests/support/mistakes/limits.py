"""Mistakes in limits.yaml, lookalikes.yaml and schedule.yaml: how much, and when."""

MISTAKES = {
    "a limit of nothing": ("limits.yaml", "value: 4000", "value: 0", "'prompt-characters' allows nothing", "1 or more"),
    "a limit in months": (
        "limits.yaml",
        "period: P14D",
        "period: P1M",
        "'session-absolute' has no fixed length",
        "in days",
    ),
    "an unknown plan": ("limits.yaml", "first-plan: free", "first-plan: fre", "unknown plan 'fre'", "'free'"),
    "a sample of nothing": ("lookalikes.yaml", "^sample: 300", "sample: -1", "a sample of -1", "1 or more"),
    "a minute that no hour has": (
        "schedule.yaml",
        'cron: "10',
        'cron: "99',
        "'99' is no minute of crontab",
        "numbers from 0 to 59",
    ),
    "a day that no month has": (
        "schedule.yaml",
        r'cron: "10 2 \* \*',
        'cron: "10 2 30 2',
        "no year has a day 30 of month 2",
        "a day that the month has",
    ),
    "no time of crontab": (
        "schedule.yaml",
        r'"10 2 \* \* \*"',
        "nightly",
        "'nightly' is not a time of crontab",
        "10 2",
    ),
    "no such time zone": (
        "schedule.yaml",
        r'cron: "10',
        'timezone: Mars/Base\n    cron: "10',
        "no time zone 'Mars/Base'",
        "UTC",
    ),
}
