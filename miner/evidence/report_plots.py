"""Geometry of the report's pictures: forest plot, fusion ribbons, evidence by year, resistance map. Templates draw them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from miner.evidence.civic import UNSPECIFIED
from miner.evidence.figures import number
from miner.evidence.summary_tables import InhibitorRow, PartnerRow, ResistanceRow
from miner.evidence.support import STATUS_WEIGHTS
from miner.evidence.table import Paper
from miner.schema import Direction, Polarity

STANCES = ("for", "against", "hedged")


def stance(direction: Direction, polarity: Polarity) -> str:
    """Name how evidence stands to its proposition: for, against or hedged."""
    if polarity in (Polarity.HEDGED, Polarity.HYPOTHETICAL):
        return "hedged"
    return "against" if direction is Direction.DOES_NOT_SUPPORT else "for"


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One study's response rate: percent positions, the radius of its point, and its words."""

    pmid: str
    year: int | None
    key: str
    population: str
    counts: str
    rate: float
    low: float | None
    high: float | None
    interval: str | None
    radius: float
    text: str
    is_unsound: bool


@dataclass(frozen=True, slots=True)
class ForestGroup:
    """The studies of one drug."""

    drug: str
    generation: str | None
    rows: tuple[ForestRow, ...]


@dataclass(frozen=True, slots=True)
class Forest:
    """A forest plot; ``left_out`` counts rows beyond the limit and those whose rate has no interval."""

    groups: tuple[ForestGroup, ...]
    left_out: int

    @property
    def size(self) -> int:
        """Number of studies drawn."""
        return sum(len(group.rows) for group in self.groups)


def forest(rows: Iterable[InhibitorRow], limit: int | None = None) -> Forest:
    """Lay out response rates by drug, the drugs with most studies first where there are no generations."""
    rated = [row for row in rows if row.orr is not None]
    rated = list({(row.drug, row.pmid, row.orr, row.low, row.disease, row.molecular_profile): row for row in rated}.values())
    chosen = rated
    if limit is not None:
        chosen = sorted((row for row in rated if row.low is not None), key=lambda row: (-(row.n or 0), row.pmid, row.key))[:limit]
    order = {"first": 0, "second": 1, "third": 2, "next": 3, None: 4}
    chosen = sorted(chosen, key=lambda row: (order.get(row.generation, 4), row.drug, -(row.n or 0), row.pmid, row.key))
    groups = [
        ForestGroup(drug, generation, tuple(_forest_row(row) for row in held))
        for (drug, generation), held in groupby(chosen, key=lambda row: (row.drug, row.generation))
    ]
    if limit is not None:
        groups.sort(key=lambda group: (-len(group.rows), group.drug))
    return Forest(tuple(groups), len(rated) - len(chosen))


def _forest_row(row: InhibitorRow) -> ForestRow:
    population = " · ".join(part for part in (row.molecular_profile, row.disease or "") if part and part != UNSPECIFIED)
    hits, total = row.figures.get("n_resp"), row.figures.get("N")
    rate = row.orr if row.orr is not None else 0.0
    counts = f"n = {number(row.n)}" if row.n else ""
    if isinstance(hits, int) and isinstance(total, int) and total and abs(100 * hits / total - rate) <= 1:
        counts = f"{number(hits)}/{number(total)}"
    text = f"{rate:.0f} %"
    if row.low is not None and row.high is not None:
        text += f" ({row.low:.0f}–{row.high:.0f})"
    return ForestRow(
        pmid=row.pmid,
        year=row.year,
        key=row.key,
        population=population or "population not named",
        counts=counts,
        rate=round(rate, 2),
        low=None if row.low is None else round(row.low, 2),
        high=None if row.high is None else round(row.high, 2),
        interval=row.interval,
        radius=round(min(8.0, 3.0 + math.sqrt(row.n or 1) / 4), 1),
        text=text,
        is_unsound=not STATUS_WEIGHTS[row.record_status],
    )


@dataclass(frozen=True, slots=True)
class Link:
    """A ribbon from a partner to a kinase."""

    path: str
    y: float
    partner: str
    title: str
    kinase: int
    papers: int
    is_reversed: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A kinase at the right edge."""

    name: str
    y: float
    height: float
    papers: int
    kinase: int


@dataclass(frozen=True, slots=True)
class Ribbons:
    """Partner-by-kinase picture in a box of ``width`` × ``height`` units."""

    width: int
    height: float
    links: tuple[Link, ...]
    nodes: tuple[Node, ...]
    left_out: int


LEFT, RIGHT, WIDTH, LIMIT = 122, 300, 380, 48


def ribbons(rows: Sequence[PartnerRow], focus: Iterable[str]) -> Ribbons:
    """Lay out fusions of the topic's genes: partners at the left, kinases at the right, width by number of papers."""
    genes = list(dict.fromkeys(focus))
    found = [(_kinase(row, genes), row) for row in rows if row.is_focus]
    chosen = sorted(found, key=lambda item: (-len(item[1].papers), item[1].fusion))[:LIMIT]
    chosen.sort(key=lambda item: (genes.index(item[0]), -len(item[1].papers), item[1].fusion))
    thick = {row.fusion: min(26.0, 3.0 + 4.0 * math.sqrt(len(row.papers))) for _, row in chosen}
    height = sum(max(17.0, thick[row.fusion] + 3) for _, row in chosen) + 12.0 * max(0, len({name for name, _ in chosen}) - 1) + 8
    names = [name for name in genes if any(kinase == name for kinase, _ in chosen)]
    totals = {name: sum(thick[row.fusion] for kinase, row in chosen if kinase == name) for name in names}
    free = (height - sum(totals.values())) / (len(names) + 1) if names else 0
    links, nodes, left, right = [], [], 4.0, free
    for place, name in enumerate(names):
        held = [row for kinase, row in chosen if kinase == name]
        nodes.append(Node(name, round(right, 1), round(totals[name], 1), len({p for row in held for p in row.papers}), place % 4))
        for row in held:
            band, slot = thick[row.fusion], max(17.0, thick[row.fusion] + 3)
            links.append(_link(row, name, left + slot / 2, right + band / 2, band, place % 4))
            left, right = left + slot, right + band
        left, right = left + 12.0, right + free
    return Ribbons(WIDTH, round(height, 1), tuple(links), tuple(nodes), len(found) - len(chosen))


def _kinase(row: PartnerRow, genes: Sequence[str]) -> str:
    return row.three_prime if row.three_prime in genes else row.five_prime


def _link(row: PartnerRow, kinase: str, left: float, right: float, band: float, place: int) -> Link:
    top_left, low_left, top_right, low_right = left - band / 2, left + band / 2, right - band / 2, right + band / 2
    middle = (LEFT + RIGHT) / 2
    path = (
        f"M{LEFT} {top_left:.1f}C{middle} {top_left:.1f} {middle} {top_right:.1f} {RIGHT} {top_right:.1f}"
        f"L{RIGHT} {low_right:.1f}C{middle} {low_right:.1f} {middle} {low_left:.1f} {LEFT} {low_left:.1f}Z"
    )
    papers = f"{len(row.papers)} paper" + ("" if len(row.papers) == 1 else "s")
    tumours = f" · {', '.join(row.tumours[:3])}" if row.tumours else ""
    is_reversed = row.five_prime == kinase
    partner = row.three_prime if is_reversed else row.five_prime
    return Link(path, round(left, 1), partner, f"{row.fusion} · {papers}{tumours}", place, len(row.papers), is_reversed)


@dataclass(frozen=True, slots=True)
class Bar:
    """One year: percent position and width, stacked parts (stance, y, height, count)."""

    year: int
    x: float
    width: float
    parts: tuple[tuple[str, float, float, int], ...]
    total: int
    is_labelled: bool


@dataclass(frozen=True, slots=True)
class Years:
    """Evidence by year of publication; heights in pixels of ``height``."""

    bars: tuple[Bar, ...]
    height: int
    top: int
    unknown: int


def years(evidence: Iterable[Paper], height: int = 150) -> Years:
    """Count evidence by year and stance; years between the first and the last without evidence stay as gaps."""
    counted: dict[int, Counter[str]] = {}
    unknown = 0
    for paper in evidence:
        if paper.year is None:
            unknown += 1
        else:
            counted.setdefault(paper.year, Counter())[stance(paper.direction, paper.polarity)] += 1
    if not counted:
        return Years((), height, 0, unknown)
    span = range(min(counted), max(counted) + 1)
    top = max(sum(parts.values()) for parts in counted.values())
    slot = 100 / len(span)
    every = math.ceil(len(span) / 12)
    bars = [
        _bar(year, counted.get(year, Counter()), place, slot, height, top, is_labelled=(span[-1] - year) % every == 0)
        for place, year in enumerate(span)
    ]
    return Years(tuple(bars), height, top, unknown)


def _bar(year: int, parts: Counter[str], place: int, slot: float, height: int, top: int, *, is_labelled: bool) -> Bar:
    drawn, base = [], float(height)
    for name in STANCES:
        size = (height - 14) * parts[name] / top
        if size:
            base -= size
            drawn.append((name, round(base, 1), round(size, 1), parts[name]))
    width = min(slot * 0.72, 9.0)
    return Bar(year, round((place + 0.5) * slot - width / 2, 2), round(width, 2), tuple(drawn), sum(parts.values()), is_labelled)


@dataclass(frozen=True, slots=True)
class MapCell:
    """What is known of one mechanism and one drug: stances with papers."""

    effects: tuple[tuple[str, int, bool, str], ...]


@dataclass(frozen=True, slots=True)
class MapRow:
    """One mechanism over all drugs."""

    name: str
    on_target: bool
    cells: tuple[MapCell, ...]


@dataclass(frozen=True, slots=True)
class ResistanceMap:
    """Mechanism by drug."""

    drugs: tuple[str, ...]
    rows: tuple[MapRow, ...]


def resistance_map(rows: Sequence[ResistanceRow], *, is_focus: bool, most: int = 40, widest: int = 14) -> ResistanceMap:
    """Lay out mechanism × drug; the drugs and mechanisms with most papers are kept where there are too many."""
    chosen = [row for row in rows if row.is_focus is is_focus]
    drugs = _commonest(((row.drug, len(row.papers)) for row in chosen), widest)
    names = set(_commonest(((row.molecular_profile, len(row.papers)) for row in chosen if row.drug in drugs), most))
    ordered = list(dict.fromkeys((not row.on_target, row.molecular_profile) for row in chosen if row.molecular_profile in names))
    made = []
    for off_target, name in sorted(set(ordered)):
        held = [row for row in chosen if row.molecular_profile == name and row.on_target is not off_target]
        cells = tuple(MapCell(tuple(_effect(row) for row in held if row.drug == drug)) for drug in drugs)
        if any(cell.effects for cell in cells):
            made.append(MapRow(name, not off_target, cells))
    return ResistanceMap(drugs, tuple(made))


def _commonest(items: Iterable[tuple[str, int]], most: int) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    for name, n in items:
        counts[name] += n
    kept = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return tuple(name for name, _ in sorted(kept, key=lambda item: (-item[1], item[0][0].isupper(), item[0].casefold())))


def _effect(row: ResistanceRow) -> tuple[str, int, bool, str]:
    against = row.direction is Direction.DOES_NOT_SUPPORT
    kind = {
        ("resistant", False): "resistant",
        ("resistant", True): "sensitive",
        ("overcome", False): "overcome",
        ("overcome", True): "fails",
    }
    return kind[row.effect, against], len(row.papers), row.hedged, row.keys[0]
