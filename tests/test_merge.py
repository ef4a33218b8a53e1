"""Claims become evidence in CIViC's terms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evidence_cases import FAMILIES, LUNG, SECRETORY, mention, mined, record, resistance, small_series, trial

from miner.claims import votes
from miner.evidence import civic, regimen
from miner.evidence.figures import describe, wilson
from miner.evidence.merge import PROPOSED, is_background, make_key, merge, patients
from miner.evidence.wording import features
from miner.schema import (
    Alteration,
    Claim,
    ClaimType,
    Concept,
    Direction,
    Evidence,
    Fusion,
    Label,
    Polarity,
    Reading,
    StudyType,
    Variant,
)

T, D = ClaimType, Direction


def made(type_: ClaimType = T.SENSITIVITY_RESPONSE, rule: str = "test", **rest: object) -> Claim:
    return Claim(type_, 0, 1, rule, **rest)  # type: ignore[arg-type]


def by_type(evidence: tuple[Evidence, ...], type_: ClaimType) -> Evidence:
    (found,) = [item for item in evidence if item.claim_type is type_]
    return found


def test_every_claim_type_has_a_meaning_whose_significances_are_legal() -> None:
    assert set(civic.MEANINGS) == set(ClaimType)
    for meaning in civic.MEANINGS.values():
        legal = civic.LEGAL_SIGNIFICANCES[meaning.evidence_type]
        assert all(item in legal for item in meaning.significances) == meaning.submittable


@pytest.mark.parametrize(
    ("type_", "evidence_type", "default"),
    [
        (T.DRIVER_ROLE, "Oncogenic", "Oncogenicity"),
        (T.PREVALENCE, "Diagnostic", "N/A"),
        (T.CLINICAL_FEATURES_ASSOCIATION, "Prognostic", "N/A"),
        (T.MUTUAL_EXCLUSIVITY, "Oncogenic", "N/A"),
        (T.CO_OCCURRENCE, "Oncogenic", "N/A"),
        (T.DETECTION_METHOD, "Diagnostic", "Positive"),
        (T.SENSITIVITY_RESPONSE, "Predictive", "Sensitivity/Response"),
        (T.RESISTANCE_ON_TARGET, "Predictive", "Resistance"),
        (T.RESISTANCE_OFF_TARGET, "Predictive", "Resistance"),
        (T.OVERCOMES_RESISTANCE, "Predictive", "Sensitivity/Response"),
        (T.RESISTANCE_TO_OTHER_THERAPY, "Predictive", "Resistance"),
        (T.COMBINATION_THERAPY, "Predictive", "Sensitivity/Response"),
        (T.IMMUNOTHERAPY_OUTCOME, "Predictive", "Sensitivity/Response"),
        (T.APPROVAL_RECOMMENDATION, "Predictive", "Sensitivity/Response"),
        (T.SAFETY, "Predictive", "Adverse Response"),
    ],
)
def test_evidence_type_and_default_significance(type_: ClaimType, evidence_type: str, default: str) -> None:
    assert (civic.MEANINGS[type_].evidence_type, civic.significance(made(type_))) == (evidence_type, (default, D.SUPPORTS, ()))


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (made(significance="Resistance"), ("Sensitivity/Response", D.DOES_NOT_SUPPORT)),
        (made(significance="Resistance", direction=D.DOES_NOT_SUPPORT), ("Sensitivity/Response", D.SUPPORTS)),
        (made(polarity=Polarity.NEGATED), ("Sensitivity/Response", D.DOES_NOT_SUPPORT)),
        (made(direction=D.DOES_NOT_SUPPORT, polarity=Polarity.NEGATED), ("Sensitivity/Response", D.DOES_NOT_SUPPORT)),
        (made(significance="Reduced Sensitivity"), ("Reduced Sensitivity", D.SUPPORTS)),
        (made(T.RESISTANCE_ON_TARGET, significance="Resistance", direction=D.DOES_NOT_SUPPORT), ("Resistance", D.DOES_NOT_SUPPORT)),
        (made(T.RESISTANCE_ON_TARGET, significance="Sensitivity/Response"), ("Resistance", D.DOES_NOT_SUPPORT)),
        (made(T.CLINICAL_FEATURES_ASSOCIATION, significance="Poor Outcome"), ("Poor Outcome", D.SUPPORTS)),
        (made(T.SAFETY, significance="N/A"), ("Adverse Response", D.SUPPORTS)),
    ],
)
def test_what_did_not_come_is_told_by_direction(claim: Claim, expected: tuple[str, Direction]) -> None:
    assert civic.significance(claim) == (*expected, ())


def test_an_illegal_significance_is_told() -> None:
    assert civic.significance(made(T.DRIVER_ROLE, significance="Positive")) == (
        "Oncogenicity",
        D.SUPPORTS,
        ("significance 'Positive' is not legal for driver_role",),
    )


@pytest.mark.parametrize(
    ("claim", "profile"),
    [
        (made(variant="NTRK1 G595R", genes=("NTRK1",)), "NTRK1 G595R"),
        (made(fusion="ETV6::NTRK3", genes=("NTRK3",)), "ETV6::NTRK3"),
        (made(fusion="ETV6::NTRK3", genes=("NTRK3",), alteration="fusion"), "ETV6::NTRK3"),
        (made(fusion="?::NTRK1", genes=("NTRK1",)), "NTRK1 Fusion"),
        (made(genes=("NTRK",), alteration="fusion"), "NTRK Fusion"),
        (made(genes=("NTRK",), alteration="NTRK rearrangement"), "NTRK Fusion"),
        (made(genes=("NTRK3", "NTRK1", "NTRK2"), alteration="fusion"), "NTRK Fusion"),
        (made(genes=("NTRK1", "NTRK3"), alteration="fusion"), "NTRK1 Fusion OR NTRK3 Fusion"),
        (made(genes=("ROS1", "NTRK", "ALK"), alteration="fusion"), "ALK Fusion OR NTRK Fusion OR ROS1 Fusion"),
        (made(fusion="EML4::ALK", variant="EGFR T790M", genes=("ALK", "EGFR")), "EML4::ALK AND EGFR T790M"),
        (made(fusion="ETV6::NTRK3", variant="NTRK3 G623R", genes=("NTRK3",)), "ETV6::NTRK3 AND NTRK3 G623R"),
        (made(genes=("MET",), alteration="amplification"), "MET Amplification"),
        (made(fusion="ETV6::NTRK3", genes=("NTRK3", "MET"), alteration="amplification"), "ETV6::NTRK3 AND MET Amplification"),
        (made(genes=("NTRK",), alteration="resistance mutation"), "NTRK Resistance Mutation"),
        (made(variant="MET exon 14 skipping", genes=("MET",)), "MET Exon 14 Skipping"),
        (made(variant="? G667C", genes=("NTRK1",)), "NTRK1 G667C"),
        (made(genes=("ALK",)), "ALK"),
        (made(), "not stated"),
        (made(T.RESISTANCE_OFF_TARGET, genes=("EGFR",), alteration="mutation", rule="resistance.unnamed"), "not stated"),
        (made(alteration="? fusion"), "Fusion"),
        (made(T.MUTUAL_EXCLUSIVITY, genes=("NTRK", "KRAS", "EGFR")), "EGFR AND KRAS AND NTRK"),
        (made(T.MUTUAL_EXCLUSIVITY, genes=("NTRK", "KRAS"), alteration="mutation"), "KRAS AND NTRK"),
        (made(T.CO_OCCURRENCE, fusion="ETV6::NTRK3", genes=("NTRK3", "TP53"), alteration="mutation"), "ETV6::NTRK3 AND TP53 Mutation"),
        (made(T.CO_OCCURRENCE, fusion="ETV6::NTRK3", genes=("NTRK3", "TP53")), "ETV6::NTRK3 AND TP53"),
    ],
)
def test_molecular_profile(claim: Claim, profile: str) -> None:
    assert civic.molecular_profile(claim, FAMILIES) == profile


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Dabrafenib was given alone.", None),
        ("Dabrafenib plus trametinib was given.", "Combination"),
        ("Dabrafenib with trametinib was given.", "Combination"),
        ("Dabrafenib in combination with trametinib was given.", "Combination"),
        ("The combination of dabrafenib and trametinib was given.", "Combination"),
        ("The addition of dabrafenib to trametinib paid.", "Combination"),
        ("The dabrafenib-trametinib combination was given.", "Combination"),
        ("Dabrafenib or trametinib was given.", "Substitutes"),
        ("Dabrafenib compared with trametinib lasted longer.", "Substitutes"),
        ("Dabrafenib followed by trametinib was given.", "Sequential"),
        ("Trametinib after dabrafenib was given.", "Sequential"),
        ("Dabrafenib and trametinib were given.", None),
    ],
)
def test_the_sentence_tells_how_therapies_were_given(sentence: str, expected: str | None) -> None:
    assert regimen.interaction(*pair(sentence)) == expected


def test_a_combination_claim_is_a_combination() -> None:
    claim, reading = pair("Dabrafenib and trametinib were given.")
    assert regimen.interaction(replace(claim, type=T.COMBINATION_THERAPY), reading) == "Combination"
    assert regimen.interaction(replace(claim, type=T.COMBINATION_THERAPY, rule="sequential"), reading) == "Sequential"


def pair(sentence: str) -> tuple[Claim, Reading]:
    item = record("1", sentence)
    places = {sentence.lower().find(drug): drug for drug in ("dabrafenib", "trametinib") if drug in sentence.lower()}
    mentions = [mention(sentence, sentence[at : at + len(drug)], Label.DRUG, Concept("x:1", drug)) for at, drug in places.items()]
    claim = Claim(T.SENSITIVITY_RESPONSE, 0, len(sentence), "test", therapies=tuple(places.values()))
    return claim, mined(item, [claim], mentions).reading


@pytest.mark.parametrize(
    ("found", "profile"),
    [
        ((Alteration("ALK", "rearrangement"), Alteration("EGFR", "mutation")), "ALK Fusion AND EGFR Mutation"),
        ((Fusion("EML4", "ALK"), Variant("EGFR", "L858R")), "ALK Fusion AND EGFR L858R"),
        ((Alteration("ALK", "fusion"), Alteration("EGFR", "mutation"), Variant("EGFR", "L858R")), "ALK Fusion AND EGFR Mutation"),
        ((Alteration("ALK", "fusion"), Alteration("ALK", "amplification"), Alteration("EGFR", "alteration")), "ALK AND EGFR Alteration"),
        ((Alteration("ALK", "fusion"),), "ALK Fusion AND EGFR"),
    ],
)
def test_genes_counted_together_have_each_their_own_alteration(found: tuple[Any, ...], profile: str) -> None:
    text = "w1 w2 w3 in one sentence."
    mentions = [mention(text, f"w{n}", Label.ALTERATION, referent) for n, referent in enumerate(found, start=1)]
    claim = Claim(T.MUTUAL_EXCLUSIVITY, 0, len(text), "test", genes=("EGFR", "ALK"), alteration="fusion")
    (item,) = merge(mined(record("1", text), [claim], mentions), FAMILIES)
    assert item.molecular_profile == profile


@pytest.mark.parametrize(
    ("claim", "study_type", "paper_level", "expected"),
    [
        (made(), StudyType.TRIAL, "B", "B"),
        (made(background=True), StudyType.TRIAL, "B", "C"),
        (made(population_n=1), StudyType.RETROSPECTIVE_COHORT, "B", "C"),
        (made(), StudyType.CASE_REPORT, "B", "C"),
        (made(), StudyType.PRECLINICAL, "B", "D"),
        (made(T.APPROVAL_RECOMMENDATION, background=True), StudyType.REVIEW, "B", "A"),
        (made(T.APPROVAL_RECOMMENDATION), StudyType.CASE_REPORT, "C", "C"),
        (made(T.APPROVAL_RECOMMENDATION, polarity=Polarity.HEDGED), StudyType.REVIEW, "B", "B"),
        (made(polarity=Polarity.HYPOTHETICAL), StudyType.TRIAL, "B", "E"),
        (made(), StudyType.OTHER, "", "E"),
    ],
)
def test_level(claim: Claim, study_type: StudyType, paper_level: str, expected: str) -> None:
    assert civic.level(claim, study_type, paper_level, "Larotrectinib is approved.") == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The FDA approved larotrectinib.", "A"),
        ("Larotrectinib is the standard of care.", "A"),
        ("The NCCN guidelines list larotrectinib.", "A"),
        ("Larotrectinib should be considered.", "B"),
        ("Larotrectinib warrants further study.", "B"),
    ],
)
def test_only_a_regulator_or_guideline_validates(sentence: str, expected: str) -> None:
    assert civic.level(made(T.APPROVAL_RECOMMENDATION), StudyType.TRIAL, "B", sentence) == expected


def test_one_proposition_of_one_paper_is_one_evidence_with_results_before_background() -> None:
    paper = trial()
    responds, fails = merge(paper, FAMILIES)
    assert len(responds.claims) == 3
    assert responds.claims[0].figures["N"] == 24
    assert [claim.background for claim in responds.claims] == [False, False, True]
    assert dict(responds.figures) == {"ORR_percent": 75, "ORR_percent_ci": "53-90", "n_resp": 18, "N": 24, "PFS_months": 28.3}
    assert responds.statement == (
        "Secretory carcinoma with ETV6::NTRK3 responds to larotrectinib: ORR 75 % (18/24; 95 % CI 53–90), median PFS 28.3 months"
    )
    assert responds.warnings == ()
    assert (fails.disease, fails.evidence_direction, fails.significance) == (LUNG.name, D.DOES_NOT_SUPPORT, "Sensitivity/Response")
    assert fails.statement == "Lung non-small cell carcinoma with ETV6::NTRK3 did not respond to larotrectinib"


def test_every_claim_is_kept_once_and_slices_its_sentence() -> None:
    paper = trial()
    kept = [claim for item in merge(paper, FAMILIES) for claim in item.claims]
    assert sorted(kept, key=lambda item: item.start) == sorted(paper.claims, key=lambda item: item.start)
    assert paper.reading.text[kept[0].start : kept[0].end].startswith("Of 24 patients")


def test_statements_of_a_laboratory_paper() -> None:
    assert [(item.evidence_level, item.statement) for item in merge(resistance(), FAMILIES)] == [
        ("D", "NTRK1 G595R confers on-target resistance to larotrectinib in cancer"),
        ("D", "MET Amplification may confer off-target resistance to TRK inhibitors in cancer"),
        ("D", "Resistant cancer with NTRK1 G595R responds to selitrectinib"),
    ]


def test_statements_of_a_cohort() -> None:
    assert [item.statement for item in merge(small_series(), FAMILIES)] == [
        "NTRK Fusion is found in lung non-small cell carcinoma: 0.2 % (4/2,000)",
        "Mutually exclusive in lung non-small cell carcinoma: EGFR AND KRAS AND NTRK",
        "DNA NGS does not reliably detect NTRK Fusion in lung non-small cell carcinoma",
        "Secretory carcinoma with ETV6::NTRK3 responds to larotrectinib: 3 of 5 responded",
        "Lung non-small cell carcinoma with NTRK Fusion did not respond to nivolumab: 0 of 2 responded",
    ]


@pytest.mark.parametrize(
    ("claim", "statement"),
    [
        (made(T.SAFETY, therapies=("entrectinib",)), "Adverse events of entrectinib"),
        (made(T.SAFETY, therapies=("entrectinib",), disease=LUNG), "Adverse events of entrectinib in lung non-small cell carcinoma"),
        (made(T.APPROVAL_RECOMMENDATION, therapies=("TRK inhibitors",)), "TRK inhibitors are approved or recommended for tumour"),
        (made(T.MUTUAL_EXCLUSIVITY, genes=("NTRK",), disease=LUNG),
         "Mutually exclusive in lung non-small cell carcinoma: NTRK and alterations not named"),
        (made(T.COMBINATION_THERAPY, therapies=("a", "b", "c")), "A plus b plus c is active in tumour"),
        (made(T.COMBINATION_THERAPY, therapies=("a",)), "A in combination is active in tumour"),
        (made(T.RESISTANCE_OFF_TARGET, genes=("EGFR",), therapies=("EGFR-TKI",), rule="resistance.unnamed"),
         "A mechanism not named confers off-target resistance to EGFR-TKI"),
        (made(T.SENSITIVITY_RESPONSE, therapies=("a", "b", "c")), "Tumour responds to a, b and c"),
        (made(T.CLINICAL_FEATURES_ASSOCIATION, genes=("KRAS",), significance="Poor Outcome"),
         "KRAS in tumours is associated with poorer outcome"),
    ],
)  # fmt: skip
def test_statements_agree_with_their_subject(claim: Claim, statement: str) -> None:
    (item,) = merge(mined(record("1", "A title."), [claim]), FAMILIES)
    assert item.statement == statement


def test_the_same_proposition_has_the_same_key_in_two_papers() -> None:
    first = by_type(merge(small_series(), FAMILIES), T.SENSITIVITY_RESPONSE)
    second = merge(trial(), FAMILIES)[0]
    assert first.key == second.key
    assert first.pmid != second.pmid


def test_key_is_pinned_and_independent_of_therapy_order() -> None:
    key = make_key(T.SENSITIVITY_RESPONSE, "NTRK Fusion", "doid:3908", ("larotrectinib", "entrectinib"), "Sensitivity/Response", D.SUPPORTS)
    assert key == make_key(
        T.SENSITIVITY_RESPONSE, "NTRK Fusion", "doid:3908", ("entrectinib", "larotrectinib"), "Sensitivity/Response", D.SUPPORTS
    )
    assert key == "v1:d9fd36130fffc1f319db"


def test_diseases_of_one_identifier_and_two_names_are_one_proposition() -> None:
    paper = small_series()
    other = replace(paper.claims[3], disease=Concept(SECRETORY.curie, "mammary analogue secretory carcinoma"))
    assert len(merge(replace(paper, claims=(paper.claims[3], other)), FAMILIES)) == 1


def test_figures_of_two_cohorts_do_not_mix() -> None:
    paper = trial()
    whole, small = paper.claims[1], replace(paper.claims[1], figures={"n_resp": 3, "N": 4}, population_n=4)
    (item,) = merge(replace(paper, claims=(small, whole)), FAMILIES)
    assert (item.figures["n_resp"], item.figures["N"]) == (18, 24)
    assert item.warnings == ("the paper also gives 3 responded; n = 4",)


def test_figures_of_a_cohort_of_another_size_are_told_and_not_merged() -> None:
    paper = trial()
    whole, other = paper.claims[1], replace(paper.claims[2], population_n=10)
    (item,) = merge(replace(paper, claims=(whole, other)), FAMILIES)
    assert ("PFS_months" in item.figures, item.warnings) == (False, ("the paper also gives median PFS 28.3 months",))
    (item,) = merge(replace(paper, claims=(whole, replace(other, population_n=24))), FAMILIES)
    assert (item.figures["PFS_months"], item.warnings) == (28.3, ())


def test_figures_complete_each_other_where_they_agree() -> None:
    paper = trial()
    title = replace(paper.claims[1], figures={"ORR_percent": 75, "CR": 2}, population_n=None)
    (item,) = merge(replace(paper, claims=(paper.claims[1], title)), FAMILIES)
    assert (item.figures["CR"], item.figures["N"], item.warnings) == (2, 24, ())


def test_asserting_and_hedging_the_same_is_told() -> None:
    paper = trial()
    hedged = replace(paper.claims[1], polarity=Polarity.HEDGED, figures={})
    (item,) = merge(replace(paper, claims=(hedged, paper.claims[1])), FAMILIES)
    assert (item.polarity, item.warnings) == (Polarity.ASSERTED, ("the paper both asserts and hedges this",))


def test_patients_are_the_papers_own() -> None:
    assert [patients(item) for item in merge(trial(), FAMILIES)] == [24, None]
    assert patients(merge(resistance(), FAMILIES)[0]) is None
    paper = trial()
    (item,) = merge(replace(paper, claims=paper.claims[:1]), FAMILIES)
    assert (is_background(item), patients(item), item.evidence_level) == (True, None, "C")


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ({"ORR_percent": 75, "n_resp": 18, "N": 24}, "ORR 75 % (18/24)"),
        ({"PFS_months": 10.2, "HR": 1.6}, "median PFS 10.2 months, HR 1.6"),
        ({"value_percent": "<1"}, "<1 %"),
        ({"value_percent": 0.71, "N": 1687}, "0.71 % (n = 1,687)"),
        ({"n_pos": 14, "N": 78}, "14 of 78"),
        ({"case_response": "CR"}, "one patient: CR"),
        ({"AE": "dizziness 28%"}, "dizziness 28%"),
        ({"IC50_nM": 3.1}, "IC50 nM 3.1"),
        ({"accuracy_percent": ">90"}, "accuracy >90 %"),
        ({"OS_months": "not reached"}, "median OS not reached"),
        ({"OS_months": 12.5, "OS_months_ci": "9.5-inf"}, "median OS 12.5 months (95 % CI 9.5–not reached)"),
        ({"ORR_percent": 34, "n_resp": 29}, "ORR 34 % (29 responders)"),
        ({}, ""),
    ],
)
def test_describe(figures: dict[str, float | int | str], text: str) -> None:
    assert describe(figures) == text


def test_wilson() -> None:
    assert tuple(round(bound, 1) for bound in wilson(18, 24)) == (55.1, 88.0)
    assert tuple(round(bound, 1) for bound in wilson(0, 2)) == (0.0, 65.8)
    with pytest.raises(ValueError, match="3 of 2 is no proportion"):
        wilson(3, 2)


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("Carriers were younger women who had never smoked.", ("age", "sex", "smoking")),
        ("No difference in PD-L1 or stage was seen.", ("stage", "PD-L1")),
        ("The average image was sharp.", ()),
    ],
)
def test_features_of_a_sentence(sentence: str, names: tuple[str, ...]) -> None:
    assert features(sentence) == names


def test_what_a_model_proposed_is_no_row() -> None:
    assert votes.RULE.startswith(PROPOSED)
    found = merge(mined(record("1", "A title."), [made(rule=votes.RULE), made(rule="effect.works", therapies=("crizotinib",))]))
    assert [item.therapies for item in found] == [("crizotinib",)]
