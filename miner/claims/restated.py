"""Figures that are told twice: a count and the share that repeats it, in brackets or behind a comma."""

from __future__ import annotations

import re
from dataclasses import replace

from miner.claims.counted import Item
from miner.claims.document import View
from miner.schema import Measure

_APART = 40
_SHARE = r"(?:[\w-]+ ){0,3}(?:prevalence|frequency|incidence|rate|proportion)(?: rate)?(?: \w+){0,2}"
_RESTATED = re.compile(
    rf"(?:[^.;:%\d]{{0,40}}?[,(\u2013-])? ?(?:\w+ ){{0,3}}(?:an?|the) {_SHARE} of (?:about |only |approximately )?"
    rf"|[^.;:%,]{{0,60}} (?:for|giving|yielding|representing|corresponding to|equivalent to) (?:an?|the) {_SHARE} of (?:about |only )?"
    rf"|[^.;:%\d,]{{0,40}}[(\[]{_SHARE}(?: of|,|:| ?=) ?",
    re.IGNORECASE,
)  # fmt: skip
_COMMA = re.compile(r"(?: [\w-]+){0,3}(?: \([^()]*\))?, ?\(?")
_TOLERANCE = 0.6


def once(items: list[Item]) -> list[Item]:
    """Figures without counts that a share repeats: "nine fusions in 3,000 patients (0.3%)"."""
    shares = [(m, r) for m, r in items if r.metric == "value_percent" and r.n is not None and r.total]
    return [(m, r) for m, r in items if r.total or r.metric != "n_pos" or not any(s.n == r.n and m.end <= o.start for o, s in shares)]


def merged(view: View, items: list[Item]) -> list[Item]:
    """A count and the share that restates it as one: "found in 19 patients, a prevalence of 1.4%", "in 3/28 melanomas, 10.7%"."""
    text, kept = view.document.text, list[Item]()
    for mention, measure in items:
        last = kept[-1] if kept else None
        if last and _restates(text[last[0].end : mention.start], last[1], measure):
            kept[-1] = (last[0], replace(last[1], metric="value_percent", value=measure.value))
        else:
            kept.append((mention, measure))
    return kept


def _restates(gap: str, count: Measure, share: Measure) -> bool:
    if share.metric != "value_percent" or share.n is not None or count.metric != "n_pos":
        return False
    if count.n and count.total and isinstance(share.value, int | float):
        same = abs(100 * count.n / count.total - share.value) <= _TOLERANCE
        if same and len(gap) < _APART and _COMMA.fullmatch(gap):
            return True
    return bool(_RESTATED.fullmatch(gap))
