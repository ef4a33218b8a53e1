"""The evidence database. Every SQL statement of the project is in this module and its ``store_*`` siblings."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from miner.evidence import store_curation, store_query, store_refresh, store_rows, store_write
from miner.evidence.store_open import open_database, told
from miner.evidence.store_refresh import PassedOver
from miner.evidence.store_write import Outcome
from miner.evidence.table import STATUSES, Filters, FusionMention, Paper, Source, TableRow
from miner.schema import Curation, Evidence, Mention, Mined, Record

if TYPE_CHECKING:
    import pandas as pd

_COUNTED = ("records", "mentions", "claims", "evidence", "runs", "set_aside", "notices", "record_versions", "curations")


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the database tells it."""

    id: int
    topic: str
    kind: str
    query: str | None
    versions: Mapping[str, str]
    started: str
    finished: str | None
    outcome: str | None
    counts: Mapping[str, Any]
    watermark_before: str | None
    watermark_after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One row that a run added, changed or took away, and why."""

    run_id: int
    pmid: str
    key: str
    change: str
    cause: str
    statement: str


class Store:
    """An evidence database; a context manager that closes it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._connection.row_factory = sqlite3.Row
        self.path = path

    @classmethod
    def open(cls, path: Path | str, *, readonly: bool = False) -> Self:
        """Open or make the database; raise StoreError on one that is foreign, newer, read-only or no database."""
        path = Path(path)
        return cls(open_database(path, readonly=readonly), path)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Self]:
        """Keep all that is written inside, or nothing; an inner transaction belongs to the outer."""
        if self._connection.in_transaction:
            yield self
            return
        with told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._commit()

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to a ``store_*`` module that reads."""
        with told(self.path):
            yield self._connection

    def begin_run(self, *, topic: str, kind: str, query: str | None, versions: Mapping[str, str], started: str) -> int:
        """Note the start of a run and return its number."""
        with self.transaction():
            cursor = self._connection.execute(
                "INSERT INTO runs (topic, kind, query, versions, started) VALUES (?, ?, ?, ?, ?)",
                (topic, kind, query, store_rows.dumps(dict(sorted(versions.items()))), started),
            )
        return int(cursor.lastrowid or 0)

    def finish_run(
        self,
        run_id: int,
        *,
        outcome: str,
        counts: Mapping[str, Any],
        watermark_before: str | None = None,
        watermark_after: str | None = None,
        finished: str,
    ) -> None:
        """Note how a run ended."""
        with self.transaction():
            self._connection.execute(
                "UPDATE runs SET outcome = ?, counts = ?, watermark_before = ?, watermark_after = ?, finished = ? WHERE id = ?",
                (outcome, store_rows.dumps(dict(sorted(counts.items()))), watermark_before, watermark_after, finished, run_id),
            )
            store_refresh.forget_touched(self._connection)

    def runs(self) -> list[Run]:
        """Return all runs, the first first."""
        with told(self.path):
            rows = self._connection.execute("SELECT * FROM runs ORDER BY id").fetchall()
        return [Run(**{**dict(row), "versions": json.loads(row["versions"]), "counts": json.loads(row["counts"])}) for row in rows]

    def save(self, mined: Mined, evidence: Sequence[Evidence], *, run_id: int | None, mining_version: str, topic: str) -> Outcome:
        """Keep what was mined from a record; what is unchanged writes nothing.

        A changed record's former state moves to ``record_versions``; a withdrawn record keeps no mention and no evidence.
        """
        with self.transaction():
            return store_write.save(self._connection, mined, evidence, run_id=run_id, mining_version=mining_version, topic=topic)

    def changes(self, run_id: int) -> list[Change]:
        """Return the rows that a run added, changed or took away, each with its cause."""
        names = "run_id, pmid, key, change, cause, statement"
        with told(self.path):
            rows = self._connection.execute(f"SELECT {names} FROM evidence_changes WHERE run_id = ? ORDER BY pmid, key, change", (run_id,))
            return [Change(**dict(row)) for row in rows]

    def delete(self, pmids: Iterable[str], *, run_id: int | None, reason: str) -> int:
        """Withdraw records: they stay, with their former state, but hold no evidence; return how many were there to withdraw."""
        with self.transaction():
            return sum(store_write.withdraw(self._connection, pmid, run_id=run_id, reason=reason) for pmid in pmids)

    def set_aside(self, run_id: int, source: str, identifier: str, reason: str) -> None:
        """Note a record that could not be read, and why."""
        with self.transaction():
            seq = "(SELECT coalesce(max(seq), 0) + 1 FROM set_aside WHERE run_id = :run)"
            values = {"run": run_id, "source": source, "identifier": identifier, "reason": reason}
            self._connection.execute(f"INSERT INTO set_aside VALUES (:run, {seq}, :source, :identifier, :reason)", values)

    def aside(self, run_id: int) -> list[tuple[str, str, str]]:
        """Return (source, identifier, reason) of what a run set aside, in order."""
        with told(self.path):
            rows = self._connection.execute("SELECT source, identifier, reason FROM set_aside WHERE run_id = ? ORDER BY seq", (run_id,))
            return [tuple(row) for row in rows]

    def digests(self, topic: str | None = None) -> dict[str, tuple[str, str]]:
        """Return PMID → (digest of the record, mining version) of every record, or of a topic's."""
        clause, values = _of_topic(topic)
        with told(self.path):
            rows = self._connection.execute(f"SELECT pmid, sha256, mining_version FROM records {clause} ORDER BY pmid", values)
            return {row["pmid"]: (row["sha256"], row["mining_version"]) for row in rows}

    def passed_over(self, topic: str) -> dict[str, PassedOver]:
        """Return what was read for a topic and did not matter to it, by PMID."""
        with told(self.path):
            return store_refresh.passed_over(self._connection, topic)

    def passed_over_records(self, topic: str, source_version: str) -> Iterator[Record]:
        """Yield the records that were passed over by other rules than these, by PMID."""
        with told(self.path):
            yield from store_refresh.passed_over_records(self._connection, topic, source_version)

    def pass_over(self, record: Record, *, topic: str, source_version: str, run_id: int) -> None:
        """Keep a record that did not matter, so that other rules can read it without fetching it again."""
        with self.transaction():
            store_refresh.pass_over(self._connection, record, topic=topic, source_version=source_version, run_id=run_id)

    def drop_passed_over(self, topic: str, pmids: Iterable[str]) -> None:
        """Forget passed-over records that matter now, or are gone."""
        with self.transaction():
            store_refresh.drop_passed_over(self._connection, topic, pmids)

    def lost_rows(self) -> list[tuple[str, str]]:
        """Return (PMID, key) of the rows that should stand in the table by the ledger of changes, and do not."""
        with told(self.path):
            return store_refresh.lost_rows(self._connection)

    def gone_rows(self) -> dict[tuple[str, str], tuple[int, str]]:
        """Return (PMID, key) → (run, cause) of every row whose last change was that it went."""
        with told(self.path):
            return store_refresh.gone_rows(self._connection)

    def source_names(self, topic: str) -> set[str]:
        """Return the names of the source files that were wholly taken in for a topic, by whatever rules."""
        with told(self.path):
            return {row["name"] for row in self._connection.execute("SELECT name FROM sources_seen WHERE topic = ?", (topic,))}

    def sources(self, topic: str | None = None) -> list[Source]:
        """Return what the records of a topic came from, the largest source first."""
        with told(self.path):
            return store_query.sources(self._connection, topic)

    def source_seen(self, topic: str, digest: str, mining_version: str) -> bool:
        """Tell whether a source file was wholly taken in for a topic under this mining version."""
        with told(self.path):
            where = "topic = ? AND digest = ? AND mining_version = ?"
            return self._row(f"SELECT 1 FROM sources_seen WHERE {where}", topic, digest, mining_version) is not None

    def mark_source(self, topic: str, digest: str, name: str, mining_version: str, run_id: int | None) -> None:
        """Note that a source file was wholly taken in."""
        with self.transaction():
            values = (topic, digest, name, mining_version, run_id)
            self._connection.execute("INSERT OR IGNORE INTO sources_seen VALUES (?, ?, ?, ?, ?)", values)

    def watermark(self, topic: str) -> str | None:
        """Return up to when the topic is complete, or None."""
        with told(self.path):
            row = self._row("SELECT value FROM watermarks WHERE topic = ?", topic)
        return None if row is None else str(row["value"])

    def set_watermark(self, topic: str, value: str) -> None:
        """Note up to when the topic is complete."""
        with self.transaction():
            if self.watermark(topic) != value:
                upsert = "INSERT INTO watermarks VALUES (?, ?) ON CONFLICT (topic) DO UPDATE SET value = excluded.value"
                self._connection.execute(upsert, (topic, value))

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each kind, and of propositions."""
        with told(self.path):
            counts = {name: int(self._connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in _COUNTED}
            counts["propositions"] = int(self._connection.execute("SELECT count(DISTINCT key) FROM evidence").fetchone()[0])
        return counts

    def record(self, pmid: str) -> Record | None:
        """Return a record, or None."""
        with told(self.path):
            row = self._row("SELECT * FROM records WHERE pmid = ?", pmid)
        return None if row is None else store_rows.record_of(dict(row))

    def records(self, *, topic: str | None = None) -> Iterator[Record]:
        """Yield all records, or a topic's, by PMID."""
        clause, values = _of_topic(topic)
        with told(self.path):
            for row in self._connection.execute(f"SELECT * FROM records {clause} ORDER BY pmid", values):
                yield store_rows.record_of(dict(row))

    def versions(self, pmid: str) -> list[dict[str, Any]]:
        """Return the former states of a record, the oldest first."""
        with told(self.path):
            rows = self._connection.execute("SELECT * FROM record_versions WHERE pmid = ? ORDER BY seq", (pmid,)).fetchall()
        return [{**dict(row), "sections": json.loads(row["sections"]), "notices": json.loads(row["notices"])} for row in rows]

    def mentions(self, pmid: str) -> tuple[Mention, ...]:
        """Return the mentions of a record in order of offset."""
        with told(self.path):
            rows = self._connection.execute("SELECT * FROM mentions WHERE pmid = ? ORDER BY seq", (pmid,)).fetchall()
        return tuple(store_rows.mention_of(row) for row in rows)

    def evidence(self, **filters: object) -> Iterator[Paper]:
        """Yield the evidence that the filters let through (``table.Filters``), in the order of the table."""
        chosen = Filters.of(filters)
        with told(self.path):
            yield from store_query.evidence(self._connection, chosen)

    def table(self, **filters: object) -> Iterator[TableRow]:
        """Yield one row for each proposition over the evidence that the filters let through."""
        chosen = Filters.of(filters)
        with told(self.path):
            yield from store_query.table(self._connection, chosen)

    def frame(self, *, papers: bool = False, **filters: object) -> pd.DataFrame:
        """Return the table as a DataFrame, or with ``papers`` the evidence that it rests on; filters are those of ``table``."""
        from miner.evidence.frame import frame_of_papers, frame_of_rows

        return frame_of_papers(self.evidence(**filters)) if papers else frame_of_rows(self.table(**filters))

    def fusions(self, *, topic: str | None = None) -> Iterator[FusionMention]:
        """Yield every fusion named in a record that is not withdrawn, with the disease that stands nearest to it."""
        with told(self.path):
            yield from store_query.fusions(self._connection, topic)

    def curate(self, curation: Curation) -> int:
        """Append a curation, bring its row up to what it says, and return its id.

        Raises
        ------
        InputError
            The row is not held, or a field or value is not legal; nothing is kept then.
        """
        with self.transaction():
            return store_curation.append(self._connection, curation)

    def take_curations(self, log: Sequence[Curation]) -> int:
        """Append what of another database's log is not held yet, all or nothing; return how many curations were new.

        Raises
        ------
        InputError
            A curation is not legal, or undoes one that stands nowhere before it.
        """
        with self.transaction():
            return store_curation.take(self._connection, log)

    def row(self, key: str, source: str) -> Paper | None:
        """Return one paper's evidence by the key that was read, whatever its status, or None."""
        return next((item for item in self.evidence(key=key, pmid=source, status=STATUSES) if item.key == key), None)

    def curations(self, key: str | None = None, source: str | None = None) -> list[Curation]:
        """Return the log of curations in the order of their ids: all, or those of a key, a paper, or one row."""
        with told(self.path):
            return store_curation.log(self._connection, key, source)

    def curations_without_row(self) -> list[Curation]:
        """Return the curations that hold and whose row the miner reads no more; they are kept all the same."""
        with told(self.path):
            return store_curation.without_row(self._connection)

    def standing(self) -> set[tuple[str, str]]:
        """Return (PMID, key) of every row, what a curator rejected among them, under the key read and the one that holds."""
        with told(self.path):
            rows = self._connection.execute("SELECT pmid, key FROM evidence UNION SELECT pmid, proposition FROM evidence")
            return {(row["pmid"], row["key"]) for row in rows}

    def integrity(self) -> list[str]:
        """Return what is wrong with the database; empty where all is well."""
        with told(self.path):
            return store_query.integrity(self._connection)

    def _row(self, query: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return row


def _of_topic(topic: str | None) -> tuple[str, tuple[str, ...]]:
    return ("WHERE pmid IN (SELECT pmid FROM record_topics WHERE topic = ?)", (topic,)) if topic else ("", ())


__all__ = ["Change", "Run", "Store"]
