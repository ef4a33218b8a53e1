"""Driver role: that an alteration makes tumours, or does not."""

from __future__ import annotations

from collections.abc import Iterator

from miner.claims import frames, prevalence
from miner.claims.document import METHODS, TITLE, Subject, View, agents, distinct
from miner.claims.effect_rules import shape
from miner.claims.frames import HEDGED, build
from miner.schema import Claim, ClaimType, Direction, Label, Polarity

Span = tuple[int, int]
_NOT_ONCOGENIC = ("wild-type", "expression")


def extract(view: View) -> Iterator[Claim]:
    """Clause by clause: the alterations that a word of driving describes."""
    told: set[tuple[object, ...]] = set()
    for cue in _cues(view):
        clause = view.clause(cue[0])
        subjects = _described(view, cue, clause)
        stance = _stance(view, cue)
        supposed = prevalence.rules()["supposed"].search(view.document.text[max(clause[0], cue[0] - 50) : cue[0]])
        if _asked(view, cue, clause, stance):
            continue
        stance = HEDGED if stance == frames.OPEN or (supposed and stance == frames.SUPPORTS) else stance
        for claim in build(view, ClaimType.DRIVER_ROLE, "biology.driver", subjects=distinct(subjects), stance=stance, confidence=0.6):
            key = (claim.genes, claim.fusion, claim.variant)
            if subjects and key not in told:
                told.add(key)
                yield claim
    yield from _functions(view, told)


def _stance(view: View, cue: Span) -> frames.Stance:
    """The stance of what stands before a cue that holds a negation or a hedge of its own ("without IL-3"), else of the cue."""
    rules, text = prevalence.rules(), view.document.text
    if rules["unlikely"].search(text[max(view.start, cue[0] - 40) : cue[0]]):
        return (Direction.DOES_NOT_SUPPORT, Polarity.HEDGED)
    return frames.stance_at(view, *((cue[0] - 1, cue[0]) if cue[0] > view.start and rules.within("own_negation", text, *cue) else cue))


def _asked(view: View, cue: Span, clause: Span, stance: frames.Stance) -> bool:
    """Is it only asked, or set out to be studied, what drives?"""
    if view.is_aim or view.text.rstrip().endswith("?"):
        return True
    aim = prevalence.rules()["aimed"].match(view.text)
    if aim and cue[0] < view.start + aim.end():
        return True
    rest = view.document.text[cue[1] : clause[1]]
    if prevalence.rules()["role"].match(rest) and shape("effects.left_open").search(rest):
        return True
    if prevalence.rules()["partly"].search(view.document.text[clause[0] : cue[0]]):
        return True
    return stance in (frames.OPEN, HEDGED) and prevalence.rules().within("open_question", view.document.text, *clause)


def _functions(view: View, told: set[tuple[object, ...]]) -> Iterator[Claim]:
    """What a gene does to tumour cells where no drug is at work: "loss of X impaired proliferation"."""
    if view.is_aim or view.role == METHODS or view.of(Label.DRUG) or agents(view):
        return
    rules, text = prevalence.rules(), view.document.text
    if view.has("resist"):
        return
    for clause in view.clauses:
        verbs = rules.spans("function", text, *clause)
        named = rules.spans("process", text, *clause)
        if verbs and rules.within("silenced", text, clause[0], verbs[0][0]):
            named += rules.spans("undone", text, *clause)
        processes = [p for p in named if verbs and p[0] >= verbs[0][1]]
        subjects = _actors(view, clause, verbs[0][0]) if processes else []
        if not subjects:
            continue
        stance = frames.stance_at(view, *verbs[0])
        for claim in build(view, ClaimType.DRIVER_ROLE, "biology.function", subjects=subjects, stance=stance, confidence=0.5):
            key = (claim.genes, claim.fusion, claim.variant)
            if key not in told:
                told.add(key)
                yield claim


def _actors(view: View, clause: Span, end: int) -> list[Subject]:
    """The alteration, else the gene, that does what a verb tells: the first before it that is no mere circumstance."""
    rules, text = prevalence.rules(), view.document.text
    genes = [Subject(m.start, m.end, m.name, mention=m) for m in view.of(Label.GENE, within=clause) if m.name]
    found = [s for s in [*view.subjects, *genes] if s.gene and clause[0] <= s.start and s.end <= end]
    first = min(found, key=lambda s: (s.start, -s.end), default=None)
    return [] if first is None or rules["where"].search(text[max(view.start, first.start - 60) : first.start]) else [first]


def _cues(view: View) -> list[Span]:
    rules, text = prevalence.rules(), view.document.text
    found = [(c.start, c.end) for c in view.sense("driver")]
    if view.role != TITLE:
        found += rules.spans("drives", text, view.start, view.end)
    kept = [c for c in found if not _in_name(view, c) and not _of_others(view, c)]
    return sorted({c for c in kept if not any(o != c and o[0] <= c[0] and c[1] <= o[1] for o in kept)})


def _in_name(view: View, cue: Span) -> bool:
    labels = (Label.DRUG, Label.DRUG_CLASS, Label.GENE, Label.ASSAY)
    return any(m.start <= cue[0] and cue[1] <= m.end for m in view.of(*labels))


def _of_others(view: View, cue: Span) -> bool:
    """Is it a driver spoken of as a class of others, a word of a name (``MET oncogene``), or a change of something else?"""
    rules, text = prevalence.rules(), view.document.text
    before, after = text[max(view.start, cue[0] - 40) : cue[0]], text[cue[1] : cue[1] + 40]
    if rules["not_a_driver"].search(before) or rules["not_driving"].match(text[cue[0] : min(view.end, cue[1] + 45)]):
        return True
    if rules["underlies"].match(after):
        return True
    named = any(m.end <= cue[0] and not text[m.end : cue[0]].strip() for m in view.of(Label.GENE))
    return named and text[cue[0] : cue[1]].lower().startswith("oncogene") and not rules["predicate_of"].match(after)


def _described(view: View, cue: Span, clause: Span) -> list[Subject]:
    """The alterations of the cue's clause, else of the sentence, else kinases and what was named before."""
    rules, text = prevalence.rules(), view.document.text
    every = [s for s in view.subjects if s.gene and s.alteration not in _NOT_ONCOGENIC and not cue[0] < s.start < s.end <= cue[1]]
    if not every and any(s.alteration == "wild-type" for s in view.subjects):
        return []
    named = every
    every = [s for s in named if not rules["lacking"].search(text[max(view.start, s.start - 40) : s.start])]
    if named and not every:
        return []
    local = frames.affirmed(every)
    denied = frames.stance_at(view, *cue) == frames.DENIED
    local = every if denied and not local else local
    inside = [s for s in local if clause[0] <= s.start < clause[1]]
    before = _premodified(view, inside, cue)
    if before:
        return before
    if inside:
        return _nearest_list(view, inside, cue)
    if local and len(view.clauses) < 3:
        return _nearest_list(view, local, cue)
    if local or view.role == TITLE:
        return []
    genes = [Subject(m.start, m.end, m.name, mention=m) for m in view.of(Label.GENE) if m.name and m.polarity is not Polarity.NEGATED]
    lexicon = view.document.lexicon
    kinases = [s for s in genes if {s.gene, *lexicon.members(s.gene or "")} & lexicon.kinases]
    if kinases and view.tells(rules, "activated"):
        return kinases
    return frames.carried_subjects(view) if not genes and frames.points_back(view) else []


def _premodified(view: View, subjects: list[Subject], cue: Span) -> list[Subject]:
    """The alterations alone in whose name an adjective of driving stands: "RAS oncogenic mutations and ALK fusions"."""
    inside = [s for s in subjects if s.start < cue[0] and cue[1] <= s.end]
    joined = inside and prevalence.rules()["and_another"].match(view.document.text[inside[-1].end :][:12])
    return inside if joined else []


def _nearest_list(view: View, subjects: list[Subject], cue: Span) -> list[Subject]:
    """The subjects on the side of the cue where the nearest one stands."""
    first = frames.nearest(subjects, cue, before_bonus=15)[0]
    if first.end <= cue[0]:
        return [s for s in subjects if s.end <= cue[0]]
    return [s for s in subjects if s.start >= cue[0]]
