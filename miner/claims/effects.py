"""What a sentence says that a therapy does: each therapy is bound to the cue that speaks of it, and read with what turns that cue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from miner.claims import doses, effect_rules, frames
from miner.claims.document import View
from miner.claims.effect_chains import affirmed_before, chains, set_against
from miner.claims.effect_cues import WORKING, Span, compared, cues, describes, only_asked, predicated
from miner.claims.effect_rules import shape
from miner.claims.senses import Cue
from miner.claims.therapy import therapies, therapy_role
from miner.schema import Label, Mention, Polarity

__all__ = ["WORKING", "Effect", "Kind", "Span", "compared", "cues", "find", "likened", "read"]


class Kind(StrEnum):
    """What is said: that it works, that it is resisted (and then that it is not), that it failed, or that it makes no difference."""

    WORKS = "works"
    RESISTED = "resisted"
    NOT_RESISTED = "not resisted"
    FAILED = "failed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect: the cue that tells it, its clause, the therapies it speaks of."""

    kind: Kind
    cue: Cue
    clause: Span
    therapies: tuple[Mention, ...]
    hedged: bool = False


TURNED = {Kind.WORKS: Kind.FAILED, Kind.RESISTED: Kind.NOT_RESISTED}
EXCEPTED = 45


def find(view: View) -> list[Effect]:
    """Effects of a sentence, in the order of their therapies; therapies that share cue and reading are one effect."""
    if "_effects" not in view.__dict__:
        view.__dict__["_effects"] = _find(view)
    found: list[Effect] = view.__dict__["_effects"]
    return found


def _find(view: View) -> list[Effect]:
    held: dict[tuple[Cue, Kind, bool], Effect] = {}
    for chain in chains(view):
        cue = _cue_of(view, chain)
        if cue is None or only_asked(view, cue):
            continue
        kind, hedged = read(view, cue)
        if kind is Kind.WORKS and _left_open(view, cue):
            if not _is_open_of(view, chain, cue):
                continue
            hedged = True
        if kind is None or (hedged and shape("effects.bearing_on").search(view.document.text, view.clause(cue.start)[0], cue.start)):
            continue
        if hedged and view.has("unknown", within=view.clause(cue.start)):
            doubted = kind is Kind.FAILED and shape("effects.doubted").search(view.document.text, view.start, cue.start)
            if doubted or shape("effects.disputed").search(view.document.text, cue.end, view.clause(cue.start)[1]):
                kind = Kind.FAILED
            elif kind is not Kind.WORKS or not _is_open_of(view, chain, cue):
                continue
        if (
            cue.sense == "inhibit"
            and cue.end <= chain[0].start
            and shape("effects.disarms").match(view.document.text, cue.end, chain[0].start)
        ):
            kind = {Kind.WORKS: Kind.RESISTED, Kind.FAILED: Kind.NOT_RESISTED}.get(kind, kind)
        if cue.end <= chain[0].start and shape("effects.but_not_it").search(view.document.text, cue.end, chain[0].start):
            kind = TURNED.get(kind, kind)
        if chain[-1].end <= cue.start and (but := shape("effects.but_not_this").search(view.document.text, view.start, chain[0].start)):
            kind = TURNED.get(kind, kind)
            if kind is Kind.FAILED and (told := affirmed_before(view, but.start(), chain, cue)):
                held[cue, Kind.WORKS, hedged] = Effect(Kind.WORKS, cue, view.clause(cue.start), told, hedged)
        key = (cue, kind, hedged)
        before = held[key].therapies if key in held else ()
        held[key] = Effect(kind, cue, view.clause(cue.start), (*before, *chain), hedged)
    found = [part for effect in held.values() for part in _fronted(view, effect)]
    return [*found, *_excepted(view, found), *_contrasted(view, found), *_elided(view, found), *_said_of_others(view, found)]


def _fronted(view: View, effect: Effect) -> list[Effect]:
    """An effect, and its contrary for those whom a fronted part excepts: "in patients with A, but not in those with B, C was better"."""
    start = effect.clause[0]
    fronted = shape("effects.but_not_fronted").match(view.document.text, start, effect.cue.start)
    if not fronted or start == view.start or effect.kind not in TURNED or any(m.start < fronted.end() for m in effect.therapies):
        return [effect]
    denied = Effect(TURNED[effect.kind], effect.cue, (start, fronted.end()), effect.therapies, effect.hedged)
    if not any(view.start <= s.start < start for s in view.subjects) and any(start <= s.start < fronted.end() for s in view.subjects):
        return [denied]  # "smoking, but not EGFR mutation, predicted response"
    return [Effect(effect.kind, effect.cue, (view.start, start), effect.therapies, effect.hedged), denied]


def _left_open(view: View, cue: Cue) -> bool:
    """Is it told of an effect only that it is not known: "the efficacy of A in patients with B is unclear"?"""
    text, end = view.document.text, view.clause(cue.start)[1]
    named = shape("effects.effect_named").fullmatch(text, cue.start, cue.end)
    return bool(named and shape("effects.left_open").search(text, cue.end, end))


def _is_open_of(view: View, chain: Collection[Mention], cue: Cue) -> bool:
    """Is it said of carriers that what immunotherapy does for them is not known: "its efficacy in X has yet to be described"?"""
    clause = view.clause(cue.start)
    carriers = [s for s in frames.affirmed(view.subjects) if s.gene and clause[0] <= s.start < clause[1]]
    return bool(carriers) and frames.is_checkpoint(view, chain)


def _excepted(view: View, found: Iterable[Effect]) -> Iterator[Effect]:
    """The contrary of an effect for what is excepted behind it: "inhibited G667C but not G595R"."""
    for effect in found:
        match = shape("effects.but_not").search(view.document.text, effect.cue.end, view.end)
        named = view.of(Label.FUSION, Label.VARIANT) or view.of(Label.ALTERATION)
        mentions = [m for m in named if match and 0 <= m.start - match.end() <= EXCEPTED]
        if match and mentions and effect.kind in TURNED and all(m.start < match.start() for m in effect.therapies):
            end = min([view.clause(mentions[-1].start)[1], *(m.start for m in therapies(view) if m.start > match.end())])
            yield Effect(TURNED[effect.kind], effect.cue, (match.start(), end), effect.therapies, effect.hedged)


def _contrasted(view: View, found: Collection[Effect]) -> Iterator[Effect]:
    """What is said of the same therapies behind "but" or "although": the contrary of the effect before it."""
    taken = {e.cue for e in found}
    for effect in found:
        told = max(effect.cue.end, effect.therapies[-1].end)
        turn = shape("effects.turns").search(view.document.text, told, view.end)
        if turn is None or any(m.start >= turn.end() for m in therapies(view)):
            continue
        for cue in (c for c in cues(view, (turn.end(), view.end)) if c not in taken):
            kind, hedged = read(view, cue)
            same = shape("effects.same_subject").fullmatch(view.document.text, turn.end(), cue.start)
            if same and kind in _CONTRARY.get(effect.kind, ()):
                yield Effect(kind, cue, view.clause(cue.start), effect.therapies, hedged)
                break


def _elided(view: View, found: Collection[Effect]) -> Iterator[Effect]:
    """The contrary of an effect for a therapy of which nothing but that is said: "whereas A did not", "A, but not B, inhibited"."""
    text = view.document.text
    spoken = {m for effect in found for m in effect.therapies}
    for chain in chains(view):
        if not found or spoken.intersection(chain):
            continue
        before = [e for e in found if e.cue.end <= chain[0].start] or list(found)
        told = min(before, key=lambda e: abs(e.cue.start - chain[0].start))
        denied = shape("effects.did_not").match(text, chain[-1].end) or shape("effects.and_not").search(text, view.start, chain[0].start)
        said = shape("effects.did").match(text, chain[-1].end)
        if (denied and told.kind in _DENIED) or (said and told.kind in (Kind.FAILED, Kind.SAME)):
            yield Effect(_DENIED.get(told.kind, Kind.WORKS), told.cue, told.clause, chain, told.hedged)


def _said_of_others(view: View, found: Collection[Effect]) -> Iterator[Effect]:
    """What a clause without a therapy says of other alterations: "A inhibited L858R, whereas T790M was resistant"."""
    if not found or len(view.clauses) < 2:
        return
    taken, text = {e.cue for e in found}, view.document.text
    last = max(found, key=lambda e: max(e.cue.end, e.therapies[-1].end))
    told = max(last.cue.end, last.therapies[-1].end)
    for clause in (c for c in view.clauses if c[0] >= told - 2):
        if therapies(view, clause) or not shape("effects.goes_over").search(text, told - 2, clause[0] + 20):
            continue
        named = [s for s in view.subjects if clause[0] <= s.start and s.end <= clause[1]]
        for cue in (c for c in cues(view, clause) if c not in taken and c.sense in _SAID) if named else ():
            kind, hedged = read(view, cue)
            if kind is not None:
                yield Effect(kind, cue, clause, last.therapies, hedged)
                break


_SAID = frozenset({"respond", "resist", "sensitive", "inhibit", "dose"})
_DENIED = {**TURNED, Kind.FAILED: Kind.WORKS}
_CONTRARY = {Kind.WORKS: (Kind.FAILED, Kind.SAME), Kind.FAILED: (Kind.WORKS,), Kind.SAME: (Kind.WORKS,)}


def _cue_of(view: View, chain: tuple[Mention, ...]) -> Cue | None:
    """The cue that speaks of a list of therapies: the nearest one that links to it, in its clause before the others."""
    role = therapy_role(view.document, chain[0])
    if role == "prior" and shape("effects.received").search(view.document.text, view.start, chain[0].start):
        role = "agent"
    if role == "comparator" or set_against(view, chain[0]):
        return None
    opened = shape("effects.listed_behind").search(view.document.text, view.start, chain[0].start)
    within = [c for c in cues(view, (opened.start(), opened.end())) if c.sense in WORKING] if opened else []
    if within or (opened and opened[0].rstrip().endswith(":")):
        return within[0] if within else None
    scored = [(s, c) for c in cues(view, view.clause(chain[0].start)) if (s := _score(view, chain, c, role)) is not None]
    if not scored and role == "agent":
        later = [c for c in cues(view) if chain[0].start <= c.start and not _of_another(view, chain, c)]
        scored = [(s + 50, c) for c in later if (s := _score(view, chain, c, role)) is not None]
    telling = [(s, c) for s, c in scored if c.sense not in ("outcome", "resist") or read(view, c)[0] is not None]
    return _outer(view, min(telling or scored)[1]) if scored else None


def _of_another(view: View, chain: tuple[Mention, ...], cue: Cue) -> bool:
    """Does a cue of a later part speak of a therapy named there: "received A and progressed; one responded to B"?"""
    gap = view.document.text[chain[-1].end : cue.start]
    return ";" in gap and any(m.start > chain[-1].end and view.clause(m.start) == view.clause(cue.start) for m in therapies(view))


def _outer(view: View, cue: Cue) -> Cue:
    """The cue that governs another: "less sensitive to growth inhibition by"."""
    if cue.sense not in ("active", "inhibit"):
        return cue
    text = view.document.text
    governing = [
        c
        for c in cues(view, view.clause(cue.start))
        if c.sense in ("resist", "sensitive", "worse") and shape("effects.governs").fullmatch(text[c.end : cue.start])
    ]
    return governing[-1] if governing else cue


def _score(view: View, chain: tuple[Mention, ...], cue: Cue, role: str) -> int | None:
    """How far a cue is from therapies that it can speak of; None where it cannot."""
    text = view.document.text
    first, last = chain[0], chain[-1]
    if cue.sense in ("dose", "resist") and cue.start <= first.start and last.end <= cue.end:
        return 0
    if cue.end <= first.start:
        gap = text[cue.end : first.start]
        if (
            shape("effects.next_verb").search(gap)
            or shape("effects.prior_adjective").match(text, last.end)
            or not _clear(view, (cue.end, first.start), ahead=True)
        ):
            return None
        linked = len(gap) <= 120 and bool(
            effect_rules.load().link.match(gap) or (len(gap) <= 40 and shape("effects.linking").search(text[cue.start : cue.end]))
        )
        if cue.sense == "overcome" and _undone_by(view, cue):
            return None
        if role == "prior" and not (linked and _of_this(text, cue, gap) and (cue.sense == "resist" or not _given(view, cue))):
            return None
        return len(gap) if linked else None
    if cue.start >= last.end:
        if cue.sense == "overcome" and shape("resistance.undone_by").match(text, cue.start):
            return None
        gap = text[last.end : cue.start]
        if cue.sense != "overcome" and shape("effects.object").match(text, cue.end) and any(
            0 < c[0].start - cue.end < 60 and therapy_role(view.document, c[0]) != "comparator" for c in chains(view)
        ):
            return None
        if not _clear(view, (last.end, cue.start), ahead=False) or (not gap.strip() and _made_to(view, first, cue)):
            return None
        if role == "prior" and not (cue.sense == "resist" and len(gap) <= 2 and not describes(view, cue)):
            return None
        return len(gap) + 15
    return None


def _made_to(view: View, first: Mention, cue: Cue) -> bool:
    """Do words behind a therapy only tell what it was made for, where it is said before to be resisted: "resistance to A designed to"?"""
    said = shape("effects.made_to").match(view.document.text, cue.start)
    return bool(said) and any(c.sense == "resist" and 0 < first.start - c.end < 60 for c in cues(view, view.clause(first.start)))


def _clear(view: View, span: Span, *, ahead: bool) -> bool:
    """Does no other therapy stand between cue and therapy, unless it is listed with it: "sensitive to A and to B"?"""
    between = [m for chain in chains(view) for m in chain if span[0] <= m.start and m.end <= span[1]]
    between = [m for m in between if not ahead or not shape("effects.prior_adjective").match(view.document.text, m.end)]
    between = [m for m in between if therapy_role(view.document, m) == "agent" and not set_against(view, m)] if not ahead else between
    if not between or not ahead:
        return not between
    return bool(shape("effects.and").fullmatch(view.document.text[between[-1].end : span[1]]))


def _undone_by(view: View, cue: Cue) -> bool:
    """Is a therapy given before "restored sensitivity to", so that what stands behind is what works again?"""
    if not shape("effects.object").match(view.document.text, cue.end):
        return False
    before = [m for m in therapies(view, (view.clause(cue.start)[0], cue.start)) if therapy_role(view.document, m) == "agent"]
    return bool(before)


def _given(view: View, cue: Cue) -> bool:
    """Is another therapy given in the clause of a cue?"""
    within = view.clause(cue.start)
    return any(therapy_role(view.document, m) == "agent" for m in therapies(view, within) if not set_against(view, m))


def _of_this(text: str, cue: Cue, gap: str) -> bool:
    """Does a cue speak of a therapy that stands behind "after" or "to", and not only of when?"""
    return len(gap) <= (40 if cue.sense == "resist" else 70) and not effect_rules.load().past.search(gap)


def read(view: View, cue: Cue) -> tuple[Kind | None, bool]:
    """What a cue says with the words that turn it: negation, less of it, likeness; kept for whoever asks next."""
    held: dict[Cue, tuple[Kind | None, bool]] = view.__dict__.setdefault("_cues_read", {})
    if cue not in held:
        held[cue] = _read(view, cue)
    return held[cue]


def _read(view: View, cue: Cue) -> tuple[Kind | None, bool]:
    spoken = _spoken(view, cue)
    if max(spoken, key=_STRENGTH.__getitem__, default=None) is Polarity.HYPOTHETICAL:
        return None, False
    negated = Polarity.NEGATED in spoken
    hedged = Polarity.HEDGED in spoken or predicated(view, cue, "maybe_after")
    hedged = hedged or bool(shape("effects.potential").match(view.document.text, cue.start))
    if cue.sense == "active" and not hedged and not negated and shape("effects.unsure").match(view.document.text, cue.start):
        return None, False
    if cue.sense == "nodiff":
        return (Kind.FAILED if shape("effects.fails").match(view.document.text, cue.start) else Kind.SAME), hedged
    if cue.sense == "outcome" and not _lowered(view, cue) and not _alike(view, cue):
        raised = effect_rules.load().raised.search(view.document.text[max(view.start, cue.start - 60) : cue.start])
        return (None if not raised else Kind.FAILED if negated else Kind.WORKS), hedged
    if cue.sense == "dose":
        more = doses.more_needed(view, cue)
        return (None if more is None else Kind.RESISTED if more else Kind.WORKS), hedged
    if cue.sense == "resist" and describes(view, cue):
        return None, False
    if cue.sense in (*WORKING, "outcome") and _alike(view, cue):
        return Kind.SAME, hedged
    kind = Kind.RESISTED if cue.sense == "resist" else Kind.FAILED if cue.sense == "worse" else Kind.WORKS
    if _lowered(view, cue) and kind is not Kind.FAILED:
        kind = Kind.WORKS if kind is Kind.RESISTED else Kind.RESISTED if cue.sense == "sensitive" else Kind.FAILED
        if negated and kind is not Kind.WORKS:
            text = view.document.text
            lacking = shape("effects.lacking").search(text[max(view.start, cue.start - 60) : cue.start])
            negated = not lacking and not effect_rules.load().lower_after.match(text[cue.end : cue.end + 80])
            kind = Kind.RESISTED if negated else kind
    if kind is Kind.WORKS and shape("effects.high_dose").search(view.document.text, cue.end, view.clause(cue.start)[1]):
        kind = Kind.RESISTED
    if negated:
        return TURNED.get(kind), hedged
    return kind, hedged


def _spoken(view: View, cue: Cue) -> frozenset[Polarity]:
    """Negation and hedges that reach a cue, by what stands outside it: "lack of response" is its own negation."""
    at = cue.start - view.start, cue.end - view.start
    others = [at, *((c.start - view.start, c.end - view.start) for c in cues(view) if c.sense in ("resist", "worse", "nodiff"))]
    outside = [c for c in frames.spoken_cues(view.text) if not any(a <= c.start < b for a, b in others)]
    if cue.sense in ("worse", "nodiff"):
        relative = shape("effects.relative")
        outside = [c for c in outside if not relative.search(view.text, c.end, max(c.end, at[0]))]
    return frozenset(c.kind for c in outside if c.scope_start < at[1] and at[0] < c.scope_end)


_STRENGTH = {Polarity.NEGATED: 3, Polarity.HYPOTHETICAL: 2, Polarity.HEDGED: 1, None: 0}


def _lowered(view: View, cue: Cue) -> bool:
    rules, text = effect_rules.load(), view.document.text
    if cue.sense == "sensitive" and not shape("effects.graded").match(text, cue.start):
        return False
    clause = view.clause(cue.start)
    before = text[max(clause[0], cue.start - 60) : cue.start]
    if shape("effects.poorly").match(text, cue.end):
        return True
    if predicated(view, cue, "found_little"):
        return True
    lower = rules.lower_before.search(before)
    if lower and not _in_alteration(view, cue.start - len(before) + lower.start()):
        return True
    return bool(rules.lower_after.match(text[cue.end : min(clause[1], cue.end + 80)]))


def _in_alteration(view: View, position: int) -> bool:
    """Is a word part of an alteration's name: the loss of "loss of PTEN" lowers nothing?"""
    return any(m.start <= position < m.end for m in view.of(Label.ALTERATION, Label.VARIANT, Label.FUSION))


def _alike(view: View, cue: Cue) -> bool:
    """Is the cue likened to that of a group without the alteration: "similar sensitivity as wild type"?"""
    text = view.document.text
    return any(_likened(text, cue, c) for c in cues(view, view.clause(cue.start)) if c.sense == "nodiff")


def _likened(text: str, cue: Cue, likeness: Cue) -> bool:
    """Does a likeness stand straight before a cue, or behind it and speak of it?"""
    if cue.start - 30 <= likeness.end <= cue.start:
        return not shape("effects.turns").search(text, likeness.end, cue.start)
    return cue.end <= likeness.start <= cue.end + 60 and _likens(text, cue, likeness)


def _likens(text: str, cue: Cue, likeness: Cue) -> bool:
    """Does a likeness behind a cue speak of it: "sensitivity that was similar", "sensitivity comparable to"?"""
    return bool(
        shape("effects.was").search(text, cue.end, likeness.start)
        or (shape("effects.like").match(text, likeness.start) and shape("effects.to").match(text, likeness.end))
    )


def likened(view: View, effect: Effect) -> bool:
    """Is no difference told as likeness ("comparable to wild type"), and not by denying one?"""
    text = view.document.text
    return any(shape("effects.like").match(text, c.start) for c in cues(view, effect.clause) if c.sense == "nodiff")
