"""The summary of the field: what the evidence says on each of the topic's questions, or that there is none yet."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from miner.evidence.figures import number, whole
from miner.evidence.store import Store
from miner.evidence.summary_tables import (
    Grid,
    InhibitorRow,
    PartnerRow,
    ResistanceRow,
    inhibitor_grid,
    inhibitors,
    partner_grid,
    partners,
    resistance,
    resistance_grid,
)
from miner.evidence.table import STATUS_WEIGHTS, Paper, fold_class, weight
from miner.schema import ClaimType, Direction, Polarity
from miner.topic import SummaryRow as Question
from miner.topic import Topic

QUOTES = 6


class Terms(Protocol):
    """The part of a lexicon that the summary asks."""

    def members(self, name: str) -> tuple[str, ...]:
        """Return the genes of a family, or the gene itself."""
        ...

    def classes(self, drug: str) -> tuple[str, ...]:
        """Return the classes of a drug."""
        ...

    def generation(self, drug: str) -> str | None:
        """Return the generation of a drug."""
        ...


@dataclass(frozen=True, slots=True)
class SummaryQuote:
    """A sentence that speaks to a row, with the paper and the offsets it stands at."""

    pmid: str
    start: int
    end: int
    text: str
    key: str
    statement: str
    direction: Direction
    polarity: Polarity
    background: bool
    year: int | None


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One question and what the evidence says.

    ``n_for``, ``n_against`` and ``n_hedged`` count papers by what they themselves found; a paper that found both counts in
    both. ``n_background`` counts papers that only repeat others. ``n_patients`` takes each paper once, at its largest cohort.
    """

    id: str
    title: str
    headline: str
    statement: str
    papers: tuple[str, ...]
    n_patients: int | None
    n_for: int
    n_against: int
    n_hedged: int
    n_background: int
    keys: tuple[str, ...]
    quotes: tuple[SummaryQuote, ...]
    unsound: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no evidence yet."""
        return not self.papers


@dataclass(frozen=True, slots=True)
class Summary:
    """The rows of the summary and the three tables beside it."""

    topic: str
    title: str
    rows: tuple[SummaryRow, ...]
    partners: tuple[PartnerRow, ...]
    inhibitors: tuple[InhibitorRow, ...]
    resistance: tuple[ResistanceRow, ...]

    @property
    def tables(self) -> tuple[Grid, ...]:
        """The three tables as plain text."""
        return partner_grid(self.partners), inhibitor_grid(self.inhibitors), resistance_grid(self.resistance)


def summarise(store: Store, topic: Topic, lexicon: Terms | None = None) -> Summary:
    """Answer the topic's questions from the store; without a lexicon the package's own is loaded."""
    if lexicon is None:
        from miner.lexicon import load_lexicon

        lexicon = load_lexicon()
    questions = [(question, _matcher(question, lexicon)) for question in topic.summary]
    found: list[list[Paper]] = [[] for _ in questions]
    every: list[Paper] = []
    for paper in store.evidence(topic=topic.name):
        every.append(paper)
        for place, (_, fits) in zip(found, questions, strict=True):
            if fits(paper):
                place.append(paper)
    focus = frozenset(member for gene in topic.focus_genes for member in (gene, *lexicon.members(gene)))
    return Summary(
        topic=topic.name,
        title=topic.title,
        rows=tuple(_answer(question, papers) for (question, _), papers in zip(questions, found, strict=True)),
        partners=partners(store.fusions(topic=topic.name), every, focus),
        inhibitors=inhibitors(every, lexicon, topic.focus_classes),
        resistance=resistance(every, focus, lexicon, topic.focus_classes),
    )


def is_of(therapy: str, wanted: str, lexicon: Terms) -> bool:
    """Tell whether a therapy is the drug or class wanted, or a drug of that class."""
    names = {fold_class(name) for name in (therapy, *lexicon.classes(therapy))}
    return fold_class(wanted) in names


def _matcher(question: Question, lexicon: Terms) -> Callable[[Paper], bool]:
    genes = {member for gene in question.genes for member in (gene, *lexicon.members(gene))}
    without = {member for gene in question.without_genes for member in (gene, *lexicon.members(gene))}

    alterations: tuple[str, ...] = question.alterations

    def fits(paper: Paper) -> bool:
        return (
            paper.claim_type in question.claim_types
            and (not genes or bool(genes.intersection(paper.genes)))
            and not without.intersection(paper.genes)
            and _therapies_fit(question, paper, lexicon)
            and (not question.significances or paper.significance in question.significances)
            and (not question.directions or str(paper.direction) in question.directions)
            and (not question.diseases or _disease_fits(question, paper))
            and (not alterations or alteration_fits(paper.molecular_profile, alterations, genes))
        )

    return fits


def alteration_fits(profile: str, kinds: Sequence[str], genes: Container[str]) -> bool:
    """Tell whether a profile names one of the kinds of alteration (``fusion``, ``mutation``) for one of the genes, or none for it."""
    parts = [part.strip("()") for part in re.split(r" AND | OR ", profile)]
    own = [part for part in parts if not genes or any(word in genes for word in re.split(r"::| ", part))]
    return any("fusion" in kinds if "::" in part else " " not in part or part.split(" ", 1)[1].casefold() in kinds for part in own)


def _therapies_fit(question: Question, paper: Paper, lexicon: Terms) -> bool:
    for wanted in question.therapies_all:
        if not any(is_of(therapy, wanted, lexicon) for therapy in paper.therapies):
            return False
    chosen = [
        therapy for therapy in paper.therapies if not question.therapies or any(is_of(therapy, w, lexicon) for w in question.therapies)
    ]
    if question.therapies and not chosen:
        return False
    return question.generation is None or any(lexicon.generation(therapy) == question.generation for therapy in chosen)


def _disease_fits(question: Question, paper: Paper) -> bool:
    name = (paper.disease or "").casefold()
    return any(fnmatch.fnmatchcase(name, pattern.casefold()) for pattern in question.diseases)


def _answer(question: Question, papers: Sequence[Paper]) -> SummaryRow:
    sound = [paper for paper in papers if STATUS_WEIGHTS[paper.record_status]]
    own = [paper for paper in sound if not paper.background]
    repeated = {paper.pmid for paper in sound} - {paper.pmid for paper in own}
    patients = _patients(own)
    numbers = _pmids(sound)
    return SummaryRow(
        id=question.id,
        title=question.title,
        headline=question.statement if sound else question.absent,
        statement=_compose(question, own, len(repeated), patients) if sound else f"No evidence yet. {question.absent}",
        papers=numbers,
        n_patients=patients,
        n_for=len({paper.pmid for paper in own if _stance(paper) == "for"}),
        n_against=len({paper.pmid for paper in own if _stance(paper) == "against"}),
        n_hedged=len({paper.pmid for paper in own if _stance(paper) == "hedged"}),
        n_background=len(repeated),
        keys=tuple(dict.fromkeys(paper.key for paper in papers)),
        quotes=_quotes(sound),
        unsound=_pmids([paper for paper in papers if not STATUS_WEIGHTS[paper.record_status]]),
    )


def _pmids(papers: Iterable[Paper]) -> tuple[str, ...]:
    return tuple(sorted({paper.pmid for paper in papers}, key=lambda pmid: (len(pmid), pmid)))


def _stance(paper: Paper) -> str:
    if paper.polarity in (Polarity.HEDGED, Polarity.HYPOTHETICAL):
        return "hedged"
    return "against" if paper.direction is Direction.DOES_NOT_SUPPORT else "for"


def _patients(own: Iterable[Paper]) -> int | None:
    largest: dict[str, int] = {}
    for paper in own:
        if paper.n_patients:
            largest[paper.pmid] = max(paper.n_patients, largest.get(paper.pmid, 0))
    return sum(largest.values()) or None


# What papers say for and against, by claim type: "3 report an association, 8 report none".
_T = ClaimType
_WORDS: dict[ClaimType, tuple[str, str, str]] = {
    _T.DRIVER_ROLE: ("calls it a driver", "denies a driver role", "thinks a driver role possible"),
    _T.PREVALENCE: ("found it", "looked and found none", "thinks it may occur"),
    _T.CLINICAL_FEATURES_ASSOCIATION: ("reports an association", "reports no association", "suspects an association"),
    _T.MUTUAL_EXCLUSIVITY: ("reports exclusivity", "contradicts exclusivity", "suspects exclusivity"),
    _T.CO_OCCURRENCE: ("reports co-occurrence", "reports no co-occurrence", "suspects co-occurrence"),
    _T.DETECTION_METHOD: ("detected it", "reports what an assay misses", "is cautious on an assay"),
    _T.SENSITIVITY_RESPONSE: ("reports response", "reports no response", "is cautious on response"),
    _T.RESISTANCE_ON_TARGET: ("reports on-target resistance", "reports no on-target resistance", "suspects on-target resistance"),
    _T.RESISTANCE_OFF_TARGET: ("reports a bypass", "reports no bypass", "suspects a bypass"),
    _T.OVERCOMES_RESISTANCE: ("reports resistance overcome", "reports resistance not overcome", "thinks resistance may be overcome"),
    _T.RESISTANCE_TO_OTHER_THERAPY: ("reports it as the cause", "denies it as the cause", "suspects it as the cause"),
    _T.COMBINATION_THERAPY: ("reports benefit of a combination", "reports no benefit of a combination", "is cautious on a combination"),
    _T.IMMUNOTHERAPY_OUTCOME: ("reports response or benefit", "reports no response or benefit", "leaves the value open"),
    _T.APPROVAL_RECOMMENDATION: ("reports approval or advice", "advises against", "suggests use"),
    _T.SAFETY: ("reports on adverse events", "reports no concern", "is cautious on safety"),
}
_PLURALS = {"calls": "call", "denies": "deny", "thinks": "think", "reports": "report", "suspects": "suspect", "contradicts": "contradict"}
_PLURALS |= {"is": "are", "leaves": "leave", "advises": "advise", "does": "do", "suggests": "suggest"}


def _compose(question: Question, own: Sequence[Paper], repeated: int, patients: int | None) -> str:
    if not own:
        return f"{question.statement} So far only repeated from others, in {_count(repeated, 'paper')}."
    size = f" ({number(patients)} patients)" if patients else ""
    told = [f"{question.statement} {_count(len({paper.pmid for paper in own}), 'paper')}{size}: {', '.join(_stances(question, own))}"]
    if question.genes or question.therapies or question.therapies_all:
        told += [text for text in (_range(own, "ORR_percent", "ORR"), _range(own, "value_percent", "frequency")) if text]
    tail = f" {_count(repeated, 'more paper')} {'only repeats' if repeated == 1 else 'only repeat'} others." if repeated else ""
    return "; ".join(told) + "." + tail


def _stances(question: Question, own: Sequence[Paper]) -> list[str]:
    told = []
    for claim_type in question.claim_types:
        for stance, words in zip(("for", "against", "hedged"), _WORDS[claim_type], strict=True):
            pmids = {paper.pmid for paper in own if paper.claim_type is claim_type and _stance(paper) == stance}
            if pmids:
                told.append(f"{len(pmids)} {words if len(pmids) == 1 else _plural(words)}")
    return told


def _plural(words: str) -> str:
    head, space, tail = words.partition(" ")
    return _PLURALS.get(head, head) + space + tail


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def rate(paper: Paper, key: str = "ORR_percent") -> float | None:
    """Return a paper's rate in percent, computed from its counts where only those are given."""
    value = paper.figures.get(key)
    if isinstance(value, (int, float)):
        return float(value)
    hits = whole(paper.figures.get("n_resp" if key == "ORR_percent" else "n_pos"))
    total = whole(paper.figures.get("N"))
    return 100 * hits / total if value is None and hits is not None and total and hits <= total else None


def _range(own: Iterable[Paper], key: str, name: str) -> str | None:
    kind = (_T.PREVALENCE,) if key == "value_percent" else tuple(item for item in ClaimType if item is not _T.PREVALENCE)
    rates = [(value, paper.pmid) for paper in own if paper.claim_type in kind and (value := rate(paper, key)) is not None]
    if not rates:
        return None
    low, high = min(rates)[0], max(rates)[0]
    spread = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g}–{high:.3g}"
    return f"{name} {spread} % over {_count(len({pmid for _, pmid in rates}), 'paper')}"


def _quotes(papers: Sequence[Paper]) -> tuple[SummaryQuote, ...]:
    """Choose sentences: the weightiest first, but one of each stance before a second of any, and one of a stance from a paper."""
    ranked = sorted(
        papers, key=lambda paper: (paper.background, -weight(paper), -(paper.n_patients or 0), -(paper.year or 0), paper.pmid, paper.key)
    )
    firsts = [next(paper for paper in ranked if _stance(paper) == stance) for stance in dict.fromkeys(map(_stance, ranked))]
    chosen: dict[tuple[str, str], Paper] = {}
    for paper in (*firsts, *ranked):
        chosen.setdefault((paper.pmid, _stance(paper)), paper)
    return tuple(_quote(paper) for paper in list(chosen.values())[:QUOTES])


def _quote(paper: Paper) -> SummaryQuote:
    best = paper.quotes[0]
    return SummaryQuote(
        pmid=paper.pmid,
        start=best.start,
        end=best.end,
        text=best.text,
        key=paper.key,
        statement=paper.statement,
        direction=paper.direction,
        polarity=paper.polarity,
        background=paper.background,
        year=paper.year,
    )
