"""Why a therapy fails and what answers it: on-target, off-target, a driver as resistance to another therapy, resistance overcome."""

from __future__ import annotations

from collections.abc import Iterator

from miner.claims import effects, failures, frames, shares, whose
from miner.claims.claim_types import MUTATION_KINDS, family, mechanism_type, targets
from miner.claims.document import METHODS, OUTSIDE, TITLE, Subject, View, agents, therapies
from miner.claims.effect_rules import shape
from miner.claims.failures import ACQUIRED_KINDS
from miner.claims.frames import AGAINST, DENIED, SUPPORTS, Stance, build, names
from miner.claims.senses import Cue
from miner.schema import Claim, ClaimType, Label, Mention, Polarity


def extract(view: View) -> list[Claim]:
    """Claims of resistance in one sentence."""
    if view.role in (OUTSIDE, METHODS) or (view.is_aim and not frames.measures(view) and _enumerated(view) is None):
        return []
    claims: list[Claim] = []
    if not whose.resisting(view) and failures.told(view):
        claims += _mechanisms(view)
    view.document.note_mechanisms(view, claims)
    if not claims:
        claims += _inevitable(view)
    if view.has("overcome") and not any(e.kind is effects.Kind.WORKS for e in effects.find(view)):
        claims += _overcome(view, claims)
    return claims


def _inevitable(view: View) -> Iterator[Claim]:
    """Resistance that comes to nearly all, whatever its mechanism: the response of the driver's carriers does not last."""
    text = view.document.text
    told = [c for c in view.sense("resist", "worse") if shape("resistance.outcome").match(text, c.start)]
    told = [c for c in told if not shape("resistance.attributive").match(text, c.end)]
    told = [c for c in told if not shape("resistance.borne").search(text, view.clause(c.start)[0], c.start)]
    told = [c for c in told if _comes(view, c) and not shape("resistance.rarely").search(text, *view.clause(c.start))]
    if not told or view.role == TITLE or whose.resisting(view):
        return
    given = therapies(view)
    named = failures.targeted(view, [m for m in given if view.clause(m.start) == view.clause(told[0].start)] or given)
    lost = named or failures.targeted(view, frames.carried_therapies(view))
    known = view.document.resistance_variants
    drivers = _drivers(view) or _aimed_at(view, lost)
    subjects = [s for s in drivers if not s.variant or s.variant not in known or whose.of_population(view, s)]
    if lost and (subjects or named) and frames.stance_at(view, told[0].start, told[0].end)[1] is Polarity.ASSERTED:
        type_ = ClaimType.IMMUNOTHERAPY_OUTCOME if frames.is_checkpoint(view, lost) else ClaimType.SENSITIVITY_RESPONSE
        yield from build(
            view, type_, "resistance.inevitable", subjects=subjects, therapies=names(view, lost), stance=AGAINST, confidence=0.5
        )


def _aimed_at(view: View, lost: list[Mention]) -> list[Subject]:
    """The alteration that the text names of a gene that therapies are aimed at."""
    aimed = targets(view.document, names(view, lost))
    found = [s for s in frames.affirmed(view.document.subjects) if family(s.gene) in aimed and s.alteration not in ACQUIRED_KINDS]
    found = [s for s in found if s.variant not in view.document.resistance_variants]
    alone = [m for m in view.document.reading.mentions if m.label is Label.GENE and family(m.name) in aimed] if not found else []
    return found[:1] or [Subject(m.start, m.end, m.name, mention=m) for m in alone[:1]]


def _comes(view: View, cue: Cue) -> bool:
    """Is it said that failure comes: to nearly all, or, where it is called resistance, that it comes at all?"""
    text, clause = view.document.text, view.clause(cue.start)
    if shape("resistance.inevitable").search(text, *clause):
        return True
    through = shape("resistance.by_what").search(text, cue.end, clause[1])
    return cue.sense == "resist" and not through and bool(shape("resistance.arises").search(text, *clause))


def _mechanisms(view: View) -> Iterator[Claim]:
    if view.says("effects.supposed") or view.has("approve", "recommend"):
        return
    explicit = failures.explicit(view) or failures.arisen(view)
    works = [e for e in effects.find(view) if e.kind is effects.Kind.WORKS]
    explicit = explicit or (_titled(view) if works else [])
    lapsed = [at for e in works if (at := _lapsed(view, e)) is not None]
    answered = len(works) > len(lapsed)
    if answered and not explicit:
        return
    if not explicit and agents(view) and (failures.overcoming(view) or view.has("inhibit", "active", "sensitive")):
        return
    answers = {m.name for e in works for m in e.therapies}
    lost = explicit or failures.lost(view)
    lost = [m for m in lost if m.name not in answers] or lost
    held = [*failures.owned(view, lost, view.subjects), *failures.pathways(view)]
    named = [s for s in held if s.gene and s.start >= max(lapsed, default=0)]
    mechanisms = _named_first([s for s in named if _is_mechanism(view, s, lost) and not _only_lacked(view, s)])
    mechanisms = [
        s for s in mechanisms if not answered or failures.acquired(view, s) or _called(view, s) or _told_first(view, s, works)
        or (s.alteration in ACQUIRED_KINDS and _found_first(view, s, works))
    ]  # fmt: skip
    if view.is_aim:
        mechanisms = [s for s in mechanisms if s.start >= (_enumerated(view) or 0)]
    if not mechanisms and not answered:
        yield from _unnamed(view, lost, ("ontarget", "bypass"))
        return
    if not answered and _changed(view):
        yield from _unnamed(view, lost, ("bypass",))
    groups: dict[tuple[ClaimType, Stance], list[Subject]] = {}
    for subject in mechanisms:
        type_ = mechanism_type(view.document, subject, names(view, lost))
        groups.setdefault((type_, _mechanism_stance(view, subject)), []).append(subject)
    for (type_, stance), held in groups.items():
        for subjects, figures, n in shares.of_each(view, held):
            yield from build(
                view, type_, "resistance.mechanism", subjects=subjects, therapies=names(view, lost), stance=stance, figures=figures, n=n,
                confidence=0.7,
            )  # fmt: skip


def _enumerated(view: View) -> int | None:
    """Where mechanisms are listed by which an aim tells what it speaks of: "we review the mechanisms of resistance, including ..."."""
    found = shape("resistance.enumerated").search(view.document.text, view.start, view.end)
    return found.end() if found else None


def _called(view: View, subject: Subject) -> bool:
    """Is an alteration called a mechanism of resistance, before what answers it is told?"""
    return bool(shape("resistance.called").search(view.document.text[subject.end : view.end]))


def _told_first(view: View, subject: Subject, works: list[effects.Effect]) -> bool:
    """Was an alteration found at failure, before what answers it is told: "X was found at progression on A; B ..."?"""
    text, answers = view.document.text, min(view.clause(e.cue.start)[0] for e in works)
    if shape("resistance.moment").search(text, subject.end, max(subject.end, answers)):
        return True
    failed = shape("resistance.moment").search(text, view.start, subject.start)
    return failed is not None and shape("resistance.counted").search(text, failed.end(), subject.start) is not None


def _titled(view: View) -> list[Mention]:
    """What a paper on resistance names in its title as resisted, where a sentence tells what answered a finding."""
    title = view.document.title
    return failures.targeted(view, failures.explicit(title)) if title and view.document.on_resistance else []


def _found_first(view: View, subject: Subject, works: list[effects.Effect]) -> bool:
    """In a paper on resistance, was it found before what answered it: "MET amplification was found and responded to A"?"""
    first = min(min(e.cue.start, e.therapies[0].start) for e in works)
    told = shape("resistance.counted").search(view.document.text, subject.end, max(subject.end, first))
    return bool(_titled(view)) and told is not None


def _lapsed(view: View, effect: effects.Effect) -> int | None:
    """Where failure is told behind an effect: "A brought regression; at relapse a mutation was found"; None where it is not."""
    text, clause = view.document.text, view.clause(effect.cue.start)
    if shape("resistance.moment").search(text, clause[1], view.end):
        return clause[1]
    back = shape("effects.came_back").search(text, max(effect.cue.end, *(m.end for m in effect.therapies)), view.end)
    return back.end() if back else None


def _only_lacked(view: View, subject: Subject) -> bool:
    """Does the absence of an alteration only describe people (patients without T790M), or are other mechanisms meant?"""
    before = view.document.text[max(view.start, subject.start - 60) : subject.start]
    if whose.excepted(view, subject) or view.sense("nodiff", within=view.clause(subject.start)):
        return True
    return bool(shape("resistance.lacked").search(before)) and subject.mention is not None and subject.mention.polarity is Polarity.NEGATED


def _named_first(found: list[Subject]) -> list[Subject]:
    """Leave out the mutations in general of a gene whose variant is named."""
    named = {s.gene for s in found if s.variant}
    return [s for s in found if s.gene not in named or s.alteration not in ("mutation", "activating mutation")]


def _mechanism_stance(view: View, subject: Subject) -> Stance:
    if subject.mention is not None and subject.mention.polarity is Polarity.NEGATED:
        return DENIED
    stance = frames.stance_at(view, subject.start, subject.end)
    if stance != SUPPORTS:
        return stance
    clause = view.clause(subject.start)
    told = [(c.start, c.end) for c in view.sense("resist")[:1]]
    told += [m.span() for m in shape("resistance.causes").finditer(view.document.text, *clause)]
    return next((said for at in told if (said := frames.stance_at(view, *at))[1] is Polarity.HEDGED), stance)


def _is_mechanism(view: View, subject: Subject, lost: list[Mention]) -> bool:
    """A variant or alteration that resists, and not the driver of the population that is treated."""
    if subject.alteration == "wild-type" or not lost:
        return False
    known = bool(subject.variant) and subject.variant in view.document.resistance_variants
    if known:
        return not whose.of_population(view, subject) or bool(view.has("resist") and view.says("resistance.causes"))
    if not _near_resistance(view, subject) or whose.of_population(view, subject):
        return False
    if subject.alteration in ACQUIRED_KINDS:
        return True
    focus = {family(s.gene) for s in view.document.focus}
    targets = {family(t) for m in lost for t in view.document.lexicon.targets(view.document.class_meant(m.name or ""))}
    other = family(subject.gene) not in targets if targets else family(subject.gene) not in focus
    if not other and failures.emerged(view, subject) and (failures.follows(view) or failures.in_resistant(view, subject)):
        return True
    if other:
        return bool(
            view.says("resistance.causes") or failures.found(view, view.clause(subject.start)) or failures.acquired(view, subject)
        )
    if shape("resistance.secondary").search(view.document.text, max(view.start, subject.start - 40), subject.start):
        return subject.kind in MUTATION_KINDS
    return view.says("resistance.causes") and subject.kind in MUTATION_KINDS


def _near_resistance(view: View, subject: Subject) -> bool:
    clause = view.clause(subject.start)
    text = view.document.text
    if text.startswith(("and ", "with ", "when "), clause[0]):
        clause = (view.clause(clause[0] - 1)[0], clause[1])
    listed = shape("resistance.lists").search(text, view.start, subject.start)
    if listed or view.has("resist", within=clause) or shape("resistance.moment").search(text[clause[0] : clause[1]]):
        return True
    return failures.told(view) and (
        view.document.on_resistance or view.has("acquire", "bypass", "ontarget") or failures.found(view, clause)
    )


def _unnamed(view: View, lost: list[Mention], senses: tuple[str, ...]) -> Iterator[Claim]:
    """Mechanisms told without an alteration: "on-target and off-target mechanisms", a transformation, which may stand without a driver."""
    moment = bool(view.has("acquire", "resist") or view.says("resistance.moment") or failures.arisen(view))
    if not view.has(*senses) or not moment or not lost or view.has("unknown"):
        return
    subjects = [s for s in _drivers(view) if s.kind not in ("gene", "wild-type")]
    for sense in senses:
        cues = [cue for cue in view.sense(sense) if not _lacked(view, cue.start)]
        if cues and (subjects or _changed(view)):
            stance = frames.stance_at(view, cues[0].start, cues[0].end)
            type_ = ClaimType.RESISTANCE_ON_TARGET if sense == "ontarget" else ClaimType.RESISTANCE_OFF_TARGET
            yield from build(
                view, type_, "resistance.unnamed", subjects=subjects, therapies=names(view, lost), stance=stance, confidence=0.5
            )


def _changed(view: View) -> bool:
    """Did the tumour's histology change, and was not only kept from it?"""
    return view.says("resistance.histology") and not view.has("inhibit", "overcome") and not view.says("resistance.undoing")


def _lacked(view: View, start: int) -> bool:
    """Does "without" or the like stand before a mechanism, so that it only describes who is meant?"""
    return shape("resistance.lacked").search(view.document.text[max(view.start, start - 60) : start]) is not None


def _drivers(view: View) -> list[Subject]:
    """The driver whose therapy fails: the sentence's own, else the paper's."""
    return [s for s in frames.affirmed(view.subjects) if s.gene and s.alteration not in ACQUIRED_KINDS] or view.document.focus


def _overcome(view: View, mechanisms: list[Claim]) -> Iterator[Claim]:
    clauses = [c for c in view.clauses if view.has("overcome", within=c)]
    resisted = [m for e in effects.find(view) if e.kind is effects.Kind.RESISTED for m in e.therapies]
    lost = set(names(view, [*failures.explicit(view), *resisted]))
    for clause in clauses[:2]:
        given = [m for m in (agents(view, clause) or agents(view)) if view.document.class_meant(m.name or "") not in lost]
        subjects = _resistant_subjects(view, mechanisms) or failures.resisting_variants(view)
        if not subjects and view.has("overcome") and view.has("resist"):
            subjects = frames.subjects_for(view, clause)
        if not given or not subjects:
            continue
        cue = view.sense("overcome", within=clause)
        if any(c.start < w.end and w.start < c.end for c in cue for w in view.sense("worse", within=clause)):
            continue
        stance = frames.stance_at(view, cue[0].start, cue[0].end) if cue else SUPPORTS
        yield from build(
            view, ClaimType.OVERCOMES_RESISTANCE, "resistance.overcome", subjects=subjects, therapies=names(view, given), stance=stance,
            confidence=0.65,
        )  # fmt: skip
        return


def _resistant_subjects(view: View, mechanisms: list[Claim]) -> list[Subject]:
    """Alterations of the sentence that it, or a sentence before, told as resistance."""
    told = {(s.gene, s.kind) for s in view.document.mechanisms(view, within=99)}
    told |= {(s.gene, s.kind) for s in view.subjects for c in mechanisms if s.gene in c.genes and s.kind in (c.alteration, "variant")}
    return [
        s
        for s in frames.affirmed(view.subjects)
        if s.gene and ((s.gene, s.kind) in told or ((s.variant or s.alteration in MUTATION_KINDS) and view.has("resist")))
    ]
