"""Safety: which therapy does what harm, how often, or that it is tolerated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from miner.claims import arms, cohorts, frames, trial, words
from miner.claims.document import BACKGROUND, BODY, METHODS, TITLE, Subject, View, agents, therapies, therapy_role
from miner.claims.effect_rules import shape
from miner.claims.frames import build, names
from miner.schema import Claim, ClaimType, Cohort, Label, Measure, Mention, Polarity, StudyType

Item = tuple[Mention, Measure]
Span = tuple[int, int]
_FEW, _ASIDE = 3, 6
_OWN_PATIENTS = (StudyType.TRIAL, StudyType.RETROSPECTIVE_COHORT)


def extract(view: View) -> Iterator[Claim]:
    """Safety claims of a sentence: one for each arm whose figures it gives, else one."""
    cues = _triggers(view)
    if not cues or _idle(view):
        return
    items = frames.measures(view, "AE_percent")
    given = _therapies(view)
    if not given:
        return
    for group, figures in _arms(view, given, items):
        chosen = names(view, group)
        events = _events(view, figures) if figures or not items else ""
        yield from build(
            view, ClaimType.SAFETY, "practice.safety", subjects=_targets(view, chosen), therapies=chosen,
            figures={"AE": events} if events else {}, stance=_stance(view, cues[0], figures), n=_population(view, figures, chosen),
            confidence=0.65 if figures else 0.55,
        )  # fmt: skip


def _words() -> words.Words:
    return words.load("safety.toml")


def _triggers(view: View) -> list[Span]:
    """General words of toxicity, and names of events that the sentence ties to a therapy."""
    named = view.of(Label.DRUG, Label.DISEASE)
    core = [(c.start, c.end) for c in view.sense("safetycore")] + _words().spans("general", view.document.text, view.start, view.end)
    core = [c for c in core if not any(m.start <= c[0] and c[1] <= m.end for m in named)]
    events = _event_spans(view)
    tied = events and (_words()["tie"].search(view.text) or frames.measures(view, "AE_percent"))
    placed = agents(view) or view.role not in (TITLE, BACKGROUND) or frames.points_back(view)
    if tied and placed and not view.has("respond", "outcome", "resist"):
        core += events
    return sorted(core)


def _event_spans(view: View) -> list[Span]:
    diseases = view.of(Label.DISEASE, Label.DRUG)
    text, others = view.document.text, [_words()["bettered"], _words()["brought_by"]]
    found = _words().spans("event", text, view.start, view.end)
    found = [e for e in found if not any(other.search(text[max(view.start, e[0] - 40) : e[0]]) for other in others)]
    return [e for e in found if not any(m.start < e[1] and e[0] < m.end and len(m.text) > e[1] - e[0] for m in diseases)]


def _idle(view: View) -> bool:
    figures = bool(frames.measures(view, "AE_percent"))
    if view.role in ("aim", METHODS) or (view.is_aim and not figures):
        return True
    if view.role == TITLE:
        return not _words()["judged"].search(view.text)
    return not figures and bool(_words()["idle"].search(view.text))


def _therapies(view: View) -> list[Mention]:
    """Therapies of the sentence (given, or compared where figures or words compare), else those that it points at, else the paper's."""
    roles = ("agent", "comparator") if frames.measures(view, "AE_percent") or _words()["compares"].search(view.text) else ("agent",)
    managed = _words()["managed"]
    given = [m for m in agents(view) if not managed.search(view.document.text[max(view.start, m.start - 60) : m.start])]
    here = [m for m in therapies(view) if m in given or (therapy_role(view.document, m) == "comparator" and "comparator" in roles)]
    if here and not _drugs(here) and view.document.study_type is StudyType.REVIEW and not _words()["pointing"].search(view.text):
        return here
    here = _stopped(view) or _drugs(here) or ([] if view.document.focus_drugs and _drugs(view.document.focus_drugs) else here)
    if here and (given or not view.document.focus_drugs or frames.measures(view, "AE_percent")):
        return _without_classes(view, here)
    carried = _drugs(frames.carried_therapies(view))
    titled = _drugs(agents(view.document.title)) if view.document.title else []
    carried = carried if any(m.label is Label.DRUG for m in carried) or not titled else []
    follows = view.document.study_type is StudyType.REVIEW or view.role in (BODY, BACKGROUND) or _words()["pointing"].search(view.text)
    return carried if carried and (follows or not titled) else titled or carried


def _stopped(view: View) -> list[Mention]:
    """Therapies whose withdrawal the sentence speaks of."""
    if not _event_spans(view):
        return []
    text, before = view.document.text, _words()["stopped"]
    return [m for m in therapies(view) if before.search(text[max(view.start, m.start - 40) : m.start])]


def _drugs(mentions: Sequence[Mention]) -> list[Mention]:
    return [m for m in mentions if not _words()["procedure"].search(m.name or "")]


def _without_classes(view: View, found: list[Mention]) -> list[Mention]:
    """Leave out a class that one of the sentence's drugs belongs to."""
    classes = {c for m in found if m.label is Label.DRUG for c in view.document.lexicon.classes(m.name or "")}
    return [m for m in found if m.label is Label.DRUG or m.name not in classes] or found


def _arms(view: View, given: list[Mention], items: list[Item]) -> Iterator[tuple[list[Mention], list[Item]]]:
    """Therapies with the figures that belong to them: by "respectively", else by whether the therapy stands before or after its figures."""
    placed = _placed(view, items)
    if placed:
        yield from placed
        return
    groups = _groups(view, [m for m in given if view.start <= m.start < view.end])
    if len(groups) < 2 or not items:
        yield given, items
        return
    if paired := _paired(view, groups, items):
        yield from paired
        return
    forward = min(m.start for m, _ in items) > groups[0][0].start
    held: list[list[Item]] = [[] for _ in groups]
    for mention, measure in items:
        held[_arm_of(groups, mention, measure, forward)].append((mention, measure))
    if all(held):
        yield from zip(groups, held, strict=True)
    else:
        yield [m for g, h in zip(groups, held, strict=True) if h for m in g], items


def _paired(view: View, groups: list[list[Mention]], items: list[Item]) -> list[tuple[list[Mention], list[Item]]]:
    """Figures in pairs behind both therapies: "fewer with A than with B (23% v 47%)"; none where they are not so placed."""
    if len(groups) != 2 or len(items) % 2 or items[0][0].start < groups[1][0].end or any(m.item for _, m in items):
        return []
    against, text = _words()["against"], view.document.text
    if not all(against.search(text[a.end : b.start]) for (a, _), (b, _) in zip(items[::2], items[1::2], strict=True)):
        return []
    return [(groups[0], items[::2]), (groups[1], items[1::2])]


def _placed(view: View, items: list[Item]) -> list[tuple[list[Mention], list[Item]]]:
    """Figures by the arms of the trial; none where one of them has no arm."""
    held: dict[trial.Arm, list[Item]] = {}
    for mention, measure in items:
        arm = arms.placed(view, mention, measure, items)
        if arm is None:
            return []
        held.setdefault(arm, []).append((mention, measure))
    return [(trial.given_in(arm), members) for arm, members in held.items()]


def _groups(view: View, given: list[Mention]) -> list[list[Mention]]:
    """Therapies given together, or named as one arm, as one group."""
    groups: list[list[Mention]] = []
    for mention in given:
        gap = view.document.text[groups[-1][-1].end : mention.start] if groups else ""
        if groups and len(gap) < 26 and not _words()["apart"].search(gap):
            groups[-1].append(mention)
        else:
            groups.append([mention])
    return groups


def _arm_of(groups: list[list[Mention]], mention: Mention, measure: Measure, forward: bool) -> int:
    if measure.item:
        tied = [i for i, g in enumerate(groups) if any(m.start < measure.item[1] and measure.item[0] < m.end for m in g)]
        if tied:
            return tied[0]
    if forward:
        return max((i for i, g in enumerate(groups) if g[0].start < mention.start), default=0)
    return min((i for i, g in enumerate(groups) if g[-1].end > mention.start), default=len(groups) - 1)


def _targets(view: View, chosen: Sequence[str]) -> list[Subject]:
    """The target that the name of a class tells: ``TRK inhibitors`` speaks of NTRK."""
    found = []
    for name in chosen:
        for hit in view.document.lexicon.find(name.split()[0]) if name.endswith(" inhibitors") else []:
            if hit.label is Label.GENE:
                found.append(Subject(view.start, view.start, hit.concept.name))
    return found if len(chosen) == 1 else []


def _stance(view: View, cue: Span, figures: list[Item]) -> frames.Stance:
    """Harm is always what a claim of safety supports; only a hedge counts."""
    if not figures and _words()["no_more"].search(view.text):
        return frames.DENIED
    spans = [cue, *_words().spans("tie", view.document.text, view.start, view.end)]
    return frames.HEDGED if any(frames.stance_at(view, *s)[1] is Polarity.HEDGED for s in spans[:2]) else frames.SUPPORTS


def _events(view: View, items: list[Item]) -> str:
    items = [(m, r) for m, r in items if not _is_least(view, r)]
    parts, dealt = [], _dealt(view, items)
    for place, (mention, measure) in enumerate(items):
        before = items[place - 1] if place else None
        span = dealt[place] if dealt else _named_before(view, mention, measure, before) or _main_event(view, measure.anchor)
        name = view.document.text[slice(*span)] if span else ""
        parts.append(f"{name} {measure.value}%".strip() if measure.value is not None else name)
    return "; ".join(p for p in parts if p) or "; ".join(dict.fromkeys(view.document.text[a:b] for a, b in _event_spans(view)))


def _is_least(view: View, measure: Measure) -> bool:
    """Is a share that from which on events are told: "the most common adverse reactions (≥20%) were nausea and cough"?"""
    general = measure.anchor and _words()["any_event"].fullmatch(view.document.text[slice(*measure.anchor)])
    return isinstance(measure.value, str) and bool(general) and bool(_event_spans(view))


def _main_event(view: View, anchor: Span | None) -> Span | None:
    """The event that a figure is of, where another is only set beside it: "dizziness, with or without ataxia, in 41%"."""
    if anchor is None or not _words()["set_beside"].search(view.document.text[max(view.start, anchor[0] - 25) : anchor[0]]):
        return anchor
    before = [s for s in _event_spans(view) if s[1] <= anchor[0] and view.document.text[s[1] : anchor[0]].count(" ") < _ASIDE]
    return before[-1] if before else anchor


def _named_before(view: View, mention: Mention, measure: Measure, before: Item | None) -> Span | None:
    """The event told right before a figure, where no name was known there: "asthenia in four (5%), and carcinoma in four (4%)"."""
    anchor, text = measure.anchor, view.document.text
    if anchor is None or anchor[1] > mention.start:
        return None
    general = _words()["any_event"].fullmatch(text[slice(*anchor)]) is not None
    if not (general or (before and before[1].anchor == anchor)):
        return None
    start = max(anchor[1], before[0].end) if before and before[1].anchor == anchor else anchor[1]
    told = shape("safety.told_event" if start > anchor[1] else "safety.first_event").fullmatch(text, start, mention.start)
    return told.span("event") if told else None


def _dealt(view: View, items: Sequence[Item]) -> list[Span]:
    """Events in the order of figures that follow them all: "nausea, vomiting and diarrhea were uncommon: 2.6%, 2.5% and 2.7%"."""
    before = [s for s in _event_spans(view) if items and s[1] <= items[0][0].start]
    return before if len({m.anchor for _, m in items}) == 1 < len(items) == len(before) else []


def _population(view: View, items: list[Item], chosen: Sequence[str]) -> int | None:
    totals = [r.total for _, r in items if r.total]
    here = [m.referent for m in view.of(Label.COHORT) if isinstance(m.referent, Cohort)]
    totals += [c.total for c in here if c.total]
    if totals:
        return totals[0]
    counted = {r.n for _, r in items}
    treated = [m for m in view.of(Label.COHORT) if isinstance(m.referent, Cohort) and m.referent.n not in counted and _is_all(view, m)]
    if treated and isinstance(treated[0].referent, Cohort) and (treated[0].referent.n or 0) > (_FEW if items else 0):
        return treated[0].referent.n
    book = cohorts.ledger(view.document)
    if view.document.study_type is StudyType.CASE_REPORT and max((g.n for g in book.groups), default=1) == 1:
        return 1
    for mention, measure in items:
        if measure.n and isinstance(measure.value, int | float) and (fit := book.fitting(measure.n, measure.value, mention.start)):
            return fit
    return _assessed(view, chosen) or trial.population(view, chosen, whole=trial.design(view.document) is None, studies=_OWN_PATIENTS)


def _assessed(view: View, chosen: Sequence[str]) -> int | None:
    """In how many the paper says that safety was assessed, where it is of one therapy."""
    if trial.design(view.document) or len({c for g in cohorts.ledger(view.document).groups for c in g.drugs - set(chosen)}) > 1:
        return None
    for other in view.document.views:
        if other.role not in (TITLE, BACKGROUND) and other.tells(_words(), "assessed"):
            counts = [m.referent.n for m in other.of(Label.COHORT) if isinstance(m.referent, Cohort) and m.referent.n]
            if counts:
                return counts[-1]
    return None


def _is_all(view: View, mention: Mention) -> bool:
    """Is this counted group the one that was treated, and not those with the event?"""
    return bool(_words()["whole"].search(view.document.text[max(view.start, mention.start - 40) : mention.start]))
