"""Read the database: evidence under filters, the table, integrity."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby

from miner.evidence.store_rows import paper_of
from miner.evidence.table import Filters, FusionMention, Paper, Source, TableRow, fold_class, is_synthetic, make_rows, subject
from miner.schema import Polarity, Status

_EVIDENCE = """
SELECT e.*, r.status AS record_status, r.notices, r.title, r.journal, r.pub_date, r.doi, r.authors,
       (SELECT json_group_array(trial) FROM record_trials t WHERE t.pmid = e.pmid) AS trials,
       (SELECT '[' || group_concat(c.told, ',') || ']' FROM
            (SELECT '[' || c.spans || ',' || c.figures || ',' || c.background || ']' AS told
             FROM evidence_claims ec CROSS JOIN claims c ON c.pmid = ec.pmid AND c.seq = ec.claim_seq
             WHERE ec.evidence = e.id ORDER BY ec.rank) c) AS told
FROM evidence e JOIN records r ON r.pmid = e.pmid
"""
_ORDER = "ORDER BY e.type_rank, e.molecular_profile, e.therapies, e.disease_key, e.significance, e.direction, e.proposition, e.pmid, e.key"
_CLASS = re.compile(r"(?:inhibitors?|tkis?|antibod(?:y|ies)|antagonists?|therapy)$", re.IGNORECASE)
_FACETED = ("gene", "drug", "disease", "claim_type", "polarity", "direction", "level")


def where(connection: sqlite3.Connection, filters: Filters) -> tuple[str, list[str]]:
    """Return the WHERE clause of filters and its parameters."""
    clauses: list[str] = []
    values: list[str] = []
    if filters.pmid:
        clauses.append(f"e.pmid IN ({_marks(filters.pmid)})")
        values += filters.pmid
    if filters.key:
        marks = _marks(filters.key)
        clauses.append(f"(e.proposition IN ({marks}) OR e.key IN ({marks}))")
        values += filters.key * 2
    statuses = filters.status or ("submitted", "accepted")
    clauses.append(f"e.status IN ({_marks(statuses)})")
    values += statuses
    sets = [_ids(connection, kind, given) for kind in _FACETED if (given := getattr(filters, kind))]
    if sets:
        clauses.append(f"e.id IN ({meeting(connection, sets)})")
    for text in filters.text:
        clauses.append("(e.statement LIKE ? ESCAPE '\\' OR e.sentence LIKE ? ESCAPE '\\' OR r.title LIKE ? ESCAPE '\\')")
        values += [_like(text)] * 3
    if filters.topic:
        clauses.append(f"e.pmid IN (SELECT pmid FROM record_topics WHERE topic IN ({_marks(filters.topic)}))")
        values += filters.topic
    return ("WHERE " + " AND ".join(clauses) if clauses else ""), values


def facet_ids(connection: sqlite3.Connection, kind: str, given: Sequence[str]) -> list[int]:
    """Return the facets that values name: a gene also as a member of the family named, a drug also as one of the class."""
    match, values = _named(connection, kind, given)
    return [row["id"] for row in connection.execute(f"SELECT id FROM facets WHERE kind = ? AND ({match}) ORDER BY id", (kind, *values))]


def _named(connection: sqlite3.Connection, kind: str, given: Sequence[str]) -> tuple[str, list[str]]:
    folded = [value.casefold() for value in given]
    match, values = f"value IN ({_marks(folded)})", list(folded)
    if kind == "gene":
        match += " OR value GLOB ? OR value GLOB ?" * len(folded)
        values += [pattern for value in folded for pattern in (_globbed(value) + "[0-9]", _globbed(value) + "[0-9][0-9]")]
    elif kind == "drug":
        values += [name.casefold() for value in given for name in _of_class(connection, value)]
        match = f"value IN ({_marks(values)})"
    return match, values


def _ids(connection: sqlite3.Connection, kind: str, given: tuple[str, ...]) -> list[int]:
    """Return the facets of a filter; a disease is met by any part of its name, or by its identifier."""
    if kind != "disease":
        return facet_ids(connection, kind, given)
    match = " OR ".join(["value LIKE ? ESCAPE '\\'"] * len(given))
    query = f"SELECT id FROM facets WHERE kind IN ('disease', 'disease_id') AND ({match}) ORDER BY id"
    return [row["id"] for row in connection.execute(query, [_like(value.casefold()) for value in given])]


FEW = 20_000


def meeting(connection: sqlite3.Connection, sets: Sequence[Sequence[int]]) -> str:
    """Return a query for the evidence that has a facet of every set; it walks the smallest and looks the others up."""

    def size(ids: str) -> int:
        query = f"SELECT count(*) FROM (SELECT 1 FROM evidence_facets WHERE facet IN ({ids}) LIMIT {FEW})"
        return int(connection.execute(query).fetchone()[0])

    first, *others = sorted((", ".join(map(str, ids)) or "NULL" for ids in sets), key=size)
    held = "".join(f" AND EXISTS (SELECT 1 FROM evidence_facets x WHERE x.facet IN ({ids}) AND x.evidence = d.evidence)" for ids in others)
    return f"SELECT d.evidence FROM evidence_facets d WHERE d.facet IN ({first}){held}"


def _of_class(connection: sqlite3.Connection, name: str) -> list[str]:
    """Return the drugs of the database that the lexicon counts to a class; none where the name is no class."""
    if not _CLASS.search(name):
        return []
    from miner.lexicon import load_lexicon

    lexicon = load_lexicon()
    held = [row["value"] for row in connection.execute("SELECT value FROM facets WHERE kind = 'drug' ORDER BY value")]
    return [drug for drug in held if any(fold_class(group) == fold_class(name) for group in (drug, *lexicon.classes(drug)))]


def _globbed(value: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in value)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def evidence(connection: sqlite3.Connection, filters: Filters) -> Iterator[Paper]:
    """Yield evidence in the order of the table: claim type, profile, therapies, disease, significance, direction, PMID."""
    clause, values = where(connection, filters)
    yield from papers(connection, clause, values)


def papers(connection: sqlite3.Connection, clause: str, values: Sequence[object]) -> Iterator[Paper]:
    """Yield the evidence that a WHERE clause over ``e`` and ``r`` lets through, in the order of the table."""
    cursor = connection.cursor()
    cursor.row_factory = None  # sqlite3.Row looks a name up by walking all of them.
    cursor.execute(f"{_EVIDENCE} {clause} {_ORDER}", values)
    names = [column[0] for column in cursor.description]
    for values in cursor:
        row = dict(zip(names, values))  # noqa: B905 (a third of the time of a checked one)
        told = json.loads(row["told"])
        spans = dict.fromkeys([tuple(span) for claim, _, _ in told for span in claim])
        yield paper_of(row, spans, [figures for _, figures, background in told if background == row["background"]])


def table(connection: sqlite3.Connection, filters: Filters) -> Iterator[TableRow]:
    """Yield the evidence that the filters let through, one row for each proposition."""
    for _, group in groupby(evidence(connection, filters), key=subject):
        yield from make_rows(group)


_FUSIONS = """
SELECT m.pmid, m.start, m.end, m.label, m.name, m.polarity, r.status, r.year
FROM mentions m JOIN records r ON r.pmid = m.pmid
WHERE m.label IN ('FUSION', 'DISEASE') AND r.status <> 'withdrawn'
  AND m.pmid IN (SELECT pmid FROM mentions WHERE label = 'FUSION')
"""


def fusions(connection: sqlite3.Connection, topic: str | None) -> Iterator[FusionMention]:
    """Yield fusions in the order of PMID and offset, each with the nearest disease of its record."""
    clause = " AND m.pmid IN (SELECT pmid FROM record_topics WHERE topic = ?)" if topic else ""
    rows = connection.execute(f"{_FUSIONS}{clause} ORDER BY m.pmid, m.seq", (topic,) if topic else ())
    for pmid, group in groupby(rows, key=lambda row: row["pmid"]):
        held = list(group)
        diseases = [row for row in held if row["label"] == "DISEASE" and row["name"]]
        for row in held:
            if row["label"] == "FUSION" and row["name"]:
                yield _fusion(pmid, row, diseases)


def _fusion(pmid: str, row: sqlite3.Row, diseases: list[sqlite3.Row]) -> FusionMention:
    nearest = min(diseases, key=lambda item: max(item["start"] - row["end"], row["start"] - item["end"]), default=None)
    five, _, three = row["name"].partition("::")
    return FusionMention(
        pmid=pmid,
        five_prime=five,
        three_prime=three,
        polarity=Polarity(row["polarity"]),
        start=row["start"],
        end=row["end"],
        disease=None if nearest is None else nearest["name"],
        year=row["year"],
        record_status=Status(row["status"]),
    )


def sources(connection: sqlite3.Connection, topic: str | None) -> list[Source]:
    """Return the sources of records that are not withdrawn, by name, synthetic records apart; the largest first."""
    clause = "AND pmid IN (SELECT pmid FROM record_topics WHERE topic = ?)" if topic else ""
    rows = connection.execute(f"SELECT pmid, source, year FROM records WHERE status <> 'withdrawn' {clause}", (topic,) if topic else ())
    found: dict[tuple[str, bool], list[int | None]] = {}
    for row in rows:
        found.setdefault((row["source"], is_synthetic(row["pmid"])), []).append(row["year"])
    made = [_source(name, synthetic, years) for (name, synthetic), years in found.items()]
    return sorted(made, key=lambda item: (item.is_synthetic, -item.records, item.name))


def _source(name: str, synthetic: bool, years: list[int | None]) -> Source:
    known = [year for year in years if year]
    return Source(name, len(years), min(known, default=None), max(known, default=None), synthetic)


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
    missing = "SELECT key, pmid FROM evidence WHERE id NOT IN (SELECT evidence FROM evidence_claims)"
    for row in connection.execute(missing):
        yield f"PMID {row['pmid']}: evidence {row['key']} rests on no claim"
    withdrawn = "SELECT DISTINCT e.pmid FROM evidence e JOIN records r ON r.pmid = e.pmid WHERE r.status = 'withdrawn'"
    for row in connection.execute(withdrawn):
        yield f"PMID {row['pmid']}: withdrawn, but has evidence"
