"""Unwrapped keys, kept for a short while so that a page of a hundred prompts opens one keyset once.

The age limit is also the time within which a key that another process destroyed is refused here, and after which this
process lets go of it, asked or not. Python cannot overwrite what it lets go of: a dump of memory may show it until the
place is used again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from threading import Lock, Timer
from typing import Any, Generic, TypeVar
from weakref import WeakSet, ref

T = TypeVar("T")
SOONEST = 0.05
"""Seconds that the timer sleeps at least."""


class _Kept(Generic[T]):
    """A value, until when it may be used, and its place in the order of uses."""

    __slots__ = ("expires", "used", "value")

    def __init__(self, expires: float, value: T, used: int) -> None:
        self.expires, self.value, self.used = expires, value, used


class KeyCache(Generic[T]):
    """At most `size` values, each for at most `age` seconds of `clock`; the least recently used goes first."""

    def __init__(self, *, age: float, size: int, clock: Callable[[], float]) -> None:
        self._age, self._size, self._clock = age, size, clock
        self._values: dict[str, _Kept[T]] = {}
        self._uses = count()
        self._lock = Lock()
        self._loading: dict[str, Future[T]] = {}
        self._timer: Timer | None = None
        _caches.add(self)

    def get(self, name: str, load: Callable[[str], T]) -> T:
        """The value, loaded when it is absent or too old; who asks for it meanwhile waits for what is loaded already.

        A value that is there is found without waiting for anybody. Raises what `load` raises.
        """
        found = self._values.get(name)
        if found is not None and self._clock() < found.expires:
            found.used = next(self._uses)
            return found.value
        with self._lock:
            loading = self._loading.get(name)
            if loading is None:
                mine = self._loading[name] = Future[T]()
                expires = self._clock() + self._age
        if loading is not None:
            return loading.result()
        try:
            value = load(name)
        except BaseException as error:
            self._loaded(name, mine)
            mine.set_exception(error)
            del mine  # else the error would hold itself by its traceback, and all that its callers hold
            raise
        with self._lock:
            # A value that was loaded while it was forgotten may be the forgotten one.
            if self._loading.get(name) is mine:
                self._keep(name, expires, value)
        self._loaded(name, mine)
        mine.set_result(value)
        return value

    def _loaded(self, name: str, mine: Future[T]) -> None:
        with self._lock:
            if self._loading.get(name) is mine:
                del self._loading[name]

    def _keep(self, name: str, expires: float, value: T) -> None:
        self._values.pop(name, None)  # so that they stand in the order in which they expire
        self._values[name] = _Kept(expires, value, next(self._uses))
        while len(self._values) > self._size:
            del self._values[min(self._values, key=lambda each: self._values[each].used)]
        if self._timer is None:
            self._wait()

    def forget(self, name: str) -> None:
        """Drops the value, one that is being loaded just now included."""
        with self._lock:
            self._loading.pop(name, None)
            self._values.pop(name, None)

    def clear(self) -> None:
        """Drops all values."""
        with self._lock:
            self._loading.clear()
            self._values.clear()

    def expire(self) -> None:
        """Drops what is too old, and comes back when the next one will be."""
        with self._lock:
            for name in [name for name, kept in self._values.items() if kept.expires <= self._clock()]:
                del self._values[name]
            self._timer = None
            if self._values:
                self._wait()

    def begin_anew(self) -> None:
        """After a fork: without what the parent had loaded, whose timer has not come along, nor who held the lock."""
        self._lock, self._timer = Lock(), None
        self._loading.clear()
        self._values.clear()

    def _wait(self) -> None:
        oldest = next(iter(self._values.values()))
        self._timer = Timer(max(oldest.expires - self._clock(), SOONEST), _expire, [ref(self)])
        self._timer.daemon = True
        self._timer.start()


def _after_fork() -> None:
    for cache in list(_caches):
        cache.begin_anew()


_caches: WeakSet[KeyCache[Any]] = WeakSet()
os.register_at_fork(after_in_child=_after_fork)


def _expire(cache: ref[KeyCache[Any]]) -> None:
    found = cache()
    if found is not None:
        found.expire()
