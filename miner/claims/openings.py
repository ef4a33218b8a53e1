"""What the words of many lists can begin with, sought in a text all at once, so that a list is tried only where it may succeed."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping

from ahocorasick_rs import AhoCorasick

_PIECE = re.compile(r"(?:(?P<literal>[\w ,'%/-])|\[(?P<any>[\w ]+-?|-[\w ]*)\]|\(\?:(?P<group>[^()]*)\))(?P<times>[?*{+]?)")
_PLAIN = re.compile(r"(?:[\w ,'%/-](?![?*{]))*")
_WIDTHLESS = re.compile(r"(?:\(\?<?[!=][^()]*\)|\\b)+")
_LEAST, _MOST = 2, 64


def openings(word: str) -> frozenset[str]:
    """Strings in lower case, with one of which all that a pattern matches must begin; empty where there are none of two signs."""
    at = before.end() if (before := _WIDTHLESS.match(word)) else 0
    heads = [""]
    while (piece := _PIECE.match(word, at)) and piece["times"] in ("", "?") and len(heads) < _MOST:
        options = [piece["literal"]] if piece["literal"] else list(piece["any"]) if piece["any"] else piece["group"].split("|")
        plain = [found[0] if (found := _PLAIN.match(option)) else "" for option in options]
        longer = [head + option for head in heads for option in plain]
        heads, at = heads + longer if piece["times"] else longer, piece.end()
        if plain != options:
            break
    if _has_alternatives(word) or min(map(len, heads)) < _LEAST:
        return frozenset()
    return frozenset(head.lower() for head in heads)


def _has_alternatives(word: str) -> bool:
    """Whether a pattern has a bar outside every bracket."""
    depth = 0
    for sign in re.sub(r"\\.|\[[^\]]*\]", "", word):
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and not depth:
            return True
    return False


class Openings:
    """Openings of named lists of patterns that match whole words, case ignored; the places in the last text are kept."""

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        self._gated: set[str] = set()
        names: defaultdict[str, list[str]] = defaultdict(list)
        for name, words in lists.items():
            found = [openings(word) for word in words]
            if all(found):
                self._gated.add(name)
                for start in frozenset().union(*found):
                    names[start].append(name)
        self._names = list(names.values())
        self._automaton = AhoCorasick(list(names))
        self._seen: tuple[str, dict[str, list[int]], set[tuple[str, int]]] = "", {}, set()

    def may_stand(self, name: str, text: str, start: int, end: int) -> bool:
        """Return False only where no word of the list begins in [start, end), taken by itself."""
        if name not in self._gated:
            return True
        seen, places, inside = self._seen
        if seen is not text:
            places, inside = self._places(text)
            self._seen = text, places, inside
        found = places.get(name, ())
        at = bisect_left(found, start)
        return (at < len(found) and found[at] < end) or (name, start) in inside

    def _places(self, text: str) -> tuple[dict[str, list[int]], set[tuple[str, int]]]:
        """Where each list's words may begin a word, and where they stand inside one; lower case must not move a letter."""
        lower, places, inside = text.lower(), defaultdict[str, list[int]](list), set[tuple[str, int]]()
        if len(lower) != len(text):
            lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        for index, at, _ in self._automaton.find_matches_as_indexes(lower, overlapping=True):
            if at and (lower[at - 1].isalnum() or lower[at - 1] == "_"):
                inside.update((name, at) for name in self._names[index])
            else:
                for name in self._names[index]:
                    places[name].append(at)
        return {name: sorted(found) for name, found in places.items()}, inside
