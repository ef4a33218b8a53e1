"""Searches over one state of the database that is prepared once, while the next is prepared beside it.

A search over many rows asks an index of the whole table. So searches go to a thread that holds a state (a read transaction with
its index). When the database has changed, the thread takes the new state up, where that costs little; else another thread
prepares it before it takes over, and readers never wait for it. Whoever has just written does wait, and sees what was written.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from miner.errors import StoreError
from miner.evidence import store_web
from miner.evidence.store import Store

log = logging.getLogger("miner.web")
T = TypeVar("T")
LOOK_SECONDS = 0.25
CHEAP_SECONDS = 0.015
"""Where a state takes as little CPU as this, every search waits for the newest."""
BESIDE_SECONDS = 0.25
"""Where a state takes as much CPU as this, another thread prepares it."""
REST = 40.0
"""A state that is not cheap is not prepared more often than this many times the time that it takes."""


class Holder(threading.Thread):
    """A thread that holds one state of the database and does what it is asked on it."""

    def __init__(self, path: Path, prepare: Callable[[Store], Any]) -> None:
        super().__init__(daemon=True, name="miner-search")
        self.stamp: store_web.Stamp = ()
        self.identity: tuple[int, int] = (0, 0)
        self.cost = 0.0
        self._path, self._prepare = path, prepare
        self._asked: queue.SimpleQueue[tuple[Callable[[Store], Any] | None, Future[Any]] | None] = queue.SimpleQueue()
        self._ready: Future[None] = Future()

    def opened(self) -> Holder:
        """Start, and return when the state is prepared; raise what kept it from that."""
        self.start()
        self._ready.result()
        return self

    def run(self) -> None:
        """Open the database, prepare its state, answer until closed."""
        try:
            told = self._path.stat()
            self.identity = told.st_dev, told.st_ino
            store = Store.open(self._path, readonly=True)
        except OSError as error:
            self._ready.set_exception(StoreError(f"no database at {self._path}: {error.strerror}"))
            return
        except Exception as error:
            self._ready.set_exception(error)
            return
        with store:
            store_web.tune(store)
            again: Future[None] | None = self._ready
            while again is not None:
                again = self._hold(store, again)

    def _hold(self, store: Store, ready: Future[None]) -> Future[None] | None:
        """Prepare the present state and answer on it; return who waits for the next, or None at the end."""
        with store_web.snapshot(store):
            try:
                begun = time.thread_time()
                self.stamp = ()
                stamp = store_web.stamp(store)
                self._prepare(store)
                self.cost = time.thread_time() - begun
                self.stamp = stamp
            except Exception as error:
                ready.set_exception(error)
                if ready is self._ready:
                    return None
            else:
                ready.set_result(None)
            while (item := self._asked.get()) is not None:
                work, answer = item
                if work is None:
                    return answer
                try:
                    answer.set_result(work(store))
                except BaseException as error:
                    answer.set_exception(error)
        return None

    def ask(self, work: Callable[[Store], T]) -> Future[T]:
        """Have something done on the state."""
        answer: Future[T] = Future()
        self._asked.put((work, answer))
        return answer

    def renew(self) -> None:
        """Take up the present state, after what was asked before; raise what kept it from that."""
        answer: Future[None] = Future()
        self._asked.put((None, answer))
        answer.result()

    def close(self) -> None:
        """End when all that was asked is answered."""
        self._asked.put(None)


class Searcher:
    """Hands searches to the newest state that is prepared."""

    def __init__(self, path: Path, prepare: Callable[[Store], Any]) -> None:
        self._path, self._prepare = path, prepare
        self._holder: Holder | None = None
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        self._looked = self._rested = 0.0

    def ask(self, work: Callable[[Store], T], stamp: store_web.Stamp, identity: tuple[int, int], *, newest: bool = False) -> T:
        """Return what ``work`` gives; the database now has this stamp. ``newest`` waits for its state."""
        with self._lock:
            holder = self._holder
        now = time.monotonic()
        if holder is None or holder.identity != identity:
            self._renew(stamp, identity)
        elif holder.stamp == stamp:
            pass
        elif newest or holder.cost < CHEAP_SECONDS or (now > self._rested and holder.cost < BESIDE_SECONDS):
            self._renew(stamp, identity)
        elif now > max(self._looked + LOOK_SECONDS, self._rested):
            self._looked = now
            threading.Thread(target=self._renew_quietly, args=(stamp, identity), daemon=True).start()
        try:
            return self._answered(work)
        except (IndexError, KeyError):
            # The index did not fit what was read beside it; on a state of its own it does.
            log.warning("a search is asked again on a new state", exc_info=True)
            self._renew(stamp, identity, forced=True)
            return self._answered(work)

    def _answered(self, work: Callable[[Store], T]) -> T:
        with self._lock:
            assert self._holder is not None
            answer = self._holder.ask(work)
        return answer.result()

    def _renew(self, stamp: store_web.Stamp, identity: tuple[int, int], *, forced: bool = False) -> None:
        with self._changing:
            held = self._holder
            same = held is not None and held.identity == identity and not forced
            if held is not None and same and held.stamp == stamp:
                return
            if held is not None and same and held.cost < BESIDE_SECONDS:
                held.renew()
            else:
                made = Holder(self._path, self._prepare).opened()
                with self._lock:
                    self._holder = made
                if held is not None:
                    held.close()
                held = made
            self._rested = time.monotonic() + REST * held.cost

    def _renew_quietly(self, stamp: store_web.Stamp, identity: tuple[int, int]) -> None:
        try:
            self._renew(stamp, identity)
        except Exception:
            return  # the next search that needs it tells why
