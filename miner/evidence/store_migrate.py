"""Bring a database of an earlier schema up to date, each step whole or not at all; nothing that is held is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from miner.evidence.store_insert import insert_facets
from miner.evidence.store_rows import record_of, row_weight
from miner.evidence.store_schema import CURATIONS, EVIDENCE, PASSED_OVER, TOUCHED, WORDS
from miner.evidence.trials import trial_names


def migrate(connection: sqlite3.Connection, to: int) -> None:
    """Take the steps from the database's schema to the one given; another process may have taken some meanwhile."""
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        while _version(connection) < to:
            _step(connection, to)
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _step(connection: sqlite3.Connection, to: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        if version < to:
            STEPS[version](connection)
            connection.execute(f"PRAGMA user_version = {version + 1}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Run statements, each on lines of its own, inside the transaction; ``executescript`` would end it."""
    for statement in _statements(script):
        connection.execute(statement)


def _statements(script: str) -> Iterator[str]:
    held = ""
    for line in script.splitlines(keepends=True):
        held += line
        if sqlite3.complete_statement(held):
            yield held
            held = ""


def _to_2(connection: sqlite3.Connection) -> None:
    run_script(connection, PASSED_OVER)


_OLD = ("evidence", "evidence_claims", "facets", "evidence_facets")
_MOVE = """
INSERT INTO evidence (key, pmid, proposition, claim_type, type_rank, evidence_type, molecular_profile, genes, disease, disease_key,
    therapies, therapy_interaction_type, significance, direction, polarity, level, study_type, statement, source, status, figures,
    warnings, n_patients, background, sentence, year, weight, rule)
SELECT e.key, e.pmid, e.key, e.claim_type, e.type_rank, e.evidence_type, e.molecular_profile, e.genes, e.disease, e.disease_key,
    e.therapies, e.therapy_interaction_type, e.significance, e.direction, e.polarity, e.level, e.study_type, e.statement, e.source,
    e.status, e.figures, e.warnings, e.n_patients, e.background, e.sentence, r.year, 0,
    coalesce((SELECT c.rule FROM old_evidence_claims ec JOIN claims c ON c.pmid = ec.pmid AND c.seq = ec.claim_seq
              WHERE ec.key = e.key AND ec.pmid = e.pmid ORDER BY ec.rank LIMIT 1), '')
FROM old_evidence e JOIN records r ON r.pmid = e.pmid ORDER BY e.type_rank, e.molecular_profile, e.key, e.pmid;

INSERT INTO evidence_claims (evidence, rank, pmid, claim_seq)
SELECT e.id, o.rank, o.pmid, o.claim_seq FROM old_evidence_claims o JOIN evidence e ON e.key = o.key AND e.pmid = o.pmid;
"""


def _to_3(connection: sqlite3.Connection) -> None:
    """Number the evidence, keep what it stands for beside what was read, index its words, make place for curations."""
    run_script(connection, "DROP INDEX evidence_order;\nDROP INDEX evidence_pmid;\nDROP INDEX evidence_facets_row;\n")
    for name in _OLD:
        connection.execute(f"ALTER TABLE {name} RENAME TO old_{name}")
    run_script(connection, EVIDENCE + CURATIONS + WORDS + _MOVE)
    columns = [item[1] for item in connection.execute("PRAGMA table_info(evidence)")]
    rows = connection.execute("SELECT e.*, r.status FROM evidence e JOIN records r ON r.pmid = e.pmid ORDER BY e.id").fetchall()
    for *values, status in rows:
        row = dict(zip(columns, values, strict=True))
        connection.execute("UPDATE evidence SET weight = ? WHERE id = ?", (row_weight(row, status), row["id"]))
        insert_facets(connection, row, row["id"])
    for name in reversed(_OLD):
        connection.execute(f"DROP TABLE old_{name}")
    _fill_trials(connection)


def _fill_trials(connection: sqlite3.Connection) -> None:
    columns = [item[1] for item in connection.execute("PRAGMA table_info(records)")]
    for values in connection.execute("SELECT * FROM records ORDER BY pmid").fetchall():
        row: dict[str, Any] = dict(zip(columns, values, strict=True))
        connection.executemany("INSERT INTO record_trials VALUES (?, ?)", [(row["pmid"], name) for name in trial_names(record_of(row))])


def _to_4(connection: sqlite3.Connection) -> None:
    """Note from now on which evidence is touched."""
    run_script(connection, TOUCHED)


STEPS: dict[int, Callable[[sqlite3.Connection], None]] = {1: _to_2, 2: _to_3, 3: _to_4}
"""Schema version → what brings it to the next."""
