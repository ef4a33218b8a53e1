"""How much of a drug is needed: more of it is resistance, less of it sensitivity."""

from __future__ import annotations

import re

from miner.claims import effect_rules
from miner.claims.document import View
from miner.claims.effect_rules import shape
from miner.claims.senses import Cue

_NANOMOLAR = {"p": 1e-3, "n": 1.0, "µ": 1e3, "μ": 1e3, "u": 1e3, "m": 1e6}
_VALUE = re.compile(
    r"(?P<bound>[<>≤≥]\s*=?|\b(?:above|over|below|under|greater than|more than|less than|exceeding)\s+)?\s*~?(?P<number>\d[\d,]*(?:\.\d+)?)"
    r"(?:\s*(?:±|\+/-|-|–|to)\s*\d[\d.,]*)?\s*(?P<unit>[pnµμum])(?:M\b|mol(?:/L|ar)?\b)"
)
_APART, _LITTLE, _MUCH = 3.0, 100.0, 1000.0


def more_needed(view: View, cue: Cue) -> bool | None:
    """Is more of a drug needed, or less; None where neither words nor concentrations tell."""
    clause, rules = view.clause(cue.start), effect_rules.load()
    told = [] if view.has("resist", "sensitive", "nodiff", "worse") else list(_VALUE.finditer(view.document.text, cue.end, view.end))
    if len(told) > 1 and (more := _against_other(view, *told[:2])) is not None:
        return more
    goes_on = shape("doses.goes_on").match(view.document.text, clause[1], view.end)
    around = view.document.text[max(clause[0], cue.start - 40) : max(min(clause[1], cue.end + 80), goes_on.end() if goes_on else 0)]
    if shape("doses.many_fewer").search(around):
        return False
    if rules.more.search(around):
        return True
    if rules.fewer.search(around):
        return False
    alone = _nanomolar(told[0]) if len(told) == 1 else None
    return None if alone is None or _LITTLE < alone < _MUCH else alone >= _MUCH


def _against_other(view: View, first: re.Match[str], second: re.Match[str]) -> bool | None:
    """Is the first concentration far above that of the comparator, or far below it?"""
    if not shape("doses.against").search(view.document.text, first.end(), second.end()):
        return None
    mine, other = _nanomolar(first), _nanomolar(second)
    return None if not mine or not other or 1 / _APART < mine / other < _APART else mine > other


def _nanomolar(told: re.Match[str]) -> float:
    return float(told["number"].replace(",", "")) * _NANOMOLAR[told["unit"].lower()]
