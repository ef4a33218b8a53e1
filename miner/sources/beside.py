"""A second process that reads along: it takes every batch of a large set for which it is free, and hands back plain values.

The order is that of the file. A batch that is not answered, because the process ended or could not begin, is read here: nothing
depends on it but the time. Batches and answers lie in two unnamed files, a place for each batch that is under way, and go by
``marshal``; a pipe says what lies where, so that neither side ever waits for room to write.
"""

from __future__ import annotations

import logging
import marshal
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import fields
from itertools import accumulate
from multiprocessing.connection import Connection
from operator import attrgetter
from pathlib import Path
from typing import Any

from miner.errors import InputError
from miner.schema import Record, Section, Status
from miner.sources import elements
from miner.sources.elements import Answer
from miner.sources.items import Screen
from miner.sources.prescreen import Prescreen

Element = tuple[bytes, bytes]  # name and XML
Batch = list[Element]
Answers = Generator[tuple[bytes, bytes, Answer], None, None]
Notes = Connection

log = logging.getLogger(__name__)

BATCH = 1 << 20  # bytes of XML from which a batch is full
UNDER_WAY = 3  # batches that the other process may hold
WAITING = 12  # batches that may wait for their turn; they and their records lie in memory
SECONDS = 60  # for one batch, then the other process is given up
_PLACE = 1 << 30  # bytes between two places; the files are sparse
_SETUP = UNDER_WAY * _PLACE  # where lies what the process must know before it can read
_PIECES = 512  # that are written at once
_PLAIN = 2  # marshal's form that looks for no value twice
_SERVE = "import sys; sys.path[:] = sys.argv[5:]; from miner.sources.beside import serve; serve(*map(int, sys.argv[1:5]))"


def alone(found: Iterable[Element], source: str, screen: Screen | None) -> Answers:
    """Yield (name, XML, answer) of each element, one by one."""
    for name, xml in found:
        yield name, xml, elements.read(name, xml, source, screen)


def answers(found: Iterable[Element], source: str, screen: Screen | None) -> Answers:
    """Yield (name, XML, answer) of each element in order, read by two processes where that is possible."""
    mate = Mate.begin(source, screen)
    if mate is None:
        yield from alone(found, source, screen)
        return
    try:
        yield from _shared(found, source, screen, mate)
    finally:
        mate.close()


def _shared(found: Iterable[Element], source: str, screen: Screen | None, mate: Mate) -> Answers:
    waiting: deque[tuple[Batch, list[Answer] | None]] = deque()
    broken: InputError | None = None
    for batch in _batches(found):
        if isinstance(batch, InputError):
            broken = batch
            break
        waiting.append((batch, None if mate.takes(batch) else _read(batch, source, screen)))
        while waiting and (waiting[0][1] is not None or len(waiting) > WAITING or mate.has_answered()):
            yield from _next(waiting, source, screen, mate)
    while waiting:
        yield from _next(waiting, source, screen, mate)
    if broken is not None:
        raise broken


def _next(waiting: deque[tuple[Batch, list[Answer] | None]], source: str, screen: Screen | None, mate: Mate) -> Answers:
    batch, read = waiting.popleft()
    if read is None:
        read = mate.answer() or _read(batch, source, screen)
    for (name, xml), answer in zip(batch, read, strict=True):
        yield name, xml, answer


def _read(batch: Batch, source: str, screen: Screen | None) -> list[Answer]:
    return [elements.read(name, xml, source, screen) for name, xml in batch]


def _batches(found: Iterable[Element]) -> Iterator[Batch | InputError]:
    """Yield full batches, what is left of them, and last the error that ended the set, if one did."""
    batch, size = Batch(), 0
    broken = None
    try:
        for element in found:
            batch.append(element)
            size += len(element[1])
            if size >= BATCH:
                yield batch
                batch, size = [], 0
    except InputError as error:
        broken = error
    if batch:
        yield batch
    if broken is not None:
        yield broken


class Mate:
    """The other process as the one that asks sees it; once it fails it is asked no more."""

    def __init__(self, process: subprocess.Popen[bytes], notes: Notes, asked: int, answered: int, opened: ExitStack) -> None:
        self._process, self._notes, self._asked, self._answered, self._opened = process, notes, asked, answered, opened
        self._under_way: deque[int] = deque()
        self._free = deque(range(UNDER_WAY))
        self._ready = self._failed = False

    @classmethod
    def begin(cls, source: str, screen: Screen | None) -> Mate | None:
        """Start a process; none where no core is left for it, or where it could not know what this one knows."""
        if not _has_room() or not (screen is None or type(screen) is Prescreen):
            return None
        with ExitStack() as opened:
            notes, its = map(opened.enter_context, multiprocessing.Pipe())
            try:
                asked, answered = (opened.enter_context(tempfile.TemporaryFile()) for _ in range(2))
                size = os.pwrite(asked.fileno(), pickle.dumps((source, screen)), _SETUP)
                handed = (its.fileno(), asked.fileno(), answered.fileno())
                command = [sys.executable, "-S", "-c", _SERVE, *map(str, (*handed, size)), str(Path(__file__).parents[2]), *sys.path]
                process = subprocess.Popen(command, pass_fds=handed, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            except OSError:
                return None
            its.close()
            return cls(process, notes, asked.fileno(), answered.fileno(), opened.pop_all())

    def takes(self, batch: Batch) -> bool:
        """Hand a batch over; False where the process is busy, is not there yet, or is no more."""
        if self._failed or not self._free:
            return False
        try:
            if not self._ready:
                if not self._notes.poll():
                    return False
                self._notes.recv()
                self._ready = True
            _write(self._asked, [xml for _, xml in batch], self._free[0] * _PLACE)
            self._notes.send((self._free[0], [(name, len(xml)) for name, xml in batch]))
        except (OSError, EOFError) as error:
            self._fail(error)
            return False
        self._under_way.append(self._free.popleft())
        return True

    def has_answered(self) -> bool:
        """Tell whether the next answer is there, or will never be."""
        try:
            return self._failed or self._notes.poll()
        except OSError:
            return True

    def answer(self) -> list[Answer] | None:
        """Wait for the answer to the oldest batch that was handed over; none where the process failed."""
        place = self._under_way.popleft()
        if self._failed:
            return None
        try:
            if not self._notes.poll(SECONDS):
                raise TimeoutError(f"no answer in {SECONDS} s")
            values = marshal.loads(os.pread(self._answered, self._notes.recv(), place * _PLACE))
        except (OSError, EOFError, ValueError) as error:
            self._fail(error)
            return None
        self._free.append(place)
        return [_unpacked(value) if value else value for value in values]

    def _fail(self, error: Exception) -> None:
        log.info("the process that reads along failed (%s: %s); its part is read here", type(error).__name__, error)
        self._failed = True

    def close(self) -> None:
        """End the process and wait until it has ended."""
        self._notes.close()
        if self._failed or self._under_way:
            self._process.kill()
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._opened.close()


def _has_room() -> bool:
    """Whether a second process can read along, and a core is free for it."""
    return hasattr(os, "pwritev") and bool(sys.executable) and not getattr(sys, "frozen", False) and is_core_free()


def is_core_free() -> bool:
    """Whether a core is free for a second process: not in a worker, whose mates have the others."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > 1 and multiprocessing.parent_process() is None


def serve(notes: int, asked: int, answered: int, setup: int) -> None:
    """Answer batches until nobody asks any more; the arguments are descriptors, and the size of what is to be known first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted reader closes the pipe
    source, screen = pickle.loads(os.pread(asked, setup, _SETUP))
    talk: Notes = Connection(notes)
    with suppress(EOFError, OSError):
        talk.send(None)
        while True:
            place, sizes = talk.recv()
            read = _read(_batch(os.pread(asked, sum(size for _, size in sizes), place * _PLACE), sizes), source, screen)
            data = marshal.dumps([_packed(answer) if answer else answer for answer in read], _PLAIN)
            _write(answered, [data], place * _PLACE)
            talk.send(len(data))


def _write(file: int, pieces: list[bytes], at: int) -> None:
    """Write all pieces one behind the other, or raise OSError."""
    for first in range(0, len(pieces), _PIECES):
        some = pieces[first : first + _PIECES]
        size = sum(map(len, some))
        if os.pwritev(file, some, at) != size:
            raise OSError("no room for a batch")
        at += size


def _batch(data: bytes, sizes: list[tuple[bytes, int]]) -> Batch:
    ends = list(accumulate(size for _, size in sizes))
    return [(name, data[end - size : end]) for (name, size), end in zip(sizes, ends, strict=True)]


_FIELDS = tuple(field.name for field in fields(Record))
_VALUES = attrgetter(*_FIELDS)
_SECTIONS = tuple(map(_FIELDS.index, ("sections", "other_abstracts")))
_STATUS = _FIELDS.index("status")


def _packed(record: Record) -> list[Any]:
    values = list(_VALUES(record))
    for at in _SECTIONS:
        values[at] = [(section.label, section.text) for section in values[at]]
    values[_STATUS] = values[_STATUS].value
    return values


def _unpacked(values: list[Any]) -> Record:
    for at in _SECTIONS:
        values[at] = tuple(Section(label, text) for label, text in values[at])
    values[_STATUS] = Status(values[_STATUS])
    return Record(*values)
