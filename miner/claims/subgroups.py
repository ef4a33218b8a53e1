"""Figures of carriers set beside those of patients without the alteration: "37% of mutated against 3% of wild-type tumours"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from miner.claims import arms, frames, words
from miner.claims.claim_types import family
from miner.claims.counted import candidates
from miner.claims.document import Subject, View, distinct
from miner.claims.effect_rules import shape
from miner.claims.frames import AGAINST, DENIED, OPEN, SUPPORTS, Stance
from miner.claims.senses import known_resistance
from miner.claims.therapy import therapies
from miner.schema import Label, Measure, Mention, Polarity

_NEAR, _WORDS, _FAR = 60, 6, 1.5
_NOT_CARRIED = ("wild-type", "gene")


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Patients told by their alteration, and what a comparison with the others says of them; None where it says nothing."""

    subjects: tuple[Subject, ...]
    stance: Stance | None


def of_figure(view: View, mention: Mention, measure: Measure, found: Sequence[tuple[Mention, Measure]]) -> Subgroup | None:
    """The subgroup that one of two figures belongs to, where the sentence sets carriers against others; else None."""
    if not view.subjects:
        return _of_list_before(view, mention, measure, found)
    if measure.metric == "HR" and (timed := _times_of_ratio(view, mention, found)):
        return of_figure(view, *timed, found)
    pair = arms.pair(view, mention, measure, found)
    beside = _in_brackets_after(view, mention, pair)
    if beside and shape("response_figures.but_not").search(view.document.text, view.start, beside.end):
        return Subgroup((beside,), DENIED)
    if beside:
        return Subgroup((without(beside) if _lacks(view, beside) else beside,), None)
    if pair and (only := _only_in(view, pair)):
        return Subgroup((only,), SUPPORTS) if mention == pair[0] else Subgroup((without(only),), OPEN)
    if not pair and (named := _of_the_others(view, mention)):
        return Subgroup(tuple(without(s) for s in named), OPEN)
    sides = _sides(view) if pair else []
    if len(sides) != 2 or arms.names_both(view):
        return _one_sided(view, mention, pair) if pair and not sides and not arms.names_both(view) else None
    verdict = arms.verdict(view, mention, measure, found)
    subjects = sides[pair.index(mention)]
    lacking = subjects[0].alteration == "wild-type"
    worse = shape("subgroups.fared_worse").search(view.document.text, view.start, pair[0].start) or _far_apart(pair, found)
    if lacking and verdict == SUPPORTS and worse:
        return Subgroup(tuple(subjects), OPEN)
    told = lacking or (verdict == AGAINST and worse)
    return Subgroup(tuple(subjects), verdict if told and verdict in (AGAINST, SUPPORTS) else None)


def _of_list_before(view: View, mention: Mention, measure: Measure, found: Sequence[tuple[Mention, Measure]]) -> Subgroup | None:
    """The group that a figure is of, where the sentence before lists as many: "... A and B. ORR was 25% and 0%, respectively"."""
    if "respectively" not in view.text or view.index == 0 or view.of(Label.GENE) or therapies(view):
        return None
    before, same = view.document.views[view.index - 1], [m for m, r in found if r.metric == measure.metric]
    named = candidates(before) if before.role == view.role else []
    others = {m.name for m in before.of(Label.DRUG)}
    if len(same) != len(named) or len(named) < 2 or len(others) > 1 or len({(s.gene, s.variant, s.alteration) for s in named}) < len(named):
        return None
    return Subgroup((named[same.index(mention)],), None)


def _times_of_ratio(view: View, mention: Mention, found: Sequence[tuple[Mention, Measure]]) -> tuple[Mention, Measure] | None:
    """The first of two times in the bracket of a ratio: "shorter PFS (5 vs 14 months; HR 2.1)"."""
    opened = view.document.text.rfind("(", view.start, mention.start)
    inside = [(m, r) for m, r in found if opened <= m.start < mention.start and r.metric in _TIMES]
    return inside[0] if opened >= 0 and len(inside) == 2 and ")" not in view.document.text[opened : mention.start] else None


_TIMES = ("PFS_months", "OS_months", "DoR_months")


def _of_the_others(view: View, mention: Mention) -> list[Subject]:
    """The carriers before a figure that is told of those without: "none responded, compared with 35% in those without"."""
    if not shape("subgroups.of_others").match(view.document.text, mention.end):
        return []
    return distinct(s for s in view.subjects if s.gene and s.end <= mention.start and not _lacks(view, s))


def _only_in(view: View, pair: Sequence[Mention]) -> Subject | None:
    """Who alone is told to have responded, straight before two figures: "only in patients with X (46% versus 0%)"."""
    text, only = view.document.text, shape("subgroups.only_in")
    before = [s for s in view.subjects if s.gene and s.end <= pair[0].start and only.search(text, view.start, s.start)]
    return before[-1] if before and pair[0].start - before[-1].end < _NEAR else None


def _far_apart(pair: Sequence[Mention], found: Sequence[tuple[Mention, Measure]]) -> bool:
    """Is one of two figures well above the other?"""
    low, high = sorted(float(r.value) if isinstance(r.value, int | float) else 0.0 for m, r in found if m in pair)[:2]
    return low > 0 and high / low >= _FAR


def _one_sided(view: View, mention: Mention, pair: Sequence[Mention]) -> Subgroup | None:
    """Carriers with the first of two figures, where the others are not named: "X was associated with shorter PFS (4 versus 12 months)"."""
    named = [s for s in view.subjects if s.gene]
    if len({s.gene for s in named}) != 1 or named[-1].end > pair[0].start or any(_lacks(view, s) for s in named):
        return None
    linked = shape("subgroups.linked").match(view.document.text, named[-1].end, pair[0].start)
    linked = linked or shape("subgroups.linked_on").search(view.document.text, named[-1].end, pair[0].start)
    if linked is None:
        return None
    if mention != pair[0]:
        return Subgroup(tuple(without(s) for s in distinct(named)), OPEN)
    return Subgroup(tuple(distinct(named)), AGAINST if shape("subgroups.fared_worse").match(linked["how"]) else SUPPORTS)


def _sides(view: View) -> list[list[Subject]]:
    """Carriers and the others, in the order of the sentence; where one alone is favoured, it stands first."""
    held: list[tuple[bool, list[Subject]]] = []
    for subject in sorted((s for s in view.subjects if s.gene), key=lambda s: s.start):
        lacks = _lacks(view, subject)
        if held and held[-1][0] is lacks:
            held[-1][1].append(subject)
        else:
            held.append((lacks, [subject]))
    if len(held) == 1 and not held[0][0] and _favoured(view, held[0][1][0]):
        held.append((True, held[0][1]))
    if len(held) == 1:
        lacks, named = held[0]
        told = "subgroups.with_and_without" if lacks else "subgroups.with_then_without"
        if shape(told).search(view.document.text, view.start, named[0].start):
            held = [(False, named), (True, named)]
    if len(held) == 1 and not held[0][0] and (place := _without_name(view)) is not None:
        held.insert(0 if place < held[0][1][0].start else 1, (True, held[0][1]))
    shared = {s.gene for s in held[0][1]} & {s.gene for s in held[1][1]} if len(held) == 2 else set()
    if not shared:
        return []
    return [distinct(without(s) if lacks else s for s in members if s.gene in shared) for lacks, members in held]


def _without_name(view: View) -> int | None:
    """Where patients without the alteration stand, no gene named again: "wild-type patients", "those without a mutation"."""
    spans = words.load("trial.toml").spans("lacking", view.document.text, view.start, view.end)
    inside = [s for s in view.subjects if any(a <= s.start < b for a, b in spans)]
    return spans[0][0] if len(spans) == 1 and not inside and not _of_another_trait(view, spans[0][0]) else None


def _of_another_trait(view: View, place: int) -> bool:
    """Is it another trait that patients are without: "11 months in patients with brain metastases and 20 in those without"?"""
    told = list(shape("subgroups.having").finditer(view.document.text, view.start, place))
    return bool(told) and not any(told[-1].start() <= s.start < place for s in view.subjects)


def _in_brackets_after(view: View, mention: Mention, pair: Sequence[Mention]) -> Subject | None:
    """The alteration that a figure in brackets stands behind, where brackets set several apart; a pair in one bracket is of both."""
    text = view.document.text
    if pair and ")" not in text[pair[0].end : pair[1].start] and "(" not in text[pair[0].end : pair[1].start]:
        return None
    opened = text.rfind("(", view.start, mention.start)
    if opened < 0 or ")" in text[opened : mention.start] or mention.start - opened > _NEAR:
        return None
    if len({_lacks(view, s) for s in view.subjects}) < 2:
        return None
    before = [s for s in view.subjects if s.gene and s.end <= opened and not text[s.end : opened].strip(" -").count(" ") > _WORDS]
    return before[-1] if before and opened - before[-1].end < _NEAR else None


def _lacks(view: View, subject: Subject) -> bool:
    """Is it told that patients lack the alteration, and not that none of its carriers did something: "no patient with X responded"?"""
    denied = bool(subject.mention and subject.mention.polarity is Polarity.NEGATED)
    nobody = denied and shape("subgroups.nobody").search(view.document.text, view.start, subject.start)
    return subject.alteration == "wild-type" or (denied and not nobody)


def behind(view: View, mention: Mention, same: Sequence[tuple[Mention, Measure]]) -> tuple[int, int] | None:
    """The alteration behind a figure where each of several has its own: "3 of 14 with EGFR mutations and 2 of 23 with KRAS mutations"."""
    if len(same) < 2:
        return None
    ends = [*(m.start for m, _ in same[1:]), view.end]
    groups = [[s for s in view.subjects if s.gene and m.end <= s.start < end] for (m, _), end in zip(same, ends, strict=True)]
    if not all(len(group) == 1 for group in groups) or any(s.gene and s.end <= same[0][0].start for s in view.subjects):
        return None
    own = next((group[0] for (m, _), group in zip(same, groups, strict=True) if m == mention), None)
    return (own.start, own.end) if own else None


def as_told(subjects: Iterable[Subject]) -> list[Subject]:
    """Subjects that a paper sets for its patients: who were told to lack an alteration are those without it."""
    return [without(s) if s.alteration == "wild-type" or (s.mention and s.mention.polarity is Polarity.NEGATED) else s for s in subjects]


def of_those_without(view: View, subjects: Iterable[Subject]) -> list[Subject]:
    """Subjects of a response; people who are told to lack one ("ALK-negative patients", "tumours without ...") are those without it."""
    return [without(s) if _told_lacking(view, s) else s for s in subjects]


def _told_lacking(view: View, subject: Subject) -> bool:
    if subject.mention is None or subject.mention.polarity is not Polarity.NEGATED or not view.start <= subject.start < view.end:
        return False
    text = view.document.text
    behind = shape("subgroups.negative").match(text, subject.end, view.end)
    return bool(behind) or shape("resistance.lacked").search(text[max(view.start, subject.start - 60) : subject.start]) is not None


def without(subject: Subject) -> Subject:
    """Those who lack an alteration; who lack a variant of resistance have the driver that it came to."""
    kind = "underexpression" if subject.alteration in ("expression", "overexpression") else "wild-type"
    if subject.variant in known_resistance():
        kind = "fusion" if words.load("biology.toml")["fused_gene"].fullmatch(subject.gene or "") else "mutation"
    return replace(subject, fusion=None, variant=None, alteration=kind)


def _favoured(view: View, subject: Subject) -> bool:
    cues = words.load("trial.toml").spans("favours", view.document.text, view.start, subject.start)
    return bool(cues) and subject.start - cues[-1][1] < 20


def _whole_group(view: View, found: Sequence[Subject]) -> list[Subject]:
    """The driver of the title, where only a variant of it was named before: a figure behind its subgroup is of all again."""
    genes = {family(s.gene) for s in found}
    focus = view.document.focus
    told = {s.variant for s in found}
    return focus if focus and all(family(s.gene) in genes and s.variant not in told for s in focus) else []


def carriers(view: View, span: tuple[int, int]) -> list[Subject]:
    """Alterations of the treated; of those that the sentence does not name, neither what others lack nor a list of what was found."""
    found, title = frames.subjects_for(view, span), view.document.title
    here = any(view.start <= s.start < view.end for s in found)
    lacking = [s for s in view.subjects if not here and s.gene and _told_lacking(view, s)]
    if lacking and len({s.gene for s in lacking}) == 1:
        return distinct(without(s) for s in lacking)
    if not here and found and not frames.points_back(view) and all(s.variant for s in found) and (whole := _whole_group(view, found)):
        return whole
    if any(view.start <= s.start < view.end for s in found) or title is None or title.subjects:
        return found
    told = next((v for v in view.document.views if found and v.start <= found[0].start < v.end), None)
    if told and not frames.points_back(view) and len({s.gene for s in found}) > 1 and frames.measures(told, "value_percent", "n_pos"):
        return []
    return as_told(s for s in found if s.kind not in _NOT_CARRIED or s in view.document.focus)
