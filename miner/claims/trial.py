"""The arms of a comparative trial: what each is given, what a sentence calls it, and how many are in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from miner.claims import words
from miner.claims.document import BACKGROUND, BODY, CONCLUSIONS, RESULTS, TITLE, Document, View
from miner.claims.effect_rules import shape
from miner.claims.therapy import therapies, therapy_role
from miner.schema import ClaimType, Cohort, Concept, Label, Mention, StudyType

PLACEBO = "placebo"
INERT = frozenset({"best supportive care", "supportive care"})
_REACH = 90
_SHORT = re.compile(r"\s*\(([A-Z](?:[A-Z]|\+(?=[A-Z])){1,4})\)")
_LETTER = re.compile(r"\barm\s+([A-D1-4])\b")
_LISTED = re.compile(
    r"(?:,|\band|\bversus|\bvs\.?)\s+(\d[\d,]*)\s+(?:patients?\s+|participants\s+)?(?:(?:were\s+)?(?:randomly\s+)?(?:assigned\s+|allocated\s+)?"
    r"(?:to|in|received|receiving)\s+)?(?:receive\s+)?(?:the\s+)?(?=[A-Za-z]*$|\S)"
)
_SIZE = re.compile(r"[^.;]{0,40}[\[(](?:[^()]{0,20}[;,] ?)?n\s?=")
_LEAST_ARM = 5
_BESIDE = 12
_APART = re.compile(r"[.;]|\d(?!\S*\s?mg)")


@dataclass(frozen=True, slots=True)
class Thing:
    """What is given in one place of a text: therapies that one word stands for, or none of them: placebo."""

    start: int
    end: int
    given: tuple[Mention, ...]

    @property
    def names(self) -> frozenset[str]:
        """Names of the therapies."""
        return frozenset(m.name for m in self.given if m.name)


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: its therapies by name; none of them is placebo."""

    given: tuple[Mention, ...]

    @property
    def names(self) -> frozenset[str]:
        """Names of the therapies."""
        return frozenset(m.name for m in self.given if m.name)


@dataclass(frozen=True, slots=True)
class Group:
    """The name of an arm in a sentence."""

    start: int
    end: int
    arm: Arm


@dataclass(frozen=True, slots=True)
class Design:
    """The two arms of a trial, the tested one first."""

    test: Arm
    control: Arm


def _words() -> words.Words:
    return words.load("trial.toml")


def mention_of(name: str, start: int, end: int, text: str) -> Mention:
    """A mention of a therapy that no lexicon holds."""
    return Mention(start, end, text, Label.DRUG, Concept("", name))


def things(view: View) -> list[Thing]:
    """What a sentence speaks of as given, in order: therapies, short forms of several, placebo."""
    found = [Thing(m.start, m.end, (m,)) for m in therapies(view)]
    text = view.document.text
    taken = [(t.start, t.end) for t in found]
    for start, end in _words().spans("placebo", text, view.start, view.end):
        if not any(a < end and start < b for a, b in taken):
            found.append(Thing(start, end, ()))
    for short, given in short_forms(view.document).items():
        for match in re.finditer(rf"(?<![\w-]){re.escape(short)}(?![\w])", view.text):
            found.append(Thing(view.start + match.start(), view.start + match.end(), given))
    return sorted(found, key=lambda t: t.start)


def short_forms(document: Document) -> dict[str, tuple[Mention, ...]]:
    """Short forms of regimens: "carboplatin and paclitaxel (CP)"."""
    held: dict[str, tuple[Mention, ...]] | None = document.__dict__.get("_short_forms")
    if held is None:
        held = document.__dict__["_short_forms"] = dict(_short_forms(document))
    return held


def _short_forms(document: Document) -> Iterator[tuple[str, tuple[Mention, ...]]]:
    for view in document.views:
        drugs = view.of(Label.DRUG)
        for last in drugs:
            match = _SHORT.match(document.text, last.end)
            letters = match[1].replace("+", "") if match else ""
            members: list[Mention] = []
            for letter in reversed(letters):
                before = [m for m in drugs if m.end <= (members[-1].start if members else last.end) and m.text[:1].upper() == letter]
                if not before or before[-1].name in {m.name for m in members}:
                    break
                members.append(before[-1])
            if match and len(members) == len(letters) > 1:
                yield match[1], tuple(reversed(members))


def design(document: Document) -> Design | None:
    """The two arms that title or methods tell, or None."""
    if "_design" not in document.__dict__:
        document.__dict__["_design"] = _design(document)
    held: Design | None = document.__dict__["_design"]
    return held


def _design(document: Document) -> Design | None:
    title = [v for v in document.views if v.role == TITLE]
    told = [v for v in document.views if v.role not in (BACKGROUND, RESULTS, TITLE)]
    late = [v for v in document.views if v.role in (BACKGROUND, RESULTS)]
    if document.study_type in (StudyType.REVIEW, StudyType.CASE_REPORT, StudyType.PRECLINICAL):
        told, late = [], []
    assigned = [v for v in (*told, *late) if v.tells(_words(), "randomised")]
    shared = _given_to_all(document)
    for view in (*assigned, *told, *title, *(v for v in late if v.role == RESULTS)):
        if not view.tells(_words(), "design"):
            continue
        arms = _alike(document, _arms_of(view))
        plan = _ordered(document, [Arm(_spelt_out(document, _distinct((*a.given, *shared)))) for a in arms]) if len(arms) == 2 else None
        if plan:
            return plan
    return None


def _alike(document: Document, arms: list[Arm]) -> list[Arm]:
    """Alternatives with those of one kind put together: two kinds of chemotherapy are one arm."""
    if len(arms) < 3:
        return arms
    merged = arms[:1]
    for arm in arms[1:]:
        if merged[-1].given and arm.given and cytotoxic(document, merged[-1].names) and cytotoxic(document, arm.names):
            merged[-1] = Arm((*merged[-1].given, *arm.given))
        else:
            merged.append(arm)
    return merged


def _given_to_all(document: Document) -> tuple[Mention, ...]:
    for view in document.views:
        for _, end in _words().spans("all_given", document.text, view.start, view.end):
            return tuple(m for m in therapies(view) if end <= m.start < view.end)
    return ()


def _arms_of(view: View) -> list[Arm]:
    """The alternatives of a sentence; one that says "with or without" or "alone or with" tells both in few words."""
    text, rules = view.document.text, _words()
    opened = [end for start, end in rules.spans("randomised", text, view.start, view.end)]
    shared = [start for start, _ in rules.spans("all_given", text, view.start, view.end)]
    found = [t for t in things(view) if not _only_before(view, t) and not (shared and t.start > shared[0]) and not t.names & INERT]
    if opened and any(t.start > opened[0] for t in found):
        found = [t for t in found if t.start > opened[0]]
    runs: list[list[Thing]] = [found[:1]] if found else []
    for before, thing in pairwise(found):
        gap = (before.end, thing.start)
        if rules.within("with_or_without", text, *gap):
            return _two(_members(runs[-1]), (*_members(runs[-1]), *_members(_rest(found, thing))), swap=True)
        if rules.within("alone_or_with", text, *gap):
            return _two(_members(runs[-1]), (*_members(runs[-1]), *_members(_rest(found, thing))), swap=False)
        if rules.within("plus_either", text, *gap):
            later = _rest(found, thing)
            return _two((*_members(runs[-1]), *_members(later[:1])), (*_members(runs[-1]), *_members(later[1:2])), swap=False)
        if _parted(view, *gap):
            runs.append([thing])
        else:
            runs[-1].append(thing)
    runs = _with_placebo(view, runs)
    return [Arm(_distinct(_members(run))) for run in runs]


def _with_placebo(view: View, runs: list[list[Thing]]) -> list[list[Thing]]:
    """What placebo stands beside is given in both arms: "paclitaxel with erlotinib or placebo", "erlotinib or placebo plus paclitaxel"."""
    if len(runs) != 2 or sum(any(not t.given for t in run) for run in runs) != 1:
        return runs
    index = next(i for i, run in enumerate(runs) if any(not t.given for t in run))
    placebo, other = runs[index], runs[1 - index]
    backbone = [t for t in placebo if t.given]
    if backbone and len({n for t in other for n in t.names}) == 1:
        other = [*other, *(t for t in backbone if not t.names & other[0].names)]
    elif not backbone and len(other) > 1:
        joint = view.document.text[other[-2].end : other[-1].start]
        if _words()["added"].search(joint):
            placebo = [*other[:-1], *placebo]
    return [placebo, other] if index == 0 else [other, placebo]


def _rest(found: Sequence[Thing], thing: Thing) -> list[Thing]:
    return [t for t in found if t.start >= thing.start]


def _two(first: Iterable[Mention], second: Iterable[Mention], *, swap: bool) -> list[Arm]:
    arms = [Arm(_distinct(first)), Arm(_distinct(second))]
    return arms[::-1] if swap else arms


def _only_before(view: View, thing: Thing) -> bool:
    """Was it given before the trial, and not in it?"""
    before = view.document.text[max(view.start, thing.start - 50) : thing.start]
    prior = bool(thing.given) and therapy_role(view.document, thing.given[0]) == "prior"
    return prior and not _words()["given_in_trial"].search(before)


def _parted(view: View, start: int, end: int) -> bool:
    text = view.document.text
    if _words()["compares"].search(text[max(view.start, start - 60) : start]) and re.fullmatch(r"\W*(?:with|to|and)\W*", text[start:end]):
        return True
    if _in_one_bracket(text, view.start, start, end) or re.search(r"\band either\b", text[max(view.start, start - 40) : end]):
        return False
    return _words().within("other_arm", text, start, end)


def _in_one_bracket(text: str, opening: int, start: int, end: int) -> bool:
    """Do two places stand in one bracket?"""
    depth = sum(text.count(sign, opening, start) for sign in "([") - sum(text.count(sign, opening, start) for sign in ")]")
    for sign in text[start:end]:
        if depth <= 0:
            return False
        depth += (sign in "([") - (sign in ")]")
    return depth > 0


def _members(run: Iterable[Thing]) -> tuple[Mention, ...]:
    return tuple(m for t in run for m in t.given)


def _distinct(given: Iterable[Mention]) -> tuple[Mention, ...]:
    return tuple({m.name: m for m in reversed(tuple(given))}.values())[::-1]


def _spelt_out(document: Document, given: Sequence[Mention]) -> tuple[Mention, ...]:
    """Therapies without the classes that drugs among them spell out."""
    classes = {c for m in given if m.label is Label.DRUG for c in document.lexicon.classes(m.name or "")}
    return tuple(m for m in given if m.label is Label.DRUG or m.name not in classes)


def _ordered(document: Document, arms: list[Arm]) -> Design | None:
    """The tested arm first: the one that holds more, else the first named."""
    first, second = arms
    if first.names == second.names:
        return None
    if first.names < second.names or (cytotoxic(document, first.names) and not cytotoxic(document, second.names) and second.given):
        first, second = second, first
    return Design(first, second)


def cytotoxic(document: Document, names: Iterable[str]) -> bool:
    """Is all of it chemotherapy?"""
    held = set(names)
    kinds = ("chemotherapy", "platinum-based chemotherapy", "taxanes")
    return bool(held) and all(n in kinds or "chemotherapy" in document.lexicon.classes(n) for n in held)


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
    text, rules = view.document.text, _words()
    found = list(_named(view, plan))
    for name, arm in (("test_arm", plan.test), ("control_arm", plan.control)):
        spans = rules.spans(name, text, view.start, view.end)
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
            for group in _named(view, plan):
                letter = _LETTER.search(document.text, group.end, min(view.end, group.end + _BESIDE))
                if letter:
                    held.setdefault(letter[1], group.arm)
    return held


def _runs(view: View, plan: Design) -> Iterator[list[Thing]]:
    """Things that are named as one: joined, and found together in one of the arms."""
    run: list[Thing] = []
    for thing in (t for t in things(view) if not _only_before(view, t)):
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
    if len(gap) > 40 or _words().within("other_arm", view.document.text, run[-1].end, thing.start) or _APART.search(gap):
        return False
    names = frozenset().union(*(t.names for t in run), thing.names)
    arms = (plan.test, plan.control) if thing.given and all(t.given for t in run) else (plan.control,)
    return any(_holds(view.document, arm, names) for arm in arms)


def _combined(view: View, run: Sequence[Thing]) -> bool:
    after = view.document.text[run[-1].end : run[-1].end + 40].lstrip(" -–‐‒")
    return len(run) > 1 or bool(_words()["combination_group"].match(after))


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
    return None if plan is None else counts[0] if arm is plan.test else counts[1] if arm is plan.control else None


def sizes(document: Document) -> tuple[int | None, int | None]:
    """How many are in the tested arm, and how many in the other."""
    held: tuple[int | None, int | None] | None = document.__dict__.get("_arm_sizes")
    if held is None:
        found = [f for v in document.views if v.role not in (TITLE, BACKGROUND) for f in _sizes(v)]
        counts: dict[Arm, int] = {}
        for _, arm, n in sorted(found, key=lambda f: f[0]):
            counts.setdefault(arm, n)
        plan = design(document)
        held = document.__dict__["_arm_sizes"] = (counts.get(plan.test), counts.get(plan.control)) if plan else (None, None)
    return held


def _sizes(view: View) -> Iterator[tuple[int, Arm, int]]:
    """Sizes of arms that a sentence tells, with a rank: behind the name, before it with a verb, in a list."""
    cohorts = [(m, m.referent) for m in view.of(Label.COHORT) if isinstance(m.referent, Cohort)]
    counts = [(m.start, m.end, c.n) for m, c in cohorts if c.n and c.n >= _LEAST_ARM and not c.total]
    named = groups(view)
    if len(counts) == len(named) == 2 and counts[1][1] <= named[0].start and _words().within("in_turn", view.document.text, view.start, view.end):
        yield from ((1, g.arm, c[2]) for g, c in zip(named, counts, strict=True))
        return
    found = [(rank, g.arm, n) for g in named for a, b, n in counts if (rank := _rank(view, g, a, b)) is not None]
    yield from found
    for group in groups(view) if found else []:
        listed = _LISTED.search(view.document.text, view.start, group.start)
        if listed and listed.end() == group.start:
            yield 3, group.arm, int(listed[1].replace(",", ""))


def _rank(view: View, group: Group, start: int, end: int) -> int | None:
    text, rules = view.document.text, _words()
    if 0 <= start - group.end < _REACH:
        return 0 if rules["size_is"].fullmatch(text[group.end : start].strip()) else None
    gap = text[end : group.start].strip()
    if not 0 <= group.start - end < _REACH or not rules["given_to"].fullmatch(gap) or _SIZE.match(text, group.end):
        return None
    if rules["assigned"].search(gap):
        return 1 if rules["randomised"].search(gap) else 2
    return 2 if not gap or rules["of_whom"].search(text[max(view.start, start - 20) : start]) else None


def population(view: View, names: Iterable[str]) -> int | None:
    """How many of the trial were given some therapies: those of the arm, else all; None outside of its own results."""
    document, held = view.document, frozenset(names)
    if document.study_type is not StudyType.TRIAL or view.role not in (RESULTS, CONCLUSIONS, BODY) or view.is_aim:
        return None
    plan = design(document)
    if plan is None:
        return total(document) if held & {m.name for m in document.focus_drugs} else None
    arm = next((a for a in (plan.test, plan.control) if a.names == held), None)
    return (size(document, arm) or total(document)) if arm else None


def total(document: Document) -> int | None:
    """How many the study is of: randomised, else entered; not those screened."""
    if "_study_total" not in document.__dict__:
        document.__dict__["_study_total"] = _total(document)
    held: int | None = document.__dict__["_study_total"]
    return held


def _total(document: Document) -> int | None:
    text, rules = document.text, _words()
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
            if n < 2 or rules.within("not_entered", text, *close) or n in arms:
                continue
            rank = 0 if rules.within("randomised", text, *near) else 1 if rules.within("entered", text, *near) else 2
            ranked.append((3 if rules.within("screened", text, *close) else rank, n))
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
    if plan is None or len(held) < 2 or held not in (plan.test.names, plan.control.names):
        return None
    if cytotoxic(document, held):
        return ClaimType.SENSITIVITY_RESPONSE
    classes = [{n, *document.lexicon.classes(n)} for n in held]
    return None if set.intersection(*classes) else ClaimType.COMBINATION_THERAPY
