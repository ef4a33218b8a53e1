"""Whom an alteration meets, and how they fare: clinical features, histology, prognosis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from miner.claims import cohorts, frames, trial, words
from miner.claims.counted import is_population, plainly_found
from miner.claims.detection import generic
from miner.claims.document import BODY, CONCLUSIONS, RESULTS, TITLE, Subject, View, agents, distinct, tied
from miner.claims.frames import DENIED, HEDGED, SUPPORTS, Stance, build
from miner.claims.prevalence import all_carry
from miner.claims.senses import Cue
from miner.schema import Claim, ClaimType, Cohort, Direction, Label, Measure, Mention, Polarity, StudyType

Span = tuple[int, int]
Figures = dict[str, float | int | str]
_BESIDE, _NEAR, _ROUNDED = 60, 3, 0.06
_LISTED = re.compile(r"[\s,/&+-]*(?:and|or|as well as|and/or)?[\s,]*")
_SERIES = (StudyType.RETROSPECTIVE_COHORT, StudyType.DIAGNOSTIC_VALIDATION, StudyType.OTHER)
_NO_SUBJECT = ("expression", "overexpression", "wild-type")


def extract(view: View) -> Iterator[Claim]:
    """Associations of a sentence, clause by clause: a feature, a relation, and the alteration that has it."""
    if view.has("safetycore", "resist", "approvecore") or view.of(Label.DRUG) or agents(view):
        return
    described = [*_group_of_carriers(view)] if all_carry(view) else []
    yield from described
    if described or view.tells(_rules(), "not_feature"):
        return
    if view.role == TITLE and (not view.tells(_rules(), "states") or view.tells(_rules(), "topic")):
        return
    counted = [*_counted_trait(view)] or [*_traits_of_carriers(view)]
    yield from counted
    if counted:
        return
    for clause in view.clauses:
        features = _features(view, clause)
        relations = _relations(view, clause)
        if features and relations and not _rules().within("unasked", view.document.text, *clause):
            yield from _of_clause(view, clause, features, relations)


def _traits_of_carriers(view: View) -> Iterator[Claim]:
    """What was counted among patients who all carry the alteration of the title, and is no alteration itself."""
    if view.subjects or view.of(Label.ASSAY, Label.GENE, Label.DRUG) or view.has("respond", "outcome", "safety", "resist"):
        return
    if view.tells(_rules(), "enrolled") or view.document.study_type is StudyType.DIAGNOSTIC_VALIDATION:
        return
    items = [r for m, r in frames.measures(view, "value_percent") if r.n is not None]
    for subject in (all_carry(view)[:1] or _counted_before(view, items)) if items else []:
        for measure in items:
            total = measure.total or (trial.total(view.document) if all_carry(view) else _carriers_of(view, measure)[1])
            counts = {"n_pos": measure.n, "value_percent": measure.value, "N": total}
            figures: Figures = {name: value for name, value in counts.items() if value is not None}
            yield from build(
                view, ClaimType.CLINICAL_FEATURES_ASSOCIATION, "biology.trait_of_carriers", subjects=generic([subject]), figures=figures,
                n=total, confidence=0.45,
            )  # fmt: skip


def _counted_before(view: View, items: Sequence[Measure]) -> list[Subject]:
    """The alteration whose counted carriers all the shares of a sentence are of, where it tells of traits."""
    found = [_carriers_of(view, m) for m in items]
    genes = {gene for gene, _ in found}
    if len(genes) != 1 or None in genes or not view.has("feature") or view.document.study_type not in _SERIES:
        return []
    return [s for s in frames.affirmed(view.document.subjects) if s.gene in genes and s.end <= view.start and s.kind != "gene"][-1:]


def _carriers_of(view: View, measure: Measure) -> tuple[str | None, int | None]:
    """The gene, and how many carriers, of whom a count is the share that is told: "16 (84.2%)" of 19."""
    value = measure.value if isinstance(measure.value, int | float) else None
    if value is None or not measure.n or value == int(value):
        return None, None
    before = [g for g in cohorts.ledger(view.document).carriers if g.start < view.start and len(g.genes) == 1]
    fits = [g for g in before if view.index - g.view.index <= _NEAR and g.n >= measure.n and abs(100 * measure.n / g.n - value) < _ROUNDED]
    return (next(iter(fits[-1].genes)), fits[-1].n) if fits else (None, None)


def _group_of_carriers(view: View) -> Iterator[Claim]:
    """What a paper tells of its patients who all carry the alteration of the title: "all tumours were adenocarcinomas"."""
    if view.subjects or view.of(Label.GENE, Label.ASSAY) or view.has("respond", "safety", "exclusive", "cooccur") or view.is_aim:
        return
    if view.document.study_type not in _SERIES or not view.tells(_rules(), "told_of_all") or not view.tells(_rules(), "group_trait"):
        return
    carriers = all_carry(view)[:1]
    total = cohorts.ledger(view.document).carrying({s.gene or "" for s in carriers}, view.start) or trial.total(view.document)
    yield from build(
        view, ClaimType.CLINICAL_FEATURES_ASSOCIATION, "biology.group_of_carriers", subjects=generic(carriers), n=total,
        confidence=0.5,
    )  # fmt: skip


def _counted_trait(view: View) -> Iterator[Claim]:
    """Carriers who had a trait, counted: "31% of patients (275 of 888) had brain metastases"."""
    if view.role not in (RESULTS, BODY):
        return
    text = view.document.text
    for clause in view.clauses:
        traits = _rules().spans("counted_trait", text, *clause)
        items = [(m, r) for m, r in frames.measures(view, "value_percent", "n_pos", within=clause) if r.n is not None and r.total]
        near = [(m, r) for m, r in items if traits and frames.distance((m.start, m.end), traits[0]) < _BESIDE]
        items = items if near and len(items) > 1 else near
        subjects = _subjects(view, clause) or generic(view.document.focus) if traits and items else []
        for _, measure in items if subjects else []:
            figures: Figures = {"n_pos": measure.n or 0, "N": measure.total or 0}
            if measure.value is not None and measure.metric == "value_percent":
                figures["value_percent"] = measure.value
            yield from build(
                view, ClaimType.CLINICAL_FEATURES_ASSOCIATION, "biology.counted_trait", subjects=subjects[:1], figures=figures,
                n=measure.total, confidence=0.5,
            )  # fmt: skip


def _rules() -> words.Words:
    return words.load("features.toml")


def _features(view: View, clause: Span) -> list[Span]:
    taken = view.of(Label.DISEASE, Label.DRUG_CLASS, Label.DRUG)
    cues: list[Cue] = view.sense("feature", within=clause)
    found = [(c.start, c.end) for c in cues] + _rules().spans("feature", view.document.text, *clause)
    taken = [m for m in taken if "metasta" not in m.text.lower()]
    altered = [s for s in view.subjects if s.alteration not in _NO_SUBJECT] or view.subjects
    taken += [s.mention for s in altered if s.mention] + view.of(Label.ASSAY)
    taken += [m for m in view.of(Label.GENE) if m.name in {s.gene for s in altered}]
    found = [f for f in found if not any(m.start <= f[0] and f[1] <= m.end for m in taken)]
    return sorted({*found, *_rules().spans("housed", view.document.text, *clause)})


def _relations(view: View, clause: Span) -> list[Span]:
    cues = [(c.start, c.end) for c in view.sense("associate", "nodiff", within=clause)]
    text = view.document.text
    found = {*cues, *(s for name in ("relation", "housed", "much_of") for s in _rules().spans(name, text, *clause))}
    found |= {*_spread(view, clause)}
    vague = _rules().spans("vague", text, *clause)
    told = sorted(s for s in found if not any(a <= s[0] and s[1] <= b for a, b in vague))
    traits = [f for f in _features(view, clause) if _rules()["trait"].match(view.document.text[f[0] : f[1]])]
    return told or (traits if view.document.study_type is not StudyType.CASE_REPORT else [])


def _spread(view: View, clause: Span) -> list[Span]:
    """Where a feature is told to be seen in carriers named next: "high TMB was rare in NTRK-positive tumours"."""
    text, features = view.document.text, _features(view, clause)
    found = [s for s in _rules().spans("spread", text, *clause) if any(f[1] <= s[0] for f in features)]
    carriers = [s for s in view.subjects if is_population(view, s) and clause[0] <= s.start < clause[1]]
    return [f for f in found if any(s.start >= f[1] for s in carriers) and not any(clause[0] <= s.start < f[0] for s in view.subjects)]


def _of_clause(view: View, clause: Span, features: Sequence[Span], relations: Sequence[Span]) -> Iterator[Claim]:
    subjects = _having(view, clause, relations[0], features) or _of_predicate(view, clause, relations[0], _subjects(view, clause))
    if not subjects:
        return
    own = frames.points_back(view) or view.tells(_rules(), "carriers") or any(view.start <= s.start < view.end for s in subjects)
    figures, n = _figures(view, clause) if own else ({}, None)
    text = view.document.text
    stance = _stance(view, clause, relations[0])
    outcome = any(_rules()["outcome"].match(text[a:b]) for a, b in features)
    given = _all_given(view) if outcome and not _rules().within("of_all", text, *clause) else []
    if outcome and not given and view.document.study_type is StudyType.TRIAL and not view.tells(_rules(), "of_all"):
        return
    if given:
        members = [s for s in frames.affirmed(view.subjects) if s.gene and clause[0] <= s.start < clause[1]]
        yield from _of_treated(view, clause, distinct(members) or subjects, given, stance, figures)
        return
    worse, better = (_rules().within(way, text, *clause) for way in ("worse", "better"))
    way = "Poor Outcome" if worse else "Better Outcome" if better else None
    for members, values, total in _dealt(view, clause, subjects) or [(subjects, figures, n)]:
        yield from build(
            view, ClaimType.CLINICAL_FEATURES_ASSOCIATION, "biology.features", subjects=members, stance=stance, figures=values, n=total,
            confidence=0.55, significance=way if outcome and stance[0] is Direction.SUPPORTS else None,
        )  # fmt: skip


def _dealt(view: View, clause: Span, subjects: Sequence[Subject]) -> list[tuple[list[Subject], Figures, int | None]]:
    """Each alteration with the figure that the reading ties to it: "38% of A-positive and 24% of B-mutant patients"; else nothing."""
    items = frames.measures(view, "value_percent", "n_pos", "OS_months", "PFS_months", within=clause)
    told: list[tuple[list[Subject], Figures, int | None]] = []
    for subject in subjects if len(subjects) > 1 else ():
        figures: Figures = {}
        total: int | None = None
        for own in (r for _, r in items if r.item and tied(view, [subject], r.item)):
            counts = {own.metric: own.value, "n_pos": own.n, "N": own.total}
            figures |= {name: value for name, value in counts.items() if value is not None and name not in figures}
            total = total or own.total
        told.append(([subject], figures, total))
    return told if all(figures for _, figures, _ in told) else []


def _having(view: View, clause: Span, relation: Span, features: Sequence[Span]) -> list[Subject]:
    """Carriers who have a feature and, told behind it, another alteration: "A-driven tumours had a high TMB and mutations of B"."""
    found = [s for s in frames.affirmed(view.subjects) if s.gene and s.alteration not in _NO_SUBJECT and clause[0] <= s.start < clause[1]]
    carriers = [s for s in found if s.end <= relation[0] and is_population(view, s)]
    first = next((f for f in features if f[0] >= relation[0]), None)
    others = [s for s in found if s not in carriers]
    return carriers if carriers and others and first and all(s.start >= first[1] for s in others) else []


def _of_predicate(view: View, clause: Span, relation: Span, subjects: list[Subject]) -> list[Subject]:
    """Of a second predicate the grammatical subject alone: "A excluded B and was more common in women" tells of A."""
    text = view.document.text
    second = [a for a, _ in _rules().spans("second_predicate", text, *clause) if a <= relation[0]]
    before = [s for s in sorted(subjects, key=lambda s: s.start) if second and s.end <= second[-1] and s.start >= clause[0]]
    if len(before) < 2:
        return subjects
    head = before[:1]
    for subject in before[1:]:
        if not _LISTED.fullmatch(text[head[-1].end : max(head[-1].end, subject.start)]):
            break
        head.append(subject)
    return head


def _all_given(view: View) -> list[Mention]:
    """The therapy that all whom a paper tells of were given, by its title: outcomes are then outcomes with it."""
    title = view.document.title
    if title is None or view.role not in (RESULTS, CONCLUSIONS) or not title.tells(_rules(), "treated_title"):
        return []
    found = [m for m in agents(title) if m.label is Label.DRUG or view.document.lexicon.targets(m.name or "")]
    return found if len(found) == 1 and not trial.cytotoxic(view.document, frames.names(view, found)) else []


def _of_treated(
    view: View, clause: Span, subjects: list[Subject], given: list[Mention], stance: Stance, figures: Figures
) -> Iterator[Claim]:
    """An outcome that goes with an alteration among those given one therapy: better speaks for the therapy in carriers, worse against."""
    worse = _rules().within("worse", view.document.text, *clause)
    said = (Direction.DOES_NOT_SUPPORT, stance[1]) if worse and stance[0] is Direction.SUPPORTS else stance
    kept = {k: v for k, v in figures.items() if k in ("HR", "PFS_months", "OS_months")}
    checkpoint = frames.is_checkpoint(view, given)
    yield from build(
        view, ClaimType.IMMUNOTHERAPY_OUTCOME if checkpoint else ClaimType.SENSITIVITY_RESPONSE, "biology.outcome_of_treated",
        subjects=subjects, therapies=frames.names(view, given), stance=said, figures=kept, confidence=0.5,
    )  # fmt: skip


def _subjects(view: View, clause: Span) -> list[Subject]:
    """The alteration of the clause, else of the sentence, else the one that the sentence goes on about."""
    found = frames.affirmed(view.subjects) or view.subjects
    local = [s for s in found if s.gene and s.alteration not in _NO_SUBJECT]
    told = [s for s in local if not _compared(view, clause, s)]
    local = told or ([] if view.role == TITLE else local)
    inside = [s for s in local if clause[0] <= s.start < clause[1]]
    if inside:
        return distinct(_apart_from_carriers(view, clause, inside))
    expressed = [s for s in frames.affirmed(view.subjects) if s.gene and s.alteration != "wild-type"]
    if local or expressed:
        return distinct(local or expressed)
    told_apart = _told_apart(view)
    if told_apart and view.role != TITLE:
        return distinct(Subject(m.start, m.end, m.name, alteration="mutation", mention=m) for m in told_apart)
    if view.role == TITLE or view.document.study_type in (StudyType.CASE_REPORT, StudyType.TRIAL):
        return []
    if _rules().within("other_marker", view.document.text, *clause):
        return []
    if frames.points_back(view) or view.tells(_rules(), "carriers"):
        return generic(frames.carried_subjects(view))
    return []


def _compared(view: View, clause: Span, subject: Subject) -> bool:
    """Is an alteration that with which others are compared: "worse than did B mutations", "as compared to B-mutant tumours"?"""
    inside = clause[0] <= subject.start < clause[1]
    return inside and bool(_rules()["than_whom"].search(view.document.text[clause[0] : subject.start]))


def _apart_from_carriers(view: View, clause: Span, inside: list[Subject]) -> list[Subject]:
    """Of several alterations those that set carriers of another apart: "TP53 co-mutation shortened survival in ALK-positive patients"."""
    carriers = [s for s in inside if is_population(view, s)]
    if not carriers:
        return inside
    rest = [s for s in inside if s not in carriers]
    text, held = view.document.text, {s.gene for s in inside}
    named = {s.gene for s in view.subjects}
    others = [m for m in view.of(Label.GENE, within=clause) if m.name and m.name not in held | named]
    changed = [m for m in others if _rules()["changed"].match(text[m.end : m.end + 30])]
    return rest or [Subject(m.start, m.end, m.name, alteration="mutation", mention=m) for m in changed] or inside


def _told_apart(view: View) -> list[Mention]:
    """Genes by whose status patients are set apart: "according to EGFR status"."""
    rules, text = _rules(), view.document.text
    found = [m for m in view.of(Label.GENE) if m.name and rules["status"].match(text[m.end : m.end + 40])]
    return [m for m in found if not rules["whichever"].search(text[max(view.start, m.start - 40) : m.start])]


def _stance(view: View, clause: Span, relation: Span) -> Stance:
    """Denied where there is no difference: said in the clause, or of the whole sentence at its end."""
    rules, text = _rules(), view.document.text
    nodiff = [(c.start, c.end) for c in view.sense("nodiff", within=clause)] + rules.spans("no_difference", text, *clause)
    nodiff = [s for s in nodiff if not (s[0] > relation[1] and rules.within("whatever", text, *s))]
    last = view.clauses[-1]
    if not nodiff and len(view.clauses) < 4 and last != clause and rules["these"].search(text[last[0] : last[1]]):
        nodiff = [(c.start, c.end) for c in view.sense("nodiff", within=last)] or rules.spans("no_difference", text, *last)
    scarce = [s for s in _spread(view, clause) if rules.within("scarce", text, *s)]
    if nodiff or scarce:
        return DENIED
    stance = frames.stance_at(view, *relation)
    if stance == frames.OPEN:
        return stance
    if rules.within("unsure", text, *clause):
        denied = stance == DENIED and rules["denies"].search(text[clause[0] : relation[1]])
        return (Direction.DOES_NOT_SUPPORT, Polarity.HEDGED) if denied else HEDGED
    return stance if stance != DENIED or rules["denies"].search(text[clause[0] : relation[1]]) else SUPPORTS


def _figures(view: View, clause: Span) -> tuple[Figures, int | None]:
    figures: Figures = {}
    for _, measure in frames.measures(view, "OS_months", "PFS_months", "HR"):
        if measure.value is not None:
            figures.setdefault(measure.metric, measure.value)
    counts = [r for m, r in frames.measures(view, "value_percent", "n_pos", within=clause) if not plainly_found(view, m)]
    for measure in counts[:1]:
        if measure.metric == "value_percent" and measure.value is not None:
            figures["value_percent"] = measure.value
        if measure.n is not None:
            figures["n_pos"] = measure.n
        if measure.total:
            figures["N"] = measure.total
            return figures, measure.total
    sizes = {m.referent.n for m in view.of(Label.COHORT, within=clause) if isinstance(m.referent, Cohort) and m.referent.n}
    return figures, sizes.pop() if len(sizes) == 1 else None
