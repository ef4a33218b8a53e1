"""Claims of one paper become evidence: one row for each proposition, with every claim kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from miner.evidence import civic, figures, regimen
from miner.evidence.statement import compose
from miner.schema import Claim, ClaimType, Concept, Direction, Evidence, Mined, Polarity, Reading, StudyType

KEY_VERSION = "v1"
# Rules of this name propose what no rule read: they stand in the extraction output, with their confidence, and are no row.
PROPOSED = "model."
_POLARITY_RANK = {Polarity.ASSERTED: 0, Polarity.NEGATED: 0, Polarity.HEDGED: 1, Polarity.HYPOTHETICAL: 2}


def merge(mined: Mined, lexicon: civic.Families | None = None) -> tuple[Evidence, ...]:
    """Merge the claims of one paper into evidence, ordered by claim type, molecular profile and key; what a model proposed is none."""
    groups: dict[str, list[Claim]] = {}
    for claim in (claim for claim in mined.claims if not claim.rule.startswith(PROPOSED)):
        groups.setdefault(proposition_key(claim, mined.reading, lexicon), []).append(claim)
    merged = [_evidence(key, claims, mined, lexicon) for key, claims in groups.items()]
    order = {claim_type: rank for rank, claim_type in enumerate(ClaimType)}
    return tuple(sorted(merged, key=lambda item: (order[item.claim_type], item.molecular_profile, item.key)))


def source_id(mined: Mined) -> str:
    """Return the PMID, or the record's own id where it has none."""
    return mined.record.pmid or mined.record.id


def proposition_key(claim: Claim, reading: Reading, lexicon: civic.Families | None = None) -> str:
    """Return the versioned key of what a claim asserts; equal keys are one proposition."""
    significance, direction, _ = civic.significance(claim)
    profile = civic.molecular_profile(claim, lexicon, regimen.kinds(claim, reading))
    return make_key(claim.type, profile, disease_key(claim.disease), claim.therapies, significance, direction)


def make_key(claim_type: ClaimType, profile: str, disease: str, therapies: Sequence[str], significance: str, direction: Direction) -> str:
    """Digest the readable parts of a proposition; therapies are sorted and counted once."""
    parts = [str(claim_type), profile, disease, sorted(set(therapies)), significance, str(direction)]
    digest = hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()
    return f"{KEY_VERSION}:{digest[:20]}"


def disease_key(disease: Concept | None) -> str:
    """Return what tells diseases apart: the identifier, or the folded name where there is none."""
    return "" if disease is None else disease.curie or disease.name.casefold()


def patients(evidence: Evidence) -> int | None:
    """Return how many patients (of a prevalence: tested) the paper itself reports; None for background, models and no figure."""
    if evidence.study_type in (StudyType.PRECLINICAL, StudyType.REVIEW):
        return None
    own = [claim for claim in evidence.claims if not claim.background]
    # Of safety a count may be of those who had the event.
    enrolled = [] if evidence.claim_type is ClaimType.SAFETY else [claim.population_n for claim in own]
    counts = [figures.whole(count) for count in (*enrolled, *(claim.figures.get("N") for claim in own))]
    return max((count for count in counts if count), default=None)


def is_background(evidence: Evidence) -> bool:
    """Tell whether the paper only repeats what others found."""
    return all(claim.background for claim in evidence.claims)


def _rank(claim: Claim) -> tuple[bool, int, bool, int, int, float, int, int]:
    size = claim.population_n or figures.whole(claim.figures.get("N")) or 0
    numbers = len(claim.figures)
    return claim.background, _POLARITY_RANK[claim.polarity], not numbers, -size, -numbers, -claim.confidence, claim.start, claim.end


def _evidence(key: str, claims: Sequence[Claim], mined: Mined, lexicon: civic.Families | None) -> Evidence:
    ranked = sorted(claims, key=_rank)
    best = ranked[0]
    significance, direction, _ = civic.significance(best)
    profile = civic.molecular_profile(best, lexicon, regimen.kinds(best, mined.reading))
    joint = _interaction(ranked, mined.reading)
    therapies = tuple(sorted(set(best.therapies)))
    disease = best.disease.name if best.disease else None
    merged, disagreements = figures.merge_figures(ranked, mined.reading)
    return Evidence(
        key=key,
        pmid=source_id(mined),
        claim_type=best.type,
        evidence_type=civic.MEANINGS[best.type].evidence_type,
        molecular_profile=profile,
        disease=disease,
        therapies=therapies,
        therapy_interaction_type=joint,
        significance=significance,
        evidence_direction=direction,
        polarity=best.polarity,
        evidence_level=_level(ranked, mined),
        study_type=mined.study_type,
        statement=compose(
            best.type,
            profile=profile,
            disease=disease,
            therapies=therapies,
            joint=joint,
            significance=significance,
            direction=direction,
            polarity=best.polarity,
            figures=merged,
            population=None if best.type is ClaimType.SAFETY else best.population_n,
        ),
        claims=tuple(ranked),
        source="PubMed" if mined.record.pmid else mined.record.source or "file",
        figures=merged,
        warnings=_warnings(ranked, mined, disagreements),
    )


def _interaction(ranked: Sequence[Claim], reading: Reading) -> str | None:
    told = (regimen.interaction(claim, reading) for claim in ranked)
    return next((joint for joint in told if joint), None)


def _level(ranked: Sequence[Claim], mined: Mined) -> str:
    # A hedged claim does not lift an asserted one, nor the background the paper's own results.
    best = ranked[0]
    like_best = [claim for claim in ranked if (claim.background, claim.polarity) == (best.background, best.polarity)]
    text = mined.reading.text
    return min(civic.level(claim, mined.study_type, mined.evidence_level, text[claim.start : claim.end]) for claim in like_best)


def _warnings(claims: Sequence[Claim], mined: Mined, disagreements: Sequence[str]) -> tuple[str, ...]:
    told: list[str] = []
    for claim in claims:
        told += [*claim.warnings, *figures.measure_warnings(claim, mined.reading), *civic.significance(claim)[2]]
    if len({claim.polarity for claim in claims if not claim.background} & {Polarity.ASSERTED, Polarity.HEDGED}) > 1:
        told.append("the paper both asserts and hedges this")
    return tuple(dict.fromkeys([*told, *disagreements]))
