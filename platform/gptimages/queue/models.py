"""The table of jobs: work that was promised inside a transaction and is done after it, at least once."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from datasteward.catalog import nobody, record, tag
from gptimages.models import Base, Id, Moment

PROBLEM = 200
"""Characters that a job's problem has at most."""


class Job(Base):
    """Something to do: `kind` names the handler, `ref` the row it is about. `state`: queued, running, done, failed.

    `lease_until` is renewed while a worker is on it; a job whose lease ran out is taken up again by any worker.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_state_run_after", "state", "run_after"),
        Index("ix_job_kind_ref", "kind", "ref"),
        {
            "info": record(
                "system.operations.job",
                nobody("Opaque ids of rows; the rows are the person's."),
                clocks={"created": "created_at", "ended": "finished_at"},
            )
        },
    )

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(30), info=tag("system.operations"))
    ref: Mapped[str] = mapped_column(String(60), info=tag("user.unique_id"))
    state: Mapped[str] = mapped_column(String(10), default="queued", info=tag("system.operations"))
    attempts: Mapped[int] = mapped_column(default=0, info=tag("system.operations"))
    run_after: Mapped[Moment]
    lease_until: Mapped[Moment | None]
    created_at: Mapped[Moment]
    finished_at: Mapped[Moment | None]
    problem: Mapped[str | None] = mapped_column(String(PROBLEM), info=tag("system.operations"))
