"""Drugs that no table has: generic names by their ending, slips of spelling, codes that stand behind "inhibitor"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from miner.lexicon_rows import Hit, cues, either
from miner.schema import Concept, Label

_CUES = cues("drug")
_ENDING = re.compile(rf"[a-z]{{3,}}{either(_CUES['endings'])}")
_TAIL = re.compile(rf"{either(_CUES['tails'])}(?![a-z])")
_CODE = re.compile(rf"\b{either(_CUES['code_before'])},? [(\[]?([A-Z]{{2,5}}-?\d{{3,7}}[A-Za-z]{{0,2}})(?![A-Za-z0-9-])")
_NO_CODE = re.compile(r"NCT|[A-Z]+\d?[A-Z]\d+[A-Z]$")
_MIN_LENGTH = 8


def unlisted_drugs(source: str, folded: str, found: Sequence[Hit], spelled: Callable[[str], Concept | None]) -> list[Hit]:
    """Drug hits beside those of the tables.

    Parameters
    ----------
    spelled
        The listed drug that a word is one slip away from, or None.
    """
    taken = [(h.start, h.end) for h in found if h.label is not Label.GENE]
    hits: list[Hit] = []
    for match in _TAIL.finditer(folded):
        start = match.start()
        while start and folded[start - 1].isalpha():
            start -= 1
        word = folded[start : match.end()]
        if len(word) >= _MIN_LENGTH and not _overlaps(taken, start, match.end()):
            concept = spelled(word)
            if concept:
                hits.append(Hit(start, match.end(), Label.DRUG, concept, "spelling"))
            elif _ENDING.fullmatch(word) and not word.startswith(("non", "anti")):
                hits.append(Hit(start, match.end(), Label.DRUG, Concept(f"drug:{word}", word), "ending"))
    for match in _CODE.finditer(source):
        start, end = match.span(1)
        if not _overlaps([*taken, *((h.start, h.end) for h in found)], start, end) and not _NO_CODE.match(match[1]):
            hits.append(Hit(start, end, Label.DRUG, Concept(f"drug:{match[1].lower()}", match[1]), "code"))
    return hits


def _overlaps(taken: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    return any(s < end and start < e for s, e in taken)


def speller(generics: Mapping[str, Concept]) -> Callable[[str], Concept | None]:
    """Look-up of the one generic name that a word is one slip away from: a letter more, less, other, or two swapped."""
    by_initial: dict[str, list[str]] = {}
    for name in generics:
        if len(name) >= _MIN_LENGTH and name.isalpha():
            by_initial.setdefault(name[0], []).append(name)

    @lru_cache(maxsize=10_000)
    def spelled(word: str) -> Concept | None:
        near = [name for name in by_initial.get(word[0], ()) if abs(len(name) - len(word)) <= 1 and one_slip(word, name)]
        return generics[near[0]] if len(near) == 1 else None

    return spelled


def one_slip(word: str, name: str) -> bool:
    """Whether two different words differ by one letter added, left out, replaced, or by two neighbours swapped."""
    if word == name:
        return False
    head = next((i for i, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), min(len(word), len(name)))
    rest, other = word[head:], name[head:]
    if len(rest) == len(other):
        return rest[1:] == other[1:] or (rest[:2] == other[1::-1] and rest[2:] == other[2:])
    return rest[1:] == other if len(rest) > len(other) else rest == other[1:]
