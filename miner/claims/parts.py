"""Figures of a part of the carriers: "of these, 66 had exon 19 deletions", "V600E in 53% and G469A in 47%"."""

from __future__ import annotations

from collections.abc import Sequence

from miner.claims import cohorts
from miner.claims.claim_types import family
from miner.claims.counted import is_population, rules
from miner.claims.document import Subject, View
from miner.schema import Measure, Mention

_FEWEST, _MOST = 97, 103


def is_part(view: View, mention: Mention, subject: Subject) -> bool:
    """Is a figure a share of those who carry an alteration of the same gene, or of whom the sentence just told?"""
    return _points_at(view, mention) is not None or _of_own_carriers(view, mention, subject)


def whole(view: View, mention: Mention, subject: Subject) -> int | None:
    """How many carriers a figure is a share of, where they were counted."""
    book, pointer = cohorts.ledger(view.document), _points_at(view, mention)
    if pointer is None:
        return book.carrying(_kin(view, subject), view.start)
    measure = mention.referent
    size = measure.n if isinstance(measure, Measure) and measure.n else 0
    groups = sorted([*book.groups, *book.carriers], key=lambda g: g.start)
    told = [g for g in groups if g.start < pointer and view.index - g.view.index <= 1]
    return told[-1].n if told and told[-1].n >= size else None


def _points_at(view: View, mention: Mention) -> int | None:
    """Where the sentence points at a group told before, straight before a figure."""
    text = view.document.text
    if rules()["of_them"].match(text[mention.end : mention.end + 40]):
        return mention.start
    found = rules().spans("pointer", text, view.start, mention.start)
    between = [f for f in found if not any(f[1] <= m.start < mention.start for m in view.mentions if isinstance(m.referent, Measure))]
    return between[-1][0] if between and (mention.start - between[-1][1] < 60) else None


def _of_own_carriers(view: View, mention: Mention, subject: Subject) -> bool:
    """Is a variant told to be a share of the altered tumours of its gene: "G12C in 41% of KRAS-mutant tumours"?"""
    if not subject.variant:
        return False
    text, kin = view.document.text, _kin(view, subject)
    for other in view.subjects:
        if other.variant or other.gene not in kin or other.start == subject.start:
            continue
        if is_population(view, other) or rules()["of_all"].search(text[max(view.start, other.start - 30) : other.start]):
            return True
        if other.end < subject.start and rules()["made_up_of"].match(text[other.end : subject.start + 1]):
            return True
    return False


def sum_to_all(view: View, listed: Sequence[tuple[Subject, Measure]]) -> int | None:
    """The counted carriers of one gene, or family, whom a list divides: its counts make up their number, or its shares 100%."""
    genes = {s.gene for s, _ in listed if s.gene}
    kin = {k for s, _ in listed for k in _kin(view, s)}
    one_gene = len(genes) == 1 and all(s.variant or (s.alteration or "").startswith("non-") for s, _ in listed)
    one_family = len(genes) > 1 and len({family(g) for g in genes}) == 1
    if len(listed) < 2 or not (one_gene or one_family):
        return None
    book = cohorts.ledger(view.document)
    counts = [m.n for _, m in listed if m.n is not None]
    carrying = [g for g in book.carriers if g.start < listed[0][0].start and g.genes & kin]
    if len(counts) == len(listed):
        return next((g.n for g in reversed(carrying) if g.n == sum(counts)), None)
    shares = [m.value for _, m in listed if isinstance(m.value, int | float)]
    return carrying[-1].n if carrying and len(shares) == len(listed) and _FEWEST <= sum(shares) <= _MOST else None


def _kin(view: View, subject: Subject) -> set[str]:
    gene = subject.gene or ""
    return {gene, family(gene), *view.document.lexicon.members(gene)}
