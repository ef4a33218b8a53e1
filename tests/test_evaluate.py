"""Figures of an evaluation: equalities on cases a person can count, and agreement with an independent scorer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from miner.errors import InputError
from miner.evaluate import (
    Score,
    check_floor,
    evaluate,
    evaluate_corpus,
    gold_record,
    number,
    read_gold,
    render_text,
    subject_genes,
    therapy,
)
from miner.evaluate_page import mark_text, write_page

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "corpora" / "synthetic_ntrk"
SCORER = ROOT.parent / "shared" / "tools" / "score.py"


def gold_claim(type_="sensitivity_response", subject="NTRK fusion", drug=("larotrectinib",), direction="supports", **more):
    claim = {"type": type_, "subject": subject, "drug": list(drug), "disease": "NSCLC", "direction": direction, "polarity": "asserted",
             "population_n": None, "figures": {}}  # fmt: skip
    return {**claim, **more}


def claim(type_="sensitivity_response", genes=("NTRK1",), therapies=("larotrectinib",), direction="supports", **more):
    row = {"type": type_, "genes": list(genes), "fusion": None, "therapies": list(therapies), "direction": direction,
           "polarity": "asserted", "population_n": None, "figures": {}, "start": 0, "end": 5, "spans": [[0, 5]]}  # fmt: skip
    return {**row, **more}


def row(id_="a", **more):
    blank = {
        "id": id_,
        "pmid": None,
        "title": "T",
        "abstract": "B",
        "study_type": "trial",
        "fusions": [],
        "drugs": [],
        "variants": [],
        "claims": [],
    }
    return {**blank, **more}


def score(gold, predicted, name):
    return evaluate([gold], [predicted]).scores[name]


def test_precision_recall_and_f1_of_a_score():
    counted = Score(right=3, predicted=4, found=3, gold=6)
    assert (counted.precision, counted.recall, counted.f1) == (0.75, 0.5, 0.6)
    assert Score().f1 == 0.0


def test_genes_of_a_family_are_one_and_another_drug_is_not():
    gold = row(claims=[gold_claim()])
    assert score(gold, row(claims=[claim()]), "claims") == Score(1, 1, 1, 1)
    assert score(gold, row(claims=[claim(therapies=["entrectinib"])]), "claims") == Score(0, 1, 0, 1)


def test_splitting_and_repeating_a_claim_pays_nothing():
    gold = row(claims=[gold_claim(drug=["larotrectinib", "entrectinib"])])
    split = [claim(therapies=["larotrectinib"]), claim(therapies=["entrectinib"]), claim(therapies=["entrectinib"])]
    assert score(gold, row(claims=split), "claims") == score(
        gold, row(claims=[claim(therapies=["larotrectinib", "entrectinib"])]), "claims"
    )


def test_what_gold_leaves_out_is_not_asked_for():
    gold = row(claims=[gold_claim("safety", "larotrectinib", ["larotrectinib"])])
    assert score(gold, row(claims=[claim("safety", genes=["NTRK3"])]), "claims") == Score(1, 1, 1, 1)


def test_strict_wants_direction_and_hedge():
    gold = row(claims=[gold_claim(direction="does_not_support", polarity="negated")])
    assert score(gold, row(claims=[claim()]), "claims strict") == Score(0, 1, 0, 1)
    assert score(gold, row(claims=[claim(direction="does_not_support")]), "claims strict") == Score(1, 1, 1, 1)
    hedged = claim(direction="does_not_support", polarity="hedged")
    assert score(gold, row(claims=[hedged]), "claims against or hedged") == Score(0, 1, 0, 1)


def test_a_bound_figure_needs_its_claim():
    gold = row(claims=[gold_claim(figures={"ORR_percent": 75.0}, population_n=55)])
    right = row(claims=[claim(figures={"ORR_percent": 75, "N": 55})])
    astray = row(claims=[claim("prevalence", therapies=[], figures={"ORR_percent": 75, "N": 55})])
    assert score(gold, right, "figures bound") == Score(2, 2, 2, 2)
    assert score(gold, astray, "figures") == Score(2, 2, 2, 2)
    assert score(gold, astray, "figures bound") == Score(0, 2, 0, 2)


def test_mentions_count_exact_and_overlapping():
    gold = row(mentions=[{"label": "DRUG", "start": 0, "end": 8, "text": "LOXO-101", "name": "larotrectinib", "polarity": "asserted"}])
    near = {"label": "DRUG", "start": 5, "end": 8, "text": "101", "name": "larotrectinib", "polarity": "asserted"}
    report = evaluate([gold], [row(mentions=[near, {**near, "label": "GENE"}])])
    assert report.scores["mention DRUG exact"] == Score(0, 1, 0, 1)
    assert report.scores["mention DRUG overlap"] == Score(1, 1, 1, 1)
    assert report.scores["mention DRUG named"] == Score(1, 1, 1, 1)
    assert report.scores["mentions overlap"] == Score(1, 2, 1, 1)


def test_a_claim_read_elsewhere_is_not_located():
    gold = row(claims=[gold_claim(spans=[[10, 20]])])
    assert score(gold, row(claims=[claim(spans=[[0, 5]])]), "claims located") == Score(0, 1, 0, 1)
    assert score(gold, row(claims=[claim(spans=[[15, 30]])]), "claims located") == Score(1, 1, 1, 1)


def test_slips_name_the_text_and_what_it_was():
    report = evaluate([row(drugs=["larotrectinib"])], [row(drugs=["imatinib"], study_type="review")])
    said = [(slip.measure, slip.kind, slip.what) for slip in report.slips]
    assert said == [("drugs", "missed", "larotrectinib"), ("drugs", "spurious", "imatinib"), ("study type", "spurious", "review for trial")]


def test_a_text_without_prediction_is_named_and_counts_as_empty():
    report = evaluate([row("a", drugs=["imatinib"]), row("b")], [row("b")])
    assert report.missing == ("a",)
    assert report.scores["drugs"] == Score(0, 0, 0, 1)
    assert "1 texts have no prediction: a" in render_text(report)


def test_floor_says_what_fell():
    report = evaluate([row(drugs=["imatinib", "dasatinib"])], [row(drugs=["imatinib"])])
    assert check_floor(report, {"drugs": 0.66}) == []
    assert check_floor(report, {"drugs": 0.67, "dreams": 0.1}) == [
        "drugs: F1 0.667 is under its floor 0.670",
        "dreams: not measured, floor 0.100",
    ]


def test_text_report_lists_slips_on_demand():
    report = evaluate([row(drugs=["imatinib"])], [row()])
    assert "missed" not in render_text(report)
    assert "    a  missed    imatinib" in render_text(report, slips=3).splitlines()


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("TRK inhibitors", "trk inhibitor"),
        ("NTRK tyrosine kinase inhibitor", "trk inhibitor"),
        ("EGFR-TKI", "egfr inhibitor"),
        ("TKI", "tki"),
        ("anti-PD-1 antibodies", "immune checkpoint inhibitor"),
        ("ICIs", "immune checkpoint inhibitor"),
        ("Larotrectinib ", "larotrectinib"),
    ],
)
def test_therapy_keys(said, key):
    assert therapy(said) == key


def test_figure_keys():
    assert [number(x) for x in (75, "75.0%", "0.1–3", "< 1")] == [75.0, 75.0, "0.1-3", "<1"]


def test_genes_of_a_subject():
    assert subject_genes("ETV6::NTRK3") == ["ETV6", "NTRK3"]
    assert subject_genes("EGFR/KRAS mutation, IHC") == ["EGFR", "KRAS"]


def test_evaluating_the_gold_against_itself_is_perfect():
    golds = {r["id"]: r for r in read_gold(CORPUS / "gold.jsonl")}

    def perfect(record):
        gold = golds[record.id]
        claims = [{**c, "genes": subject_genes(c["subject"]), "therapies": c["drug"] or []} for c in gold["claims"]]
        return {**gold, "claims": claims}

    report = evaluate_corpus(CORPUS, perfect, split="test")
    assert 0 < len(report.pairs) < len(golds)
    assert {s.f1 for s in report.scores.values()} == {1.0}
    assert report.slips == ()


def test_gold_record_has_the_text_of_the_offsets():
    for gold in read_gold(CORPUS / "gold.jsonl"):
        text = gold_record(gold).text
        assert [m["text"] for m in gold["mentions"]] == [text[m["start"] : m["end"]] for m in gold["mentions"]]


def test_a_broken_gold_line_is_named(tmp_path):
    path = tmp_path / "gold.jsonl"
    path.write_text('{"id": "a", "claims": []}\n{"id": \n', "utf-8")
    with pytest.raises(InputError, match=r"gold\.jsonl:2: no JSON"):
        read_gold(path)
    with pytest.raises(InputError, match="a corpus folder holds gold"):
        read_gold(tmp_path / "none.jsonl")


def test_marked_text_keeps_every_character():
    mentions = [{"label": "FUSION", "start": 0, "end": 10, "text": "", "name": "A::B", "polarity": "negated"},
                {"label": "GENE", "start": 5, "end": 10, "text": "", "name": "B", "polarity": "asserted"}]  # fmt: skip
    marked = mark_text("ETV6-NTRK3 < 5", mentions, [], "missed")
    assert re.sub(r"<[^>]+>", "", marked) == "ETV6-NTRK3 &lt; 5"
    assert marked.startswith('<mark class="FUSION missed negated" title="FUSION A::B (missed)">')


def test_page_is_self_contained_and_marks_agreement(tmp_path):
    gold = row(claims=[gold_claim(), gold_claim("prevalence", drug=[])], mentions=[])
    write_page(evaluate([gold], [row(claims=[claim(direction="does_not_support"), claim("safety")])], name="demo"), tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text("utf-8")
    assert [page.count(f"<td>{sign}</td>") for sign in "✓≠✗"] == [0, 2, 2]
    assert "http" not in page and "$" not in page


@pytest.mark.skipif(not SCORER.exists(), reason="../shared with tools/score.py is not beside the checkout")
def test_figures_agree_with_the_independent_scorer(tmp_path):
    golds = read_gold(CORPUS / "gold.jsonl")
    predictions = [spoil(gold, i) for i, gold in enumerate(golds)]
    path = tmp_path / "pred.jsonl"
    path.write_text("".join(json.dumps(p) + "\n" for p in predictions), "utf-8")
    run = subprocess.run([sys.executable, SCORER, "gold", CORPUS / "gold.jsonl", path], capture_output=True, text=True, check=True)
    printed = dict(re.findall(r"^ *(\S.*?) +P ([\d.]+  R [\d.]+  F1 [\d.]+ +gold +\d+  predicted +\d+)$", run.stdout, re.MULTILINE))
    report = evaluate(golds, predictions)
    renamed = {"fusions (oriented, polarity)": "fusions", "variants (gene, change)": "variants", "figures (metric, value)": "figures",
               "figures bound to their claim": "figures bound"}  # fmt: skip
    assert len(printed) == 8 + sum(name.startswith("claim ") for name in report.scores)
    for name, figures in printed.items():
        own = report.scores.get(renamed.get(name, name)) or report.scores[f"claim {name}"]
        said = f"{own.precision:.3f}  R {own.recall:.3f}  F1 {own.f1:.3f}   gold {own.gold:4d}  predicted {own.predicted:4d}"
        assert figures == said, name


def spoil(gold, i):
    """A prediction with one claim lost, one turned round, one invented, and a drug and a fusion missing."""
    claims = [{**c, "genes": subject_genes(c["subject"]), "therapies": c["drug"] or []} for c in gold["claims"]][i % 2 :]
    claims = [{**c, "direction": "does_not_support"} if i % 3 == 0 and j == 0 else c for j, c in enumerate(claims)]
    claims.append({**claim(figures={"ORR_percent": i}), "genes": ["EGFR"]})
    return {**gold, "claims": claims, "drugs": gold["drugs"][1:], "fusions": gold["fusions"][i % 2 :], "study_type": "trial"}
