"""Alterations listed with how often each was found: ``ALK in 10, ROS1 in 6 and NTRK1 in 1``, ``RET (n = 4; 2%)``, ``KRAS 28%``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from miner.claims import parts, words
from miner.claims.claim_types import family
from miner.claims.document import Document, Subject, View
from miner.schema import Cohort, Label, Measure, Mention

Item = tuple[Mention, Measure]
LEAST, MOST_WORDS = 2, 8
_NEXT = 25  # to the next number of a list
_KINDS = ("fusion", "amplification", "mutation", "alteration")
_STRAIGHT = re.compile(r"[)\]]\s(?:(?!of\b|in\b|for\b)\w+\s(?:an?\s)?)?")
_EQUALS = re.compile(r"\bn\s*=")
_WORD = re.compile(r"[^\W\d]+")
_OTHER = re.compile(r"[^\w\s,;:()\[\]%&/–-]|\d")


@dataclass(frozen=True, slots=True)
class Listed:
    """An alteration of a list with its figure, and in how many was looked for it, where the sentence tells."""

    subject: Subject
    item: Item
    total: int | None


def rules() -> words.Words:
    """The word lists of lists."""
    return words.load("gene_lists.toml")


def _counting() -> words.Words:
    return words.load("biology.toml")


def read(view: View, subjects: Sequence[Subject], items: Sequence[Item]) -> list[Listed]:
    """The members of the lists of a sentence; none where the figures count something else."""
    everything = sorted([*items, *sizes(view, items)], key=lambda item: item[0].start)
    found = [run for run in _runs(view, subjects, everything) if len(run) >= LEAST and _counts_carriers(view, run)]
    return [member for run in found for member in _members(view, run)]


def sizes(view: View, items: Sequence[Item]) -> Iterator[Item]:
    """Sizes of groups as counts, where no count was read there: ``RET, n = 4``."""
    first = next((m.start for m in view.of(Label.GENE, Label.FUSION, Label.ALTERATION)), view.start)
    lists = rules()["listing"].search(view.document.text[max(view.start, first - 80) : first])
    for mention in view.of(Label.COHORT):
        cohort = mention.referent
        if not isinstance(cohort, Cohort) or not cohort.n or cohort.total or (cohort.unit and not (lists and "=" in mention.text)):
            continue
        if not any(m.start < mention.end and mention.start < m.end for m, _ in items):
            yield mention, Measure("n_pos", cohort.n, n=cohort.n)
    yield from _cases(view, items)


def _cases(view: View, items: Sequence[Item]) -> Iterator[Item]:
    """The number of cases that a list of numbers begins with: "12 cases with ALK, 9 ROS1 and 6 RET fusions"."""
    text = view.document.text
    counts = [figure for figure, m in items if m.item and m.item[0] >= figure.end and m.metric == "n_pos"]
    for mention in view.of(Label.COHORT):
        cohort, link = mention.referent, rules()["cases_with"].match(text[mention.end : mention.end + 40])
        if not isinstance(cohort, Cohort) or not cohort.n or not link:
            continue
        gene = next((m for m in view.of(Label.GENE, Label.FUSION) if m.start == mention.end + link.end() + 1), None)
        if gene and any(0 < f.start - gene.end < _NEXT and _only(text[gene.end : f.start], "between") for f in counts):
            yield mention, Measure("n_pos", cohort.n, n=cohort.n, item=(gene.start, gene.end))


def _runs(view: View, subjects: Sequence[Subject], items: Sequence[Item]) -> Iterator[list[tuple[Subject, Item]]]:
    """Runs of alterations that each have their figure, with nothing but a comma or an "and" between."""
    text, run = view.document.text, list[tuple[Subject, Item]]()
    for subject in sorted((_at_gene(view, s, subjects) for s in subjects), key=lambda s: s.start):
        item = next((item for item in items if _is_of(text, subject, item)), None)
        if run and (item is None or not _only(text[_end(run[-1]) : min(subject.start, item[0].start)], "between")):
            yield run
            run = []
        if item is not None:
            run.append((subject, item))
    yield run


def _end(member: tuple[Subject, Item]) -> int:
    return max(member[0].end, member[1][0].end)


def _at_gene(view: View, subject: Subject, subjects: Sequence[Subject]) -> Subject:
    """The subject where its gene stands: "mutations were found in TP53" is one alteration from its first word on.

    Fusions that share a gene named once stand where their partners do: "RET fusion partners were KIF5B, CCDC6 and NCOA4".
    """
    if subject.fusion and any(s.fusion != subject.fusion and s.start < subject.end and subject.start < s.end for s in subjects if s.fusion):
        partner = next((g for g in subject.fusion.split("::") if g != subject.gene), "?")
        at = view.document.text.rfind(partner, subject.start, subject.end)
        return replace(subject, start=at, end=at + len(partner)) if at >= 0 else subject
    genes = [m for m in view.of(Label.GENE) if m.name == subject.gene and subject.start <= m.start and m.end <= subject.end]
    return replace(subject, start=genes[-1].start, end=genes[-1].end) if genes and not subject.fusion else subject


def _is_of(text: str, subject: Subject, item: Item) -> bool:
    mention, measure = item
    straight = measure.n is not None and measure.item and _STRAIGHT.fullmatch(text, mention.end, measure.item[0])
    if measure.item and (measure.metric == "n_pos" or straight) and 0 <= measure.item[0] - mention.end < _NEXT:
        return mention.end <= subject.start < measure.item[1] and measure.item[0] < subject.end
    if mention.start < subject.end:
        return False
    gap = text[subject.end : mention.start]
    if subject.fusion:
        gap = re.sub(rf"\b{re.escape(subject.gene or '')}\b", "", gap, count=1)
    return _only(re.sub(rf"\b{measure.n}(?:/{measure.total}(?!\d))?(?!\d)", "", gap, count=1) if measure.n else gap, "to_figure")


def _only(gap: str, name: str) -> bool:
    """Is there nothing in a gap but signs and words of a list?"""
    gap = _EQUALS.sub(" ", gap)
    listed = rules()[name]
    return not _OTHER.search(gap) and len(told := _WORD.findall(gap)) <= MOST_WORDS and all(listed.fullmatch(word) for word in told)


def _counts_carriers(view: View, run: Sequence[tuple[Subject, Item]]) -> bool:
    """Do the figures count who carries the alterations, and not whom of the carriers something else is told of?"""
    text, start = view.document.text, run[0][0].start
    lead = (view.start, start)
    if any(_counting().within(name, text, *lead) for name in ("other_count", "stained", "treated")):
        return False
    opened = text[:start].rstrip()[-1:] in (":", "(", "[") or bool(rules()["listing"].search(text[max(view.start, start - 80) : start]))
    first = (run[0][0].end, run[0][1][0].start)
    told = any(_counting().within("found", text, *span) for span in (lead, first, (run[-1][1][0].end, view.end)))
    return opened or told or rules().within("involved", text, *first)


def _members(view: View, run: Sequence[tuple[Subject, Item]]) -> Iterator[Listed]:
    total, kind = _total(view, run), _kind(view, run)
    for subject, item in run:
        bare = subject.kind == "gene" or (subject.mention is not None and subject.mention.label is Label.GENE)
        told = replace(subject, alteration=_of_gene(view, subject, run, kind)) if bare else subject
        yield Listed(told, item, item[1].total or total)


def _of_gene(view: View, subject: Subject, run: Sequence[tuple[Subject, Item]], kind: str | None) -> str:
    """What befell a gene of a list: a gene known for its fusions does not take the mutation that another gene is told to have."""
    own = kind_of(view.document, subject.gene)
    another = kind == "mutation" and any(s.mention and s.mention.label is not Label.GENE for s, _ in run)
    if another and _counting()["fused_gene"].fullmatch(subject.gene or ""):
        return own or "fusion"
    return kind or own or "mutation"


def _kind(view: View, run: Sequence[tuple[Subject, Item]]) -> str | None:
    """What befell all genes of which only the symbol stands: what the sentence says before the list, else its first member."""
    lead = view.document.text[view.start : run[0][1][0].start]
    told = {name: m.start() for name in _KINDS for m in rules()[name].finditer(lead)}
    if told:
        return max(told, key=told.__getitem__)
    return next((s.alteration for s, _ in run if s.alteration and s.mention and s.mention.label is not Label.GENE), None)


def kind_of(document: Document, gene: str | None) -> str | None:
    """What befell a gene of which only the symbol stands: what the paper is about, else what it tells most often."""
    about = family(gene)
    focus = [s.alteration or ("fusion" if s.fusion else "mutation") for s in document.focus if family(s.gene) == about and s.kind != "gene"]
    told = Counter(s.kind for s in document.subjects if family(s.gene) == about and s.kind in _KINDS)
    return next(iter([*focus, *(kind for kind, _ in told.most_common(1))]), None)


def _total(view: View, run: Sequence[tuple[Subject, Item]]) -> int | None:
    """The whole that the list is of: the total beside it, else the group that the sentence opens with."""
    if told := next((m.total for _, (_, m) in run if m.total), None) or parts.sum_to_all(view, [(s, m) for s, (_, m) in run]):
        return told
    last, figure = run[-1][0], run[-1][1][0]
    if parts.is_part(view, figure, last):
        return parts.whole(view, figure, last)
    counted = {m.n for _, (_, m) in run} | {m.value for _, (_, m) in run}
    cohorts = [(m, m.referent) for m in view.of(Label.COHORT) if isinstance(m.referent, Cohort)]
    for mention, cohort in cohorts:
        if cohort.total and not run[0][0].start <= mention.start < run[-1][1][0].start:
            return cohort.total
    for mention, cohort in cohorts:
        of = rules()["of_whole"].search(view.document.text[max(view.start, mention.start - 25) : mention.start])
        apart = mention.end <= run[0][0].start or mention.start >= run[-1][1][0].end
        if of and apart and cohort.n and cohort.n not in counted:
            return cohort.n
    return None
