"""What the scheduled job keeps beside evidence: records that did not matter, and the ledger of changes."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from miner.schema import Record, Section, Status


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A record that was named for a topic, read, and did not matter to it: by which rules, and in which state."""

    sha256: str
    source_version: str
    version: int
    revised: str


def pack(record: Record) -> bytes:
    """Return a record as compressed JSON."""
    return zlib.compress(json.dumps(asdict(record), ensure_ascii=False).encode(), 6)


def unpack(blob: bytes) -> Record:
    """Return the record that ``pack`` wrote."""
    held = json.loads(zlib.decompress(blob))
    for name in ("sections", "other_abstracts"):
        held[name] = tuple(Section(**part) for part in held[name])
    for name in ("publication_types", "mesh", "keywords", "authors", "nct_ids"):
        held[name] = tuple(held[name])
    held["notices"] = tuple((kind, reference) for kind, reference in held["notices"])
    return Record(**{**held, "status": Status(held["status"])})


def passed_over(connection: sqlite3.Connection, topic: str) -> dict[str, PassedOver]:
    """Return what was passed over for a topic, by PMID."""
    rows = connection.execute("SELECT pmid, sha256, source_version, version, revised FROM passed_over WHERE topic = ?", (topic,))
    return {row["pmid"]: PassedOver(row["sha256"], row["source_version"], row["version"], row["revised"]) for row in rows}


def passed_over_records(connection: sqlite3.Connection, topic: str, source_version: str) -> Iterator[Record]:
    """Yield the records that were passed over by other rules than these, by PMID."""
    query = "SELECT record FROM passed_over WHERE topic = ? AND source_version <> ? ORDER BY pmid"
    for row in connection.execute(query, (topic, source_version)).fetchall():
        yield unpack(row["record"])


def pass_over(connection: sqlite3.Connection, record: Record, *, topic: str, source_version: str, run_id: int) -> None:
    """Keep a record that did not matter."""
    pmid = record.pmid or record.id
    values = (topic, pmid, source_version, record.sha256, record.version, record.revised or "", run_id, pack(record))
    connection.execute("INSERT OR REPLACE INTO passed_over VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def drop_passed_over(connection: sqlite3.Connection, topic: str, pmids: Iterable[str]) -> None:
    """Forget records that matter now, or are gone."""
    connection.executemany("DELETE FROM passed_over WHERE topic = ? AND pmid = ?", [(topic, pmid) for pmid in pmids])


def lost_rows(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return (PMID, key) of the rows that should stand in the table by the ledger of changes, and do not."""
    query = """
    SELECT pmid, key FROM (
        SELECT pmid, key, change, row_number() OVER (PARTITION BY pmid, key ORDER BY run_id DESC, change = 'gone') AS recency
        FROM evidence_changes
    ) WHERE recency = 1 AND change <> 'gone'
    EXCEPT SELECT pmid, key FROM evidence ORDER BY pmid, key
    """
    return [(row["pmid"], row["key"]) for row in connection.execute(query)]


def gone_rows(connection: sqlite3.Connection) -> dict[tuple[str, str], tuple[int, str]]:
    """Return (PMID, key) → (run, cause) of every row whose last change was that it went."""
    query = """
    SELECT pmid, key, run_id, cause FROM (
        SELECT pmid, key, run_id, cause, change,
               row_number() OVER (PARTITION BY pmid, key ORDER BY run_id DESC, change = 'gone') AS recency
        FROM evidence_changes WHERE (pmid, key) IN (SELECT pmid, key FROM evidence_changes WHERE change = 'gone')
    ) WHERE recency = 1 AND change = 'gone'
    """
    return {(row["pmid"], row["key"]): (row["run_id"], row["cause"]) for row in connection.execute(query)}


TOUCHED_KEPT = 20_000
"""Entries of what was touched that are kept; a reader that is further behind reads the whole table again."""


def forget_touched(connection: sqlite3.Connection) -> None:
    """Let go of old entries of what was touched."""
    connection.execute("DELETE FROM touched WHERE seq <= (SELECT max(seq) FROM touched) - ?", (TOUCHED_KEPT,))
