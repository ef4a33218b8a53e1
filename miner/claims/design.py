"""The arms of a comparative trial: what each is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from miner.claims import words
from miner.claims.document import BACKGROUND, RESULTS, TITLE, Document, View
from miner.claims.therapy import therapies, therapy_role
from miner.schema import Label, Mention, StudyType

INERT = frozenset({"best supportive care", "supportive care"})
_SHORT = re.compile(r"\s*\(([A-Z](?:[A-Z]|\+(?=[A-Z])){1,4})\)")
_WITH, _AND = re.compile(r"\W*(?:with|to)\W*"), re.compile(r"\W*and\W*")


@dataclass(frozen=True, slots=True)
class Given:
    """Therapies that are given together; none of them is placebo."""

    given: tuple[Mention, ...]

    @property
    def names(self) -> frozenset[str]:
        """Names of the therapies."""
        return frozenset(m.name for m in self.given if m.name)


@dataclass(frozen=True, slots=True)
class Arm(Given):
    """One arm of a trial."""


@dataclass(frozen=True, slots=True)
class Thing(Given):
    """What is given in one place of a text, [start, end): therapies that one word stands for."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Design:
    """The two arms of a trial, the tested one first."""

    test: Arm
    control: Arm


def rules() -> words.Words:
    """The word lists of trials."""
    return words.load("trial.toml")


def things(view: View) -> list[Thing]:
    """What a sentence speaks of as given, in order: therapies, short forms of several, placebo."""
    found = [Thing((m,), m.start, m.end) for m in therapies(view)]
    text = view.document.text
    taken = [(t.start, t.end) for t in found]
    for start, end in rules().spans("placebo", text, view.start, view.end):
        if not any(a < end and start < b for a, b in taken):
            found.append(Thing((), start, end))
    for short, given in short_forms(view.document).items():
        for match in re.finditer(rf"(?<![\w-]){re.escape(short)}(?![\w])", view.text):
            found.append(Thing(given, view.start + match.start(), view.start + match.end()))
    return sorted(found, key=lambda t: t.start)


def short_forms(document: Document) -> dict[str, tuple[Mention, ...]]:
    """Short forms of regimens: "carboplatin and paclitaxel (CP)"."""
    held: dict[str, tuple[Mention, ...]] | None = document.__dict__.get("_short_forms")
    if held is None:
        held = document.__dict__["_short_forms"] = dict(_short_forms(document))
        held.update(_nested(document, held.copy()))
    return held


def _short_forms(document: Document) -> Iterator[tuple[str, tuple[Mention, ...]]]:
    for view in document.views:
        drugs = view.of(Label.DRUG, Label.DRUG_CLASS)
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


def _nested(document: Document, held: Mapping[str, tuple[Mention, ...]]) -> Iterator[tuple[str, tuple[Mention, ...]]]:
    """Short forms that hold another: "atezolizumab plus BCP (ABCP)", "PC + B (PCB)"."""
    drugs = {m.name: m for m in document.reading.mentions if m.label is Label.DRUG}
    for short, given in held.items():
        for match in re.finditer(rf"([A-Za-z][\w-]*) ?(?:plus|and|with|\+) ?{re.escape(short)} ?\(([A-Z]{{2,5}})\)", document.text):
            added = [m for m in document.reading.mentions if m.label is Label.DRUG and m.end == match.end(1)]
            if added:
                yield match[2], (*added, *given)
        for match in re.finditer(rf"\b{re.escape(short)} ?(?:plus|and|with|\+) ?([A-Z]) ?\(([A-Z]{{2,5}})\)", document.text):
            added = [m for name, m in drugs.items() if m.text[:1].upper() == match[1] and name not in {g.name for g in given}]
            if len(added) == 1:
                yield match[2], (*added, *given)


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
    spelt = [v for v in title if _drugs_alone(v)]
    assigned = [v for v in (*told, *late) if v.tells(rules(), "randomised")]
    shared = _given_to_all(document)
    for view in (*spelt, *assigned, *told, *title, *(v for v in late if v.role == RESULTS)):
        if not view.tells(rules(), "design"):
            continue
        arms = _alike(document, _arms_of(view))
        plan = _ordered(document, [Arm(_spelt_out(document, _distinct((*a.given, *shared)))) for a in arms]) if len(arms) == 2 else None
        if plan:
            return plan
    regimens = [Arm(given) for given in short_forms(document).values()]
    nested = len(regimens) == 2 and (regimens[0].names < regimens[1].names or regimens[1].names < regimens[0].names)
    return _ordered(document, regimens) if nested else None


def _drugs_alone(view: View) -> bool:
    """Does a sentence name drugs alone, and no class or placebo?"""
    found = things(view)
    return len(found) > 1 and all(t.given and t.given[0].label is Label.DRUG for t in found)


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
        for _, end in rules().spans("all_given", document.text, view.start, view.end):
            return tuple(m for m in therapies(view) if end <= m.start < view.end)
    return ()


def _arms_of(view: View) -> list[Arm]:
    """The alternatives of a sentence; one that says "with or without" or "alone or with" tells both in few words."""
    text, told = view.document.text, rules()
    opened = [end for start, end in told.spans("randomised", text, view.start, view.end)]
    shared = [start for start, _ in told.spans("all_given", text, view.start, view.end)]
    found = [t for t in things(view) if not only_before(view, t) and not (shared and t.start > shared[0]) and not t.names & INERT]
    if opened and any(t.start > opened[0] for t in found):
        found = [t for t in found if t.start > opened[0]]
    runs: list[list[Thing]] = [found[:1]] if found else []
    for before, thing in pairwise(found):
        gap = (before.end, thing.start)
        if told.within("with_or_without", text, *gap):
            return _two(_members(runs[-1]), (*_members(runs[-1]), *_members(_rest(found, thing))), swap=True)
        if told.within("alone_or_with", text, *gap):
            return _two(_members(runs[-1]), (*_members(runs[-1]), *_members(_rest(found, thing))), swap=False)
        if told.within("plus_either", text, *gap):
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
        if rules()["added"].search(joint):
            placebo = [*other[:-1], *placebo]
    return [placebo, other] if index == 0 else [other, placebo]


def _rest(found: Sequence[Thing], thing: Thing) -> list[Thing]:
    return [t for t in found if t.start >= thing.start]


def _two(first: Iterable[Mention], second: Iterable[Mention], *, swap: bool) -> list[Arm]:
    arms = [Arm(_distinct(first)), Arm(_distinct(second))]
    return arms[::-1] if swap else arms


def only_before(view: View, thing: Thing) -> bool:
    """Was it given before the trial, and not in it?"""
    before = view.document.text[max(view.start, thing.start - 50) : thing.start]
    prior = bool(thing.given) and therapy_role(view.document, thing.given[0]) == "prior"
    return prior and not rules()["given_in_trial"].search(before)


def _parted(view: View, start: int, end: int) -> bool:
    text = view.document.text
    before, gap = text[max(view.start, start - 60) : start], text[start:end]
    compared = rules()["compares"].search(before) and _WITH.fullmatch(gap)
    if compared or (rules()["between"].search(before) and _AND.fullmatch(gap)):
        return True
    if _in_one_bracket(text, view.start, start, end) or re.search(r"\band either\b", text[max(view.start, start - 40) : end]):
        return False
    return rules().within("other_arm", text, start, end)


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
