"""What the outcomes that figures count amount to: a response rate, and whether more progressed than were held."""

from __future__ import annotations

from collections.abc import Sequence

from miner.schema import Measure, Mention

Item = tuple[Mention, Measure]
COUNTED = ("ORR_percent", "n_resp")


def mostly_progressed(members: Sequence[Item]) -> bool:
    """Is progression told, and not of a minority: "progressive disease in 2 of 33" tells of the others' benefit?"""
    told = [measure for _, measure in members if measure.metric.startswith("PD")]
    held, lost = (_most(members, metric) for metric in ("SD", "PD"))
    if held > lost:
        return False
    total = next((measure.total for _, measure in members if measure.total), None)
    counted = sum(measure.n or (measure.value if isinstance(measure.value, int) and measure.metric == "PD" else 0) for measure in told)
    return bool(told) and (not total or not counted or 2 * counted > total)


def _most(members: Sequence[Item], metric: str) -> float:
    """The highest count or share of an outcome among figures; 0 where none is told."""
    return max((float(r.value) for _, r in members if r.metric.startswith(metric) and isinstance(r.value, int | float)), default=0.0)


def rate(members: Sequence[Item]) -> float | None:
    """The response rate in percent: printed, or of the counts."""
    for _, measure in members:
        if measure.metric == "ORR_percent" and isinstance(measure.value, int | float):
            return float(measure.value)
        if measure.metric in COUNTED and measure.n is not None and measure.total:
            return 100 * measure.n / measure.total
    return None
