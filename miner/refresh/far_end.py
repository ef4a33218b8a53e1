"""Work on a list from both ends: this process from its beginning, a forked one from its end, until they meet.

Nothing depends on the other process but the time: what it has not worked out when its turn comes is worked out here, and nobody
waits for it. It lays its values into an unnamed file, and says through a pipe that is never waited for what lies where.
"""

from __future__ import annotations

import gc
import logging
import mmap
import os
import pickle
import signal
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Generic, NamedTuple, TypeVar

from miner.sources.beside import is_core_free

T = TypeVar("T")
Work = Callable[[int], T]

log = logging.getLogger(__name__)

LEAST = 8  # items for which a second process is worth its beginning
_NOTE = struct.Struct("=qqq")  # number of the item, where its value lies, how long it is; short enough to be written at once
_NOTES = 1000  # that are read at once
_ROOM = 1 << 29  # bytes of values, more than what a usual chunk needs by far; then it stops


class _Other(NamedTuple):
    """The other process: its number, the descriptors of its notes and values, and what it sees of how far this one is."""

    pid: int
    notes: int
    values: int
    near: mmap.mmap
    opened: ExitStack


@contextmanager
def far_end(count: int, work: Work[T], *, least: int = LEAST) -> Iterator[FarEnd[T]]:
    """Begin to work on items from the last to the first in a second process, where a core is free for it."""
    found = FarEnd[T].begin(count, work) if count >= least and _has_room() else FarEnd[T]()
    try:
        yield found
    finally:
        found.close()


class FarEnd(Generic[T]):
    """What the other process has worked out; without one, nothing."""

    def __init__(self, other: _Other | None = None) -> None:
        self._other = other
        self._places: dict[int, tuple[int, int]] = {}

    @classmethod
    def begin(cls, count: int, work: Work[T]) -> FarEnd[T]:
        """Fork; where the system refuses, there is no other process."""
        with ExitStack() as opened:
            try:
                near, values = opened.enter_context(mmap.mmap(-1, 8)), opened.enter_context(tempfile.TemporaryFile())
                notes, told = (
                    opened.enter_context(open(end, mode, buffering=0)) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True)
                )
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # of threads: it neither logs nor prints nor takes a lock
                    pid = os.fork()
            except OSError as error:
                log.info("no second process (%s); all is worked out here", error)
                return cls()
            if pid == 0:
                _serve(count, work, told.fileno(), values.fileno(), near)
            told.close()
            os.set_blocking(notes.fileno(), False)
            return cls(_Other(pid, notes.fileno(), values.fileno(), near, opened.pop_all()))

    def get(self, number: int) -> tuple[T] | None:
        """Return the value of an item, or None where it has to be worked out here; ask from the first item to the last."""
        other = self._other
        if other is None:
            return None
        other.near[:] = number.to_bytes(len(other.near), sys.byteorder)
        with suppress(BlockingIOError):
            while noted := os.read(other.notes, _NOTE.size * _NOTES):
                self._places |= {index: (at, size) for index, at, size in _NOTE.iter_unpack(noted)}
        if number not in self._places:
            return None
        at, size = self._places.pop(number)
        try:
            return (pickle.loads(os.pread(other.values, size, at)),)
        except Exception as error:  # whatever became of it there, it is no fault of the item
            log.info("a value of the second process cannot be read (%s: %s); it is worked out here", type(error).__name__, error)
            return None

    def close(self) -> None:
        """End the other process, whatever it does."""
        other, self._other = self._other, None
        if other is None:
            return
        with suppress(ProcessLookupError):
            os.kill(other.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(other.pid, 0)
        other.opened.close()


def _has_room() -> bool:
    """Whether a fork is safe here, and a core is free for it."""
    return sys.platform == "linux" and is_core_free()


def _serve(count: int, work: Work[T], told: int, values: int, near: mmap.mmap) -> None:
    """Work from the last item on until the other end is reached; never returns."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        gc.freeze()
        _let_go(told, values)
        said: list[object] = []
        logging.Logger.callHandlers = lambda self, record: said.append(record)  # type: ignore[method-assign]
        at = 0
        for number in range(count - 1, -1, -1):
            if number <= int.from_bytes(near[:], sys.byteorder):
                break
            data = b""
            with suppress(Exception):
                data = pickle.dumps(work(number), pickle.HIGHEST_PROTOCOL)
            if data and not said:  # else it is done there again, where it raises or is heard
                if at + len(data) > _ROOM or os.pwrite(values, data, at) != len(data):
                    break
                os.write(told, _NOTE.pack(number, at, len(data)))  # ends this process where nobody reads any more
                at += len(data)
            said.clear()
    finally:
        os._exit(0)


def _let_go(*kept: int) -> None:
    """Close what is open here too, and what must end with the process that opened it: the lock, the database, what it prints to."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    first = 3
    for number in sorted(kept):
        os.closerange(first, number)
        first = number + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))
