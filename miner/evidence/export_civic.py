"""A sheet of evidence items with the columns and words that CIViC uses in its own release files.

CIViC's identifiers, its star rating and the origin of the variant are a curator's to fill; columns of the miner's own stand
last, so that each item leads back to its sentence. What CIViC has no place for is left out and told in the log.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import TextIO

from miner.evidence import civic
from miner.evidence.export_json import Identifiers
from miner.evidence.export_rows import cell
from miner.evidence.store import Store
from miner.evidence.table import Paper
from miner.plugins import Exporter, Selection
from miner.schema import ClaimType, Direction, Record, Status

log = logging.getLogger(__name__)

_FUSION = re.compile(r"\b([A-Z][A-Z0-9-]*)::([A-Z][A-Z0-9-]*)\b")
_GENERIC = re.compile(r"(?<![\w:])([A-Z][A-Z0-9-]*) Fusion\b")
_Item = tuple[Paper, "Record | None"]

COLUMNS: dict[str, Callable[[_Item], object]] = {
    "molecular_profile": lambda item: profile(item[0].molecular_profile),
    "molecular_profile_id": lambda item: None,
    "disease": lambda item: item[0].disease and titled(item[0].disease),
    "doid": lambda item: _after("doid:", item[0].disease_key),
    "phenotypes": lambda item: None,
    "therapies": lambda item: ",".join(titled(name) for name in item[0].therapies),
    "therapy_interaction_type": lambda item: item[0].therapy_interaction_type,
    "evidence_type": lambda item: item[0].evidence_type,
    "evidence_direction": lambda item: "Supports" if item[0].direction is Direction.SUPPORTS else "Does Not Support",
    "evidence_level": lambda item: item[0].level,
    "significance": lambda item: item[0].significance,
    "evidence_statement": lambda item: f"{item[0].statement}.",
    "citation_id": lambda item: item[0].pmid,
    "source_type": lambda item: "PubMed",
    "asco_abstract_id": lambda item: None,
    "citation": lambda item: citation(*item),
    "nct_ids": lambda item: ", ".join(item[1].nct_ids) if item[1] else None,
    "rating": lambda item: None,
    "evidence_status": lambda item: item[0].status,
    "evidence_id": lambda item: None,
    "variant_origin": lambda item: "Unknown",
    "last_review_date": lambda item: None,
    "evidence_civic_url": lambda item: None,
    "molecular_profile_civic_url": lambda item: None,
    "is_flagged": lambda item: None,
    "miner_key": lambda item: item[0].key,
    "miner_polarity": lambda item: str(item[0].polarity),
    "miner_sentence_start": lambda item: item[0].quotes[0].start,
    "miner_sentence_end": lambda item: item[0].quotes[0].end,
    "miner_sentence": lambda item: item[0].quotes[0].text,
}


def obstacle(item: Paper) -> str | None:
    """Say why CIViC would not take a piece of evidence, or None where it would."""
    if not item.is_citable:
        return "no PMID"
    if item.record_status in (Status.RETRACTED, Status.WITHDRAWN):
        return "retracted or withdrawn"
    # CIViC's diagnostic evidence is on a disease that a variant tells, not on an assay that finds the variant.
    if item.claim_type is ClaimType.DETECTION_METHOD or not civic.MEANINGS[item.claim_type].submittable:
        return f"{str(item.claim_type).replace('_', ' ')} has no evidence type"
    if item.significance not in civic.LEGAL_SIGNIFICANCES.get(item.evidence_type, ()):
        return f"{item.significance} is not legal for {item.evidence_type}"
    if item.background:
        return "only repeats another paper"
    if item.molecular_profile == civic.UNSPECIFIED:
        return "no molecular profile"
    if not item.disease:
        return "no disease"
    return "no therapy" if item.evidence_type == "Predictive" and not item.therapies else None


def profile(name: str) -> str:
    """Write a molecular profile as CIViC does: ``ETV6::NTRK3 Fusion``, ``v::ALK Fusion``, a family's fusions joined by OR."""
    spelled = _FUSION.sub(lambda match: f"{match[0]} Fusion", name)
    return _GENERIC.sub(_any_partner, spelled)


def _any_partner(match: re.Match[str]) -> str:
    if match.string[: match.start()].endswith("::"):
        return match[0]
    return " OR ".join(f"v::{gene} Fusion" for gene in _identifiers().members(match[1]))


@cache
def _identifiers() -> Identifiers:
    return Identifiers()


def titled(name: str) -> str:
    """Capitalise the words of a name that are all lower case, as CIViC does: ``Lung Non-small Cell Carcinoma``."""
    return " ".join(word.capitalize() if word.islower() else word for word in name.split(" "))


def citation(item: Paper, record: Record | None) -> str:
    """Cite a paper as CIViC does: ``Levine et al., 2005, Blood``."""
    authors = record.authors if record else ()
    first = re.sub(r"(?: [A-Z]{1,3})?(?: (?:Jr|Sr|2nd|3rd|II|III))?$", "", authors[0]) if authors else ""
    named = f"{first} et al." if len(authors) > 1 else first
    return ", ".join(str(part) for part in (named, item.year, item.journal) if part)


def _after(prefix: str, curie: str) -> str | None:
    return curie.removeprefix(prefix) if curie.startswith(prefix) else None


def write_civic(chosen: Selection, out: TextIO) -> None:
    """Write one line for each paper and proposition that CIViC has a place for."""
    store: Store | None = getattr(chosen, "store", None)
    left_out: Counter[str] = Counter()
    out.write("\t".join(COLUMNS) + "\n")
    for item in chosen.papers():
        if reason := obstacle(item):
            left_out[reason] += 1
            continue
        record = store.record(item.pmid) if store else None
        out.write("\t".join(cell(read((item, record))) for read in COLUMNS.values()) + "\n")
    if left_out:
        told = ", ".join(f"{reason} ({count})" for reason, count in left_out.most_common())
        log.warning("%d pieces of evidence have no place in CIViC and were left out: %s", left_out.total(), told)


CIVIC = Exporter(write_civic, "evidence items with CIViC's columns, for a curator to complete")
