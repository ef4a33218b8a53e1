"""What a paper gives together, what a class of its arms consists of, and which arm a figure belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from miner.claims import trial, words
from miner.claims.claim_types import combined
from miner.claims.document import BACKGROUND, TITLE, Document, View
from miner.claims.effect_rules import shape
from miner.claims.frames import AGAINST, DENIED, SUPPORTS, Stance
from miner.claims.therapy import joined, therapies, therapy_role
from miner.schema import Label, Measure, Mention

_FAR = 90
_RATIOS = ("HR",)
_RESPONSE_RATES = frozenset({"ORR_percent", "n_resp"})
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_WITH = re.compile(
    r"\s*(?:months?|mo|%|percent)?,?\s*(?:of\s+)?"
    r"(?:(?:\d+|in|with|for|on|among|the|those|patients|receiving|given|who|received|treated|assigned|to|of)\s+)*"
)
_CLOSED = re.compile(r"[^()\[\]]*[)\]]")
_CHANCE = re.compile(r"\bp\s*[=>≥]\s*0?[.·](\d+)", re.I)
_NEXT = re.compile(r";|(?<!\bvs)(?<!\bv)\. ", re.I)
_LEVEL, _OPENING = 0.05, 40
Item = tuple[Mention, Measure]


def regimens(document: Document) -> list[list[Mention]]:
    """Therapies given together, sentence by sentence; what was given before is none of them."""
    if "_regimens" not in document.__dict__:
        given = ((v, [m for m in therapies(v) if therapy_role(document, m) != "prior"]) for v in document.views)
        found = [combined(view, members) for view, members in given]
        document.__dict__["_regimens"] = [members for members in found if members]
    held: list[list[Mention]] = document.__dict__["_regimens"]
    return held


def regimen(document: Document, given: list[Mention]) -> list[Mention]:
    """The title's combination that carried therapies are part of, its class spelt out where the text does; else the therapies."""
    names = {m.name for m in given}
    if not document.title:
        return given
    titled = [m for m in regimens(document) if m[0].end <= document.title.end and names & {x.name for x in m}]
    if not titled:
        return given
    own = {m.name for m in titled[0] if m.label is Label.DRUG}
    spelt = [m for m in regimens(document) if own and own < {x.name for x in m} and all(x.label is Label.DRUG for x in m)]
    classes = any(m.label is Label.DRUG_CLASS and not document.lexicon.targets(m.name or "") for m in titled[0])
    return spelt[0] if spelt and classes and len(own) < len(titled[0]) else titled[0]


def is_regimen(document: Document, names: Iterable[str]) -> bool:
    """Are these the therapies of a combination that the paper names?"""
    held = set(names)
    return len(held) > 1 and any({document.class_meant(m.name or "") for m in members} == held for members in regimens(document))


def consists_of(document: Document, mention: Mention) -> list[Mention]:
    """Drugs that the text lists in brackets behind a class: "chemotherapy (docetaxel or pemetrexed)"; else the class."""
    if mention.label is not Label.DRUG_CLASS:
        return [mention]
    for named in (m for m in document.reading.mentions if m.label is Label.DRUG_CLASS and m.name == mention.name):
        opened = shape("arms.opened").match(document.text, named.end)
        if not opened:
            continue
        drugs = [m for m in document.reading.mentions if m.label is Label.DRUG and opened.start(1) <= m.start and m.end <= opened.end(1)]
        own = [m for m in drugs if not document.lexicon.classes(m.name or "") or mention.name != m.name]
        if own and shape("arms.either").search(opened.group(1)):
            return list({m.name: m for m in own}.values())
    return [mention]


def sides(view: View, before: int | None = None) -> tuple[list[Mention], list[Mention]] | None:
    """The two arms that a sentence compares: therapies before and behind "versus" or "compared with", up to a place."""
    text, end = view.document.text, before or view.end
    given = [m for m in therapies(view) if m.end <= end]
    if opened := _opened(view, given):
        return opened
    marks = [view.start + m.start() for m in shape("effects.than").finditer(text[view.start : end])]
    marks += [m.start(1) for m in shape("arms.over").finditer(text, view.start, end)] if not marks else []
    marks = [at for at in marks if any(m.end <= at for m in given) and any(at <= m.start <= at + 60 for m in given)]
    if len(marks) != 1 or shape("arms.listed").search(text, view.start, marks[0]):
        return None
    return [m for m in given if m.end <= marks[0]], [m for m in given if m.start >= marks[0]]


def _opened(view: View, given: Sequence[Mention]) -> tuple[list[Mention], list[Mention]] | None:
    """The arms of a sentence that opens with the one it compares with: "Compared with A, B prolonged survival (9 v 5 months)"."""
    opening = shape("arms.opening").match(view.document.text, view.start, view.end)
    against = [m for m in given if opening and m.end <= opening.end()]
    behind = [m for m in given if opening and m.start >= opening.end()]
    return (behind, against) if against and behind else None


def arm(view: View, mention: Mention, measure: Measure, others: list[Item]) -> list[Mention] | None:
    """The arm of one of two figures that stand side by side: "13.4 v 19.5 months"; None where they do not."""
    compared = sides(view) or sides(view, min(m.start for m, _ in others))
    if compared is None:
        return None
    text = view.document.text
    for other, same in others:
        if same.metric != measure.metric or other == mention:
            continue
        first, second = sorted((other, mention))
        if first.end <= second.start and shape("arms.against").fullmatch(text[first.end : second.start]):
            return compared[0] if first == mention else compared[1]
    return None


def of_control(view: View, mention: Mention, measure: Measure, others: list[Item]) -> bool:
    """Is a figure that of an arm without therapy: the second beside another of its kind, where the paper has placebo or a control?"""
    before = [m for m, same in others if same.metric == measure.metric and m.end <= mention.start]
    if not before:
        return False
    text = view.document.text
    if shape("arms.in_control").match(text, mention.end):
        return True
    gap = text[before[-1].end : mention.start]
    paired = shape("arms.against").fullmatch(gap) or (
        shape("arms.paired").fullmatch(gap) and shape("arms.listed").search(text, mention.end)
    )
    if not paired or sides(view) is not None:
        return False
    return bool(shape("arms.control").search(text)) or (shape("arms.against").fullmatch(gap) is not None and _compared_before(view))


def _compared_before(view: View) -> bool:
    """Does a sentence without therapies go on from one that set a therapy against another: "A was better than B. ORR was 70% vs 31%"?"""
    if therapies(view) or view.subjects or view.index == 0:
        return False
    previous = view.document.views[max(0, view.index - 2) : view.index]
    return any({therapy_role(view.document, m) for m in therapies(v)} >= {"agent", "comparator"} for v in previous)


def placed(view: View, mention: Mention, measure: Measure, others: Sequence[Item], *, apart: bool = False) -> trial.Arm | None:
    """The arm that a figure belongs to, or None where the sentence does not tell.

    Parameters
    ----------
    view, mention, measure
        The figure and its sentence.
    others
        All figures of the sentence.
    apart
        Whether pairs of figures are of subgroups, and not of arms.
    """
    plan = trial.design(view.document)
    if plan is None or view.role == BACKGROUND:
        return None
    named = trial.groups(view)
    if _foreign(view, named):
        return None
    if measure.metric in _RATIOS:
        favoured = plan.control if ratio_stance(measure) == SUPPORTS and _of_control(view, mention, others) else plan.test
        return favoured if named or view.role != TITLE else None
    arms = list(dict.fromkeys(g.arm for g in named))
    if apart:
        return arms[0] if len(arms) == 1 else None
    second = bool(named) and words.load("trial.toml")["second"].search(view.document.text[view.start : named[0].start]) is not None
    opening = second and len(arms) == 2 and named[0].start - view.start < _OPENING
    tied = None if opening else _tied(named, measure)
    if tied:
        return tied
    both = pair(view, mention, measure, others)
    if not both:
        return arms[0] if len(arms) == 1 else _next_to(view, named, mention)
    index = both.index(mention)
    partner = next(r for m, r in others if m == both[1 - index])
    if not opening and (side := _tied(named, partner)):
        return _other(plan, side)
    order = arms if len(arms) == 2 else [arms[0], _other(plan, arms[0])] if arms else _last_order(view, plan)
    return (order[::-1] if opening or (second and len(arms) == 1) else order)[index]


def _foreign(view: View, named: Sequence[trial.Group]) -> bool:
    """Does the sentence name a therapy that is in no arm?"""
    inside = [t for t in trial.things(view) if any(g.start <= t.start and t.end <= g.end for g in named)]
    return bool(trial.things(view)) and not inside


def _tied(named: Sequence[trial.Group], measure: Measure) -> trial.Arm | None:
    """The arm whose name the reading ties a figure to."""
    item = measure.item
    return next((g.arm for g in named if item and g.start < item[1] and item[0] < g.end), None)


def pair(view: View, mention: Mention, measure: Measure, others: Sequence[Item]) -> list[Mention]:
    """Two figures of one kind, one set against the other: "13.4 v 19.5 months", "6.7 months and 4.7 months, respectively"."""
    same = sorted(m for m, r in others if r.metric == measure.metric or {r.metric, measure.metric} <= _RESPONSE_RATES)
    held: list[Mention] = []
    for first, second in sorted(pairwise(same), key=lambda two: two[1].start - two[0].end):
        if first not in held and second not in held and _set_against(view, first, second):
            held += [first, second]
            if mention in (first, second):
                return [first, second]
    return []


def _set_against(view: View, first: Mention, second: Mention) -> bool:
    gap = _BRACKETS.sub(" ", view.document.text[first.end : second.start])
    return len(gap) < _FAR and not _NEXT.search(gap) and words.load("trial.toml")["against"].search(gap) is not None


def _next_to(view: View, named: Sequence[trial.Group], mention: Mention) -> trial.Arm | None:
    """The arm named right behind a figure, else the one before it."""
    behind = [g for g in named if g.start >= mention.end]
    if behind and _WITH.fullmatch(_outside(view.document.text[mention.end : behind[0].start])):
        return behind[0].arm
    before = [g for g in named if g.end <= mention.start]
    return before[-1].arm if before else None


def _outside(gap: str) -> str:
    """A gap without what stands in brackets, and without the end of a bracket that was opened before it."""
    closed = _CLOSED.match(gap)
    return _BRACKETS.sub(" ", gap[closed.end() :] if closed else gap)


def _other(plan: trial.Design, arm: trial.Arm) -> trial.Arm:
    return plan.control if arm is plan.test else plan.test


def _last_order(view: View, plan: trial.Design) -> list[trial.Arm]:
    """The order in which the sentences before named the arms."""
    for previous in reversed(view.document.views[max(0, view.index - 3) : view.index]):
        arms = list(dict.fromkeys(g.arm for g in trial.groups(previous)))
        if previous.role == view.role and len(arms) == 2:
            return arms
    return [plan.test, plan.control]


def names_both(view: View) -> bool:
    """Does the sentence name both arms of the trial?"""
    return len({g.arm for g in trial.groups(view)}) > 1


def ratio_stance(ratio: Measure) -> Stance:
    """A hazard ratio whose interval holds 1 shows no difference; one above 1 speaks against the therapy."""
    if not isinstance(ratio.value, int | float):
        return SUPPORTS
    if ratio.ci and ratio.ci[0] < 1 < ratio.ci[1]:
        return DENIED
    return AGAINST if ratio.value > 1 else SUPPORTS


def apposed(view: View, mention: Mention) -> list[Mention]:
    """The therapy of a figure in a clause that hangs on it alone: "B, which gave a rate of 55%", "B, with a PFS of 9 months"."""
    text, found = view.document.text, [m for m in therapies(view) if m.end <= mention.start]
    if not found or not _HANGS.fullmatch(text, found[-1].end, mention.start):
        return []
    if len(found) > 1:
        joint = shape("claim_types.joint").fullmatch(text, found[-2].end, found[-1].start)
        if joint or joined(view, found[-2], found[-1]):
            return []
    return found[-1:]


_HANGS = re.compile(r"\s*(?:\([^)]*\))?\s*,\s*(?:which|that|whose|with (?:an?|the))\b(?:(?!;|, (?:and|but|while|whereas|or)\b).)*", re.S)


def verdict(view: View, mention: Mention, measure: Measure, others: Sequence[Item]) -> Stance | None:
    """What a figure says beside the other of its pair: denied where chance explains the difference, against where it is the lower."""
    if measure.metric in _RATIOS:
        return ratio_stance(measure)
    both = pair(view, mention, measure, others)
    if not both:
        return None
    after = sorted((m.start, r.metric, r) for m, r in others if m.start > both[1].end)[:1]
    if after and after[0][1] in _RATIOS and (said := ratio_stance(after[0][2])) != SUPPORTS:
        return said
    partner = next(r for m, r in others if m == both[1 - both.index(mention)])
    limit = min([m.start for m, r in others if m.start > both[1].end and r.metric != "HR"] + [view.end, both[1].end + _FAR])
    chance = _CHANCE.search(view.document.text, both[1].end, limit)
    if chance and float(f"0.{chance[1]}") >= _LEVEL:
        return DENIED
    if not isinstance(measure.value, int | float) or not isinstance(partner.value, int | float):
        return None
    return AGAINST if measure.value < partner.value else SUPPORTS


def _of_control(view: View, mention: Mention, others: Sequence[Item]) -> bool:
    """Is a ratio that of the control: do the two times before it stand higher in the control, which is named first?"""
    plan = trial.design(view.document)
    before = [(m, r) for m, r in others if m.end <= mention.start and r.metric not in _RATIOS]
    if plan is None or len(before) < 2 or len(pair(view, *before[-1], others)) != 2:
        return False
    first, last = before[-2][1].value, before[-1][1].value
    control_first = placed(view, *before[-2], others) is plan.control and placed(view, *before[-1], others) is plan.test
    return control_first and isinstance(first, int | float) and isinstance(last, int | float) and first > last
