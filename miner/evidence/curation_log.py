"""The log of curations as JSON lines: out of one database and into another, so that curation outlives a rebuild from nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import TextIO

from miner.errors import InputError
from miner.schema import Curation

_FIELDS = {spec.name for spec in fields(Curation)}
_NEEDED = ("id", "at", "curator", "action", "key", "source")


def write_log(log: Iterable[Curation], out: TextIO) -> int:
    """Write one JSON object a curation, in the order of the log; return how many."""
    lines = [json.dumps(asdict(item) | {"action": str(item.action)}, ensure_ascii=False) + "\n" for item in log]
    out.writelines(lines)
    return len(lines)


def read_log(path: Path) -> tuple[Curation, ...]:
    """Return the curations of a file; raise InputError that names the line where one cannot be read."""
    try:
        with path.open(encoding="utf-8") as handle:
            return tuple(_read(handle, path))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _read(handle: TextIO, path: Path) -> Iterator[Curation]:
    for number, line in enumerate(handle, 1):
        if not line.strip():
            continue
        try:
            held = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}:{number} is no JSON object ({error})") from error
        if not isinstance(held, dict):
            raise InputError(f"{path}:{number} is no JSON object")
        if missing := [name for name in _NEEDED if name not in held]:
            raise InputError(f"{path}:{number} lacks {', '.join(missing)}")
        if unknown := sorted(set(held) - _FIELDS):
            raise InputError(f"{path}:{number} holds what no curation has: {', '.join(unknown)}")
        yield Curation(**held)
