"""A stream that is unpacked by a thread of its own, a few pieces ahead of the reader; unpacking leaves Python to others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread

PIECES = 4
_POLL_SECONDS = 0.2


class Ahead:
    """Pieces of a stream in order; what reading raised is raised where the reader would have met it."""

    def __init__(self, read: Callable[[int], bytes], size: int) -> None:
        self._read, self._size = read, size
        self._pieces: Queue[bytes | BaseException] = Queue(PIECES)
        self._stop = Event()
        self._last: bytes | BaseException | None = None
        self._thread = Thread(target=self._run, name="unpacking", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                piece: bytes | BaseException = self._read(self._size)
            except BaseException as error:
                piece = error
            self._put(piece)
            if not piece or isinstance(piece, BaseException):
                return

    def _put(self, piece: bytes | BaseException) -> None:
        while not self._stop.is_set():
            with suppress(Full):
                self._pieces.put(piece, timeout=_POLL_SECONDS)
                return

    def read(self) -> bytes:
        """Return the next piece; none at the end."""
        piece = self._pieces.get() if self._last is None else self._last
        if isinstance(piece, BaseException):
            self._last = piece
            raise piece
        if not piece:
            self._last = piece
        return piece

    def close(self) -> None:
        """Stop reading and wait until the thread has ended."""
        self._stop.set()
        with suppress(Empty):
            while True:
                self._pieces.get_nowait()
        self._thread.join()
