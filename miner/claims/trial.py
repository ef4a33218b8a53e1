"""What a sentence calls the arms of a trial, how many each has, and how many the trial has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest

from miner.claims.design import Arm, Design, Thing, cytotoxic, design, only_before, rules, things
from miner.claims.document import BACKGROUND, BODY, CONCLUSIONS, RESULTS, TITLE, Document, View
from miner.claims.effect_rules import shape
from miner.claims.therapy import parts
from miner.schema import ClaimType, Cohort, Concept, Label, Mention, StudyType

__all__ = ["Arm", "Design", "cytotoxic", "design", "groups", "rules", "things"]

PLACEBO = "placebo"
_REACH = 90
_LETTER = re.compile(r"\barm\s+([A-D1-4])\b")
_SIZE = re.compile(r"[^.;]{0,40}[\[(](?:[^()]{0,20}[;,] ?)?n\s?=")
_LEAST_ARM, _MOST_UNLIKE = 5, 5
_BESIDE, _LETTERED, _APART_BY = 12, 90, 2
_APART = re.compile(r"[.;]|\d(?!\S*\s?mg)|\b(?:arms?|groups?),", re.I)
_INTEGER = re.compile(
    r"(?<![\d.,·:/%-])(\d{1,3}(?:,\d{3})+|\d+)(?![.·,:/]?\d|[\s-]*(?:%|mg|gy\b|months?|weeks?|days?|years?|cycles?))", re.I
)
_LISTED = re.compile(
    r"(?:,|\band|\bversus|\bvs\.?)\s+(\d[\d,]*)\s+(?:patients?\s+|participants\s+)?(?:(?:were\s+)?(?:randomly\s+)?(?:assigned\s+|allocated\s+)?"
    r"(?:to|in|received|receiving)\s+)?(?:receive\s+)?(?:the\s+)?(?=[A-Za-z]*$|\S)"
)


@dataclass(frozen=True, slots=True)
class Group:
    """The name of an arm in a sentence."""

    start: int
    end: int
    arm: Arm


def groups(view: View) -> list[Group]:
    """The arms that a sentence names, in order."""
    plan = design(view.document)
    if plan is None:
        return []
    held: list[Group] | None = view.__dict__.get("_groups")
    if held is None:
        held = view.__dict__["_groups"] = _groups(view, plan)
    return held


def _groups(view: View, plan: Design) -> list[Group]:
    text, told = view.document.text, rules()
    found = list(_named(view, plan))
    for name, arm in (("test_arm", plan.test), ("control_arm", plan.control)):
        spans = told.spans(name, text, view.start, view.end)
        found += [Group(a, b, arm) for a, b in spans if not any(g.start < b + 2 and a < g.end + 2 for g in found)]
    letters = _letters(view.document, plan)
    for match in _LETTER.finditer(text, view.start, view.end):
        lettered = letters.get(match[1])
        if lettered and not any(g.arm is lettered and 0 <= match.start() - g.end < _BESIDE for g in found):
            found.append(Group(match.start(), match.end(), lettered))
    return sorted(found, key=lambda g: g.start)


def _named(view: View, plan: Design) -> Iterator[Group]:
    for run in _runs(view, plan):
        names = frozenset().union(*(t.names for t in run))
        arm = resolve(view.document, plan, names, placebo=any(not t.given for t in run), combined=_combined(view, run))
        if arm is not None:
            yield Group(run[0].start, run[-1].end, arm)


def _letters(document: Document, plan: Design) -> dict[str, Arm]:
    """What "arm A" and "arm B" are given."""
    held: dict[str, Arm] | None = document.__dict__.get("_arm_letters")
    if held is None:
        held = document.__dict__["_arm_letters"] = {}
        for view in document.views if _LETTER.search(document.text) else []:
            named = list(_named(view, plan))
            for group, following in zip_longest(named, named[1:]):
                reach = min(following.start if following else view.end, group.end + _LETTERED)
                letter = _LETTER.search(document.text, group.end, max(group.end, reach))
                if letter and not rules().within("other_arm", document.text, group.end, letter.start()):
                    held.setdefault(letter[1], group.arm)
    return held


def _runs(view: View, plan: Design) -> Iterator[list[Thing]]:
    """Things that are named as one: joined, and found together in one of the arms."""
    run: list[Thing] = []
    for thing in (t for t in things(view) if not only_before(view, t)):
        if run and _as_one(view, run, thing, plan):
            run.append(thing)
            continue
        if run:
            yield run
        run = [thing]
    if run:
        yield run


def _as_one(view: View, run: Sequence[Thing], thing: Thing, plan: Design) -> bool:
    gap = view.document.text[run[-1].end : thing.start]
    if len(gap) > 40 or rules().within("other_arm", view.document.text, run[-1].end, thing.start) or _APART.search(gap):
        return False
    names = frozenset().union(*(t.names for t in run), thing.names)
    arms = (plan.test, plan.control) if thing.given and all(t.given for t in run) else (plan.control,)
    return any(_holds(view.document, arm, names) for arm in arms)


def _combined(view: View, run: Sequence[Thing]) -> bool:
    after = view.document.text[run[-1].end : run[-1].end + 40].lstrip(" -–‐‒")
    return len(run) > 1 or bool(rules()["combination_group"].match(after))


def _holds(document: Document, arm: Arm, names: Iterable[str]) -> bool:
    """Is each of some therapies one of an arm's, by name or by class?"""
    classes = {c for n in arm.names for c in document.lexicon.classes(n)}
    return all(document.class_meant(n) in arm.names or document.class_meant(n) in classes or _is_chemo(document, n, arm) for n in names)


def _is_chemo(document: Document, name: str, arm: Arm) -> bool:
    return name in ("chemotherapy", "platinum-based chemotherapy") and any(cytotoxic(document, (n,)) for n in arm.names)


def resolve(document: Document, plan: Design, names: frozenset[str], *, placebo: bool, combined: bool) -> Arm | None:
    """The arm that some therapies name: the one of placebo, else the smallest that holds them all."""
    if placebo:
        return plan.control if not names or _holds(document, plan.control, names) else None
    fitting = [arm for arm in (plan.test, plan.control) if names and _holds(document, arm, names)]
    if not fitting:
        return None
    if combined and plan.control.names < plan.test.names and not cytotoxic(document, names):
        return plan.test
    if len(fitting) == 2 and not plan.control.names <= plan.test.names:
        return plan.control if not names & plan.test.names else plan.test
    return min(fitting, key=lambda a: len(a.names))


def size(document: Document, arm: Arm) -> int | None:
    """How many an arm has, where the text counts them beside its name."""
    plan, counts = design(document), sizes(document)
    n = None if plan is None else counts[0] if arm is plan.test else counts[1] if arm is plan.control else None
    whole = None if all(counts) else total(document)
    return n if n and not (whole and (n > whole or n * _MOST_UNLIKE < whole)) else None


def sizes(document: Document) -> tuple[int | None, int | None]:
    """How many are in the tested arm, and how many in the other."""
    held: tuple[int | None, int | None] | None = document.__dict__.get("_arm_sizes")
    if held is None:
        found = [f for v in document.views if v.role not in (TITLE, BACKGROUND) for f in _sizes(v)]
        counts: dict[Arm, int] = {}
        for _, arm, n in sorted(found, key=lambda f: f[0]):
            counts.setdefault(arm, n)
        plan = design(document)
        both = (counts.get(plan.test), counts.get(plan.control)) if plan else (None, None)
        both = both if _alike(*both) else (None, None)
        held = document.__dict__["_arm_sizes"] = both if plan is None or all(both) else _summed(document, plan) or both
    return held


def _summed(document: Document, plan: Design) -> tuple[int | None, int | None] | None:
    """Sizes that add up to a counted group of the paper, in a sentence that names both arms; the largest such group."""
    groups_told = [m.referent for v in document.views for m in v.of(Label.COHORT) if isinstance(m.referent, Cohort)]
    counted = {n for c in groups_told for n in (c.n, c.total)}
    best: tuple[int, tuple[int | None, int | None]] = (0, (None, None))
    for view in document.views:
        order = list(dict.fromkeys(g.arm for g in groups(view))) if view.role not in (TITLE, BACKGROUND) else []
        if len(order) != 2:
            continue
        numbers = [int(m[1].replace(",", "")) for m in _INTEGER.finditer(document.text, view.start, view.end)]
        numbers = [n for n in numbers if n >= _LEAST_ARM]
        for (i, first), (j, second) in combinations(enumerate(numbers), 2):
            if j - i <= _APART_BY and first + second in counted and first + second > best[0] and _alike(first, second):
                found = (first, second) if order[0] is plan.test else (second, first)
                best = (first + second, found)
    return best[1] if best[0] else None


def size_here(view: View, arm: Arm) -> int | None:
    """How many of an arm a sentence itself counts."""
    return next((n for _, held, n in sorted(_sizes(view), key=lambda f: f[0]) if held is arm), None)


def _alike(first: int | None, second: int | None) -> bool:
    """Are two counts those of arms, of which none is a tenth of the other?"""
    return not first or not second or max(first, second) <= _MOST_UNLIKE * min(first, second)


def _sizes(view: View) -> Iterator[tuple[int, Arm, int]]:
    """Sizes of arms that a sentence tells, with a rank: behind the name, before it with a verb, in a list."""
    cohorts = [(m, m.referent) for m in view.of(Label.COHORT) if isinstance(m.referent, Cohort)]
    counts = [(m.start, m.end, c.n) for m, c in cohorts if c.n and c.n >= _LEAST_ARM and not c.total]
    named = groups(view)
    if len(counts) == len(named) == 2 and counts[1][1] <= named[0].start and view.tells(rules(), "in_turn"):
        yield from ((1, g.arm, c[2]) for g, c in zip(named, counts, strict=True))
        return
    found = [(rank, g.arm, n) for g in named for a, b, n in counts if (rank := _rank(view, g, a, b)) is not None]
    yield from found
    for group in groups(view) if found else []:
        listed = _LISTED.search(view.document.text, view.start, group.start)
        if listed and listed.end() == group.start:
            yield 3, group.arm, int(listed[1].replace(",", ""))


def _rank(view: View, group: Group, start: int, end: int) -> int | None:
    text, told = view.document.text, rules()
    if 0 <= start - group.end < _REACH:
        return 0 if told["size_is"].fullmatch(text[group.end : start].strip()) else None
    gap = text[end : group.start].strip()
    if not 0 <= group.start - end < _REACH or not told["given_to"].fullmatch(gap) or _SIZE.match(text, group.end):
        return None
    following = next((g for g in groups(view) if g.start >= group.end and g.arm is not group.arm), None)
    if following and not re.search(r"\d", text[group.end : following.start]):
        return None
    if told["assigned"].search(gap):
        return 1 if told["randomised"].search(gap) else 2
    return 2 if not gap or told["of_whom"].search(text[max(view.start, start - 20) : start]) else None


def population(view: View, names: Iterable[str], *, whole: bool = True, studies: Sequence[StudyType] = (StudyType.TRIAL,)) -> int | None:
    """How many of the trial were given some therapies: those of the arm, else all (``whole``); None outside of its own results."""
    document, held = view.document, frozenset(names)
    if document.study_type not in studies or view.role not in (RESULTS, CONCLUSIONS, BODY) or view.is_aim:
        return None
    plan = design(document)
    if plan is None:
        return total(document) if held & {m.name for m in document.focus_drugs} else None
    arm = next((a for a in (plan.test, plan.control) if a.names == held), None)
    return (size(document, arm) or (total(document) if whole else None)) if arm else None


def total(document: Document) -> int | None:
    """How many the study is of: randomised, else entered; not those screened."""
    if "_study_total" not in document.__dict__:
        document.__dict__["_study_total"] = _total(document)
    held: int | None = document.__dict__["_study_total"]
    return held


def _total(document: Document) -> int | None:
    text, told = document.text, rules()
    ranked: list[tuple[int, int]] = []
    arms = sizes(document)
    for view in document.views:
        if view.role in (TITLE, BACKGROUND):
            continue
        for mention in view.of(Label.COHORT):
            held = mention.referent
            if not isinstance(held, Cohort) or not shape("cohorts.people").search(held.unit):
                continue
            n = held.total or held.n or 0
            clause = view.clause(mention.start)
            near = (max(clause[0], mention.start - 70), min(clause[1], mention.end + 90))
            close = (max(clause[0], mention.start - 40), min(clause[1], mention.end + 40))
            if n < 2 or told.within("not_entered", text, *close) or n in arms:
                continue
            rank = 0 if told.within("randomised", text, *near) else 1 if told.within("entered", text, *near) else 2
            ranked.append((3 if told.within("screened", text, *close) else rank, n))
    best = min((rank for rank, _ in ranked), default=9)
    return max((n for rank, n in ranked if rank == best), default=None)


def given_in(arm: Arm) -> list[Mention]:
    """The therapies of an arm; placebo where there are none."""
    return list(arm.given) or [Mention(0, 0, PLACEBO, Label.DRUG, Concept("", PLACEBO))]


def spelt(view: View, given: Sequence[Mention]) -> list[Mention]:
    """Therapies as the paper's arms spell them out: "pembrolizumab plus chemotherapy" with the drugs of both."""
    plan = design(view.document)
    if plan is None or view.role == BACKGROUND or not given:
        return list(given)
    if view.role == BODY and plan.test.given and view.end <= plan.test.given[0].start:
        return list(given)
    if len(given) == 1 and given[0].label is Label.DRUG_CLASS and view.role not in (RESULTS, CONCLUSIONS):
        return list(given)
    named = groups(view)
    held = [g for g in named if all(g.start <= m.start and m.end <= g.end for m in given)]
    if held:
        return given_in(held[0].arm)
    if any(view.start <= m.start < view.end for m in given):
        return list(given)
    arm = resolve(view.document, plan, frozenset(m.name for m in given if m.name), placebo=False, combined=len(given) > 1)
    return given_in(arm) if arm and len(arm.names) > 1 else list(given)


def kind(document: Document, names: Iterable[str]) -> ClaimType | None:
    """The claim type that the therapies of an arm ask for: a combination, or plain chemotherapy; None where they ask for none."""
    plan, held = design(document), frozenset(names)
    if plan is None or len(held) < 2 or held not in [frozenset(parts(document, a.names)) for a in (plan.test, plan.control)]:
        return None
    if cytotoxic(document, held):
        return ClaimType.SENSITIVITY_RESPONSE
    classes = [{n, *document.lexicon.classes(n)} for n in held]
    return None if set.intersection(*classes) else ClaimType.COMBINATION_THERAPY
