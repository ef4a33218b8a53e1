"""What a paper gives together, what a class of its arms consists of, and which arm a figure belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from miner.claims.claim_types import combined
from miner.claims.document import Document, View
from miner.claims.effect_rules import shape
from miner.claims.therapy import therapies
from miner.schema import Label, Measure, Mention


def regimens(document: Document) -> list[list[Mention]]:
    """Therapies given together, sentence by sentence."""
    if "_regimens" not in document.__dict__:
        found = [combined(view, therapies(view)) for view in document.views]
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


def sides(view: View) -> tuple[list[Mention], list[Mention]] | None:
    """The two arms that a sentence compares: therapies before and behind "versus" or "compared with"."""
    given, text = therapies(view), view.document.text
    marks = [view.start + m.start() for m in shape("effects.than").finditer(view.text)]
    marks = [at for at in marks if any(m.end <= at for m in given) and any(at <= m.start <= at + 60 for m in given)]
    if len(marks) != 1 or shape("arms.listed").search(text, view.start, marks[0]):
        return None
    return [m for m in given if m.end <= marks[0]], [m for m in given if m.start >= marks[0]]


def arm(view: View, mention: Mention, measure: Measure, others: list[tuple[Mention, Measure]]) -> list[Mention] | None:
    """The arm of one of two figures that stand side by side: "13.4 v 19.5 months"; None where they do not."""
    compared = sides(view)
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


def of_control(view: View, mention: Mention, measure: Measure, others: list[tuple[Mention, Measure]]) -> bool:
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
    return bool(paired) and sides(view) is None and bool(shape("arms.control").search(text))
