"""Workbook, Parquet, Markdown and CIViC's sheet, read by what their users read them with."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from export_cases import all_records, fill, written
from markdown_it import MarkdownIt
from pyarrow import parquet

from miner.errors import ConfigError
from miner.evidence.export import forms
from miner.evidence.export_civic import profile, titled
from miner.evidence.export_markdown import escape
from miner.evidence.export_rows import PAPER_COLUMNS, ROW_COLUMNS, line
from miner.evidence.export_xlsx import LONGEST, write_workbook
from miner.evidence.store import Store
from miner.schema import Action, Curation

# The header of CIViC's nightly file of evidence (ClinicalEvidenceSummaries.tsv).
CIVIC_HEADER = [
    "molecular_profile", "molecular_profile_id", "disease", "doid", "phenotypes", "therapies", "therapy_interaction_type",
    "evidence_type", "evidence_direction", "evidence_level", "significance", "evidence_statement", "citation_id", "source_type",
    "asco_abstract_id", "citation", "nct_ids", "rating", "evidence_status", "evidence_id", "variant_origin", "last_review_date",
    "evidence_civic_url", "molecular_profile_civic_url", "is_flagged",
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path / "e.db", *all_records()) as filled:
        yield filled


def test_the_workbook_opens_in_openpyxl_with_the_tables_columns_and_rows(store: Store) -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(store, "xlsx")))
    rows = list(store.table())
    assert book.sheetnames == ["findings", "papers"]
    assert [cell.value for cell in book["findings"][1]] == list(ROW_COLUMNS)
    assert [cell.value for cell in book["papers"][1]] == list(PAPER_COLUMNS)
    assert [row[0].value for row in book["findings"].iter_rows(min_row=2)] == [row.key for row in rows]
    assert book["papers"].max_row - 1 == sum(len(row.evidence) for row in rows)
    assert book["findings"].freeze_panes == "A2"


def test_pandas_reads_the_workbook_with_numbers_as_numbers(store: Store) -> None:
    frame = pd.read_excel(io.BytesIO(written(store, "xlsx", drug="larotrectinib", direction="supports")), sheet_name="findings")
    assert frame["n_papers"].tolist() == [2, 1]
    assert frame["support"].tolist() == [row.support for row in store.table(drug="larotrectinib", direction="supports")]
    assert frame["n_patients"].tolist()[0] == 29
    parts = (frame["support_points"] + frame["support_confirmed"]) * frame["support_consistency"]
    assert parts.round(2).tolist() == frame["support"].tolist()
    assert frame["pmids"].tolist()[0] == "900001; 900003"


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    out = io.BytesIO()
    write_workbook({"s": (("a", "b"), [("=1+1", 3), ("bell\x07", "x" * 40_000)])}, out)
    sheet = openpyxl.load_workbook(out)["s"]
    assert [(cell.value, cell.data_type) for cell in sheet[2]] == [("=1+1", "s"), (3, "n")]
    assert sheet["A3"].value == "bell\ufffd"
    assert len(sheet["B3"].value) == LONGEST


def test_more_rows_than_a_sheet_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.evidence.export_xlsx.MOST_ROWS", 3)
    with pytest.raises(ConfigError, match="a sheet holds 3 rows and there are more; name filters, or take parquet"):
        write_workbook({"s": (("a",), [("1",), ("2",), ("3",)])}, io.BytesIO())


def test_parquet_holds_what_jsonl_holds(store: Store) -> None:
    table = parquet.read_table(io.BytesIO(written(store, "parquet")))
    lines = [json.loads(line) for line in written(store, "jsonl").decode().splitlines()]
    held = table.to_pylist()
    for row in held:
        for paper in row["evidence"]:
            paper["figures"] = json.loads(paper["figures"])
    assert held == lines


def test_pandas_reads_parquet(store: Store) -> None:
    frame = pd.read_parquet(io.BytesIO(written(store, "parquet")))
    assert frame["n_papers"].sum() == sum(row.n_papers for row in store.table())
    assert list(frame.loc[frame["therapy_interaction_type"].notna(), "therapies"].iloc[0]) == ["osimertinib", "selpercatinib"]


def test_an_empty_parquet_has_its_columns(store: Store) -> None:
    table = parquet.read_table(io.BytesIO(written(store, "parquet", gene="TP53")))
    assert (table.num_rows, table.column_names[0]) == (0, "key")


def markdown_cells(text: str) -> list[list[str]]:
    """The cells of the bodies of all tables, as a Markdown reader shows them."""
    rows: list[list[str]] = []
    inside = False
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        inside = token.type == "tbody_open" or (inside and token.type != "tbody_close")
        if inside and token.type == "tr_open":
            rows.append([])
        elif inside and token.type == "inline":
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def test_markdown_shows_every_row_with_its_signs_as_they_stand(store: Store) -> None:
    rows = markdown_cells(written(store, "markdown").decode())
    held = list(store.table())
    assert [row[1] for row in rows] == [row.molecular_profile for row in held]
    assert [row[7].rsplit(" [", 1)[0] for row in rows] == [" ".join(row.quote.text.split()) for row in held]
    assert [row[8] for row in rows] == [", ".join(row.papers) for row in held]


def test_markdown_escapes_what_is_markup() -> None:
    assert escape("a|b *c* <b>\n[d](e)") == r"a\|b \*c\* \<b\> \[d\](e)"


def civic_frame(store: Store, **filters: object) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(written(store, "civic", **filters)), sep="\t", dtype=str, keep_default_na=False, quoting=3)


def test_the_sheet_has_civics_columns_in_civics_order_then_the_miners(store: Store) -> None:
    names = list(civic_frame(store).columns)
    assert names[: len(CIVIC_HEADER)] == CIVIC_HEADER
    assert all(name.startswith("miner_") for name in names[len(CIVIC_HEADER) :])


def test_the_sheet_uses_civics_words(store: Store) -> None:
    frame = civic_frame(store, pmid="900001")
    (first, second) = frame.sort_values("evidence_direction", ascending=False).to_dict("records")
    assert (first["molecular_profile"], first["disease"], first["doid"]) == ("ETV6::NTRK3 Fusion", "Secretory Carcinoma", "0080770")
    assert (first["therapies"], first["significance"], first["evidence_type"]) == ("Larotrectinib", "Sensitivity/Response", "Predictive")
    assert (first["evidence_direction"], second["evidence_direction"]) == ("Supports", "Does Not Support")
    assert (first["source_type"], first["citation_id"], first["rating"], first["evidence_id"]) == ("PubMed", "900001", "", "")
    assert set(frame["variant_origin"]) == {"Unknown"}


def test_a_paper_is_cited_as_civic_does(store: Store) -> None:
    (row,) = civic_frame(store, claim_type="driver_role").to_dict("records")
    assert row["citation"] == "O'Neill-Smith et al., 2021, Journal of Invented Cases"
    assert row["nct_ids"] == "NCT00000001"


def test_each_item_leads_back_to_its_sentence(store: Store) -> None:
    rows = civic_frame(store).to_dict("records")
    assert len(rows) > 5
    for row in rows:
        record = store.record(row["citation_id"])
        assert record is not None
        quoted = record.text[int(row["miner_sentence_start"]) : int(row["miner_sentence_end"])]
        assert row["miner_sentence"] == quoted


def test_what_civic_has_no_place_for_is_told(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        kinds = set(civic_frame(store)["miner_key"])
    left = {row.key for row in store.table()} - kinds
    types = {str(row.claim_type) for row in store.table() if row.key in left}
    assert {"prevalence", "mutual_exclusivity", "combination_therapy"} <= types
    assert "no PMID (1)" in caplog.text
    assert "prevalence has no evidence type (1)" in caplog.text


@pytest.mark.parametrize(
    ("ours", "civics"),
    [
        ("ETV6::NTRK3", "ETV6::NTRK3 Fusion"),
        ("ALK Fusion", "v::ALK Fusion"),
        ("NTRK Fusion", "v::NTRK1 Fusion OR v::NTRK2 Fusion OR v::NTRK3 Fusion"),
        ("EML4::ALK AND EGFR T790M", "EML4::ALK Fusion AND EGFR T790M"),
        ("NTRK1 G595R", "NTRK1 G595R"),
        ("MET Amplification", "MET Amplification"),
    ],
)
def test_profiles_are_named_as_civic_names_them(ours: str, civics: str) -> None:
    assert profile(ours) == civics


def test_words_are_capitalised_as_civic_does() -> None:
    assert titled("lung non-small cell carcinoma") == "Lung Non-small Cell Carcinoma"
    assert titled("LOXO-195") == "LOXO-195"


def test_what_a_curator_accepted_can_be_asked_for_and_what_was_rejected_is_gone(store: Store) -> None:
    first, second, *_ = store.evidence(pmid="900002")
    store.curate(Curation("ada", Action.ACCEPT, first.key, first.pmid))
    store.curate(Curation("ada", Action.REJECT, second.key, second.pmid))
    frame = civic_frame(store, status="accepted")
    assert frame[["miner_key", "evidence_status"]].to_numpy().tolist() == [[first.key, "accepted"]]
    for form in forms():
        assert second.key.encode() not in written(store, form)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["EGFR", 5, None, 0.5], "EGFR\t5\t\t0.5"),
        (["a\tb", 1], "a\\tb\t1"),
        (["a\nb\rc", "d\\e"], "a\\nb\\rc\td\\\\e"),
        (["=SUM(A1)", "x"], "'=SUM(A1)\tx"),
        (["x", "+1", "-y", "@z"], "x\t'+1\t'-y\t'@z"),
        (["x", -1], "x\t-1"),
        (["", ""], "\t"),
    ],
)
def test_a_line_escapes_what_a_cell_may_not_hold(values: list[object], told: str) -> None:
    assert line(values) == f"{told}\n"
