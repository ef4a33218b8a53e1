"""Word lists of a rule file as patterns: ``[anywhere]``, ``[before]`` (straight before a place) and ``[after]`` (straight after it)."""

from __future__ import annotations

import re
import tomllib
from functools import cache, cached_property

from miner import rule_files
from miner.claims.openings import Openings
from miner.errors import LexiconError

_FRAMES = {"anywhere": (r"(?<!\w)(?:", r")(?!\w)"), "before": (r"(?<!\w)(?:", r")\s*$"), "after": (r"^\s*(?:", r")(?!\w)")}


class Words:
    """Patterns by name; a list is regular expressions, any of which may match whole words, case ignored."""

    def __init__(self, file: str, content: str) -> None:
        self.file, self._content = file, content
        try:
            tables = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            raise LexiconError(f"{file}: {error}; mend the TOML") from error
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._sought: dict[str, list[str]] = {}
        for frame, lists in tables.items():
            if frame not in _FRAMES or not isinstance(lists, dict):
                raise LexiconError(f"{self._where(frame)}: table {frame!r} is not one of {', '.join(_FRAMES)}")
            for name, words in lists.items():
                self._add(frame, name, words)

    def _add(self, frame: str, name: str, words: object) -> None:
        if name in self._patterns or not isinstance(words, list) or not words:
            raise LexiconError(f"{self._where(name)}: {name!r} must be one list of words, and be named once")
        for word in words:
            try:
                re.compile(word)
            except (re.error, TypeError) as error:
                raise LexiconError(f"{self._where(str(word))}: {word!r} is no pattern ({error})") from error
        left, right = _FRAMES[frame]
        self._patterns[name] = re.compile(left + "|".join(words) + right, re.I)
        if frame != "after":
            self._sought[name] = words

    def _where(self, entry: str) -> str:
        at = self._content.find(entry)
        return f"{self.file}:{self._content.count(chr(10), 0, at) + 1}" if at >= 0 else self.file

    def __getitem__(self, name: str) -> re.Pattern[str]:
        if name not in self._patterns:
            raise LexiconError(f"{self.file}: the list {name!r} is missing; add it")
        return self._patterns[name]

    @cached_property
    def _openings(self) -> Openings:
        return Openings(self._sought)

    def within(self, name: str, text: str, start: int, end: int) -> bool:
        """Does a word of the list stand in [start, end)?"""
        return self._openings.stand(name, self[name], text, start, _whole(text, start, end))

    def spans(self, name: str, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """Spans of the words of a list in [start, end), as offsets into the text."""
        return self._openings.spans(name, self[name], text, start, _whole(text, start, end))


def _whole(text: str, start: int, end: int) -> int:
    """An end that cuts no word in two: the first half of "cancers" is no "can"."""
    if 0 < end < len(text) and text[end].isalnum():
        while end > start and text[end - 1].isalnum():
            end -= 1
    return end


@cache
def load(file: str) -> Words:
    """The word lists of a rule file."""
    return Words(*rule_files.read(file))
