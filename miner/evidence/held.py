"""What was made last, held up to a size."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

Key = tuple[object, ...]
T = TypeVar("T")


class Held(Generic[T]):
    """Things under keys, the last used up to a size; several threads may ask."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._held: OrderedDict[Key, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> T | None:
        """Return what is held under a key, or None."""
        with self._lock:
            if (found := self._held.get(key)) is None:
                return None
            self._held.move_to_end(key)
            return found[0]

    def without(self, ids: frozenset[int]) -> Held[T]:
        """Return the same without what is held under any of these numbers."""
        made: Held[T] = Held(self._most)
        with self._lock:
            held = list(self._held.items())
        for key, (value, size) in held:
            if ids.isdisjoint(key):
                made.put(key, value, size)
        return made

    def put(self, key: Key, value: T, size: int = 1) -> None:
        """Hold a value, and let the longest unused go where it is too much."""
        with self._lock:
            old = self._held.pop(key, None)
            self._held[key] = (value, size)
            self._size += size - (old[1] if old else 0)
            while self._size > self._most and len(self._held) > 1:
                self._size -= self._held.popitem(last=False)[1][1]
