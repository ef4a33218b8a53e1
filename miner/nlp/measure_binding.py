"""Bind the quantities of a sentence to the endpoint each of them is a figure of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from miner.nlp.measure_cues import Cue
from miner.nlp.measure_quantities import Element, Quantity
from miner.nlp.measure_rules import measure_rules

_RULES = measure_rules()
_FAR = 99.0
_LIMIT = {"percent": 26.0, "duration": 34.0, "ratio": 9.0, "count": 3.5, "text": 10.0}
_COST = {
    "w": 1.0,
    "n": 0.8,
    ",": 1.2,
    ";": 9.0,
    ":": 0.3,
    "(": 0.5,
    ")": 0.5,
    "o": 0.2,
    "a": 0.5,
    "v": 0.2,
    "H": 0.3,
    "Q": 0.6,
    "y": 3.0,
    "/": 0.3,
    "=": 0.0,
}
_COST_AFTER = {"w": 1.0, "n": 0.4, ",": 6.0, "(": 5.0, ")": 0.3, "o": 0.3, "a": 3.0, "v": 3.0, "H": 0.5, "/": 1.0, "=": 2.0}
_COPULA = _RULES.word_set("words", "copula")
_HAVING = _RULES.word_set("words", "having")
_FINDING = _RULES.word_set("words", "finding")
_FROM = _RULES.word_set("words", "from")
_EVENTS = _RULES.word_set("words", "events")
_ASSESSED = _RULES.word_set("words", "assessed")
_LIMIT_AFTER = 7.0
_LIMIT_WEAK = 8.0
_RELATIVE = _RULES.word_set("words", "relative")
_JOINING = frozenset(",av/()H:o")
_OWN_SITE = 3.0


@dataclass(frozen=True, slots=True)
class Bound:
    """A quantity, the metric it is a figure of, and the name it was bound to."""

    quantity: Quantity
    metric: str
    cue: Cue | None
    index: int


def bind(elements: Sequence[Element], cues: Mapping[int, Cue], carried: Cue | None = None) -> list[Bound]:
    """Bind every quantity that has a name in its sentence; percentages without one are frequencies.

    ``carried`` is the endpoint of the sentence before, for one that goes on about it ("It was 36% with ...").
    """
    named = {i: cues[e.start] for i, e in enumerate(elements) if e.kind == "c"}
    aligned = _aligned(elements, named)
    last: dict[str, tuple[int, Cue | None]] = {}
    found = []
    for i, element in enumerate(elements):
        if not isinstance(element, Quantity):
            continue
        form = kind_of(element)
        cue = _inner(element, cues) or aligned.get(i) or _nearest(elements, named, i, element, last.get(form))
        if cue is None and carried is not None and carried.natural(form) and not (form == "count" and element.total is None):
            cue = carried
        if cue is None and form in last and _goes_on(elements, named, element, last[form], i):
            cue = last[form][1]
        last[form] = (i, cue)
        metric = cue.metric(form) if cue else _default(element)
        if metric:
            found.append(Bound(element, metric, cue, i))
    return found


def _goes_on(elements: Sequence[Element], named: Mapping[int, Cue], quantity: Quantity, last: tuple[int, Cue | None], i: int) -> bool:
    """Does a figure go on a list ("in 105, 29 and 7 tumors", "mutations in 105, KRAS mutations in 29", "cutoffs of 1%, 5% and 50%")?"""
    before, cue = last
    if cue is None or i - before > 8:
        return False
    between = elements[before + 1 : i]
    if all(e.kind in ",a" for e in between):
        return cue.endpoint.weak or quantity.form != "count"
    if not cue.endpoint.weak or quantity.form != "count" or quantity.total is not None:
        return False
    return i - 2 in named and named[i - 2].endpoint.weak and elements[i - 1].text.lower() == "in" and all(e.kind in ",awc" for e in between)


def _inner(quantity: Quantity, cues: Mapping[int, Cue]) -> Cue | None:
    """The name inside a quantity: "56 responded (79%)"."""
    inside = [cues[start] for start in quantity.inner if not cues[start].endpoint.weak and cues[start].metric(kind_of(quantity))]
    return inside[-1] if inside else None


def kind_of(quantity: Quantity) -> str:
    """Kind of metric a quantity can be a figure of; "not reached" stands for a duration."""
    return "duration" if quantity.form == "text" else quantity.form


def _default(quantity: Quantity) -> str | None:
    """Metric of a quantity that nothing names: a frequency, or a count of a total."""
    if quantity.form == "percent":
        return "value_percent"
    if quantity.form != "count" or quantity.total is None:
        return None
    return "n_pos" if quantity.noun or quantity.total > 3 else None


def _takes(cue: Cue, quantity: Quantity, text: str) -> bool:
    """Can a quantity of this form be a figure of the cue's endpoint?"""
    if cue.metric(kind_of(quantity)) is None:
        return False
    if quantity.form == "count" and quantity.total in (None, quantity.n) and not cue.endpoint.weak:
        return not text.endswith(("rate", "rates")) and not text.startswith(("ORR", "DCR", "RR"))
    return True


def _nearest(
    elements: Sequence[Element], named: Mapping[int, Cue], i: int, quantity: Quantity, last: tuple[int, Cue | None] | None
) -> Cue | None:
    """The cheapest name before or after a quantity, within the limit of its form.

    A name before another figure of the same form, to which that figure was not bound, is out of reach.
    """
    best, least = None, _LIMIT[quantity.form]
    subject = _is_subject(elements, i)
    counted = quantity.form == "count" and quantity.total is None
    for j, cue in named.items():
        if not _takes(cue, quantity, elements[j].text):
            continue
        if not (_countable(elements, i, j, quantity, cue) if counted else cue.firm or _verbal(elements, i, j)):
            continue
        cost = _before(elements, named, j, i, quantity) + 7 * subject if j < i else _after(elements, named, i, j)
        if j > i and cost > _LIMIT_AFTER:
            continue
        if not cue.natural(kind_of(quantity)):
            cost += 6.0
        if last and j < last[0] and (last[1] is None or last[1].endpoint is not cue.endpoint) and not _inside(elements, last[0], i):
            cost += 16.0
        if cue.timed and kind_of(quantity) == "duration":
            cost += _OWN_SITE
        if cue.endpoint.weak and not counted and cost > _LIMIT_WEAK:
            continue
        if cost < least:
            best, least = cue, cost
    return best


def _inside(elements: Sequence[Element], k: int, i: int) -> bool:
    """Does a bracket close between two elements that opened before the first?"""
    depth = 0
    for element in elements[k + 1 : i]:
        depth += (element.kind == "(") - (element.kind == ")")
        if depth < 0:
            return True
    return False


def _countable(elements: Sequence[Element], i: int, j: int, quantity: Quantity, cue: Cue) -> bool:
    """Can a bare count be tied to a name? A bound cannot, "n = 3" only when the name opens its bracket."""
    if isinstance(quantity.value, str):
        return False
    if quantity.equals:
        counted = not cue.endpoint.weak or elements[j].text.lower() in _EVENTS
        return counted and j == i - 2 and elements[i - 1].kind == "("
    if i and elements[i - 1].text.lower() in _FROM and (j < i or cue.endpoint.weak):
        return False
    if cue.endpoint.weak:
        return _verbal(elements, i, j)
    return j < i or not any(e.text.lower() in _ASSESSED for e in elements[i + 1 : j])


def _verbal(elements: Sequence[Element], i: int, j: int) -> bool:
    """Does a verb tie a count and a name ("detected in 7", "5 fusions were detected", "3 harbored a mutation")?"""
    between = elements[min(i, j) + 1 : max(i, j)]
    words = {e.text.lower() for e in between}
    if j > i:
        return bool(words & (_HAVING - {"with"})) and not words & _RELATIVE
    return elements[j].text.lower().split()[0] in _FINDING or bool(words & _FINDING)


def _is_subject(elements: Sequence[Element], i: int) -> bool:
    """Is a quantity the subject of a clause of its own ("... and 12% of patients had")?"""
    j = i + 1
    while j < len(elements) and elements[j].kind in ")wno" and j < i + 6:
        word = elements[j].text.lower()
        if word in _HAVING - {"with"} and (j > i + 1 or word not in {"was", "were"}):
            return i == 0 or elements[i - 1].kind in ",;a:" or elements[i - 1].text.lower() in {"whereas", "while", "but", "although"}
        j += 1
    return False


def _before(elements: Sequence[Element], named: Mapping[int, Cue], j: int, i: int, quantity: Quantity) -> float:
    """Cost of a name that stands before the quantity."""
    cue, cost = named[j], 0.0
    depths = _depths(elements, j, i)
    floor = min(depths[-1], 0)
    for k, depth in zip(range(j + 1, i), depths, strict=False):
        element = elements[k]
        if depth > max(depths[-1], 0):
            cost += 0.1
        elif element.kind == "c":
            cost += _passing(named[k], cue, quantity)
        else:
            cost += _COST.get(element.kind, 1.0)
    cost -= 8.0 * floor
    after = _skip_alias(elements, named, j)
    opener = elements[after] if after < len(elements) else None
    linked = after == i or (opener is not None and (opener.kind in ":,=(o" or opener.text.lower() in _COPULA))
    if linked:
        cost -= 3.0
    if cue.endpoint.weak:
        cost += 4.0 * (cue.endpoint.metrics.get("percent") is None) + 8.0 * any(e.kind == "Q" for e in elements[j + 1 : i])
        spoken = opener is not None and (opener.kind == "o" or opener.text.lower() in _COPULA | _FINDING)
        cost += 1.0 if spoken or after == i else 5.0 if linked else 8.0
    return cost


def _depths(elements: Sequence[Element], j: int, i: int) -> list[int]:
    """Depth of brackets of each element after ``j`` up to ``i``, 0 being that of ``j``; closing ones count as inside."""
    found, depth = [], 0
    for k in range(j + 1, i + 1):
        depth += elements[k].kind == "("
        found.append(depth)
        depth -= elements[k].kind == ")"
    return found


def _passing(other: Cue, cue: Cue, quantity: Quantity) -> float:
    """Cost of passing another name on the way."""
    if other.endpoint is cue.endpoint:
        return 0.0
    if not other.natural(kind_of(quantity)):
        return 1.0
    return 1.0 if other.endpoint.weak else 6.0


def _skip_alias(elements: Sequence[Element], named: Mapping[int, Cue], j: int) -> int:
    """Index after a name and its abbreviation in brackets."""
    k = j + 1
    if k + 2 < len(elements) and elements[k].kind == "(" and elements[k + 1].kind == "c" and named[k + 1].endpoint is named[j].endpoint:
        k += 2
        if k < len(elements) and elements[k].kind == ")":
            k += 1
    while k < len(elements) and elements[k].text.lower() in {"rate", "rates", "time", "duration"}:
        k += 1
    return k


def _after(elements: Sequence[Element], named: Mapping[int, Cue], i: int, j: int) -> float:
    """Cost of a name that stands after the quantity."""
    cost, words, having = 0.0, 0, False
    for k in range(i + 1, j):
        element = elements[k]
        if element.kind in ";:Q" or element.text.lower() in _RELATIVE:
            return _FAR
        if element.kind == "c":
            cost += 0.5 if named[k].endpoint.weak else 4.0
            continue
        if element.text.lower() in _HAVING and not having:
            cost, having = cost - 2.0, True
        elif element.kind == "w":
            words += 1
        cost += _COST_AFTER.get(element.kind, 1.0)
    adjacent = (
        all(elements[k].kind in "wcH" and elements[k].text.lower() not in _COPULA for k in range(i + 1, j)) and words <= 2 and not having
    )
    adjacent = adjacent and all(elements[k].kind != ")" for k in range(i + 1, j))
    if adjacent or (elements[i + 1].text.lower() == "for" and j <= i + 4):
        cost -= 4.0
    follows = _skip_alias(elements, named, j)
    if follows < len(elements) and not adjacent and not (having and elements[follows].kind in ",(") and _owns_next(elements, follows):
        cost += 7.0
    return cost + (1.5 if named[j].endpoint.weak else 0.0)


def _owns_next(elements: Sequence[Element], k: int) -> bool:
    """Does a name lead straight to another quantity?"""
    for element in elements[k : k + 4]:
        if element.kind == "Q":
            return True
        if not (element.kind in ":,=(o" or element.text.lower() in _COPULA):
            return False
    return False


def _aligned(elements: Sequence[Element], named: Mapping[int, Cue]) -> dict[int, Cue]:
    """Names that stand in a list, dealt out to the quantities of the list after (or before) them."""
    found: dict[int, Cue] = {}
    for group in _groups(elements, named):
        cues = [named[j] for j in group]
        quantities = _run_after(elements, named, group[-1])
        dealt = _deal(elements, cues, quantities) if quantities else None
        if dealt is None:
            dealt = _deal(elements, cues, _run_before(elements, group[0]))
        found.update(dealt or {})
    return found


def _groups(elements: Sequence[Element], named: Mapping[int, Cue]) -> list[list[int]]:
    """Indices of names that are coordinated: at least two endpoints with nothing but commas and "and" between them."""
    groups: list[list[int]] = []
    last = -_FAR
    for j, cue in named.items():
        if cue.endpoint.weak:
            continue
        between = elements[int(last) + 1 : j] if last >= 0 else []
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
    if len(quantities) == len(cues) and all(c.metric(kind_of(q)) for c, q in zip(cues, quantities.values(), strict=True)):
        return dict(zip(quantities, cues, strict=True))
    fitting = {i: q for i, q in quantities.items() if any(c.natural(kind_of(q)) for c in cues)}
    if len(fitting) < len(cues):
        return None
    takers = {i: [c for c in cues if c.natural(kind_of(q))] for i, q in fitting.items()}
    forms = {kind_of(q) for q in fitting.values()}
    if len(forms) > 1:
        single = all(len(c) == 1 for c in takers.values())
        return {i: c[0] for i, c in takers.items()} if single else _by_form(takers, fitting)
    able = [c for c in cues if c.natural(next(iter(forms)))]
    if not able or len(fitting) % len(able) or len(able) < 2:
        return None
    order = sorted(fitting)
    if len(order) > len(able) and _versus(elements, order):
        size = len(order) // len(able)
        return {i: able[n // size] for n, i in enumerate(order)}
    return {i: able[n % len(able)] for n, i in enumerate(order)}


def _by_form(takers: Mapping[int, Sequence[Cue]], quantities: Mapping[int, Quantity]) -> dict[int, Cue]:
    """Deal out form by form: the percentages among the names that take percentages, and so on."""
    found: dict[int, Cue] = {}
    for form in {kind_of(q) for q in quantities.values()}:
        same = [i for i in sorted(quantities) if kind_of(quantities[i]) == form]
        cues = takers[same[0]]
        if len(same) % len(cues) == 0:
            found.update({i: cues[n % len(cues)] for n, i in enumerate(same)})
    return found


def _versus(elements: Sequence[Element], order: Sequence[int]) -> bool:
    """Are the first two quantities set against each other ("57% v 44%")?"""
    return any(elements[k].kind == "v" for k in range(order[0] + 1, order[1]))
