"""Mutual exclusivity and co-occurrence: the alterations of a pair stand together in one claim."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from miner.claims import company, counted, frames
from miner.claims.claim_types import family
from miner.claims.document import METHODS, TITLE, Subject, View, agents, distinct, therapies
from miner.claims.frames import AGAINST, DENIED, SUPPORTS, Stance, build
from miner.schema import Claim, ClaimType, Label, Polarity

Span = tuple[int, int]
_PAIRED = 60
_NEGATIVE = re.compile(
    r"(?:did |do |does |was |were )?not|no|lack|absence|without|less|rarely|had no|depletion|never|seldom|none|absent|wild|negative"
    r"|only|exclusively|solely|inverse|almost|hardly|exceptionally|infrequent|uncommon"
    r"|confined|restricted|limited|exclusive to|(?:occur|found|seen)",
    re.I,
)


def extract(view: View) -> Iterator[Claim]:
    """Claims of exclusivity, else of company."""
    subjects = _subjects(view)
    parts = _contrasted(view)
    if parts:
        exclusive, together = ([s for s in subjects if a <= s.start < b] for a, b in parts)
        yield from _exclusive(view, exclusive) or ()
        yield from company.together(view, _with_carriers(view, exclusive, together), parts[1])
        return
    clauses = sorted({view.clause(c.start) for c in view.sense("cooccur")})
    groups = [[s for s in subjects if a <= s.start < b] for a, b in clauses]
    if len(groups) > 1 and all(groups):
        for clause, group in zip(clauses, groups, strict=True):
            yield from company.together(view, group, clause)
        return
    found = _exclusive(view, subjects)
    yield from company.together(view, subjects) if found is None else found


def _contrasted(view: View) -> tuple[Span, Span] | None:
    """The clause that tells of exclusivity and that which tells of company, where one sentence sets the one against the other."""
    apart = {view.clause(c.start) for c in view.sense("exclusive")}
    joint = {view.clause(c.start) for c in view.sense("cooccur")} - apart
    if not apart and len(joint) == 1:
        denied = {view.clause(s.start) for s in _denied(_subjects(view))} - joint
        apart = denied if not denied & {view.clause(s.start) for s in frames.affirmed(view.subjects) if s.kind == "wild-type"} else apart
    return (apart.pop(), joint.pop()) if len(apart) == len(joint) == 1 else None


def _with_carriers(view: View, exclusive: Sequence[Subject], together: list[Subject]) -> list[Subject]:
    """Of a clause that names but one alteration, the carriers are those of whom the other clause told."""
    if len({(s.gene, s.alteration) for s in together}) != 1 or not exclusive:
        return together
    text, rules = view.document.text, counted.rules()
    present = [s for s in exclusive if s not in _denied(exclusive)]
    hosts = [s for s in present if rules["group_after"].match(text[s.end : s.end + 60])] or present[:1]
    return distinct([*together, *(s for s in hosts[:1] if s.kind != "gene")])


def _subjects(view: View) -> list[Subject]:
    """Every alteration of the sentence, negated ones too, and genes listed with them."""
    found = [s for s in view.subjects if s.gene and s.alteration not in ("expression", "overexpression")]
    genes = {g for s in view.subjects if s.gene for g in (s.gene, *((s.fusion or "").split("::")))}
    taken = [(m.start, m.end) for m in view.of(Label.FUSION, Label.VARIANT, Label.DRUG_CLASS, Label.ASSAY, Label.DRUG)]
    for m in view.of(Label.GENE):
        if m.name and m.name not in genes and not any(a <= m.start and m.end <= b for a, b in taken):
            found.append(Subject(m.start, m.end, m.name, mention=m))
    return distinct(sorted(found, key=lambda s: s.start))


def _exclusive(view: View, subjects: list[Subject]) -> Iterator[Claim] | None:
    rules, text = counted.rules(), view.document.text
    cues = [(c.start, c.end) for c in view.sense("exclusive")] + rules.spans("apart", text, view.start, view.end)
    if not view.has("cooccur") and len({s.gene for s in subjects if s.kind != "gene"}) > 1:
        cues += rules.spans("inverse", text, view.start, view.end)
    denials = [] if view.role == TITLE else rules.spans("none_had", text, view.start, view.end)
    against = view.tells(rules, "not_exclusive")
    nothing = not cues and not denials and not against and not _denied(subjects)
    if nothing or ((view.is_aim or view.role == METHODS) and view.role != TITLE):
        return None
    lacking = [] if cues or against else _absent_in_carriers(view, subjects)
    if lacking:
        return iter(
            build(
                view, ClaimType.MUTUAL_EXCLUSIVITY, "biology.absent_in_carriers", subjects=lacking, n=company.size(view), joint=True,
                confidence=0.6,
            )
        )  # fmt: skip
    if not cues and not against:
        if not denials:
            return None
        told = therapies(view) or view.has("respond", "outcome") or view.tells(rules, "acquired")
        if told or not _lacks_others(view, subjects, denials[0]) or any(counted.lacked_by(view, s) for s in subjects):
            return None
    genes, focus = {s.gene for s in subjects}, {s.gene for s in view.document.focus}
    whole = len(genes) > 1 and (genes & focus or not focus or _named_as_pair(view, subjects, cues)) and not company.pointed_at(view)
    alone = bool(cues) and _of_others_alone(view, subjects, cues[0])
    if alone and not company.host(view, subjects):
        return None
    chosen = subjects if whole and not alone else distinct([*subjects, *company.host(view, subjects), *_positive(view, subjects)])
    if not chosen or (len({s.gene for s in chosen}) == 1 and agents(view)):
        return None  # "active only in patients without EGFR mutations": of whom a therapy is told
    span = (cues or denials or [(view.start, view.end)])[0]
    return iter(
        build(
            view, ClaimType.MUTUAL_EXCLUSIVITY, "biology.exclusive", subjects=chosen, stance=_stance(view, span, bool(against)),
            n=company.size(view, view.clause(span[0])), joint=True, confidence=0.7,
        )
    )  # fmt: skip


def _of_others_alone(view: View, subjects: Sequence[Subject], cue: Span) -> bool:
    """Does what excludes others stand without its gene: "fusions were mutually exclusive with EGFR and KRAS mutations"?"""
    text = view.document.text
    return re.match(r"\s*(?:with|of|to)\b", text[cue[1] : cue[1] + 8]) is not None and not any(s.start < cue[0] for s in subjects)


def _positive(view: View, subjects: Sequence[Subject]) -> list[Subject]:
    """The fusion of the title, where a sentence that names no alteration tells what "fusion-positive" tumours lack."""
    if subjects or not counted.rules().within("fusion_positive", view.document.text, view.start, view.end):
        return []
    return [s for s in view.document.focus if s.kind == "fusion"][:1]


def _named_as_pair(view: View, subjects: Sequence[Subject], cues: Sequence[Span]) -> bool:
    """Are alterations told to exclude each other, and nothing else: "mutually exclusive mutations in HRAS or NRAS"?"""
    if len(cues) != 1:
        return False
    text, (start, end) = view.document.text, cues[0]
    if "exclusiv" not in text[start:end].lower():
        return False
    behind = [s for s in subjects if 0 <= s.start - end < _PAIRED]
    to_others = re.match(r"\s*(?:with|to|from|of)\b", text[end : end + 8])
    return len({s.gene for s in behind}) > 1 and not to_others and not any(s.end <= start for s in subjects)


def _denied(subjects: Sequence[Subject]) -> list[Subject]:
    return [s for s in subjects if s.mention and s.kind != "gene" and s.mention.polarity is Polarity.NEGATED]


def _absent_in_carriers(view: View, subjects: Sequence[Subject]) -> list[Subject]:
    """Alterations not found in a group and those that it carries: "KRAS mutations were absent in ROS1-positive tumours"."""
    rules, text = counted.rules(), view.document.text
    absent = _denied(subjects)
    if not absent or view.role == TITLE or therapies(view) or view.has("respond", "outcome", "resist") or view.tells(rules, "acquired"):
        return []
    last = absent[-1]
    if rules["own_cases"].match(text[last.end : last.end + 90]):
        return []
    carried = [s for s in subjects if s not in absent and s.kind not in ("gene", "wild-type")]
    after = [s for s in carried if rules["group_after"].match(text[s.end : s.end + 60])]
    carried = after or [s for s in carried if rules["group_before"].search(text[max(view.start, s.start - 60) : s.start])]
    if not carried and rules["of_the_carriers"].match(text[last.end : last.end + 90]):
        carried = company.host(view, absent)
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
    carriers = [s for s in subjects if s.end <= cue[1] and s not in lacking] or company.pointed_at(view)
    carriers = carriers or (view.document.focus if frames.points_back(view) else [])
    kin = {m for s in carriers for m in (s.gene, *view.document.lexicon.members(s.gene or ""))}
    again = [m for m in view.of(Label.GENE) if m.start > cue[0] and m.name in kin]
    return bool(lacking and carriers) and not again and not any(s.gene in kin for s in lacking)


def _stance(view: View, span: Span, against: bool) -> Stance:
    if against:
        return DENIED if re.search(r"\bnot\b", view.text) else AGAINST
    if _NEGATIVE.match(view.document.text[span[0] : span[1]]):
        return SUPPORTS
    stance = frames.stance_at(view, *span)
    return AGAINST if stance == DENIED else stance


