"""The newest unfinished picture of each run, in this process's memory alone: never stored, gone with the run.

Jobs put, the web reads; both may do so from any thread. What is more than the bounds drops the run heard of least lately.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import msgspec

from gptimages.studio.engine import Partial

MOST_RUNS = 64
MOST_BYTES = 2_000_000  # of one unfinished picture; a larger one is not shown


class Glimpse(msgspec.Struct, frozen=True):
    """The newest that is known of a run: picture `position` (from 0) is at `step` of `steps`.

    `image` is the newest unfinished picture or None; `number` grows with each new one, so that it can be addressed.
    """

    position: int
    step: int
    steps: int
    image: bytes | None
    media_type: str
    number: int


class Hub:
    """What is known of the runs under way."""

    def __init__(self, most_runs: int = MOST_RUNS, most_bytes: int = MOST_BYTES) -> None:
        self._most_runs = most_runs
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._newest: OrderedDict[str, Glimpse] = OrderedDict()

    def put(self, run_id: str, position: int, partial: Partial) -> None:
        """Keeps what the engine told of picture `position` of the run, and its unfinished picture if there is one."""
        image = partial.image if partial.image and len(partial.image) <= self._most_bytes else None
        with self._lock:
            before = self._newest.pop(run_id, None)
            number = before.number if before else 0
            media_type = partial.media_type
            if image is not None:
                number += 1
            elif before is not None and before.position == position:
                image, media_type = before.image, before.media_type
            self._newest[run_id] = Glimpse(position, partial.step, partial.steps, image, media_type, number)
            while len(self._newest) > self._most_runs:
                self._newest.popitem(last=False)

    def newest(self, run_id: str) -> Glimpse | None:
        """What is known of the run, or None."""
        with self._lock:
            return self._newest.get(run_id)

    def forget(self, run_id: str) -> None:
        """Drops what is known of the run."""
        with self._lock:
            self._newest.pop(run_id, None)
