"""Co-occurrence: alterations that are told to be found together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from miner.claims import cohorts, counted, frames, gene_lists, prevalence
from miner.claims.claim_types import family
from miner.claims.counted import Item
from miner.claims.document import BACKGROUND, METHODS, TITLE, Subject, View, distinct, therapies
from miner.claims.frames import DENIED, HEDGED, SUPPORTS, Stance, build
from miner.claims.prevalence_figures import Figures, figures_of
from miner.schema import Claim, ClaimType, Cohort, Label, Polarity, StudyType

Span = tuple[int, int]


def together(view: View, subjects: list[Subject], within: Span | None = None) -> Iterator[Claim]:
    """Claims that alterations go together, or never do."""
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
    alone = len(alterations) < 2 or (denied and len({s.gene for s in present}) < 2)
    own = _own(view, cue, present) if not alone else []
    if present and not signed and (alone or own):
        present = distinct([*present, *(host(view, present) if alone else own)])
    amplified = sum(s.alteration == "amplification" for s in present) == 1
    if not signed and not amplified and len({s.gene for s in present}) == 1 and not all(s.variant or s.fusion for s in present):
        return
    if not present or (not signed and len({(s.gene, s.fusion, s.variant, s.alteration) for s in present}) < 2):
        return
    associated = counted.rules()["tied_to"].fullmatch(view.document.text[slice(*cue)])
    if denied and not associated and all(_drives(view, s) for s in present):
        present = distinct([*present, *host(view, present)]) if within else present
        yield from build(view, ClaimType.MUTUAL_EXCLUSIVITY, "biology.never_together", subjects=present, joint=True, n=size(view))
        return
    figures = _figures(view, cue, len({s.gene for s in present}))
    if view.is_aim and not figures:
        return
    listed = [] if within or denied else _listed(view, present, own)
    for member, others in listed:
        values, n = _counts(view, member.item, others)
        yield from build(
            view, ClaimType.CO_OCCURRENCE, "biology.listed_together", subjects=distinct([member.subject, *others]), stance=stance,
            figures=values, n=n, joint=True, confidence=0.65,
        )  # fmt: skip
    if listed:
        return
    hosts = [s for s in present if counted.is_population(view, s)]
    counts = [(*_counts(view, item, hosts), _whose(present, hosts, figures, item)) for item in figures]
    for values, n, subjects in counts or [({}, size(view), present)]:
        yield from build(
            view, ClaimType.CO_OCCURRENCE, "biology.together", subjects=subjects, stance=stance, figures=values, n=n, joint=True,
            confidence=0.65,
        )  # fmt: skip


def _counts(view: View, item: Item, hosts: Sequence[Subject]) -> tuple[Figures, int | None]:
    """The figures of a pair; those who carry the one are the population, where the sentence names them."""
    values, n = figures_of(view, *item)
    measure = item[1]
    if not hosts or measure.total or (measure.n and measure.metric == "value_percent"):
        return values, n
    values.pop("N", None)
    n = cohorts.ledger(view.document).carrying({s.gene or "" for s in hosts}, view.start)
    return (values | {"N": n} if n else values), n


def _whose(present: list[Subject], hosts: list[Subject], figures: Sequence[Item], item: Item) -> list[Subject]:
    """The pair that one of several figures is of: as many figures as alterations that carriers have beside their own."""
    partners = [s for s in present if s not in hosts]
    if not hosts or len(figures) != len(partners) or len(partners) < 2:
        return present
    return [partners[list(figures).index(item)], *hosts]


def _own(view: View, cue: Span, present: Sequence[Subject]) -> list[Subject]:
    """What the carriers have of whom other alterations are told: "concomitant events included TP53 and STK11 mutations"."""
    told = counted.rules().spans("beside_own", view.document.text, view.start, view.end)
    focus = {m for s in view.document.focus for m in (s.gene, *view.document.lexicon.members(s.gene or ""))}
    if not any(a <= cue[0] < b for a, b in told) or any(s.gene in focus for s in present):
        return []
    return host(view, present)[:1]


def _listed(view: View, present: Sequence[Subject], own: Sequence[Subject]) -> list[tuple[gene_lists.Listed, list[Subject]]]:
    """Alterations listed each with its figure, and those whose company they all keep."""
    figures = frames.measures(view, "value_percent", "n_pos")
    members = gene_lists.read(view, counted.candidates(view), figures)
    told = {(m.subject.gene, m.subject.variant, m.subject.alteration) for m in members}
    genes = {m.subject.gene for m in members}
    others = [s for s in present if s.gene not in genes or (s.variant and (s.gene, s.variant, s.alteration) not in told)]
    others = [*own] or others or (prevalence.all_carry(view) if members else [])
    each = bool(members) and len(members) == len(figures) == len(present)
    return [(m, others or host(view, present)[:1]) for m in members] if others or each else []


def _company(view: View, subjects: Sequence[Subject], within: Span | None = None) -> Span | None:
    """Where the sentence says that alterations go together, or None."""
    rules, text = counted.rules(), view.document.text
    cues = [(c.start, c.end) for c in view.sense("cooccur", within=within)]
    weak = [c for c in cues if rules.within("weak_company", text, *c)]
    firm = [c for c in cues if c not in weak]
    if firm:
        return firm[0]
    if not within and (linked := _linked(view, subjects)):
        return linked
    if view.tells(rules, "not_company") or view.tells(rules, "acquired"):
        return None
    several = len({family(s.gene) for s in subjects if s.kind != "wild-type"}) > 1
    same = rules.spans("in_the_same", text, view.start, view.end) if several and _mutated(view) else []
    if same:
        return same[0]
    weak += [c for c in rules.spans("company", text, view.start, view.end) if any(0 <= s.start - c[1] < 60 for s in subjects)]
    weak = [c for c in weak if not rules["findings_with"].search(text[max(view.start, c[0] - 60) : c[0]])]
    if len({(s.gene, s.fusion, s.variant) for s in subjects if s.kind not in ("gene", "wild-type")}) > 1 and weak:
        return weak[0]
    signed = rules.spans("signature", text, view.start, view.end)
    if not signed or therapies(view):
        return None
    tied = [(c.start, c.end) for c in view.sense("associate")]
    before = [s for s in subjects if s.end <= signed[0][0] and s.kind not in ("gene", "wild-type")]
    carriers = [s for s in before if _is_group(view, s)]
    shown = carriers and rules.within("with_signature", text, carriers[-1].end, signed[0][0])
    behind = [s for s in subjects if s.start >= signed[0][1] and s.kind not in ("gene", "wild-type") and _is_group(view, s)]
    seen = behind and _FOUND_IN.search(text, signed[0][1], behind[0].start)
    return tied[0] if tied else signed[0] if shown or seen or _in_one(view) else None


# "Microsatellite instability was seen in 11 of 15 NTRK-rearranged tumours".
_FOUND_IN = re.compile(
    r"\b(?:seen|found|observed|detected|present|identified|noted|documented|recorded|diagnosed|confirmed|shown)\s+in\b", re.I
)

_WITH = re.compile(r"\b(?:with|harbou?ring|carrying|bearing|having|positive for)(?: an?| the)?\s*$", re.I)


def _is_group(view: View, subject: Subject) -> bool:
    """Does an alteration name a group that carries it: "NTRK-rearranged tumours", "of 15 tumours with NTRK fusions"?"""
    rules, text = counted.rules(), view.document.text
    if counted.is_population(view, subject) or rules["group_after"].match(text[subject.end : subject.end + 60]):
        return True
    return bool(_WITH.search(text[max(view.start, subject.start - 40) : subject.start]))


def _linked(view: View, subjects: Sequence[Subject]) -> Span | None:
    """Where carriers of one alteration are told to have another, or the two to be associated; None where that was counted."""
    if view.is_aim or therapies(view) or view.has("respond", "outcome", "resist") or view.tells(counted.rules(), "acquired"):
        return None
    text, rules = view.document.text, counted.rules()
    altered = [s for s in subjects if s.kind not in ("gene", "wild-type") and not (s.mention and s.mention.polarity is Polarity.NEGATED)]
    for first, second in pairwise(altered):
        gap, clause = (first.end, second.start), view.clause(first.start)
        if gap[0] > gap[1] or second.start >= clause[1] or family(first.gene) == family(second.gene):
            continue
        between = text[slice(*gap)]
        tie = between.strip() in ("and", "with") and rules["tie"].search(text[view.start : first.start])
        if tie or rules["tied_to"].fullmatch(between):
            return gap
        if frames.measures(view, "value_percent", "n_pos", within=clause):
            continue
        if rules["have_too"].fullmatch(between) or (rules["seen_in"].fullmatch(between) and counted.is_population(view, second)):
            return gap
    return None


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
    pair = [s for s in view.subjects if s.gene and view.clause(cue[0])[0] <= s.start < view.clause(cue[0])[1]]
    if not therapies(view) and len({s.gene for s in pair}) > 1 and all(s.mention and s.mention.polarity is Polarity.NEGATED for s in pair):
        return DENIED
    stance = frames.stance_at(view, *cue)
    if stance == DENIED and (signed or not counted.rules()["not_before"].search(view.document.text[view.start : cue[0]])):
        return SUPPORTS
    return HEDGED if stance == frames.OPEN else stance


def _figures(view: View, cue: Span, several: int) -> list[Item]:
    """Figures of the company: those of the cue's own clause; the nearest alone, unless each of several partners has its own."""
    found = frames.measures(view, "value_percent", "n_pos")
    found = [i for i in found if not counted.counts_else(view, i, found) and not counted.told_before(view, i[0], cue[0])]
    inside = [i for i in found if view.clause(i[0].start) == view.clause(cue[0])]
    near = sorted(inside, key=lambda i: frames.distance((i[0].start, i[0].end), cue))
    return near[:1] if len(near) > 1 and not view.subjects[1:] and len(inside) + 1 != several else inside


def host(view: View, subjects: Sequence[Subject]) -> list[Subject]:
    """The carriers that a sentence speaks of without naming them: those of the sentence before, or the paper's."""
    genes = {s.gene for s in subjects}
    return [s for s in pointed_at(view) or frames.carried_subjects(view) if s.gene not in genes][:2]


def pointed_at(view: View) -> list[Subject]:
    """The alterations of the sentence before, where this one denies something of "these"."""
    if view.index == 0 or not re.match(r"\W*(?:none|neither|no one) of (?:these|those|them|which)", view.text, re.I):
        return []
    return [s for s in frames.affirmed(view.document.views[view.index - 1].subjects) if s.gene]


# "mutually exclusive in all but one tumour": those excepted are not the group.
_BUT = re.compile(r"\b(?:all but|except(?:ing)?(?: for| in)?|apart from|save)\s+$", re.I)


def size(view: View, within: Span | None = None) -> int | None:
    """How many the sentence, or a clause of it, tells of; one in a case report."""
    groups = [m for m in view.of(Label.COHORT, within=within) if not _BUT.search(view.document.text, view.start, m.start)]
    sizes = {m.referent.total or m.referent.n for m in groups if isinstance(m.referent, Cohort)}
    if not sizes and view.document.study_type is StudyType.CASE_REPORT and view.role != BACKGROUND:
        return 1
    return sizes.pop() if len(sizes) == 1 else None
