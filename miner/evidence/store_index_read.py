"""Read the index of a database state, or make it out of the state before and of what was touched since.

Triggers note what is touched, so that a commit of some papers costs what these papers cost: the rows are taken out and set in
where they belong, which the database tells by its own order.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from miner.evidence.store_facets import FACETS_A_KIND
from miner.evidence.store_index import COUNTED, TOPIC, Facets, Index

MOST_HELD = 3
MOST_TOUCHED = 5_000
"""Rows up to which a state is made out of the one before."""
STRIDE = 50_000
_ORDER = "type_rank, molecular_profile, therapies, disease_key, significance, direction, proposition, pmid"
_COLUMNS = f"id, {_ORDER}, weight, year, n_patients, status = 'rejected'"
_TOPICS = """WITH RECURSIVE known(topic) AS (SELECT min(topic) FROM record_topics
    UNION ALL SELECT (SELECT min(topic) FROM record_topics t WHERE t.topic > known.topic) FROM known WHERE topic IS NOT NULL)
    SELECT topic FROM known WHERE topic IS NOT NULL"""
State = tuple[object, ...]
_held: OrderedDict[State, Index] = OrderedDict()
_lock = threading.Lock()
_making = threading.Lock()


def index_of(connection: sqlite3.Connection, path: Path, *, is_reading: bool = False) -> Index:
    """Return the index of a database as this connection sees it; the last few states are held.

    ``is_reading`` tells that a transaction that may be open was begun to read only.
    """
    seq = last_touched(connection)
    if connection.in_transaction and not is_reading and not connection.execute("PRAGMA query_only").fetchone()[0]:
        return _read(connection, seq)  # What is not committed may never be.
    file = path.resolve().stat()
    place = (str(path), file.st_dev, file.st_ino)
    if (found := _known(place, seq)) is not None:
        return found
    with _making:
        if (found := _known(place, seq)) is None:
            found = _made(connection, place, seq)
            with _lock:
                _held[*place, seq] = found
                while len(_held) > MOST_HELD:
                    _held.popitem(last=False)
    return found


def last_touched(connection: sqlite3.Connection) -> int:
    """Return the number of the last time that evidence was touched."""
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM touched").fetchone()[0])


def _known(place: State, seq: int) -> Index | None:
    with _lock:
        if (found := _held.get((*place, seq))) is not None:
            _held.move_to_end((*place, seq))
        return found


def _made(connection: sqlite3.Connection, place: State, seq: int) -> Index:
    with _lock:
        before = [index for (*at, number), index in _held.items() if tuple(at) == place and number < seq]  # type: ignore[operator]
    old = max(before, key=lambda index: index.seq, default=None)
    touched = _touched(connection, old.seq, seq) if old is not None else None
    same = old is not None and sorted(old.facets.topics) == sorted(row[0] for row in connection.execute(_TOPICS))
    return _read(connection, seq) if old is None or touched is None or not same else _renewed(connection, old, seq, touched)


def _touched(connection: sqlite3.Connection, since: int, until: int) -> list[int] | None:
    """Return what was touched, or None where that is much, or known no more."""
    if connection.execute("SELECT min(seq) FROM touched").fetchone()[0] > since + 1:
        return None
    query = "SELECT DISTINCT evidence FROM touched WHERE seq > ? AND seq <= ? LIMIT ?"
    found = [row[0] for row in connection.execute(query, (since, until, MOST_TOUCHED + 1))]
    return found if len(found) <= MOST_TOUCHED else None


_KINDS = ("int64", "int64", "int64", "int64", "float64", "int16", "int32", "bool")


def _columns(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Return rows of ``_COLUMNS`` as arrays, with hashes for what is only compared."""
    import numpy

    values = [
        (row[0] for row in rows),
        (hash(row[7]) for row in rows),
        (hash(tuple(row[1:6])) for row in rows),
        (hash(row[8]) for row in rows),
        (row[9] for row in rows),
        (row[10] or 0 for row in rows),
        (row[11] or 0 for row in rows),
        (row[12] for row in rows),
    ]
    return [numpy.fromiter(column, kind, len(rows)) for column, kind in zip(values, _KINDS, strict=True)]


def _plain(connection: sqlite3.Connection) -> sqlite3.Cursor:
    cursor = connection.cursor()
    cursor.row_factory = None
    return cursor


def _read(connection: sqlite3.Connection, seq: int) -> Index:
    import numpy

    cursor = _plain(connection).execute(f"SELECT {_COLUMNS} FROM evidence ORDER BY {_ORDER}")
    parts = []
    while rows := cursor.fetchmany(STRIDE):
        parts.append(_columns(rows))
    columns = [numpy.concatenate(held) for held in zip(*parts or [_columns([])], strict=True)]
    repeated = _numbers(connection, "SELECT group_concat(id) FROM evidence WHERE background = 1")
    places = numpy.zeros(int(columns[0].max()) + 1 if len(columns[0]) else 1, dtype=numpy.int32)
    places[columns[0]] = numpy.arange(len(columns[0]), dtype=numpy.int32)
    background = numpy.zeros(len(columns[0]), dtype=bool)
    background[places[repeated]] = True
    numbers, kinds, names, topics = _named(connection)
    held: dict[int, Any] = {}
    for facet, ids in _plain(connection).execute("SELECT facet, group_concat(evidence) FROM evidence_facets GROUP BY facet"):
        held[facet] = numpy.sort(places[_parsed(ids)])
    for topic, number in topics.items():
        query = "SELECT group_concat(e.id) FROM record_topics t CROSS JOIN evidence e ON e.pmid = t.pmid WHERE t.topic = ?"
        held[number] = numpy.sort(places[_numbers(connection, query, topic)])
    listed = [held.get(int(number), places[:0]) for number in numbers]
    starts = numpy.cumsum([0, *map(len, listed)])
    entries = numpy.concatenate(listed) if listed else places[:0]
    return Index.of(seq, [*columns, background], Facets(numbers, kinds, names, starts, entries))


def _parsed(text: str | None) -> Any:
    import numpy

    return numpy.fromstring(text, dtype=numpy.int64, sep=",") if text else numpy.zeros(0, dtype=numpy.int64)


def _numbers(connection: sqlite3.Connection, query: str, *values: object) -> Any:
    return _parsed(connection.execute(query, values).fetchone()[0])


def _named(connection: sqlite3.Connection) -> tuple[Any, list[str], list[str], dict[str, int]]:
    """Return the numbers of all facets ascending, their kinds and names, and the number of each topic."""
    import numpy

    rows = _plain(connection).execute("SELECT id, kind, name FROM facets ORDER BY id").fetchall()
    first = COUNTED.index(TOPIC) * FACETS_A_KIND
    topics = {row[0]: first + number for number, row in enumerate(connection.execute(_TOPICS).fetchall())}
    rows += [(number, TOPIC, topic) for topic, number in topics.items()]
    return numpy.array([row[0] for row in rows], dtype=numpy.int64), [row[1] for row in rows], [row[2] for row in rows], topics


def _renewed(connection: sqlite3.Connection, old: Index, seq: int, touched: Sequence[int]) -> Index:
    """Return the state that follows on another, of which these rows were touched."""
    import numpy

    inside = ", ".join(map(str, touched))
    rows = _plain(connection).execute(f"SELECT {_COLUMNS} FROM evidence WHERE id IN ({inside}) ORDER BY {_ORDER}").fetchall()
    known = [number for number in touched if number < len(old.places)]
    gone = old.places[numpy.array(known, dtype=numpy.int64)]
    stays = numpy.ones(old.size, dtype=bool)
    stays[gone[gone >= 0]] = False
    moved = numpy.cumsum(stays) - 1
    at = numpy.array(_positions(connection, old, rows, moved, int(stays.sum())), dtype=numpy.int64)
    again = {row[0] for row in connection.execute(f"SELECT id FROM evidence WHERE background = 1 AND id IN ({inside})")}
    new = [*_columns(rows), numpy.array([row[0] in again for row in rows], dtype=bool)]
    former = (old.ids, old.propositions, old.subjects, old.papers, old.weights, old.years, old.patients, old.rejected, old.background)
    columns = [numpy.insert(column[stays], at, added) for column, added in zip(former, new, strict=True)]
    moved = (moved + numpy.searchsorted(at, moved, side="right")).astype(numpy.int32)
    places = {row[0]: int(place) for row, place in zip(rows, at + numpy.arange(len(at)), strict=True)}
    facets = _facets(connection, old.facets, stays, moved, places, inside)
    return Index.of(seq, columns, facets, old.rows.without(frozenset(touched)))


def _positions(connection: sqlite3.Connection, old: Index, rows: Sequence[Sequence[Any]], moved: Any, end: int) -> list[int]:
    """Return before which of the rows that stay each new row belongs; rows that follow each other are asked from the last."""
    marks = ", ".join("?" * 8)
    query = f"SELECT id FROM evidence WHERE ({_ORDER}) > ({marks}) ORDER BY {_ORDER} LIMIT 1"
    found: dict[int, int] = {}
    for row in reversed(rows):
        after = connection.execute(query, row[1:9]).fetchone()
        found[row[0]] = end if after is None else found[after[0]] if after[0] in found else int(moved[old.places[after[0]]])
    return [found[row[0]] for row in rows]


def _facets(connection: sqlite3.Connection, old: Facets, stays: Any, moved: Any, places: dict[int, int], inside: str) -> Facets:
    import numpy

    numbers, kinds, names, topics = _named(connection)
    entries = _plain(connection).execute(f"SELECT facet, evidence FROM evidence_facets WHERE evidence IN ({inside})").fetchall()
    query = f"""SELECT t.topic, e.id FROM evidence e CROSS JOIN ({_TOPICS}) k CROSS JOIN record_topics t
        ON t.topic = k.topic AND t.pmid = e.pmid WHERE e.id IN ({inside})"""
    entries += [(topics[topic], number) for topic, number in _plain(connection).execute(query)]
    added = sorted((int(numpy.searchsorted(numbers, facet)), places[evidence]) for facet, evidence in entries)
    kept = old.places if stays.all() else old.places[stays[old.places]]
    gone = numpy.bincount(old.codes[~stays[old.places]], minlength=len(old.numbers)) if len(kept) < len(old.places) else 0
    sizes = numpy.zeros(len(numbers), dtype=numpy.int64)
    sizes[numpy.searchsorted(numbers, old.numbers)] = numpy.diff(old.starts) - gone
    starts, held = numpy.cumsum(numpy.r_[0, sizes]), moved[kept]
    at = []
    for code, group in groupby(added, key=lambda entry: entry[0]):
        first, last = starts[code], starts[code + 1]
        at.append(first + numpy.searchsorted(held[first:last], [place for _, place in group]))
    new = numpy.array([place for _, place in added], dtype=numpy.int32)
    sizes += numpy.bincount([code for code, _ in added], minlength=len(numbers)) if added else 0
    return Facets(numbers, kinds, names, numpy.cumsum(numpy.r_[0, sizes]), _inserted(held, at, new))


def _inserted(held: Any, at: Sequence[Any], new: Any) -> Any:
    """Return an array with values set in before places that ascend; a few are set between what is copied whole."""
    import numpy

    where = numpy.concatenate(at) if at else numpy.zeros(0, dtype=numpy.int64)
    if len(where) > STRIDE:
        return numpy.insert(held, where, new)
    cuts = numpy.flatnonzero(numpy.r_[True, where[1:] != where[:-1]]) if len(where) else where
    edges = [0, *where[cuts].tolist(), len(held)]
    values = numpy.split(new, cuts[1:]) if len(where) else []
    pieces = [held[: edges[1]]]
    for value, first, last in zip(values, edges[1:-1], edges[2:], strict=True):
        pieces += [value, held[first:last]]
    return numpy.concatenate(pieces)
