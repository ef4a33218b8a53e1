"""One readable sentence for a piece of evidence, composed from its fields."""

from __future__ import annotations

import re
from collections.abc import Sequence

from miner.evidence.civic import REDUCED, UNSPECIFIED
from miner.evidence.figures import Figures, describe, number
from miner.schema import ClaimType, Direction, Polarity

T = ClaimType
# claim type: (supports, does not support, may, may not); {is} and its like agree with the number of therapies.
SENTENCES: dict[ClaimType, tuple[str, str, str, str]] = {
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
        "{profile} in {tumour} is associated with {feature}",
        "{profile} in {tumour} is not associated with {feature}",
        "{profile} in {tumour} may be associated with {feature}",
        "{profile} in {tumour} may not be associated with {feature}",
    ),
    T.MUTUAL_EXCLUSIVITY: (
        "Mutually exclusive in {tumour}: {together}",
        "Not mutually exclusive in {tumour}: {together}",
        "Perhaps mutually exclusive in {tumour}: {together}",
        "Perhaps not mutually exclusive in {tumour}: {together}",
    ),
    T.CO_OCCURRENCE: (
        "Found together in {tumour}: {together}",
        "Not found together in {tumour}: {together}",
        "Perhaps found together in {tumour}: {together}",
        "Perhaps not found together in {tumour}: {together}",
    ),
    T.DETECTION_METHOD: (
        "{method} detects {detected}",
        "{method} does not reliably detect {detected}",
        "{method} may detect {detected}",
        "{method} may miss {detected}",
    ),
    T.SENSITIVITY_RESPONSE: (
        "{subject} responds to {therapies}",
        "{subject} did not respond to {therapies}",
        "{subject} may respond to {therapies}",
        "{subject} may not respond to {therapies}",
    ),
    T.RESISTANCE_ON_TARGET: (
        "{cause} confers on-target resistance to {therapies}{where}",
        "{cause} does not confer on-target resistance to {therapies}{where}",
        "{cause} may confer on-target resistance to {therapies}{where}",
        "{cause} may not confer on-target resistance to {therapies}{where}",
    ),
    T.RESISTANCE_OFF_TARGET: (
        "{cause} confers off-target resistance to {therapies}{where}",
        "{cause} does not confer off-target resistance to {therapies}{where}",
        "{cause} may confer off-target resistance to {therapies}{where}",
        "{cause} may not confer off-target resistance to {therapies}{where}",
    ),
    T.OVERCOMES_RESISTANCE: (
        "{resistant} responds to {therapies}",
        "{resistant} did not respond to {therapies}",
        "{resistant} may respond to {therapies}",
        "{resistant} may not respond to {therapies}",
    ),
    T.RESISTANCE_TO_OTHER_THERAPY: (
        "{cause} is a cause of resistance to {therapies}{where}",
        "{cause} is not a cause of resistance to {therapies}{where}",
        "{cause} may be a cause of resistance to {therapies}{where}",
        "{cause} may not be a cause of resistance to {therapies}{where}",
    ),
    T.COMBINATION_THERAPY: (
        "{Therapies}{combined} {is} active in {subject}",
        "{Therapies}{combined} brought no benefit in {subject}",
        "{Therapies}{combined} may be active in {subject}",
        "{Therapies}{combined} may bring no benefit in {subject}",
    ),
    T.IMMUNOTHERAPY_OUTCOME: (
        "{subject} responds to {therapies}",
        "{subject} did not respond to {therapies}",
        "{subject} may respond to {therapies}",
        "{subject} may not respond to {therapies}",
    ),
    T.APPROVAL_RECOMMENDATION: (
        "{Therapies} {is} approved or recommended for {subject}",
        "{Therapies} {is} not approved or recommended for {subject}",
        "{Therapies} may be recommended for {subject}",
        "{Therapies} may not be recommended for {subject}",
    ),
    T.SAFETY: (
        "Adverse events of {therapies}{among}",
        "No notable adverse events of {therapies}{among}",
        "Possible adverse events of {therapies}{among}",
        "Perhaps no adverse events of {therapies}{among}",
    ),
}
_JOINTS = {"Combination": " plus ", "Sequential": " then ", "Substitutes": " or ", None: " and "}
_FEATURES = {"Better Outcome": "better outcome", "Poor Outcome": "poorer outcome"}
_PLURAL = re.compile(r"(?:inhibitors|antibodies|conjugates|antagonists|agonists|TKIs|drugs|vaccines|therapies)$")


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
    template = SENTENCES[claim_type][2 * unsure + (direction is Direction.DOES_NOT_SUPPORT)]
    if significance == REDUCED:
        template = template.replace("responds to", "is less sensitive to").replace("respond to", "be less sensitive to")
    named = _listed(therapies, _JOINTS[joint]) or "treatment"
    several = len(therapies) > 1 and joint != "Substitutes" and claim_type is not T.COMBINATION_THERAPY
    plural = several or bool(_PLURAL.search(named))
    subject = _subject(profile, disease)
    text = template.format(
        profile="An alteration" if profile == UNSPECIFIED else profile,
        cause="A mechanism not named" if profile == UNSPECIFIED else profile,
        together=_together(profile),
        tumour=disease or "tumours",
        where=f" in {disease}" if disease else "",
        subject=subject,
        among=f" in {subject}" if disease or profile != UNSPECIFIED else "",
        resistant=f"resistant {subject}",
        detected=_detected(profile, disease),
        feature=_FEATURES.get(significance, "clinical features"),
        combined="" if len(therapies) > 1 else " in combination",
        therapies=named,
        Therapies=named[0].upper() + named[1:],
        method=str(figures.get("method", "Testing")),
        **{"is": "are" if plural else "is"},
    )
    told = describe(figures)
    if population and not {"N", "n_resp", "case_response"} & set(figures):
        told = ", ".join(part for part in (told, f"n = {number(population)}") if part)
    return text[0].upper() + text[1:] + (f": {told}" if told else "")


def _listed(therapies: Sequence[str], word: str) -> str:
    if word in (" or ", " and ") and len(therapies) > 2:
        return ", ".join(therapies[:-1]) + word + therapies[-1]
    return word.join(therapies)


def _together(profile: str) -> str:
    if profile == UNSPECIFIED:
        return "alterations not named"
    return profile if " AND " in profile else f"{profile} and alterations not named"


def _subject(profile: str, disease: str | None) -> str:
    if profile == UNSPECIFIED:
        return disease or "tumour"
    return f"{disease or 'tumour'} with {profile}"


def _detected(profile: str, disease: str | None) -> str:
    named = "alterations" if profile == UNSPECIFIED else profile
    return f"{named} in {disease}" if disease else named
