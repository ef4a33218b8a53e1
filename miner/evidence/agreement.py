"""How far two curators agree: on the rows that both decided, and on the values that both wrote."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from miner.evidence.store_curation import standing
from miner.schema import Action, Curation

Row = tuple[str, str]  # key, source


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two curators over the rows that both accepted or rejected.

    ``kappa`` is Cohen's, None where chance alone would agree always (both made one decision throughout); ``fields`` maps a
    field that both changed on the same rows to (how often, how often to the same value); ``disputed`` are the rows they
    decided differently, as (key, source, decision of left, decision of right).
    """

    left: str
    right: str
    rows: int
    agreed: int
    kappa: float | None
    disputed: tuple[tuple[str, str, str, str], ...]
    fields: Mapping[str, tuple[int, int]]

    @property
    def share(self) -> float:
        """Share of the rows on which they agree."""
        return self.agreed / self.rows if self.rows else 0.0

    def __str__(self) -> str:
        kappa = "not defined" if self.kappa is None else f"{self.kappa:.2f}"
        return f"{self.left} and {self.right}: {self.rows} rows decided by both, {self.agreed} alike ({self.share:.0%}), kappa {kappa}"


def agreements(log: Sequence[Curation]) -> tuple[Agreement, ...]:
    """Return the agreement of every two curators who decided a row in common, by name."""
    held = standing(log)
    names = sorted({item.curator for item in held})
    found = [_agreement(left, right, held) for left, right in itertools.combinations(names, 2)]
    return tuple(item for item in found if item.rows or item.fields)


def _agreement(left: str, right: str, held: Sequence[Curation]) -> Agreement:
    one, two = _decisions(left, held), _decisions(right, held)
    both = sorted(one.keys() & two.keys())
    pairs = [(one[row], two[row]) for row in both]
    return Agreement(
        left=left,
        right=right,
        rows=len(both),
        agreed=sum(first == second for first, second in pairs),
        kappa=kappa(pairs),
        disputed=tuple((*row, one[row], two[row]) for row in both if one[row] != two[row]),
        fields=_fields(left, right, held),
    )


def _decisions(curator: str, held: Sequence[Curation]) -> dict[Row, str]:
    """Return a curator's last decision on each row."""
    own = [item for item in held if item.curator == curator and item.action in (Action.ACCEPT, Action.REJECT)]
    return {(item.key, item.source): str(item.action) for item in own}


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of pairs of decisions: agreement beyond what their frequencies would give by chance."""
    if not pairs:
        return None
    observed = sum(left == right for left, right in pairs) / len(pairs)
    lefts, rights = Counter(left for left, _ in pairs), Counter(right for _, right in pairs)
    expected = sum(lefts[name] * rights[name] for name in lefts) / len(pairs) ** 2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def _fields(left: str, right: str, held: Sequence[Curation]) -> dict[str, tuple[int, int]]:
    one, two = _values(left, held), _values(right, held)
    counts: dict[str, tuple[int, int]] = {}
    for place in sorted(one.keys() & two.keys()):
        both, same = counts.get(place[2], (0, 0))
        counts[place[2]] = both + 1, same + (one[place] == two[place])
    return counts


def _values(curator: str, held: Sequence[Curation]) -> dict[tuple[str, str, str], object]:
    edits = [item for item in held if item.curator == curator and item.action is Action.EDIT]
    return {(item.key, item.source, name): value for item in edits for name, value in item.changes.items()}
