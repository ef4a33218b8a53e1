"""What a claim took from elsewhere in its paper, and whether it may keep it."""

from __future__ import annotations

from dataclasses import replace

from miner.claims.document import Document
from miner.claims.effect_rules import shape
from miner.schema import Alteration, Claim, ClaimType, Concept, Fusion, Label, Mention, Polarity, Variant

_OF_A_THERAPY = frozenset(
    {ClaimType.SENSITIVITY_RESPONSE, ClaimType.IMMUNOTHERAPY_OUTCOME, ClaimType.COMBINATION_THERAPY, ClaimType.SAFETY}
)


def without_strangers(document: Document, claim: Claim) -> Claim:
    """Return the claim without an alteration that is none of its own.

    The outcome of a therapy may be told of an alteration that its sentence does not name, where the title or the sentence before
    names it (and not as what was looked at) or the therapy is aimed at it. Otherwise it stands somewhere in the paper, among who
    was excluded or what else was looked at, and the outcome is that of everybody. Where the sentence says so ("in the whole
    population"), only the title counts.
    """
    if claim.type not in _OF_A_THERAPY or not claim.genes or not claim.therapies:
        return claim
    genes = _with_members(document, claim.genes)
    told = next((view for view in document.views if view.start == claim.start), None)
    of_all = told is not None and told.says("response_figures.everybody")
    before = told.index - 1 if told is not None and not of_all else None
    places = [(claim.start, claim.end)] if of_all else list(claim.spans or ((claim.start, claim.end),))
    places += [(document.title.start, document.title.end)] if document.title else []
    if any(genes & _named(document, mention) for mention in document.reading.mentions if _within(mention, places)):
        return claim
    told_before = [(view.start, view.end) for view in document.views if view.index == before]
    there = [m for m in document.reading.mentions if _within(m, told_before)]
    changed = [m for m in there if not (isinstance(m.referent, Concept) and shape("effects.looked_at").match(document.text, m.end))]
    if any(genes & _named(document, mention) for mention in changed):
        return claim
    if of_all:
        return _of_everybody(claim)
    if not document.title and _only_these(document, claim.start, genes):
        return claim
    aims = {target for therapy in claim.therapies for target in document.lexicon.targets(therapy)}
    if genes & _with_members(document, aims):
        return claim
    return _of_everybody(claim)


def _only_these(document: Document, position: int, genes: frozenset[str]) -> bool:
    """Are all alterations told before a position, and not denied, of some genes, as those of a patient are where no title names them?"""
    altered = (Label.FUSION, Label.VARIANT, Label.ALTERATION)
    told = [m for m in document.reading.mentions if m.end <= position and m.label in altered and m.polarity is Polarity.ASSERTED]
    return bool(told) and all(genes & _named(document, m) for m in told)


def _of_everybody(claim: Claim) -> Claim:
    return replace(claim, genes=(), fusion=None, variant=None, alteration=None)


def _with_members(document: Document, names: tuple[str, ...] | set[str]) -> frozenset[str]:
    return frozenset(names) | {member for name in names for member in document.lexicon.members(name)}


def _within(mention: Mention, places: list[tuple[int, int]]) -> bool:
    return any(start <= mention.start and mention.end <= end for start, end in places)


def _named(document: Document, mention: Mention) -> frozenset[str]:
    match mention.referent:
        case Fusion(five_prime=five, three_prime=three):
            return frozenset({five, three})
        case Variant(gene=str(gene)) | Alteration(gene=str(gene)):
            return _with_members(document, (gene,))
        case Concept(name=name):
            return _with_members(document, (name,))
    return frozenset()
