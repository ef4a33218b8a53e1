"""Deal the names of a list out to the figures of another: "median PFS and OS were 6 and 14 months"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from miner.nlp.measure_cues import Cue
from miner.nlp.measure_quantities import Element, Quantity, kind_of
from miner.nlp.measure_rules import measure_rules

_RULES = measure_rules()
_COPULA = _RULES.word_set("words", "copula")
_HAVING = _RULES.word_set("words", "having")
_JOINING = frozenset(",av/()H:o")
_FINDING = _RULES.word_set("words", "finding")
_AGAINST = frozenset({"compared", "versus", "vs", "v", "against"})
TELLING = (_HAVING - {"with"}) | _FINDING | {"responded", "received", "underwent", "died", "progressed"}


def aligned(elements: Sequence[Element], named: Mapping[int, Cue]) -> dict[int, Cue]:
    """Names that stand in a list, dealt out to the quantities of the list after (or before) them."""
    found: dict[int, Cue] = {}
    for group in _groups(elements, named):
        cues = [named[j] for j in group]
        quantities = _run_after(elements, named, group[-1])
        dealt = _deal(elements, cues, quantities) if quantities else None
        if dealt is None:
            before = _run_before(elements, group[0])
            alike = len({kind_of(e) for i in before if isinstance(e := elements[i], Quantity)}) == 1
            dealt = _deal(elements, cues, before) if alike else None
        found.update(dealt or {})
    return found


def _groups(elements: Sequence[Element], named: Mapping[int, Cue]) -> list[list[int]]:
    """Indices of names that are coordinated: at least two endpoints with nothing but commas and "and" between them."""
    groups: list[list[int]] = []
    last = -1
    for j, cue in named.items():
        if cue.endpoint.weak:
            continue
        between = elements[last + 1 : j] if last >= 0 else []
        joined = (
            last >= 0
            and all(e.kind in _JOINING or (e.kind == "w" and e.text.lower() not in _COPULA | _HAVING) for e in between)
            and len(between) <= 6
        )
        coordinated = joined and any(e.kind in ",a/v" for e in between)
        if groups and joined and named[groups[-1][-1]].endpoint is cue.endpoint and not coordinated:
            last = j
            continue
        if groups and coordinated:
            groups[-1].append(j)
        else:
            groups.append([j])
        last = j
    return [group for group in groups if len({named[j].endpoint.name for j in group}) > 1]


def _run_after(elements: Sequence[Element], named: Mapping[int, Cue], j: int) -> list[int]:
    """Quantities after a group of names, up to the next strong name."""
    found = []
    for k in range(j + 1, len(elements)):
        if elements[k].kind == "Q":
            found.append(k)
        elif k in named and not named[k].endpoint.weak and not (not found and named[k].endpoint is named[j].endpoint):
            break
    return found


def _run_before(elements: Sequence[Element], j: int) -> list[int]:
    """Quantities in a list that ends shortly before a group of names."""
    found: list[int] = []
    for k in range(j - 1, -1, -1):
        if elements[k].kind == "Q":
            found.insert(0, k)
        elif elements[k].kind in ";:" or (not found and j - k > 9) or (found and found[0] - k > 2):
            break
    return found


def _deal(elements: Sequence[Element], cues: Sequence[Cue], indices: Sequence[int]) -> dict[int, Cue] | None:
    """Names for quantities in list order; None where the numbers do not fit."""
    quantities = {i: e for i in indices if isinstance(e := elements[i], Quantity)}
    told = {i: q for i, q in quantities.items() if q.form != "text"}
    if told and len(told) % len(cues) == 0:
        quantities = told  # "were not reached in one and 2 and 5 months in the other": it is said of both
    pairs = list(zip(cues, quantities.values(), strict=False)) if len(quantities) == len(cues) else []
    if pairs and all(c.metric(kind_of(q)) and not (c.endpoint.name == "follow-up" and q.form == "percent") for c, q in pairs):
        return dict(zip(quantities, cues, strict=True))
    usual = any(c.natural(kind_of(q)) for c in cues for q in quantities.values())

    def fits(cue: Cue, quantity: Quantity) -> bool:
        form = kind_of(quantity)
        return cue.natural(form) if usual else form == "percent" and cue.metric(form) is not None

    fitting = {i: q for i, q in quantities.items() if any(fits(c, q) for c in cues)}
    if len(fitting) < len(cues):
        return None
    takers = {i: [c for c in cues if fits(c, q)] for i, q in fitting.items()}
    forms = {kind_of(q) for q in fitting.values()}
    if len(forms) > 1:
        single = all(len(c) == 1 for c in takers.values())
        return {i: c[0] for i, c in takers.items()} if single else _by_form(elements, takers, fitting)
    able = takers[min(fitting)]
    if not able or len(fitting) % len(able) or len(able) < 2:
        return None
    order = sorted(fitting)
    if len(order) > len(able) and (_versus(elements, order) or _blocks(elements, order, len(order) // len(able))):
        size = len(order) // len(able)
        return {i: able[n // size] for n, i in enumerate(order)}
    return {i: able[n % len(able)] for n, i in enumerate(order)}


def _by_form(elements: Sequence[Element], takers: Mapping[int, Sequence[Cue]], quantities: Mapping[int, Quantity]) -> dict[int, Cue]:
    """Deal out form by form: the percentages among the names that take percentages, and so on."""
    found: dict[int, Cue] = {}
    for form in {kind_of(q) for q in quantities.values()}:
        same = [i for i in sorted(quantities) if kind_of(quantities[i]) == form]
        cues = takers[same[0]]
        size = len(same) // len(cues)
        if len(same) % len(cues) == 0 and size > 1 and _versus(elements, same):
            found.update({i: cues[n // size] for n, i in enumerate(same)})
        elif len(same) % len(cues) == 0:
            found.update({i: cues[n % len(cues)] for n, i in enumerate(same)})
    return found


def _blocks(elements: Sequence[Element], order: Sequence[int], size: int) -> bool:
    """Does "and" stand between blocks of figures and not inside ("86%, 65%, 60%, and 93%, 88%, 88%"), or inside pairs alone?"""
    joins = [any(e.kind == "a" for e in elements[a + 1 : b]) for a, b in pairwise(order)]
    gaps = ["".join(e.kind for e in elements[a + 1 : b]) for a, b in pairwise(order)]
    pairs = size == 2 and set(gaps[::2]) == {"a"} and all("," in gap and not gap.strip(",a()") for gap in gaps[1::2])
    return pairs or (size > 1 and joins == [n % size == 0 for n in range(1, len(order))])


def _versus(elements: Sequence[Element], order: Sequence[int]) -> bool:
    """Are the first two quantities set against each other ("57% v 44%")?"""
    return any(elements[k].kind == "v" for k in range(order[0] + 1, order[1]))


def sharing(elements: Sequence[Element], named: Mapping[int, Cue]) -> dict[int, list[Cue]]:
    """Names that share a "not reached": "median PFS and OS were not reached"."""
    found: dict[int, list[Cue]] = {}
    for i, element in enumerate(elements):
        if element.kind == "Q" and isinstance(element, Quantity) and element.form == "text":
            j = i - 1
            while j >= 0 and elements[j].text.lower() in _COPULA | {"still", "both", "also", "yet"}:
                j -= 1
            while j >= 1 and j in named and elements[j - 1].kind in ",a" and "duration" in named[j].endpoint.metrics:
                found.setdefault(i, []).append(named[j])
                j -= 1 + (elements[j - 1].kind == "a" and elements[j - 2].kind == ",")
                j -= 1
            if i in found and j in named and "duration" in named[j].endpoint.metrics:
                found[i].append(named[j])
    return {i: names[::-1] for i, names in found.items() if len(names) > 1}


def compared(elements: Sequence[Element], i: int, form: str, found: Sequence[tuple[str, Cue | None]]) -> dict[int, Cue]:
    """Names of two figures that are set against two before ("sensitivity 88% and specificity 99%, compared with 70% and 95%")."""
    pair = elements[i : i + 3]
    if len(pair) < 3 or pair[1].kind != "a" or not isinstance(pair[2], Quantity) or kind_of(pair[2]) != form:
        return {}
    lead = {e.text.lower() for e in elements[max(0, i - 3) : i]}
    before = [cue for kind, cue in found if kind == form][-2:]
    if len(before) < 2 or not lead & _AGAINST or before[0] is None or before[1] is None or before[0].endpoint is before[1].endpoint:
        return {}
    return {i: before[0], i + 2: before[1]}


def has_predicate(elements: Sequence[Element], i: int) -> bool:
    """Does a counted percentage say of itself what it is ("... and 50 (93%) were alive")?"""
    quantity = elements[i]
    if not isinstance(quantity, Quantity) or quantity.form != "percent" or quantity.n is None or i + 1 == len(elements):
        return False
    begins = i == 0 or elements[i - 1].kind in ",;a:"
    return begins and elements[i + 1].text.lower().partition(" ")[0] in {"was", "were"}


def goes_on(elements: Sequence[Element], named: Mapping[int, Cue], quantity: Quantity, last: tuple[int, Cue | None], i: int) -> bool:
    """Does a figure go on a list ("in 105, 29 and 7 tumors", "mutations in 105, KRAS mutations in 29", "cutoffs of 1%, 5% and 50%")?"""
    before, cue = last
    if cue is None or has_predicate(elements, i) or i - before > (24 if quantity.form == "duration" else 12 if quantity.total else 8):
        return False
    between = elements[before + 1 : i]
    if all(e.kind in ",a" for e in between):
        return cue.endpoint.weak or quantity.form != "count"
    if quantity.form == "duration":
        return _again(between, named, before + 1)
    if quantity.form == "count" and quantity.total is not None:
        return _listed_on(elements, before, i)
    if not cue.endpoint.weak or quantity.form != "count" or quantity.total is not None:
        return False
    return i - 2 in named and named[i - 2].endpoint.weak and elements[i - 1].text.lower() == "in" and all(e.kind in ",awc" for e in between)


def _again(between: Sequence[Element], named: Mapping[int, Cue], start: int) -> bool:
    """Does a bracket hold the same endpoint in another group ("... or among those with adenocarcinoma (6.3 vs 5.4 months)")?"""
    others = [named[start + k] for k, e in enumerate(between) if e.kind == "c"]
    return between[-1].kind in "(v" and not any("duration" in other.endpoint.metrics for other in others)


def _listed_on(elements: Sequence[Element], before: int, i: int) -> bool:
    """Does a count of a total go on a list of such ("8 of 50 patients with melanoma, 3 of 19 with ... and 1 of 15 with ...")?"""
    last, between = elements[before], elements[before + 1 : i]
    if not isinstance(last, Quantity) or last.total is None or between[-1].kind not in ",a":
        return False
    return all(e.kind in ",anwo" and e.text.lower() not in TELLING for e in between)
