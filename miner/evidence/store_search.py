"""Search the evidence: words and facets, a page of table rows, and how many rows each facet would leave.

The contract, for those who build a page on it:

- ``text``: every word must occur in title, statement, sentence or names; the last may be the beginning of one. Words in
  double quotes are a phrase. What would be syntax to a search engine is not.
- ``facets``: facet → values. Of one facet any value may fit, of several facets all must. Values are compared without regard
  to case; ``gene`` takes a family for its members, ``drug`` a class for its drugs; ``new_since_run`` takes a number of a run
  and leaves what was new after it. Without ``status``, what a curator rejected is left out.
- ``opposed`` takes yes or no: whether evidence that no curator rejected says the opposite on the same subject.
- ``sort``: one of ``SORTS``; a leading ``-`` turns it round.
- A row holds the evidence that was let through, as ``Store.table`` does; ``total`` and the counts are of rows. The counts of
  a facet are those under the text and all other facets, so that a second value of the same facet can be added.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from miner.errors import ConfigError
from miner.evidence import store_facets
from miner.evidence.store_index import COUNTED, Index, Left
from miner.evidence.store_index_read import index_of
from miner.evidence.store_query import facet_ids, papers
from miner.evidence.table import TableRow, make_rows, subject

if TYPE_CHECKING:
    from miner.evidence.store import Store

FACETS = ("topic", *(kind for kind in store_facets.KINDS if kind != "disease_id"), "opposed", "new_since_run")
SORTS = ("order", "support", "papers", "patients", "year", "relevance")
"""What rows are sorted by: the order of the table, the most first, the best fit to the words first."""
_SHOWN = "e.status <> 'rejected'"
_SUBJECT = ("type_rank", "molecular_profile", "therapies", "disease_key", "significance")
MOST_VALUES = 200
"""Values of a facet that are counted out, the commonest first."""
BATCH = 48
"""Propositions whose figures are worked out at a time, the likeliest first, until no other can come before."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows; ``total`` counts the rows of all pages, ``facet_counts`` maps facet → ((value, rows), ...), commonest first."""

    rows: tuple[TableRow, ...]
    total: int
    facet_counts: Mapping[str, tuple[tuple[str, int], ...]]
    page: int
    size: int

    @property
    def pages(self) -> int:
        """Number of pages, one at least."""
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True, slots=True)
class _Clause:
    """A condition on ``e``, of one facet, with its parameters; ``mask`` gives the evidence of an index that meets it."""

    facet: str
    sql: str
    mask: Callable[[Index], Any]
    values: tuple[object, ...] = ()
    key: tuple[object, ...] = ()


def search(
    store: Store,
    *,
    text: str | None = None,
    facets: Mapping[str, Sequence[str]] | None = None,
    sort: str = "order",
    page: int = 1,
    size: int = 50,
    counted: bool = True,
) -> Page:
    """Return a page of the rows that text and facets let through; ``counted`` False leaves the counts of the facets out.

    Raises
    ------
    ConfigError
        A facet or sort that does not exist, a run that is no number, a page below 1 or a size out of 1 to 1000.
    """
    if page < 1 or not 1 <= size <= 1000:
        raise ConfigError(f"page {page} of {size} rows cannot be shown; pages begin at 1 and hold 1 to 1000 rows")
    name, turned = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        raise ConfigError(f"rows cannot be sorted by {name!r}; there are {', '.join(SORTS)}")
    with _one_state(store) as (connection, begun):
        index = index_of(connection, store.path, is_reading=begun)
        clauses = _clauses(connection, text, facets or {})
        masks = [(clause, clause.mask(index)) for clause in clauses]
        left = index.left(_meeting(index, masks))
        shown = _order(connection, left, _match(text or ""), name, turned, (page - 1) * size, page * size)
        rows = tuple(_rows(connection, left, shown))
        counts = _counts(connection, index, masks) if counted else {}
    return Page(rows, left.total, counts, page, size)


@contextmanager
def _one_state(store: Store) -> Iterator[tuple[sqlite3.Connection, bool]]:
    """Lend a connection that sees one state of the database, whatever is written meanwhile, and tell whether that was begun here."""
    with store.reading() as connection:
        if connection.in_transaction:
            yield connection, False
            return
        connection.execute("BEGIN")
        try:
            yield connection, True
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _meeting(index: Index, masks: Iterable[tuple[_Clause, Any]], without: str | None = None) -> Any:
    """Return the mask of the evidence that meets all conditions, those of one facet left out."""
    found = None
    for clause, mask in masks:
        if clause.facet != without:
            found = mask if found is None else found & mask
    return index.rejected | True if found is None else found


def _order(connection: sqlite3.Connection, left: Left, match: str, name: str, turned: bool, first: int, last: int) -> Any:
    """Return the propositions of a page, in order."""
    import numpy

    if name == "relevance" and not match:
        name = "support"
    if not left.total or first >= left.total:
        return numpy.zeros(0, dtype=int)
    if name == "order":
        order = numpy.arange(left.total)
        return (order[::-1] if turned else order)[first:last]
    if name in ("support", "patients"):
        return _by_figure(connection, left, name, turned, first, last)
    values = _ranks(connection, left, match) if name == "relevance" else left.exact(name)
    return numpy.argsort(values if turned else -values, kind="stable")[first:last]


def _ranks(connection: sqlite3.Connection, left: Left, match: str) -> Any:
    """Return how well each proposition fits the words, the most first."""
    import numpy

    query = "SELECT json_group_array(rowid), json_group_array(rank) FROM evidence_text WHERE evidence_text MATCH ?"
    ids, ranks = map(json.loads, connection.execute(query, (match,)).fetchone())
    fits = numpy.full(left.index.size, -numpy.inf)
    fits[left.index.places[ids]] = -numpy.array(ranks)
    return numpy.maximum.reduceat(fits[left.places], left.firsts)


def _by_figure(connection: sqlite3.Connection, left: Left, name: str, turned: bool, first: int, last: int) -> Any:
    """Return a page by support or patients: the figures are worked out of those only that can come on it."""
    import numpy

    low, high = left.bounds(name)
    if turned:
        low, high = -high, -low
    while True:
        after = numpy.partition(low, -last)[-last] if last < left.total else -numpy.inf
        before = numpy.partition(high, -first - 1)[-first - 1]
        unsure = numpy.flatnonzero((low < high) & (high >= after) & (low <= before))
        if not len(unsure):
            return numpy.argsort(-high, kind="stable")[first:last]
        chosen = unsure[numpy.argsort(-high[unsure], kind="stable")][:BATCH]
        for number, row in _known(connection, left, chosen).items():
            value = row.support if name == "support" else float(row.n_patients or 0)
            low[number] = high[number] = -value if turned else value


def _rows(connection: sqlite3.Connection, left: Left, shown: Any) -> Iterator[TableRow]:
    known = _known(connection, left, shown)
    for number in shown:
        yield known[int(number)]


def _known(connection: sqlite3.Connection, left: Left, chosen: Any) -> dict[int, TableRow]:
    """Return the rows of propositions and of what opposes them, by their numbers."""
    held: dict[int, TableRow] = {}
    missing = []
    for numbers, ids in left.of_subjects(chosen):
        key = tuple(ids.tolist())
        if (rows := left.index.rows.get(key)) is None:
            missing.append((numbers, key))
        else:
            held |= zip(numbers, rows, strict=True)
    found = papers(connection, "WHERE e.id IN (SELECT value FROM json_each(?))", [json.dumps([i for _, key in missing for i in key])])
    # Subjects ascend, as their papers do.
    for (numbers, key), (_, group) in zip(missing, groupby(found, key=subject), strict=True):
        rows = make_rows(group)
        left.index.rows.put(key, rows, len(key))
        held |= zip(numbers, rows, strict=True)
    return held


def _clauses(connection: sqlite3.Connection, text: str | None, facets: Mapping[str, Sequence[str]]) -> list[_Clause]:
    found = []
    if text and (match := _match(text)):
        rows = "SELECT rowid AS evidence FROM evidence_text WHERE evidence_text MATCH ?"
        found.append(_stored(connection, "text", f"e.id IN ({rows})", rows, (match,)))
    for facet, values in facets.items():
        if facet not in FACETS:
            raise ConfigError(f"no facet is called {facet!r}; there are {', '.join(FACETS)}")
        if values:
            found.append(_clause(connection, facet, tuple(values)))
    if not facets.get("status"):
        found.append(_Clause("status", _SHOWN, lambda index: ~index.rejected))
    return found


def _stored(connection: sqlite3.Connection, facet: str, sql: str, ids: str, values: tuple[object, ...]) -> _Clause:
    """Return a condition whose evidence the database tells; it is kept with the index."""
    import numpy

    def mask(index: Index) -> Any:
        if (packed := index.kept.get((facet, *values))) is None:
            # As one text: a row for each would take four times as long.
            told = connection.execute(f"SELECT group_concat(evidence) FROM ({ids})", values).fetchone()[0]
            found = numpy.fromstring(told, dtype=numpy.int64, sep=",") if told else numpy.zeros(0, dtype=numpy.int64)
            packed = numpy.packbits(index.mask_of_ids(found))
            index.kept.put((facet, *values), packed)
        return numpy.unpackbits(packed, count=index.size).view(bool)

    return _Clause(facet, sql, mask, values, values)


_OPPOSED = f"""EXISTS (SELECT 1 FROM evidence o WHERE {" AND ".join(f"o.{name} = e.{name}" for name in _SUBJECT)}
    AND o.proposition <> e.proposition AND o.status <> 'rejected')"""


def _clause(connection: sqlite3.Connection, facet: str, values: tuple[str, ...]) -> _Clause:
    marks = ", ".join("?" * len(values))
    if facet == "topic":
        return _Clause(
            facet,
            f"e.pmid IN (SELECT pmid FROM record_topics WHERE topic IN ({marks}))",
            lambda index: index.mask_of_facets(index.facets.numbers_of("topic", values)),
            values,
            values,
        )
    if facet == "new_since_run":
        since = min(_run(value) for value in values)
        return _since(connection, since)
    if facet == "opposed":
        return _opposed({value.casefold() for value in values})
    ids = facet_ids(connection, facet, values)
    rows = f"SELECT evidence FROM evidence_facets WHERE facet IN ({', '.join(map(str, ids)) or 'NULL'})"
    return _Clause(facet, f"e.id IN ({rows})", lambda index: index.mask_of_facets(ids), (), tuple(ids))


def _opposed(values: set[str]) -> _Clause:
    if wrong := values - {"yes", "no"}:
        raise ConfigError(f"opposed is yes or no, not {min(wrong)!r}")
    if len(values) == 2:
        return _Clause("opposed", "1", lambda index: index.rejected | True, (), ("yes", "no"))
    if "yes" in values:
        return _Clause("opposed", _OPPOSED, lambda index: index.opposed, (), ("yes",))
    return _Clause("opposed", f"NOT {_OPPOSED}", lambda index: ~index.opposed, (), ("no",))


def _since(connection: sqlite3.Connection, since: int) -> _Clause:
    rows = "SELECT pmid, key FROM evidence_changes WHERE run_id > ? AND change = 'new'"
    ids = """SELECT DISTINCT e.id AS evidence FROM evidence_changes c CROSS JOIN evidence e ON e.pmid = c.pmid AND e.key = c.key
        WHERE c.run_id > ? AND c.change = 'new'"""
    return _stored(connection, "new_since_run", f"(e.pmid, e.key) IN ({rows})", ids, (since,))


def _run(value: str) -> int:
    if not str(value).isdigit():
        raise ConfigError(f"new_since_run: {value!r} is no number of a run")
    return int(value)


_TERM = re.compile(r'"([^"]*)"|(\S+)')


def _match(text: str) -> str:
    """Return the text as a query of FTS5: words all wanted, each quoted, the last as a beginning."""
    terms = [(phrase or word).replace('"', " ").strip() for phrase, word in _TERM.findall(text)]
    quoted = [f'"{term}"' for term in terms if any(sign.isalnum() for sign in term)]
    if quoted and not text.rstrip().endswith('"'):
        quoted[-1] += " *"
    return " ".join(quoted)


def _where(clauses: Sequence[_Clause], without: str | None = None) -> tuple[str, list[object]]:
    held = [clause for clause in clauses if clause.facet != without]
    return " AND ".join(clause.sql for clause in held) or "1", [value for clause in held for value in clause.values]


Counts = dict[str, tuple[tuple[str, int], ...]]


def _counts(connection: sqlite3.Connection, index: Index, masks: Sequence[tuple[_Clause, Any]]) -> Counts:
    """Count the rows under each value; of a facet that is filtered by, under all filters but its own."""
    last = connection.execute("SELECT max(id) FROM runs WHERE outcome IS NOT NULL").fetchone()[0]
    key = ("counts", last, *((clause.facet, *clause.key) for clause, _ in masks))
    if (held := index.kept.get(key)) is None:
        chosen = {clause.facet for clause, _ in masks} - {"text"}
        counts = _counted(connection, index, _meeting(index, masks), [facet for facet in FACETS if facet not in chosen], last)
        for facet in chosen:
            counts |= _counted(connection, index, _meeting(index, masks, facet), [facet], last)
        held = {facet: counts.get(facet, ()) for facet in FACETS}
        index.kept.put(key, held)
    return dict(held)


def _counted(connection: sqlite3.Connection, index: Index, mask: Any, facets: Sequence[str], last: int | None) -> Counts:
    counts: Counts = index.counts(mask, [facet for facet in facets if facet in COUNTED], MOST_VALUES)
    if "opposed" in facets:
        both = [("no", index.left(mask & ~index.opposed).total), ("yes", index.left(mask & index.opposed).total)]
        counts["opposed"] = tuple(sorted((item for item in both if item[1]), key=lambda item: -item[1]))
    if "new_since_run" in facets and last is not None:
        # What is new since the last run but one, by the number of that run.
        counts["new_since_run"] = ((str(last - 1), index.left(mask & _since(connection, last - 1).mask(index)).total),)
    return counts
