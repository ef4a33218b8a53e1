"""Mutual exclusivity and co-occurrence: the alterations of a pair stand together in one claim."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from miner.claims import counted, frames, prevalence
from miner.claims.claim_types import family
from miner.claims.document import BACKGROUND, METHODS, TITLE, Subject, View, distinct, therapies
from miner.claims.frames import AGAINST, DENIED, HEDGED, SUPPORTS, Stance, build
from miner.schema import Claim, ClaimType, Cohort, Label, Measure, Mention, Polarity, StudyType

Span = tuple[int, int]
_NEGATIVE = re.compile(r"no|not|lack|absence|without|less|rarely|had no|depletion|never|seldom|none|absent|wild|negative|only", re.I)


def extract(view: View) -> Iterator[Claim]:
    """Claims of exclusivity, else of company."""
    subjects = _subjects(view)
    parts = _contrasted(view)
    if parts:
        exclusive, together = ([s for s in subjects if a <= s.start < b] for a, b in parts)
        yield from _exclusive(view, exclusive) or ()
        yield from _together(view, together)
        return
    clauses = sorted({view.clause(c.start) for c in view.sense("cooccur")})
    groups = [[s for s in subjects if a <= s.start < b] for a, b in clauses]
    if len(groups) > 1 and all(groups):
        for clause, group in zip(clauses, groups, strict=True):
            yield from _together(view, group, clause)
        return
    found = _exclusive(view, subjects)
    yield from _together(view, subjects) if found is None else found


def _contrasted(view: View) -> tuple[Span, Span] | None:
    """The clause that tells of exclusivity and that which tells of company, where one sentence sets the one against the other."""
    apart = {view.clause(c.start) for c in view.sense("exclusive")}
    joint = {view.clause(c.start) for c in view.sense("cooccur")} - apart
    return (apart.pop(), joint.pop()) if len(apart) == len(joint) == 1 else None


def _subjects(view: View) -> list[Subject]:
    """Every alteration of the sentence, negated ones too, and genes listed with them."""
    found = [s for s in view.subjects if s.gene and s.alteration not in ("expression", "overexpression")]
    genes = {g for s in view.subjects if s.gene for g in (s.gene, *((s.fusion or "").split("::")))}
    taken = [(m.start, m.end) for m in view.of(Label.FUSION, Label.VARIANT, Label.DRUG_CLASS, Label.ASSAY, Label.DRUG)]
    for m in view.of(Label.GENE):
        if m.name and m.name not in genes and not any(a <= m.start and m.end <= b for a, b in taken):
            found.append(Subject(m.start, m.end, m.name, mention=m))
    return distinct(sorted(found, key=lambda s: s.start))


def _host(view: View, subjects: Sequence[Subject]) -> list[Subject]:
    """The carriers that a sentence speaks of without naming them: those of the sentence before, or the paper's."""
    genes = {s.gene for s in subjects}
    return [s for s in _pointed_at(view) or frames.carried_subjects(view) if s.gene not in genes][:2]


def _pointed_at(view: View) -> list[Subject]:
    """The alterations of the sentence before, where this one denies something of "these"."""
    if view.index == 0 or not re.match(r"\W*(?:none|neither|no one) of (?:these|those|them|which)", view.text, re.I):
        return []
    return [s for s in frames.affirmed(view.document.views[view.index - 1].subjects) if s.gene]


def _exclusive(view: View, subjects: list[Subject]) -> Iterator[Claim] | None:
    rules, text = counted.rules(), view.document.text
    cues = [(c.start, c.end) for c in view.sense("exclusive")] + rules.spans("apart", text, view.start, view.end)
    denials = [] if view.role == TITLE else rules.spans("none_had", text, view.start, view.end)
    against = view.tells(rules, "not_exclusive")
    nothing = not cues and not denials and not against and not _denied(subjects)
    if nothing or ((view.is_aim or view.role == METHODS) and view.role != TITLE):
        return None
    lacking = [] if cues or against else _absent_in_carriers(view, subjects)
    if lacking:
        return iter(
            build(
                view, ClaimType.MUTUAL_EXCLUSIVITY, "biology.absent_in_carriers", subjects=lacking, n=_carriers(view), joint=True,
                confidence=0.6,
            )
        )  # fmt: skip
    if not cues and not against:
        if not denials:
            return None
        told = therapies(view) or view.has("respond", "outcome") or view.tells(rules, "acquired")
        if told or not _lacks_others(view, subjects, denials[0]):
            return None
    genes, focus = {s.gene for s in subjects}, {s.gene for s in view.document.focus}
    whole = len(genes) > 1 and (genes & focus or not focus) and not _pointed_at(view)
    chosen = subjects if whole else distinct([*subjects, *_host(view, subjects)])
    if not chosen:
        return None
    span = (cues or denials or [(view.start, view.end)])[0]
    return iter(
        build(
            view, ClaimType.MUTUAL_EXCLUSIVITY, "biology.exclusive", subjects=chosen, stance=_stance(view, span, bool(against)),
            n=_carriers(view), joint=True, confidence=0.7,
        )
    )  # fmt: skip


def _denied(subjects: Sequence[Subject]) -> list[Subject]:
    return [s for s in subjects if s.mention and s.kind != "gene" and s.mention.polarity is Polarity.NEGATED]


def _absent_in_carriers(view: View, subjects: Sequence[Subject]) -> list[Subject]:
    """Alterations not found in a group and those that it carries: "KRAS mutations were absent in ROS1-positive tumours"."""
    rules, text = counted.rules(), view.document.text
    absent = _denied(subjects)
    if not absent or view.role == TITLE or therapies(view) or view.has("respond", "outcome", "resist") or view.tells(rules, "acquired"):
        return []
    carried = [s for s in subjects if s not in absent and s.kind not in ("gene", "wild-type")]
    after = [s for s in carried if rules["group_after"].match(text[s.end : s.end + 60])]
    carried = after or [s for s in carried if rules["group_before"].search(text[max(view.start, s.start - 60) : s.start])]
    genes = {family(s.gene or "") for s in carried}
    apart = [s for s in absent if family(s.gene or "") not in genes]
    return distinct([*apart, *carried]) if apart and carried else []


def _lacks_others(view: View, subjects: Sequence[Subject], cue: Span) -> bool:
    """Are the alterations that a group lacks others than the group's own: a denial of company, and not of the alteration itself?"""
    if re.search(r"\b(?:drivers?|oncogenic|actionable)\b", view.document.text[cue[0] : cue[1] + 30], re.I):
        before, after = any(s.end <= cue[0] for s in subjects), any(s.start >= cue[1] for s in subjects)
        return before or (bool(subjects or view.document.focus) and not after)
    named = [s for s in subjects if cue[0] < s.start and s.end <= cue[1]]
    lacking = [s for s in subjects if s.start > cue[0] and s not in named]
    carriers = [s for s in subjects if s.end <= cue[1] and s not in lacking] or _pointed_at(view)
    carriers = carriers or (view.document.focus if frames.points_back(view) else [])
    kin = {m for s in carriers for m in (s.gene, *view.document.lexicon.members(s.gene or ""))}
    return bool(lacking and carriers) and not any(s.gene in kin for s in lacking)


def _stance(view: View, span: Span, against: bool) -> Stance:
    if against:
        return DENIED if re.search(r"\bnot\b", view.text) else AGAINST
    if _NEGATIVE.match(view.document.text[span[0] : span[1]]):
        return SUPPORTS
    stance = frames.stance_at(view, *span)
    return AGAINST if stance == DENIED else stance


def _carriers(view: View) -> int | None:
    sizes = {m.referent.total or m.referent.n for m in view.of(Label.COHORT) if isinstance(m.referent, Cohort)}
    if not sizes and view.document.study_type is StudyType.CASE_REPORT and view.role != BACKGROUND:
        return 1
    return sizes.pop() if len(sizes) == 1 else None


def _together(view: View, subjects: list[Subject], within: Span | None = None) -> Iterator[Claim]:
    cue, signed = _company(view, subjects, within), view.tells(counted.rules(), "signature")
    if cue is None or view.role == METHODS:
        return
    stance = _company_stance(view, cue, bool(signed))
    denied = stance == DENIED
    present = [s for s in subjects if denied or not (s.mention and s.mention.polarity is Polarity.NEGATED)]
    present = [s for s in present if s.alteration != "wild-type" and (s.kind != "gene" or denied or _mutated(view))]
    alterations = {(s.gene, s.fusion, s.variant, s.alteration) for s in present}
    if len(alterations) > 1 and all(s.fusion for s in present) and len({s.gene for s in present}) == 1:
        return
    if present and not signed and (len(alterations) < 2 or (denied and len({s.gene for s in present}) < 2)):
        present = distinct([*present, *_host(view, present)])
    if not signed and len({s.gene for s in present}) == 1 and not all(s.variant or s.fusion for s in present):
        return
    if not present or (not signed and len({(s.gene, s.fusion, s.variant, s.alteration) for s in present}) < 2):
        return
    if denied and all(_drives(view, s) for s in present):
        present = distinct([*present, *_host(view, present)]) if within else present
        yield from build(view, ClaimType.MUTUAL_EXCLUSIVITY, "biology.never_together", subjects=present, joint=True, n=_carriers(view))
        return
    figures = _figures(view, cue)
    if view.is_aim and not figures:
        return
    for values, n in [prevalence.figures_of(view, *item) for item in figures] or [({}, _carriers(view))]:
        yield from build(
            view, ClaimType.CO_OCCURRENCE, "biology.together", subjects=present, stance=stance, figures=values, n=n, joint=True,
            confidence=0.65,
        )  # fmt: skip


def _company(view: View, subjects: Sequence[Subject], within: Span | None = None) -> Span | None:
    """Where the sentence says that alterations go together, or None."""
    rules, text = counted.rules(), view.document.text
    cues = [(c.start, c.end) for c in view.sense("cooccur", within=within)]
    weak = [c for c in cues if rules.within("weak_company", text, *c)]
    firm = [c for c in cues if c not in weak]
    if firm:
        return firm[0]
    if view.tells(rules, "not_company") or view.tells(rules, "acquired"):
        return None
    weak += [c for c in rules.spans("company", text, view.start, view.end) if any(0 <= s.start - c[1] < 60 for s in subjects)]
    if len({(s.gene, s.fusion, s.variant) for s in subjects if s.kind not in ("gene", "wild-type")}) > 1 and weak:
        return weak[0]
    signed = rules.spans("signature", text, view.start, view.end)
    if not signed or therapies(view):
        return None
    tied = [(c.start, c.end) for c in view.sense("associate")]
    return tied[0] if tied else signed[0] if _in_one(view) else None


def _mutated(view: View) -> bool:
    return re.search(r"\b(?:co-?)?(?:mutat|delet|alter|amplif|rearrang|fusion|variant)", view.text, re.I) is not None


def _drives(view: View, subject: Subject) -> bool:
    lexicon = view.document.lexicon
    named = {subject.gene or "", *lexicon.members(subject.gene or "")}
    return bool(named & lexicon.kinases) or any(counted.rules()["driver_gene"].fullmatch(g) for g in named)


def _in_one(view: View) -> bool:
    """Does the sentence tell of one patient or tumour that has both?"""
    return (view.document.study_type is StudyType.CASE_REPORT and view.role != TITLE) or bool(re.search(r"\barose in\b", view.text))


def _company_stance(view: View, cue: Span, signed: bool) -> Stance:
    clauses = {view.clause(c.start) for c in view.sense("cooccur")}
    told = view.document.text[slice(*view.clause(cue[0]))] if len(clauses) > 1 else view.text
    if re.search(r"\b(?:no (?:\w+ ){0,2}(?:case|tumou?r|patient)s?|none)\b", told, re.I):
        return DENIED
    stance = frames.stance_at(view, *cue)
    if stance == DENIED and (signed or not counted.rules()["not_before"].search(view.document.text[view.start : cue[0]])):
        return SUPPORTS
    return HEDGED if stance == frames.OPEN else stance


def _figures(view: View, cue: Span) -> list[tuple[Mention, Measure]]:
    """Figures of the company: those of the cue's own clause."""
    found = frames.measures(view, "value_percent", "n_pos")
    found = [i for i in found if not counted.counts_else(view, i, found) and not counted.told_before(view, i[0], cue[0])]
    inside = [i for i in found if view.clause(i[0].start) == view.clause(cue[0])]
    near = sorted(inside, key=lambda i: frames.distance((i[0].start, i[0].end), cue))
    return near[:1] if len(near) > 1 and not view.subjects[1:] else inside
