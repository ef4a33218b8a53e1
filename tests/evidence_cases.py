"""Mined records for the tests of the evidence layer; all texts are written for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from miner.evidence.merge import make_key
from miner.evidence.table import Paper, Quote
from miner.schema import (
    Alteration,
    Claim,
    ClaimType,
    Concept,
    Direction,
    Fusion,
    Label,
    Measure,
    Mention,
    Mined,
    Polarity,
    Reading,
    Record,
    Section,
    Sentence,
    Status,
    StudyType,
    Variant,
)

LUNG = Concept("doid:3908", "lung non-small cell carcinoma")
SECRETORY = Concept("doid:0080770", "secretory carcinoma")
TUMOURS = Concept("doid:162", "cancer")


class Families:
    """The one family that the tests need."""

    def members(self, name: str) -> tuple[str, ...]:
        return ("NTRK1", "NTRK2", "NTRK3") if name == "NTRK" else (name,)


FAMILIES = Families()


def record(pmid: str, title: str, *sections: tuple[str | None, str], **rest: Any) -> Record:
    """Make a record; its fields beyond text may be given."""
    fields: dict[str, Any] = {"journal": "Journal of Invented Cases", "pub_date": "2021-05", "source": "tests"}
    return Record(id=pmid, pmid=pmid, title=title, sections=tuple(Section(*part) for part in sections), **(fields | rest))


def claim(text: str, sentence: str, type_: ClaimType, **rest: Any) -> Claim:
    """Make a claim whose span is where ``sentence`` stands in ``text``; ``more`` are further sentences used."""
    more = rest.pop("more", ())
    spans = tuple((text.index(part), text.index(part) + len(part)) for part in (sentence, *more))
    return Claim(type_, spans[0][0], spans[0][1], rest.pop("rule", "test"), spans=spans, **rest)


def mention(text: str, words: str, label: Label, referent: Any = None, polarity: Polarity = Polarity.ASSERTED) -> Mention:
    """Make a mention of the first place where ``words`` stand."""
    start = text.index(words)
    return Mention(start, start + len(words), words, label, referent, polarity)


def mined(
    item: Record, claims: list[Claim], mentions: list[Mention] | None = None, study_type: StudyType = StudyType.TRIAL, level: str = "B"
) -> Mined:
    """Put a mined record together; its sentences are its parts."""
    sentences = tuple(Sentence(start, end, number, label) for number, (label, start, end) in enumerate(item.spans))
    return Mined(Reading(item, sentences, tuple(sorted(mentions or []))), study_type, level, tuple(claims))


def trial(pmid: str = "900001", **rest: Any) -> Mined:
    """A trial of larotrectinib: a rate in title and results, an older rate in the background, a negative subgroup."""
    item = record(
        pmid,
        "Larotrectinib in secretory carcinoma with ETV6-NTRK3 fusion",
        ("BACKGROUND", "An earlier series gave a response rate of 57% with larotrectinib."),
        (
            "RESULTS",
            "Of 24 patients with ETV6-NTRK3, 18 responded to larotrectinib (75%; 95% CI 53-90). "
            "Median PFS was 28.3 months. No response was seen in lung cancer.",
        ),
        **rest,
    )
    text = item.text
    base: dict[str, Any] = {"genes": ("NTRK3",), "fusion": "ETV6::NTRK3", "therapies": ("larotrectinib",), "disease": SECRETORY}
    result = "Of 24 patients with ETV6-NTRK3, 18 responded to larotrectinib (75%; 95% CI 53-90)."
    claims = [
        claim(text, "An earlier series gave a response rate of 57% with larotrectinib.", ClaimType.SENSITIVITY_RESPONSE, **base,
              figures={"ORR_percent": 57}, background=True, confidence=0.9),
        claim(text, result, ClaimType.SENSITIVITY_RESPONSE, **base, figures={"ORR_percent": 75, "n_resp": 18, "N": 24}, population_n=24),
        claim(text, "Median PFS was 28.3 months.", ClaimType.SENSITIVITY_RESPONSE, more=(result,), **base, figures={"PFS_months": 28.3}),
        claim(text, "No response was seen in lung cancer.", ClaimType.SENSITIVITY_RESPONSE, **(base | {"disease": LUNG}),
              direction=Direction.DOES_NOT_SUPPORT, polarity=Polarity.NEGATED),
    ]  # fmt: skip
    mentions = [
        mention(text, "Larotrectinib", Label.DRUG, Concept("unii:PF9462I9HX", "larotrectinib")),
        mention(text, "ETV6-NTRK3", Label.FUSION, Fusion("ETV6", "NTRK3", "E5;N15")),
        mention(text, "secretory carcinoma", Label.DISEASE, SECRETORY),
        mention(text, "75%; 95% CI 53-90", Label.MEASURE, Measure("ORR_percent", 75, "percent", 18, 24, (53.0, 90.0))),
    ]
    return mined(item, claims, mentions)


def resistance(pmid: str = "900002", **rest: Any) -> Mined:
    """A laboratory paper: G595R defeats larotrectinib, selitrectinib answers; MET amplification is the bypass."""
    item = record(
        pmid,
        "Routes around TRK inhibition",
        (
            None,
            "NTRK1 G595R made cells resistant to larotrectinib. Selitrectinib kept its activity against G595R. "
            "MET amplification may bypass TRK.",
        ),
        **rest,
    )
    text = item.text
    claims = [
        claim(text, "NTRK1 G595R made cells resistant to larotrectinib.", ClaimType.RESISTANCE_ON_TARGET, genes=("NTRK1",),
              variant="NTRK1 G595R", therapies=("larotrectinib",), disease=TUMOURS, significance="Resistance"),
        claim(text, "Selitrectinib kept its activity against G595R.", ClaimType.OVERCOMES_RESISTANCE, genes=("NTRK1",),
              variant="NTRK1 G595R", therapies=("selitrectinib",), disease=TUMOURS),
        claim(text, "MET amplification may bypass TRK.", ClaimType.RESISTANCE_OFF_TARGET, genes=("MET",), alteration="amplification",
              therapies=("TRK inhibitors",), disease=TUMOURS, polarity=Polarity.HEDGED),
    ]  # fmt: skip
    mentions = [
        mention(text, "NTRK1 G595R", Label.VARIANT, Variant("NTRK1", "G595R")),
        mention(text, "MET amplification", Label.ALTERATION, Alteration("MET", "amplification"), Polarity.HEDGED),
    ]
    return mined(item, claims, mentions, StudyType.PRECLINICAL, "D")


def small_series(pmid: str = "900003", **rest: Any) -> Mined:
    """A cohort: prevalence, a second larotrectinib rate, exclusivity, an assay that misses, two patients without response to nivolumab."""
    item = record(
        pmid,
        "NTRK fusions in a lung cancer cohort",
        (
            None,
            "NTRK fusions were found in 4 of 2000 lung cancers (0.2%). None had an EGFR or KRAS mutation. "
            "DNA sequencing missed one fusion. Three of five patients with ETV6-NTRK3 secretory carcinoma responded to larotrectinib. "
            "Neither of two patients with an NTRK fusion responded to nivolumab.",
        ),
        **({"pub_date": "2023"} | rest),
    )
    text = item.text
    base: dict[str, Any] = {"genes": ("NTRK1", "NTRK2", "NTRK3"), "alteration": "fusion", "disease": LUNG}
    claims = [
        claim(text, "NTRK fusions were found in 4 of 2000 lung cancers (0.2%).", ClaimType.PREVALENCE, **base,
              figures={"value_percent": 0.2, "n_pos": 4, "N": 2000}, population_n=2000),
        claim(text, "None had an EGFR or KRAS mutation.", ClaimType.MUTUAL_EXCLUSIVITY, genes=("NTRK", "EGFR", "KRAS"), disease=LUNG),
        claim(text, "DNA sequencing missed one fusion.", ClaimType.DETECTION_METHOD, **base, figures={"method": "DNA NGS"},
              direction=Direction.DOES_NOT_SUPPORT),
        claim(text, "Three of five patients with ETV6-NTRK3 secretory carcinoma responded to larotrectinib.",
              ClaimType.SENSITIVITY_RESPONSE,
              genes=("NTRK3",), fusion="ETV6::NTRK3", therapies=("larotrectinib",), disease=SECRETORY, population_n=5,
              figures={"n_resp": 3, "N": 5}),
        claim(text, "Neither of two patients with an NTRK fusion responded to nivolumab.", ClaimType.IMMUNOTHERAPY_OUTCOME, **base,
              therapies=("nivolumab",), direction=Direction.DOES_NOT_SUPPORT, polarity=Polarity.NEGATED, population_n=2,
              figures={"n_resp": 0, "N": 2}),
    ]  # fmt: skip
    mentions = [mention(text, "NTRK fusions", Label.ALTERATION, Alteration("NTRK", "fusion"))]
    mentions.append(mention(text, "ETV6-NTRK3", Label.FUSION, Fusion("ETV6", "NTRK3")))
    return mined(item, claims, mentions, StudyType.RETROSPECTIVE_COHORT, "B")


def with_record(item: Mined, **changes: Any) -> Mined:
    """Return the same reading of a changed record."""
    return replace(item, reading=replace(item.reading, record=replace(item.record, **changes)))


def paper(pmid: str, quote: str = "A sentence.", **given: Any) -> Paper:
    """Make evidence as the store gives it: a trial of larotrectinib in cancer with an NTRK fusion, unless told otherwise."""
    figures = given.pop("figures", {})
    fields: dict[str, Any] = {
        "key": f"v1:{pmid}", "claim_type": ClaimType.SENSITIVITY_RESPONSE, "evidence_type": "Predictive",
        "molecular_profile": "NTRK Fusion", "genes": ("NTRK",), "disease": "cancer", "disease_key": "doid:162",
        "therapies": ("larotrectinib",), "therapy_interaction_type": None, "significance": "Sensitivity/Response",
        "direction": Direction.SUPPORTS, "polarity": Polarity.ASSERTED, "level": "B", "study_type": str(StudyType.TRIAL),
        "statement": f"What {pmid} states", "source": "tests", "status": "submitted", "cohorts": (figures,), "warnings": (),
        "n_patients": figures.get("N"), "background": False, "quotes": (Quote(0, len(quote), quote),),
        "record_status": Status.CURRENT, "notices": (), "title": f"Title {pmid}", "journal": None, "year": 2020,
    }  # fmt: skip
    held = fields | given
    parts = [held[name] for name in ("claim_type", "molecular_profile", "disease_key", "therapies", "significance", "direction")]
    return Paper(pmid=pmid, figures=figures, proposition=make_key(*parts), **held)
