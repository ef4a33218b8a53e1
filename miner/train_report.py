"""Old claim model against new: how well the confidence of rows tells right from wrong, as text and as metrics.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from miner import train
from miner.claims.votes import ClaimModel
from miner.train import Example, Judged


class Comparison(NamedTuple):
    """What was judged, and the judgements of the old model (None where there was none) and of the new one."""

    name: str
    old: list[Judged] | None
    new: list[Judged]


def compare(name: str, old: ClaimModel | None, new: ClaimModel, examples: Sequence[Example]) -> Comparison:
    """Judge texts that neither model learned from."""
    was = train.calibrated(old, train.judged(old, examples)) if old is not None else None
    return Comparison(name, was, train.calibrated(new, train.judged(new, examples)))


def compare_seen(name: str, old: ClaimModel | None, new: ClaimModel, examples: Sequence[Example], judging: Sequence[Example]) -> Comparison:
    """Judge texts that the new model learned from: each by a model of the other folds."""
    was = train.calibrated(old, train.judged(old, judging)) if old is not None else None
    return Comparison(name, was, train.calibrated(new, train.cross_judged(examples, judging)))


def lines(comparisons: Sequence[Comparison]) -> list[str]:
    """The comparisons as a table in plain text."""
    found = [f"{'':28} {'rows':>6} {'squared error':>14} {'right where sure':>17} {'right where not':>16}"]
    for one in comparisons:
        for which, rows in (("old", one.old), ("new", one.new)):
            if rows is not None:
                found.append(_line(f"{one.name}, {which}", train.quality(rows)))
    return found


def _line(name: str, told: dict[str, float]) -> str:
    if not told["rows"]:
        return f"{name:28} {0:6d}"
    return (
        f"{name:28} {told['rows']:6d} {told['squared error']:14.4f} {told['right where sure']:17.3f} {told['right where not']:16.3f}"
    )


def better(comparisons: Sequence[Comparison]) -> bool:
    """Is the new model no worse on the first comparison that has both?"""
    for one in comparisons:
        if one.old is not None:
            new, old = train.quality(one.new), train.quality(one.old)
            return not old["rows"] or new["squared error"] <= old["squared error"]
    return True


def metrics(comparisons: Sequence[Comparison], examples: dict[str, int]) -> dict[str, Any]:
    """What metrics.json holds: counts of examples, quality and reliability of the new model."""
    return {
        "examples": examples,
        "judged": {one.name: train.quality(one.new) for one in comparisons},
        "reliability": {
            one.name: {
                kind: [{"from": b.low, "to": b.high, "rows": b.n, "said": round(b.said, 3), "right": round(b.right, 3)} for b in bins]
                for kind, bins in _bins(one.new).items()
            }
            for one in comparisons
        },
    }


def _bins(rows: Sequence[Judged]) -> dict[str, list[train.Bin]]:
    claimed = [(p, right) for told, p, right in rows if told]
    proposed = [(p, right) for told, p, right in rows if not told and p >= 0.4]
    return {"claimed": train.reliability(claimed), "proposed": train.reliability(proposed)}
