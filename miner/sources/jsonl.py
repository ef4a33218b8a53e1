"""JSONL → records: one object a line, ``{id, pmid, title, abstract | sections: [{label, text}], doi?, …}``; text is kept as it is given."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from miner.errors import InputError
from miner.schema import Record, Section, Status
from miner.sources import values
from miner.sources.lines import lines
from miner.sources.medline import Stream

_STRINGS = ("doi", "pmcid", "journal", "pub_date", "language", "copyright", "revised")
_LISTS = ("publication_types", "mesh", "keywords", "authors", "nct_ids")


def read_stream(stream: Stream, source: str) -> Iterator[Record]:
    """Yield a record for each line that is not blank; InputError names ``file:line`` of the first that is none."""
    for number, line in lines(stream, source):
        if not line.strip():
            continue
        try:
            yield record_of(json.loads(line), source)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{source}:{number}: {_reason(error)}") from error


def record_of(row: Any, source: str = "") -> Record:
    """Build the record of one parsed object; ValueError says which field is wrong."""
    if not isinstance(row, Mapping):
        raise ValueError(f"is no object but {type(row).__name__}")
    pmid = _string(row, "pmid")
    identifier = _string(row, "id") or pmid
    if not identifier:
        raise ValueError("has neither id nor pmid")
    title = _string(row, "title") or ""
    sections = _sections(row)
    strings = {key: _string(row, key) for key in _STRINGS}
    lists: dict[str, tuple[str, ...]] = {key: _strings(row, key) for key in _LISTS}
    lists["nct_ids"] = tuple(dict.fromkeys((*lists["nct_ids"], *values.nct_ids(title, values.sections_text(sections)))))
    fields: dict[str, Any] = {**strings, **lists}
    status = _status(row, title, lists["publication_types"])
    record = Record(
        id=identifier, pmid=pmid, title=title, sections=sections, status=status, version=_version(row), source=source, **fields
    )
    record.text.encode()  # half a surrogate pair is no text
    return record


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is no JSON: {error.msg} at column {error.colno}"
    if isinstance(error, UnicodeEncodeError):
        return "holds half a surrogate pair"
    return "is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _string(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and key in {"id", "pmid"}:
        return str(value)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is no text but {type(value).__name__}")
    return value or None


def _strings(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = row.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{key} is no list of texts")
    return tuple(value)


def _sections(row: Mapping[str, Any]) -> tuple[Section, ...]:
    parts = row.get("sections")
    if parts is None:
        abstract = _string(row, "abstract")
        return (Section(None, abstract),) if abstract else ()
    if not isinstance(parts, list):
        raise ValueError("sections is no list")
    return tuple(_section(part) for part in parts)


def _section(part: Any) -> Section:
    if isinstance(part, list) and len(part) == 2:
        part = {"label": part[0], "text": part[1]}
    if not isinstance(part, Mapping):
        raise ValueError("a section is no object with label and text")
    return Section(_string(part, "label"), _string(part, "text") or "")


def _status(row: Mapping[str, Any], title: str, types: tuple[str, ...]) -> Status:
    given = _string(row, "status")
    if given is None:
        return values.status(title, types, ())
    if given not in set(Status):
        raise ValueError(f"status is {given!r}, not one of {', '.join(Status)}")
    return Status(given)


def _version(row: Mapping[str, Any]) -> int:
    version = row.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool):
        raise ValueError("version is no number")
    return version
