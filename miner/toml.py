"""Read TOML so that every complaint names its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from miner.errors import ConfigError

_BARE_KEY = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*(?:\.|=)|\s*\[+\s*[\"']?([A-Za-z0-9_-]+)")


def read_text(path: Path) -> str:
    """Read a UTF-8 file of settings or a topic, or raise ConfigError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def parse_toml(text: str, path: Path | str) -> dict[str, Any]:
    """Parse TOML, naming the line of a syntax error; a path is named by its last part, a name as it is."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        name = path if isinstance(path, str) else path.name
        where = f"{name}:{line[1]}" if line else f"{name}:{text.count(chr(10)) + 1}"
        raise ConfigError(f"{where}: this is no TOML: {error}") from error


def line_of(text: str, key: str) -> int:
    """Find the line on which a top-level key or table stands (1 where it cannot be told)."""
    for number, line in enumerate(text.splitlines(), start=1):
        found = _BARE_KEY.match(line)
        if found and key in found.groups():
            return number
    return 1
