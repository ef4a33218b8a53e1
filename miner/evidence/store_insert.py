"""Insert rows: evidence with the claims that it rests on and what it can be filtered by. The caller holds the transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from miner.evidence.store_facets import facets
from miner.evidence.store_rows import Row


def insert(connection: sqlite3.Connection, name: str, rows: Sequence[Row]) -> None:
    """Insert rows of the same columns."""
    if rows:
        names, marks = ", ".join(rows[0]), ", ".join(f":{column}" for column in rows[0])
        connection.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", rows)


def insert_evidence(connection: sqlite3.Connection, rows: Sequence[Row], links: Sequence[Row]) -> None:
    """Insert evidence; each link names by key and PMID the evidence, and by its place the claim."""
    insert(connection, "evidence", rows)
    held = "SELECT (SELECT id FROM evidence WHERE key = :key AND pmid = :pmid), :rank, :pmid, :claim_seq"
    connection.executemany(f"INSERT INTO evidence_claims (evidence, rank, pmid, claim_seq) {held}", links)
    for row in rows:
        insert_facets(connection, row)


def insert_facets(connection: sqlite3.Connection, row: Row) -> None:
    """Note what a row of evidence can be filtered by."""
    named = [{"kind": kind, "value": value, "name": name} for kind, value, name in facets(row)]
    connection.executemany("INSERT OR IGNORE INTO facets (kind, value, name) VALUES (:kind, :value, :name)", named)
    keyed = [item | {"key": row["key"], "pmid": row["pmid"]} for item in named]
    select = "SELECT f.id, e.id FROM facets f, evidence e WHERE f.kind = :kind AND f.value = :value AND e.key = :key AND e.pmid = :pmid"
    connection.executemany(f"INSERT OR IGNORE INTO evidence_facets (facet, evidence) {select}", keyed)
