"""Write one record with all that was mined from it, or withdraw it. The caller holds the transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from miner.errors import InputError
from miner.evidence import store_rows
from miner.evidence.store_curation import settle
from miner.evidence.store_insert import insert, insert_evidence
from miner.evidence.store_rows import Row
from miner.evidence.table import CURATOR
from miner.evidence.trials import trial_names
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
        digest = store_rows.digest(str(mined.study_type), mined.evidence_level, mentions, claims, rows, links)
        record = store_rows.record_row(mined)
        standing = [store_rows.standing_row(row, item, record) for row, item in zip(rows, evidence, strict=True)]
        return cls(mentions, claims, standing, links, digest)


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
    _keep_trials(connection, row["pmid"], trial_names(mined.record))
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


def _keep_trials(connection: sqlite3.Connection, pmid: str, trials: Sequence[str]) -> None:
    held = [row["trial"] for row in connection.execute("SELECT trial FROM record_trials WHERE pmid = ? ORDER BY trial", (pmid,))]
    if held != sorted(trials):
        connection.execute("DELETE FROM record_trials WHERE pmid = ?", (pmid,))
        connection.executemany("INSERT INTO record_trials VALUES (?, ?)", [(pmid, trial) for trial in trials])


def _write(connection: sqlite3.Connection, old: Row | None, row: Row, parts: _Parts, run_id: int | None) -> None:
    pmid, cause = row["pmid"], _cause(old, row)
    before = _evidence(connection, pmid)
    _clear(connection, pmid)
    if old is not None and old["sha256"] != row["sha256"]:
        _keep_version(connection, old, run_id, cause)
    _upsert_record(connection, row | {"first_run": old["first_run"] if old else run_id, "last_run": run_id})
    insert(connection, "mentions", parts.mentions)
    insert(connection, "claims", parts.claims)
    insert_evidence(connection, parts.evidence, parts.links)
    settle(connection, pmid)
    notices = enumerate(json.loads(row["notices"]))
    insert(connection, "notices", [{"pmid": pmid, "seq": seq, "kind": kind, "reference": ref} for seq, (kind, ref) in notices])
    _note_changes(connection, run_id, pmid, before, _evidence(connection, pmid), cause, reached=_reaches(old, row))


def _clear(connection: sqlite3.Connection, pmid: str) -> None:
    for name in ("evidence", "claims", "mentions", "notices"):
        connection.execute(f"DELETE FROM {name} WHERE pmid = ?", (pmid,))


def _keep_version(connection: sqlite3.Connection, old: Row, run_id: int | None, reason: str) -> None:
    held = _one(connection, "SELECT coalesce(max(seq), 0) AS seq FROM record_versions WHERE pmid = ?", old["pmid"])
    kept = {name: old[name] for name in _VERSION_COLUMNS}
    seq = held["seq"] + 1 if held else 1
    insert(connection, "record_versions", [kept | {"seq": seq, "replaced_by_run": run_id, "reason": reason}])


def _upsert_record(connection: sqlite3.Connection, row: Row) -> None:
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    updates = ", ".join(f"{name} = excluded.{name}" for name in row if name != "pmid")
    connection.execute(f"INSERT INTO records ({names}) VALUES ({marks}) ON CONFLICT (pmid) DO UPDATE SET {updates}", row)


def _evidence(connection: sqlite3.Connection, pmid: str) -> dict[str, Row]:
    """Return the rows of a paper that the miner read; what curators added is no work of a run."""
    rows = connection.execute("SELECT * FROM evidence WHERE pmid = ? AND rule <> ?", (pmid, CURATOR))
    return {row["key"]: {name: value for name, value in dict(row).items() if name != "id"} for row in rows}


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
