"""Papers that report one study are one study: which they are, why, and which of their figures a newer data cut replaced.

Papers are tied by PubMed's own links, a trial's number or name, an equal title (preprint and paper, abstract and full report),
equal counts of the same drug and tumour, as many patients of a large trial of them, or the same first and last author on the
same drug and tumour; never where both name their trials and these differ. A paper that pools several trials, or only repeats
others (a review, or background), joins a study by the trial that it names or by its figures; it never makes two studies one.
Each rule has a function of its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from miner.evidence.figures import describe, group_of, whole
from miner.evidence.trials import cited_trials
from miner.schema import Status, StudyType

if TYPE_CHECKING:
    from miner.evidence.table import Paper

ENDPOINTS = ("response", "PFS", "OS", "DoR", "intracranial")
"""Groups of figures that a newer data cut replaces; each is looked at alone."""
LEAST_TOTAL = 20
"""Equal counts tell one study only of a denominator so large; smaller ones are equal by chance."""
LEAST_PATIENTS = 500
"""As many patients of the same drug and tumour are the same ones only where they are so many, and no round number."""
LIKE_TITLES, MOST_OF_AN_AUTHOR = 0.8, 50
_KINDS = ("Preprint", "Update", "Republished", "CorrectedandRepublished", "RetractedandRepublished")
_LINKS = frozenset(kind + way for kind in _KINDS for way in ("In", "Of", "From"))
_SOUND = (Status.CURRENT, Status.CONCERN)
_WORD = re.compile(r"[a-z0-9]+")
_PMID = re.compile(r"\b\d{5,9}\b")


@dataclass(frozen=True, slots=True)
class Tie:
    """Why a paper is counted with another: ``same trial NCT02122913``."""

    pmid: str
    to: str
    why: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """Figures of one endpoint that a newer data cut of the same study replaced; both stay in sight."""

    pmid: str
    by: str
    endpoint: str
    older: str
    newer: str

    def __str__(self) -> str:
        return f"{self.older} ({_cited(self.pmid)}) superseded by {self.newer} ({_cited(self.by)})"


def _cited(identifier: str) -> str:
    return f"PMID {identifier}" if identifier.isdigit() else identifier


@dataclass(frozen=True, slots=True)
class Study:
    """Papers that report one study, the one that counts first.

    ``is_repeated`` where no paper of it is here, only others that repeat it; ``crossing`` are papers that pool its patients
    with those of another study that is here, and count nothing; ``n_patients`` is the largest cohort that a paper of its own,
    and not retracted, reports.
    """

    papers: tuple[Paper, ...]
    ties: tuple[Tie, ...] = ()
    superseded: tuple[Superseded, ...] = ()
    is_repeated: bool = False
    crossing: frozenset[str] = frozenset()
    n_patients: int | None = None

    @property
    def lead(self) -> Paper:
        """The paper that counts: of its own study, the newest cut, the largest."""
        return self.papers[0]

    @property
    def name(self) -> str:
        """The trials that its papers report, or the PMID of the one that counts."""
        own = dict.fromkeys(trial for paper in self.papers if not is_repeated(paper) for trial in paper.trials)
        return ", ".join(own) or self.lead.pmid


def is_repeated(paper: Paper) -> bool:
    """Tell whether a paper repeats what others found."""
    return paper.background or paper.study_type == StudyType.REVIEW


def group(papers: Sequence[Paper]) -> tuple[Study, ...]:
    """Return the studies that papers report, in the order of the first paper of each."""
    if len(papers) == 1:
        return (Study(tuple(papers), is_repeated=is_repeated(papers[0]), n_patients=_largest(papers, frozenset())),)
    own = [paper for paper in papers if not is_repeated(paper)]
    sets = _Sets(own)
    held = sets.held()
    alone: dict[str, list[Paper]] = {}
    told = _Told(own)
    for paper in (paper for paper in papers if is_repeated(paper)):
        tie = None if paper.pmid in sets else told.tie(paper)
        if paper.pmid in sets or tie:
            root = sets.root(tie.to if tie else paper.pmid)
            held[root].append(paper)
            sets.ties[root] += [tie] if tie else []
        else:
            alone.setdefault(paper.pmid, []).append(paper)
    found = [_study(members, sets.ties[root], sets.crossing) for root, members in held.items()]
    found += [Study(tuple(members), is_repeated=True) for members in alone.values()]
    place = {id(paper): number for number, paper in enumerate(papers)}
    return tuple(sorted(found, key=lambda study: min(place[id(paper)] for paper in study.papers)))


def _study(papers: Sequence[Paper], ties: Sequence[Tie], crossing: frozenset[str]) -> Study:
    if len(papers) == 1:
        return Study(tuple(papers), n_patients=_largest(papers, crossing), crossing=crossing & {papers[0].pmid})
    superseded = tuple(_superseded([paper for paper in papers if not is_repeated(paper)]))
    last = {item.pmid for item in superseded} | crossing
    order = sorted(papers, key=lambda paper: (is_repeated(paper), paper.pmid in last, -(paper.n_patients or 0)))
    crossing = crossing & {paper.pmid for paper in papers}
    return Study(tuple(order), tuple(ties), superseded, crossing=crossing, n_patients=_largest(papers, crossing))


def _largest(papers: Sequence[Paper], crossing: frozenset[str]) -> int | None:
    own = [paper for paper in papers if paper.n_patients and not is_repeated(paper) and paper.pmid not in crossing]
    return max((paper.n_patients or 0 for paper in own if paper.record_status in _SOUND), default=None)


class _Sets:
    """Papers of their own findings, in sets that are one study each; ``ties`` maps the root of a set to why."""

    def __init__(self, own: Sequence[Paper]) -> None:
        self._own = own
        self._above = {paper.pmid: paper.pmid for paper in own}
        self._trials = {paper.pmid: registered(paper) for paper in own}
        self.ties: dict[str, list[Tie]] = {paper.pmid: [] for paper in own}
        pooled = {paper.pmid: paper for paper in own if pools(paper)}
        for tie in _ties([paper for paper in own if paper.pmid not in pooled]):
            self._join(tie)
        self.crossing = frozenset(paper.pmid for paper in pooled.values() if self._crosses(paper, pooled))
        for paper in pooled.values():
            self._join_pool(paper)

    def __contains__(self, name: str) -> bool:
        return name in self._above

    def root(self, name: str) -> str:
        """Return the name that stands for a set."""
        while self._above[name] != name:
            name = self._above[name]
        return name

    def held(self) -> dict[str, list[Paper]]:
        """Return the papers of each set."""
        held: dict[str, list[Paper]] = {}
        for paper in self._own:
            held.setdefault(self.root(paper.pmid), []).append(paper)
        return held

    def _join(self, tie: Tie) -> None:
        left, right = self.root(tie.to), self.root(tie.pmid)
        apart = self._trials[left] and self._trials[right] and not self._trials[left] & self._trials[right]
        if left == right or (apart and tie.why not in _SURE):
            return
        self._above[right] = left
        self._trials[left] = self._trials[left] | self._trials[right]
        self.ties[left] += [*self.ties.pop(right), tie]

    def _crosses(self, paper: Paper, pooled: Mapping[str, Paper]) -> bool:
        """Tell whether the trials that a paper pools are here as two studies or more."""
        reported = {self.root(other.pmid) for other in self._own if other.pmid not in pooled and set(other.trials) & set(paper.trials)}
        return len(reported) > 1

    def _join_pool(self, paper: Paper) -> None:
        """Join a paper that pools trials to the first study that reports one of them, without what the trials have to do with it."""
        for other in self._own:
            shared = sorted(set(paper.trials) & set(other.trials))
            if shared and other.pmid != paper.pmid and self.root(other.pmid) != self.root(paper.pmid):
                root = self.root(other.pmid)
                self._above[self.root(paper.pmid)] = root
                self.ties[root] += [*self.ties.pop(paper.pmid, []), Tie(paper.pmid, other.pmid, f"pools {', '.join(shared)}")]
                return


_SURE = ("linked by PubMed",)
_REGISTRY = re.compile(r"[A-Z]+")


def registered(paper: Paper) -> frozenset[str]:
    """Return the trials of a paper by number, or by name where it gives no number."""
    numbers = frozenset(trial for trial in paper.trials if sum(sign.isdigit() for sign in trial) > 6)
    return numbers or frozenset(paper.trials)


def pools(paper: Paper) -> bool:
    """Tell whether a paper reports several trials: two numbers of one registry, or two names and no number."""
    registries = [match[0] if len(trial) > 8 and (match := _REGISTRY.match(trial)) else "" for trial in registered(paper)]
    return len(registries) > len(set(registries))


# why two papers are one study


def _ties(own: Sequence[Paper]) -> Iterator[Tie]:
    for rule in (_linked, _same_trial, _same_title, _same_counts, _same_patients, _same_authors):
        yield from rule(own)


def _linked(own: Sequence[Paper]) -> Iterator[Tie]:
    held = {paper.pmid for paper in own}
    for paper in own:
        for kind, reference in paper.notices:
            for pmid in _PMID.findall(reference) if kind in _LINKS else ():
                if pmid in held and pmid != paper.pmid:
                    yield Tie(paper.pmid, pmid, "linked by PubMed")


def _same_trial(own: Sequence[Paper]) -> Iterator[Tie]:
    yield from _shared(own, lambda paper: paper.trials, "same trial {}")


def _same_counts(own: Sequence[Paper]) -> Iterator[Tie]:
    yield from _shared(own, lambda paper: [text for text, _ in _counts(paper)], "the same {}")


def _same_patients(own: Sequence[Paper]) -> Iterator[Tie]:
    """A large trial is told again with its number of patients: for another endpoint, by another group's analysis."""

    def told(paper: Paper) -> Iterator[str]:
        size = paper.n_patients or 0
        if paper.study_type == StudyType.TRIAL and paper.therapies and size >= LEAST_PATIENTS and size % 10:
            yield f"{size} patients on {' + '.join(paper.therapies)}"

    yield from _shared(own, told, "the same {}")


def _same_authors(own: Sequence[Paper]) -> Iterator[Tie]:
    """The same first and last author on the same drug and tumour; single patients may be several."""

    def team(paper: Paper) -> Iterator[tuple[str, ...]]:
        if len(paper.authors) > 2 and paper.therapies and paper.study_type in (StudyType.TRIAL, StudyType.RETROSPECTIVE_COHORT):
            yield (paper.authors[0], paper.authors[-1], paper.disease_key, *paper.therapies)

    yield from _shared(own, team, "same authors, drug and tumour")


def _shared(own: Sequence[Paper], keys: Callable[[Paper], Iterable[object]], why: str) -> Iterator[Tie]:
    first: dict[object, Paper] = {}
    for paper in own:
        for key in keys(paper):
            held = first.setdefault(key, paper)
            if held.pmid != paper.pmid:
                yield Tie(paper.pmid, held.pmid, why.format(key))


@lru_cache(maxsize=65_536)
def _words(title: str) -> frozenset[str]:
    return frozenset(_WORD.findall(title.casefold()))


def _same_title(own: Sequence[Paper]) -> Iterator[Tie]:
    """Equal titles, or such as share four words in five and an author; only papers of one author are compared."""
    words = {paper.pmid: _words(paper.title) for paper in own}
    yield from _shared(own, lambda paper: [words[paper.pmid]] if len(words[paper.pmid]) > 4 else [], "same title")
    by_author: dict[str, dict[str, Paper]] = {}
    for paper in own:
        for author in paper.authors:
            by_author.setdefault(author, {})[paper.pmid] = paper
    for held in by_author.values():
        for left, right in itertools.combinations(list(held)[:MOST_OF_AN_AUTHOR], 2):
            one, two = words[left], words[right]
            if one != two and len(one) > 4 and len(one & two) >= LIKE_TITLES * len(one | two):
                yield Tie(right, left, "same title")


def _counts(paper: Paper) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the counts of a paper that are large enough to be told again, with its drugs and tumour: ``31/44 on larotrectinib``."""
    for figures in paper.cohorts:
        total = whole(figures.get("N"))
        hits = whole(figures.get("n_resp", figures.get("n_pos")))
        if total and hits and total >= LEAST_TOTAL and hits != total:
            subject = " + ".join(paper.therapies) or paper.molecular_profile
            yield f"{hits}/{total} on {subject}", (hits, total)


class _Told:
    """What papers told first, to find which of them another repeats: their trials, and their figures by drug."""

    def __init__(self, own: Sequence[Paper]) -> None:
        self._trials: dict[str, Paper] = {}
        self._figures: dict[tuple[str, str, object], list[tuple[Paper, int | None]]] = {}
        for paper in own:
            for trial in paper.trials:
                self._trials.setdefault(trial, paper)
            for key, value, total in _rates(paper):
                for therapy in paper.therapies:
                    self._figures.setdefault((therapy, key, value), []).append((paper, total))

    def tie(self, paper: Paper) -> Tie | None:
        """Tie a paper that repeats others to the first whose trial its sentence names, or whose figures it gives."""
        named = (cited_trials(quote.text) for quote in paper.quotes) if self._trials else ()
        if cited := sorted(frozenset[str]().union(*named) & self._trials.keys()):
            return Tie(paper.pmid, self._trials[cited[0]].pmid, f"repeats {cited[0]}")
        for key, value, total in _rates(paper):
            for therapy in paper.therapies:
                for other, size in self._figures.get((therapy, key, value), ()):
                    sizes = {known for known in (total, size) if known}
                    if len(sizes) < 2 and (sizes or not _is_round(value)):
                        return Tie(paper.pmid, other.pmid, f"repeats its {describe({key: value})}")
        return None


_REPEATED = ("ORR_percent", "value_percent", "PFS_months", "OS_months", "DoR_months")


def _rates(paper: Paper) -> Iterator[tuple[str, float | int | str, int | None]]:
    for figures in paper.cohorts:
        for key in _REPEATED:
            if key in figures:
                yield key, figures[key], whole(figures.get("N"))


def _is_round(value: object) -> bool:
    return isinstance(value, (int, float)) and value % 5 == 0


# data cuts


def _superseded(papers: Sequence[Paper]) -> Iterator[Superseded]:
    """Yield what newer papers of a study replaced, endpoint by endpoint; a pool replaces only an older pool of the same trials."""
    for endpoint in ENDPOINTS:
        told = [(paper, figures) for paper in papers if (figures := _of_endpoint(paper.figures, endpoint)) and _when(paper)]
        told.sort(key=lambda item: (_when(item[0]), whole(item[1].get("N")) or 0))
        for place, (older, before) in enumerate(told):
            newer = [(paper, after) for paper, after in told[place + 1 :] if _is_cut(older, paper) and _differ(before, after)]
            if newer:
                yield Superseded(older.pmid, newer[-1][0].pmid, endpoint, describe(before), describe(newer[-1][1]))


def _is_cut(older: Paper, newer: Paper) -> bool:
    comparable = registered(older) == registered(newer) if pools(older) or pools(newer) else True
    return older.pmid != newer.pmid and comparable and set(older.therapies) == set(newer.therapies)


def _of_endpoint(figures: Mapping[str, float | int | str], endpoint: str) -> dict[str, float | int | str]:
    found = {key: value for key, value in figures.items() if group_of(key) == endpoint}
    return found if set(found) - {"N"} else {}


def _differ(older: Mapping[str, object], newer: Mapping[str, object]) -> bool:
    shared = set(older) & set(newer)
    return not shared or any(older[key] != newer[key] for key in shared)


def _when(paper: Paper) -> tuple[int, str] | None:
    """Return what orders papers in time: PMIDs ascend with it; records without one go by their date."""
    if paper.pmid.isdigit():
        return int(paper.pmid), ""
    return None if not paper.pub_date else (10**12, paper.pub_date)
