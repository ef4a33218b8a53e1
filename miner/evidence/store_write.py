"""Write one record with all that was mined from it, or withdraw it. The caller holds the transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from miner.errors import InputError
from miner.evidence import store_rows
from miner.evidence.store_rows import Row
from miner.schema import Evidence, Mined, Status

Outcome = Literal["new", "changed", "same"]
_VERSION_COLUMNS = ("pmid", "sha256", "title", "sections", "text", "status", "notices", "version", "revised", "source", "fetched_at")
_STATUS_CAUSES = {"retracted": "retraction", "concern": "expression of concern", "withdrawn": "withdrawal"}
_NOTICE_CAUSES = {
    "RetractionIn": "retraction",
    "RetractedandRepublishedIn": "retraction",
    "PartialRetractionIn": "partial retraction",
    "ExpressionOfConcernIn": "expression of concern",
    "CorrectedandRepublishedIn": "correction",
    "ErratumIn": "correction",
}


@dataclass(frozen=True, slots=True)
class _Parts:
    """The rows of one record below the record itself, and their digest."""

    mentions: list[Row]
    claims: list[Row]
    evidence: list[Row]
    links: list[Row]
    facets: list[Row]
    digest: str

    @classmethod
    def of(cls, mined: Mined, evidence: Sequence[Evidence]) -> _Parts:
        mentions, claims = store_rows.mention_rows(mined), store_rows.claim_rows(mined)
        rows = [store_rows.evidence_row(item, mined.reading.text) for item in evidence]
        links = [
            {"key": item.key, "pmid": item.pmid, "rank": rank, "claim_seq": seq}
            for item in evidence
            for rank, seq in enumerate(store_rows.claim_order(item, mined.claims))
        ]
        facets = [
            {"kind": kind, "value": value, "key": item.key, "pmid": item.pmid}
            for item in evidence
            for kind, value in sorted(store_rows.facets(item))
        ]
        digest = store_rows.digest(str(mined.study_type), mined.evidence_level, mentions, claims, rows, links)
        return cls(mentions, claims, rows, links, facets, digest)


def save(
    connection: sqlite3.Connection, mined: Mined, evidence: Sequence[Evidence], *, run_id: int | None, mining_version: str, topic: str
) -> Outcome:
    """Keep a record and what was mined from it, and tell what that changed."""
    if mined.record.status is Status.WITHDRAWN:
        mined, evidence = replace(mined, claims=(), reading=replace(mined.reading, mentions=())), ()
    parts = _Parts.of(mined, evidence)
    row = store_rows.record_row(mined) | {"content": parts.digest, "mining_version": mining_version}
    old = _one(connection, "SELECT * FROM records WHERE pmid = ?", row["pmid"])
    outcome = _compare(old, row)
    if old is None or outcome == "changed":
        try:
            _write(connection, old, row, parts, run_id)
        except UnicodeEncodeError as error:
            raise InputError(f"record {row['pmid']} holds a character that is no Unicode text ({error.reason})") from error
    elif old["mining_version"] != mining_version:
        # The same text read by newer rules with the same result: only the version is noted, so that it is not read again.
        connection.execute("UPDATE records SET mining_version = ? WHERE pmid = ?", (mining_version, row["pmid"]))
    _join_topic(connection, topic, row["pmid"], run_id)
    return outcome


def withdraw(connection: sqlite3.Connection, pmid: str, *, run_id: int | None, reason: str) -> bool:
    """Take a record's evidence away and keep its former state; tell whether there was anything to withdraw."""
    old = _one(connection, "SELECT * FROM records WHERE pmid = ?", pmid)
    if old is None or old["status"] == str(Status.WITHDRAWN):
        return False
    before = _evidence(connection, pmid)
    _keep_version(connection, old, run_id, reason)
    _clear(connection, pmid)
    gone = replace(store_rows.record_of(old), status=Status.WITHDRAWN)
    connection.execute(
        "UPDATE records SET status = ?, sha256 = ?, content = '', last_run = ? WHERE pmid = ?",
        (str(gone.status), gone.sha256, run_id, pmid),
    )
    _note_changes(connection, run_id, pmid, before, {}, reason)
    return True


def _compare(old: Row | None, row: Row) -> Outcome:
    if old is None:
        return "new"
    return "same" if (old["sha256"], old["content"]) == (row["sha256"], row["content"]) else "changed"


def _join_topic(connection: sqlite3.Connection, topic: str, pmid: str, run_id: int | None) -> None:
    if _one(connection, "SELECT 1 AS held FROM record_topics WHERE topic = ? AND pmid = ?", topic, pmid) is None:
        connection.execute("INSERT INTO record_topics VALUES (?, ?, ?)", (topic, pmid, run_id))


def _write(connection: sqlite3.Connection, old: Row | None, row: Row, parts: _Parts, run_id: int | None) -> None:
    pmid, cause = row["pmid"], _cause(old, row)
    before = _evidence(connection, pmid)
    _clear(connection, pmid)
    if old is not None and old["sha256"] != row["sha256"]:
        _keep_version(connection, old, run_id, cause)
    _upsert_record(connection, row | {"first_run": old["first_run"] if old else run_id, "last_run": run_id})
    _insert(connection, "mentions", parts.mentions)
    _insert(connection, "claims", parts.claims)
    _insert(connection, "evidence", parts.evidence)
    _insert(connection, "evidence_claims", parts.links)
    _insert_facets(connection, parts.facets)
    notices = enumerate(json.loads(row["notices"]))
    _insert(connection, "notices", [{"pmid": pmid, "seq": seq, "kind": kind, "reference": ref} for seq, (kind, ref) in notices])
    _note_changes(connection, run_id, pmid, before, {item["key"]: item for item in parts.evidence}, cause, reached=_reaches(old, row))


def _clear(connection: sqlite3.Connection, pmid: str) -> None:
    for name in ("evidence", "claims", "mentions", "notices"):
        connection.execute(f"DELETE FROM {name} WHERE pmid = ?", (pmid,))


def _keep_version(connection: sqlite3.Connection, old: Row, run_id: int | None, reason: str) -> None:
    held = _one(connection, "SELECT coalesce(max(seq), 0) AS seq FROM record_versions WHERE pmid = ?", old["pmid"])
    kept = {name: old[name] for name in _VERSION_COLUMNS}
    seq = held["seq"] + 1 if held else 1
    _insert(connection, "record_versions", [kept | {"seq": seq, "replaced_by_run": run_id, "reason": reason}])


def _upsert_record(connection: sqlite3.Connection, row: Row) -> None:
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    updates = ", ".join(f"{name} = excluded.{name}" for name in row if name != "pmid")
    connection.execute(f"INSERT INTO records ({names}) VALUES ({marks}) ON CONFLICT (pmid) DO UPDATE SET {updates}", row)


def _insert(connection: sqlite3.Connection, name: str, rows: Sequence[Row]) -> None:
    if rows:
        names, marks = ", ".join(rows[0]), ", ".join(f":{column}" for column in rows[0])
        connection.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", rows)


def _insert_facets(connection: sqlite3.Connection, facets: Sequence[Row]) -> None:
    connection.executemany("INSERT OR IGNORE INTO facets (kind, value) VALUES (:kind, :value)", facets)
    select = "SELECT id, :key, :pmid FROM facets WHERE kind = :kind AND value = :value"
    connection.executemany(f"INSERT INTO evidence_facets (facet, key, pmid) {select}", facets)


def _evidence(connection: sqlite3.Connection, pmid: str) -> dict[str, Row]:
    rows = connection.execute("SELECT * FROM evidence WHERE pmid = ?", (pmid,))
    return {row["key"]: dict(row) for row in rows}


def _note_changes(
    connection: sqlite3.Connection,
    run_id: int | None,
    pmid: str,
    before: Mapping[str, Row],
    after: Mapping[str, Row],
    cause: str,
    *,
    reached: bool = False,
) -> None:
    """Note what became of the rows of a record; ``reached`` where all of them change with what is known of the paper."""
    if run_id is None:
        return
    changes = {key: "gone" for key in before if key not in after}
    changes |= {key: "new" if key not in before else "changed" for key in after if reached or before.get(key) != after[key]}
    rows = [
        {
            "run_id": run_id,
            "pmid": pmid,
            "key": key,
            "change": change,
            "cause": cause,
            "statement": (after.get(key) or before[key])["statement"],
        }
        for key, change in sorted(changes.items())
    ]
    columns = "run_id, pmid, key, change, cause, statement"
    marks = ":run_id, :pmid, :key, :change, :cause, :statement"
    connection.executemany(f"INSERT OR REPLACE INTO evidence_changes ({columns}) VALUES ({marks})", rows)


def _cause(old: Row | None, row: Row) -> str:
    """Name why the rows of a record change."""
    if old is None:
        return "new paper"
    if old["status"] != row["status"]:
        return _STATUS_CAUSES.get(row["status"], "reinstated")
    if notice := _new_notice(old, row):
        return notice
    if old["text"] != row["text"]:
        return "revised abstract"
    if old["sha256"] != row["sha256"]:
        return "corrected record"
    return "rules" if old["mining_version"] != row["mining_version"] else "unexplained"


def _reaches(old: Row | None, row: Row) -> bool:
    """Tell whether what happened to the paper itself reaches every row that rests on it: a new state, a new notice."""
    return old is not None and (old["status"] != row["status"] or old["notices"] != row["notices"])


def _new_notice(old: Row, row: Row) -> str | None:
    """Name the gravest notice that was not there before."""
    before = {tuple(notice) for notice in json.loads(old["notices"])}
    kinds = {kind for kind, reference in json.loads(row["notices"]) if (kind, reference) not in before}
    return next((cause for kind, cause in _NOTICE_CAUSES.items() if kind in kinds), None)


def _one(connection: sqlite3.Connection, query: str, *values: Any) -> Row | None:
    row = connection.execute(query, values).fetchone()
    return None if row is None else dict(row)
