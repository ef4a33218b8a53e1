"""The corpora are what their sources say, keep their own rules, and the miner keeps its floors on them."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from miner.errors import InputError
from miner.evaluate import check_floor, evaluate_corpus, gold_record, read_gold
from miner.schema import ClaimType, Direction, Label, Polarity, StudyType

ROOT = Path(__file__).parents[1]
CORPORA = sorted(path.parent for path in (ROOT / "corpora").glob("synthetic_*/gold.jsonl"))
FACTS = sorted(path.parent for name in ("pubmed_*", "civic_*") for path in (ROOT / "corpora").glob(f"{name}/gold.jsonl"))
ABSTRACTS = ROOT.parent / "shared" / "data" / "pubmed" / "nsclc_abstracts.jsonl.gz"
SYNTHETIC = ROOT / "corpora" / "synthetic_ntrk"


def load_script(name):
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "scripts" / name))
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)
    importlib.import_module("sys").modules[name] = module
    loader.exec_module(module)
    return module


build_corpus = load_script("build_corpus")


@pytest.fixture(params=CORPORA, ids=lambda path: path.name)
def corpus(request):
    return request.param


@pytest.fixture
def compile_one(tmp_path):
    """Compile one text written as in texts/*.txt and return its gold row."""

    def run(source, glossary="gene\tNTRK\tNTRK\tfamily:NTRK\ngene\tEGFR\tEGFR\thgnc:3236\ndrug\tlarotrectinib\tlarotrectinib\t\n"):
        (tmp_path / "texts").mkdir(exist_ok=True)
        (tmp_path / "texts" / "a.txt").write_text(source, "utf-8")
        (tmp_path / "glossary.tsv").write_text(glossary, "utf-8")
        return build_corpus.build(tmp_path)[0]

    return run


def test_gold_is_what_the_sources_compile_to():
    rows = build_corpus.build(SYNTHETIC)
    assert read_gold(SYNTHETIC / "gold.jsonl") == json.loads(json.dumps(rows))


def test_every_row_is_labelled_synthetic_and_has_no_real_identifier(corpus):
    for row in read_gold(corpus / "gold.jsonl"):
        assert row["synthetic"] is True and row["pmid"] is None, row["id"]
        assert "NCT0" not in json.dumps(row), row["id"]


def test_a_corpus_has_its_card_guideline_and_floor(corpus):
    assert all((corpus / name).is_file() for name in ("README.md", "GUIDELINE.md", "floor.json"))
    assert "synthetic" in (corpus / "README.md").read_text("utf-8").lower()


def test_the_card_counts_what_is_there():
    rows = read_gold(SYNTHETIC / "gold.jsonl")
    card = (SYNTHETIC / "README.md").read_text("utf-8")
    claims, mentions = (sum(len(row[key]) for row in rows) for key in ("claims", "mentions"))
    assert all(said in card for said in (f"| texts | {len(rows)} (", f"| claims | {claims}, ", f"| mentions | {mentions:,} ("))


def test_words_are_the_schema_s(corpus):
    for row in read_gold(corpus / "gold.jsonl"):
        assert row["study_type"] in set(StudyType), row["id"]
        assert {m["label"] for m in row["mentions"]} <= set(Label), row["id"]
        assert {m["polarity"] for m in row["mentions"]} <= set(Polarity), row["id"]
        for claim in row["claims"]:
            assert claim["type"] in set(ClaimType) and claim["direction"] in set(Direction), row["id"]
            assert claim["polarity"] in {"asserted", "negated", "hedged"}, row["id"]


def test_spans_of_claims_are_whole_sentences_of_the_text(corpus):
    for row in read_gold(corpus / "gold.jsonl"):
        text = gold_record(row).text
        for claim in row["claims"]:
            assert claim["spans"][0] == [claim["start"], claim["end"]], row["id"]
            for start, end in claim["spans"]:
                assert 0 <= start < end <= len(text)
                assert (start == 0 or text[start - 1] in " \n") and (end == len(text) or text[end] in " \n"), text[start:end]


def test_synthetic_corpus_covers_every_claim_type_and_study_type():
    rows = read_gold(SYNTHETIC / "gold.jsonl")
    claims = Counter(claim["type"] for row in rows for claim in row["claims"])
    assert len(rows) >= 120
    assert {type_ for type_ in ClaimType if claims[type_] < 10} == set()
    assert {row["study_type"] for row in rows} == set(StudyType)
    assert {row["split"] for row in rows} == {"dev", "test"}


def test_a_text_compiles_to_offsets(compile_one):
    row = compile_one(
        "=== syn-900 ntrk trial\nLarotrectinib in NTRK fusion-positive cancer\n[RESULTS]\nOf {n|8 patients}, 6 responded ({orr|75%}).\n"
        "> response | NTRK fusion | larotrectinib | cancer | + | n=8; ORR_percent=75; n_resp=6\n"
        "[]\nNo {alt! EGFR mutation|EGFR mutation} was seen."
    )
    text = gold_record(row).text
    assert text == "Larotrectinib in NTRK fusion-positive cancer\nOf 8 patients, 6 responded (75%).\nNo EGFR mutation was seen."
    assert [(m["label"], m["text"], m["name"], m["polarity"]) for m in row["mentions"]] == [
        ("DRUG", "Larotrectinib", "larotrectinib", "asserted"),
        ("GENE", "NTRK", "NTRK", "asserted"),
        ("ALTERATION", "NTRK fusion", "NTRK fusion", "asserted"),
        ("COHORT", "8 patients", "8 patients", "asserted"),
        ("MEASURE", "6", "n_resp=6", "asserted"),
        ("MEASURE", "75%", "ORR_percent=75", "asserted"),
        ("GENE", "EGFR", "EGFR", "asserted"),
        ("ALTERATION", "EGFR mutation", "EGFR mutation", "negated"),
    ]
    [claim] = row["claims"]
    assert text[claim["start"] : claim["end"]] == "Of 8 patients, 6 responded (75%)."
    assert claim["figures"] == {"ORR_percent": 75, "n_resp": 6} and claim["population_n"] == 8


def test_a_marked_form_is_marked_again_and_a_variant_leaves_its_gene_outside(compile_one):
    row = compile_one(
        "=== syn-900 ntrk case_report\nA case of {fusion ETV6::NTRK3|ETV6–NTRK3}\n[]\n"
        "ETV6-NTRK3 and {var EGFR T790M|EGFR T790M}; later T790M was lost."
    )
    found = [(m["label"], m["text"]) for m in row["mentions"] if m["label"] in {"FUSION", "VARIANT"}]
    assert found == [("FUSION", "ETV6–NTRK3"), ("FUSION", "ETV6-NTRK3"), ("VARIANT", "T790M"), ("VARIANT", "T790M")]
    assert row["fusions"] == [{"five_prime": "ETV6", "three_prime": "NTRK3", "polarity": "asserted"}]


def test_alterations_in_lists_are_one_mention_a_gene(compile_one):
    row = compile_one("=== syn-900 ntrk other\nT\n[]\nEGFR or NTRK alterations, and fusions of EGFR and NTRK.")
    found = [(m["text"], m["name"]) for m in row["mentions"] if m["label"] == "ALTERATION"]
    assert found == [
        ("EGFR or NTRK alterations", "EGFR alteration"),
        ("NTRK alterations", "NTRK alteration"),
        ("fusions of EGFR", "EGFR fusion"),
        ("fusions of EGFR and NTRK", "NTRK fusion"),
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{gene|NTRK", r"a\.txt:4: mark '\{gene\|' is never closed"),
        ("NTRK}", r"a\.txt:4: stray '}'"),
        ("{drugg|x}", r"a\.txt:4: no label 'drugg'"),
        ("{fusion ETV6-NTRK3|x}", r"a\.txt:4: fusion .* is not written A::B"),
        ("NTRK\n> respond | NTRK | | | +", r"a\.txt:5: no claim type 'respond'"),
        ("NTRK\n> response | NTRK | | | ++", r"a\.txt:5: stance '\+\+' is none of"),
        ("NTRK\n> response | NTRK", r"a\.txt:5: a claim has 5 to 7 cells"),
        ("NTRK\n> response | NTRK | | | + | ORR=5", r"a\.txt:5: no figure 'ORR'"),
        ("NTRK\n> response | NTRK | | | + | ORR_percent=about 5", r"a\.txt:5: ORR_percent='about 5' is no number"),
        ("NTRK 70%\n> response | NTRK | | | + | ORR_percent=75", r"a\.txt:4: ORR_percent=75 does not stand in the sentences"),
        ("NTRK\n> response | NTRK | larotrectinib | | +", r"a\.txt:4: therapies \['larotrectinib'\] are not among"),
        ("NTRK\n> response | EGFR | | | +", r"a\.txt:4: \['EGFR'\] in the subject are read as genes"),
        ("=== syn-1 ntrk trial", r"a\.txt:4: header is"),
    ],
)
def test_errors_name_file_and_line(compile_one, body, said):
    with pytest.raises(build_corpus.CorpusError, match=said):
        compile_one(f"=== syn-900 ntrk other\nT\n[]\n{body}\n")


def test_the_check_tells_an_outdated_gold_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("=== syn-900 ntrk other\nNTRK\n", "utf-8")
    (tmp_path / "glossary.tsv").write_text("", "utf-8")
    monkeypatch.setattr("sys.argv", ["build_corpus", str(tmp_path), "--check"])
    assert build_corpus.main() == 1 and "out of date" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["build_corpus", str(tmp_path)])
    assert build_corpus.main() == 0
    monkeypatch.setattr("sys.argv", ["build_corpus", str(tmp_path), "--check"])
    assert build_corpus.main() == 0


def test_figures_do_not_fall_under_their_floor(corpus):
    from miner.mine import extraction_row, load

    miner = load()
    report = evaluate_corpus(corpus, lambda record: extraction_row(miner(record), miner.topic.focus_genes))
    assert report.missing == ()
    assert check_floor(report, corpus / "floor.json") == []


@pytest.mark.parametrize("folder", FACTS, ids=lambda path: path.name)
def test_corpora_of_real_abstracts_hold_facts_and_no_text(folder):
    rows = read_gold(folder / "gold.jsonl")
    assert len({row["id"] for row in rows}) == len(rows) > 100
    for row in rows:
        assert row.keys() == {"id", "pmid", "split", "characters", "study_type", "claims"}
        of_civic = folder.name == "civic_statements" and row["pmid"] is None and re.fullmatch(r"civic-\d+", row["id"])
        assert of_civic or (row["id"] == row["pmid"] and row["pmid"].isdigit())
        assert row["study_type"] in set(StudyType) and row["split"] in {"dev", "test"}
        for claim in row["claims"]:
            assert claim["type"] in set(ClaimType) and claim["direction"] in set(Direction), row["id"]
            assert claim["polarity"] in {"asserted", "negated", "hedged"} and len(claim["line"]) < 140, row["id"]
            assert all(0 <= start < end <= row["characters"] for start, end in claim.get("spans", ())), row["id"]
    card = (folder / "README.md").read_text("utf-8")
    claims = [claim for row in rows for claim in row["claims"]]
    unsure = sum(claim["direction"] != "supports" or claim["polarity"] == "hedged" for claim in claims)
    splits = Counter(row["split"] for row in rows)
    assert f"| texts | {len(rows)}, split {splits['dev']} dev, {splits['test']} test" in card
    assert f"| claims | {len(claims):,}, {unsure} of them against or hedged;" in card


def test_a_corpus_of_facts_asks_for_its_texts(tmp_path):
    (tmp_path / "gold.jsonl").write_text(
        '{"id": "7", "pmid": "7", "characters": 36, "study_type": "other", "claims": []}\n{"id": "8", "pmid": "8", "claims": []}\n', "utf-8"
    )
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"pmid": "7", "title": "An invented title.", "abstract": "An invented text."}\n', "utf-8")
    with pytest.raises(InputError, match=r"gold.jsonl: 1 texts are not there \(8\); name the files that hold them with --texts"):
        evaluate_corpus(tmp_path, lambda record: {}, texts=[texts])
    texts.write_text('{"pmid": "7", "title": "Another title.", "abstract": "An invented text."}\n{"pmid": "8", "title": "T"}\n', "utf-8")
    with pytest.raises(InputError, match=r"the text of 7 is 32 characters long, that of the one annotated 36: it is another version"):
        evaluate_corpus(tmp_path, lambda record: {}, texts=[texts])


@pytest.mark.skipif(not ABSTRACTS.exists(), reason="the abstracts of the corpus (../shared) are not here")
def test_figures_on_real_abstracts_do_not_fall_under_their_floor():
    from miner.mine import extraction_row, load

    miner, folder = load(), ROOT / "corpora" / "pubmed_nsclc"
    report = evaluate_corpus(folder, lambda record: extraction_row(miner(record), miner.topic.focus_genes), split="test", texts=[ABSTRACTS])
    assert check_floor(report, folder / "floor.json") == []


def test_cases_of_claims_use_the_schema_s_words():
    path = ROOT / "tests" / "cases" / "claims.jsonl"
    cases = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len({case["id"] for case in cases}) == len(cases) >= 120
    for case in cases:
        for claim in case["claims"]:
            assert claim["type"] in set(ClaimType) and claim["direction"] in set(Direction), case["id"]
    per_type = Counter(case["id"].rsplit("-", 1)[0].replace("-", "_") for case in cases)
    assert {type_ for type_ in ClaimType if per_type[type_] < 8} == set()
