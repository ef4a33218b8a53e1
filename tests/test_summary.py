"""The summary answers the topic's questions, or says that there is no evidence yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from evidence_cases import FAMILIES, resistance, small_series, trial, with_record

from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.evidence.summary import Summary, SummaryRow, alteration_fits, is_of, summarise
from miner.evidence.summary_tables import response_rate
from miner.evidence.verdict import Tally, Verdict, judge
from miner.schema import ClaimType, Direction, Mined, Status
from miner.topic import SummaryRow as Question
from miner.topic import Topic, load_topic

T = ClaimType


class Terms:
    """A lexicon of four drugs."""

    _classes = {  # noqa: RUF012
        "larotrectinib": ("TRK inhibitors",),
        "selitrectinib": ("TRK inhibitors",),
        "nivolumab": ("immune checkpoint inhibitors",),
        "osimertinib": ("EGFR-TKI",),
    }

    def members(self, name: str) -> tuple[str, ...]:
        return FAMILIES.members(name)

    def classes(self, drug: str) -> tuple[str, ...]:
        return self._classes.get(drug, ())

    def generation(self, drug: str) -> str | None:
        return {"larotrectinib": "first", "selitrectinib": "next"}.get(drug)

    def targets(self, drug_or_class: str) -> tuple[str, ...]:
        return ("NTRK1", "NTRK2", "NTRK3") if "trectinib" in drug_or_class else ()


def question(id: str, *types: ClaimType, **rest: object) -> Question:
    return Question(id, id.title(), rest.pop("proposition", f"Says {id}."), f"Nothing on {id}.", types, **rest)  # type: ignore[arg-type]


TOPIC = Topic(
    name="t",
    title="Test topic",
    query="",
    focus_genes=("NTRK1", "NTRK2", "NTRK3"),
    focus_classes=("TRK inhibitors",),
    summary=(
        question("driver", T.DRIVER_ROLE, genes=("NTRK",)),
        question("prevalence", T.PREVALENCE, genes=("NTRK",), proposition=""),
        question("exclusive", T.MUTUAL_EXCLUSIVITY, T.CO_OCCURRENCE, genes=("NTRK",)),
        question("first", T.SENSITIVITY_RESPONSE, genes=("NTRK",), therapies=("TRK inhibitors",), generation="first"),
        question("bypass", T.RESISTANCE_OFF_TARGET, therapies=("TRK-TKI",)),
        question("next", T.OVERCOMES_RESISTANCE, therapies=("TRK inhibitors",), generation="next"),
        question("other", T.SENSITIVITY_RESPONSE, T.PREVALENCE, without_genes=("NTRK",)),
        question("both", T.COMBINATION_THERAPY, therapies_all=("EGFR inhibitors", "TRK inhibitors")),
        question("immune", T.IMMUNOTHERAPY_OUTCOME, genes=("NTRK3",), diseases=("*lung*",)),
        question("immune-not", T.IMMUNOTHERAPY_OUTCOME, directions=("supports",)),
    ),
)


def fill(path: Path, *found: Mined) -> Store:
    store = Store.open(path)
    for mined in found:
        store.save(mined, merge(mined, FAMILIES), run_id=None, mining_version="m1", topic="t")
    return store


@pytest.fixture
def summary(tmp_path: Path) -> Iterator[Summary]:
    with fill(tmp_path / "e.db", trial(), resistance(), small_series()) as store:
        yield summarise(store, TOPIC, Terms())


def row(summary: Summary, id: str) -> SummaryRow:
    (found,) = [item for item in summary.rows if item.id == id]
    return found


def test_rows_stand_in_the_order_of_the_topic(summary: Summary) -> None:
    assert [item.id for item in summary.rows] == [item.id for item in TOPIC.summary]


def test_a_row_is_a_proposition_its_verdict_and_what_the_evidence_says(summary: Summary) -> None:
    found = row(summary, "first")
    assert (found.proposition, found.verdict, found.papers) == ("Says first.", Verdict.CONTESTED, ("900001", "900003"))
    assert found.headline == "Contested: 2 papers for it (2 at level A or B, 29 patients), 1 paper against."
    assert [str(finding) for finding in found.findings] == [
        "response rate: larotrectinib 60–75 % (2 papers; 75 % in the largest, n = 24)",
        "median progression-free survival: larotrectinib 28.3 months",
        "drugs that brought response: larotrectinib (2)",
    ]
    assert found.statement.startswith("“Says first.” Contested: 2 papers for it (2 at level A or B, 29 patients), 1 paper against. Resp")
    assert found.tally == Tally(2, 2, 1, 0, 0, 2, "B", 29, 0)


def test_every_item_leads_to_its_papers_and_propositions(tmp_path: Path) -> None:
    with fill(tmp_path / "e.db", trial(), resistance(), small_series()) as store:
        summary = summarise(store, TOPIC, Terms())
        held = {(item.key, item.pmid) for item in store.evidence()}
    items = [item for found in summary.rows for finding in found.findings for item in finding.items]
    assert items
    assert all(any((key, pmid) in held for key in item.keys) for item in items for pmid in item.papers)


def test_quotes_hold_each_stance_and_slice_the_text(summary: Summary) -> None:
    found = row(summary, "first")
    assert [(quote.pmid, quote.direction) for quote in found.quotes] == [
        ("900001", Direction.SUPPORTS),
        ("900001", Direction.DOES_NOT_SUPPORT),
        ("900003", Direction.SUPPORTS),
    ]
    texts = {"900001": trial().record.text, "900003": small_series().record.text}
    assert all(
        texts[quote.pmid][quote.start : quote.end] == quote.text for item in summary.rows for quote in item.quotes if quote.pmid in texts
    )


@pytest.mark.parametrize(
    ("id", "statement"),
    [
        ("driver", "No evidence yet. Nothing on driver."),
        ("prevalence", "1 paper (2,000 patients): 1 found it. Frequency: lung non-small cell carcinoma 0.2 % (4/2,000)."),
        ("exclusive", "“Says exclusive.” Single report for (level B). Exclusive of: EGFR, KRAS."),
        ("bypass", "“Says bypass.” Open: 1 paper only suggests it."),
        ("next", "“Says next.” Single report for (level D). Resistance answered: NTRK1 G595R by selitrectinib."),
        ("other", "No evidence yet. Nothing on other."),
        ("both", "No evidence yet. Nothing on both."),
        ("immune", "“Says immune.” Single report against (2 patients). Response rate: nivolumab 0 % (0/2)."),
        ("immune-not", "No evidence yet. Nothing on immune-not."),
    ],
)
def test_statements(summary: Summary, id: str, statement: str) -> None:
    assert row(summary, id).statement == statement
    assert row(summary, id).is_empty == statement.startswith("No evidence yet.")


@pytest.mark.parametrize(
    ("n_for", "n_against", "n_hedged", "repeated", "verdict"),
    [
        (0, 0, 0, 0, "no evidence yet"),
        (0, 0, 0, 2, "open"),
        (0, 0, 3, 0, "open"),
        (1, 0, 0, 0, "single report for"),
        (0, 1, 2, 0, "single report against"),
        (2, 0, 0, 0, "supported"),
        (4, 0, 2, 1, "supported"),
        (3, 1, 0, 0, "mostly supported"),
        (2, 1, 0, 0, "contested"),
        (1, 1, 0, 0, "contested"),
        (1, 3, 0, 0, "mostly not supported"),
        (0, 2, 1, 0, "not supported"),
    ],
)
def test_the_verdict_follows_from_the_counts(n_for: int, n_against: int, n_hedged: int, repeated: int, verdict: str) -> None:
    count = Tally(max(n_for, n_against, n_hedged), n_for, n_against, n_hedged, repeated, n_for, "B", None, 0)
    assert judge(TOPIC.summary[0], count) == verdict
    described = "no evidence yet" if verdict == "no evidence yet" else "described"
    assert judge(replace(TOPIC.summary[0], proposition=""), count) == described


def test_what_a_contrary_type_asserts_speaks_against(tmp_path: Path) -> None:
    asked = replace(TOPIC, summary=(question("exclusive", T.MUTUAL_EXCLUSIVITY, T.CO_OCCURRENCE, contrary=(T.CO_OCCURRENCE,)),))
    mined = small_series()
    beside = replace(mined.claims[1], type=T.CO_OCCURRENCE)
    with fill(tmp_path / "e.db", replace(mined, claims=(beside,))) as store:
        found = row(summarise(store, asked, Terms()), "exclusive")
    assert (found.verdict, found.headline) == (Verdict.SINGLE_AGAINST, "Single report against.")
    assert [quote.stance for quote in found.quotes] == ["against"]


def test_a_drug_of_the_genes_alone_stands_for_them(tmp_path: Path) -> None:
    mined = small_series()
    unnamed = replace(mined.claims[3], genes=(), fusion=None)
    with fill(tmp_path / "e.db", replace(mined, claims=(unnamed,))) as store:
        assert row(summarise(store, TOPIC, Terms()), "first").papers == ("900003",)
    other = replace(unnamed, therapies=("larotrectinib", "osimertinib"))
    with fill(tmp_path / "f.db", replace(mined, claims=(other,))) as store:
        assert row(summarise(store, TOPIC, Terms()), "first").papers == ()


def test_synthetic_papers_are_told(tmp_path: Path) -> None:
    item = with_record(small_series(), pmid=None, id="syn-001")
    with fill(tmp_path / "e.db", trial(), item) as store:
        summary = summarise(store, TOPIC, Terms())
    assert row(summary, "exclusive").headline == "Single report for (level B); all synthetic."
    assert row(summary, "first").headline.endswith("1 paper against; 1 of the 2 papers synthetic.")


def test_flags_of_papers_reach_the_row(tmp_path: Path) -> None:
    notices = (("ErratumIn", "900077"), ("ExpressionOfConcernIn", "900078"))
    with fill(tmp_path / "e.db", with_record(small_series(), status=Status.CONCERN, notices=notices)) as store:
        found = row(summarise(store, TOPIC, Terms()), "exclusive")
    assert found.flags == ("PMID 900003: expression of concern", "PMID 900003: erratum: 900077")


def test_background_is_not_counted(tmp_path: Path) -> None:
    repeats = with_record(replace(trial("900009"), claims=trial().claims[:1]))
    with fill(tmp_path / "e.db", trial(), repeats) as store:
        found = row(summarise(store, TOPIC, Terms()), "first")
    assert (found.tally.n_for, found.tally.repeated, found.tally.patients, found.papers) == (1, 1, 24, ("900001", "900009"))
    assert found.headline.endswith("1 paper against; 1 more paper only repeats others.")


def test_only_background_is_told(tmp_path: Path) -> None:
    with fill(tmp_path / "e.db", replace(trial(), claims=trial().claims[:1])) as store:
        found = row(summarise(store, TOPIC, Terms()), "first")
    assert found.statement == "“Says first.” Open: so far only repeated from others, in 1 paper."


def test_a_retracted_paper_is_named_and_not_counted(tmp_path: Path) -> None:
    with fill(tmp_path / "e.db", with_record(trial(), status=Status.RETRACTED)) as store:
        summary = summarise(store, TOPIC, Terms())
    found = row(summary, "first")
    assert (found.is_empty, found.unsound, found.quotes) == (True, ("900001",), ())
    assert summary.partners == ()


def test_fusion_partners(summary: Summary) -> None:
    (found,) = summary.partners
    assert (found.fusion, found.is_focus, found.tumours, found.papers, found.n_patients) == (
        "ETV6::NTRK3",
        True,
        ("secretory carcinoma",),
        ("900001", "900003"),
        29,
    )


def test_inhibitors(summary: Summary) -> None:
    found = [(item.drug, item.generation, item.n, item.orr, item.interval, item.low, item.high) for item in summary.inhibitors]
    assert [values[:5] for values in found] == [
        ("larotrectinib", "first", 24, 75.0, "printed"),
        ("larotrectinib", "first", 5, 60.0, "Wilson"),
    ]
    assert found[0][5:] == (53.0, 90.0)
    assert [round(value or 0, 1) for value in found[1][5:]] == [23.1, 88.2]


def test_resistance(summary: Summary) -> None:
    found = [(item.molecular_profile, item.drug, item.effect, item.on_target, item.hedged) for item in summary.resistance]
    assert found == [
        ("NTRK1 G595R", "selitrectinib", "overcome", True, False),
        ("NTRK1 G595R", "larotrectinib", "resistant", True, False),
        ("MET Amplification", "TRK inhibitors", "resistant", False, True),
    ]


def test_grids_hold_text_of_equal_width(summary: Summary) -> None:
    for grid in summary.tables:
        assert grid.rows
        assert all(len(cells) == len(grid.columns) and all(isinstance(cell, str) for cell in cells) for cells in grid.rows)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"ORR_percent": 75, "N": 24, "n_resp": 18, "ORR_percent_ci": "53-90"}, (75, 53, 90, "printed")),
        ({"ORR_percent": 75, "N": 24}, (75, 55, 88, "Wilson")),
        ({"n_resp": 0, "N": 2}, (0, 0, 66, "Wilson")),
        ({"ORR_percent": 75}, (75, None, None, None)),
        ({"ORR_percent": 57, "N": 24}, (57, None, None, None)),
        ({"ORR_percent": 19, "n_resp": 1155, "N": 1155}, (19, None, None, None)),
        ({"ORR_percent": 19, "ORR_percent_ci": "40-60"}, (19, None, None, None)),
        ({"ORR_percent": "<10", "n_resp": 3, "N": 5}, (None, None, None, None)),
        ({"n_resp": 7, "N": 5}, (None, None, None, None)),
        ({}, (None, None, None, None)),
    ],
)
def test_response_rate(figures: dict[str, float | int | str], expected: tuple[object, ...]) -> None:
    rate, low, high, kind = response_rate(figures)
    rounded = tuple(None if value is None else round(value) for value in (rate, low, high))
    assert (*rounded, kind) == expected


def test_a_class_is_met_by_its_name_in_any_form_and_by_its_drugs() -> None:
    assert [is_of(name, "EGFR inhibitors", Terms()) for name in ("osimertinib", "EGFR TKIs", "larotrectinib")] == [True, True, False]


def test_the_packaged_topic_answers_every_row(tmp_path: Path) -> None:
    topic = load_topic("ntrk-nsclc")
    with fill(tmp_path / "e.db", trial(), resistance(), small_series()) as store:
        summary = summarise(store, replace(topic, name="t"))
    answered = {item.id for item in summary.rows if not item.is_empty}
    assert len(summary.rows) == len(topic.summary)
    assert {"prevalence", "first-generation", "resistance-on-target", "next-generation", "immunotherapy", "detection"} <= answered


@pytest.mark.parametrize(
    ("profile", "kinds", "fits"),
    [
        ("ETV6::NTRK3", ("fusion",), True),
        ("NTRK Fusion", ("fusion",), True),
        ("NTRK", ("fusion",), True),
        ("NTRK Mutation", ("fusion",), False),
        ("NTRK Mutation", ("fusion", "mutation"), True),
        ("ALK Fusion OR NTRK Mutation", ("fusion",), False),
        ("EGFR T790M AND (MET Amplification OR NTRK Fusion)", ("fusion",), True),
        ("ETV6::NTRK3", ("mutation",), False),
        ("not stated", ("fusion",), True),
    ],
)
def test_an_alteration_is_asked_of_the_topics_own_genes(profile: str, kinds: tuple[str, ...], fits: bool) -> None:
    assert alteration_fits(profile, kinds, {"NTRK", "NTRK3"}) is fits
