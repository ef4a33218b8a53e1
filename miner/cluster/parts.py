"""A part: everything that one worker read and mined of one file (a shard), as Parquet.

A row is a record that was read, a deletion, a record that was set aside, or the PMID of one that the pre-screen passed
over, in the order of the file. ``record`` and ``mined`` hold the whole as JSON; the other columns are for queries over parts
where they lie: ``SELECT e.* FROM 'parts/*.parquet', unnest(evidence) AS t(e)``.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from miner.errors import ConfigError, InputError
from miner.schema import Evidence

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:  # pragma: no cover - the extra is installed where tests run
    raise ConfigError("mining into parts needs pyarrow: pip install 'ntrk-miner[cluster]'") from error

FORM = "1"
ROWS_A_GROUP = 256
SUFFIX = ".parquet"

_EVIDENCE = pa.struct(
    [
        *((name, pa.string()) for name in ("key", "claim_type", "evidence_type", "molecular_profile", "disease")),
        ("therapies", pa.list_(pa.string())),
        *((name, pa.string()) for name in ("significance", "evidence_direction", "polarity", "evidence_level", "statement", "figures")),
        ("start", pa.int32()),
        ("end", pa.int32()),
    ]
)
SCHEMA = pa.schema(
    [
        ("kind", pa.string()),  # record, deleted, rejected, failed, passed over
        ("pmid", pa.string()),
        ("version", pa.int32()),
        ("relevant", pa.bool_()),
        ("study_type", pa.string()),
        ("evidence_level", pa.string()),
        ("reason", pa.string()),
        ("record", pa.large_string()),
        ("mined", pa.large_string()),
        ("evidence", pa.list_(_EVIDENCE)),
    ]
)


@dataclass(frozen=True)
class Facts:
    """What a part says of itself: its shard by name and digest, what it was mined by, and what became of the records."""

    shard: str
    digest: str
    version: str
    counts: dict[str, int] = field(default_factory=dict)
    form: str = FORM


def part_path(folder: Path, name: str, digest: str) -> Path:
    """Where the part of a shard lies: two files of one name and different content have two parts."""
    return folder / f"{name}.{digest[:12]}{SUFFIX}"


def evidence_row(item: Evidence) -> dict[str, Any]:
    """Columns of one row of evidence."""
    best = item.claims[0]
    return {
        "key": item.key,
        "claim_type": str(item.claim_type),
        "evidence_type": item.evidence_type,
        "molecular_profile": item.molecular_profile,
        "disease": item.disease,
        "therapies": list(item.therapies),
        "significance": item.significance,
        "evidence_direction": str(item.evidence_direction),
        "polarity": str(item.polarity),
        "evidence_level": item.evidence_level,
        "statement": item.statement,
        "figures": json.dumps(dict(item.figures), ensure_ascii=False),
        "start": best.start,
        "end": best.end,
    }


def write(path: Path, rows: Iterable[dict[str, Any]], facts: Facts) -> Facts:
    """Write a part beside its place and move it there when it is whole; return its facts with what it counted.

    Two workers may write the same part at once: the last one wins, and both wrote the same.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part")
    counts: dict[str, int] = {}
    try:
        with beside.open("wb") as handle:
            with pq.ParquetWriter(handle, SCHEMA, compression="zstd") as writer:
                for group in _groups(rows):
                    for row in group:
                        counts[row["kind"]] = counts.get(row["kind"], 0) + 1
                        counts["relevant"] = counts.get("relevant", 0) + bool(row["relevant"])
                        counts["evidence"] = counts.get("evidence", 0) + len(row["evidence"] or ())
                    writer.write_table(pa.Table.from_pylist(group, schema=SCHEMA))
                told = Facts(facts.shard, facts.digest, facts.version, counts)
                writer.add_key_value_metadata({"miner": json.dumps(told.__dict__, sort_keys=True)})
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return told


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    for row in rows:
        group.append(row)
        if len(group) >= ROWS_A_GROUP:
            yield group
            group = []
    if group:
        yield group


def facts(path: Path) -> Facts | None:
    """What a part says of itself; None where there is none, or none that can be read (it is then written anew)."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
        told = Facts(**json.loads(metadata[b"miner"]))
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException):
        return None
    return told if told.form == FORM else None


def read(path: Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a part in order; InputError where it is damaged."""
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS_A_GROUP, columns=columns):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read: {error}; delete it and mine again") from error
