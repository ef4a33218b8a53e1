"""Training the claim model: what becomes an example, what is held back, what is calibrated, and what replaces what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evidence_cases import FAMILIES
from typer.testing import CliRunner

from miner import cli, mine, train, train_data, train_report
from miner.claims import votes
from miner.claims.votes import ClaimModel
from miner.errors import InputError
from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.schema import Action, Curation, Record, Section
from miner.train import Decision, Example

CORPUS = Path(__file__).parents[1] / "corpora" / "synthetic_ntrk" / "gold.jsonl"
TEXT = "EGFR L858R tumours responded to gefitinib. KRAS G12C tumours resisted gefitinib."


@pytest.fixture(scope="module")
def miner() -> mine.Miner:
    return mine.load()


def gold(*claims: dict[str, object]) -> dict[str, object]:
    return {"id": "t1", "claims": list(claims)}


def claim(type_: str, gene: str, drug: str, direction: str = "supports", polarity: str = "asserted") -> dict[str, object]:
    return {"type": type_, "subject": f"{gene} mutation", "drug": [drug], "direction": direction, "polarity": polarity, "figures": {}}


def mined(miner: mine.Miner, text: str = TEXT) -> mine.Mined:
    return miner(Record("t1", None, "", (Section(None, text),)))


def of(examples: list[Example], gene: str | None, drug: str | None) -> Example:
    return next(e for e in examples if e.key == (gene, drug))


def test_an_annotated_text_tells_of_every_type(miner: mine.Miner) -> None:
    row = gold(
        claim("sensitivity_response", "EGFR", "gefitinib", polarity="hedged"),
        claim("resistance_off_target", "KRAS", "gefitinib", "does_not_support"),
    )
    examples = train.examples_of_gold(mined(miner), row, miner.lexicon)
    egfr, kras = of(examples, "EGFR", "gefitinib"), of(examples, "KRAS", "gefitinib")
    assert (egfr.types, egfr.known, egfr.against, egfr.hedged) == ({"sensitivity_response"}, None, False, True)
    assert (kras.types, kras.against, kras.hedged) == ({"resistance_off_target"}, True, False)
    assert of(examples, None, "gefitinib").types == frozenset()


def test_a_claim_that_says_its_sentence_is_true_there_and_of_other_sentences_nothing_is_known(miner: mine.Miner) -> None:
    text = "EGFR mutations and gefitinib were studied. Tumours with EGFR mutations responded to gefitinib."
    second = text.index("Tumours")
    row = gold(claim("sensitivity_response", "EGFR", "gefitinib") | {"spans": [[second, len(text)]]})
    read = mined(miner, text)
    found = {e.types for e in train.examples_of_gold(read, row, miner.lexicon) if e.key == ("EGFR", "gefitinib")}
    asked = {e.known for e in train.examples_of_gold(read, row, miner.lexicon) if e.key == ("EGFR", "gefitinib") and not e.types}
    assert found == {frozenset(), frozenset({"sensitivity_response"})}
    assert asked == {train.EVERY - {"sensitivity_response"}}


def test_a_civic_statement_tells_of_effects_alone_and_its_other_pairs_weigh_less(miner: mine.Miner) -> None:
    item = {
        "gene": "KRAS", "drugs": "Gefitinib", "evidence_type": "Predictive", "evidence_direction": "Does Not Support",
        "clinical_significance": "Resistance", "citation_id": "1",
    }  # fmt: skip
    examples = train.examples_of_civic(mined(miner), [item], miner.lexicon)
    kras, egfr = of(examples, "KRAS", "gefitinib"), of(examples, "EGFR", "gefitinib")
    assert (kras.types, kras.against, kras.weight) == ({"resistance_off_target"}, True, 1.0)
    assert (egfr.types, egfr.known, egfr.weight) == (frozenset(), train.EFFECT_TYPES, train.UNCURATED)


def test_a_rejected_row_says_no_to_its_type_and_nothing_of_others(miner: mine.Miner) -> None:
    start = TEXT.index("KRAS")
    verdicts = [Decision("sensitivity_response", ("KRAS",), ("gefitinib",), frozenset({start}), right=False)]
    [example] = train.examples_of_curation(mined(miner), verdicts, miner.lexicon)
    assert (example.key, example.types, example.known, example.against) == (
        ("KRAS", "gefitinib"),
        frozenset(),
        {"sensitivity_response"},
        None,
    )


def test_an_accepted_row_says_yes_and_how_it_is_held(miner: mine.Miner) -> None:
    verdicts = [Decision("sensitivity_response", ("EGFR",), ("gefitinib",), frozenset({5}), right=True, hedged=True)]
    [example] = train.examples_of_curation(mined(miner), verdicts, miner.lexicon)
    assert (example.types, example.against, example.hedged) == ({"sensitivity_response"}, False, True)


def test_the_fifth_for_testing_alone_never_becomes_a_statement_to_learn_from(tmp_path: Path) -> None:
    rows = [{"evidence_id": str(n), "evidence_statement": f"Statement {n}.", "citation_id": str(n)} for n in range(40)]
    path = tmp_path / "civic.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    learned = {items[0]["citation_id"] for _, items in train_data.statements(path, held_back=False)}
    apart = {items[0]["citation_id"] for _, items in train_data.statements(path, held_back=True)}
    assert learned & apart == set()
    assert learned | apart == {str(n) for n in range(40)}
    assert apart == {str(n) for n in range(40) if train.is_held_back(str(n))} != set()


def sample(n: int, feature: str, types: set[str]) -> list[Example]:
    return [Example(f"{feature}{i}", ("EGFR", None), ("all", feature), frozenset(types), against=None) for i in range(n)]


def test_a_head_learns_what_tells_it_and_a_rare_type_gets_none() -> None:
    model = train.fit([*sample(20, "good", {"prevalence"}), *sample(20, "bad", set()), *sample(3, "rare", {"safety"})], penalty=1.0)
    assert model.heads == ("prevalence",)
    assert model.odds(["good"])["prevalence"] > 0.8 > 0.3 > model.odds(["bad"])["prevalence"]


def test_training_is_repeatable() -> None:
    data = [*sample(20, "good", {"prevalence"}), *sample(20, "bad", set())]
    assert votes.to_json(train.train(data)) == votes.to_json(train.train(list(data)))


def test_the_curve_rises_to_what_was_observed() -> None:
    curve = train.isotonic([(0.2, False)] * 30 + [(0.2, True)] * 10 + [(0.8, True)] * 40)
    assert [round(y, 2) for x, y in curve if x in (0.0, 0.2, 0.8, 1.0)] == [0.25, 0.25, 0.99, 0.99]
    assert train.isotonic([(0.5, True)]) == ((0.0, 0.0), (1.0, 1.0))


def test_a_reliability_table_sets_what_was_said_beside_what_was_so() -> None:
    [low, high] = train.reliability([(0.1, False), (0.1, True), (1.0, True)], bins=2)
    assert (low.n, low.said, low.right) == (2, 0.1, 0.5)
    assert (high.n, high.said, high.right) == (1, 1.0, 1.0)


def test_quality_counts_the_claims_of_the_frames_alone() -> None:
    rows = [train.Judged(True, 0.9, True), train.Judged(True, 0.1, False), train.Judged(False, 0.9, False)]
    assert train.quality(rows) == {"rows": 2, "squared error": 0.01, "right where sure": 1.0, "right where not": 0.0}


def test_a_worse_model_is_called_worse() -> None:
    right, wrong = [train.Judged(True, 0.9, True)], [train.Judged(True, 0.1, True)]
    assert train_report.better([train_report.Comparison("x", wrong, right)])
    assert not train_report.better([train_report.Comparison("x", right, wrong)])
    assert train_report.better([train_report.Comparison("x", None, wrong)])


def test_nothing_to_learn_from_is_an_error_that_names_the_files(miner: mine.Miner, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing to learn from.*--corpus and --data"):
        train_data.collect(miner, corpus=tmp_path / "none", data=tmp_path)


def test_a_model_is_replaced_only_when_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = CORPUS.read_text(encoding="utf-8").splitlines()
    (tmp_path / "gold.jsonl").write_text("\n".join([r for r in rows if '"split": "dev"' in r][:14]), encoding="utf-8")
    old = ClaimModel(("prevalence",), (0.0,), {})
    train_data.write(tmp_path / "model", old, {})
    options = ["--quiet", "train", "--corpus", "gold.jsonl", "--data", str(tmp_path), "-o", "model"]
    kept = CliRunner().invoke(cli.app, options, input="n\n")
    assert kept.exit_code == 0
    assert "synthetic, old" in kept.output and "synthetic, new" in kept.output
    assert votes.load(tmp_path / "model") == old
    assert CliRunner().invoke(cli.app, [*options, "--yes"]).exit_code == 0
    assert votes.load(tmp_path / "model") != old
    assert json.loads((tmp_path / "model" / "metrics.json").read_text(encoding="utf-8"))["examples"].keys() == {"synthetic"}


def test_what_curators_decided_becomes_examples(miner: mine.Miner, tmp_path: Path) -> None:
    read = miner(
        Record("7", "7", "", (Section(None, "EGFR L858R tumours responded to gefitinib. BRAF V600E tumours responded to dabrafenib."),))
    )
    with Store.open(tmp_path / "e.db") as store:
        store.save(read, merge(read, FAMILIES), run_id=None, mining_version="m1", topic="t")
        rows = {row.genes: row for row in store.evidence()}
        store.curate(Curation("ada", Action.ACCEPT, rows[("EGFR",)].key, "7"))
        store.curate(Curation("ada", Action.REJECT, rows[("BRAF",)].key, "7"))
    found = {(e.key, e.types) for e in train_data.curated(miner, tmp_path / "e.db")}
    assert found == {(("EGFR", "gefitinib"), frozenset({str(rows[("EGFR",)].claim_type)})), (("BRAF", "dabrafenib"), frozenset())}
