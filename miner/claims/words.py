"""Word lists of a rule file as patterns: ``[anywhere]``, ``[before]`` (straight before a place) and ``[after]`` (straight after it)."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections import defaultdict
from functools import cache, cached_property
from importlib import resources

from ahocorasick_rs import AhoCorasick

from miner.errors import LexiconError

_FRAMES = {"anywhere": (r"(?<!\w)(?:", r")(?!\w)"), "before": (r"(?<!\w)(?:", r")\s*$"), "after": (r"^\s*(?:", r")(?!\w)")}


class Words:
    """Patterns by name; a list is regular expressions, any of which may match whole words, case ignored."""

    def __init__(self, file: str, content: str) -> None:
        self.file, self._content = file, content
        self._seen: tuple[str, dict[str, list[int]]] = "", {}
        try:
            tables = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            raise LexiconError(f"{file}: {error}; mend the TOML") from error
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._openings: dict[str, frozenset[str]] = {}
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
        starts = [openings(str(word)) for word in words]
        if frame != "after" and all(starts):
            self._openings[name] = frozenset(start for found in starts for start in found)

    def _where(self, entry: str) -> str:
        at = self._content.find(entry)
        return f"{self.file}:{self._content.count(chr(10), 0, at) + 1}" if at >= 0 else self.file

    def __getitem__(self, name: str) -> re.Pattern[str]:
        if name not in self._patterns:
            raise LexiconError(f"{self.file}: the list {name!r} is missing; add it")
        return self._patterns[name]

    @cached_property
    def _finder(self) -> tuple[AhoCorasick, list[list[str]]]:
        """All openings as one automaton, and the lists that each of them opens."""
        lists: dict[str, list[str]] = {}
        for name, starts in self._openings.items():
            for start in starts:
                lists.setdefault(start, []).append(name)
        return AhoCorasick(list(lists)), list(lists.values())

    def _may_stand(self, name: str, text: str, start: int, end: int) -> bool:
        """Can a word of the list stand in [start, end)? The last text's openings are kept, sought all at once."""
        if name not in self._openings:
            return True
        seen, places = self._seen
        if seen is not text:
            places = self._places(text)
            self._seen = text, places
        found = places.get(name, ())
        at = bisect_left(found, start)
        return at < len(found) and found[at] < end

    def _places(self, text: str) -> dict[str, list[int]]:
        """Where each list's words may begin; lower case must not move a letter."""
        automaton, lists = self._finder
        lower, places = text.lower(), defaultdict[str, list[int]](list)
        if len(lower) != len(text):
            lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        for index, at, _ in automaton.find_matches_as_indexes(lower, overlapping=True):
            if not (at and (lower[at - 1].isalnum() or lower[at - 1] == "_")):
                for opened in lists[index]:
                    places[opened].append(at)
        return {opened: sorted(found) for opened, found in places.items()}

    def within(self, name: str, text: str, start: int, end: int) -> bool:
        """Does a word of the list stand in [start, end)?"""
        return self._may_stand(name, text, start, end) and self[name].search(text[start:end]) is not None

    def spans(self, name: str, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """Spans of the words of a list in [start, end), as offsets into the text."""
        if not self._may_stand(name, text, start, end):
            return []
        return [(start + m.start(), start + m.end()) for m in self[name].finditer(text[start:end])]


_PIECE = re.compile(r"(?:(?P<literal>[\w ,'%/-])|\[(?P<any>[\w ]+-?|-[\w ]*)\]|\(\?:(?P<group>[\w |-]*)\))(?P<times>[?*{+]?)")
_LEAST, _MOST = 2, 64


def openings(word: str) -> frozenset[str]:
    """Strings in lower case, with one of which all that a pattern matches must begin; empty where there are none of two signs."""
    heads, at = [""], 0
    while (piece := _PIECE.match(word, at)) and piece["times"] in ("", "?") and len(heads) < _MOST:
        options = [piece["literal"]] if piece["literal"] else list(piece["any"]) if piece["any"] else piece["group"].split("|")
        longer = [head + option for head in heads for option in options]
        heads, at = heads + longer if piece["times"] else longer, piece.end()
    if _ALTERNATIVES.search(re.sub(r"\([^()]*\)", "", word)) or min(map(len, heads)) < _LEAST:
        return frozenset()
    return frozenset(head.lower() for head in heads)


_ALTERNATIVES = re.compile(r"\||\?\?|\?\+")


@cache
def load(file: str) -> Words:
    """The word lists of one of the package's rule files."""
    return Words(file, (resources.files("miner") / "data" / "rules" / file).read_text(encoding="utf-8"))
