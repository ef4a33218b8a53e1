"""Gold rows that hold facts alone get the texts that they were annotated from, by PMID."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from miner.errors import InputError
from miner.schema import Record
from miner.sources import read_records, source_files

Row = Mapping[str, Any]


def with_texts(path: Path, rows: Iterable[Row], texts: Sequence[Path]) -> list[Row]:
    """Give each gold row of facts alone the text of its PMID (or id).

    Raises
    ------
    InputError
        A text is in none of the files, or is not the one that was annotated.
    """
    rows = list(rows)
    missing = {str(row["pmid"] or row["id"]) for row in rows if not _has_text(row)}
    found = _find(missing, texts)
    if missing - found.keys():
        some = ", ".join(sorted(missing - found.keys())[:3])
        raise InputError(f"{path}: {len(missing - found.keys())} texts are not there ({some}); name the files that hold them with --texts")
    return [row if _has_text(row) else _texted(path, row, found[str(row["pmid"] or row["id"])]) for row in rows]


def _has_text(row: Row) -> bool:
    return "abstract" in row or "sections" in row


def _find(wanted: set[str], texts: Sequence[Path]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for path in (file for source in texts for file in source_files(source)):
        held = (r for r in read_records(path) if isinstance(r, Record)) if wanted - found.keys() else ()
        found.update((key, r) for r in held for key in (r.pmid or r.id, r.id) if key in wanted and key not in found)
    return found


def _texted(path: Path, row: Row, record: Record) -> Row:
    if row.get("characters", len(record.text)) != len(record.text):
        lengths = f"{len(record.text)} characters long, that of the one annotated {row['characters']}"
        raise InputError(f"{path}: the text of {row['id']} is {lengths}: it is another version")
    return {**row, "title": record.title, "sections": [{"label": part.label, "text": part.text} for part in record.sections]}
