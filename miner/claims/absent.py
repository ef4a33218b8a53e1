"""Alterations that were looked for in a group and found in nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from miner.claims import cohorts
from miner.claims.counted import acquired, lacked_by, rules
from miner.claims.document import Subject, View, agents, distinct
from miner.claims.frames import DENIED, build
from miner.schema import Alteration, Claim, ClaimType, Cohort, Label, Polarity, StudyType


def extract(view: View, told: Sequence[tuple[int, int]]) -> Iterator[Claim]:
    """An alteration that nobody of a group had, in clauses other than those whose figures are ``told``."""
    if view.document.study_type is StudyType.CASE_REPORT or view.has("exclusive", "cooccur") or agents(view) or acquired(view):
        return
    if not view.has("frequency", "detect") and not view.tells(rules(), "finding"):
        return
    text, focus = view.document.text, {s.gene for s in view.document.focus}
    if view.tells(rules(), "cases_left_out"):
        return
    absent = [s for s in view.subjects if s.mention and s.mention.polarity is Polarity.NEGATED and view.clause(s.start) not in told]
    absent = [s for s in absent if s.fusion or (s.mention and isinstance(s.mention.referent, Alteration))]
    absent = [s for s in absent if not lacked_by(view, s)]
    told_of = next((s.start for s in absent if rules()["of_whom"].search(text[max(view.start, s.start - 60) : s.start])), view.end)
    absent = [s for s in absent if s.start < told_of]
    counted = bool(absent) and rules()["own_cases"].match(text[absent[-1].end : absent[-1].end + 90])
    total = max(_looked_at(view, absent), default=0)
    absent = absent if counted or total else [s for s in absent if s.gene in focus]
    total = total or cohorts.ledger(view.document).only_screened(view.start, 0) or 0
    if absent and (total or counted):
        yield from build(
            view, ClaimType.PREVALENCE, "biology.none", subjects=distinct(absent), stance=DENIED, n=total or None,
            figures={"n_pos": 0} | ({"N": total} if total else {}), confidence=0.6,
        )  # fmt: skip


def _looked_at(view: View, absent: Sequence[Subject]) -> Iterator[int]:
    """The sizes of the groups in which alterations were not found: not those of carriers that another clause counts."""
    clauses = {view.clause(s.start) for s in absent}
    for mention in view.of(Label.COHORT):
        group, own = mention.referent, any(s.start < mention.end and mention.start < s.end for s in view.subjects)
        if isinstance(group, Cohort):
            n = group.total or (group.n if view.clause(mention.start) in clauses or not own else 0) or 0
            if n > 1:
                yield n
