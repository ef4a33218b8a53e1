"""Searches over one state of the database that is prepared once, while the next is prepared beside it.

A search over many rows asks an index of the whole table, which is dear to make. So searches go to a thread that holds a state
(a read transaction with its index), and when the database has changed another thread prepares the new state before it takes
over: readers never wait for it. Whoever has just written does wait, and sees what was written.
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
CHEAP_SECONDS = 0.25
"""Where a state is prepared as quickly as this, every search waits for the newest."""
REST = 6.0
"""A state is not prepared more often than this many times the time that it takes."""


class Holder(threading.Thread):
    """A thread that holds one state of the database and does what it is asked on it."""

    def __init__(self, path: Path, prepare: Callable[[Store], Any]) -> None:
        super().__init__(daemon=True, name="miner-search")
        self.stamp: store_web.Stamp = ()
        self.identity: tuple[int, int] = (0, 0)
        self._path, self._prepare = path, prepare
        self._asked: queue.SimpleQueue[tuple[Callable[[Store], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._ready: Future[None] = Future()
        self._closed = False

    def opened(self) -> Holder:
        """Start, and return when the state is prepared; raise what kept it from that."""
        self.start()
        self._ready.result()
        return self

    def run(self) -> None:
        """Open the database, prepare its state, answer until closed."""
        try:
            told = self._path.stat()
            store = Store.open(self._path, readonly=True)
        except OSError as error:
            self._ready.set_exception(StoreError(f"no database at {self._path}: {error.strerror}"))
            return
        except Exception as error:
            self._ready.set_exception(error)
            return
        with store:
            store_web.tune(store)
            with store_web.snapshot(store):
                try:
                    self.stamp, self.identity = store_web.stamp(store), (told.st_dev, told.st_ino)
                    self._prepare(store)
                except Exception as error:
                    self._ready.set_exception(error)
                    return
                self._ready.set_result(None)
                self._serve(store)

    def _serve(self, store: Store) -> None:
        while (item := self._asked.get()) is not None:
            work, answer = item
            try:
                answer.set_result(work(store))
            except BaseException as error:
                answer.set_exception(error)

    def ask(self, work: Callable[[Store], T]) -> Future[T]:
        """Have something done on the state."""
        answer: Future[T] = Future()
        self._asked.put((work, answer))
        return answer

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
        self._looked = self._rested = self._cost = 0.0

    def ask(self, work: Callable[[Store], T], stamp: store_web.Stamp, identity: tuple[int, int], *, newest: bool = False) -> T:
        """Return what ``work`` gives; the database now has this stamp. ``newest`` waits for its state."""
        with self._lock:
            holder = self._holder
        newest = newest or self._cost < CHEAP_SECONDS
        if holder is None or (newest and holder.stamp != stamp) or holder.identity != identity:
            holder = self._renew(stamp, identity)
        elif holder.stamp != stamp and time.monotonic() > max(self._looked + LOOK_SECONDS, self._rested):
            self._looked = time.monotonic()
            threading.Thread(target=self._renew_quietly, args=(stamp, identity), daemon=True).start()
        try:
            return self._answered(work, holder)
        except (IndexError, KeyError):
            # The index did not fit what was read beside it; on a state of its own it does.
            log.warning("a search is asked again on a new state", exc_info=True)
            return self._answered(work, self._renew(stamp, identity, forced=True))

    def _answered(self, work: Callable[[Store], T], holder: Holder) -> T:
        with self._lock:
            answer = (self._holder or holder).ask(work)
        return answer.result()

    def _renew(self, stamp: store_web.Stamp, identity: tuple[int, int], *, forced: bool = False) -> Holder:
        with self._changing:
            held = self._holder
            if not forced and held is not None and held.stamp == stamp and held.identity == identity:
                return held
            begun = time.monotonic()
            made = Holder(self._path, self._prepare).opened()
            self._cost = time.monotonic() - begun
            self._rested = time.monotonic() + REST * self._cost
            with self._lock:
                old, self._holder = self._holder, made
            if old is not None:
                old.close()
            return made

    def _renew_quietly(self, stamp: store_web.Stamp, identity: tuple[int, int]) -> None:
        try:
            self._renew(stamp, identity)
        except Exception:
            return  # the next search that needs it tells why
