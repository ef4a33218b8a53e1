"""Search the evidence: words and facets, a page of table rows, and how many rows each facet would leave.

The contract, for those who build a page on it:

- ``text``: every word must occur in title, statement, sentence or names; the last may be the beginning of one. Words in
  double quotes are a phrase. What would be syntax to a search engine is not.
- ``facets``: facet → values. Of one facet any value may fit, of several facets all must. Values are compared without regard
  to case; ``gene`` takes a family for its members, ``drug`` a class for its drugs; ``new_since_run`` takes a number of a run
  and leaves what was new after it. Without ``status``, what a curator rejected is left out.
- ``sort``: one of ``SORTS``; a leading ``-`` turns it round.
- A row holds the evidence that was let through, as ``Store.table`` does; ``total`` and the counts are of rows. The counts of
  a facet are those under the text and all other facets, so that a second value of the same facet can be added.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from miner.errors import ConfigError
from miner.evidence import store_facets
from miner.evidence.store_index import Index, index_of
from miner.evidence.store_insert import facet_range
from miner.evidence.store_query import facet_ids, papers
from miner.evidence.table import TableRow, make_rows, subject

if TYPE_CHECKING:
    from miner.evidence.store import Store

FACETS = ("topic", *(kind for kind in store_facets.KINDS if kind != "disease_id"), "new_since_run")
_GROUPED = ("e.type_rank", "e.molecular_profile", "e.therapies", "e.disease_key", "e.significance", "e.direction", "e.proposition")
_GROUP = ", ".join(_GROUPED)
SORTS: dict[str, tuple[tuple[str, ...], str]] = {
    "order": (_GROUPED, "ASC"),
    "support": (("sum(e.weight)",), "DESC"),
    "papers": (("count(DISTINCT e.pmid)",), "DESC"),
    "patients": (("sum(coalesce(e.n_patients, 0))",), "DESC"),
    "year": (("max(coalesce(e.year, 0))",), "DESC"),
    "relevance": (("min(w.rank)",), "ASC"),
}
"""Name → what rows are sorted by, and its natural direction: the most first."""
_SHOWN = "e.status <> 'rejected'"
COUNTED_APART = 50_000
"""Evidence up to which the facets of rows are counted one by one; of more they are counted over all, and kept."""
MOST_VALUES = 200
"""Values of a facet that are counted out, the commonest first."""


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
    """A condition on ``e``, of one facet, with its parameters; ``ids`` is a query for the evidence that meets it."""

    facet: str
    sql: str
    values: tuple[object, ...] = ()
    ids: str = ""

    def evidence(self, connection: sqlite3.Connection) -> str:
        """Return the ids of the evidence that meets the condition, as one text: a row for each would take four times as long."""
        query = self.ids or f"SELECT e.id AS evidence FROM evidence e WHERE {self.sql}"
        return str(connection.execute(f"SELECT coalesce(group_concat(evidence), '') FROM ({query})", self.values).fetchone()[0])


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
    with store.reading() as connection:
        clauses = _clauses(connection, text, facets or {})
        order = _order(sort, text)
        index = index_of(connection, store.path)
        if "w.rank" in order:
            total, keys = _keys(connection, clauses, order, page, size)
            rows = tuple(_rows(connection, clauses, keys))
        else:
            total, rows = _page(connection, index, clauses, sort, page, size)
        counts = _counts(connection, clauses, index) if counted else {}
    return Page(rows, total, counts, page, size)


def _left(connection: sqlite3.Connection, index: Index, clauses: Sequence[_Clause]) -> Any:
    """Return the mask of the evidence that meets all conditions."""
    mask = ~index.rejected if any(clause.sql == _SHOWN for clause in clauses) else index.rejected | True
    for clause in clauses:
        if clause.sql != _SHOWN:
            mask = mask & index.mask((clause.sql, *clause.values), partial(clause.evidence, connection))
    return mask


def _page(
    connection: sqlite3.Connection, index: Index, clauses: Sequence[_Clause], sort: str, page: int, size: int
) -> tuple[int, tuple[TableRow, ...]]:
    name = sort.removeprefix("-")
    mask = _left(connection, index, clauses)
    total, left, groups = index.propositions(mask, "support" if name == "relevance" else name, turned=sort.startswith("-"))
    if not total:
        return 0, ()
    shown = groups[:, (page - 1) * size : page * size]
    ids = [int(item) for first, last in shown.T for item in index.ids[left[first:last]]]
    found = papers(connection, "WHERE e.id IN (SELECT value FROM json_each(?))", [json.dumps(ids)])
    rows = {row.key: row for _, group in groupby(found, key=subject) for row in make_rows(group)}
    firsts = [int(item) for item in index.ids[left[shown[0]]]]
    query = "SELECT e.id, e.proposition FROM evidence e WHERE e.id IN (SELECT value FROM json_each(?))"
    names = {row["id"]: row["proposition"] for row in connection.execute(query, [json.dumps(firsts)])}
    return total, tuple(rows[names[item]] for item in firsts)


def _order(sort: str, text: str | None) -> str:
    name = sort.removeprefix("-")
    if name not in SORTS:
        raise ConfigError(f"rows cannot be sorted by {name!r}; there are {', '.join(SORTS)}")
    if name == "relevance" and not (text and _match(text)):
        name = "support"
    parts, direction = SORTS[name]
    if sort.startswith("-"):
        direction = "ASC" if direction == "DESC" else "DESC"
    return ", ".join([*(f"{part} {direction}" for part in parts), *(_GROUPED if name != "order" else ())])


def _clauses(connection: sqlite3.Connection, text: str | None, facets: Mapping[str, Sequence[str]]) -> list[_Clause]:
    found = []
    if text and (match := _match(text)):
        rows = "SELECT rowid AS evidence FROM evidence_text WHERE evidence_text MATCH ?"
        found.append(_Clause("text", f"e.id IN ({rows})", (match,), rows))
    for facet, values in facets.items():
        if facet not in FACETS:
            raise ConfigError(f"no facet is called {facet!r}; there are {', '.join(FACETS)}")
        if values:
            found.append(_clause(connection, facet, tuple(values)))
    if not facets.get("status"):
        found.append(_Clause("status", _SHOWN))
    return found


def _clause(connection: sqlite3.Connection, facet: str, values: tuple[str, ...]) -> _Clause:
    marks = ", ".join("?" * len(values))
    if facet == "topic":
        return _Clause(facet, f"e.pmid IN (SELECT pmid FROM record_topics WHERE topic IN ({marks}))", values)
    if facet == "new_since_run":
        since = min(_run(value) for value in values)
        rows = "SELECT pmid, key FROM evidence_changes WHERE run_id > ? AND change = 'new'"
        return _Clause(facet, f"(e.pmid, e.key) IN ({rows})", (since,))
    ids = facet_ids(connection, facet, values)
    inside = ", ".join(map(str, ids)) or "NULL"
    rows = f"SELECT evidence FROM evidence_facets WHERE facet IN ({inside})"
    return _Clause(facet, f"e.id IN ({rows})", (), rows)


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


def _keys(connection: sqlite3.Connection, clauses: Sequence[_Clause], order: str, page: int, size: int) -> tuple[int, list[str]]:
    where, values = _where(clauses)
    total = int(connection.execute(f"SELECT count(DISTINCT e.proposition) FROM evidence e WHERE {where}", values).fetchone()[0])
    joined = ""
    if "w.rank" in order:
        match = next(clause.values[0] for clause in clauses if clause.facet == "text")
        joined = "JOIN (SELECT rowid, rank FROM evidence_text WHERE evidence_text MATCH ?) w ON w.rowid = e.id"
        values = [match, *values]
    query = f"SELECT e.proposition FROM evidence e {joined} WHERE {where} GROUP BY {_GROUP} ORDER BY {order} LIMIT ? OFFSET ?"
    rows = connection.execute(query, [*values, size, (page - 1) * size])
    return total, [row["proposition"] for row in rows]


def _rows(connection: sqlite3.Connection, clauses: Sequence[_Clause], keys: Sequence[str]) -> list[TableRow]:
    where, values = _where(clauses)
    inside = ", ".join("?" * len(keys))
    found = papers(connection, f"WHERE e.proposition IN ({inside}) AND {where}", [*keys, *values])
    rows = {row.key: row for _, group in groupby(found, key=subject) for row in make_rows(group)}
    return [rows[key] for key in keys if key in rows]


Counts = dict[str, tuple[tuple[str, int], ...]]


def _counts(connection: sqlite3.Connection, clauses: Sequence[_Clause], index: Index) -> Counts:
    """Count the rows under each value; of a facet that is filtered by, under all filters but its own."""
    key = tuple((clause.sql, *clause.values) for clause in clauses)
    if (held := index.counts.get(key)) is None:
        chosen = {clause.facet for clause in clauses} - {"text"}
        counts = _facet_counts(connection, index, clauses, [kind for kind in FACETS if kind not in chosen])
        for facet in chosen:
            counts |= _facet_counts(connection, index, [clause for clause in clauses if clause.facet != facet], [facet])
        held = {facet: counts.get(facet, ()) for facet in FACETS}
        index.keep_counts(key, held)
    return dict(held)


def _among(connection: sqlite3.Connection, index: Index, clauses: Sequence[_Clause]) -> tuple[str, list[object]]:
    """Return a condition on ``e``: the evidence by its ids where it is not much, else the conditions themselves."""
    mask = _left(connection, index, clauses)
    if mask.sum() > COUNTED_APART:
        return _where(clauses)
    return "e.id IN (SELECT value FROM json_each(?))", [json.dumps(index.ids[mask].tolist())]


def _facet_counts(connection: sqlite3.Connection, index: Index, clauses: Sequence[_Clause], facets: Sequence[str]) -> Counts:
    where, values = _among(connection, index, clauses)
    kinds = [facet_range(facet) for facet in facets if facet in store_facets.KINDS]
    # CROSS JOIN keeps the order: from the rows let through to their facets, never from all facets to the rows.
    inside = " OR ".join(f"ef.facet BETWEEN {first} AND {last}" for first, last in kinds) or "0"
    query = f"""
    WITH matched AS MATERIALIZED (SELECT e.id, e.proposition FROM evidence e WHERE {where}),
    counted AS MATERIALIZED (
        SELECT ef.facet, count(DISTINCT m.proposition) AS n
        FROM matched m CROSS JOIN evidence_facets ef ON ef.evidence = m.id WHERE {inside} GROUP BY ef.facet)
    SELECT f.kind, f.name, c.n FROM counted c JOIN facets f ON f.id = c.facet ORDER BY f.kind, c.n DESC, f.name"""
    held: dict[str, list[tuple[str, int]]] = {}
    for row in connection.execute(query, values):
        held.setdefault(row["kind"], []).append((row["name"], row["n"]))
    for facet, count in (("topic", _topic_counts), ("new_since_run", _run_counts)):
        if facet in facets:
            held[facet] = count(connection, where, values)
    return {kind: tuple(found[:MOST_VALUES]) for kind, found in held.items()}


def _topic_counts(connection: sqlite3.Connection, where: str, values: Sequence[object]) -> list[tuple[str, int]]:
    # By topic and PMID, as the key of record_topics stands: a join by PMID alone would read all of it for each row.
    query = f"""WITH matched AS MATERIALIZED (SELECT e.pmid, e.proposition FROM evidence e WHERE {where}),
    known AS MATERIALIZED (SELECT DISTINCT topic FROM record_topics)
    SELECT t.topic AS name, count(DISTINCT m.proposition) AS n
    FROM matched m CROSS JOIN known k CROSS JOIN record_topics t ON t.topic = k.topic AND t.pmid = m.pmid
    GROUP BY t.topic ORDER BY n DESC, t.topic"""
    return [(row["name"], row["n"]) for row in connection.execute(query, values)]


def _run_counts(connection: sqlite3.Connection, where: str, values: Sequence[object]) -> list[tuple[str, int]]:
    """Count the rows that are new since the last run but one, by the number of that run."""
    last = connection.execute("SELECT max(id) FROM runs WHERE outcome IS NOT NULL").fetchone()[0]
    if last is None:
        return []
    rows = "SELECT pmid, key FROM evidence_changes WHERE run_id > ? AND change = 'new'"
    query = f"SELECT count(DISTINCT e.proposition) FROM evidence e WHERE {where} AND (e.pmid, e.key) IN ({rows})"
    return [(str(last - 1), int(connection.execute(query, [*values, last - 1]).fetchone()[0]))]
