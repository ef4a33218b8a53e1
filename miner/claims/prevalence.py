"""How often an alteration is found, and in how many."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from miner.claims import absent, cohorts, commonness, frames, gene_lists, restated
from miner.claims.claim_types import family
from miner.claims.counted import (
    Item,
    acquired,
    all_carry,
    altered,
    candidates,
    counts_else,
    is_population,
    of_disease,
    of_groups,
    of_listed_together,
    of_response,
    of_those_given,
    opens,
    plainly_found,
    rules,
    those_without,
    told_before,
)
from miner.claims.document import METHODS, TITLE, Subject, View, agents, distinct, tied
from miner.claims.frames import DENIED, build
from miner.claims.prevalence_figures import Figures, figures_of, of_part
from miner.numbers import parse_number, tidy
from miner.schema import Claim, ClaimType, Concept, Label, Measure, Mention, Polarity, StudyType

__all__ = ["all_carry", "extract", "rules"]
_COUNTED = re.compile(r"\b(?:n\s*=|of|involv|in|had|harbou?red|carried|were)\b")
_OWN_GAP = 3  # between a gene and its variant: "BRAF V600E"


def extract(view: View, *, beside: Sequence[int] = ()) -> Iterator[Claim]:
    """Prevalence in figures, else in words; an alteration counted among carriers of another is co-occurrence.

    Clauses that hold one of the positions ``beside`` speak of a pair of alterations, and are left out.
    """
    taken = {view.clause(position) for position in beside}
    figures = frames.measures(view, "value_percent", "n_pos")
    figures = sorted([*figures, *of_groups(view, figures)], key=lambda item: item[0].start)
    items = [i for i in restated.merged(view, restated.once(figures)) if not opens(view, *i)]
    items = [i for i in items if view.clause(i[0].start) not in taken or told_before(view, i[0], min(beside))]
    listed = [] if view.clause(view.start) in taken else _listed(view, items)
    for member in listed:
        yield from _in_list(view, member, {m.item[1].n for m in listed})
    places = [(m.subject.start, m.subject.end) for m in listed]
    told = {s.start for s in candidates(view) if any(s.start < end and start < s.end for start, end in places)} if places else set()
    loose = [i for i in items if i not in [m.item for m in listed]]
    whole = sum(m.item[1].n or 0 for m in listed)
    of_all = [i for i in loose if places and (i[1].total or i[0].start < places[0][0] or i[1].n == whole)]
    bound = [(i, _of_kind(view, i, items, g)) for i in loose if (g := _counted(view, i, items))]
    bound = [(i, g) for i, g in bound if not (i in of_all and told & {s.start for s in g})]
    for item, group in bound:
        yield from _in_figures(view, item, group)
    if view.is_aim or view.role == METHODS:
        return
    if taken:
        return
    if not listed and not any(group for _, group in bound):
        yield from _in_groups(view, items)
    counted = {s.start for _, g in bound for s in g} | told
    yield from _by_counts(view, counted, items)
    if not items and not listed:
        yield from commonness.extract(view)
    yield from absent.extract(view, [view.clause(m.start) for m, _ in items])


def _in_groups(view: View, items: Sequence[Item]) -> Iterator[Claim]:
    """What carriers of two alterations have beside their own: "TP53 was mutated less often in ALK-positive than in EGFR-mutant tumours"."""
    text = view.document.text
    for item in items:
        start = view.clause(item[0].start)[0]
        hosts = [s for s in tied(view, view.subjects, item[1].item or (0, 0)) if is_population(view, s)]
        if len(hosts) != 1 or not rules().within("more_often", text, start, item[0].start):
            continue
        own = [s for s in candidates(view) if start <= s.start and not is_population(view, s) and family(s.gene) != family(hosts[0].gene)]
        if len({(s.gene, s.variant, s.alteration) for s in own}) == 1 and own[0].end <= hosts[0].start:
            values, n = figures_of(view, *item)
            yield from _among_carriers(view, [own[0], hosts[0]], values, n)


def _listed(view: View, items: Sequence[Item]) -> list[gene_lists.Listed]:
    """What is listed with its figures, where a sentence tells how often things were found."""
    figures = [*items, *gene_lists.sizes(view, items)]
    if len(figures) < gene_lists.LEAST or agents(view) or view.has("respond", "outcome", "safetycore") or acquired(view):
        return []
    return gene_lists.read(view, candidates(view), items)


def _counted(view: View, item: Item, items: Sequence[Item]) -> list[Subject]:
    """The alterations that a figure counts, or none where it counts something else."""
    mention, measure = item
    text, clause = view.document.text, _told_in(view, item[0])
    if of_listed_together(view, mention) or of_those_given(view, item):
        return []
    if (lacking := those_without(view, mention)) is not None:
        return [] if measure.metric == "n_pos" and measure.total is None else lacking
    if rules()["several"].match(text[mention.end : mention.end + 90]) or rules()["several_in"].search(text[clause[0] : mention.start]):
        return []
    if view.role == TITLE and measure.metric == "n_pos" and rules()["looked_in"].search(text[view.start : mention.start]):
        return []
    if not rules().within("found", text, *clause) or counts_else(view, item, items) or (measure.metric == "n_pos" and _looked_for(view)):
        return []
    if (of_response(view, clause) and not plainly_found(view, mention)) or acquired(view):
        return []
    everyone = [s for s in candidates(view) if not is_population(view, s)]
    if not everyone and view.subjects:
        return []
    if measure.item:
        named = tied(view, everyone, measure.item)
        later = next((m.start for m, _ in items if m.start >= measure.item[1]), view.end) if len(named) > 1 else view.end
        named = _one_gene(mention, [s for s in named if s.end <= later] or named)
        if kinds := _kinds_of_all(view, item, named, everyone):
            return kinds
        if named or rules().within("no_alteration", text, *measure.item):
            return named
    local = [s for s in everyone if clause[0] <= s.start < clause[1]] or everyone
    if not local:
        return [] if rules()["kinds_counted"].match(text[mention.end : mention.end + 40]) else _carried(view, measure)
    here = [i for i in items if clause[0] <= i[0].start < clause[1]]
    if len(here) == len(local) > 1 and "respectively" in view.text:
        return [local[[m for m, _ in here].index(mention)]]
    return _in_slot(view, mention, local, here)


def _of_kind(view: View, item: Item, items: Sequence[Item], group: list[Subject]) -> list[Subject]:
    """Of mutations and fusions carried from before those that the words before a figure name: "mutations in 40%, fusions in 20%"."""
    if not group or any(view.start <= s.start for s in group):
        return group
    start = max([view.start, *(m.end for m, _ in items if m.end <= item[0].start)])
    lead = view.document.text[start : item[0].start]
    kinds = {kind for kind in ("fusion", "mutation", "amplification") if gene_lists.rules()[kind].search(lead)}
    named = [s for s in group if s.kind in kinds or ("mutation" in kinds and s.variant)]
    return named if len(kinds) == 1 and named else group


def _one_gene(mention: Mention, group: list[Subject]) -> list[Subject]:
    """Fusions of one gene whose figure stands inside them all: "NTRK1 (8/11) fusions with partners TPM3, LMNA and BCR"."""
    inside = [s for s in group if s.fusion and s.start < mention.start and mention.end <= s.end]
    if len(inside) < 2 or len({s.gene for s in inside}) > 1:
        return group
    one = inside[0]
    return [s for s in group if s not in inside] + [Subject(one.start, mention.end, one.gene, alteration="fusion")]


def _kinds_of_all(view: View, item: Item, named: Sequence[Subject], everyone: Sequence[Subject]) -> list[Subject]:
    """Those that are a share of all alterations of their gene: "G12C made up 40% of KRAS mutations"."""
    mention, text = item[0], view.document.text
    whole = [s for s in named if s.start >= mention.end and not s.variant and not s.fusion]
    if not whole or not rules()["of_all_such"].fullmatch(text[mention.end : whole[0].start]):
        return []
    start = view.clause(mention.start)[0]
    kinds = [s for s in everyone if start <= s.start and s.end <= mention.start and s.gene == whole[0].gene and (s.variant or s.fusion)]
    return _in_slot(view, mention, kinds, [item]) if kinds else []


def _told_in(view: View, mention: Mention) -> tuple[int, int]:
    """The clause of a figure, with those before it that it goes on from: "found in 1% of lung cancers; 2% of thyroid cancers"."""
    text, (start, end) = view.document.text, view.clause(mention.start)
    figures = [m.start for m in view.of(Label.MEASURE)]
    while start > view.start and not any(start <= s.start < end for s in view.subjects):
        first = next((f for f in figures if start <= f < end), end)
        if not _GOES_ON.fullmatch(text, start, first):
            break
        start = view.clause(start - 1)[0]
    return start, end


_GOES_ON = re.compile(
    r"[\s;,]*(?:(?:and|but|whereas|while|versus|vs\.?|compared (?:with|to)|as opposed to|as against)\s+)?(?:in\s+)?"
    r"(?:(?:only|about|approximately|around|nearly|almost|just|merely|up to)\s+){0,2}",
    re.I,
)


def _carried(view: View, measure: Measure) -> list[Subject]:
    if all_carry(view) and not altered(view):
        return []
    said = frames.points_back(view) or altered(view) or bool(rules()["how_often"].match(view.text))
    fits = view.has("frequency") and not agents(view) and said
    return frames.carried_subjects(view) if fits and (measure.value is not None or measure.n is not None) else []


def _in_slot(view: View, mention: Mention, local: list[Subject], items: list[Item]) -> list[Subject]:
    """In a list of figures and alterations, the one that stands in a figure's place: before it, or after it where the list begins so."""
    if len(items) == len(local) + 1 > 2 and items[0][0].end <= local[0].start and local[0].end <= items[1][0].start:
        return _in_slot(view, mention, local, items[1:]) if mention != items[0][0] else []
    follows = items and len(items) > 1 and len(local) > 1 and items[0][0].end <= local[0].start
    if follows:
        nexts = [m.start for m, _ in items if m.start > mention.start]
        after = [s for s in local if s.start >= mention.end and (not nexts or s.start < nexts[0])]
        first = after[:1]
    else:
        before = [s for s in local if s.end <= mention.start + 1]
        first = before[-1:] if len(items) > 1 else []
    parts = {m: p for m, _ in items if (p := _part_named(view, m, local))}
    if mention in parts:
        return [parts[mention]]
    if parts:
        local = [s for s in local if s not in parts.values()] or local
        first = [s for s in local if s.end <= mention.start + 1][-1:]
    chosen = first[0] if first else frames.nearest(local, (mention.start, mention.end), before_bonus=8)[0]
    found = _coordinated_with(view, chosen, local, items)
    return [s for s in found if s.variant or not any(v.variant and v.gene == s.gene and 0 <= v.start - s.end < _OWN_GAP for v in found)]


def _coordinated_with(view: View, chosen: Subject, local: Sequence[Subject], items: list[Item]) -> list[Subject]:
    """An alteration with those that stand in one list with it, in order."""
    found = [s for s in local if s.start == chosen.start]
    for other in sorted(local, key=lambda s: frames.distance((s.start, s.end), (chosen.start, chosen.end))):
        if other not in found and any(_coordinated(view, one, other, items) for one in found):
            found.append(other)
    return sorted(found, key=lambda s: s.start)


def _part_named(view: View, mention: Mention, local: Sequence[Subject]) -> Subject | None:
    """The alteration that a share is told to be: "18 of which were V600E"."""
    text = view.document.text
    link = rules()["of_which"].match(text[mention.end : mention.end + 50])
    if not link and rules()["most_of_which"].search(text[view.start : mention.start]):
        link = rules()["those_were"].match(text[mention.end : mention.end + 50])
    return next((s for s in local if link and 0 <= s.start - mention.end - link.end() < 6), None)


def _coordinated(view: View, one: Subject, other: Subject, items: Sequence[Item]) -> bool:
    first, second = sorted((one, other), key=lambda s: s.start)
    if any(first.end <= m.start < second.start for m, _ in items):
        return False
    text = view.document.text
    gap = text[first.end : second.start]
    if _SAID_OF.search(text, view.start, first.start) and _GOES_ON_WITH.match(text, second.end) and "and" in gap:
        return False
    listed = re.fullmatch(r"\s*(?:mutations?|fusions?|rearrangements?)?[\s,/]*(?:and|or|and/or|,)?\s*(?:\w+[-\s])?", gap)
    return len(gap) < 32 and bool(listed) and not re.search(r"\d", gap)


# "30% were KRAS-mutant, and G12C accounted for 41% of these": two clauses, no list.
_SAID_OF = re.compile(r"\b(?:were|was|are|is|had|have|carried|harbou?red)\s+(?:an?\s)?$")
_GOES_ON_WITH = re.compile(r"\s*(?:mutations?\s|fusions?\s)?(?:accounted|made up|were|was|had|comprised|represented|constituted)\b")


def _in_list(view: View, member: gene_lists.Listed, counts: Collection[int | None]) -> Iterator[Claim]:
    """The claim of one alteration of a list; the counts of the others are no population."""
    mention, measure = member.item
    values, n = of_part(view, member.item, member.subject)
    if not (measure.total or (measure.n and measure.metric == "value_percent")) and n in counts:
        values.pop("N", None)
        n = cohorts.ledger(view.document).only_screened(view.start, max((c for c in counts if c), default=0))
        values |= {"N": n} if n else {}
    if n is not None and measure.n is not None and n < measure.n:
        values.pop("N", None)
        n = None
    fits = n is not None and measure.n is not None and measure.metric == "value_percent"
    if member.total and not fits:
        values["N"] = n = member.total
    denied = measure.value == 0 or measure.n == 0
    others = [] if denied or is_population(view, member.subject) else _hosts(view, [member.subject], n, mention)
    if others:
        yield from _among_carriers(view, [member.subject, *others], values, n)
        return
    yield from build(
        view, ClaimType.PREVALENCE, "biology.listed", subjects=[member.subject], stance=DENIED if denied else _hedged(view, mention),
        figures=values, n=n, confidence=0.75, warnings=measure.warnings,
    )  # fmt: skip


def _in_figures(view: View, item: Item, group: list[Subject]) -> Iterator[Claim]:
    mention, measure = item
    values, n = of_part(view, item, group[0])
    if not values or (set(values) == {"n_pos"} and not _plain_count(view, mention)):
        return
    if set(values) == {"n_pos"} and group and all(s.mention and s.mention.polarity is Polarity.NEGATED for s in group):
        values, n = {"n_pos": 0, "N": values["n_pos"]}, measure.n
    denied = measure.value == 0 or measure.n == 0 or values.get("n_pos") == 0
    others = _hosts(view, group, n, mention)
    if others and not denied:
        yield from _among_carriers(view, [*group, *others], values, n)
        return
    named = of_disease(view, item)
    for claim in build(
        view, ClaimType.PREVALENCE, "biology.prevalence", subjects=group, stance=DENIED if denied else _hedged(view, mention),
        figures=values, n=n, confidence=0.75, warnings=measure.warnings,
    ):  # fmt: skip
        yield replace(claim, disease=named.referent) if named and isinstance(named.referent, Concept) else claim


def _among_carriers(view: View, subjects: list[Subject], values: Figures, n: int | None) -> Iterator[Claim]:
    yield from build(
        view, ClaimType.CO_OCCURRENCE, "biology.among_carriers", subjects=distinct(subjects), figures=values, n=n, joint=True,
        confidence=0.65,
    )  # fmt: skip


def _hedged(view: View, mention: Mention) -> frames.Stance:
    """A figure under a hedge: "may account for up to 4%"."""
    return frames.HEDGED if frames.stance_at(view, mention.start, mention.end) == frames.HEDGED else frames.SUPPORTS


def _plain_count(view: View, mention: Mention) -> bool:
    return view.document.study_type is not StudyType.CASE_REPORT and bool(_COUNTED.search(view.text))


_HELD = re.compile(r"[- ]?(?:[\w-]+ ){0,4}[\w-]*\s?[(\[]\s?(?:n\s?=\s?\d+[,;]\s)?")  # "in KRAS-mutant tumours (21%)"


def _hosts(view: View, group: list[Subject], total: int | None, mention: Mention) -> list[Subject]:
    """Carriers of another alteration among whom the figure counts: named in the sentence, or the group of that size."""
    genes = {s.gene for s in group}
    lexicon = view.document.lexicon
    kin = {m for g in genes for m in (g, family(g), *lexicon.members(g or ""))}
    named = [s for s in candidates(view) if s.gene not in kin and is_population(view, s) and not kin & set(lexicon.members(s.gene or ""))]
    if named:
        told = [s for s in named if s.end <= mention.start and _HELD.fullmatch(view.document.text, s.end, mention.start)]
        return (told[-1:] or [s for s in named if s.start >= mention.end] or named)[:1]
    if not total or total > 400:
        return []
    book = cohorts.ledger(view.document)
    counted = sorted([*book.groups, *book.carriers], key=lambda g: g.start)
    same = [g for g in counted if g.n == total and g.genes and not g.genes & kin and g.start < group[0].start]
    whole = max((g.n for g in book.groups), default=0)
    focus = {s.gene for s in view.document.focus}
    if not same or whole <= total or not same[-1].genes & focus:
        return []
    hosts = [s for s in view.document.focus if s.gene in same[-1].genes]
    return [Subject(s.start, s.end, s.gene, alteration=s.alteration or "fusion") for s in hosts[:1]]


def _by_counts(view: View, counted: set[int], items: Sequence[Item]) -> Iterator[Claim]:
    """Counts without a denominator: ``ETV6-NTRK3 in nine and TPM3-NTRK1 in three``."""
    text = view.document.text
    told = view.document.study_type not in (StudyType.CASE_REPORT, StudyType.REVIEW)
    if not told or acquired(view) or agents(view) or view.has("respond", "outcome") or _looked_for(view):
        return
    taken = {m.start for m, _ in items}
    listed = [s for s in candidates(view) if s.start not in counted]
    after = [(s, m) for s in listed if (m := rules()["count"].match(text[s.end : s.end + 60]))]
    before = [(s, m) for s in listed if (m := rules()["count_before"].search(text[max(view.start, s.start - 30) : s.start]))]
    for subject, match in after if after else before if len(before) > 1 else []:
        if not any(subject.end <= t < subject.end + match.end() for t in taken):
            n = tidy(parse_number(next(g for g in match.groups() if g)))
            yield from build(view, ClaimType.PREVALENCE, "biology.count", subjects=[subject], figures={"n_pos": n}, confidence=0.6)


def _looked_for(view: View) -> bool:
    """Does a title only say in how many something was looked for: "Screening for RET fusions in 800 tumours"?"""
    return view.role == TITLE and (view.has("frequency", "detect") or view.holds(Label.ASSAY) or view.tells(rules(), "screening"))
