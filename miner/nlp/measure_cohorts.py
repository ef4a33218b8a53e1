"""Counted groups: "332 patients with NSCLC", "(n = 44)", "nine of them"."""

from __future__ import annotations

from collections.abc import Sequence

from miner.nlp.measure_quantities import Element, Quantity
from miner.nlp.measure_rules import measure_rules
from miner.schema import Cohort, Label, Mention

_ELIDED = measure_rules().word_set("words", "elided")


def cohorts_of(text: str, elements: Sequence[Element], quantities: Sequence[tuple[int, Quantity]], people: frozenset[str]) -> list[Mention]:
    """COHORT mentions of a sentence: counts of people or samples, their noun left out or not, and fractions."""
    found = []
    known = ""
    for i, quantity in quantities:
        if quantity.form not in {"count", "percent"} or (quantity.n is None and quantity.total is None):
            continue
        unit = _unit(elements, i, quantity, people)
        known = unit or known
        if unit is None and not (quantity.equals or _elided(elements, i, quantity)):
            continue
        start, end = quantity.counted
        found.append(Mention(start, end, text[start:end], Label.COHORT, cohort_of(quantity, unit or known)))
    return found


def cohort_of(quantity: Quantity, unit: str) -> Cohort:
    """The group a quantity counts; in "0.2% of 1,068 patients" that is the 1,068."""
    return Cohort(quantity.total, unit) if quantity.n is None or quantity.whole_counted else Cohort(quantity.n, unit, quantity.total)


def _elided(elements: Sequence[Element], i: int, quantity: Quantity) -> bool:
    """Does a count stand for a group whose noun is left out ("... and 120 on larotrectinib")?"""
    if quantity.noun or quantity.n is None or quantity.form == "percent":
        return False
    if i > 1 and elements[i - 1].kind == "w" and elements[i - 1].text[0].isupper():
        return False  # a number that ends a name ("a Varian 600 with ...")
    following = elements[i + 1] if i + 1 < len(elements) else None
    return following is not None and quantity.n > 1 and following.text.lower() in _ELIDED


def _unit(elements: Sequence[Element], i: int, quantity: Quantity, people: frozenset[str]) -> str | None:
    """The counted noun, where it is one of people or samples."""
    if quantity.noun and quantity.noun.lower() in people:
        return quantity.noun.lower()
    if quantity.equals:
        return _noun_before(elements, i, people)
    if quantity.form == "count" and [e.kind for e in (*elements[i - 2 : i], *elements[i + 1 : i + 2])] == ["n", "(", ")"]:
        return _noun_before(elements, i, people)  # "Patients (231) were included"
    return None


def _noun_before(elements: Sequence[Element], i: int, people: frozenset[str]) -> str | None:
    """The noun before "(n = 44)"."""
    for element in reversed(elements[max(0, i - 8) : i]):
        if element.kind == "n" and element.text.lower() in people:
            return element.text.lower()
        if element.kind in ";Q":
            return None
    return None
