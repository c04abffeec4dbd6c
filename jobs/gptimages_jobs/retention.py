"""Retention: on the schedule makes a plan and carries it out; from the console carries out the plan that was ordered.

A run that was cut off is taken up again, by the same job or by the next one on the schedule. A plan that no longer holds
is marked with the sentence that says why, and the job fails with it; one that a second person has to approve stays open.
"""

from __future__ import annotations

from datasteward.errors import ApprovalNeeded, PlanError, StalePlan
from datasteward.retention import applying, plans, states
from datasteward.retention.applying import Progress
from datasteward.retention.plan import Plan
from datasteward.retention.result import Result
from gptimages.forgetting import forget_deleted
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.studio import runs
from gptimages_jobs import disposal
from gptimages_jobs.errors import JobError
from gptimages_jobs.scheduler import REF

KIND = "retention"


def run(here: Installation, ref: str) -> None:
    """Carries out the plan `ref`; for the scheduler's word, what was cut off, then a new plan.

    Raises JobError, at the end, with what does not hold.
    """
    problems = _schedule(here) if ref == REF else [_finish(here, ref)]
    if told := " ".join(problem for problem in problems if problem):
        raise JobError(told)


def carry_out(here: Installation, plan: Plan, *, by: str, progress: Progress | None = None) -> Result:
    """Applies the plan and sees to it that objects and keys go too.

    Raises ApprovalNeeded, which leaves the plan as it is, or StalePlan after noting it beside the plan.
    """
    try:
        # Retention carries out what the policies say of every row, whatever its person has closed to the service.
        done = applying.apply(here.db.write, here.steward, plan, by=by, clock=here.clock, progress=progress)
    except ApprovalNeeded:
        raise
    except StalePlan as stale:
        _note_refusal(here, plan, str(stale), by)
        raise
    with here.writing("law", by) as session:
        queue.promise(session, disposal.KIND, plan.id, now=here.clock())
    forget_deleted(here)
    return done


def _schedule(here: Installation) -> list[str | None]:
    """One night: a plan that is refused, or waits for somebody, keeps no other from being carried out.

    Uploads that nobody goes on with are removed as well.
    """
    with here.reading("law", KIND) as session:
        left = [stored.id for stored in plans.interrupted(session)]
    problems = [_finish(here, plan_id) for plan_id in left]
    with here.writing("law", KIND) as session:
        runs.forget_held_back(session, here)
        made = plans.make(session, here.steward, by=KIND, now=here.clock())
    problems.append(_finish(here, made.id))
    here.objects.sweep(here.clock() - here.policies.limits.object_young.span)
    return problems


def _finish(here: Installation, plan_id: str) -> str | None:
    """Carries out a stored plan unless that is over; the sentence that says why it does not go on, if it does not."""
    with here.reading("law", KIND) as session:
        stored = plans.row(session, plan_id)
    if stored.state in (states.APPLIED, states.REFUSED):
        return None
    try:
        carry_out(here, plans.load(stored), by=stored.applied_by or KIND)
    except PlanError as refused:
        return str(refused)
    return None


def _note_refusal(here: Installation, plan: Plan, sentence: str, by: str) -> None:
    """A plan that was edited or comes from elsewhere leaves the stored one as it is."""
    with here.writing("law", by) as session:
        found = plans.find(session, plan.id)
        if found is not None and found.state != states.APPLIED and plans.load(found).digest == plan.digest:
            plans.refuse(session, plan.id, sentence, by=by, now=here.clock())
