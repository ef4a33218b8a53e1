"""Counted groups: "332 patients with NSCLC", "(n = 44)", "nine of them"."""

from __future__ import annotations

from collections.abc import Sequence

from miner.nlp.measure_quantities import Element, Quantity
from miner.schema import Cohort, Label, Mention

_PRONOUN_ONE = frozenset({"one"})


def cohorts_of(text: str, elements: Sequence[Element], quantities: Sequence[tuple[int, Quantity]], people: frozenset[str]) -> list[Mention]:
    """COHORT mentions of a sentence: every count of people or samples, and the total of every fraction."""
    found = []
    for i, quantity in quantities:
        unit = _unit(elements, i, quantity, people)
        if quantity.form not in {"count", "percent"} or (quantity.n is None and quantity.total is None):
            continue
        if unit is None and quantity.total is None and not quantity.equals:
            continue
        found.append(Mention(quantity.start, quantity.end, text[quantity.start:quantity.end], Label.COHORT,
                             Cohort(quantity.n, unit or "", quantity.total)))
    return found


def _unit(elements: Sequence[Element], i: int, quantity: Quantity, people: frozenset[str]) -> str | None:
    """The counted noun, where it is one of people or samples."""
    if quantity.noun and quantity.noun.lower() in people:
        return quantity.noun.lower()
    if quantity.equals:
        return _noun_before(elements, i, people)
    return None


def _noun_before(elements: Sequence[Element], i: int, people: frozenset[str]) -> str | None:
    """The noun before "(n = 44)"."""
    for element in reversed(elements[max(0, i - 8):i]):
        if element.kind == "n" and element.text.lower() in people:
            return element.text.lower()
        if element.kind in ";Q":
            return None
    return None
