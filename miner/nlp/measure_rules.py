"""Read a rule file, and say file and line when it does not fit."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from miner import rule_files
from miner.errors import ConfigError


class Rules:
    """A rule file: typed access to its tables, with errors that name ``file:line``."""

    def __init__(self, name: str, text: str | None = None) -> None:
        self.name, self.text = rule_files.read(name) if text is None else (name, text)
        try:
            self.data: Mapping[str, Any] = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            raise ConfigError(f"{self.name}:{line[1] if line else len(self.text.splitlines())}: {error}; mend the TOML") from None

    def line(self, key: str) -> int:
        """Line on which a key or table header stands, or else a word is last listed; 1 when it is absent."""
        lines = self.text.splitlines()
        pattern = re.compile(rf"^\s*(?:{re.escape(key)}\s*=|\[+[\w.]*\b{re.escape(key)}\]+)")
        listed = [i for i, line in enumerate(lines, 1) if f'"{key.lower()}"' in line.lower()]
        return next((i for i, line in enumerate(lines, 1) if pattern.match(line)), listed[-1] if listed else 1)

    def fail(self, key: str, problem: str) -> ConfigError:
        """Error that names where a key stands and what is wrong with it."""
        return ConfigError(f"{self.name}:{self.line(key)}: {problem}")

    def table(self, *path: str) -> Mapping[str, Any]:
        """The table at a path of keys."""
        found: Any = self.data
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
            if found is None:
                raise self.fail(path[0], f"table [{'.'.join(path)}] is missing; add it")
        if not isinstance(found, Mapping):
            raise self.fail(path[-1], f"{'.'.join(path)} must be a table")
        return found

    def words(self, *path: str) -> tuple[str, ...]:
        """The list of strings at a path of keys."""
        found = self.table(*path[:-1]).get(path[-1])
        if not isinstance(found, list) or not all(isinstance(word, str) and word.strip() for word in found):
            raise self.fail(path[-1], f"{'.'.join(path)} must be a list of words, none of them empty")
        if twice := sorted({word for word in found if found.count(word) > 1}):
            raise self.fail(path[-1], f"{'.'.join(path)} holds {', '.join(map(repr, twice))} twice; remove one")
        return tuple(found)

    def word_set(self, *path: str) -> frozenset[str]:
        """The list of strings at a path of keys, as a set."""
        return frozenset(self.words(*path))


@cache
def measure_rules() -> Rules:
    """The rules of measures, read once."""
    return Rules("measures.toml")


_FIRST = re.compile(r"\w+|\S")


def first_words(words: Iterable[str]) -> frozenset[str]:
    """First words of phrases, in lower case: a look into this set spares most tries of an alternation."""
    return frozenset(match[0].lower() for word in words if (match := _FIRST.match(word)))


def alternation(words: Iterable[str]) -> str:
    """A regular expression that matches any of the words, the longest first; a space matches any white space or hyphen."""
    ordered = sorted(set(words), key=lambda word: (-len(word), word))
    return "(?:" + "|".join(r"[\s\-‐–]+".join(map(re.escape, word.split())) for word in ordered) + ")"
