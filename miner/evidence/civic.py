"""How a claim is said in CIViC's terms: evidence type, legal significances, direction, molecular profile, level.

The significances that an evidence type may have are those of CIViC's own validator (griffithlab/civic-v2,
``evidence_item_validator.rb``). Three claim types have no place in CIViC (prevalence, mutual exclusivity, co-occurrence);
they carry ``N/A`` and ``submittable`` is false for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from miner.evidence.wording import names_authority
from miner.schema import Claim, ClaimType, Direction, Polarity, StudyType

SENSITIVITY, RESISTANCE, REDUCED, ADVERSE = "Sensitivity/Response", "Resistance", "Reduced Sensitivity", "Adverse Response"
NOT_APPLICABLE = "N/A"
UNSPECIFIED = "not stated"

LEGAL_SIGNIFICANCES: dict[str, tuple[str, ...]] = {
    "Predictive": (SENSITIVITY, RESISTANCE, ADVERSE, REDUCED, NOT_APPLICABLE),
    "Diagnostic": ("Positive", "Negative"),
    "Prognostic": ("Better Outcome", "Poor Outcome", NOT_APPLICABLE),
    "Predisposing": ("Predisposition", "Protectiveness"),
    "Oncogenic": ("Oncogenicity", "Protectiveness"),
    "Functional": ("Gain of Function", "Loss of Function", "Unaltered Function", "Neomorphic", "Dominant Negative", "Unknown"),
}


class Families(Protocol):
    """The part of a lexicon that names the members of a gene family."""

    def members(self, name: str) -> tuple[str, ...]:
        """Return the symbols of a family, or a gene itself."""
        ...


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a claim type is in CIViC: ``significances`` it may carry, the first by default; ``opposite`` is told by direction instead."""

    evidence_type: str
    significances: tuple[str, ...]
    opposite: str | None = None
    submittable: bool = True


_RESPONSE = Meaning("Predictive", (SENSITIVITY, REDUCED, ADVERSE), opposite=RESISTANCE)
_RESISTANCE = Meaning("Predictive", (RESISTANCE, REDUCED), opposite=SENSITIVITY)

MEANINGS: dict[ClaimType, Meaning] = {
    ClaimType.DRIVER_ROLE: Meaning("Oncogenic", ("Oncogenicity", "Protectiveness")),
    ClaimType.PREVALENCE: Meaning("Diagnostic", (NOT_APPLICABLE,), submittable=False),
    ClaimType.CLINICAL_FEATURES_ASSOCIATION: Meaning("Prognostic", (NOT_APPLICABLE, "Better Outcome", "Poor Outcome")),
    ClaimType.MUTUAL_EXCLUSIVITY: Meaning("Oncogenic", (NOT_APPLICABLE,), submittable=False),
    ClaimType.CO_OCCURRENCE: Meaning("Oncogenic", (NOT_APPLICABLE,), submittable=False),
    ClaimType.DETECTION_METHOD: Meaning("Diagnostic", ("Positive", "Negative")),
    ClaimType.SENSITIVITY_RESPONSE: _RESPONSE,
    ClaimType.RESISTANCE_ON_TARGET: _RESISTANCE,
    ClaimType.RESISTANCE_OFF_TARGET: _RESISTANCE,
    ClaimType.OVERCOMES_RESISTANCE: _RESPONSE,
    ClaimType.RESISTANCE_TO_OTHER_THERAPY: _RESISTANCE,
    ClaimType.COMBINATION_THERAPY: _RESPONSE,
    ClaimType.IMMUNOTHERAPY_OUTCOME: _RESPONSE,
    ClaimType.APPROVAL_RECOMMENDATION: _RESPONSE,
    ClaimType.SAFETY: Meaning("Predictive", (ADVERSE,)),
}


def significance(claim: Claim) -> tuple[str, Direction, tuple[str, ...]]:
    """Return (significance, direction, warnings) of a claim in CIViC's terms.

    A response that did not come is ``does_not_support`` with ``Sensitivity/Response``, never ``Resistance``; a negated
    claim does not support. An illegal significance falls back to the type's first and leaves a warning.
    """
    meaning = MEANINGS[claim.type]
    direction = Direction.DOES_NOT_SUPPORT if claim.polarity is Polarity.NEGATED else claim.direction
    given = claim.significance
    if given is None or given in meaning.significances:
        return given or meaning.significances[0], direction, ()
    if given == meaning.opposite:
        return meaning.significances[0], _turned(direction), ()
    if given == NOT_APPLICABLE:
        return meaning.significances[0], direction, ()
    return meaning.significances[0], direction, (f"significance {given!r} is not legal for {claim.type}",)


def _turned(direction: Direction) -> Direction:
    return Direction.SUPPORTS if direction is Direction.DOES_NOT_SUPPORT else Direction.DOES_NOT_SUPPORT


_COUNTED_TOGETHER = frozenset({ClaimType.CO_OCCURRENCE, ClaimType.MUTUAL_EXCLUSIVITY})
_SAME_KIND = {
    "rearrangement": "fusion",
    "translocation": "fusion",
    "gene fusion": "fusion",
    "rearranged": "fusion",
    "mutated": "mutation",
    "mutations": "mutation",
    "fusions": "fusion",
}
_WORD = re.compile(r"(?<![\w.])[a-z]{3,}(?![\w])")
_SYMBOL = re.compile(r"[A-Z?][A-Z0-9?]*(?:-[A-Z0-9]+)*(?:/[A-Z0-9]+)*$")


def molecular_profile(claim: Claim, families: Families | None = None, kinds: Mapping[str, str] | None = None) -> str:
    """Name what the claim is about, as CIViC names profiles: ``NTRK1 G595R``, ``NTRK Fusion``, ``EML4::ALK AND EGFR T790M``.

    ``kinds`` is what the sentence says of each gene; genes that are counted together need it, for a claim holds one kind.
    Where no alteration is named the profile is ``not stated``: the claim is on a disease or drug as a whole, and CIViC,
    where every evidence item has a profile, has no place for it.
    """
    if claim.rule.endswith(".unnamed"):
        return UNSPECIFIED  # The genes are what the tumour has, the mechanism is not named.
    genes = collapse(claim.genes, families)
    parts = [name for name in (_fusion_name(claim.fusion), _variant_name(claim.variant, genes)) if name]
    covered = {gene for part in parts for gene in re.split(r"::| ", part)}
    rest = [gene for gene in genes if gene not in covered and not _within(gene, covered, families)]
    parts += _alteration_names(claim, genes, rest)
    if claim.type in _COUNTED_TOGETHER:
        named = {word for part in parts for word in re.split(r"::| ", part)}
        parts += [_with_kind(gene, kinds or {}, families) for gene in rest if gene not in named]
    if not parts:
        parts = [_joined(genes, " OR ", bracket=False)] if genes else [UNSPECIFIED]
    return " AND ".join(dict.fromkeys(parts))


def collapse(genes: Iterable[str], families: Families | None = None) -> tuple[str, ...]:
    """Sort genes and write a family for all its members: NTRK1, NTRK2, NTRK3 are NTRK."""
    found = sorted(set(genes))
    if families is None:
        return tuple(found)
    for stem in sorted({re.sub(r"\d+[A-Z]?$", "", gene) for gene in found}):
        members = set(families.members(stem))
        if len(members) > 1 and (stem in found or members <= set(found)):
            found = sorted({stem, *(gene for gene in found if gene not in members)})
    return tuple(found)


def _with_kind(gene: str, kinds: Mapping[str, str], families: Families | None) -> str:
    own = {kinds[name] for name in (gene, *(families.members(gene) if families else ())) if name in kinds}
    return f"{gene} {_titled(own.pop())}" if len(own) == 1 else gene


def _within(gene: str, covered: set[str], families: Families | None) -> bool:
    return families is not None and bool(covered & set(families.members(gene)))


def _fusion_name(fusion: str | None) -> str | None:
    if fusion is None:
        return None
    sides = [side for side in fusion.split("::") if side not in ("?", "v", "")]
    return fusion if len(sides) == 2 else f"{sides[0]} Fusion" if sides else "Fusion"


def _variant_name(variant: str | None, genes: Sequence[str]) -> str | None:
    if variant is None:
        return None
    if variant.startswith("? "):
        variant = f"{genes[0]} {variant[2:]}" if len(genes) == 1 else variant[2:]
    return _titled(variant)


def _titled(text: str) -> str:
    return _WORD.sub(lambda match: match[0].capitalize(), text)


def _alteration_names(claim: Claim, genes: Sequence[str], rest: Sequence[str]) -> list[str]:
    if not claim.alteration:
        return []
    own, kind = _split_kind(claim.alteration)
    subjects = [own] if own else list(rest)
    if (kind == "fusion" and claim.fusion) or (kind == "mutation" and claim.variant):
        subjects = [gene for gene in subjects if gene in rest]
    else:
        subjects = subjects or list(genes)
    if claim.type in _COUNTED_TOGETHER and len(subjects) > 1:
        return []  # One kind for several genes does not say whose it is.
    if not subjects:
        return [] if claim.fusion or claim.variant else [_titled(kind)]
    names = [f"{gene} {_titled(kind)}" for gene in subjects]
    return [_joined(names, " OR ", bracket=bool(claim.fusion or claim.variant))]


def _split_kind(alteration: str) -> tuple[str | None, str]:
    head, _, tail = alteration.partition(" ")
    named = bool(tail) and bool(_SYMBOL.match(head))
    kind = tail if named else alteration
    return (head if named and head != "?" else None), fold_kind(kind)


def fold_kind(kind: str) -> str:
    """Write a kind of alteration one way: rearrangement and translocation are fusion."""
    return _SAME_KIND.get(kind.lower(), kind)


def _joined(names: Sequence[str], word: str, *, bracket: bool) -> str:
    text = word.join(names)
    return f"({text})" if bracket and len(names) > 1 else text


_CEILINGS = {StudyType.CASE_REPORT: "C", StudyType.PRECLINICAL: "D"}


def level(claim: Claim, study_type: StudyType, paper_level: str, sentence: str) -> str:
    """Grade a claim from A (validated) to E (inferential).

    The paper's level holds, with these bounds: what a paper reports of others is no better than C, one patient no better
    than C, a case report no better than C and a cell line no better than D; an approval or guideline is A where the paper
    is neither of those and the sentence names it (``rules/authority.toml``); what was only raised as a possibility is E.
    """
    if claim.polarity is Polarity.HYPOTHETICAL:
        return "E"
    ceiling = _CEILINGS.get(study_type, "A")
    approval = claim.type is ClaimType.APPROVAL_RECOMMENDATION and claim.polarity is Polarity.ASSERTED
    if approval and claim.direction is Direction.SUPPORTS and names_authority(sentence):
        return ceiling
    bounds = [ceiling, paper_level if paper_level in "ABCDE" and paper_level else "E"]
    if claim.background or claim.population_n == 1:
        bounds.append("C")
    return max(bounds)
