"""Read the database: evidence under filters, the table, integrity."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby

from miner.evidence.store_rows import paper_of
from miner.evidence.table import Filters, Paper, TableRow, make_row

_EVIDENCE = """
SELECT e.*, r.status AS record_status, r.title, r.journal, r.year,
       (SELECT json_group_array(json(c.spans)) FROM
            (SELECT c.spans FROM evidence_claims ec JOIN claims c ON c.pmid = ec.pmid AND c.seq = ec.claim_seq
             WHERE ec.key = e.key AND ec.pmid = e.pmid ORDER BY ec.rank) c) AS all_spans
FROM evidence e JOIN records r ON r.pmid = e.pmid
"""
_ORDER = "ORDER BY e.type_rank, e.molecular_profile, e.therapies, e.disease_key, e.significance, e.direction, e.key, e.pmid"
_PLAIN = {"claim_type": "claim_type", "polarity": "polarity", "direction": "direction", "level": "level", "pmid": "pmid", "key": "key"}


def where(filters: Filters) -> tuple[str, list[str]]:
    """Return the WHERE clause of filters and its parameters."""
    clauses: list[str] = []
    values: list[str] = []
    for name, column in _PLAIN.items():
        if given := getattr(filters, name):
            clauses.append(f"e.{column} IN ({_marks(given)})")
            values += given
    for kind in ("gene", "drug", "disease"):
        if given := getattr(filters, kind):
            clause, parameters = _facet_clause(kind, given)
            clauses.append(clause)
            values += parameters
    for text in filters.text:
        clauses.append("(e.statement LIKE ? ESCAPE '\\' OR e.sentence LIKE ? ESCAPE '\\' OR r.title LIKE ? ESCAPE '\\')")
        values += [_like(text)] * 3
    if filters.topic:
        clauses.append(f"e.pmid IN (SELECT pmid FROM record_topics WHERE topic IN ({_marks(filters.topic)}))")
        values += filters.topic
    return ("WHERE " + " AND ".join(clauses) if clauses else ""), values


def _facet_clause(kind: str, given: tuple[str, ...]) -> tuple[str, list[str]]:
    # A disease is met by any part of its name, a gene or a drug by the whole name only.
    match = " OR ".join(["value LIKE ? ESCAPE '\\'"] * len(given)) if kind == "disease" else f"value IN ({_marks(given)})"
    values = [_like(value.casefold()) if kind == "disease" else value.casefold() for value in given]
    facet = f"SELECT id FROM facets WHERE kind = '{kind}' AND ({match})"
    return f"(e.key, e.pmid) IN (SELECT key, pmid FROM evidence_facets WHERE facet IN ({facet}))", values


def _marks(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def evidence(connection: sqlite3.Connection, filters: Filters) -> Iterator[Paper]:
    """Yield evidence in the order of the table: claim type, profile, therapies, disease, significance, direction, PMID."""
    clause, values = where(filters)
    for row in connection.execute(f"{_EVIDENCE} {clause} {_ORDER}", values):
        spans = [tuple(span) for claim in json.loads(row["all_spans"]) for span in claim]
        yield paper_of(row, dict.fromkeys(spans))


def table(connection: sqlite3.Connection, filters: Filters) -> Iterator[TableRow]:
    """Yield the evidence that the filters let through, one row for each proposition."""
    for _, group in groupby(evidence(connection, filters), key=lambda item: item.key):
        yield make_row(list(group))


def integrity(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong with the database: spans that do not slice their text, broken keys, damage; empty where all is well."""
    problems = [f"damage: {row[0]}" for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    problems += [f"{row[0]}: row {row[1]} points to no {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")]
    return problems + list(_bad_spans(connection)) + list(_orphans(connection))


def _bad_spans(connection: sqlite3.Connection) -> Iterator[str]:
    for record in connection.execute("SELECT pmid, text FROM records ORDER BY pmid"):
        pmid, text = record["pmid"], record["text"]
        for row in connection.execute("SELECT seq, start, end, text FROM mentions WHERE pmid = ?", (pmid,)):
            if text[row["start"] : row["end"]] != row["text"]:
                yield f"PMID {pmid}: mention {row['seq']} does not stand at [{row['start']}, {row['end']})"
        for row in connection.execute("SELECT seq, start, end, sentence, spans FROM claims WHERE pmid = ?", (pmid,)):
            spans = [(row["start"], row["end"], row["sentence"]), *json.loads(row["spans"])]
            if any(not quote or text[start:end] != quote for start, end, quote in spans):
                yield f"PMID {pmid}: a sentence of claim {row['seq']} does not stand in the text"


def _orphans(connection: sqlite3.Connection) -> Iterator[str]:
    missing = "SELECT key, pmid FROM evidence EXCEPT SELECT key, pmid FROM evidence_claims"
    for row in connection.execute(missing):
        yield f"PMID {row['pmid']}: evidence {row['key']} rests on no claim"
    withdrawn = "SELECT DISTINCT e.pmid FROM evidence e JOIN records r ON r.pmid = e.pmid WHERE r.status = 'withdrawn'"
    for row in connection.execute(withdrawn):
        yield f"PMID {row['pmid']}: withdrawn, but has evidence"
