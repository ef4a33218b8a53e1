"""Bind the quantities of a sentence to the endpoint each of them is a figure of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from miner.nlp.measure_cues import Cue
from miner.nlp.measure_groups import Bound, coordinated, is_group, is_whole, of_ending
from miner.nlp.measure_lists import aligned, compared, goes_on, has_predicate, sharing
from miner.nlp.measure_quantities import SORTS, Element, Quantity, kind_of
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
_STATES = frozenset({"positive", "mutated", "mutant", "rearranged", "amplified"})
_EVENTS = _RULES.word_set("words", "events")
_ASSESSED = _RULES.word_set("words", "assessed")
_LIMIT_AFTER = 7.0
_LIMIT_WEAK = 8.0
_RELATIVE = _RULES.word_set("words", "relative")
_DEFINITE = _RULES.word_set("words", "definite")
_LITERATURE = frozenset(form for word in _RULES.words("cohorts", "literature") for form in (word, word + "s"))
_PLACES = frozenset(form for word in _RULES.words("cohorts", "places") for form in (word, word + "s")) | _LITERATURE
_PART_OF = ("responder", "responders", "responses")
_PREDICATES = _RULES.word_set("words", "elided") - {"with", "in", "on", "from", "by", "patients", "who", "were", "was", "are", "is"}
_OWN_SITE = 3.0
_LINKED = 3.0
_ACCURACIES = frozenset({"sensitivity", "specificity", "other accuracy"})  # "95% of sensitivity"
_LINKING = _RULES.word_set("words", "linking")
_TRAITS = _RULES.word_set("words", "traits")


def bind(elements: Sequence[Element], cues: Mapping[int, Cue], carried: Cue | None = None, ratio: Cue | None = None) -> list[Bound]:
    """Bind every quantity that has a name in its sentence; percentages without one are frequencies.

    ``carried`` is the endpoint of the sentence before, for one that goes on about it ("It was 36% with ..."); ``ratio`` the
    kind of ratio told before, for a bare one with its interval ("; 0.61, 0.49-0.75").
    """
    named = {i: cues[e.start] for i, e in enumerate(elements) if e.kind == "c"}
    dealt = aligned(elements, named)
    last: dict[str, tuple[int, Cue | None]] = {}
    shared = sharing(elements, named)
    found: list[Bound] = []
    for i, element in enumerate(elements):
        if not isinstance(element, Quantity):
            continue
        form = kind_of(element)
        dealt.update(compared(elements, i, form, [(kind_of(b.quantity), b.cue) for b in found]) if i not in dealt else {})
        cue = _inner(element, cues) or dealt.get(i) or _nearest(elements, named, i, element, last.get(form))
        if cue is None and carried is not None and carried.natural(form) and not (form == "count" and element.total is None):
            cue = carried
        if cue is None and form in last and goes_on(elements, named, element, last[form], i):
            cue = last[form][1]
        if cue is None and form == "ratio" and element.ci and i and elements[i - 1].kind in "(;,":
            cue = ratio
        last[form] = (i, cue)
        metric = cue.metric(form) if cue else _default(element, elements, i)
        metric = "ratio" if metric == "HR" and of_ending(elements, named, i) else metric
        if metric:
            found.append(Bound(element, metric, cue, i))
        found += [Bound(element, other.endpoint.metrics["duration"], other, i) for other in shared.get(i, ()) if other is not cue]
    return coordinated(elements, found)


def _inner(quantity: Quantity, cues: Mapping[int, Cue]) -> Cue | None:
    """The name inside a quantity: "56 responded (79%)"."""
    inside = [cues[start] for start in quantity.inner if not cues[start].endpoint.weak and cues[start].metric(kind_of(quantity))]
    return inside[-1] if inside else None


def _default(quantity: Quantity, elements: Sequence[Element], i: int) -> str | None:
    """Metric of a quantity that nothing names: a frequency, or a count of a total."""
    if quantity.form == "percent":
        return "value_percent"
    if quantity.form != "count" or quantity.total is None or quantity.noun.lower() in _PLACES | SORTS:
        return None
    if quantity.n == quantity.total and is_whole(quantity, elements, i):
        return None
    return "n_pos" if quantity.noun or quantity.total > 3 else None


def _takes(cue: Cue, quantity: Quantity, text: str) -> bool:
    """Can a quantity of this form be a figure of the cue's endpoint?"""
    if quantity.noun.lower() in SORTS:
        return False
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
    if (
        quantity.form == "percent"
        and 0 < i < len(elements) - 1
        and elements[i - 1].kind in ",;("
        and elements[i + 1].text.lower() in _TRAITS
    ):
        return None  # "(n = 107; median age 70 years, 29% female)"
    best, least = None, _LIMIT[quantity.form]
    subject = _is_subject(elements, i)
    own = has_predicate(elements, i)
    counted = quantity.form == "count" and quantity.total is None
    for j, cue in named.items():
        if not _takes(cue, quantity, elements[j].text) or (cue.endpoint.name == "threshold" and j < i and _found_in(elements, j, i)):
            continue
        if not (_countable(elements, i, j, quantity, cue) if counted else cue.firm or _verbal(elements, i, j)):
            continue
        if (own and j < i) or (j > i and _linked_to(elements, i, j)):
            continue
        cost = _before(elements, named, j, i, quantity, least) + 7 * subject if j < i else _after(elements, named, i, j)
        if cost >= least or (j > i and cost > _LIMIT_AFTER):
            continue
        if not cue.natural(kind_of(quantity)):
            if "duration" in cue.endpoint.metrics and (_is_share(elements, named, i) or (cue.endpoint.name == "follow-up" and cost > 3)):
                continue
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


def _found_in(elements: Sequence[Element], j: int, i: int) -> bool:
    """Does a verb of finding stand between a name and a figure ("low scores were seen in 18%")?"""
    return any(e.text.lower().partition(" ")[0] in _FINDING for e in elements[j + 1 : i])


def _linked_to(elements: Sequence[Element], i: int, j: int) -> bool:
    """Is what was counted linked to the name behind: "found in 2% and was associated with a poor response"?"""
    return any(word in _LINKING for e in elements[i + 1 : j] for word in e.text.lower().split())


def _is_share(elements: Sequence[Element], named: Mapping[int, Cue], i: int) -> bool:
    """Does a percentage open a bracket in which a name with its own figure follows: a group's share ("(22%; mOS = 9 months)")?"""
    if not 0 < i < len(elements) - 1 or elements[i - 1].kind != "(":
        return False
    if elements[i + 1].kind == "o" and i > 1 and elements[i - 2].kind != "c":
        return True  # "patients on A (19% of all)"
    return i + 2 in named and elements[i + 1].kind in ";," and not named[i + 2].endpoint.weak


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
    before, behind = elements[i - 1].text.lower() if i else "", elements[i + 1].text.lower() if i + 1 < len(elements) else ""
    if before == "of" and i > 1 and elements[i - 2].text.lower() == "total" and behind in _EVENTS:
        return j == i + 1
    if j < i and i > 0 and elements[i - 1].kind in "a," and behind in _PREDICATES:
        return False  # "78 discontinued and 93 continued": what is said of it follows
    if before in _FROM and (j < i or cue.endpoint.weak):
        return False
    if cue.endpoint.weak and (quantity.noun.lower() in _LITERATURE or (j < i and before in _DEFINITE)):
        return False
    if cue.endpoint.weak:
        aside = i and elements[i - 1].kind == "(" and any(e.kind == ")" for e in elements[i + 1 : j])
        return not aside and (_verbal(elements, i, j) or _in_bracket(elements, i, j))
    if j < i - 1 and not _leads(elements[j + 1 : i]):
        return False
    return not any(e.text.lower() in _ASSESSED for e in elements[min(i, j) + 1 : max(i, j)])


def _leads(between: Sequence[Element]) -> bool:
    """Does a word or sign between a name and a count lead from one to the other?"""
    return any(e.kind in "(:=,ovQcHa;" or e.text.lower() in _COPULA | _HAVING | _FINDING for e in between)


def _in_bracket(elements: Sequence[Element], i: int, j: int) -> bool:
    """Does a count stand with its adjective alone in a bracket ("640 samples (72 positive; 11%)")?"""
    following = elements[j + 1].kind if j + 1 < len(elements) else ""
    return (
        j == i + 1
        and i > 0
        and elements[i - 1].kind in "(;,"
        and following in ("Q", ")", ";", ",", "c")
        and elements[j].text.lower() in _STATES
    )


def _verbal(elements: Sequence[Element], i: int, j: int) -> bool:
    """Does a verb tie a count and a name ("detected in 7", "5 fusions were detected", "3 harbored a mutation")?"""
    between = elements[min(i, j) + 1 : max(i, j)]
    words = {e.text.lower() for e in between}
    if j > i:
        return bool(words & (_HAVING - {"with"})) and not words & _RELATIVE
    return elements[j].text.lower().split()[0] in _FINDING or bool(words & _FINDING)


def _is_subject(elements: Sequence[Element], i: int) -> bool:
    """Is a quantity the subject of a clause of its own ("... and 12% of patients had")?"""
    j, quantity = i + 1, elements[i]
    counted = isinstance(quantity, Quantity) and quantity.form == "percent" and quantity.n is not None
    while j < len(elements) and elements[j].kind in ")wno" and j < i + 6:
        word = elements[j].text.lower()
        if word in _HAVING - {"with"} and (j > i + 1 or counted or word not in {"was", "were"}):
            return i == 0 or elements[i - 1].kind in ",;a:" or elements[i - 1].text.lower() in {"whereas", "while", "but", "although"}
        j += 1
    return False


def _before(elements: Sequence[Element], named: Mapping[int, Cue], j: int, i: int, quantity: Quantity, least: float) -> float:
    """Cost of a name that stands before the quantity; what cannot be less than ``least`` is not summed to its end."""
    cue, cost = named[j], 0.0
    depths = _depths(elements, j, i)
    floor = min(depths[-1], 0)
    outer = max(depths[-1], 0)
    enough = least + _LINKED
    for k, depth in zip(range(j + 1, i), depths, strict=False):
        element = elements[k]
        if cost > enough:
            return cost
        if depth > outer:
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
        cost -= _LINKED
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
    cost, words, having = _of(elements, named[j], i, j), 0, False
    for k in range(i + 1, j):
        element = elements[k]
        if element.kind in ";:Q" or (element.text.lower() in _RELATIVE and not _resumes(elements, k, j)):
            return _FAR
        if element.kind == "c":
            cost += 0.5 if named[k].endpoint.weak or is_group(elements, i, k) else 4.0
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
    if adjacent or (_owner(elements, i) in _OWNERS[_is_counted(elements[i])] and j <= i + 5 and named[j].endpoint.name != "age"):
        cost -= 4.0
    follows = _skip_alias(elements, named, j)
    if follows < len(elements) and not adjacent and not (having and elements[follows].kind in ",(") and _owns_next(elements, follows):
        cost += 7.0
    return cost + (1.5 if named[j].endpoint.weak else 0.0)


def _of(elements: Sequence[Element], cue: Cue, i: int, j: int) -> float:
    """Cost of a name that a figure is a part of: "70% of responders" is no response rate, "55% of responses were ongoing" is one."""
    if is_group(elements, i, j) or _apposed(elements, i):
        return _FAR
    if elements[i + 1].kind != "o" or any(e.kind != "w" for e in elements[i + 2 : j]):
        return 0.0
    if cue.endpoint.name == "ongoing response" or (j == i + 2 and cue.endpoint.name in _ACCURACIES):
        return -10.0
    return _FAR if elements[j].text.lower().endswith(_PART_OF) else 0.0


_OWNERS = {False: frozenset({"for"}), True: frozenset({"for", "with"})}  # "six with stable disease"


def _is_counted(element: Element) -> bool:
    return isinstance(element, Quantity) and element.total is None and (element.form == "count" or element.n is not None)


def _owner(elements: Sequence[Element], i: int) -> str:
    """The word that ties a figure to the name after it, past the counted noun."""
    k = i + 1 + (elements[i + 1].kind == "n" and i + 2 < len(elements))
    return elements[k].text.lower()


def _apposed(elements: Sequence[Element], i: int) -> bool:
    """Does a bare percentage stand in brackets right after an alteration, of which it is the share ("KRAS mutations (22% of tumors)")?"""
    quantity = elements[i]
    if not isinstance(quantity, Quantity) or quantity.form != "percent" or i < 2 or elements[i - 1].kind != "(":
        return False
    return elements[i - 2].kind == "c" and elements[i - 2].text.lower() in _EVENTS


def _resumes(elements: Sequence[Element], k: int, j: int) -> bool:
    """Does the main clause go on after a relative one ("the 42 who received it had responses")?"""
    verbs = [n for n in range(k + 1, j) if elements[n].text.lower() in _HAVING - {"with", "has", "have", "were", "was"}]
    return bool(verbs) and verbs[-1] > k + 2 and elements[k].text.lower() == "who"


def _owns_next(elements: Sequence[Element], k: int) -> bool:
    """Does a name lead straight to another quantity?"""
    for element in elements[k : k + 4]:
        if element.kind == "Q":
            return True
        if not (element.kind in ":,=(o" or element.text.lower() in _COPULA):
            return False
    return False
