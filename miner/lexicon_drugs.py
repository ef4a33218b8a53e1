"""Drugs that no table has: generic names by their ending, slips of spelling, codes that stand behind "inhibitor"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from ahocorasick_rs import AhoCorasick

from miner.lexicon_rows import Hit, cues, either
from miner.schema import Concept, Label

_CUES = cues("drug")
_ENDING = re.compile(rf"[a-z]{{3,}}{either(_CUES['endings'])}")
TAILS = _CUES["tails"]
_SEARCH = AhoCorasick([*TAILS, *_CUES["code_before"]])
_CODE = re.compile(r"s?(?: such as)?,? [(\[]?([A-Z]{2,5}-?\d{3,7}[A-Za-z]{0,2})(?![A-Za-z0-9-])")
_NO_CODE = re.compile(r"NCT|[A-Z]+\d?[A-Z]\d+[A-Z]$")
_MIN_LENGTH = 8


def unlisted_drugs(source: str, folded: str, found: Sequence[Hit], spelled: Callable[[str], Concept | None]) -> list[Hit]:
    """Drug hits beside those of the tables.

    Parameters
    ----------
    spelled
        The listed drug that a word is one slip away from, or None.
    """
    taken = [(h.start, h.end) for h in found]
    hits: list[Hit] = []
    for index, start, end in _SEARCH.find_matches_as_indexes(folded, overlapping=True):
        hit = _by_word(folded, start, end, spelled) if index < len(TAILS) else _by_code(source, end)
        if hit and not any(s < hit.end and hit.start < e for s, e in taken):
            taken.append((hit.start, hit.end))
            hits.append(hit)
    return hits


def _by_word(folded: str, start: int, end: int, spelled: Callable[[str], Concept | None]) -> Hit | None:
    """A word that is a slip of a listed name, or that ends as generic names do."""
    if end < len(folded) and folded[end].isalpha():
        return None
    while start and folded[start - 1].isalpha():
        start -= 1
    word = folded[start:end]
    if len(word) < _MIN_LENGTH:
        return None
    concept = spelled(word)
    if concept:
        return Hit(start, end, Label.DRUG, concept, "spelling")
    if _ENDING.fullmatch(word) and not word.startswith(("non", "anti")):
        return Hit(start, end, Label.DRUG, Concept(f"drug:{word}", word), "ending")
    return None


def _by_code(source: str, end: int) -> Hit | None:
    """A research code that stands right behind "inhibitor" and the like."""
    match = _CODE.match(source, end)
    if not match or _NO_CODE.match(match[1]):
        return None
    return Hit(match.start(1), match.end(1), Label.DRUG, Concept(f"drug:{match[1].lower()}", match[1]), "code")


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
