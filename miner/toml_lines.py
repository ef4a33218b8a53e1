"""Where in a TOML text each key and each string of its value stands, which tomllib does not tell."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
_HEADER = re.compile(r"\s*(\[\[?)(.*?)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w.-]|\s(?=[\s.=])|"(?:\\.|[^"\\])*"|'[^']*')+?)\s*=""")
_TOKEN = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*|[\[\]{}]')


class Lines:
    """Lines of the keys and strings of a TOML text that parses."""

    def __init__(self, text: str) -> None:
        self._keys: dict[Path, int] = {}
        self._strings: dict[Path, list[int]] = {}
        self._depth, self._quote = 0, ""
        tables: Counter[Path] = Counter()
        table: Path = ()
        path: Path = ()
        for number, line in enumerate(text.splitlines(), start=1):
            if self._depth or self._quote:
                self._scan(path, number, line)
            elif header := _HEADER.match(line):
                table = _deepest(tomllib.loads(f"[{header[2]}]"))
                if header[1] == "[[":
                    tables[table] += 1
                    table = (*table, tables[table] - 1)
                self._keys.setdefault(table, number)
            elif key := _KEY.match(line):
                path = (*table, *_deepest(tomllib.loads(f"{key[1]} = 0")))
                self._keys.setdefault(path, number)
                self._scan(path, number, line[key.end() :])

    def _scan(self, path: Path, number: int, line: str) -> None:
        """Note the strings of a value that goes on over this line, and whether it ends here."""
        place = 0
        while place < len(line):
            if self._quote:
                end = line.find(self._quote, place)
                if end < 0:
                    return
                place, self._quote = end + 3, ""
                continue
            token = _TOKEN.search(line, place)
            if token is None:
                return
            place = token.end()
            if token[0][0] in "\"'":
                self._strings.setdefault(path, []).append(number)
                self._quote = token[0] if token[0] in ('"""', "'''") else ""
            elif token[0][0] != "#":
                self._depth += 1 if token[0] in "[{" else -1

    def of(self, path: Path) -> int:
        """Line of the key or table at a path, or of the nearest that holds it; 1 where there is none."""
        return next((self._keys[path[:size]] for size in range(len(path), -1, -1) if path[:size] in self._keys), 1)

    def strings(self, path: Path, value: Any) -> Iterator[tuple[int, str]]:
        """Yield (line, string) of every string of the value that stands at a path, in their order."""
        found = list(strings_of(value))
        lines = self._strings.get(path, [])
        exact = len(lines) == len(found)
        for place, text in enumerate(found):
            yield (lines[place] if exact else self.of(path)), text


def _deepest(data: dict[str, Any]) -> Path:
    path: Path = ()
    held: Any = data
    while isinstance(held, dict) and held:
        key, held = next(iter(held.items()))
        path = (*path, key)
    return path


def strings_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings_of(inner)
