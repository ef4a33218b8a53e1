"""The table as Parquet: one row a finding, with lists and with its papers and their sentences inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from miner.evidence.export_rows import row_object
from miner.plugins import Exporter, Selection

ROWS_IN_A_GROUP = 5_000


def schema() -> Any:
    """Return the Arrow schema of a row, its fields those of ``jsonl``; ``figures`` are JSON text, since their keys differ."""
    import pyarrow as pa

    text, texts, whole = pa.string(), pa.list_(pa.string()), pa.int64()
    sentence = pa.struct([("start", whole), ("end", whole), ("text", text)])
    paper = pa.struct(
        [(name, text) for name in ("pmid", "title", "journal")]
        + [("year", whole), ("paper_status", text), ("paper_flags", texts), ("study_type", text), ("level", text), ("polarity", text)]
        + [("background", pa.bool_()), ("n_patients", whole), ("figures", text), ("statement", text), ("status", text)]
        + [("warnings", texts), ("sentences", pa.list_(sentence))]
    )
    return pa.schema(
        [(name, text) for name in ("key", "claim_type", "evidence_type", "molecular_profile", "disease")]
        + [("therapies", texts), ("therapy_interaction_type", text), ("significance", text), ("direction", text), ("polarity", text)]
        + [("level", text)]
        + [(name, pa.float64()) for name in ("support", "support_points", "support_confirmed", "support_consistency")]
        + [("n_papers", whole), ("n_studies", whole), ("n_patients", whole), ("pmids", texts), ("n_synthetic", whole)]
        + [("years", pa.list_(whole)), ("studies", pa.list_(texts)), ("superseded", texts), ("warnings", texts)]
        + [("evidence", pa.list_(paper))]
    )


def write_parquet(chosen: Selection, out: BinaryIO) -> None:
    """Write row groups, so that no more than one is held."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = schema()
    objects = _objects(chosen)
    with parquet.ParquetWriter(out, columns, compression="zstd") as writer:
        while group := list(islice(objects, ROWS_IN_A_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=columns))


def _objects(chosen: Selection) -> Iterator[dict[str, Any]]:
    for row in chosen.rows():
        made: dict[str, Any] = row_object(row)
        made["evidence"] = [{**item, "figures": json.dumps(item["figures"], ensure_ascii=False)} for item in made["evidence"]]
        yield made


PARQUET = Exporter(write_parquet, "the table with lists, papers and sentences", binary=True, needs=("pyarrow",), extra="parquet")
