"""Does a therapy work, in words: sensitivity and response, immunotherapy, combinations, resistance overcome, and what resists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from miner.claims import draws, effects, failures, frames, subgroups, trial, whose, words
from miner.claims.claim_types import MECHANISMS, MUTATION_KINDS, combined, failed_type, family, mechanism_type, response_type, targets
from miner.claims.document import METHODS, OUTSIDE, RESULTS, TITLE, Subject, View, distinct
from miner.claims.effect_rules import shape
from miner.claims.effects import Effect, Kind
from miner.claims.frames import DENIED, HEDGED, SUPPORTS, Stance, build, names
from miner.claims.response_figures import METRICS, PROCEDURES, measured
from miner.claims.therapy import BARE_CLASS, agents, stands_for, therapies
from miner.schema import Claim, ClaimType, Direction, Label, Mention, Polarity, StudyType

GENERAL = frozenset(
    {
        "targeted therapy",
        "standard of care",
        "monoclonal antibodies",
        "radiotherapy",
        "surgery",
        "local therapy",
        BARE_CLASS,
        "kinase inhibitors",
    }
)

_BEFORE = 60
RECEPTORS = frozenset({"PDCD1", "CTLA4"})  # what checkpoint inhibitors block, in the words that name them


def extract(view: View) -> list[Claim]:
    """Claims of effect in one sentence; none against a therapy that is told of a group set apart by no alteration."""
    if view.role == OUTSIDE:
        return []
    found = _extract(view)
    apart = any(c.direction is Direction.DOES_NOT_SUPPORT and not c.genes for c in found) and _marked(view)
    return [c for c in found if c.genes or c.direction is Direction.SUPPORTS] if apart else found


def _marked(view: View) -> bool:
    """Does a marker that is no alteration set groups apart: "high NLR was associated with worse survival"?"""
    text = view.document.text
    told = [m.span() for m in shape("response.marked").finditer(text, view.start, view.end)]
    if any(not therapies(view, span) for span in told):
        return True
    return words.load("features.toml").within("other_marker", text, view.start, view.end)


def _extract(view: View) -> list[Claim]:
    found = list(measured(view))
    if view.is_aim or view.role == METHODS or view.says("response.endpoint") or (view.role == TITLE and not _title_asserts(view)):
        return found
    counted = {view.clause(m.start) for m, _ in frames.measures(view, *METRICS)} if found else frozenset[tuple[int, int]]()
    stated = list(_stated(view, counted))
    return [*found, *(stated or ([] if found else [*draws.drawn(view), *_as_target(view), *_not_known(view)]))]


def _title_asserts(view: View) -> bool:
    """A title asserts where it has a finite verb, tells of a case, or is all there is."""
    return (
        len(view.document.views) == 1
        or view.document.study_type == StudyType.CASE_REPORT
        or bool(shape("response.finite").search(view.text))
    )


def _as_target(view: View) -> Iterator[Claim]:
    """What may be treated, though no therapy is named: "RET fusions may be therapeutic targets"."""
    if not view.says("response.target"):
        return
    at = shape("response.target").search(view.document.text, view.start, view.end)
    subjects = [s for s in frames.affirmed(view.subjects) if s.gene] or _named_alone(view)
    if at and subjects and frames.stance_at(view, at.start(1), at.end()) == HEDGED and not view.has("unknown"):
        type_ = ClaimType.OVERCOMES_RESISTANCE if view.says("claim_types.resistant") else ClaimType.SENSITIVITY_RESPONSE
        yield from build(view, type_, "effect.target", subjects=subjects, stance=HEDGED, confidence=0.5)


def _not_known(view: View) -> Iterator[Claim]:
    """What immunotherapy does for carriers, where the text says that it is not known: "its role in ROS1-positive cancer is unclear"."""
    given = [m for m in therapies(view) if frames.is_checkpoint(view, [m])]
    clause = view.clause(given[0].start) if given else (view.start, view.start)
    told = [s for s in frames.affirmed(view.subjects) if s.gene and s.kind not in ("gene", "expression")]
    subjects = [s for s in told if clause[0] <= s.start < clause[1]]
    if not subjects or view.is_aim:
        return
    unclear = view.has("unknown", within=clause) and shape("response.role_of").search(view.document.text, clause[0], given[0].start)
    if unclear or shape("response.scant").search(view.document.text, *clause):
        yield from build(
            view, ClaimType.IMMUNOTHERAPY_OUTCOME, "effect.unknown", subjects=subjects, therapies=names(view, given), stance=HEDGED,
            confidence=0.5,
        )  # fmt: skip


def _named_alone(view: View) -> list[Subject]:
    """Genes that are named without an alteration."""
    return [Subject(m.start, m.end, m.name, mention=m) for m in view.of(Label.GENE) if m.polarity is not Polarity.NEGATED]


def _stated(view: View, counted: Set[tuple[int, int]]) -> Iterator[Claim]:
    for effect in effects.find(view) or [e for e in _carried(view) if not counted or (e.kind is Kind.FAILED and e.clause not in counted)]:
        told = effect.clause in counted
        if told and effect.cue.sense != "overcome":
            continue
        if _only_wanted(view, effect) or _of_harm(view, effect) or _is_caused(view, effect) or _between_carriers(view, effect):
            continue
        if effect.kind is Kind.RESISTED and not whose.subjects(view, effect):
            continue
        given = [drug for m in effect.therapies for drug in stands_for(view, m)]
        given = trial.spelt(view, combined(view, given) or given)
        subjects = _answered(view, effect, given) or whose.subjects(view, effect)
        if all(m.name == "standard of care" for m in given) and view.of(Label.ASSAY, within=effect.clause):
            continue
        if not any(view.start <= s.start < view.end for s in subjects):
            subjects = subgroups.as_told(subjects)
        subjects = distinct(subgroups.of_those_without(view, subjects))
        if frames.is_checkpoint(view, given):
            subjects = [s for s in subjects if s.kind != "gene" or s.gene not in RECEPTORS]
        if not subjects and (not _explicit(view, effect) or PROCEDURES.issuperset(m.name or "" for m in given)):
            continue
        if not _too_general(view, effect, given):
            for members, chosen in _in_turn(view, effect, subjects, given):
                claims = _claims(view, effect, chosen, members)
                yield from (c for c in claims if not told or c.type is ClaimType.OVERCOMES_RESISTANCE)


def _in_turn(view: View, effect: Effect, subjects: list[Subject], given: list[Mention]) -> list[tuple[list[Subject], list[Mention]]]:
    """Alterations each with the therapies that are aimed at it, where "respectively" tells them off: "X and Y responded to A and B"."""
    told = effect.kind is Kind.WORKS and "respectively" in view.text
    if not told or len(given) < 2 or len({family(s.gene) for s in subjects}) < 2:
        return [(subjects, given)]
    aimed = {m: targets(view.document, names(view, [m])) for m in given}
    fitting = [([s for s in subjects if family(s.gene) in aimed[m]], m) for m in given]
    return [(members, [m]) for members, m in fitting] if all(members for members, _ in fitting) else [(subjects, given)]


def _only_wanted(view: View, effect: Effect) -> bool:
    """Does the cue name a treatment that is missing, or that research is to find?"""
    lists, text = words.load("response.toml"), view.document.text
    start, end = max(effect.clause[0], effect.cue.start - 30), min(effect.clause[1], effect.cue.end + 30)
    wanted = any(a < effect.cue.end and effect.cue.start < b for a, b in lists.spans("wanted", text, start, end))
    return wanted and lists.within("missing", text, *effect.clause)


def _of_harm(view: View, effect: Effect) -> bool:
    """Is it harm that was not seen, or was worse: "no significant adverse effects", "nausea was worse with A"?"""
    text, lists = view.document.text, words.load("safety.toml")
    if effect.kind is Kind.FAILED and shape("response.worse").match(text, effect.cue.start):
        before = max(effect.clause[0], effect.cue.start - _BEFORE), effect.cue.start
        return lists.within("event", text, *before) or lists.within("any_event", text, *before)
    if effect.kind in (Kind.FAILED, Kind.SAME) and shape("response.of_safety").search(text, effect.clause[0], effect.cue.start):
        return True
    after = text[effect.cue.end : effect.cue.end + 30]
    return effect.kind is Kind.SAME and bool(words.load("response.toml")["harm"].match(after))


def _is_caused(view: View, effect: Effect) -> bool:
    """Is failure only what an alteration is told to be the cause of: "a cause of treatment failure"?"""
    return effect.kind is Kind.FAILED and bool(shape("response.caused").search(view.document.text[effect.clause[0] : effect.cue.start]))


def _between_carriers(view: View, effect: Effect) -> bool:
    """Is no difference told of two alterations of one gene, and not of carriers and others: "between L858R and exon 19 deletions"?"""
    if effect.kind is not Kind.SAME or not view.says("response.set_against"):
        return False
    told = {(s.gene, s.variant or s.alteration) for s in view.subjects if s.gene and not s.fusion}
    return len(told) > 1 and len({gene for gene, _ in told}) == 1 and not any(kind == "wild-type" for _, kind in told)


def _explicit(view: View, effect: Effect) -> bool:
    """Without an alteration: does the sentence name the therapy, and tell its efficacy rather than the kind of response?"""
    here = any(view.start <= m.start < view.end for m in effect.therapies)
    return here and not shape("response.kind_of").match(view.document.text, effect.cue.start)


def _carried(view: View) -> list[Effect]:
    """An effect told of the therapy named before: "two of them responded"."""
    if therapies(view) or view.role not in (RESULTS, TITLE, "body", "conclusions"):
        return []
    given = frames.carried_therapies(view)
    titled = agents(view.document.title) if view.document.title else []
    if any(m.label is Label.DRUG for m in titled) and not any(m.label is Label.DRUG for m in given):
        given = titled
    for cue in effects.cues(view):
        if shape("response.adjective").match(view.document.text, cue.start) or (cue.sense == "sensitive" and _of_a_test(view)):
            continue
        kind, hedged = effects.read(view, cue)
        told = cue.sense in ("respond", "resist", "sensitive") or (cue.sense in ("active", "inhibit") and view.has("preclinical"))
        told = told or (cue.sense == "worse" and failures.unanswered(view, cue) and len(view.subjects) < 2)
        if given and kind and told:
            return [Effect(kind, cue, view.clause(cue.start), tuple(given), hedged)]
    return []


def _of_a_test(view: View) -> bool:
    """Is it a test that is sensitive?"""
    return view.holds(Label.ASSAY) or "specific" in view.text.lower() or bool(frames.measures(view, "sensitivity_percent"))


def _too_general(view: View, effect: Effect, given: list[Mention]) -> bool:
    """Therapies of no particular target, and no alteration in the clause: the sentence asserts nothing of either."""
    if {view.document.class_meant(m.name or "") for m in given} - GENERAL:
        return False
    return not any(s.gene for s in view.subjects if effect.clause[0] <= s.start < effect.clause[1])


def _answered(view: View, effect: Effect, given: list[Mention]) -> list[Subject]:
    """Mechanisms told just before that a new therapy is given against, where the clause names no subject of its own."""
    if effect.kind is Kind.RESISTED or frames.is_background(view):
        return []
    if any(s.gene for s in view.subjects if effect.clause[0] <= s.start < effect.clause[1]):
        return []
    told = view.document.mechanisms(view)
    lost = view.document.defeated_by(told)
    new = {view.document.class_meant(m.name or "") for m in given} - lost
    aimed = targets(view.document, tuple(new))
    told = [s for s in told if family(s.gene) in aimed] if aimed else told
    return told if new and lost and view.document.study_type in (StudyType.CASE_REPORT, StudyType.PRECLINICAL) else []


def _claims(view: View, effect: Effect, given: list[Mention], subjects: list[Subject]) -> Iterator[Claim]:
    therapy_names = names(view, given)
    general = trial.kind(view.document, therapy_names) or response_type(view, given, subjects, stated=True)
    alone = general is ClaimType.SENSITIVITY_RESPONSE and (_answered(view, effect, given) or _overcomes(view, effect, subjects))
    if effect.kind is Kind.WORKS and (alone or (general is ClaimType.COMBINATION_THERAPY and _undoes(view, effect))):
        general = ClaimType.OVERCOMES_RESISTANCE
    groups: dict[tuple[ClaimType, Stance], list[Subject]] = {}
    told: Sequence[Subject | None] = subjects or [None]
    for subject in told:
        type_, stance = _told(view, effect, therapy_names, subject, general)
        groups.setdefault((type_, stance), []).extend([subject] if subject else [])
    for (type_, stance), members in groups.items():
        figures = _case_figures(view, effect, stance)
        case = view.document.study_type == StudyType.CASE_REPORT and not frames.is_background(view) and stance[1] is not Polarity.HEDGED
        yield from build(
            view, type_, f"effect.{effect.kind.name.lower()}", subjects=members, therapies=therapy_names, stance=stance, figures=figures,
            n=1 if case else trial.population(view, therapy_names), confidence=0.6,
        )  # fmt: skip


def _overcomes(view: View, effect: Effect, subjects: list[Subject]) -> bool:
    """Is the effect against what resists: a resistant variant, or resistance itself?"""
    if any(s.variant in view.document.resistance_variants for s in subjects if s.variant):
        return True
    if any(s.kind in failures.ACQUIRED_KINDS and failures.acquired(view, s, "resistance.acquired") for s in subjects):
        return True
    passive = shape("response.undone_by").match(view.document.text, effect.cue.start)
    within = (view.start, view.end) if passive else effect.clause
    return effect.cue.sense == "overcome" and (bool(view.has("resist", within=within)) or _undoes(view, effect))


def _undoes(view: View, effect: Effect) -> bool:
    """Does the cue itself say that resistance is undone: reversed, overcome, sensitivity restored?"""
    return effect.cue.sense == "overcome" and bool(shape("effects.undone").match(view.document.text, effect.cue.start))


def _told(view: View, effect: Effect, given: tuple[str, ...], subject: Subject | None, general: ClaimType) -> tuple[ClaimType, Stance]:
    """Claim type and stance of an effect on one subject."""
    hedge = Polarity.HEDGED if effect.hedged else Polarity.ASSERTED
    denied = (Direction.DOES_NOT_SUPPORT, hedge) if effect.hedged else DENIED
    if effect.kind is Kind.WORKS:
        return general, HEDGED if effect.hedged else SUPPORTS
    failed = failed_type(view, subject, given, general)
    conferred = effect.kind is Kind.RESISTED and failed is ClaimType.COMBINATION_THERAPY
    if subject is None or (failed in (ClaimType.COMBINATION_THERAPY, ClaimType.IMMUNOTHERAPY_OUTCOME) and not conferred):
        told = effect.kind is Kind.SAME or (effect.kind is Kind.FAILED and effect.cue.sense in effects.WORKING)
        return failed, (denied if told else (Direction.DOES_NOT_SUPPORT, hedge))
    resists, aimed = mechanism_type(view.document, subject, given), targets(view.document, given)
    if effect.kind is Kind.RESISTED and subject.alteration == "fusion" and family(subject.gene) in aimed:
        return ClaimType.SENSITIVITY_RESPONSE, (Direction.DOES_NOT_SUPPORT, hedge)
    if effect.kind is Kind.RESISTED:
        return resists, (Direction.SUPPORTS, hedge)
    if effect.kind is Kind.NOT_RESISTED:
        return resists, denied
    if effect.kind is Kind.SAME:
        mutant = family(subject.gene) in aimed and subject.kind in MUTATION_KINDS and effects.likened(view, effect)
        return (resists if mutant else failed), denied
    if failed in MECHANISMS:
        return failed, (Direction.SUPPORTS, hedge)
    return failed, (denied if effect.cue.sense in (*effects.WORKING, "nodiff") else (Direction.DOES_NOT_SUPPORT, hedge))


def _case_figures(view: View, effect: Effect, stance: Stance) -> dict[str, float | int | str]:
    if view.document.study_type != StudyType.CASE_REPORT or stance[1] is Polarity.HEDGED or frames.is_background(view):
        return {}
    found = shape("response.case").search(view.document.text[effect.clause[0] : effect.clause[1]])
    return {"case_response": found.group(1).lower()} if found else {}
