"""What a record asserts: fifteen claim types, each found by frames over mentions, cues and clauses."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from miner import plugins
from miner.claims import biology, practice, resistance, response, study
from miner.claims.carried import without_strangers
from miner.claims.document import Document, View
from miner.claims.votes import ClaimModel
from miner.lexicon import Lexicon
from miner.schema import Claim, Reading, StudyType

EXTRACTORS: tuple[Callable[[View], list[Claim]], ...] = (response.extract, resistance.extract, biology.extract, practice.extract)

__all__ = ["EXTRACTORS", "extract", "study"]

log = logging.getLogger(__name__)


def extract(
    reading: Reading, lexicon: Lexicon, study_type: StudyType = StudyType.OTHER, model: ClaimModel | None = None
) -> tuple[Claim, ...]:
    """Every claim of a reading, in the order of the text, without repetition inside a sentence; a model may vote on them."""
    document = Document(reading, lexicon, study_type)
    found: dict[tuple[object, ...], Claim] = {}
    extractors = (*EXTRACTORS, *(_guarded(name, kind) for name, kind in plugins.claim_kinds()))
    for view in document.views:
        for extractor in extractors:
            for claim in (without_strangers(document, told) for told in extractor(view)):
                about = (claim.genes, claim.fusion, claim.variant, claim.therapies)
                key = (claim.start, claim.type, about, claim.direction, claim.polarity, tuple(claim.figures.items()))
                found.setdefault(key, claim)
    told = tuple(replace(claim, spans=tuple(sorted(set(claim.spans)))) if len(claim.spans) > 1 else claim for claim in found.values())
    return model.vote(document, told) if model is not None else told


def _guarded(name: str, kind: plugins.ClaimKind) -> Callable[[View], list[Claim]]:
    """Another package's extractor whose failure is told and costs nobody else's claims."""

    def extractor(view: View) -> list[Claim]:
        try:
            found = list(kind.extract(view))
        except Exception as error:  # whatever a package of others raises
            log.warning("the claim type %s failed on %s: %s: %s", name, view.document.reading.record.id, type(error).__name__, error)
            return []
        return [claim for claim in found if claim.type == kind.type]

    return extractor
