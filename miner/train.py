"""Train the claim model: annotated texts, CIViC statements and curated rows become examples, examples become sparse linear heads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from miner import evaluate
from miner.claims import votes
from miner.claims.claim_types import mechanism_type
from miner.claims.document import Document
from miner.claims.pair_features import Pair
from miner.claims.votes import AGAINST_HEAD, HEDGED_HEAD, ClaimModel
from miner.evaluate import Stance
from miner.evaluate_texts import Row
from miner.lexicon import Lexicon
from miner.schema import Claim, ClaimType, Mined

SEED = 20
FOLDS = 5
PENALTY = 0.02
SMALLEST = 0.01
RARE, FEW = 4, 8
# What the model may propose, and from which raw probability on: of these types most proposals were right on texts unseen.
PROPOSE = 0.5
PROPOSED = frozenset({"approval_recommendation", "clinical_features_association", "prevalence"})
SENSITIVE, RESISTANT = ("Sensitivity/Response",), ("Resistance", "Reduced Sensitivity")
EFFECT_TYPES = frozenset(
    {ClaimType.SENSITIVITY_RESPONSE, ClaimType.RESISTANCE_ON_TARGET, ClaimType.RESISTANCE_OFF_TARGET, ClaimType.RESISTANCE_TO_OTHER_THERAPY}
)
UNCURATED = 0.3
EVERY = frozenset(str(type_) for type_ in ClaimType)


@dataclass(frozen=True, slots=True)
class Example:
    """A pair in a sentence: its features and what is known of it.

    ``types`` are the claim types asserted of it; ``known`` those that the source would have told (None: all). ``against`` and
    ``hedged`` are None where nothing is asserted. ``claimed`` are the types that the frames claimed of the pair there.
    """

    group: str
    key: tuple[str | None, str | None]
    features: tuple[str, ...]
    types: frozenset[str]
    known: frozenset[str] | None = None
    against: bool | None = None
    hedged: bool | None = None
    claimed: frozenset[str] = frozenset()
    weight: float = 1.0


def examples_of_gold(mined: Mined, gold: Row, lexicon: Lexicon) -> list[Example]:
    """Examples of a text whose claims are all annotated.

    Where the annotation says which sentence asserts a claim, the claim is true of that sentence, and of the paper's others
    nothing is known of it; else it is true of every sentence that names its gene and therapy.
    """
    views = [(evaluate.gold_view(claim), claim.get("spans")) for claim in gold["claims"]]
    held = [(atom, view.stance, spans) for view, spans in views for atom in view.atoms]
    found = []
    for pair, features, claims in _pairs(mined, lexicon):
        key = _key(pair)
        told = [(atom[0], stance, spans) for atom, stance, spans in held if evaluate.fits((atom[0], *key), atom)]
        here = [(type_, stance) for type_, stance, spans in told if not spans or _asserts(pair, spans[0])]
        stances, types = [stance for _, stance in here], frozenset(t for t, _ in here)
        elsewhere = {t for t, *_ in told} - types
        found.append(
            Example(
                str(gold["id"]), key, tuple(features), types, known=EVERY - elsewhere if elsewhere else None,
                against=_most(stances, lambda s: s[0] != "supports"), hedged=_most(stances, lambda s: s[1]), claimed=_claimed(pair, claims),
            )
        )  # fmt: skip
    return found


def _asserts(pair: Pair, span: Sequence[int]) -> bool:
    return pair.view.start <= span[0] < pair.view.end


def examples_of_civic(mined: Mined, items: Sequence[Mapping[str, str]], lexicon: Lexicon) -> list[Example]:
    """Examples of a CIViC statement: its curated gene, drugs and effect; pairs it does not curate weigh less."""
    curated = {
        (item["gene"], drug): item for item in items if item["evidence_type"] == "Predictive" for drug in _drugs(item) if _effect(item)
    }
    found = []
    for pair, features, claims in _pairs(mined, lexicon):
        if pair.gene is None or pair.therapy is None or (lexicon.targets(pair.therapy) and not lexicon.classes(pair.therapy)):
            continue
        item = curated.get((pair.gene, pair.therapy.lower()))
        types = frozenset({_civic_type(pair, item)}) if item else frozenset[str]()
        found.append(
            Example(
                f"civic {items[0]['citation_id']}", _key(pair), tuple(features), types, known=frozenset(EFFECT_TYPES),
                against=item["evidence_direction"] == "Does Not Support" if item else None, claimed=_claimed(pair, claims),
                weight=1.0 if item or not curated else UNCURATED,
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Decision:
    """What a curator held of a row: its type, genes and therapies, where its sentences begin, and whether it is right."""

    type: str
    genes: tuple[str, ...]
    therapies: tuple[str, ...]
    starts: frozenset[int]
    right: bool
    against: bool = False
    hedged: bool = False


def examples_of_curation(mined: Mined, decisions: Iterable[Decision], lexicon: Lexicon) -> list[Example]:
    """Examples of accepted and rejected rows of a paper; of what else it asserts nothing is known."""
    decisions, found = list(decisions), []
    for pair, features, claims in _pairs(mined, lexicon):
        for one in (d for d in decisions if _decided(pair, d)):
            found.append(
                Example(
                    f"curated {mined.record.id}", _key(pair), tuple(features), frozenset({one.type} if one.right else ()),
                    known=frozenset({one.type}), against=one.against if one.right else None, hedged=one.hedged if one.right else None,
                    claimed=_claimed(pair, claims),
                )
            )  # fmt: skip
    return found


def _decided(pair: Pair, decision: Decision) -> bool:
    if not any(pair.view.start <= start < pair.view.end for start in decision.starts):
        return False
    genes: set[str | None] = {evaluate.family(g) for g in decision.genes} or {None}
    return (evaluate.family(pair.gene) if pair.gene else None) in genes and pair.therapy in (decision.therapies or (None,))


def _pairs(mined: Mined, lexicon: Lexicon) -> Iterable[tuple[Pair, list[str], list[Claim]]]:
    document = Document(mined.reading, lexicon, mined.study_type)
    for pair, features in votes.examples(document, mined.claims):
        yield pair, features, [c for c in mined.claims if c.start == pair.view.start]


def _key(pair: Pair) -> tuple[str | None, str | None]:
    return (evaluate.family(pair.gene) if pair.gene else None, evaluate.therapy(pair.therapy) if pair.therapy else None)


def _about(pair: Pair, claim: Claim) -> bool:
    return pair.gene in (claim.genes or (None,)) and pair.therapy in (claim.therapies or (None,))


def _claimed(pair: Pair, claims: Iterable[Claim]) -> frozenset[str]:
    return frozenset(str(c.type) for c in claims if _about(pair, c))


def _most(stances: Sequence[Stance], test: Callable[[Stance], bool]) -> bool | None:
    return sum(map(test, stances)) * 2 > len(stances) if stances else None


def _drugs(item: Mapping[str, str]) -> list[str]:
    return [drug.strip().lower() for drug in item["drugs"].split(",") if drug.strip()]


def _effect(item: Mapping[str, str]) -> bool:
    known = item["clinical_significance"] in (*SENSITIVE, *RESISTANT)
    return known and item["evidence_direction"] in ("Supports", "Does Not Support")


def _civic_type(pair: Pair, item: Mapping[str, str]) -> str:
    """The claim type of a curated effect; what resists is on-target or off-target as the frames would say."""
    if item["clinical_significance"] in SENSITIVE:
        return str(ClaimType.SENSITIVITY_RESPONSE)
    subject = next((s for s in pair.view.subjects if s.gene == pair.gene), None)
    type_ = mechanism_type(pair.view.document, subject, (pair.therapy or "",)) if subject else ClaimType.RESISTANCE_ON_TARGET
    return str(type_)


def is_held_back(citation: str) -> bool:
    """Does a CIViC citation belong to the fifth that is for testing alone?"""
    return int(hashlib.sha256(citation.encode()).hexdigest(), 16) % FOLDS == 0


def fold(group: str) -> int:
    """The fold of a text, by the hash of its name."""
    return int(hashlib.sha256(f"{SEED} {group}".encode()).hexdigest(), 16) % FOLDS


class Judged(NamedTuple):
    """An atom of a text: did the frames claim it, its raw probability, is it so."""

    told: bool
    odds: float
    right: bool


def train(
    examples: Sequence[Example], *, calibrating: Sequence[Example] | None = None, learned: bool = True, penalty: float = PENALTY
) -> ClaimModel:
    """Fit every head, then calibrate on predictions for texts that the predicting model had not seen.

    Parameters
    ----------
    examples
        What the heads learn from.
    calibrating
        The examples whose frequencies the confidence shall mean (real texts, all claims annotated); None for all.
    learned
        Whether those are among the examples, and so are judged by models of the other folds.
    """
    model = fit(examples, penalty=penalty)
    seen = cross_judged(examples, calibrating, penalty=penalty) if learned or calibrating is None else judged(model, calibrating)
    claimed, proposed = (isotonic([(one.odds, one.right) for one in seen if one.told is wanted]) for wanted in (True, False))
    return replace(model, claimed=claimed, proposed=proposed, propose=PROPOSE, proposing=PROPOSED)


def cross_judged(examples: Sequence[Example], judging: Sequence[Example] | None = None, *, penalty: float = PENALTY) -> list[Judged]:
    """Judgements of each text by a model of the other folds."""
    seen: list[Judged] = []
    for number in range(FOLDS):
        part = [e for e in (examples if judging is None else judging) if fold(e.group) == number]
        if part:
            seen += judged(fit([e for e in examples if fold(e.group) != number], penalty=penalty), part)
    return seen


def judged(model: ClaimModel, examples: Iterable[Example]) -> list[Judged]:
    """Each text's atoms, each at its clearest sentence."""
    best: dict[tuple[str, str, object], list[tuple[float, bool, bool]]] = {}
    for example in examples:
        odds = model.odds(example.features)
        for head in model.heads:
            if head in (AGAINST_HEAD, HEDGED_HEAD) or (example.known is not None and head not in example.known):
                continue
            row = (odds[head], head in example.claimed, head in example.types)
            best.setdefault((example.group, head, example.key), []).append(row)
    return [
        Judged(any(c for _, c, _ in rows), max(p for p, _, _ in rows), any(r for _, _, r in rows))
        for rows in best.values()
    ]


def fit(examples: Sequence[Example], *, penalty: float = PENALTY) -> ClaimModel:
    """Fit the heads by logistic regression with an L2 penalty; weights too small to matter are left out."""
    import numpy
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    counter = CountVectorizer(analyzer=list, binary=True, min_df=RARE)
    matrix = counter.fit_transform([e.features for e in examples]).tocsr()
    names = counter.get_feature_names_out()
    heads: list[str] = []
    bias: list[float] = []
    weights: dict[str, list[tuple[int, float]]] = {}
    for head, rows, wanted in _tasks(examples):
        if not FEW <= sum(wanted) <= len(wanted) - FEW:
            continue
        solver = LogisticRegression(solver="liblinear", C=penalty, random_state=SEED, max_iter=200, tol=1e-3)
        weight = numpy.array([examples[i].weight for i in rows])
        solver.fit(matrix[rows], numpy.array(wanted), sample_weight=weight)
        for column in numpy.flatnonzero(numpy.abs(solver.coef_[0]) > SMALLEST):
            weights.setdefault(str(names[column]), []).append((len(heads), float(solver.coef_[0][column])))
        heads.append(head)
        bias.append(float(solver.intercept_[0]))
    return ClaimModel(tuple(heads), tuple(bias), {name: tuple(row) for name, row in weights.items()})


def _tasks(examples: Sequence[Example]) -> Iterable[tuple[str, list[int], list[bool]]]:
    """(head, rows that know of it, what they say)."""
    for type_ in ClaimType:
        rows = [i for i, e in enumerate(examples) if e.known is None or str(type_) in e.known]
        yield str(type_), rows, [str(type_) in examples[i].types for i in rows]
    for head, of in ((AGAINST_HEAD, "against"), (HEDGED_HEAD, "hedged")):
        rows = [i for i, e in enumerate(examples) if getattr(e, of) is not None]
        yield head, rows, [bool(getattr(examples[i], of)) for i in rows]


def isotonic(pairs: Sequence[tuple[float, bool]]) -> tuple[tuple[float, float], ...]:
    """A rising curve from raw probability to observed frequency, as few knots."""
    from sklearn.isotonic import IsotonicRegression

    if len(pairs) < 2 * FEW:
        return ((0.0, 0.0), (1.0, 1.0))
    curve = IsotonicRegression(y_min=0.01, y_max=0.99, out_of_bounds="clip").fit([p for p, _ in pairs], [r for _, r in pairs])
    grid = [i / 20 for i in range(21)]
    return tuple(zip(grid, map(float, curve.predict(grid)), strict=True))


@dataclass(frozen=True, slots=True)
class Bin:
    """A row of a reliability table."""

    low: float
    high: float
    n: int
    said: float
    right: float


def reliability(pairs: Sequence[tuple[float, bool]], *, bins: int = 5) -> list[Bin]:
    """Confidence said against frequency observed."""
    found = []
    for i in range(bins):
        low, high = i / bins, (i + 1) / bins
        held = [(p, r) for p, r in pairs if low <= p < high or (i == bins - 1 and p == 1)]
        if held:
            found.append(Bin(low, high, len(held), sum(p for p, _ in held) / len(held), sum(r for _, r in held) / len(held)))
    return found


def quality(rows: Iterable[Judged]) -> dict[str, float]:
    """How well the odds tell right from wrong: of the frames' claims their mean squared error and share right above and below one half."""
    claimed = [(one.odds, one.right) for one in rows if one.told]
    if not claimed:
        return {"rows": 0}
    sure = [right for p, right in claimed if p >= 0.5]
    unsure = [right for p, right in claimed if p < 0.5]
    return {
        "rows": len(claimed),
        "squared error": round(sum((p - right) ** 2 for p, right in claimed) / len(claimed), 4),
        "right where sure": round(sum(sure) / len(sure), 3) if sure else 0.0,
        "right where not": round(sum(unsure) / len(unsure), 3) if unsure else 0.0,
    }


def calibrated(model: ClaimModel, rows: Iterable[Judged]) -> list[Judged]:
    """Judgements with the confidence that a row would show instead of the raw probability."""
    return [one._replace(odds=votes.between(model.claimed if one.told else model.proposed, one.odds)) for one in rows]
