"""What a record asserts: fifteen claim types, each found by frames over mentions, cues and clauses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from miner.claims import biology, practice, resistance, response, study
from miner.claims.document import Document, View
from miner.lexicon import Lexicon
from miner.schema import Claim, Reading, StudyType

EXTRACTORS: tuple[Callable[[View], list[Claim]], ...] = (response.extract, resistance.extract, biology.extract, practice.extract)

__all__ = ["EXTRACTORS", "extract", "study"]


def extract(reading: Reading, lexicon: Lexicon, study_type: StudyType = StudyType.OTHER) -> tuple[Claim, ...]:
    """Every claim of a reading, in the order of the text, without repetition inside a sentence."""
    document = Document(reading, lexicon, study_type)
    found: dict[tuple[object, ...], Claim] = {}
    for view in document.views:
        for extractor in EXTRACTORS:
            for claim in extractor(view):
                about = (claim.genes, claim.fusion, claim.variant, claim.therapies)
                key = (claim.start, claim.type, about, claim.direction, claim.polarity, tuple(claim.figures.items()))
                found.setdefault(key, claim)
    return tuple(replace(claim, spans=tuple(sorted(set(claim.spans)))) if len(claim.spans) > 1 else claim for claim in found.values())
