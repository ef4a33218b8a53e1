"""Never more than so many requests in any sliding second, over all processes of this machine."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from miner.errors import StoreError

WINDOW = 1.0
PAUSE = 0.02
LOST_AFTER = 3600.0


class Politeness:
    """Hand out slots for requests: at most ``limit`` that may have reached the server within any ``window`` seconds.

    A request reaches the server at some moment between its sending and its answer, so a slot is held from the one to
    the other and for ``window`` longer. Slots are kept in a file, under a lock, with times of the machine's monotonic
    clock: setting the clock back opens no gap. The slot of a process that died counts from the moment that is noticed.

    Parameters
    ----------
    path
        The file of slots; processes that share it share the limit.
    limit
        Requests within the window: 3 without an API key, 10 with one.
    """

    def __init__(
        self,
        path: Path,
        limit: int,
        *,
        window: float = WINDOW,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = path
        self.limit = limit
        self.window = window
        self._clock = clock
        self._sleep = sleep
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(f"{path}.lock")

    @contextmanager
    def slot(self, patience: float = LOST_AFTER) -> Iterator[None]:
        """Wait for a free slot and hold it while the request is under way; TimeoutError after ``patience`` seconds."""
        token, until = secrets.token_hex(8), self._clock() + patience
        while (wait := self._take(token)) > 0:
            if self._clock() + wait > until:
                raise TimeoutError(f"no free slot for a request within {patience:.0f} s; see {self.path}")
            self._sleep(wait)
        try:
            yield
        finally:
            self._release(token)

    def _take(self, token: str) -> float:
        """Take a slot and return 0, or return how long to wait before trying again."""
        with _told(self.path), self._lock:
            now = self._clock()
            taken = self._current(now)
            if len(taken) < self.limit:
                taken.append({"token": token, "start": now, "end": None, "pid": os.getpid()})
                self._write(taken)
                return 0.0
            self._write(taken)
        ends = [slot["end"] for slot in taken if slot["end"] is not None]
        return max(PAUSE, min(ends) + self.window - now) if ends else PAUSE

    def _release(self, token: str) -> None:
        with _told(self.path), self._lock:
            now = self._clock()
            slots = self._current(now)
            for slot in slots:
                if slot["token"] == token:
                    slot["end"] = now
            self._write(slots)

    def _current(self, now: float) -> list[dict[str, Any]]:
        """Return the slots still taken, those of dead processes ending now; times ahead are from before a reboot."""
        slots = []
        for slot in self._read():
            if slot["start"] > now or now - slot["start"] > LOST_AFTER:
                continue
            if slot["end"] is None and not _alive(slot["pid"]):
                slot["end"] = now
            if slot["end"] is None or now - slot["end"] <= self.window:
                slots.append(slot)
        return slots

    def _read(self) -> list[dict[str, Any]]:
        try:
            slots = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [slot for slot in slots if isinstance(slot, dict) and {"token", "start", "end", "pid"} <= set(slot)]

    def _write(self, slots: list[dict[str, Any]]) -> None:
        fresh = self.path.with_name(self.path.name + ".new")
        with _told(self.path):
            fresh.write_text(json.dumps(slots), encoding="utf-8")
            os.replace(fresh, self.path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        told = f"{path} cannot be written: {error.strerror or error}"
        raise StoreError(f"{told}; make room, or name another cache_dir (MINER_CACHE_DIR)") from error


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
