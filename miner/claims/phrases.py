"""Many short phrases sought in one text at once.

A phrase is words without regard to case: ``*`` stands for any letters, ``#`` for a number in figures or words, ``...`` for up to
four words between; a blank fits blanks, hyphens, dashes and slashes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick

_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|"
    "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred"
)
NUMBER = rf"(?:\d[\d,.]*|(?:{_NUMBER_WORDS})(?:[\s-](?:{_NUMBER_WORDS}))?)"
_BY_LETTER = {w[0]: [v[1:] for v in _NUMBER_WORDS.split("|") if v[0] == w[0]] for w in _NUMBER_WORDS.split("|")}
_BEGINNINGS = "|".join(rf"(?<={letter})(?:{'|'.join(rests)})" for letter, rests in _BY_LETTER.items())
# A number in lower case by its first sign and what follows it: a set of signs is sought faster than a place between letters.
NUMBER_FIRST = rf"\d{''.join(_BY_LETTER)}"
NUMBER_REST = rf"(?:(?<=\d)[\d,.]*|(?:{_BEGINNINGS})(?:[\s-](?:{_NUMBER_WORDS}))?)"
_NUMBERS = re.compile(rf"[{NUMBER_FIRST}](?<!\w[\s\S])(?:(?<=\d)|(?={_BEGINNINGS}))")
_BLANKS = re.compile(r"[\s\u2010-\u2015/-]+")
_WILD = re.compile(r"[*#]|\.\.\.")


@dataclass(frozen=True, slots=True)
class _Phrase:
    group: int
    plain: bool
    counted: bool
    pattern: re.Pattern[str]


class PhraseFinder:
    """Phrases in numbered groups; a phrase is looked for only where its longest fixed part stands in the text."""

    def __init__(self, phrases: Iterable[tuple[int, str]]) -> None:
        by_anchor: dict[str, list[_Phrase]] = defaultdict(list)
        for group, phrase in phrases:
            folded = fold(phrase)
            anchor = max((part.strip() for part in _WILD.split(folded)), key=len)
            if not anchor:
                raise ValueError(f"the phrase {phrase!r} has no word of its own")
            by_anchor[anchor].append(_Phrase(group, _WILD.search(folded) is None, folded.startswith("# "), _pattern(folded)))
        self._phrases = list(by_anchor.values())
        self._anchors = AhoCorasick(list(by_anchor))

    def find(self, text: str) -> dict[int, set[str]]:
        """Return the distinct stretches of folded text that phrases of each group cover; of two that overlap the first, then the longer."""
        text = fold(text)
        spans: dict[int, set[tuple[int, int]]] = defaultdict(set)
        tried: set[int] = set()
        numbers: list[int] | None = None
        for index, start, end in self._anchors.find_matches_as_indexes(text, overlapping=True):
            whole = not (start and _is_word(text[start - 1])) and not (end < len(text) and _is_word(text[end]))
            for phrase in self._phrases[index]:
                if phrase.plain and whole:
                    spans[phrase.group].add((start, -end))
                elif phrase.plain or id(phrase) in tried:
                    continue
                elif phrase.counted:
                    numbers = [m.start() for m in _NUMBERS.finditer(text)] if numbers is None else numbers
                    spans[phrase.group].update((at, -m.end()) for at in numbers if (m := phrase.pattern.match(text, at)))
                else:
                    spans[phrase.group].update((m.start(), -m.end()) for m in phrase.pattern.finditer(text))
                tried.add(id(phrase))
        return {group: _apart(text, found) for group, found in spans.items() if found}


def fold(text: str) -> str:
    """Lower case, with each run of blanks, hyphens, dashes and slashes as one blank."""
    return _BLANKS.sub(" ", text).lower().strip()


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _apart(text: str, spans: set[tuple[int, int]]) -> set[str]:
    kept, reached = set(), -1
    for start, minus_end in sorted(spans):
        if start >= reached:
            kept.add(text[start:-minus_end])
            reached = -minus_end
    return kept


def _pattern(folded: str) -> re.Pattern[str]:
    """A phrase as a pattern; one that begins with letters is sought by these, the border before them looked at afterwards."""
    pieces = []
    for word in folded.split():
        if word == "...":
            pieces.append(r"(?:[^\s.;]+\s){0,4}")
        else:
            pieces.append((NUMBER if word == "#" else re.escape(word).replace(r"\#", NUMBER).replace(r"\*", r"\w*")) + " ")
    body, first = "".join(pieces).removesuffix(" "), re.escape(_WILD.split(folded.split()[0])[0])
    if folded[0].isalnum():
        return re.compile(rf"{first}(?<!\w{first}){body.removeprefix(first)}(?!\w)")
    return re.compile(rf"(?<!\w)(?:{body})(?!\w)")
