"""Insert rows: evidence with the claims that it rests on and what it can be filtered by. The caller holds the transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from miner.evidence.store_facets import FACETS_A_KIND, KINDS, facets
from miner.evidence.store_rows import Row


def insert(connection: sqlite3.Connection, name: str, rows: Sequence[Row]) -> None:
    """Insert rows of the same columns."""
    if rows:
        names, marks = ", ".join(rows[0]), ", ".join(f":{column}" for column in rows[0])
        connection.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", rows)


def insert_evidence(connection: sqlite3.Connection, rows: Sequence[Row], links: Sequence[Row]) -> None:
    """Insert evidence; each link names by key and PMID the evidence, and by its place the claim."""
    ids: dict[str, int] = {}
    for row in rows:
        names, marks = ", ".join(row), ", ".join(f":{column}" for column in row)
        ids[row["key"]] = int(connection.execute(f"INSERT INTO evidence ({names}) VALUES ({marks})", row).lastrowid or 0)
        insert_facets(connection, row, ids[row["key"]])
    claims = [(ids[link["key"]], link["rank"], link["pmid"], link["claim_seq"]) for link in links]
    connection.executemany("INSERT INTO evidence_claims (evidence, rank, pmid, claim_seq) VALUES (?, ?, ?, ?)", claims)


_ID = "SELECT id FROM facets WHERE kind = ? AND value = ?"
_NEXT = "SELECT coalesce(max(id), ?) + 1 FROM facets WHERE id BETWEEN ? AND ?"


def insert_facets(connection: sqlite3.Connection, row: Row, evidence: int) -> None:
    """Note what a row of evidence can be filtered by."""
    held = []
    for kind, value, name in facets(row):
        known = connection.execute(_ID, (kind, value)).fetchone()
        held.append((known[0] if known else _new_facet(connection, kind, value, name), evidence))
    connection.executemany("INSERT INTO evidence_facets (facet, evidence) VALUES (?, ?)", held)


def _new_facet(connection: sqlite3.Connection, kind: str, value: str, name: str) -> int:
    first, last = facet_range(kind)
    number = int(connection.execute(_NEXT, (first - 1, first, last)).fetchone()[0])
    connection.execute("INSERT INTO facets (id, kind, value, name) VALUES (?, ?, ?, ?)", (number, kind, value, name))
    return number


def facet_range(kind: str) -> tuple[int, int]:
    """Return the ids of a kind of facet, first and last; the number of a facet tells its kind, so that kinds are counted apart."""
    first = KINDS.index(kind) * FACETS_A_KIND
    return first, first + FACETS_A_KIND - 1
