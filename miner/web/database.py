"""The database as the pages read it: one read-only connection a thread, one state of it a page, and what is worth keeping."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from miner.errors import StoreError
from miner.evidence import store_web
from miner.evidence.store import Store
from miner.schema import Curation
from miner.web.searcher import Searcher

T = TypeVar("T")


DEAR_SECONDS = 1.0
"""What takes as much CPU as this is made beside the pages that show it."""
REST = 5.0
"""It is not made more often than this many times the time that it takes."""
log = logging.getLogger("miner.web")


@dataclass(frozen=True, slots=True)
class _Made(Generic[T]):
    """What was made last, what it cost, and until when it is not made again."""

    value: T
    cost: float
    rested: float


class Database:
    """Reads while the job writes; writes curations one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = threading.local()
        self._writing = threading.Lock()
        self._cache = Cache()
        self._searcher = Searcher(path, store_web.prepare)
        self._lasting: dict[Hashable, _Made[Any]] = {}
        self._renewing: set[Hashable] = set()
        self._writing_lasting = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """Lend this thread's connection; what is read inside is of one state of the database."""
        with store_web.snapshot(self._store()) as store:
            yield store

    def _store(self) -> Store:
        identity = self._identity()
        held: tuple[Store, tuple[int, int]] | None = getattr(self._held, "store", None)
        if held is not None and held[1] == identity:
            return held[0]
        if held is not None:
            held[0].close()
            self._held.store = None
        store = Store.open(self.path, readonly=True)
        store_web.tune(store)
        self._held.store = (store, identity)
        return store

    def searching(self, store: Store, work: Callable[[Store], T], *, newest: bool = True) -> T:
        """Do a search on a state that is prepared: the one that ``store`` shows, or the one before where ``newest`` is not asked."""
        return self._searcher.ask(work, store_web.stamp(store), self._identity(), newest=newest)

    def _identity(self) -> tuple[int, int]:
        try:
            told = os.stat(self.path)
        except OSError as error:
            raise StoreError(f"no database at {self.path}") from error
        return told.st_dev, told.st_ino

    def curate(self, curation: Curation) -> int:
        """Keep a curation and return its number; it waits for the job where that is writing."""
        with self._writing, Store.open(self.path) as store:
            return store.curate(curation)

    def kept(self, store: Store, key: Hashable, make: Callable[[], T], *, alone: bool = False) -> T:
        """Return what ``make`` gives, made once for each state of the database; ``alone`` where it is dear to make."""
        return self._cache.get((key, store_web.stamp(store)), make, alone=alone)

    def lasting(self, store: Store, key: Hashable, make: Callable[[Store], T]) -> T:
        """Return what ``make`` gives; where it is dear, that of a former state is given while the new is made beside it."""
        if (found := self.peek(store, key)) is not None:
            return found  # type: ignore[no-any-return]
        former: _Made[T] | None = self._lasting.get(key)
        if former is None or former.cost < DEAR_SECONDS:
            return self.kept(store, key, lambda: self._timed(store, key, make), alone=True)
        with self._writing_lasting:
            if key not in self._renewing and time.monotonic() > former.rested:
                self._renewing.add(key)
                threading.Thread(target=self._renew, args=(key, make), daemon=True).start()
        return former.value

    def _timed(self, store: Store, key: Hashable, make: Callable[[Store], T]) -> T:
        begun = time.thread_time()
        value = make(store)
        cost = time.thread_time() - begun
        self._lasting[key] = _Made(value, cost, time.monotonic() + REST * cost)
        return value

    def _renew(self, key: Hashable, make: Callable[[Store], Any]) -> None:
        try:
            with Store.open(self.path, readonly=True) as own, store_web.snapshot(own) as store:
                self.kept(store, key, lambda: self._timed(store, key, make), alone=True)
        except Exception:
            log.warning("a page could not be made anew", exc_info=True)
        finally:
            self._renewing.discard(key)

    def peek(self, store: Store, key: Hashable) -> Any | None:
        """Return what was made of this state already, or None."""
        return self._cache.peek((key, store_web.stamp(store)))


class Cache:
    """What was made last, up to a number of things; a thing that is dear is made by one thread while others wait for it."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._held: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], T], *, alone: bool = False) -> T:
        """Return what is held under a key, made where it is not."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                found: T = self._held[key]
                return found
            lock = self._making.setdefault(key, threading.Lock()) if alone else None
        if lock is None:
            return self._put(key, make())
        with lock:
            if (held := self.peek(key)) is not None:
                return held  # type: ignore[no-any-return]
            return self._put(key, make())

    def peek(self, key: Hashable) -> Any | None:
        """Return what is held under a key, or None."""
        with self._lock:
            return self._held.get(key)

    def _put(self, key: Hashable, value: T) -> T:
        with self._lock:
            self._held[key] = value
            self._making.pop(key, None)
            while len(self._held) > self._size:
                self._held.popitem(last=False)
        return value
