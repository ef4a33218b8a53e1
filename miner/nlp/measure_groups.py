"""Groups that figures count: two that share what is said of them, whole ones, those that a figure is a part of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from miner.nlp.measure_cues import Cue
from miner.nlp.measure_lists import TELLING
from miner.nlp.measure_quantities import Element, Quantity, kind_of
from miner.nlp.measure_rules import measure_rules

_RULES = measure_rules()
_HAVING = _RULES.word_set("words", "having")
_FINDING = _RULES.word_set("words", "finding")
_ENDED = _RULES.words("words", "ended")
_HANDLED = _RULES.word_set("words", "handled")
_MEMBERS = ("responder", "responders")
_PAIRED = 12
_ALTERED = _RULES.word_set("words", "events") | _RULES.word_set("words", "altered")
_AT = frozenset({"in", "with", "on", "from", "for", "after", "given", "receiving"})


@dataclass(frozen=True, slots=True)
class Bound:
    """A quantity, the metric it is a figure of, and the name it was bound to."""

    quantity: Quantity
    metric: str
    cue: Cue | None
    index: int


def coordinated(elements: Sequence[Element], bound: Sequence[Bound]) -> list[Bound]:
    """Give two groups that share a predicate its name: "32% of A and 26% of B had stable disease"."""
    found = {b.index: b for b in bound}
    if len(found) < len(bound):
        return [*bound]  # names that share a figure
    order = [i for i, e in enumerate(elements) if isinstance(e, Quantity)]
    for i, k in zip(order[-2::-1], order[:0:-1], strict=True):
        first, second, told = elements[i], elements[k], found.get(k)
        if not (isinstance(first, Quantity) and isinstance(second, Quantity) and told and told.cue and told.cue.start >= second.end):
            continue
        if kind_of(first) != kind_of(second) or (i in found and found[i].cue is told.cue) or not _begins(elements, i):
            continue
        if (first.form == "count" and not (first.noun and first.n)) or not _is_pair(elements, i, k):
            continue
        found[i] = Bound(first, told.metric, told.cue, i)
    for i, k in pairwise(order):
        first, second, told = elements[i], elements[k], found.get(i)
        if not (isinstance(first, Quantity) and isinstance(second, Quantity) and told and told.cue and told.cue.end <= first.start):
            continue
        unnamed = (k not in found or not found[k].cue) and not _has_verb(elements, k)
        if unnamed and first.total and second.total and kind_of(first) == kind_of(second) and _is_pair(elements, i, k):
            found[k] = Bound(second, told.metric, told.cue, k)
    return sorted(found.values(), key=lambda b: b.index)


def _has_verb(elements: Sequence[Element], k: int) -> bool:
    """Is something said of a figure behind it, before the next sign?"""
    for element in elements[k + 1 :]:
        if element.kind in ";:,Q(":
            return False
        if element.text.lower() in TELLING | _FINDING:
            return True
    return False


def _begins(elements: Sequence[Element], i: int) -> bool:
    """Does a clause begin with an element?"""
    return i == 0 or elements[i - 1].kind in ";:," or elements[i - 1].text.lower() in {"whereas", "while", "but", "although", "only"}


def _is_pair(elements: Sequence[Element], i: int, k: int) -> bool:
    """Do two figures stand side by side, each with its group and neither with a verb?"""
    between = elements[i + 1 : k]
    if not 0 < len(between) <= _PAIRED or between[-1].kind not in "av" or sum(e.kind in "av" for e in between) > 1:
        return False
    if any(e.kind in ";:,Q" or e.text.lower() in TELLING - {"confirmed"} for e in between):
        return False
    if any(e.kind == "c" and e.text.lower() not in _ALTERED and not is_group(elements, i, i + 1 + n) for n, e in enumerate(between)):
        return False
    return len(between) > 1 and any(e.kind == "o" or e.text.lower() in _AT for e in between)


def of_ending(elements: Sequence[Element], named: Mapping[int, Cue], i: int) -> bool:
    """Is a hazard ratio one of how long a treatment was given ("time to next treatment (...; HR 0.22)")?"""
    times = [j for j, cue in named.items() if j < i and "duration" in cue.endpoint.metrics]
    return bool(times) and elements[times[-1]].text.lower().startswith(_ENDED)


def is_whole(quantity: Quantity, elements: Sequence[Element], i: int) -> bool:
    """Is "all 673 patients" the group, of which nothing is found: "among all 673 patients", "all 34 patients were evaluated"?"""
    after = [e.text.lower() for e in elements[i + 1 : i + 8]]
    before = {e.text.lower() for e in elements[max(0, i - 2) : i]}
    if before & {"among", "of"}:
        return True
    if any(e.text.lower() in _FINDING for e in elements[max(0, i - 4) : i]):
        return False  # "the loss was confirmed in all 12 cases"
    if (before & {"all", "both"} and _HANDLED.intersection(after)):
        return True
    return not quantity.noun and bool(before & {"all", "both"}) and not (_HAVING - {"with"} | _FINDING).intersection(after[:4])


def is_group(elements: Sequence[Element], i: int, j: int) -> bool:
    """Is a name the group that a count is part of ("4 of 16 confirmed responders")?"""
    counted = elements[i]
    if not isinstance(counted, Quantity) or counted.total is None or j > i + 2 or not elements[j].text.lower().endswith(_MEMBERS):
        return False
    return j == i + 1 or (elements[i + 1].kind == "w" and elements[i + 1].text.lower() not in TELLING - {"confirmed"})
