"""Runs: asking for pictures, stopping, and forgetting the words. What makes the pictures stands in gptimages_jobs.generate.

Everything here works in the caller's transaction; limits are counted in the one that writes the run, so two requests at
once cannot both be the last one allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.retention import holds
from datasteward.retention.held import Held, free, refuse, spared
from gptimages.accounts.models import Account
from gptimages.activity import usage
from gptimages.errors import Conflict, InputError, LimitReached, NotFound
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.queue import queue
from gptimages.studio import references
from gptimages.studio.keys import prompt_place
from gptimages.studio.models import Generation, GenerationReference, Image, StylePreference
from gptimages.studio.references import Stored
from gptimages.studio.wish import Wish

JOB = "generate"
TABLE = Generation.__tablename__
WORDS = ("prompt",)
UNDER_WAY = ("queued", "running")
ENDED = ("done", "refused", "failed", "stopped")


def begin(
    session: Session, here: Installation, account_id: str, wish: Wish, stored: Sequence[Stored], *, now: datetime
) -> Generation:
    """Writes a run for a checked wish, with its job and its audit entry. Raises LimitReached."""
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update())
    check_room(session, here, account_id, wish.count, now)
    run = _row(here, account_id, wish, now)
    session.add(run)
    session.flush()
    references.attach(session, account_id, run.id, stored, now)
    _remember(session, account_id, wish, now)
    queue.promise(session, JOB, run.id, now=now)
    audit.append(
        session,
        "generation.asked",
        actor=account_id,
        subject=account_id,
        now=now,
        run=run.id,
        pictures=run.count,
        references=len(stored),
    )
    return run


def check_room(session: Session, here: Installation, account_id: str, count: int, now: datetime) -> None:
    """Whether the person may have `count` more pictures now. Raises LimitReached, or Conflict when the account takes none.

    Also asked before anything is done with the pictures that were sent, so that a refusal costs nearly nothing.
    """
    if session.scalar(select(Account.state).where(Account.id == account_id)) != "active":
        raise Conflict("This account is being closed, or its data is only stored: no new pictures are made.")
    _check_limits(session, here, account_id, count, now)


def find(session: Session, account_id: str, run_id: str) -> Generation:
    """The person's run. Raises NotFound when there is none of theirs with this id."""
    run = session.get(Generation, run_id)
    if run is None or run.account_id != account_id:
        raise NotFound("There is no such run of yours.")
    return run


def newest(session: Session, account_id: str) -> Generation | None:
    """The person's newest run, if there is one."""
    query = select(Generation).where(Generation.account_id == account_id).order_by(Generation.created_at.desc())
    return session.scalars(query.limit(1)).first()


def pictures(session: Session, run: Generation) -> list[Image]:
    """The pictures of a run that are there, in their order."""
    return list(session.scalars(select(Image).where(Image.generation_id == run.id).order_by(Image.position)))


def started_from(session: Session, run: Generation) -> int:
    """How many pictures the run started from, masks included."""
    query = select(func.count()).where(GenerationReference.generation_id == run.id)
    return session.scalar(query) or 0


def stop(session: Session, here: Installation, account_id: str, run_id: str, *, now: datetime) -> Generation:
    """Stops a run under way; the pictures that are finished stay. A run that has ended is left as it is."""
    run = find(session, account_id, run_id)
    if run.state in UNDER_WAY:
        end(session, here, run, "stopped", now=now)
        audit.append(session, "generation.stopped", actor=account_id, subject=account_id, now=now, run=run.id)
    return run


def end(
    session: Session, here: Installation, run: Generation, state: str, *, now: datetime, problem: str | None = None
) -> None:
    """Ends a run; the words go with it when the person did not want them kept and no legal hold keeps them."""
    run.state, run.finished_at, run.problem = state, now, problem
    if not run.keep_prompt and not spared(
        session, here.catalog, here.catalog.table(TABLE), Generation.id == run.id, WORDS
    ):
        run.prompt = None


def forget_held_back(session: Session, here: Installation) -> None:
    """Destroys the words that a legal hold kept back when their run ended, and keeps back no more."""
    holds.guard(session)
    ended = Generation.state.in_(ENDED) & Generation.keep_prompt.is_(False) & Generation.prompt.is_not(None)
    table = here.catalog.table(TABLE)
    for some in free(session, table, ended, Held(session, here.catalog).names(table, WORDS)):
        session.execute(update(Generation).where(some).values(prompt=None))


def forget_words(session: Session, here: Installation, account_id: str, run_id: str, *, now: datetime) -> Generation:
    """Destroys the words of a run that has ended; its pictures stay. Raises Conflict while it is under way."""
    run = find(session, account_id, run_id)
    if run.state in UNDER_WAY:
        raise Conflict("The words are still needed: stop the run first, or wait until it is done.")
    refuse(session, here.catalog, here.catalog.table(TABLE), Generation.id == run.id, WORDS)
    if run.prompt is not None:
        run.prompt, run.keep_prompt = None, False
        audit.append(session, "prompt.forgotten", actor=account_id, subject=account_id, now=now, run=run.id)
    return run


def words(here: Installation, run: Generation) -> str | None:
    """The words of a run in the clear; None when they are destroyed."""
    if run.prompt is None:
        return None
    return here.vault.reveal_text(prompt_place(run.account_id, run.id), run.prompt)


def preference(session: Session, account_id: str) -> StylePreference | None:
    """What the person chose last."""
    return session.scalars(select(StylePreference).where(StylePreference.account_id == account_id)).one_or_none()


def allowance(session: Session, here: Installation, account_id: str, now: datetime) -> tuple[int, int]:
    """How many pictures were made or promised this month, and how many the plan has a month."""
    used = usage.pictures_this_month(session, account_id, now) + _promised(session, account_id)
    plan = session.scalars(select(Account.plan).where(Account.id == account_id)).one()
    return used, here.policies.limits.plans[plan].pictures_per_month


def _check_limits(session: Session, here: Installation, account_id: str, count: int, now: datetime) -> None:
    under_way = select(func.count()).where(Generation.account_id == account_id, Generation.state.in_(UNDER_WAY))
    most = here.policies.limits.runs_under_way.value
    if (session.scalar(under_way) or 0) >= most:
        raise LimitReached(f"You have {most} runs under way: wait for one to end, or stop one.", retry_after=10)
    used, allowed = allowance(session, here, account_id, now)
    if used + count > allowed:
        left = max(allowed - used, 0)
        raise LimitReached(f"Your plan has {allowed} pictures a month and {left} of them are left: ask for fewer.")


def _promised(session: Session, account_id: str) -> int:
    """Pictures of runs under way that are not made yet."""
    mine = (Generation.account_id == account_id) & Generation.state.in_(UNDER_WAY)
    wanted = session.scalar(select(func.sum(Generation.count)).where(mine)) or 0
    made = session.scalar(select(func.count()).select_from(Image).join(Generation).where(mine)) or 0
    return int(wanted) - made


def _row(here: Installation, account_id: str, wish: Wish, now: datetime) -> Generation:
    if wish.width is None or wish.height is None:
        raise InputError("The size is missing: choose one.")
    run_id = new_id()
    return Generation(
        id=run_id,
        account_id=account_id,
        prompt=here.vault.seal(prompt_place(account_id, run_id), wish.prompt),
        keep_prompt=wish.keep_prompt,
        style=wish.style,
        width=wish.width,
        height=wish.height,
        count=wish.count,
        quality=wish.quality,
        background=wish.background,
        format=wish.format,
        moderation=wish.moderation,
        seed=wish.seed,
        state="queued",
        created_at=now,
    )


def _remember(session: Session, account_id: str, wish: Wish, now: datetime) -> None:
    """Keeps the choices, to offer them again."""
    kept = preference(session, account_id)
    if kept is None:
        kept = StylePreference(id=new_id(), account_id=account_id)
        session.add(kept)
    kept.style, kept.quality, kept.count, kept.updated_at = wish.style, wish.quality, wish.count, now
    kept.width, kept.height = wish.width or 0, wish.height or 0
