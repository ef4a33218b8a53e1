"""How a trained model votes on claims: it sets their confidence, strikes out what is improbable, proposes what the frames missed.

The model is plain data: sparse weights over the features of ``pair_features``, one linear head for each claim type, and one each
for what speaks against and for what is hedged. No library is needed to apply it.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from miner.claims import pair_features
from miner.claims.claim_types import family
from miner.claims.document import OUTSIDE, Document, Subject, View
from miner.claims.effect_rules import shape
from miner.claims.frames import AGAINST, HEDGED, SUPPORTS, build
from miner.claims.pair_features import Pair
from miner.errors import ConfigError
from miner.schema import Claim, ClaimType

FORMAT = 1
WEIGHTS = "weights.json"
AGAINST_HEAD, HEDGED_HEAD = "against", "hedged"
RULE = "model.proposed"
Atom = tuple[str, str | None, str | None]
Knots = tuple[tuple[float, float], ...]


class Weighed(NamedTuple):
    """A pair with the probability of each head."""

    pair: Pair
    odds: Mapping[str, float]


@dataclass(frozen=True)
class ClaimModel:
    """Weights by feature as (head, weight); ``propose`` and ``veto`` are raw probabilities, the knots make them calibrated ones.

    ``proposing`` are the claim types that it may propose, of which enough of its proposals were right; None for all.
    """

    heads: tuple[str, ...]
    bias: tuple[float, ...]
    weights: Mapping[str, tuple[tuple[int, float], ...]]
    propose: float = 0.7
    veto: float = 0.0
    stance: float = 0.5
    proposing: frozenset[str] | None = None
    claimed: Knots = ((0.0, 0.0), (1.0, 1.0))
    proposed: Knots = ((0.0, 0.0), (1.0, 1.0))

    def odds(self, features: Iterable[str]) -> dict[str, float]:
        """Probability of each head."""
        total = list(self.bias)
        for name in features:
            for head, weight in self.weights.get(name, ()):
                total[head] += weight
        return {name: _logistic(value) for name, value in zip(self.heads, total, strict=True)}

    def vote(self, document: Document, claims: Sequence[Claim]) -> tuple[Claim, ...]:
        """The claims of a document after the vote, in the order of the text."""
        weighed = weigh(self, document, claims)
        best = _best(weighed)
        kept = [c for claim in claims if (c := self._judged(claim, best)) is not None]
        added = self._proposed(best, kept)
        return tuple(sorted([*kept, *added], key=lambda c: c.start)) if added else tuple(kept)

    def _judged(self, claim: Claim, best: Mapping[Atom, tuple[float, Weighed]]) -> Claim | None:
        """A claim with its confidence; None where it is less probable than the veto allows."""
        odds = [best[atom][0] for atom in atoms(claim) if atom in best]
        if not odds:
            return claim
        return None if max(odds) < self.veto else replace(claim, confidence=round(between(self.claimed, max(odds)), 2))

    def _proposed(self, best: Mapping[Atom, tuple[float, Weighed]], kept: Sequence[Claim]) -> list[Claim]:
        """Claims that no frame read though the model is sure enough; the fullest of several atoms of one meaning."""
        held = {atom for claim in kept for atom in atoms(claim)}
        may = {atom: one for atom, (odds, one) in best.items() if odds >= self.propose and self.may_propose(atom[0])}
        sure = [atom for atom, one in may.items() if _asserts(one.pair.view)]
        likely = sorted((atom for atom in sure if not _told(atom, held)), key=_fullness)
        chosen: list[Atom] = []
        for atom in likely:
            if not _told(atom, chosen):
                chosen.append(atom)
        groups: dict[tuple[int, str, str | None], list[Atom]] = defaultdict(list)
        for atom in chosen:
            groups[(best[atom][1].pair.view.index, atom[0], atom[1])].append(atom)
        return [claim for group in groups.values() for claim in self._built([best[atom] for atom in group], group[0][0])]

    def may_propose(self, type_: str) -> bool:
        """Tell whether claims of a type are proposed at all."""
        return self.proposing is None or type_ in self.proposing

    def _built(self, found: Sequence[tuple[float, Weighed]], type_: str) -> list[Claim]:
        """The claim of one gene and its therapies in one sentence."""
        odds, (pair, heads) = max(found, key=lambda f: f[0])
        told = AGAINST if heads.get(AGAINST_HEAD, 0) >= self.stance else HEDGED if heads.get(HEDGED_HEAD, 0) >= self.stance else SUPPORTS
        names = [f[1].pair.therapy for f in found if f[1].pair.therapy]
        confidence = round(between(self.proposed, odds), 2)
        subjects = _subjects(pair)
        return build(
            pair.view, ClaimType(type_), RULE, subjects=subjects, therapies=names, stance=told, joint=True, confidence=confidence
        )


def weigh(model: ClaimModel, document: Document, claims: Iterable[Claim]) -> list[Weighed]:
    """Every pair of every sentence with its odds."""
    return [Weighed(pair, model.odds(features)) for pair, features in examples(document, claims)]


def examples(document: Document, claims: Iterable[Claim]) -> Iterable[tuple[Pair, list[str]]]:
    """Every pair that a document may assert something of, those that the frames claimed among them, with its features."""
    by_sentence: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_sentence[claim.start].append(claim)
    for view in document.views:
        if view.role == OUTSIDE:
            continue
        here = by_sentence[view.start]
        for pair in _pairs(view, here):
            yield pair, pair_features.features(pair, here)


def _pairs(view: View, claims: Iterable[Claim]) -> Iterable[Pair]:
    found = {(pair.gene, pair.therapy): pair for pair in pair_features.pairs(view)}
    for claim in claims:
        for gene in claim.genes or (None,):
            for therapy in claim.therapies or (None,):
                found.setdefault((gene, therapy), Pair(view, gene, therapy, carried=True))
    return found.values()


def atoms(claim: Claim) -> list[Atom]:
    """What a claim asserts, one gene family and one therapy at a time."""
    genes: set[str | None] = {family(g) for g in claim.genes} or {None}
    drugs: set[str | None] = set(claim.therapies) or {None}
    return [(str(claim.type), gene, drug) for gene in genes for drug in drugs]


def _best(weighed: Iterable[Weighed]) -> dict[Atom, tuple[float, Weighed]]:
    """The sentence that speaks most clearly of each atom."""
    best: dict[Atom, tuple[float, Weighed]] = {}
    for one in weighed:
        gene = family(one.pair.gene) if one.pair.gene else None
        for head, odds in one.odds.items():
            if head in (AGAINST_HEAD, HEDGED_HEAD):
                continue
            atom = (head, gene, one.pair.therapy)
            if atom not in best or odds > best[atom][0]:
                best[atom] = (odds, one)
    return best


def _asserts(view: View) -> bool:
    """May a sentence assert what no frame reads: is it no aim, and no account of who was assigned to what?"""
    return not view.is_aim and not shape("arms.randomised").search(view.document.text[view.start : view.end])


def _told(atom: Atom, held: Iterable[Atom]) -> bool:
    """Is an atom among others, or does it only say one of them with a gene or a therapy more or less?"""
    return any(o[0] == atom[0] and _agree(o[1], atom[1]) and _agree(o[2], atom[2]) for o in held)


def _agree(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other


def _fullness(atom: Atom) -> tuple[int, str]:
    return (atom[1] is None) + (atom[2] is None), str(atom)


def _subjects(pair: Pair) -> list[Subject]:
    """What the claim is about: the gene's alteration in the sentence, else the paper's, else the gene alone."""
    if pair.gene is None:
        return []
    wanted = family(pair.gene)
    held = [s for s in (*pair.view.subjects, *pair.view.document.focus) if family(s.gene) == wanted]
    return held[:1] or [Subject(pair.view.start, pair.view.start, pair.gene)]


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def between(knots: Knots, value: float) -> float:
    """Read a piecewise linear curve."""
    at = bisect_right([x for x, _ in knots], value)
    if at in (0, len(knots)):
        return knots[0 if at == 0 else -1][1]
    (x0, y0), (x1, y1) = knots[at - 1], knots[at]
    return y0 + (y1 - y0) * (value - x0) / (x1 - x0)


def to_json(model: ClaimModel) -> dict[str, Any]:
    """A model as the object that ``load`` reads."""
    return {
        "format": FORMAT,
        "heads": list(model.heads),
        "bias": [round(b, 4) for b in model.bias],
        "propose": model.propose,
        "veto": model.veto,
        "stance": model.stance,
        "proposing": None if model.proposing is None else sorted(model.proposing),
        "claimed": [[round(x, 4), round(y, 4)] for x, y in model.claimed],
        "proposed": [[round(x, 4), round(y, 4)] for x, y in model.proposed],
        "weights": {name: [[h, round(w, 4)] for h, w in row] for name, row in sorted(model.weights.items())},
    }


def from_json(data: Mapping[str, Any]) -> ClaimModel:
    """The model that ``to_json`` wrote."""
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']}, this program reads {FORMAT}")
    weights = {name: tuple((int(h), float(w)) for h, w in row) for name, row in data["weights"].items()}
    claimed, proposed = (tuple((float(x), float(y)) for x, y in data[key]) for key in ("claimed", "proposed"))
    propose, veto, stance = (float(data[key]) for key in ("propose", "veto", "stance"))
    proposing = None if data.get("proposing") is None else frozenset(map(str, data["proposing"]))
    bias = tuple(map(float, data["bias"]))
    return ClaimModel(tuple(data["heads"]), bias, weights, propose, veto, stance, proposing, claimed, proposed)


def load(folder: Path) -> ClaimModel:
    """Read the model of a folder.

    Raises
    ------
    ConfigError
        There is none, or its file is none that this program can read; the text says how to train one.
    """
    path = folder / WEIGHTS
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        hint = 'train one with scripts/train claims, or set claim_model = "off"'
        raise ConfigError(f"{path}: no claim model there ({error.strerror}); {hint}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{path}: not a claim model of this version ({reason}); train it again with scripts/train claims") from error
