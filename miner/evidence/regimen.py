"""What the sentence of a claim tells beyond the claim: how its therapies were given, and the alteration of each of its genes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping

from miner.characters import as_read
from miner.evidence.civic import fold_kind
from miner.schema import Alteration, Claim, ClaimType, Fusion, Label, Mention, Reading, Variant

COMBINATION, SEQUENTIAL, SUBSTITUTES = "Combination", "Sequential", "Substitutes"
_TOGETHER = re.compile(
    r"\b(?:plus|combined|combination|concurrent(?:ly)?|added|addition|together)\b|\+|^\W*(?:and\s+)?with\b", re.IGNORECASE
)
_EITHER = re.compile(r"\b(?:or|versus|vs|than|rather|compared|against|over|alternatively)\b", re.IGNORECASE)
_IN_TURN = re.compile(
    r"\b(?:followed\s+by|then|after|before|prior\s+to|subsequent(?:ly)?|sequential(?:ly)?|switch(?:ed|ing)?)\b", re.IGNORECASE
)
_LEAD = re.compile(r"\b(?:combin(?:ation|ations|ing|ed)(?:\s+\w+){0,2}\s+of|addition\s+of|adding)\s+(?:\w+\s+){0,3}\W*$", re.IGNORECASE)
_TAIL = re.compile(r"^\W*(?:combination|doublet|triplet|regimen|in\s+combination)\b", re.IGNORECASE)


def interaction(claim: Claim, reading: Reading | None = None) -> str | None:
    """Return CIViC's therapy interaction type, or None for one therapy and where the sentence does not tell.

    What stands between the therapies tells: "plus" and "with" Combination, "or" and "versus" Substitutes, "followed by"
    Sequential; two answers are none.
    """
    if len(set(claim.therapies)) < 2:
        return None
    if "sequen" in claim.rule:
        return SEQUENTIAL
    if claim.type is ClaimType.COMBINATION_THERAPY or "combin" in claim.rule:
        return COMBINATION
    told = set() if reading is None else set(_told(claim, reading))
    return told.pop() if len(told) == 1 else None


def _told(claim: Claim, reading: Reading) -> Iterator[str]:
    text = as_read(reading.text)
    found = [m for m in reading.within(claim.start, claim.end, Label.DRUG, Label.DRUG_CLASS) if m.name in claim.therapies]
    for left, right in itertools.pairwise(found):
        if left.name == right.name or left.end > right.start:
            continue
        between = text[left.end : right.start]
        if _IN_TURN.search(between):
            yield SEQUENTIAL
        elif _EITHER.search(between):
            yield SUBSTITUTES
        elif _TOGETHER.search(between) or _framed(text, claim, left, right):
            yield COMBINATION


def _framed(text: str, claim: Claim, left: Mention, right: Mention) -> bool:
    lead, tail = text[max(claim.start, left.start - 60) : left.start], text[right.end : min(claim.end, right.end + 30)]
    return bool(_LEAD.search(lead) or _TAIL.match(tail))


def kinds(claim: Claim, reading: Reading) -> dict[str, str]:
    """Return the alteration that the sentences give each gene (``fusion``, ``mutation``, ``T790M``); a gene with several has none."""
    held: dict[str, set[str]] = {}
    for start, end in claim.spans or ((claim.start, claim.end),):
        for mention in reading.within(start, end, Label.ALTERATION, Label.VARIANT, Label.FUSION):
            for gene, kind in _of(mention):
                held.setdefault(gene, set()).add(kind)
    return dict(_single(held))


def _of(mention: Mention) -> Iterable[tuple[str, str]]:
    match mention.referent:
        case Alteration(gene=str(gene), kind=kind):
            yield gene, fold_kind(kind)
        case Variant(gene=str(gene), protein_change=change):
            yield gene, change
        case Fusion(five_prime=five, three_prime=three):
            yield from ((side, "fusion") for side in (five, three) if side not in ("?", "v"))
        case _:
            return


def _single(held: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    for gene, found in held.items():
        # A variant named beside "mutation" is one of them; "alteration" says nothing of its own.
        named = found - {"alteration"} or found
        if len(named) > 1 and not named & {"fusion", "amplification", "deletion", "expression", "wild-type"}:
            named = {"mutation"}
        if len(named) == 1:
            yield gene, next(iter(named))
