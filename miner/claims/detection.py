"""Detection: which test finds an alteration, how well, and what it misses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from miner.claims import frames, trial, words
from miner.claims.counted import is_population
from miner.claims.document import METHODS, RESULTS, TITLE, Subject, View, agents, distinct, tied
from miner.claims.frames import build
from miner.schema import Claim, ClaimType, Cohort, Direction, Label, Measure, Mention, Polarity, StudyType

Span = tuple[int, int]
Item = tuple[Mention, Measure]
Figures = dict[str, float | int | str]
TEST_FIGURES = ("sensitivity_percent", "specificity_percent", "concordance_percent", "ppv_percent", "npv_percent", "accuracy_percent")
_LOW = {"sensitivity_percent": 60, "specificity_percent": 60, "accuracy_percent": 60}
_HIGH, _SEVERAL, _GENE_LEAD = 90, 2, 6
_FOR = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])?\s*(?:for|in)\s+(?:the\s+)?")
_NO_TARGET = re.compile(r"\b(?:IHC|pan|plasma|serum|urine|blood|tissue|testing|tests?|assays?|genotyping|analysis)\b", re.IGNORECASE)
_BRACKETED = re.compile(r"[- ]?(?:(?:gene )?(?:fusions?|rearrangements?|mutations?|alterations?|positive|cases|tumou?rs) ?){0,2} ?[(,:] ?")
_OWN_SERIES = (StudyType.DIAGNOSTIC_VALIDATION, StudyType.RETROSPECTIVE_COHORT)
_NO_FINDING = ("wild-type", "expression", "overexpression")
AGAINST = (Direction.DOES_NOT_SUPPORT, Polarity.ASSERTED)


def extract(view: View) -> Iterator[Claim]:
    """Claims on tests: their figures, else clause by clause what they find or how they are judged."""
    items = [i for i in frames.measures(view, *TEST_FIGURES) if _of_a_test(view, *i)]
    if items:
        yield from _with_figures(view, items)
        return
    if view.role == METHODS or view.is_aim:
        return
    told: set[tuple[object, ...]] = set()
    for clause in view.clauses:
        if _asked(view, clause):
            continue
        parts = _parts(view, clause)
        for claim in (
            *(c for part in parts for c in _told(view, part)),
            *_unnamed(view, clause),
            *_rebiopsy(view, clause),
            *_valued(view, clause),
        ):
            key = (claim.genes, claim.fusion, claim.direction, claim.figures.get("method"))
            if not {(*key, None), (*key, claim.variant)} & told and not _of_another(view, claim):
                told.add((*key, claim.variant))
                yield claim


def _of_another(view: View, claim: Claim) -> bool:
    """Does a test show the expression of another gene, in tumours that have the alteration: "X was elevated in tumours bearing Y"?"""
    told = [s for s in view.subjects if s.gene in claim.genes]
    others = [m for m in view.of(Label.GENE) if m.name not in claim.genes and _EXPRESSED.match(view.document.text, m.end)]
    return bool(told and others) and all(is_population(view, s) for s in told)


_EXPRESSED = re.compile(r"[ -](?:\w+ )?(?:expression|levels?|immunoreactivity|staining)\b")


def _rules() -> words.Words:
    return words.load("detection.toml")


def _of_a_test(view: View, mention: Mention, measure: Measure) -> bool:
    """Is the figure that of a test for an alteration?"""
    after = view.document.text[measure.anchor[1] if measure.anchor else mention.end :][:40]
    title = view.document.title
    validates = view.document.study_type is StudyType.DIAGNOSTIC_VALIDATION
    told = view.of(Label.ASSAY) or view.tells(_rules(), "testing") or (title and title.of(Label.ASSAY) and validates)
    plain = measure.metric in ("sensitivity_percent", "specificity_percent")
    titled = title and (title.of(Label.ASSAY) or title.tells(_rules(), "testing")) and (title.subjects or title.of(Label.GENE))
    about = bool(told) or bool(plain and titled)
    return about and not _rules()["other_measure"].match(after.lstrip("- ")) and not view.tells(_rules(), "not_test")


def _asked(view: View, clause: Span) -> bool:
    """Does a clause only ask how good a test is?"""
    if view.text.rstrip().endswith("?"):
        return True
    rules, text = _rules(), view.document.text
    if not rules.within("asked", text, *clause):
        return False
    cuts = [clause[0], *(a for a, _ in rules.spans("turns", text, *clause)), clause[1]]
    return all(rules.within("asked", text, *part) for part in pairwise(cuts) if view.of(Label.ASSAY, within=part))


def _parts(view: View, clause: Span) -> list[Span]:
    """A clause cut where it turns from one test to another: "FISH failed to detect what RNA sequencing found"."""
    rules, text = _rules(), view.document.text
    cuts = [a for a, _ in rules.spans("turns", text, *clause)]
    parts: list[Span] = []
    start = clause[0]
    for end in (*cuts, clause[1]):
        if _tells(view, (start, end)) and (end == clause[1] or _tells(view, (end, clause[1]))):
            parts.append((start, end))
            start = end
    return parts if parts and start == clause[1] else [clause]


def _tells(view: View, span: Span) -> bool:
    """Does a test stand in a span, and what it found or missed?"""
    rules, text = _rules(), view.document.text
    return bool(_assays(view, span)) and (rules.within("finds", text, *span) or rules.within("poor", text, *span))


def _assays(view: View, span: Span) -> list[Mention]:
    """The tests of a span; of a relative clause without one the test straight before it: "sequencing, which found"."""
    text, idle = view.document.text, _rules()["not_done"]
    inside = [m for m in view.of(Label.ASSAY, within=span) if not idle.search(text[max(view.start, m.start - 50) : m.start])]
    if inside or not _rules()["relative"].match(view.document.text[span[0] : span[1]]):
        return inside
    return [m for m in view.of(Label.ASSAY) if m.end <= span[0] and not view.document.text[m.end : span[0]].strip(" ,()")][-1:]


def _told(view: View, clause: Span) -> Iterator[Claim]:
    """What a clause says of a test without figures."""
    rules, text = _rules(), view.document.text
    assays = _assays(view, clause)
    reviews = view.document.study_type in (StudyType.DIAGNOSTIC_VALIDATION, StudyType.REVIEW)
    heard = (view.start, view.end) if reviews else clause
    finds = rules.within("finds", text, *clause)
    shown = rules.within("test_positive", text, *clause)
    judges = any(rules.within(name, text, *heard) for name in ("judges", "valued")) or rules.within("poor", text, *clause)
    if not assays or not (finds or judges) or agents(view, clause) or view.has("exclusive", "cooccur"):
        return
    counts = _positive_in(view, clause) if shown else {}
    subjects, stance = _subjects(view, clause, assays, carry=judges, aimed=bool(counts)), _stance(view, clause)
    if subjects is None and (unconfirmed := generic(_unconfirmed(view, clause, assays))):
        subjects, stance = unconfirmed, frames.DENIED
    barren = subjects is None and rules.within("no_result", text, *clause)
    if subjects is None and (view.of(Label.GENE) or not (barren or rules.within("any_alteration", text, *clause))):
        return
    stance = AGAINST if barren else stance
    counts = counts if stance[0] is Direction.SUPPORTS else {}
    yield from build(
        view, ClaimType.DETECTION_METHOD, "practice.detection", subjects=subjects or [], stance=stance,
        figures={"method": _methods(assays), **counts}, n=_population(view), confidence=0.55,
    )  # fmt: skip


def _positive_in(view: View, clause: Span) -> Figures:
    """In how many a test was positive, where the clause counts nothing else: "positive in 27 of 365 specimens"."""
    counts = [r for _, r in frames.measures(view, "value_percent", "n_pos", within=clause) if r.n is not None and r.total]
    return {"n_pos": counts[0].n or 0, "N": counts[0].total or 0} if len(counts) == 1 else {}


def _unconfirmed(view: View, clause: Span, assays: Sequence[Mention]) -> list[Subject]:
    """What one test saw and another did not confirm: "no NTRK fusion was found by sequencing in the stained tumours"."""
    if len({a.name or a.text for a in assays}) < _SEVERAL:
        return []
    lacking = [s for s in view.subjects if s.mention and s.mention.polarity is Polarity.NEGATED and clause[0] <= s.start < clause[1]]
    return distinct(s for s in lacking if s.gene and s.kind != "gene" and s.alteration not in _NO_FINDING)


def _unnamed(view: View, clause: Span) -> Iterator[Claim]:
    """What a clause says of a test that it does not name: "the two assays were discordant", "a false-negative result"."""
    rules, text = _rules(), view.document.text
    tests, specimens = (rules.spans(name, text, *clause) for name in ("instrument", "specimen"))
    if (
        not (tests or specimens)
        or view.of(Label.ASSAY, within=clause)
        or agents(view, clause)
        or view.has("exclusive", "cooccur")
        or view.tells(rules, "not_test")
    ):
        return
    poor = rules.within("poor", text, *clause)
    cues = [s for s in rules.spans("detects", text, *clause) if tests and s[0] >= tests[0][1]]
    cues += [s for s in rules.spans("seen_there", text, *clause) if specimens and s[0] < specimens[0][0]]
    told = view.subjects if poor and rules.within("undetected_by", text, *clause) else frames.affirmed(view.subjects)
    subjects = [s for s in told if s.gene and clause[0] <= s.start < clause[1] and s.alteration not in _NO_FINDING]
    if subjects and (poor or cues):
        yield from build(
            view, ClaimType.DETECTION_METHOD, "practice.unnamed_test", subjects=generic(distinct(subjects)), stance=_stance(view, clause),
            n=_population(view), confidence=0.5,
        )  # fmt: skip


def _rebiopsy(view: View, clause: Span) -> Iterator[Claim]:
    """A second biopsy that is advised."""
    rules, text = _rules(), view.document.text
    found = rules.spans("rebiopsy", text, *clause)
    if not found or not rules.within("advised", text, *clause) or view.of(Label.ASSAY, within=clause) or view.role == TITLE:
        return
    subjects = frames.subjects_for(view, found[0])
    if subjects:
        yield from build(
            view, ClaimType.DETECTION_METHOD, "practice.rebiopsy", subjects=generic(subjects), stance=_stance(view, clause),
            figures={"method": text[slice(*found[0])].lower()}, confidence=0.55,
        )  # fmt: skip


def _valued(view: View, clause: Span) -> Iterator[Claim]:
    """Testing in general that is judged: "broad genotyping is feasible"; what is recommended is a recommendation."""
    rules, text = _rules(), view.document.text
    tests = rules.spans("testing", text, *clause)
    if not tests or view.role == TITLE or view.of(Label.ASSAY, within=clause) or not rules.within("valued", text, *clause):
        return
    if words.load("approval.toml").within("test_advice", text, *clause) or agents(view, clause):
        return
    subjects = _subjects(view, clause, [], carry=True)
    if subjects:
        yield from build(
            view, ClaimType.DETECTION_METHOD, "practice.testing", subjects=subjects, stance=_stance(view, clause), n=_population(view),
            confidence=0.5,
        )  # fmt: skip


def _subjects(view: View, span: Span, assays: Sequence[Mention], *, carry: bool, aimed: bool = False) -> list[Subject] | None:
    """The alterations of the clause, else the target that the test's name tells, else those of the sentence, else the paper's."""
    local = [s for s in frames.affirmed(view.subjects) if s.gene and s.alteration not in _NO_FINDING and not _lacking(view, s)]
    inside = [s for s in local if span[0] <= s.start < span[1]]
    if inside:
        return generic(distinct(inside))
    if again := _again(view, view.clause(span[0])):
        return again
    targets = _targets(view, assays)
    if targets and (carry or local or aimed):
        return targets
    if local:
        return generic(distinct(local))
    text, markers = view.document.text, words.load("biology.toml")["lineage_marker"]
    named = [m for m in view.of(Label.GENE) if m.name and (m.name == "CD274" or not markers.fullmatch(m.text))]
    genes = [Subject(m.start, m.end, m.name, mention=m) for m in named]
    alone = [g for g in genes if span[0] <= g.start < span[1] and text[g.end : g.end + 1] not in ("-", "/", ":")]
    sought = [g for g in alone if _rules()["sought"].search(text[view.start : g.start]) or any(g.end + 1 == a.start for a in assays)]
    if sought:
        return sought
    others = [m for m in markers.finditer(text, *span) if not m[0].startswith("PD")]
    back = (carry or frames.points_back(view)) and not others
    carried = _titled(view, assays) or frames.carried_subjects(view) if back else []
    return generic(carried) or (genes if carry else []) or None


def _titled(view: View, assays: Sequence[Mention]) -> list[Subject]:
    """What the title names beside the same assay."""
    title = view.document.title
    tests = {(a.name or a.text).split()[-1] for a in assays}
    same = [a for a in title.of(Label.ASSAY) if (a.name or a.text).split()[-1] in tests] if title else []
    if title is None or not same:
        return []
    genes = _targets(title, same) or [Subject(m.start, m.end, m.name, mention=m) for m in title.of(Label.GENE) if m.name]
    return [s for s in title.subjects if s.gene] or (genes if len({g.gene for g in genes}) == 1 else [])


def _again(view: View, span: Span) -> list[Subject]:
    """The fusion named last before, where a span speaks of it again: "the fusion was detected by ..."."""
    if _rules().within("again_all", view.document.text, *span):
        return generic(frames.carried_subjects(view))[:1]
    if not _rules().within("again", view.document.text, *span):
        return []
    told = [s for s in frames.affirmed(view.document.subjects) if s.end <= span[0] and s.gene and (s.fusion or s.alteration == "fusion")]
    return told[-1:]


def _targets(view: View, assays: Sequence[Mention]) -> list[Subject]:
    """What a test is made for, by its name: ``pan-TRK IHC`` looks for NTRK."""
    found = {}
    for assay in assays:
        for hit in view.document.lexicon.find(_NO_TARGET.sub(" ; ", f"{assay.text} ; {assay.name}")):
            if hit.label is Label.GENE and hit.concept.name not in found:
                found[hit.concept.name] = Subject(assay.start, assay.end, hit.concept.name)
    return list(found.values())


def _lacking(view: View, subject: Subject) -> bool:
    return bool(_rules()["lacking"].search(view.document.text[max(view.start, subject.start - 60) : subject.start]))


def generic(subjects: list[Subject]) -> list[Subject]:
    """Several fusions of one gene are, as what a test looks for, that gene's fusion."""
    fusions = [s for s in subjects if s.fusion]
    if len(fusions) < 2:
        return subjects
    genes = dict.fromkeys(s.gene for s in fusions)
    return [Subject(fusions[0].start, fusions[-1].end, gene, alteration="fusion") for gene in genes] + [s for s in subjects if not s.fusion]


def _methods(assays: Sequence[Mention]) -> str:
    return "/".join(dict.fromkeys(m.name or m.text for m in assays))


def _population(view: View) -> int | None:
    sizes = [m.referent for m in view.of(Label.COHORT) if isinstance(m.referent, Cohort)]
    totals = [c.total or c.n for c in sizes if c.total or c.n]
    if not totals and view.document.study_type is StudyType.CASE_REPORT:
        return 1
    whole = trial.total(view.document) if not totals and view.role == RESULTS and view.document.study_type in _OWN_SERIES else None
    return totals[0] if len(totals) == 1 else whole


def _stance(view: View, clause: Span) -> frames.Stance:
    """Against, where the clause tells what a test misses; hedged, where it only may."""
    rules, text = _rules(), view.document.text
    poor = rules.spans("poor", text, *clause)
    if poor and not rules.within("better", text, *clause) and not _missed_by_other(view, clause):
        hedge = frames.stance_at(view, *poor[0])[1]
        return (Direction.DOES_NOT_SUPPORT, hedge if hedge in (Polarity.HEDGED, Polarity.NEGATED) else Polarity.ASSERTED)
    good = rules.spans("judges", text, *clause) or rules.spans("finds", text, *clause)
    stance = frames.stance_at(view, *good[0]) if good else frames.SUPPORTS
    if stance == frames.DENIED and clause not in view.clauses and not rules.within("denies", text, *clause):
        stance = frames.SUPPORTS
    if stance in (frames.SUPPORTS, frames.OPEN):
        return frames.HEDGED if rules.within("unsure", text, *clause) else frames.SUPPORTS
    return stance


def _missed_by_other(view: View, clause: Span) -> bool:
    """Does a clause tell what one test found, and that another had missed it?"""
    rules, text = _rules(), view.document.text
    missed = rules.spans("missed_by", text, *clause)
    return bool(missed) and any(b <= missed[0][0] for _, b in rules.spans("finds", text, clause[0], missed[0][0]))


def _with_figures(view: View, items: Sequence[Item]) -> Iterator[Claim]:
    assays = view.of(Label.ASSAY)
    span = (assays[0].start, assays[0].end) if assays else (view.start, view.end)
    subjects = _subjects(view, view.clause(span[0]), assays, carry=True) or []
    groups: dict[tuple[str, tuple[str | None, ...], int], Figures] = {}
    told: dict[str | None, Subject] = {}
    several = len({s.gene for s in view.subjects} | {m.name for m in view.of(Label.GENE)}) > 1
    listed = len(items) == 1 or sum(r.item is not None for _, r in items) > 1
    for mention, measure in items:
        assay = _assay_of(assays, mention, measure)
        beside = _subject_beside(view, mention)
        if beside:
            held = groups.setdefault((_methods(assay), (str(beside.start),), 0), {"method": _methods(assay)} if assay else {})
            held.setdefault(measure.metric, measure.value if measure.value is not None else "")
            told[str(beside.start)] = beside
            continue
        genes = tuple(s.gene for s in (tied(view, view.subjects, measure.item) if measure.item and listed else ()))
        genes = genes or _genes_beside(view, mention, items) or _gene_before(view, mention, items)
        genes = genes if several else ()
        slot = 0
        while measure.metric in groups.get((_methods(assay), genes, slot), {}):
            slot += 1
        held = groups.setdefault((_methods(assay), genes, slot), {"method": _methods(assay)} if assay else {})
        if measure.value is not None:
            held[measure.metric] = measure.value
        if measure.n is not None and measure.total:
            held.update(n_pos=measure.n, N=measure.total)
    for (_, genes, _), values in groups.items():
        named = [told[g] for g in genes if g in told] or [s for s in view.subjects if s.gene in genes]
        chosen = named or [Subject(view.start, view.start, g) for g in genes] or subjects
        total = values.get("N")
        yield from build(
            view, ClaimType.DETECTION_METHOD, "practice.test_figures", subjects=chosen, figures=values, stance=_judged(view, values),
            n=total if isinstance(total, int) else _population(view), confidence=0.8,
        )  # fmt: skip


def _assay_of(assays: Sequence[Mention], mention: Mention, measure: Measure) -> list[Mention]:
    tied = [a for a in assays if measure.item and a.start < measure.item[1] and measure.item[0] < a.end]
    return tied[:1] or frames.nearest(assays, (mention.start, mention.end), before_bonus=40)[:1]


def _subject_beside(view: View, mention: Mention) -> Subject | None:
    """The alteration that a figure is told to be of, where several are: "82% for exon 19 deletions, 74% for L858R"."""
    if len(view.subjects) < _SEVERAL:
        return None
    lead = _FOR.match(view.document.text, mention.end)
    return next((s for s in view.subjects if lead and 0 <= s.start - lead.end() <= _GENE_LEAD), None)


def _genes_beside(view: View, mention: Mention, items: Sequence[Item]) -> tuple[str | None, ...]:
    """The gene that a figure names right after itself, where several figures each name one: ``100% for NTRK1 but 55% for NTRK3``."""
    others = [m.start for m, _ in items if m.start > mention.start]
    end = min([*others, view.end, mention.end + 25])
    found = [m.name for m in view.of(Label.GENE, within=(mention.end, end))]
    return tuple(found) if found and len(items) > 1 and view.document.text[mention.end : end].lstrip().startswith(("for", "in")) else ()


def _gene_before(view: View, mention: Mention, items: Sequence[Item]) -> tuple[str | None, ...]:
    """The gene straight before a figure, where several figures are told: "NTRK3 (79%) than for NTRK1 (96%)"."""
    found = [m for m in view.of(Label.GENE) if m.end <= mention.start] if len(items) > 1 else []
    return (found[-1].name,) if found and _BRACKETED.fullmatch(view.document.text, found[-1].end, mention.start) else ()


def _judged(view: View, values: Figures) -> frames.Stance:
    """Low figures, or words against the test, speak against it."""
    low = any(isinstance(v, int | float) and v < _LOW.get(k, -1) for k, v in values.items())
    rules = _rules()
    high = any(isinstance(v, int | float) and k in TEST_FIGURES and v >= _HIGH for k, v in values.items())
    poor = not high and view.tells(rules, "poor") and not view.tells(rules, "better") and len(values) <= 2
    return AGAINST if low or poor else frames.SUPPORTS
