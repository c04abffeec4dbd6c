"""Measuring two ways of doing the same thing, side by side: in one process, turn by turn, warmed up, by the median."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median
from typing import Literal

import msgspec

Goal = tuple[Literal["<=", ">="], float]


class Row(msgspec.Struct, frozen=True):
    """One figure: ours and the other's in `unit`, their ratio, and whether the goal for it is met."""

    name: str
    ours: float
    other: float
    unit: str
    ratio: float
    goal: str
    met: bool

    def line(self) -> str:
        """The row as it is printed: name ours other ratio goal ok|short."""
        shown = (f"{value:,.3g}" if value < 1000 else f"{value:,.0f}" for value in (self.ours, self.other))
        ours, other = (f"{value} {self.unit}" for value in shown)
        return (
            f"{self.name:<21} {ours:>16} {other:>16} {self.ratio:>7.2f} {self.goal:>8} {'ok' if self.met else 'short'}"
        )


def compared(name: str, ours: float, other: float, unit: str, goal: Goal) -> Row:
    """The row of two figures; the ratio is ours to the other's."""
    ratio = ours / other
    sign, bound = goal
    return Row(
        name, ours, other, unit, ratio, f"{sign} {bound:.2f}", ratio <= bound if sign == "<=" else ratio >= bound
    )


def medians(ours: Callable[[], object], other: Callable[[], object], *, rounds: int) -> tuple[float, float]:
    """The median seconds of each, over so many rounds in which both have their turn, after one that is not counted."""
    return timed(lambda: _seconds(ours), lambda: _seconds(other), rounds=rounds)


def timed(ours: Callable[[], float], other: Callable[[], float], *, rounds: int) -> tuple[float, float]:
    """The same for things that tell their own seconds, because what comes before is not to be counted."""
    ours(), other()
    taken: list[tuple[float, float]] = []
    for number in range(rounds):
        if number % 2:
            second, first = other(), ours()
        else:
            first, second = ours(), other()
        taken.append((first, second))
    return median(first for first, _ in taken), median(second for _, second in taken)


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
