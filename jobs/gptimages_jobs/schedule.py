"""Which jobs wait for a time of policies/schedule.yaml and not for an event, and whether each of them is given one."""

from __future__ import annotations

from collections.abc import Iterator

from datasteward.policy import Finding, PolicyError, PolicySet
from datasteward.policy.findings import suggestion
from gptimages_jobs import archives, erasures, keys, mail, policy_effect, retention

KINDS = frozenset((archives.KIND, erasures.KIND, keys.KIND, mail.Mail.KIND, policy_effect.KIND, retention.KIND))


def require(policies: PolicySet) -> None:
    """Raises PolicyError unless schedule.yaml gives a time to each of these jobs and to nothing else.

    A job without a time is never done, and nobody would notice: what is due would stay.
    """
    if found := sorted(_wrong(policies)):
        raise PolicyError("The schedule does not agree with the jobs that there are.", found)


def _wrong(policies: PolicySet) -> Iterator[Finding]:
    file, told = str(policies.directory / "schedule.yaml"), {entry.id for entry in policies.schedule}
    for each in told - KINDS:
        line = policies.line("schedule.yaml", ("jobs", each))
        yield Finding(file, line, f"no job is called '{each}'", suggestion(each, KINDS))
    for each in KINDS - told:
        line = policies.line("schedule.yaml", ("jobs",))
        yield Finding(
            file, line, f"the job '{each}' has no time, so it would never be done", f"add '{each}' with its cron"
        )
