"""Counts that only the alteration beside them names: "ETV6-NTRK3 in nine", "TPM3-NTRK1 (n = 4)", "seven of NTRK1"."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from miner.nlp.measure_quantities import Quantity
from miner.schema import Label, Measure, Mention

GENETIC = frozenset({Label.GENE, Label.FUSION, Label.VARIANT, Label.ALTERATION})
_NAMED = frozenset({Label.FUSION, Label.VARIANT})
_BEFORE = re.compile(
    r"\s?(?:(?:gene\s)?(?:fusions?|mutations?|rearrangements?)\s)?(?:(?:was|were)\s(?:\w+\s){0,3})?in\s(?:only\s|another\s)?$|\s?(?:fusions?|mutations?)?\s?\($"
)
_LISTED = re.compile(r"[,:]\s|:?\s?=\s?")  # "(V600E, 17; G469A, 3)"
_TOLD = re.compile(
    r"\b(?:[Mm]utation|alteration|rearrangement|fusion|amplification)s?\b[^.;]{0,40}\b(?:in|of|involving|included|including|were)\s[^.;]*$"
)
_TESTED = re.compile(r"\b(?:[Bb]iomarkers?|analy[sz]\w+|assess\w+|evaluat\w+|tested|test(?:ing|s) for|available|assays?|status)\b[^.]*$")
_EXAMINED = re.compile(
    r"\b(?:analys[ie]s|analy[sz]ed|test(?:ed|ing|s)|screen\w*|assess\w*|examin\w*|evaluat\w*|sequenc\w*|investigat\w*|studied|genotyp\w*)\s"
    r"(?:for\s|of\s|the\s)*[^.;,]*$"
)
_OFFERED = re.compile(
    r"\b(?:[Bb]iomarkers?\s(?:included|assessed|analy[sz]ed|were)|(?:tested|assessed|evaluated|analy[sz]ed|screened|available)\sfor|test(?:ing|s)\sfor)\b[^.]*$"
)
_GROUP = re.compile(r"with \||positive|negative|mutant|mutated|rearranged|wild|amplified|\|[\w/]+$")
_AFTER = re.compile(
    r"\s(?:(?:tumou?rs?|cases?|patients?|samples?|specimens?)\s)?(?:of|had|"
    r"harbou?red|carried|involved|were|showed|contained)\s(?:an?\s|the\s)?$"
)


def carriers(text: str, quantities: Sequence[Quantity], bound: Collection[int], names: Sequence[Mention]) -> list[Mention]:
    """n_pos measures of bare counts that nothing else binds, each with the alteration as its item; ``bound`` holds starts."""
    genetic = [m for m in names if m.label in GENETIC]
    found: list[Mention] = []
    for quantity in quantities:
        if quantity.form != "count" or quantity.n is None or quantity.total is not None or quantity.start in bound:
            continue
        mention = _before(text, quantity, genetic) or _after(text, quantity, genetic, found) or _elided(text, quantity, genetic, found)
        if mention:
            start, end = quantity.figure
            measure = Measure("n_pos", quantity.n, None, quantity.n, item=(mention.start, mention.end))
            found.append(Mention(start, end, text[start:end], Label.MEASURE, measure))
    return found


_COORDINATED = re.compile(r"(?:\s(?:fusions?|mutations?|rearrangements?))?(?:,|,?\sand|,?\swhile|;)\s(?:the\s)?(?:other\s|remaining\s)?")


def _elided(text: str, quantity: Quantity, genetic: Sequence[Mention], found: Sequence[Mention]) -> Mention | None:
    """The alteration after a count that goes on from another: "nine involved NTRK1 and five NTRK3"."""
    last = found[-1].referent if found else None
    if not isinstance(last, Measure) or last.item is None or not _COORDINATED.fullmatch(text, last.item[1], quantity.start):
        return None
    near = [m for m in genetic if m.start == quantity.figure[1] + 1]
    return max(near, key=lambda m: m.end, default=None)


def _before(text: str, quantity: Quantity, genetic: Sequence[Mention]) -> Mention | None:
    """The alteration straight before a count."""
    near = [m for m in genetic if 0 < quantity.start - m.end <= 40 and _BEFORE.fullmatch(text, m.end, quantity.start)]
    near = [m for m in near if not (m.label is Label.GENE and quantity.noun and _EXAMINED.search(text, max(0, m.start - 90), m.start))]
    near = near or [m for m in genetic if _LISTED.fullmatch(text, m.end, quantity.start) and text[quantity.end : quantity.end + 1] in ";)"]
    if quantity.equals:
        near = [m for m in near if not m.text.endswith("expression") and not _OFFERED.search(text, max(0, m.start - 320), m.start)]
        told = _TOLD.search(text, max(0, quantity.start - 160), quantity.start)
        told = None if told and _TESTED.search(text, max(0, told.start() - 80), told.end()) else told
        near = [
            m
            for m in near
            if m.label in _NAMED or not _GROUP.search(f"{text[max(0, m.start - 5) : m.start]}|{m.text}") or (told and _is_found(text, m))
        ]
    return max(near, key=lambda m: (m.end - m.start, m.end), default=None)


def _is_found(text: str, gene: Mention) -> bool:
    """Is a bare gene one of a list of what was found, and not a group of patients?"""
    return gene.label is Label.GENE and _CLOSED.match(text, gene.end) is not None


_CLOSED = re.compile(r"\s?\(n\s?=\s?\d+\)\s?(?:[,.;]|(?:and|were|was)\s|$)")


def _after(text: str, quantity: Quantity, genetic: Sequence[Mention], found: Sequence[Mention]) -> Mention | None:
    """The alteration straight after a count: with a verb, or a fusion or variant that follows without a word."""
    if quantity.equals:
        return None
    end = quantity.figure[1]
    near = [m for m in genetic if 0 < m.start - end <= 30]
    tied = [m for m in near if _AFTER.fullmatch(text, end, m.start)]
    bare = [m for m in near if m.label in _NAMED and not quantity.noun and text[end : m.start] == " "]
    if quantity.n != 1 or quantity.word or found:
        bare = bare or [m for m in near if m.label is Label.GENE and not quantity.noun and adjoins(text, end, m)]
    return max(tied or bare, key=lambda m: m.end - m.start, default=None)


_OF_A_LIST = re.compile(
    r",?\s(?:(?:and|or)\s)?(?:\d+|[a-z]+)\s[A-Z]|\s(?:mutation|fusion|rearrangement|amplification|alteration|deletion|insertion|translocation)s?\b"
)


def adjoins(text: str, end: int, gene: Mention) -> bool:
    """Does a gene stand straight after a count, in a list of such or before its alteration ("7 KRAS, 5 EGFR and 1 NRAS mutation")?"""
    return text[end : gene.start] == " " and _OF_A_LIST.match(text, gene.end) is not None
