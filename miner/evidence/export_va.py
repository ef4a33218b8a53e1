"""Evidence as statements of the GA4GH Variant Annotation Specification, where it has a proposition for them.

Response and resistance become VariantTherapeuticResponseProposition, outcome VariantPrognosticProposition, a driver
VariantOncogenicityProposition. For prevalence, company, detection and adverse events the standard has none.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import TextIO

from miner.evidence import civic
from miner.evidence.export_json import Identifiers, Object, concept, extension, write_array
from miner.evidence.table import Paper
from miner.plugins import Exporter, Selection
from miner.schema import ClaimType, Direction, Status

log = logging.getLogger(__name__)

_LEVELS = {
    "A": "Validated association",
    "B": "Clinical evidence",
    "C": "Case study",
    "D": "Preclinical evidence",
    "E": "Inferential association",
}
_LEVEL_SYSTEM = "https://civic.readthedocs.io/en/latest/model/evidence/level.html"
_RESPONSE = {civic.SENSITIVITY: "predictsSensitivityTo", civic.RESISTANCE: "predictsResistanceTo"}
_OUTCOME = {"Better Outcome": "associatedWithBetterOutcomeFor", "Poor Outcome": "associatedWithWorseOutcomeFor"}


def write_va(chosen: Selection, out: TextIO) -> None:
    """Write one statement for each paper and proposition that the standard has a place for."""
    left_out: Counter[str] = Counter()
    write_array(_statements(chosen, left_out), out)
    if left_out:
        told = ", ".join(f"{reason} ({count})" for reason, count in left_out.most_common())
        log.warning("%d pieces of evidence have no place in GA4GH's specification and were left out: %s", left_out.total(), told)


def _statements(chosen: Selection, left_out: Counter[str]) -> Iterator[Object]:
    identifiers = Identifiers()
    for item in chosen.papers():
        if reason := obstacle(item):
            left_out[reason] += 1
        else:
            yield statement(item, identifiers)


def obstacle(item: Paper) -> str | None:
    """Say why the standard has no place for a piece of evidence, or None where it has."""
    if item.record_status in (Status.RETRACTED, Status.WITHDRAWN):
        return "retracted or withdrawn"
    if _kind(item) is None:
        return f"{str(item.claim_type).replace('_', ' ')} ({item.significance})"
    if item.molecular_profile == civic.UNSPECIFIED:
        return "no molecular profile"
    if not item.disease:
        return "no disease"
    if item.evidence_type != "Predictive":
        return None
    if item.therapy_interaction_type == "Sequential":
        return "therapies in sequence"
    return None if item.therapies else "no therapy"


def _kind(item: Paper) -> str | None:
    """Name the proposition that an item makes."""
    if item.evidence_type == "Predictive" and item.significance in _RESPONSE:
        return "VariantTherapeuticResponseProposition"
    if item.evidence_type == "Prognostic" and item.significance in _OUTCOME:
        return "VariantPrognosticProposition"
    driver = item.claim_type is ClaimType.DRIVER_ROLE and item.significance == "Oncogenicity"
    return "VariantOncogenicityProposition" if driver else None


def statement(item: Paper, identifiers: Identifiers) -> Object:
    """Return a Statement on one proposition by one paper, with the sentence it rests on."""
    quotes = [{"start": quote.start, "end": quote.end, "text": quote.text} for quote in item.quotes]
    level = {"id": f"civic.level:{item.level}", "code": item.level, "name": _LEVELS[item.level], "system": _LEVEL_SYSTEM}
    return {
        "id": f"{item.key}/{item.pmid}",
        "type": "Statement",
        "description": f"{item.statement}.",
        "proposition": proposition(item, identifiers),
        "direction": "supports" if item.direction is Direction.SUPPORTS else "disputes",
        "strength": {"name": _LEVELS[item.level], "primaryCoding": level},
        "reportedIn": [_document(item)],
        "extensions": [
            extension("claim_type", str(item.claim_type)),
            extension("polarity", str(item.polarity)),
            extension("study_type", item.study_type),
            extension("background", item.background),
            extension("figures", dict(item.figures)),
            extension("sentences", quotes),
        ],
    }


def proposition(item: Paper, identifiers: Identifiers) -> Object:
    """Return what is asserted: variant, predicate, therapy or tumour."""
    kind = str(_kind(item))
    made: Object = {"type": kind, "subjectVariant": _variant(item, identifiers)}
    disease = concept("Disease", str(item.disease), item.disease_key)
    if kind == "VariantTherapeuticResponseProposition":
        made |= {"predicate": _RESPONSE[item.significance], "objectTherapeutic": _therapeutic(item, identifiers)}
        return made | {"conditionQualifier": disease}
    if kind == "VariantPrognosticProposition":
        return made | {"predicate": _OUTCOME[item.significance], "objectCondition": disease}
    return made | {"predicate": "isOncogenicFor", "objectTumorType": disease}


def _variant(item: Paper, identifiers: Identifiers) -> Object:
    made: Object = {"type": "CategoricalVariant", "name": item.molecular_profile}
    genes = [concept("Gene", gene, identifiers.gene(gene)) for gene in item.genes]
    if len(genes) == 1:
        made["constraints"] = [{"type": "FeatureContextConstraint", "featureContext": genes[0]}]
    elif genes:
        made["extensions"] = [extension("genes", genes)]
    return made


def _therapeutic(item: Paper, identifiers: Identifiers) -> Object:
    therapies = [concept("Therapy", name, identifiers.therapy(name)) for name in item.therapies]
    if len(therapies) == 1:
        return therapies[0]
    return {"therapies": therapies, "membershipOperator": "AND" if item.therapy_interaction_type == "Combination" else "OR"}


def _document(item: Paper) -> Object:
    made: Object = {"type": "Document", "documentType": "publication", "title": item.title or item.pmid}
    if item.is_citable:
        made |= {"id": f"pmid:{item.pmid}", "pmid": item.pmid, "urls": [f"https://pubmed.ncbi.nlm.nih.gov/{item.pmid}/"]}
    return made


VA_SPEC = Exporter(write_va, "statements of the GA4GH Variant Annotation Specification")
