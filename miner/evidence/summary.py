"""The summary of the field: what the evidence says on each of the topic's questions, or that there is none yet."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from miner.evidence.civic import UNSPECIFIED
from miner.evidence.conflicts import Conflict, conflicts
from miner.evidence.findings import Finding, find
from miner.evidence.pooling import Pool, pool_grid, pools
from miner.evidence.store import Store
from miner.evidence.studies import Superseded
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
from miner.evidence.support import STATUS_WEIGHTS
from miner.evidence.table import Paper, cited, fold_class, in_order, is_synthetic, rows_of, weight
from miner.evidence.verdict import Tally, Verdict, in_words, judge, stance, tally
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

    def targets(self, drug_or_class: str) -> tuple[str, ...]:
        """Return the genes or families that a drug or class inhibits."""
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
    stance: str
    direction: Direction
    polarity: Polarity
    background: bool
    year: int | None


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One row of the topic and what the evidence says.

    ``proposition`` is what the evidence was held against (empty where the row only describes), ``headline`` the verdict in
    words, ``findings`` what the papers themselves found; ``tally`` holds the counts that the verdict follows from.
    """

    id: str
    title: str
    proposition: str
    verdict: Verdict
    headline: str
    findings: tuple[Finding, ...]
    tally: Tally
    papers: tuple[str, ...]
    keys: tuple[str, ...]
    quotes: tuple[SummaryQuote, ...]
    unsound: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    superseded: tuple[Superseded, ...] = ()

    @property
    def statement(self) -> str:
        """The row as text: the proposition and its verdict, then what the evidence says."""
        asked = f"“{self.proposition}” " if self.proposition and not self.is_empty else ""
        return " ".join([asked + self.headline, *(f"{_capital(str(finding))}." for finding in self.findings)])

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no evidence yet."""
        return not self.papers


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Summary:
    """The rows of the summary and the three tables beside it."""

    topic: str
    title: str
    rows: tuple[SummaryRow, ...]
    partners: tuple[PartnerRow, ...]
    inhibitors: tuple[InhibitorRow, ...]
    resistance: tuple[ResistanceRow, ...]
    pools: tuple[Pool, ...] = ()

    @property
    def tables(self) -> tuple[Grid, ...]:
        """The tables as plain text."""
        return partner_grid(self.partners), inhibitor_grid(self.inhibitors), pool_grid(self.pools), resistance_grid(self.resistance)


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
    focus = focus_genes(topic, lexicon, (gene for paper in every for gene in paper.genes))
    return Summary(
        topic=topic.name,
        title=topic.title,
        rows=tuple(_answer(question, papers, lexicon) for (question, _), papers in zip(questions, found, strict=True)),
        partners=partners(store.fusions(topic=topic.name), every, focus),
        inhibitors=inhibitors(every, lexicon, topic.focus_classes),
        resistance=resistance(every, focus, lexicon, topic.focus_classes),
        pools=pools(paper for paper in every if any(_in_focus(name, topic, lexicon) for name in paper.therapies)),
    )


def _in_focus(therapy: str, topic: Topic, lexicon: Terms) -> bool:
    return any(is_of(therapy, wanted, lexicon) for wanted in topic.focus_classes)


def focus_genes(topic: Topic, lexicon: Terms, found: Iterable[str]) -> frozenset[str]:
    """Return the topic's genes, with the families they belong to as far as found: NTRK beside NTRK1."""
    own = {member for gene in topic.focus_genes for member in (gene, *lexicon.members(gene))}
    return frozenset(own | {gene for gene in set(found) if own.intersection(lexicon.members(gene))})


def is_of(therapy: str, wanted: str, lexicon: Terms) -> bool:
    """Tell whether a therapy is the drug or class wanted, or a drug of that class."""
    names = {fold_class(name) for name in (therapy, *lexicon.classes(therapy))}
    return fold_class(wanted) in names


def _matcher(question: Question, lexicon: Terms) -> Callable[[Paper], bool]:
    genes = _genes(question, lexicon)
    without = {member for gene in question.without_genes for member in (gene, *lexicon.members(gene))}

    alterations: tuple[str, ...] = question.alterations

    def fits(paper: Paper) -> bool:
        return (
            paper.claim_type in question.claim_types
            and (not genes or bool(genes.intersection(paper.genes)) or _by_drug(paper, genes, lexicon))
            and not without.intersection(paper.genes)
            and _therapies_fit(question, paper, lexicon)
            and (not question.significances or paper.significance in question.significances)
            and (not question.directions or str(paper.direction) in question.directions)
            and (not question.diseases or _disease_fits(question, paper))
            and (not alterations or alteration_fits(paper.molecular_profile, alterations, genes))
        )

    return fits


def _genes(question: Question, lexicon: Terms) -> frozenset[str]:
    return frozenset(member for gene in question.genes for member in (gene, *lexicon.members(gene)))


def _by_drug(paper: Paper, genes: frozenset[str], lexicon: Terms) -> bool:
    """A claim that names no alteration is on the genes where each of its drugs inhibits nothing else."""
    if paper.genes or not paper.therapies:
        return False
    return all((aims := set(lexicon.targets(therapy))) and aims <= genes for therapy in paper.therapies)


def alteration_fits(profile: str, kinds: Sequence[str], genes: Container[str]) -> bool:
    """Tell whether a profile names one of the kinds of alteration (``fusion``, ``mutation``) for one of the genes, or none for it."""
    parts = [part.strip("()") for part in re.split(r" AND | OR ", profile)]
    if profile == UNSPECIFIED:
        return True
    own = [part for part in parts if not genes or any(word in genes for word in re.split(r"::| ", part))]
    return any("fusion" in kinds if "::" in part else " " not in part or part.split(" ", 1)[1].casefold() in kinds for part in own)


def _therapies_fit(question: Question, paper: Paper, lexicon: Terms) -> bool:
    for wanted in question.therapies_all:
        if not any(is_of(therapy, wanted, lexicon) for therapy in paper.therapies):
            return False
    chosen = [therapy for therapy in paper.therapies if _is_asked(question, therapy, lexicon)]
    return bool(chosen) or not (question.therapies or question.generation)


def _is_asked(question: Question, therapy: str, lexicon: Terms) -> bool:
    wanted = (*question.therapies, *question.therapies_all)
    of_class = not wanted or any(is_of(therapy, name, lexicon) for name in wanted)
    return of_class and (question.generation is None or lexicon.generation(therapy) == question.generation)


def _disease_fits(question: Question, paper: Paper) -> bool:
    name = (paper.disease or "").casefold()
    return any(fnmatch.fnmatchcase(name, pattern.casefold()) for pattern in question.diseases)


def _answer(question: Question, papers: Sequence[Paper], lexicon: Terms) -> SummaryRow:
    sound = [paper for paper in papers if STATUS_WEIGHTS[paper.record_status]]
    rows = rows_of(sound)
    count = tally(question, sound)
    verdict = judge(question, count)
    return SummaryRow(
        id=question.id,
        title=question.title,
        proposition=question.proposition,
        verdict=verdict,
        headline=in_words(question, verdict, count, sound),
        findings=find(question, sound, _genes(question, lexicon), lambda name: _is_asked(question, name, lexicon)),
        tally=count,
        papers=_pmids(sound),
        keys=tuple(dict.fromkeys(paper.proposition for paper in papers)),
        quotes=_quotes(sound, question.contrary),
        unsound=_pmids([paper for paper in papers if not STATUS_WEIGHTS[paper.record_status]]),
        flags=tuple(dict.fromkeys(f"{cited(paper.pmid)}: {flag}" for paper in papers for flag in paper.flags if flag != "synthetic")),
        conflicts=conflicts(rows)[:QUOTES],
        superseded=tuple(item for row in rows for item in row.superseded),
    )


def _pmids(papers: Iterable[Paper]) -> tuple[str, ...]:
    return in_order(paper.pmid for paper in papers)


def _quotes(papers: Sequence[Paper], contrary: Sequence[ClaimType]) -> tuple[SummaryQuote, ...]:
    """Choose sentences: the weightiest first, but one of each stance before a second of any, and one of a stance from a paper."""
    ranked = sorted(
        papers,
        key=lambda paper: (
            is_synthetic(paper.pmid),
            paper.background,
            -weight(paper),
            -(paper.n_patients or 0),
            -(paper.year or 0),
            paper.pmid,
            paper.key,
        ),
    )
    stances = dict.fromkeys(stance(paper, contrary) for paper in ranked)
    firsts = [next(paper for paper in ranked if stance(paper, contrary) == held) for held in stances]
    chosen: dict[tuple[str, str], Paper] = {}
    for paper in (*firsts, *ranked):
        chosen.setdefault((paper.pmid, stance(paper, contrary)), paper)
    return tuple(_quote(paper, held) for (_, held), paper in list(chosen.items())[:QUOTES])


def _quote(paper: Paper, held: str) -> SummaryQuote:
    best = paper.quotes[0]
    return SummaryQuote(
        pmid=paper.pmid,
        start=best.start,
        end=best.end,
        text=best.text,
        key=paper.proposition,
        statement=paper.statement,
        stance=held,
        direction=paper.direction,
        polarity=paper.polarity,
        background=paper.background,
        year=paper.year,
    )
