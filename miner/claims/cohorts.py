"""How many: the counted groups of a paper, and which of them a figure is of."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from miner.claims import frames, trial
from miner.claims.document import AIM, METHODS, RESULTS, TITLE, Document, View
from miner.claims.effect_rules import shape
from miner.schema import Cohort, Label, Measure, Mention

_FEW, _FEWEST_LISTED, _BRACKET = 3, 3, 8
_OUTCOMES = ("CR", "PR", "SD", "PD", "n_resp")
_BARE = re.compile(r"\s*(?:\([^()]*\)\s*)?(?:in|of|among)\s+(?:the\s+)?(\d{1,5})(?=[,;)]|\.?\s*$|\.\s)")  # "57% in 54"
_BEHIND = re.compile(
    r"\s*(?:%|percent|months?)?\s*(?:\([^()]*\)|\[[^\[\]]*\])?,?\s*(?:(?:was|were)\s+(?:\w+ly\s+)?"
    r"(?:seen|found|noted|observed|recorded|reported|documented|achieved|attained|obtained|reached|confirmed|demonstrated)\s+)?"
    r"(?:among|in|of|for|from)\s+(?:the|all|our|these)?\s*(?:(?:[\w/-]+\s+){1,5}\(\s*(?:n\s*=\s*)?)?"
)


@dataclass(frozen=True, slots=True)
class Group:
    """A counted group: its size, where it stands, and what stands beside it."""

    n: int
    start: int
    view: View
    drugs: frozenset[str]
    genes: frozenset[str]
    treated: bool
    screened: bool


class Ledger:
    """Every counted group of a paper in the order of the text."""

    def __init__(self, document: Document) -> None:
        self.document = document

    @cached_property
    def groups(self) -> list[Group]:
        """The groups of patients, tumours or samples."""
        return [g for view in self.document.views for m in view.of(Label.COHORT) if (g := self._group(view, m))]

    @cached_property
    def wholes(self) -> list[Group]:
        """What figures were told to be shares of: "14 of 1,012 tumours"."""
        told = [(v, m, m.referent.total) for v in self.document.views for m in v.of(Label.COHORT) if isinstance(m.referent, Cohort)]
        told += [(v, m, r.total) for v in self.document.views for m in v.of(Label.MEASURE) if (r := _share(m))]
        return [Group(n, m.start, v, frozenset(), frozenset(), False, False) for v, m, n in told if n]

    @cached_property
    def carriers(self) -> list[Group]:
        """Counted carriers of alterations, in the order of the text: who carries a part of it is counted among them."""
        counts = [(v, m, r.n) for v in self.document.views for m in v.of(Label.MEASURE) if (r := _share(m)) and r.n]
        found = [Group(n, m.start, v, frozenset(), _genes(v, m), False, False) for v, m, n in counts]
        wide = [(g, m) for g in self.groups for m in g.view.of(Label.COHORT) if m.start == g.start]
        found += [Group(g.n, m.start, g.view, frozenset(), _genes(g.view, m), False, True) for g, m in wide]
        return sorted((g for g in found if g.genes), key=lambda g: g.start)

    def carrying(self, genes: Container[str], position: int) -> int | None:
        """How many carried an alteration of some genes, by the largest count before a position; a part of them is fewer."""
        counted = [g for g in self.carriers if g.start < position and any(gene in genes for gene in g.genes)]
        return max((g.n for g in counted if not g.screened), default=None) or max((g.n for g in counted), default=None)

    def _group(self, view: View, mention: Mention) -> Group | None:
        cohort = mention.referent
        if not isinstance(cohort, Cohort) or not cohort.n or not shape("cohorts.people").search(cohort.unit):
            return None
        if not cohort.unit and any(m.start == mention.start and _is_outcome(m) for m in view.of(Label.MEASURE)):
            return None
        beside = (max(view.start, mention.start - 60), min(view.end, mention.end + 60))
        drugs = frozenset(m.name or "" for m in view.of(Label.DRUG, Label.DRUG_CLASS, within=beside))
        genes = frozenset(s.gene for s in view.subjects if s.gene and beside[0] <= s.start and s.end <= beside[1])
        clause = self.document.text[slice(*view.clause(mention.start))]
        treated, screened = (bool(shape(f"cohorts.{name}").search(clause)) for name in ("treated", "screened"))
        return Group(cohort.n, mention.start, view, drugs, genes, treated, screened)

    def fitting(self, n: int, percent: float, position: int) -> int | None:
        """The group of which ``n`` is ``percent``, the nearest one to a position."""
        for groups in (self.groups, self.wholes, [g for g in self.carriers if g.start < position and g.n > n]):
            fits = [g for g in groups if g.n >= n and abs(100 * n / g.n - percent) <= _tolerance(percent)]
            if fits:
                return min(fits, key=lambda g: (abs(g.start - position), g.start)).n
        return None

    def treated(self, view: View, position: int, therapies: Iterable[str]) -> int | None:
        """The group that was given some therapies: named beside one of them, else the last treated one of the results."""
        wanted = set(therapies)
        before = [g for g in self.groups if g.start < position and g.view.role not in (TITLE,) and (g.n > _FEW or g.view is view)]
        tied = [g for g in before if g.drugs & wanted]
        if tied:
            return tied[-1].n
        near = [g for g in before if g.treated and g.view.role == view.role and view.index - g.view.index <= 3 and not g.drugs - wanted]
        near = [g for g in near if not _of_part(g, near)]
        return near[-1].n if near else None

    def screened(self, position: int) -> int | None:
        """The population that was tested before a position: the largest of the title, methods and results so far."""
        before = [g.n for g in self.groups if g.start < position and (g.screened or g.view.role in (TITLE, METHODS, RESULTS, AIM))]
        return max(before, default=None)

    def only_screened(self, position: int, least: int) -> int | None:
        """The one group larger than a count that was looked at before a position; None where there were several."""
        found = {g.n for g in [*self.groups, *self.wholes] if g.start < position and (g.screened or g.view.role in (TITLE, METHODS))}
        return max(found) if len(found) == 1 and max(found) > least else None


def _of_part(group: Group, others: Iterable[Group]) -> bool:
    """Is a group one of several that another sentence sets side by side, each with its figures: "14 with A had 7 months, 5 with B 3"?"""
    beside = [g for g in others if g.view is group.view and g.n != group.n]
    return bool(beside) and len(frames.measures(group.view, "PFS_months", "OS_months", "DoR_months", "ORR_percent", "DCR_percent")) > 1


def _share(mention: Mention) -> Measure | None:
    """The measure of a mention, where it is a count or a share."""
    measure = mention.referent
    return measure if isinstance(measure, Measure) and measure.metric in ("value_percent", "n_pos") else None


def _genes(view: View, mention: Mention) -> frozenset[str]:
    """The genes of the clause whose alterations a count is of."""
    clause = view.clause(mention.start)
    named = view.subjects
    if not named and shape("cohorts.the_alteration").search(view.document.text[slice(*clause)]):
        return frozenset(s.gene for s in view.document.focus if s.gene)
    inside = [s for s in named if s.gene and clause[0] <= s.start < clause[1]]
    item = mention.referent.item if isinstance(mention.referent, Measure) else None
    tied = [s for s in inside if item and s.start < item[1] and item[0] < s.end]
    beside = sorted(inside, key=lambda s: min(abs(s.end - mention.start), abs(s.start - mention.end)))[:1]
    return frozenset(s.gene or "" for s in tied or beside)


def _tolerance(percent: float) -> float:
    return 0.55 if percent == int(percent) else 0.11


def ledger(document: Document) -> Ledger:
    """The document's ledger, made once."""
    held: Ledger | None = document.__dict__.get("_ledger")
    if held is None:
        held = document.__dict__["_ledger"] = Ledger(document)
    return held


def response_population(
    view: View, members: Sequence[tuple[Mention, Measure]], therapies: Sequence[str], arm: trial.Arm | None = None
) -> int | None:
    """Evaluable patients of figures that belong together: printed, else counted beside them, else those of the arm or of the study."""
    book, position = ledger(view.document), members[0][0].start
    total = next((m.total for _, m in members if m.total), None)
    if total:
        return total
    for _, measure in members:
        rate = measure.value if measure.metric.endswith("percent") else None
        if measure.n and isinstance(rate, int | float) and (fit := book.fitting(measure.n, rate, position)):
            return fit
    if arm and (beside := trial.size_here(view, arm)):
        return beside
    if bare := _BARE.match(view.document.text, members[-1][0].end, view.end):
        return int(bare[1])
    if not arm and (behind := _among(view, book, members[-1][0].end)):
        return behind
    counted = {m.n for _, m in members} | {m.value for _, m in members}
    here = [g for g in book.groups if g.view is view and g.start < position]
    local = [g.n for g in here if view.clause(g.start) == view.clause(position)] or [g.n for g in here]
    local = [n for n in local if n not in counted]
    own = trial.size(view.document, arm) if arm else None
    if local and not (own and local[-1] in trial.sizes(view.document)):
        return local[-1]
    if not arm and not local and (bracketed := _bracketed(view, book, position)):
        return bracketed
    if shape("cohorts.subgroup").search(view.document.text, view.start, position):
        return None
    if arm:
        return own or trial.total(view.document)
    return book.treated(view, position, therapies) or trial.population(view, therapies)


def carriers_in_list(view: View, members: Sequence[tuple[Mention, Measure]], genes: Container[str]) -> int | None:
    """How many carry what one figure of a list by gene is of ("26% for KRAS, 12% for EGFR"): 0 where it is not told, None in no list."""
    metric, total = members[0][1].metric, next((m.total for _, m in members if m.total), None)
    items = {r.item for m in view.of(Label.MEASURE) if isinstance(r := m.referent, Measure) and r.metric == metric and r.item}
    if total or len(items) < _FEWEST_LISTED:
        return total
    ends = [r.item[1] for _, r in members if r.item]
    beside = [m.referent for m in view.of(Label.COHORT) if any(0 <= m.start - end <= _BRACKET for end in ends)]
    if sized := next((c.n for c in beside if isinstance(c, Cohort) and c.n), None):
        return sized
    counted = [g for g in ledger(view.document).carriers if g.start < members[0][0].start and g.genes and all(x in genes for x in g.genes)]
    return counted[-1].n if counted else 0


def _among(view: View, book: Ledger, position: int) -> int | None:
    """The group right behind a figure: "45% (95% CI 17-77) among 11 evaluable patients"."""
    after = [g for g in book.groups if g.view is view and g.start >= position]
    text = view.document.text
    return after[0].n if after and _BEHIND.fullmatch(text[position : after[0].start]) else None


def _bracketed(view: View, book: Ledger, position: int) -> int | None:
    """The only size in brackets of a figure's clause: "median PFS was 11 months in carriers (n = 54)"."""
    clause, text = view.clause(position), view.document.text
    sizes = [g for g in book.groups if g.view is view and clause[0] <= g.start < clause[1]]
    return sizes[0].n if len(sizes) == 1 and text[max(0, sizes[0].start - 6) : sizes[0].start].rstrip(" n=").endswith("(") else None


def _follows(view: View, groups: Iterable[Group], mention: Mention) -> int | None:
    """The group that a share is said to be of right behind it: "2% in 700 tumours", "0.3% among a series of 11,502 patients"."""
    text = view.document.text
    return next((g.n for g in groups if g.view is view and _OF_GROUP.fullmatch(text, mention.end, max(g.start, mention.end))), None)


def _in_make_up(view: View, group: Group, position: int) -> bool:
    """Is a group one of several in brackets that were closed before a position: "the cohort (300 lung, 200 breast cancers)"?"""
    opened, depth = None, 0
    for at in range(group.start - 1, view.start - 1, -1):
        depth += (view.document.text[at] in ")]") - (view.document.text[at] in "([")
        if depth < 0:
            opened = at
            break
    if opened is None:
        return False
    for closed in range(opened, position):
        depth += (view.document.text[closed] in "([") - (view.document.text[closed] in ")]")
        if depth < 0:
            return sum(opened < m.start < closed for m in view.of(Label.COHORT)) > 1
    return False


_OF_GROUP = re.compile(
    r"\s*(?:\([^)]*\)\s*)?(?:in|among|amongst|of|across|from|out of)"
    r"\s+(?:(?:an?|the|our|all|these|total|cohort|series|group|of|over|\w+ive)\s+){0,5}"
)


def prevalence_population(view: View, mention: Mention, measure: Measure) -> int | None:
    """The population of a prevalence: printed, else the group that the arithmetic fits, else the one tested."""
    if measure.total:
        return measure.total
    book = ledger(view.document)
    if measure.n is None and measure.metric == "value_percent" and (named := _follows(view, book.groups, mention)):
        return named
    if measure.n and measure.metric == "value_percent" and isinstance(measure.value, int | float):
        return book.fitting(measure.n, measure.value, mention.start)
    figures = [m.referent for m in view.of(Label.MEASURE) if isinstance(m.referent, Measure)]
    listed = [r for r in figures if r.metric == "n_pos"] if measure.metric == "n_pos" else []
    counted = {measure.n, measure.value, *(r.n for r in listed if not r.total), *(r.value for r in listed if r.n is None)}
    clause = view.clause(mention.start)
    local = [g for g in book.groups if g.view is view and g.start < mention.start and g.n not in counted]
    local = [g for g in local if not _in_make_up(view, g, mention.start)]
    inside = [g for g in local if clause[0] <= g.start] or local
    if inside:
        return inside[0].n
    if measure.metric == "value_percent":
        return book.screened(mention.start) if isinstance(measure.value, int | float) else None
    return book.only_screened(mention.start, measure.n or 0)


def _is_outcome(mention: Mention) -> bool:
    """Does it count an outcome, and no group: "partial (n = 30) response"?"""
    return isinstance(mention.referent, Measure) and mention.referent.metric in _OUTCOMES
