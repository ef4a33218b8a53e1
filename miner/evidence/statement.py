"""One readable sentence for a piece of evidence, composed from its fields."""

from __future__ import annotations

from collections.abc import Sequence

from miner.evidence.civic import REDUCED, UNSPECIFIED
from miner.evidence.figures import Figures, describe, number
from miner.schema import ClaimType, Direction, Polarity

T = ClaimType
# claim type: (supports, does not support, may, may not)
_SENTENCES: dict[ClaimType, tuple[str, str, str, str]] = {
    T.DRIVER_ROLE: (
        "{profile} drives {tumour}",
        "{profile} does not drive {tumour}",
        "{profile} may drive {tumour}",
        "{profile} may not drive {tumour}",
    ),
    T.PREVALENCE: (
        "{profile} is found in {tumour}",
        "{profile} was not found in {tumour}",
        "{profile} may be found in {tumour}",
        "{profile} may be absent from {tumour}",
    ),
    T.CLINICAL_FEATURES_ASSOCIATION: (
        "{subject} is associated with clinical features or outcome",
        "{subject} is not associated with clinical features or outcome",
        "{subject} may be associated with clinical features or outcome",
        "{subject} may not be associated with clinical features or outcome",
    ),
    T.MUTUAL_EXCLUSIVITY: (
        "Mutually exclusive: {subject}",
        "Not mutually exclusive: {subject}",
        "Perhaps mutually exclusive: {subject}",
        "Perhaps not mutually exclusive: {subject}",
    ),
    T.CO_OCCURRENCE: (
        "Found together: {subject}",
        "Not found together: {subject}",
        "Perhaps found together: {subject}",
        "Perhaps not found together: {subject}",
    ),
    T.DETECTION_METHOD: (
        "{method} detects {subject}",
        "{method} does not reliably detect {subject}",
        "{method} may detect {subject}",
        "{method} may miss {subject}",
    ),
    T.SENSITIVITY_RESPONSE: (
        "{subject} responds to {therapies}",
        "{subject} did not respond to {therapies}",
        "{subject} may respond to {therapies}",
        "{subject} may not respond to {therapies}",
    ),
    T.RESISTANCE_ON_TARGET: (
        "{subject} confers on-target resistance to {therapies}",
        "{subject} does not confer on-target resistance to {therapies}",
        "{subject} may confer on-target resistance to {therapies}",
        "{subject} may not confer on-target resistance to {therapies}",
    ),
    T.RESISTANCE_OFF_TARGET: (
        "{subject} confers off-target resistance to {therapies}",
        "{subject} does not confer off-target resistance to {therapies}",
        "{subject} may confer off-target resistance to {therapies}",
        "{subject} may not confer off-target resistance to {therapies}",
    ),
    T.OVERCOMES_RESISTANCE: (
        "{Therapies} overcomes the resistance of {subject}",
        "{Therapies} does not overcome the resistance of {subject}",
        "{Therapies} may overcome the resistance of {subject}",
        "{Therapies} may not overcome the resistance of {subject}",
    ),
    T.RESISTANCE_TO_OTHER_THERAPY: (
        "{subject} is a cause of resistance to {therapies}",
        "{subject} is not a cause of resistance to {therapies}",
        "{subject} may be a cause of resistance to {therapies}",
        "{subject} may not be a cause of resistance to {therapies}",
    ),
    T.COMBINATION_THERAPY: (
        "{Therapies} together are active in {subject}",
        "{Therapies} together brought no benefit in {subject}",
        "{Therapies} together may be active in {subject}",
        "{Therapies} together may bring no benefit in {subject}",
    ),
    T.IMMUNOTHERAPY_OUTCOME: (
        "{subject} responds to {therapies}",
        "{subject} did not respond to {therapies}",
        "{subject} may respond to {therapies}",
        "{subject} may not respond to {therapies}",
    ),
    T.APPROVAL_RECOMMENDATION: (
        "{Therapies} is approved or recommended for {subject}",
        "{Therapies} is not approved or recommended for {subject}",
        "{Therapies} may be recommended for {subject}",
        "{Therapies} may not be recommended for {subject}",
    ),
    T.SAFETY: (
        "Adverse events of {therapies} in {subject}",
        "No notable adverse events of {therapies} in {subject}",
        "Possible adverse events of {therapies} in {subject}",
        "Perhaps no adverse events of {therapies} in {subject}",
    ),
}
_JOINTS = {"Combination": " plus ", "Sequential": " then ", "Substitutes": " or ", None: ", "}


def compose(
    claim_type: ClaimType,
    *,
    profile: str,
    disease: str | None,
    therapies: Sequence[str],
    joint: str | None,
    significance: str,
    direction: Direction,
    polarity: Polarity,
    figures: Figures,
    population: int | None = None,
) -> str:
    """Write the sentence: subject, what is said of it, figures."""
    unsure = polarity in (Polarity.HEDGED, Polarity.HYPOTHETICAL)
    template = _SENTENCES[claim_type][2 * unsure + (direction is Direction.DOES_NOT_SUPPORT)]
    if significance == REDUCED:
        template = template.replace("responds to", "is less sensitive to").replace("respond to", "be less sensitive to")
    named = _JOINTS[joint].join(therapies) or "treatment"
    text = template.format(
        profile="An unnamed alteration" if profile == UNSPECIFIED else profile,
        tumour=disease or "tumours",
        subject=_subject(profile, disease),
        therapies=named,
        Therapies=named[0].upper() + named[1:],
        method=str(figures.get("method", "Testing")),
    )
    told = describe(figures)
    if population and "N" not in figures and "n_resp" not in figures:
        told = ", ".join(part for part in (told, f"n = {number(population)}") if part)
    return text[0].upper() + text[1:] + (f": {told}" if told else "")


def _subject(profile: str, disease: str | None) -> str:
    if profile == UNSPECIFIED:
        return disease or "tumours"
    return f"{profile} in {disease}" if disease else profile
