"""scispaCy's abbreviation detector without its searches over the whole text.

It decides as ever which short form stands for which long form; candidates are read off the brackets, since its pattern
matches from every opening bracket to every later closing one, and later uses of a short form are left to ``terms``.
"""

from __future__ import annotations

import numpy
from scispacy.abbreviation import AbbreviationDetector
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

LONGEST = 8
Match = tuple[int, int, int]


class Brackets:
    """Stand-in for the detector's matcher: round brackets around few enough tokens, by their end, inner ones first."""

    def __init__(self, vocab: Vocab) -> None:
        self._open, self._close = vocab.strings.add("("), vocab.strings.add(")")

    def __call__(self, doc: Doc) -> list[Match]:
        """Spans of brackets as the matcher gives them."""
        words = doc.to_array(ORTH)
        opening, closing = numpy.flatnonzero(words == self._open).tolist(), numpy.flatnonzero(words == self._close).tolist()
        found, first = [], 0
        for end in closing:
            while first < len(opening) and opening[first] < end - LONGEST - 1:
                first += 1
            found += [(0, start, end + 1) for start in reversed(opening[first:]) if start + 1 < end]
        return found


class Nowhere:
    """Stand-in for the detector's matcher of short forms, which finds every later use."""

    def add(self, key: str, patterns: object) -> None:
        """Take no note of a short form."""

    def __call__(self, doc: Doc) -> list[Match]:
        """Find nothing."""
        return []


@Language.factory("miner_abbreviations")
def create_miner_abbreviations(nlp: Language, name: str) -> AbbreviationDetector:
    """Component that sets ``doc._.abbreviations`` to the definitions in a doc."""
    detector = AbbreviationDetector(nlp, name, make_serializable=True)
    detector.matcher, detector.global_matcher = Brackets(nlp.vocab), Nowhere()
    return detector
