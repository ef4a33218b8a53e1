"""What the browser asks of the database beside the search: stamps, runs, the history of a row, names, feeds. All of it reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from miner.evidence import store_search
from miner.evidence.store import Change, Store
from miner.evidence.store_index_read import index_of
from miner.evidence.store_query import papers
from miner.evidence.store_rows import TYPE_RANK
from miner.evidence.table import Paper, TableRow, make_rows, subject
from miner.schema import ClaimType

NAMED = ("gene", "fusion", "variant", "drug", "disease")
"""Facets that name a thing, which has a page of its own."""
Stamp = tuple[Any, ...]


@contextmanager
def snapshot(store: Store) -> Iterator[Store]:
    """Let everything read inside see one state of the database, whatever is written meanwhile."""
    with store.reading() as connection:
        if connection.in_transaction:
            yield store
            return
        connection.execute("BEGIN")
        try:
            yield store
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def tune(store: Store) -> None:
    """Give a connection that is kept a larger cache and the file as memory."""
    with store.reading() as connection:
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA mmap_size = 1073741824")


def prepare(store: Store) -> None:
    """Read what searches of this state of the database need."""
    with store.reading() as connection:
        index_of(connection, store.path)


def stamp(store: Store) -> Stamp:
    """Return what changes whenever a run or a curator has changed the table."""
    query = """SELECT (SELECT count(*) FROM runs), (SELECT max(id) FROM runs), (SELECT max(finished) FROM runs),
        (SELECT max(id) FROM curations), (SELECT max(seq) FROM touched)"""
    with store.reading() as connection:
        return tuple(connection.execute(query).fetchone())


def topics(store: Store) -> list[tuple[str, int]]:
    """Return the topics that records were read for, each with the number of records, the largest first."""
    with store.reading() as connection:
        rows = connection.execute("SELECT topic, count(*) AS n FROM record_topics GROUP BY topic ORDER BY n DESC, topic")
        return [(row["topic"], row["n"]) for row in rows]


def matching(store: Store, text: str | None, facets: Mapping[str, Sequence[str]]) -> Iterator[TableRow]:
    """Yield every row that the search would page through, in the order of the table."""
    with store.reading() as connection:
        where, values = store_search._where(store_search._clauses(connection, text, facets))
        for _, group in groupby(papers(connection, f"WHERE {where}", values), key=subject):
            yield from make_rows(group)


@dataclass(frozen=True, slots=True)
class Latest:
    """Evidence with the last run that added or changed it, or the time at which a curator decided on it."""

    paper: Paper
    change: str
    cause: str
    run_id: int | None
    moment: str


def latest(store: Store, text: str | None, facets: Mapping[str, Sequence[str]], limit: int) -> list[Latest]:
    """Return the evidence under filters that was added or changed last, the newest first."""
    with store.reading() as connection:
        where, values = store_search._where(store_search._clauses(connection, text, facets))
        query = f"""SELECT e.key, e.pmid, c.change, c.cause, c.run_id, coalesce(r.finished, r.started) AS moment
            FROM evidence e JOIN evidence_changes c ON c.pmid = e.pmid AND c.key = e.key AND c.change <> 'gone'
            JOIN runs r ON r.id = c.run_id WHERE {where} ORDER BY c.run_id DESC, e.pmid, e.key LIMIT ?"""
        rows = connection.execute(query, [*values, limit * 2]).fetchall()
        firsts: dict[tuple[str, str], Any] = {}
        for row in rows:
            firsts.setdefault((row["pmid"], row["key"]), row)
        held = {}
        for pmid, key in list(firsts)[:limit]:
            for paper in papers(connection, "WHERE e.pmid = ? AND e.key = ?", [pmid, key]):
                held[pmid, key] = paper
    return [
        Latest(held[place], row["change"], row["cause"], row["run_id"], row["moment"]) for place, row in firsts.items() if place in held
    ]


def change_counts(store: Store, run_id: int | None = None) -> dict[int, dict[tuple[str, str], int]]:
    """Return run → (change, cause) → rows, of one run or of all."""
    found: dict[int, dict[tuple[str, str], int]] = {}
    where, values = ("WHERE run_id = ?", (run_id,)) if run_id is not None else ("", ())
    query = f"SELECT run_id, change, cause, count(*) AS n FROM evidence_changes {where} GROUP BY run_id, change, cause ORDER BY n DESC"
    with store.reading() as connection:
        for row in connection.execute(query, values):
            found.setdefault(row["run_id"], {})[row["change"], row["cause"]] = row["n"]
    return found


def changes_page(store: Store, run_id: int, change: str | None, limit: int, offset: int) -> tuple[int, list[Change]]:
    """Return how many rows a run changed in a way, and a page of them: gone first, then changed, then new."""
    where, values = ("run_id = ? AND change = ?", [run_id, change]) if change else ("run_id = ?", [run_id])
    names = "run_id, pmid, key, change, cause, statement"
    order = "CASE change WHEN 'gone' THEN 0 WHEN 'changed' THEN 1 ELSE 2 END, pmid, key"
    with store.reading() as connection:
        total = int(connection.execute(f"SELECT count(*) FROM evidence_changes WHERE {where}", values).fetchone()[0])
        query = f"SELECT {names} FROM evidence_changes WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
        rows = connection.execute(query, [*values, limit, offset])
        return total, [Change(**dict(row)) for row in rows]


def changes_by_type(store: Store, run_id: int) -> list[tuple[str, str, int]]:
    """Return (claim type, change, rows) of a run; the type of a row that is gone is told by no table, and empty."""
    query = """SELECT coalesce(e.claim_type, '') AS kind, c.change, count(*) AS n FROM evidence_changes c
        LEFT JOIN evidence e ON e.pmid = c.pmid AND e.key = c.key WHERE c.run_id = ? GROUP BY kind, c.change ORDER BY kind, c.change"""
    with store.reading() as connection:
        return [(row["kind"], row["change"], row["n"]) for row in connection.execute(query, (run_id,))]


def row_changes(store: Store, places: Iterable[tuple[str, str]]) -> list[tuple[Change, str]]:
    """Return what runs did to pieces of evidence, given as (PMID, key), with the end of each run; the newest first."""
    query = """SELECT c.run_id, c.pmid, c.key, c.change, c.cause, c.statement, coalesce(r.finished, r.started) AS moment
        FROM evidence_changes c JOIN runs r ON r.id = c.run_id WHERE c.pmid = ? AND c.key = ?"""
    found = []
    with store.reading() as connection:
        for place in places:
            for row in connection.execute(query, place):
                held = dict(row)
                moment = held.pop("moment")
                found.append((Change(**held), moment))
    return sorted(found, key=lambda item: (-item[0].run_id, item[0].pmid, item[0].key, item[0].change))


def last_statement(store: Store, key: str) -> list[Change]:
    """Return what is known of a key that the table holds no more, the newest first."""
    query = "SELECT run_id, pmid, key, change, cause, statement FROM evidence_changes WHERE key = ? ORDER BY run_id DESC, pmid LIMIT 20"
    with store.reading() as connection:
        return [Change(**dict(row)) for row in connection.execute(query, (key,))]


def names(store: Store, kind: str | None, text: str, limit: int) -> list[tuple[str, str, int]]:
    """Return (kind, name, pieces of evidence) of what is named so or holds the text, the commonest first."""
    kinds = (kind,) if kind else NAMED
    marks = ", ".join("?" * len(kinds))
    pattern = "%" + text.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    query = f"""SELECT f.kind, f.name, count(*) AS n FROM facets f JOIN evidence_facets ef ON ef.facet = f.id
        WHERE f.kind IN ({marks}) AND f.value LIKE ? ESCAPE '\\' GROUP BY f.id ORDER BY n DESC, f.name, f.kind LIMIT ?"""
    with store.reading() as connection:
        rows = connection.execute(query, [*kinds, pattern, limit])
        return [(row["kind"], row["name"], row["n"]) for row in rows]


def name_of(store: Store, kind: str, value: str) -> str | None:
    """Return how a thing's name is written, or None where no evidence names it."""
    query = """SELECT name FROM facets f WHERE kind = ? AND value = ? AND EXISTS (SELECT 1 FROM evidence_facets WHERE facet = f.id)"""
    with store.reading() as connection:
        row = connection.execute(query, (kind, value.casefold())).fetchone()
    return None if row is None else str(row["name"])


def trials(store: Store, pmid: str) -> list[str]:
    """Return the trials that a record names."""
    with store.reading() as connection:
        return [row["trial"] for row in connection.execute("SELECT trial FROM record_trials WHERE pmid = ? ORDER BY trial", (pmid,))]


def record_runs(store: Store, pmid: str) -> tuple[int | None, int | None]:
    """Return the runs that brought a record and that changed it last."""
    with store.reading() as connection:
        row = connection.execute("SELECT first_run, last_run FROM records WHERE pmid = ?", (pmid,)).fetchone()
    return (None, None) if row is None else (row["first_run"], row["last_run"])


@dataclass(frozen=True, slots=True)
class ClaimRead:
    """One claim that a piece of evidence rests on, as the miner read it."""

    start: int
    end: int
    sentence: str
    rule: str
    confidence: float
    polarity: str
    background: bool
    figures: Mapping[str, float | int | str]
    warnings: tuple[str, ...]


def claims_of(store: Store, key: str, pmid: str) -> list[ClaimRead]:
    """Return the claims that a piece of evidence merges, the best first."""
    query = """SELECT c.start, c.end, c.sentence, c.rule, c.confidence, c.polarity, c.background, c.figures, c.warnings
        FROM evidence e JOIN evidence_claims ec ON ec.evidence = e.id JOIN claims c ON c.pmid = ec.pmid AND c.seq = ec.claim_seq
        WHERE e.key = ? AND e.pmid = ? ORDER BY ec.rank"""
    with store.reading() as connection:
        rows = [dict(row) for row in connection.execute(query, (key, pmid))]
    return [
        ClaimRead(
            **{
                **row,
                "background": bool(row["background"]),
                "figures": json.loads(row["figures"]),
                "warnings": tuple(json.loads(row["warnings"])),
            }
        )
        for row in rows
    ]


_T = ClaimType
_FAMILIES = (
    {_T.SENSITIVITY_RESPONSE, _T.OVERCOMES_RESISTANCE, _T.RESISTANCE_ON_TARGET, _T.RESISTANCE_TO_OTHER_THERAPY},
    {_T.CO_OCCURRENCE, _T.MUTUAL_EXCLUSIVITY},
)
"""Claim types that speak of one question."""


def around(store: Store, key: str) -> list[TableRow]:
    """Return the row of a key with those of the same profile and therapies that speak of the same question, whatever the tumour."""
    with store.reading() as connection:
        place = connection.execute(
            "SELECT claim_type, molecular_profile, therapies FROM evidence WHERE proposition = ? LIMIT 1", (key,)
        ).fetchone()
        if place is None:
            return []
        family = next((held for held in _FAMILIES if place["claim_type"] in held), set())
        ranks = [TYPE_RANK[item] for item in ClaimType if item == place["claim_type"] or item in family]
        one_of = ", ".join(map(str, ranks))
        where = f"WHERE e.type_rank IN ({one_of}) AND e.molecular_profile = ? AND e.therapies = ? AND e.status <> 'rejected'"
        found = papers(connection, where, [place["molecular_profile"], place["therapies"]])
        return [row for _, group in groupby(found, key=subject) for row in make_rows(group)]
