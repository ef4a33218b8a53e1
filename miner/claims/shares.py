"""In how many a mechanism of resistance was found: the figure that stands with each alteration of a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from miner.claims import counted, frames
from miner.claims.counted import Item
from miner.claims.document import Subject, View, tied
from miner.claims.effect_rules import shape
from miner.numbers import parse_number, tidy
from miner.schema import Label, Measure

Figures = dict[str, float | int | str]
_REACH, _BESIDE = 60, 3


def of_each(view: View, subjects: Sequence[Subject]) -> Iterator[tuple[list[Subject], Figures, int | None]]:
    """Subjects that share a figure, with it and its population; those without one together, without figures."""
    figures = [f for f in frames.measures(view, "value_percent", "n_pos") if not _looked_in(view, f)]
    held = _held(view, figures)
    groups: dict[int | None, list[Subject]] = {}
    for subject in subjects:
        groups.setdefault(held[subject.start][0].start if subject.start in held else None, []).append(subject)
    for at, members in groups.items():
        item = next((f for f in figures if f[0].start == at), None)
        if item is not None:
            yield members, *_values(item[1])
            continue
        counts = [(s, *_counted(view, s, figures)) for s in members]
        yield from (([s], values, n) for s, values, n in counts if values)
        if bare := [s for s, values, _ in counts if not values]:
            yield bare, {}, None


def _looked_in(view: View, item: Item) -> bool:
    """Does a count tell in how many was looked: "was assessed by FISH in 94 biopsies"?"""
    mention, measure = item
    told = shape("resistance.looked").search(view.document.text, view.clause(mention.start)[0], mention.start)
    return measure.metric == "n_pos" and measure.total is None and told is not None


def _held(view: View, figures: Sequence[Item]) -> dict[int, Item]:
    """The figure of each alteration of a sentence, by its start."""
    named = sorted((s for s in view.subjects if s.gene), key=lambda s: s.start)
    items = {f[0].start: _named_by(view, named, f[1].item) for f in figures if f[1].item}
    found = {at: item for item in figures for at in items.get(item[0].start, ())}
    waiting: list[Subject] = []
    for subject, follower in zip(named, [*named[1:], None], strict=False):
        stop = follower.start if follower else view.end
        behind = [f for f in figures if subject.end <= f[0].start < stop and subject.start in (items.get(f[0].start) or {subject.start})]
        behind = [f for f in behind if _of_clause(view, subject, f[0].start, named)]
        waiting.append(subject)
        own = _later(view, behind, stop)
        if own is not None:
            found |= {s.start: own for s in waiting if s.start not in found}
        if own is not None or not (follower and _goes_on(view, subject, follower)):
            waiting = []
    return found | _before(view, named, figures, found)


def _goes_on(view: View, subject: Subject, follower: Subject) -> bool:
    """Do two alterations stand in one list: "MET and HER2 amplification", "G1202R, I1171N and V1180L"?"""
    return follower.start < subject.end or _LISTED.fullmatch(view.document.text[subject.end : follower.start]) is not None


def _named_by(view: View, named: Sequence[Subject], item: tuple[int, int]) -> set[int]:
    """The alterations that a figure's item names, or the variant behind the gene that it names."""
    genes = {m.name for m in view.of(Label.GENE) if m.end == item[1]}
    beside = [s for s in named if 0 <= s.start - item[1] < _BESIDE and s.gene in genes]
    return {s.start for s in tied(view, named, item) or beside}


def _of_clause(view: View, subject: Subject, at: int, named: Sequence[Subject]) -> bool:
    """Does a figure stand in the clause of an alteration, or in one that names no other?"""
    start, end = view.clause(at)
    return start <= subject.start or not any(start <= s.start < end for s in named)


def _later(view: View, behind: Sequence[Item], stop: int) -> Item | None:
    """Of several figures the first that is not that of the untreated: "22% of untreated and 41% of resistant tumours"."""
    text = view.document.text
    ends = [*(m.start for m, _ in behind[1:]), stop][: len(behind)]
    treated = [f for f, end in zip(behind, ends, strict=True) if not shape("resistance.untreated").search(text, f[0].end, end)]
    return next(iter(treated), None)


def _before(view: View, named: Sequence[Subject], figures: Sequence[Item], found: dict[int, Item]) -> dict[int, Item]:
    """Figures that stand before the alterations they count: "5 of 16 had G2032R", "in 15% MET amplification was found"."""
    taken = {item[0].start for item in found.values()}
    held: dict[int, Item] = {}
    for index, subject in enumerate(named):
        clause = view.clause(subject.start)
        start = max(clause[0], named[index - 1].end) if index else view.start
        free = [f for f in figures if start <= f[0].start and f[0].end <= subject.start and f[0].start not in taken and not f[1].item]
        free = [f for f in free if clause[0] <= f[0].start or f[1].total]
        denied = subject.start in found or (index and named[index - 1].start not in found and clause[0] <= named[index - 1].start)
        if free and not denied and not shape("resistance.none").search(view.document.text, clause[0], subject.start):
            held[subject.start] = free[-1]
    return held


def _counted(view: View, subject: Subject, figures: Sequence[Item]) -> tuple[Figures, int | None]:
    """A count in words straight behind an alteration: "MET amplification in two"."""
    text = view.document.text
    told = counted.rules()["count"].match(text[subject.end : min(view.end, subject.end + _REACH)])
    if told is None or any(subject.end <= m.start < subject.end + told.end() for m, _ in figures):
        return {}, None
    n = tidy(parse_number(told["n"]))
    whole = {m.total for _, m in figures if m.total}
    total = whole.pop() if len(whole) == 1 else None
    return ({"n_pos": n, "N": total} if total and isinstance(n, int) and n <= total else {"n_pos": n}), total


def _values(measure: Measure) -> tuple[Figures, int | None]:
    figures: Figures = {}
    if measure.value is not None and (measure.metric == "value_percent" or measure.total):
        figures[measure.metric] = measure.value
    if measure.n is not None:
        figures["n_pos"] = measure.n
    if measure.total:
        figures["N"] = measure.total
    return figures, measure.total


_KIND = r"(?:[ -](?:gene )?(?:mutations?|fusions?|amplifications?|rearrangements?|loss|deletions?))?"
_LISTED = re.compile(rf"{_KIND}(?:\s*[,/+]|\s*,?\s(?:and|or|and/or)\b)\s*(?:an?\s|the\s)?")
