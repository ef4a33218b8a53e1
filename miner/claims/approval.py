"""Approval and recommendation: which therapy, or which testing, a regulator, a guideline or the authors stand for or against."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from miner.claims import frames, words
from miner.claims.document import METHODS, RESULTS, TITLE, Subject, View, distinct, therapies, therapy_role
from miner.claims.effect_rules import shape
from miner.claims.frames import HEDGED, build, names
from miner.claims.subgroups import without
from miner.claims.therapy import joined
from miner.schema import Claim, ClaimType, Direction, Label, Mention, Polarity, StudyType

Span = tuple[int, int]
_APART, _STRAIGHT = 60, 40
_NO_THERAPY = ("standard of care", "kinase inhibitors")
_NO_DRUG = {"surgery"}
_LISTED = 110


def extract(view: View) -> Iterator[Claim]:
    """Approvals and recommendations of a sentence, clause by clause."""
    if view.role == METHODS or view.tells(_rules(), "other_act"):
        return
    told: set[tuple[object, ...]] = set()
    listed = list(_listed(view))
    yield from listed
    if listed:
        return
    for clause in view.clauses:
        for claim in (*_of_therapy(view, clause), *_of_testing(view, clause)):
            key = (claim.genes, claim.therapies, claim.direction)
            if not {(*key, None), (*key, claim.variant)} & told and (claim.variant or key not in {k[:3] for k in told}):
                told.add((*key, claim.variant))
                yield claim


def _rules() -> words.Words:
    return words.load("approval.toml")


def _find(view: View, name: str, clause: Span) -> list[Span]:
    return _rules().spans(name, view.document.text, *clause)


def _of_therapy(view: View, clause: Span) -> Iterator[Claim]:
    acts = [s for s in _find(view, "act", clause) if not _compared(view, s, "compared_act")]
    advice = [] if view.role == TITLE else [s for s in _find(view, "advice", clause) if not _compared(view, s, "compared")]
    if view.is_aim:
        advice = [s for s in advice if _rules().within("evidence", view.document.text, *s)]
    if _rules().within("research", view.document.text, *clause):
        advice = [s for s in advice if _rules().within("standing", view.document.text, *s)]
    cues = [s for s in (*acts, *advice) if not _asked(view, s, clause)]
    if not cues:
        return
    cue = cues[0]
    if not acts and _of_test(view, cue, clause):
        return
    given = [m for m in _objects(view, cue, clause) if m.name not in _NO_THERAPY]
    following = None if given else _named_next(view, clause)
    given = [m for m in therapies(following) if m.label is Label.DRUG] if following else given
    if not {m.name for m in given} - _NO_DRUG:
        return
    for subjects, chosen in _by_target(view, _subjects(view, clause, given), given):
        for claim in build(
            view, ClaimType.APPROVAL_RECOMMENDATION, "practice.approval" if acts else "practice.advice", subjects=subjects,
            therapies=names(view, chosen), stance=_stance(view, cue, clause), confidence=0.7 if acts else 0.5,
        ):  # fmt: skip
            yield replace(claim, spans=(*claim.spans, (following.start, following.end))) if following else claim


def _named_next(view: View, clause: Span) -> View | None:
    """The next sentence, where it names the drugs of which this one gives the number: "three drugs are approved. These are A, B and C"."""
    views, text = view.document.views, view.document.text
    following = views[view.index + 1] if view.index + 1 < len(views) else None
    if following is None or following.role != view.role or not _rules().within("drugs_unnamed", text, *clause):
        return None
    return following if _rules()["these_are"].match(text[following.start : following.end]) else None


def _asked(view: View, cue: Span, clause: Span) -> bool:
    return view.text.rstrip().endswith("?") or _rules().within("asked", view.document.text, clause[0], cue[0])


def _of_test(view: View, cue: Span, clause: Span) -> bool:
    """Is it a test, named straight before the cue, that is advised?"""
    rules, text = _rules(), view.document.text
    tests = [e for _, e in (*rules.spans("testing", text, clause[0], cue[0]), *rules.spans("retesting", text, clause[0], cue[0]))]
    last = max((m.end for m in therapies(view) if clause[0] <= m.start and m.end <= cue[0]), default=clause[0])
    governed = rules["governs"].match(text[cue[1] : cue[1] + 60])
    straight = governed and any(0 <= m.start - cue[1] <= governed.end() + 8 for m in therapies(view))
    return bool(tests) and tests[-1] > last and cue[0] - tests[-1] < _STRAIGHT and not straight


def _by_target(view: View, subjects: list[Subject], given: list[Mention]) -> list[tuple[list[Subject], list[Mention]]]:
    """Several therapies for several alterations: each with what it is aimed at; all with all where one is aimed at none of them."""
    fitting = {m: [s for s in subjects if s.gene in _targets(view, [m])] for m in given}
    if len({s.gene for s in subjects}) < 2 or len(given) < 2 or not all(fitting.values()):
        return [(subjects, given)]
    return [(found, [m]) for m, found in fitting.items()]


def _listed(view: View) -> Iterator[Claim]:
    """Standing treatments that a sentence lists, part by part: "second-line options are A; B for those with an alteration"."""
    text, rules = view.document.text, _rules()
    if (view.role in (TITLE, RESULTS) and view.document.study_type is not StudyType.REVIEW) or view.is_aim:
        return
    leads = [s for s in rules.spans("listed", text, view.start, view.end) if not _compared(view, s, "compared")]
    if not leads or view.tells(rules, "not_listed"):
        return
    start = leads[0][1]
    for part in re.finditer(r"[^;]+", text[start : view.end]):
        span = (start + part.start(), start + part.end())
        given = _first_list(view, [m for m in therapies(view) if span[0] <= m.start < span[1] and m.name not in _NO_THERAPY])
        if not given or rules.within("act", text, *span) or given[0].start - span[0] > _LISTED:
            continue
        subjects = [s for s in _patients(view) if span[0] <= s.start < span[1]] or [s for s in _patients(view) if s.start < start]
        yield from build(
            view, ClaimType.APPROVAL_RECOMMENDATION, "practice.listed", subjects=distinct(subjects), therapies=names(view, given),
            stance=_stance(view, (span[0], span[0]), span), confidence=0.55,
        )  # fmt: skip


def _first_list(view: View, found: Sequence[Mention]) -> list[Mention]:
    """The therapies of a part up to what they are set against or given after."""
    kept: list[Mention] = []
    for mention in found:
        if kept and _rules().within("instead", view.document.text, kept[-1].end, mention.start):
            break
        if therapy_role(view.document, mention) != "prior" or kept:
            kept.append(mention)
    return kept


def _patients(view: View) -> list[Subject]:
    """Alterations that patients have or lack; the marker of a checkpoint inhibitor where its gene alone is named."""
    found = [without(s) if s.mention and s.mention.polarity is Polarity.NEGATED else s for s in view.subjects if s.gene]
    if found or not frames.is_checkpoint(view, therapies(view)):
        return found
    return [Subject(m.start, m.end, m.name, alteration="expression", mention=m) for m in view.of(Label.GENE) if m.name == "CD274"]


def _compared(view: View, span: Span, name: str) -> bool:
    return bool(_rules()[name].search(view.document.text[max(view.start, span[0] - 50) : span[0]]))


def _objects(view: View, cue: Span, clause: Span) -> list[Mention]:
    """What the cue speaks of: the therapy it governs to its right, else the one before it, else one after it, else one named before."""
    rules, text = _rules(), view.document.text
    named = [m for m in therapies(view) if clause[0] <= m.start < clause[1] and m.name not in _NO_THERAPY]
    if rules.within("agents_told", text, clause[0], cue[0]) and not any(m.end <= cue[0] for m in named):
        return _meant(view, clause, cue)
    if behind := _named_behind(view, cue):
        return behind
    within = [m for m in named if cue[0] <= m.start < cue[1]]
    if within:
        return _chain(view, within)
    left, right = [m for m in named if m.end <= cue[0]], [m for m in named if m.start >= cue[1]]
    if left and right and rules.within("set_against", text, cue[1], right[0].start):
        right = []
    governed = rules["governs"].match(text[cue[1] : cue[1] + 60])
    aside = right and rules.within("aside", text, cue[1], right[0].start)
    straight = right and governed and _begin(view, right[0]) <= cue[1] + governed.end() + 8
    if straight and not aside and not rules.within("left_only", text, *cue):
        return _chain(view, right)
    if rules.within("right_only", text, *cue):
        right = right or [m for m in therapies(view) if m.start >= clause[1] and m.name not in _NO_THERAPY]
        near = right and _begin(view, right[0]) - cue[1] <= _APART and not rules.within("aside", text, cue[1], right[0].start)
        return _chain(view, right) if near else []
    beside = [m for m in left if rules["beside"].match(text[m.end : cue[0]] + " ")]
    agents = beside[-1:] or [m for m in left if therapy_role(view.document, m) == "agent" or _NONE.search(text, view.start, m.start)]
    if agents:
        agents = left[: left.index(agents[-1]) + 1]
        return _chain(view, _not_first_of(view, agents)[::-1])[::-1]
    only_when = right and rules.within("only_when", text, cue[1], right[0].start)
    if right and not only_when and _begin(view, right[0]) - cue[1] <= _APART and not rules.within("left_only", text, *cue):
        return _chain(view, right)
    elsewhere = [m for m in therapies(view) if m.end <= clause[0] and m.name not in _NO_THERAPY]
    elsewhere = [m for m in elsewhere if therapy_role(view.document, m) == "agent" or rules["beside"].match(text[m.end : cue[0]] + " ")]
    if elsewhere:
        return _chain(view, _not_first_of(view, elsewhere)[::-1])[::-1]
    back = frames.points_back(view) or rules["it"].search(text[clause[0] : cue[0]])
    return frames.carried_therapies(view) if back and not named else []


_NONE = re.compile(r"\b(?:no|none of the)\s+(?:\w+\s)?$", re.I)  # "No TRK inhibitor has been approved"


def _named_behind(view: View, cue: Span) -> list[Mention]:
    """The drugs that a list at the end of a sentence names: "two inhibitors are approved: A and B"."""
    drugs, opened = [m for m in therapies(view) if m.label is Label.DRUG and m.start >= cue[1]], shape("effects.listed_behind")
    return _chain(view, drugs) if drugs and opened.search(view.document.text, view.start, drugs[0].start) else []


def _meant(view: View, clause: Span, cue: Span) -> list[Mention]:
    """The therapies told before that "both agents" or "the latter two" means."""
    rules, text = _rules(), view.document.text
    told = list({m.name: m for m in frames.carried_therapies(view)}.values())
    if rules.within("last_told", text, clause[0], cue[0]):
        return told[-2:] if re.search(r"\b(?:two|both)\b", text[clause[0] : cue[0]]) else told[-1:]
    return told


def _begin(view: View, mention: Mention) -> int:
    """Where a therapy is first spoken of: at the class it stands beside, as in "a kinase inhibitor, larotrectinib"."""
    gap = (m.start for m in view.of(Label.DRUG_CLASS) if view.document.text[m.end : mention.start] in (" ", ", ", " ("))
    return min(gap, default=mention.start)


def _not_first_of(view: View, left: list[Mention]) -> list[Mention]:
    """Leave out the class in ``became the first kinase inhibitor to be approved`` where a drug is named."""
    drugs = [m for m in left if m.label is Label.DRUG]
    start = {m: view.document.text[view.start : m.start] for m in left if m.label is Label.DRUG_CLASS}
    return [m for m in left if m not in start or not drugs or not _rules()["first_of"].search(start[m])]


def _chain(view: View, found: Sequence[Mention]) -> list[Mention]:
    """The first therapy and those coordinated with it."""
    kept, text = list(found[:1]), view.document.text
    for mention in found[1:]:
        first, second = sorted((kept[-1], mention), key=lambda m: m.start)
        gap = text[first.end : second.start]
        added = gap.strip() == "to" and _rules()["addition"].search(text[max(view.start, first.start - 40) : first.start])
        if first.name != second.name and not added and not _rules()["coordinates"].search(gap) and not joined(view, first, second):
            break
        kept.append(mention)
    return kept


def _subjects(view: View, clause: Span, given: Sequence[Mention]) -> list[Subject]:
    """Alterations named in the clause or sentence; else of what was named before or anywhere, those that the therapy targets."""
    local = [s for s in frames.affirmed(view.subjects) if s.gene] or _patients(view)
    inside = [s for s in local if clause[0] <= s.start < clause[1]]
    if inside or local:
        return distinct(inside or local)
    if given and _rules().within("everybody", view.document.text, *clause):
        return []
    lexicon = view.document.lexicon
    wanted = _targets(view, given)
    told = [*(frames.carried_subjects(view) or view.document.focus), *view.document.subjects]
    if not wanted:
        goes_on = not given or frames.points_back(view) or view.document.study_type is not StudyType.REVIEW
        return distinct(_generic(s) for s in frames.carried_to(view, given)) or _genes(view) if goes_on else _genes(view)
    fitting = [s for s in told if wanted & {s.gene, *lexicon.members(s.gene or "")}]
    genes = [m for m in view.document.reading.mentions if m.label is Label.GENE and wanted & {m.name, *lexicon.members(m.name or "")}]
    named = [Subject(m.start, m.end, m.name, mention=m) for m in genes if m.name != "CD274"]
    return [_generic(s) for s in fitting[:1]] or named[:1] or _named_by_class(view, wanted)


def _named_by_class(view: View, wanted: set[str]) -> list[Subject]:
    """The target that a class beside the therapies tells: "two TRK inhibitors, larotrectinib and entrectinib"."""
    lexicon = view.document.lexicon
    for mention in view.of(Label.DRUG_CLASS):
        for hit in lexicon.find((mention.text or "").split()[0].split("-")[0]):
            if hit.label is Label.GENE and wanted & {hit.concept.name, *lexicon.members(hit.concept.name)}:
                return [Subject(mention.start, mention.end, hit.concept.name)]
    return []


def _targets(view: View, given: Sequence[Mention]) -> set[str]:
    """Genes that every one of some therapies targets."""
    lexicon = view.document.lexicon
    sets = [{g for t in lexicon.targets(m.name or "") for g in (t, *lexicon.members(t))} for m in given]
    return set.intersection(*sets) if sets else set()


def _generic(subject: Subject) -> Subject:
    return replace(subject, fusion=None, alteration="fusion") if subject.fusion else subject


def _stance(view: View, cue: Span, clause: Span) -> frames.Stance:
    text = view.document.text
    if _rules().within("not_kept", text, *clause):
        return frames.SUPPORTS
    if _rules().within("withdrawn", text, *clause):
        told = _rules().within("stated", text, *clause)
        unsure = Polarity.HEDGED in frames.kinds_at(view, *cue) or _rules().within("unsure", text, *clause)
        return (Direction.DOES_NOT_SUPPORT, Polarity.HEDGED if unsure else Polarity.ASSERTED if told else Polarity.NEGATED)
    stance = frames.stance_at(view, *cue)
    if stance == frames.DENIED:
        return stance
    hedged = _rules().within("expected", text, clause[0], min(clause[1], cue[1] + 20))
    if hedged or (stance != frames.SUPPORTS and not _rules().within("firm", text, *clause)):
        return HEDGED
    return frames.SUPPORTS


def _of_testing(view: View, clause: Span) -> Iterator[Claim]:
    """Testing that is recommended, approved or not worth while; a second biopsy and a confirmation belong to detection."""
    text = view.document.text
    if view.role == TITLE or view.is_aim or view.tells(_rules(), "followed"):
        return
    advice = [s for s in _find(view, "test_advice", clause) if not _asked(view, s, clause)] or list(_needed(view, clause))
    if advice and not text[clause[0] : advice[0][0]].strip(" ,"):
        clause = (view.start, clause[1])
    if not _rules().within("testing", text, *clause) and not view.of(Label.ASSAY, within=clause):
        return
    if not advice or _rules().within("retesting", text, *clause):
        return
    tests = [*_find(view, "testing", clause), *((m.start, m.end) for m in view.of(Label.ASSAY, within=clause))]
    straight = any(0 <= t[0] - advice[0][1] < _STRAIGHT for t in tests) and not any(
        advice[0][1] <= m.start < advice[0][1] + _STRAIGHT for m in therapies(view)
    )
    if not straight and _objects(view, advice[0], clause):
        return
    if min(frames.distance(t, advice[0]) for t in tests) > 90:
        return
    subjects = _subjects(view, clause, ()) or _genes(view)
    if not subjects and not _rules().within("genetic", text, *clause):
        return
    yield from build(
        view, ClaimType.APPROVAL_RECOMMENDATION, "practice.testing_advice", subjects=subjects,
        stance=_stance(view, advice[0], clause), confidence=0.5,
    )  # fmt: skip


def _needed(view: View, clause: Span) -> Iterator[Span]:
    """Where testing, named straight before, is told to be needed: "testing for X is essential"."""
    rules, text = _rules(), view.document.text
    tests = _find(view, "to_test", clause)
    for cue in _find(view, "needed", clause):
        if any(rules["tested"].search(text[end : cue[0]]) for _, end in tests if end <= cue[0]) and not _asked(view, cue, clause):
            yield cue


def _genes(view: View) -> list[Subject]:
    return [Subject(m.start, m.end, m.name, mention=m) for m in view.of(Label.GENE) if m.name]
