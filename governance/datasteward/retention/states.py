"""The states of a stored plan.

`open` (made, nothing done yet; somebody may approve it), `ordered` (somebody asked that it be carried out), `running` (a run
began; it can be taken up again), `applied`, and `refused` (a run found that the plan no longer holds).
"""

OPEN, ORDERED, RUNNING, APPLIED, REFUSED = "open", "ordered", "running", "applied", "refused"
