"""The library as a program uses it: ten names, the pipeline, one record mined, the table as a DataFrame."""

from __future__ import annotations

import doctest
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from export_cases import all_records, fill

import miner
import miner.mine as module
from miner.errors import ConfigError
from miner.evidence.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path / "e.db", *all_records()) as filled:
        yield filled


def test_there_are_ten_names_at_most_and_all_of_them_exist() -> None:
    assert len(miner.__all__) <= 10
    assert [name for name in miner.__all__ if not callable(getattr(miner, name))] == []
    with pytest.raises(AttributeError, match="module 'miner' has no attribute 'nothing'"):
        miner.nothing  # noqa: B018


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    code = "import sys, miner; print([name for name in sys.modules if name.startswith('miner.') or name in ('spacy', 'pandas')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_examples_of_the_docstrings_hold() -> None:
    found = doctest.testmod(module)
    assert (found.failed, found.attempted) == (0, 8)


def test_a_record_and_a_text_are_mined_alike() -> None:
    text = "The NTRK1 G595R mutation confers resistance to larotrectinib."
    record = miner.Record(id="a", pmid="1", title="", sections=(miner.Section(None, text),))
    assert miner.mine(record).claims == miner.mine(text).claims == module.mine(text).claims
    assert miner.mine(text, "ret-nsclc").reading.text == text


def test_a_doc_shows_the_claims_of_its_text_at_their_places() -> None:
    text = "Of 20 patients with sarcoma and an NTRK fusion, 14 responded to larotrectinib."
    (claim,) = miner.load().nlp(text)._.claims
    assert (claim.figures["n_resp"], claim.figures["N"], text[claim.start : claim.end]) == (14, 20, text)
    assert miner.mine(text).claims == (claim,)


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("No NTRK1 fusion was found in this tumour.", {("?", "NTRK1"): "negated"}),
        ("Neither NTRK1 nor ALK was rearranged.", {("?", "NTRK1"): "negated"}),
        ("An NTRK1 fusion was found in one tumour; no NTRK1 fusion was found in the others.", {}),
        ("A TPM3-NTRK1 fusion was found; other NTRK1 fusions were not found.", {("TPM3", "NTRK1"): "asserted"}),
        ("No NTRK fusion was found.", {}),
    ],
)
def test_a_fusion_of_a_named_gene_of_the_topic_that_is_only_denied_is_listed(text: str, listed: dict[tuple[str, str], str]) -> None:
    found = module.fusions(miner.mine(text).reading.mentions, ("NTRK1", "NTRK2", "NTRK3"))
    assert {pair: str(polarity) for pair, polarity in found.items()} == listed


def test_what_a_patient_of_a_case_report_tested_negative_for_is_listed() -> None:
    text = "A 60-year-old man presented with lung cancer that was negative for ALK and ROS1 rearrangements. He received erlotinib."
    case = miner.mine(miner.Record(id="a", pmid="1", title="A case report of lung cancer", sections=(miner.Section(None, text),)))
    listed = module.extraction_row(case, ("NTRK1",))["fusions"]
    assert listed == [{"five_prime": "?", "three_prime": gene, "polarity": "negated"} for gene in ("ALK", "ROS1")]


def test_the_table_as_a_frame(store: Store) -> None:
    frame = store.frame(drug="larotrectinib", direction="supports")
    rows = list(store.table(drug="larotrectinib", direction="supports"))
    assert isinstance(frame, pd.DataFrame)
    assert frame["key"].tolist() == [row.key for row in rows]
    assert frame["pmids"].tolist() == [["900001", "900003"], ["900002"]]
    assert frame["figures"].iloc[0]["ORR_percent"] == 75
    assert str(frame["n_patients"].dtype) == "Int64"
    assert frame.groupby("level")["n_papers"].sum().to_dict() == {"B": 2, "D": 1}


def test_the_papers_as_a_frame_lead_back_to_their_sentences(store: Store) -> None:
    frame = store.frame(papers=True)
    assert len(frame) == len(list(store.evidence()))
    for line in frame.itertuples():
        record = store.record(line.source)
        assert record is not None and record.text[line.start : line.end] == line.sentence
    assert set(frame["key"]) == {row.key for row in store.table()}


def test_an_empty_frame_has_its_columns(store: Store) -> None:
    for papers in (False, True):
        assert list(store.frame(papers=papers, gene="TP53").columns) == list(store.frame(papers=papers).columns)
        assert len(store.frame(papers=papers, gene="TP53")) == 0


def test_a_frame_without_pandas_says_what_to_install(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match=r"a DataFrame needs pandas, which is not installed; pip install 'ntrk-miner\[pandas\]'"):
        store.frame()
