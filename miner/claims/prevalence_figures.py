"""The figures of a prevalence: the share, the count, and the population that they are of."""

from __future__ import annotations

import re

from miner.claims import cohorts, parts
from miner.claims.counted import Item
from miner.claims.document import Subject, View
from miner.schema import Label, Measure, Mention

Figures = dict[str, float | int | str]
_NOBODY = 50  # per cent of a person


def figures_of(view: View, mention: Mention, measure: Measure) -> tuple[Figures, int | None]:
    """The figures of a prevalence, and its population."""
    values: Figures = {}
    if measure.value is not None and measure.metric == "value_percent":
        values["value_percent"] = measure.value
    if measure.metric == "n_pos" and measure.value is not None and measure.n is None:
        values["n_pos"] = measure.value
    if measure.n is not None:
        values["n_pos"] = measure.n
    total = None if _of_subgroup(view, mention, measure) else cohorts.prevalence_population(view, mention, measure)
    alone = measure.total is None and measure.n is None and "value_percent" in values
    few = measure.value if isinstance(measure.value, int | float) and measure.value < 50 else None
    if alone and total and few is not None and any(g.n == total and g.genes and _counts_carriers(view, g, mention) for g in _groups(view)):
        values.setdefault("n_pos", total)
        total = cohorts.ledger(view.document).fitting(total, few, mention.start)
    if total and isinstance(measure.value, int | float) and measure.metric == "value_percent" and 0 < measure.value * total < _NOBODY:
        total = cohorts.ledger(view.document).only_screened(view.start, total)
    of_partner = measure.metric == "value_percent" and _PARTNER.search(view.document.text, view.clause(mention.start)[0], mention.start)
    if of_partner and measure.total is None and not view.of(Label.COHORT):
        total = None  # a share of partners is one of the carriers, who are not the whole
    if total:
        values["N"] = total
    return values, total


_PARTNER = re.compile(r"\bpartners?\b", re.I)


def _of_subgroup(view: View, mention: Mention, measure: Measure) -> bool:
    """Is a share in brackets that of the disease before it: "highest in salivary gland cancer (2.6%) and glioma (1.9%)"?"""
    text = view.document.text
    if measure.n is not None or measure.total or text[mention.start - 1 : mention.start] not in ("(", "["):
        return False
    return any(m.end == len(text[: mention.start - 1].rstrip()) for m in view.of(Label.DISEASE)) and not view.of(Label.COHORT)


def _counts_carriers(view: View, group: cohorts.Group, mention: Mention) -> bool:
    """Is a share that of a group: "found in 9 patients (2%)", "9 patients had RET fusions, or 2%"; not "in 300 patients, 2%"?"""
    text = view.document.text
    end = next((m.end for m in view.of(Label.COHORT) if m.start == group.start), group.start)
    gap = text[end : mention.start]
    if gap.strip(" ,") in ("(", "["):
        return True
    having, within = _HAVING.match(gap), _WITHIN.search(text[view.start : group.start])
    return bool(having or not within) if gap.rstrip().endswith(("(", "[")) else bool(having and not within)


def of_part(view: View, item: Item, subject: Subject) -> tuple[Figures, int | None]:
    """The figures of a prevalence; its population are the carriers, where the figure is that of a part of them."""
    mention, measure = item
    values, n = figures_of(view, mention, measure)
    if measure.total or not parts.is_part(view, mention, subject):
        return values, n
    fits = measure.n and isinstance(measure.value, int | float) and measure.metric == "value_percent"
    n = n if fits and n else parts.whole(view, mention, subject)
    values.pop("N", None)
    return (values | {"N": n} if n else values), n


_HAVING = re.compile(
    r"\s*(?:\([^)]*\)\s*)?(?:of|with|had|have|has|harbou?r\w*|carr(?:y|ied|ying)|who|that|whose|were|was|showed|tested|presented|positive)\b"
)
_WITHIN = re.compile(
    r"\b(?:in|of|among|from|for|across|within|including)\s+(?:(?:the|all|our|these|a total of|additional|consecutive)\s+)*$", re.IGNORECASE
)


def _groups(view: View) -> list[cohorts.Group]:
    return [g for g in cohorts.ledger(view.document).groups if g.view is view]
