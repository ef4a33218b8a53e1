"""What the words of many lists can begin with, sought in a text all at once, so that a list is tried only where it may succeed."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from ahocorasick_rs import AhoCorasick

_PIECE = re.compile(r"(?:(?P<literal>[\w ,'%/-])|\[(?P<any>[\w ]+-?|-[\w ]*)\]|\(\?:(?P<group>(?:[^()]|\([^()]*\))*)\))(?P<times>[?*{+]?)")
_PLAIN = re.compile(r"(?:[\w ,'%/-](?![?*{]))*")
_WIDTHLESS = re.compile(r"(?:\(\?<?[!=][^()]*\)|\\b)+")
_OUTER = re.compile(r"\\b\(\?:(.*)\)\\b")
_SIGN = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|.", re.S)
_LEAST, _MOST = 2, 64


def openings(word: str) -> frozenset[str]:
    """Strings in lower case, with one of which all that a pattern matches must begin; empty where there are none of two signs."""
    at = before.end() if (before := _WIDTHLESS.match(word)) else 0
    heads = [""]
    while (piece := _PIECE.match(word, at)) and piece["times"] in ("", "?") and len(heads) < _MOST:
        options = [piece["literal"]] if piece["literal"] else list(piece["any"]) if piece["any"] else _split(piece["group"])
        plain = [found[0] if (found := _PLAIN.match(option)) else "" for option in options]
        longer = [head + option for head in heads for option in plain]
        heads, at = heads + longer if piece["times"] else longer, piece.end()
        if plain != options:
            break
    if len(_split(word)) > 1 or min(map(len, heads)) < _LEAST:
        return frozenset()
    return frozenset(head.lower() for head in heads)


def alternatives(pattern: str) -> list[str]:
    """The words of a pattern like ``\\b(?:one|other)\\b``, for `Openings`; another pattern is one word that may begin with anything."""
    outer = _OUTER.fullmatch(pattern)
    return _split(outer[1]) if outer else [""]


def _split(pattern: str) -> list[str]:
    """A pattern at the bars outside every bracket; where its brackets don't match, one part that may begin with anything."""
    parts, depth = [""], 0
    for sign in _SIGN.findall(pattern):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return [""]
        if sign == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


class _Index:
    """The openings of all lists in one automaton, built anew when there are more; the places in the last text are kept."""

    def __init__(self) -> None:
        self._lists: defaultdict[str, set[tuple[int, str]]] = defaultdict(set)
        self._automaton: AhoCorasick | None = None
        self._rows: list[list[tuple[int, str]]] = []
        self._size = 0
        self._seen: tuple[str, list[dict[str, list[int]]]] = "", []

    def add(self, lists: Mapping[str, Iterable[str]]) -> int:
        """Add the openings of named lists; their number is given back."""
        for name, starts in lists.items():
            for start in starts:
                self._lists[" " + _NO_WORD.sub(" ", start)].add((self._size, name))
        self._automaton, self._seen, self._size = None, ("", []), self._size + 1
        return self._size - 1

    def places(self, text: str, number: int) -> Mapping[str, Sequence[int]]:
        """Where the words of each of some lists may begin a word."""
        if self._seen[0] is not text or not self._seen[1]:
            self._seen = text, self._find(text)
        return self._seen[1][number]

    def _find(self, text: str) -> list[dict[str, list[int]]]:
        if self._automaton is None:
            self._automaton, self._rows = AhoCorasick(list(self._lists)), [sorted(held) for held in self._lists.values()]
        found = [defaultdict[str, list[int]](list) for _ in range(self._size)]
        for index, at, _ in self._automaton.find_matches_as_indexes(_words(text), overlapping=True):
            for number, name in self._rows[index]:
                found[number][name].append(at)
        return [{name: sorted(places) for name, places in held.items()} for held in found]


_NO_WORD = re.compile(r"\W")
_INDEX = _Index()


class Openings:
    """Openings of named lists of patterns that match whole words, case ignored."""

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        found = {name: [openings(word) for word in words] for name, words in lists.items()}
        usable = {name: heads for name, heads in found.items() if all(h and all(start[0].isalnum() for start in h) for h in heads)}
        self._gated = frozenset(usable)
        self._number = _INDEX.add({name: frozenset().union(*heads) for name, heads in usable.items()})

    def starts(self, name: str, text: str, start: int, end: int) -> Sequence[int] | None:
        """Places in [start, end) where alone a word of the list may begin; None where it may begin anywhere."""
        if name not in self._gated:
            return None
        if start and text[start - 1].isalnum() and text[start : start + 1].isalnum():
            return None
        found = _INDEX.places(text, self._number).get(name)
        if not found or found[-1] < start or found[0] >= end:
            return ()
        return found[bisect_left(found, start) : bisect_left(found, end)]

    def stand(self, name: str, pattern: re.Pattern[str], text: str, start: int, end: int) -> bool:
        """Does the list's pattern match in [start, end)?"""
        places = self.starts(name, text, start, end)
        if places is None:
            return pattern.search(text[start:end]) is not None
        return bool(places) and any(pattern.match(text, at, end) for at in places)

    def spans(self, name: str, pattern: re.Pattern[str], text: str, start: int, end: int) -> list[tuple[int, int]]:
        """Spans of the list's pattern in [start, end), none of which overlaps another."""
        places = self.starts(name, text, start, end)
        if places is None:
            return [(start + m.start(), start + m.end()) for m in pattern.finditer(text[start:end])]
        found: list[tuple[int, int]] = []
        for at in places:
            if (not found or at >= found[-1][1]) and (match := pattern.match(text, at, end)):
                found.append(match.span())
        return found


@lru_cache(maxsize=4)
def _words(text: str) -> str:
    """A text in lower case, a blank for each sign that is of no word, and one before it all; lower case must not move a letter."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return " " + _NO_WORD.sub(" ", lower)
