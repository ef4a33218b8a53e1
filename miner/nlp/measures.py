"""Find measures (a figure and the endpoint it is a figure of) and cohorts (a counted group) in a text."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections.abc import Container, Sequence
from dataclasses import replace
from functools import cache
from operator import attrgetter

from ahocorasick_rs import AhoCorasick
from spacy.language import Language
from spacy.tokens import Doc

from miner.nlp import doc as docs
from miner.nlp.measure_binding import bind
from miner.nlp.measure_carriers import carriers
from miner.nlp.measure_cohorts import cohorts_of
from miner.nlp.measure_cues import Cue, Cues
from miner.nlp.measure_groups import Bound
from miner.nlp.measure_items import items_of
from miner.nlp.measure_lexemes import Lexeme, arrange, gap_lexemes, number_lexemes, special_lexemes
from miner.nlp.measure_noise import Noise
from miner.nlp.measure_quantities import Element, Quantity, compose
from miner.nlp.measure_rules import measure_rules
from miner.nlp.measure_zeros import with_zeros
from miner.numbers import tidy
from miner.schema import Label, Measure, Mention, Sentence

MASKED = frozenset({Label.GENE, Label.FUSION, Label.VARIANT, Label.DRUG, Label.DRUG_CLASS, Label.DISEASE, Label.ASSAY, Label.ALTERATION})


_SPREAD = frozenset({"age", "follow_up_months"})  # what stands in brackets after these is a range, not an interval
_GOES_ON = re.compile(
    r"(?:It|They|This|These|Those|That)\s(?:was|were|is|are|rose|fell|reached)\b"
    r"|(?:The\s)?(?:[Cc]orresponding|[Rr]espective)\s(?:rate|value|figure|percentage|proportion|result|median|number|time)s?\b"
    r"|(?:These|The)\s(?:rate|value|figure|percentage)s?\s(?:was|were)\b"
)


_OLD = 480
_SURVIVAL = frozenset({"OS_months", "PFS_months", "DFS_months", "CSS_months", "TTP_months", "DoR_months"})
_ORDER = attrgetter("start", "end", "text", "label")
_TUMOURS = re.compile(r"(?:.*\s)?[A-Z][A-Za-z]*[A-Z]s")  # "25 PTCs"


class MeasureRules:
    """Everything made from ``measures.toml``."""

    def __init__(self) -> None:
        rules = measure_rules()
        self.noise = Noise(rules)
        self.cues = Cues(rules)
        self.nouns = _with_plurals(rules.words("cohorts", "nouns"))
        self.people = _with_plurals(rules.words("cohorts", "people"))
        abbreviations = [rf"{word}(?!\w)(?<!\w{word})" for word in rules.words("noise", "literal_abbreviations")]
        self.literal = re.compile("|".join([*map(re.escape, rules.words("noise", "literals")), *abbreviations]))
        self.literal_signs = AhoCorasick([*rules.words("noise", "literals"), *rules.words("noise", "literal_abbreviations")])


def _with_plurals(nouns: Sequence[str]) -> frozenset[str]:
    return frozenset(form for noun in nouns for form in (noun, noun + "s"))


@cache
def rules() -> MeasureRules:
    """The rules, read once."""
    return MeasureRules()


def find_measures(text: str, sentences: Sequence[Sentence], mentions: Sequence[Mention]) -> list[Mention]:
    """MEASURE and COHORT mentions of a text.

    A MEASURE's span is the number expression; ``anchor`` is the name it was bound to, ``item`` what a list or an apposition
    ties it to. Durations are in months; ``miner.numbers.figures`` gives what a measure supplies to a claim.
    """
    made = rules()
    names = sorted((m for m in mentions if m.label in MASKED), key=_ORDER)
    starts = [m.start for m in names]
    masked = made.noise.mask(text, names)
    cues = made.cues.find(text)
    atoms = arrange([*special_lexemes(masked), *number_lexemes(masked, made.noise), *_literals(text, made), *_cue_lexemes(text, cues)])
    by_start = {cue.start: cue for cue in cues}
    seen_interval = any(atom.kind == "C" and atom.value for atom in atoms)
    found: list[Mention] = []
    tumours = {m.end - len(m.text.split()[-1]) for m in names if m.label is Label.DISEASE and _TUMOURS.fullmatch(m.text)}
    at = 0
    carried: Cue | None = None
    ratio: Cue | None = None
    for sentence in sentences:
        while at < len(atoms) and atoms[at].start < sentence.start:
            at += 1
        inside = []
        while at < len(atoms) and atoms[at].start < sentence.end:
            inside.append(atoms[at])
            at += 1
        if any(atom.kind in "PTNDL" for atom in inside):
            elements = compose(_lexemes(text, sentence, inside, made, tumours), text, seen_interval)
            going_on = carried if _GOES_ON.match(text, sentence.start) else None
            ratio = next((by_start[atom.start] for atom in inside if _is_ratio(by_start.get(atom.start))), ratio)
            bound = with_zeros(text, sentence, elements, _plausible(bind(elements, by_start, going_on, ratio)))
            carried = next((b.cue for b in reversed(bound) if b.cue and not b.cue.endpoint.weak), None)
            found += _mentions(text, sentence, elements, bound, _within(sentence, names, starts), made)
        else:
            carried = None
    return sorted(_with_sums(found), key=_ORDER)


_SAID_AGAIN = frozenset({" (", " [", "(", "["})


def _is_ratio(cue: Cue | None) -> bool:
    return cue is not None and set(cue.endpoint.metrics) == {"ratio"}


def _literals(text: str, made: MeasureRules) -> list[Lexeme]:
    """What stands for a figure ("not reached"), told once: not its abbreviation in brackets behind it, "not reached (NR)"."""
    if not made.literal_signs.find_matches_as_indexes(text):
        return []
    found: list[Lexeme] = []
    for match in made.literal.finditer(text):
        if not found or text[found[-1].end : match.start()] not in _SAID_AGAIN:
            found.append(Lexeme("L", match.start(), match.end(), text=match[0]))
    return found


def _cue_lexemes(text: str, cues: Sequence[Cue]) -> list[Lexeme]:
    return [Lexeme("c", cue.start, cue.end, text=text[cue.start : cue.end]) for cue in cues]


def _lexemes(text: str, sentence: Sentence, atoms: Sequence[Lexeme], made: MeasureRules, tumours: Container[int]) -> list[Lexeme]:
    """All lexemes of a sentence; "none of" counts as nought. What starts in ``tumours`` is counted like any tumour."""
    found: list[Lexeme] = []
    at = sentence.start
    for atom in atoms:
        found += gap_lexemes(text, at, atom.start, made.nouns)
        found.append(atom)
        at = atom.end
    found += gap_lexemes(text, at, sentence.end, made.nouns)
    if tumours:
        for lexeme in found:
            if lexeme.kind == "w" and lexeme.start in tumours:
                lexeme.kind, lexeme.text = "n", "tumors"
    for lexeme, following in itertools.pairwise(found):
        if following.kind == "o" and lexeme.text.lower() in {"none", "neither"}:
            lexeme.kind, lexeme.value, lexeme.word = "N", 0.0, True
    return found


def _mentions(
    text: str, sentence: Sentence, elements: Sequence[Element], bound: Sequence[Bound], names: Sequence[Mention], made: MeasureRules
) -> list[Mention]:
    """Measures and cohorts of one sentence."""
    items = items_of(text, sentence, elements, bound, names)
    found = [_measure(text, one, items.get(one.index)) for one in bound]
    quantities = [(i, e) for i, e in enumerate(elements) if isinstance(e, Quantity)]
    taken = {one.quantity.start for one in bound}
    found += carriers(text, [q for _, q in quantities], taken, names)
    found += cohorts_of(text, elements, quantities, made.people)
    return found


def _within(sentence: Sentence, names: Sequence[Mention], starts: Sequence[int]) -> list[Mention]:
    """Mentions that lie in a sentence; ``starts`` are theirs, in order."""
    near = names[bisect_left(starts, sentence.start) : bisect_left(starts, sentence.end)]
    return [m for m in near if m.end <= sentence.end]


def _plausible(bound: Sequence[Bound]) -> list[Bound]:
    """Without percentages above 100 that no change explains, and ratios that are none."""
    kept = [
        b for b in bound if not (b.quantity.form == "percent" and isinstance(b.quantity.value, (int, float)) and b.quantity.value > 100)
    ]
    return [replace(b, metric="age", cue=None) if b.metric in _SURVIVAL and _is_age(b.quantity.value) else b for b in kept]


def _is_age(value: float | str | None) -> bool:
    """Is a time longer than any endpoint is followed, so that it is an age ("patients ≥70y")?"""
    number = value.lstrip("<>") if isinstance(value, str) else str(value)
    return number.isdigit() and int(number) >= _OLD


def _measure(text: str, bound: Bound, item: tuple[int, int] | None) -> Mention:
    quantity = bound.quantity
    value, unit = quantity.value, quantity.unit
    if bound.metric == "age":
        value, unit = _age(quantity), "years"
    ci = None if bound.metric in _SPREAD else quantity.ci
    if quantity.form == "ratio" and bound.metric.endswith("_percent") and isinstance(value, (int, float)) and value <= 1:
        value, unit = tidy(round(100 * value, 2)), "%"
    anchor = (bound.cue.start, bound.cue.end) if bound.cue else None
    warnings = tuple(_warnings(value, unit, quantity))
    measure = Measure(bound.metric, value, unit, quantity.n, quantity.total, ci, anchor, warnings if ci == quantity.ci else (), item)
    start, end = quantity.figure
    return Mention(start, end, text[start:end], Label.MEASURE, measure)


def _age(quantity: Quantity) -> float | str | None:
    """An age in years again, for durations are kept in months."""
    if quantity.form != "duration" or quantity.value is None:
        return quantity.value
    if isinstance(quantity.value, str):
        return re.sub(r"\d+(?:\.\d+)?", lambda m: f"{float(m[0]) / 12:g}", quantity.value)
    return tidy(round(quantity.value / 12, 1))


def _warnings(value: float | str | None, unit: str | None, quantity: Quantity) -> list[str]:
    """What does not add up in one measure: the count against the percentage, the value against its interval."""
    found: list[str] = []
    if isinstance(value, str) or value is None:
        return found
    if unit == "%" and quantity.n is not None and quantity.total:
        percent = 100 * quantity.n / quantity.total
        if abs(percent - value) > 1.0:
            found.append(f"{quantity.n}/{quantity.total} is {percent:.1f}%, text says {value:g}%")
    if quantity.ci and not quantity.ci[0] <= value <= quantity.ci[1] and not quantity.ci[0] * 100 <= value <= quantity.ci[1] * 100 <= 100:
        found.append(f"{value:g} lies outside its interval {quantity.ci[0]:g} to {quantity.ci[1]:g}")
    return found


def _with_sums(found: Sequence[Mention]) -> list[Mention]:
    """Warn on a response count that its complete and partial responses do not make up; only where each is told once."""
    measures = [m.referent for m in found if isinstance(m.referent, Measure)]
    complete, partial = ([x.n for x in measures if x.metric == metric and x.n is not None] for metric in ("CR", "PR"))
    responses = [x for x in measures if x.metric == "ORR_percent" and x.n is not None]
    if not len(complete) == len(partial) == len(responses) == 1:
        return list(found)
    total = complete[0] + partial[0]
    if total == responses[0].n:
        return list(found)
    told = f"{complete[0]} complete and {partial[0]} partial responses make {total}, text says {responses[0].n}"
    marked = replace(responses[0], warnings=(*responses[0].warnings, told))
    return [replace(m, referent=marked) if m.referent is responses[0] else m for m in found]


class MeasureFinder:
    """spaCy component: adds MEASURE and COHORT mentions."""

    def __call__(self, doc: Doc) -> Doc:
        """Add the measures and cohorts of a doc."""
        return docs.add_mentions(doc, find_measures(docs.text_of(doc), docs.sentences(doc), docs.mentions(doc)))


@Language.factory("miner_measures")
def create_miner_measures(nlp: Language, name: str) -> MeasureFinder:
    """Component that finds figures and counted groups."""
    return MeasureFinder()
