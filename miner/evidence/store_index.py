"""The order of the table and the facets of its rows as arrays, for pages over many rows; one database state, held in memory.

Rows of evidence go by their place in the order of the table, in which those of one proposition stand together: a set of rows is
a mask over places, filters are masks laid upon each other, and what a sort needs is summed over the stretches of propositions.
About 40 bytes a row. A state is known by the files' sizes and times and the last ids, and is held until it changes.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STRIDE = 100_000
HELD_SETS = 256
"""Sets of rows that are kept for further queries: of facets, of texts."""
_ORDER = "type_rank, molecular_profile, therapies, disease_key, significance, direction, proposition, pmid"
Key = tuple[object, ...]
_lock = threading.RLock()  # A server asks from several threads.


def _keep(held: OrderedDict[Key, Any], key: Key, value: Any) -> None:
    """Keep a value as the last used, and let the longest unused go."""
    with _lock:
        held[key] = value
        held.move_to_end(key)
        while len(held) > HELD_SETS:
            held.popitem(last=False)


@dataclass
class Index:
    """Arrays over places: ``ids`` of evidence, ``starts`` where each proposition begins, and what can be sorted by."""

    ids: Any
    places: Any
    starts: Any
    weight: Any
    year: Any
    patients: Any
    rejected: Any
    sets: OrderedDict[Key, Any] = field(default_factory=OrderedDict)
    counts: OrderedDict[Key, Mapping[str, Any]] = field(default_factory=OrderedDict)

    @property
    def size(self) -> int:
        """Number of rows of evidence."""
        return len(self.ids)

    def mask(self, key: Key, evidence: Callable[[], str]) -> Any:
        """Return the mask of a set of evidence, kept under a key; ``evidence`` gives its ids with commas between."""
        import numpy

        with _lock:
            packed = self.sets.get(key)
        if packed is None:
            text = evidence()
            ids = numpy.fromstring(text, dtype=numpy.int64, sep=",") if text else numpy.zeros(0, dtype=numpy.int64)
            held = numpy.zeros(self.size, dtype=bool)
            held[self.places[ids]] = True
            packed = numpy.packbits(held)
        _keep(self.sets, key, packed)
        return numpy.unpackbits(packed, count=self.size).view(bool)

    def keep_counts(self, key: Key, counts: Mapping[str, Any]) -> None:
        """Keep the counts of facets under conditions."""
        _keep(self.counts, key, counts)

    def propositions(self, mask: Any, sort: str, *, turned: bool) -> tuple[int, Any, Any]:
        """Return how many propositions a mask leaves, and for each in order its first and last place among the places left."""
        import numpy

        left = numpy.flatnonzero(mask)
        if not len(left):
            return 0, left, left
        owner = numpy.searchsorted(self.starts, left, side="right")
        first = numpy.flatnonzero(numpy.r_[True, owner[1:] != owner[:-1]])
        last = numpy.r_[first[1:], len(left)]
        order = _sorted(self, left, first, last, sort)
        order = order[::-1] if turned else order
        return len(first), left, numpy.stack([first[order], last[order]])


def _sorted(index: Index, left: Any, first: Any, last: Any, sort: str) -> Any:
    import numpy

    match sort:
        case "support":
            values = numpy.add.reduceat(index.weight[left], first)
        case "patients":
            values = numpy.add.reduceat(index.patients[left], first)
        case "papers":
            values = last - first
        case "year":
            values = numpy.maximum.reduceat(index.year[left], first)
        case _:
            return numpy.arange(len(first))
    return numpy.argsort(-values, kind="stable")


MOST_HELD = 3
_held: OrderedDict[tuple[Path, Key], Index] = OrderedDict()


def index_of(connection: sqlite3.Connection, path: Path) -> Index:
    """Return the index of a database as this connection sees it; the last few states are held."""
    if connection.in_transaction and not connection.execute("PRAGMA query_only").fetchone()[0]:
        return _read(connection)
    state = _seen(connection) if connection.in_transaction else _state(connection, path)
    found = _held.get((path, state))
    if found is None:
        found = _read(connection)
    _held[path, state] = found
    while len(_held) > MOST_HELD:
        _held.popitem(last=False)
    return found


def _seen(connection: sqlite3.Connection) -> Key:
    """Return what tells the states that one reader sees from each other; its files may be newer than what it sees."""
    query = "SELECT count(*), max(id), max(finished), (SELECT max(id) FROM evidence), (SELECT max(id) FROM curations) FROM runs"
    return tuple(connection.execute(query).fetchone())


def _state(connection: sqlite3.Connection, path: Path) -> Key:
    files = [found.stat() for name in (path, path.with_name(path.name + "-wal")) if (found := Path(name)).exists()]
    ids = [connection.execute(f"SELECT max(id) FROM {name}").fetchone()[0] for name in ("evidence", "curations", "runs")]
    return tuple((item.st_mtime_ns, item.st_size, item.st_ino) for item in files), *ids


def _read(connection: sqlite3.Connection) -> Index:
    import numpy

    query = f"SELECT id, proposition, weight, year, n_patients, status = 'rejected' FROM evidence ORDER BY {_ORDER}"
    cursor = connection.execute(query)
    parts: list[tuple[Any, ...]] = []
    starts: list[int] = []
    last, place = None, 0
    while rows := cursor.fetchmany(STRIDE):
        for number, row in enumerate(rows, place):
            if row[1] != last:
                starts.append(number)
                last = row[1]
        place += len(rows)
        parts.append(
            (
                numpy.fromiter((row[0] for row in rows), numpy.int64, len(rows)),
                numpy.fromiter((row[2] for row in rows), numpy.float32, len(rows)),
                numpy.fromiter((row[3] or 0 for row in rows), numpy.int16, len(rows)),
                numpy.fromiter((row[4] or 0 for row in rows), numpy.int32, len(rows)),
                numpy.fromiter((row[5] for row in rows), bool, len(rows)),
            )
        )
    kinds = (numpy.int64, numpy.float32, numpy.int16, numpy.int32, bool)
    columns = [numpy.concatenate(held) for held in zip(*parts, strict=True)] if parts else [numpy.zeros(0, kind) for kind in kinds]
    ids, weight, year, patients, rejected = columns
    places = numpy.zeros(int(ids.max()) + 1 if len(ids) else 1, dtype=numpy.int32)
    places[ids] = numpy.arange(len(ids), dtype=numpy.int32)
    return Index(ids, places, numpy.array(starts, dtype=numpy.int64), weight, year, patients, rejected)
