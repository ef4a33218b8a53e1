"""What other programs read."""

from __future__ import annotations

import csv
import io
import json
import re
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import export_cases
import pytest
from evidence_cases import record, resistance, small_series, trial
from export_cases import fill

from miner.cli_exchange import FORMATS
from miner.errors import ConfigError
from miner.evidence.export import EXPORTERS, Selection, cell, export, exporter, forms, write
from miner.evidence.store import Store
from miner.schema import Claim, ClaimType, Mined, Reading, StudyType


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path / "e.db", trial(), resistance(), small_series()) as filled:
        yield filled


def written(store: Store, form: str, **filters: object) -> str:
    return export_cases.written(store, form, **filters).decode()


def read_tsv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def test_tsv_has_one_header_line_and_pmids_in_each_row(store: Store) -> None:
    text = written(store, "tsv")
    rows = read_tsv(text)
    assert text.count("claim_type") == 1
    assert len(text.splitlines()) == 1 + 9
    assert [row["pmids"] for row in rows if row["therapies"] == "larotrectinib" and row["direction"] == "supports"] == [
        "900001; 900003",
        "900002",
    ]
    assert all(row["pmids"] and row["sentence"] for row in rows)


def test_tsv_leads_back_to_the_sentence(store: Store) -> None:
    for row in read_tsv(written(store, "tsv")):
        record = store.record(row["sentence_pmid"])
        assert record is not None
        assert record.text[int(row["sentence_start"]) : int(row["sentence_end"])] == row["sentence"]


def test_paper_tsv_has_one_line_for_each_paper_of_each_proposition(store: Store) -> None:
    rows = read_tsv(written(store, "tsv-papers"))
    assert len(rows) == 10
    (first,) = [row for row in rows if row["pmid"] == "900001" and row["direction"] == "supports"]
    assert json.loads(first["figures"])["ORR_percent"] == 75
    assert first["further_sentences"] == "209-236; 60-125"


def test_jsonl_holds_every_sentence(store: Store) -> None:
    rows = [json.loads(line) for line in written(store, "jsonl", drug="larotrectinib", direction="supports").splitlines()]
    assert [row["pmids"] for row in rows] == [["900001", "900003"], ["900002"]]
    assert [sentence["text"][:9] for sentence in rows[0]["evidence"][0]["sentences"]] == ["Of 24 pat", "Median PF", "An earlie"]


@pytest.mark.parametrize("form", forms())
def test_equal_stores_give_equal_bytes(tmp_path: Path, form: str) -> None:
    records = export_cases.all_records()
    with fill(tmp_path / "a", *records) as first, fill(tmp_path / "b", *reversed(records)) as second:
        data = export_cases.written(first, form)
        assert data == export_cases.written(second, form) == export_cases.written(first, form)
    assert len(data) > 500


def test_bytes_do_not_depend_on_the_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {form: export_cases.written(store, form) for form in forms() if exporter(form).binary}
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    monkeypatch.setattr("time.localtime", lambda *_: time.struct_time((2033, 5, 18, 3, 33, 20, 2, 138, 0)))
    assert set(before) == {"xlsx", "parquet", "docbin"}
    assert {form: export_cases.written(store, form) for form in before} == before


def test_filters_apply_and_an_empty_table_has_a_header(store: Store) -> None:
    assert written(store, "tsv", gene="TP53").count("\n") == 1
    assert written(store, "jsonl", gene="TP53") == ""


def test_an_unknown_format_writes_nothing(store: Store) -> None:
    out = io.StringIO()
    with pytest.raises(ConfigError, match="no export format is called 'yaml'; there are tsv, tsv-papers, jsonl, parquet"):
        export(store, "yaml", out)
    with pytest.raises(ConfigError, match="no export format is called 'xslx'; did you mean 'xlsx'"):
        export(store, "xslx", out)
    assert out.getvalue() == ""


@pytest.mark.parametrize(("form", "module"), [("xlsx", "openpyxl"), ("parquet", "pyarrow")])
def test_a_missing_extra_is_named_with_the_command_that_installs_it(form: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.evidence.export.find_spec", lambda name: None)
    told = f"the format '{form}' needs {module}, which is not installed; pip install 'ntrk-miner[{form}]'"
    with pytest.raises(ConfigError, match=re.escape(told)):
        exporter(form)


def test_every_extra_that_a_format_names_exists() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for form in EXPORTERS.values():
        assert [name for name in form.needs if not any(need.startswith(name) for need in extras[form.extra])] == []


def test_the_help_lists_every_format() -> None:
    assert tuple(FORMATS) == tuple(sorted(forms(), key=list(FORMATS).index))


def test_rows_chosen_by_a_search_are_written(store: Store) -> None:
    rows = [row for row in store.table() if row.claim_type == "prevalence"]
    chosen = Selection(store, rows=lambda: rows)
    assert [record.pmid for record in chosen.records()] == ["900003"]
    out = io.StringIO()
    write("tsv", chosen, out)
    assert [row["claim_type"] for row in read_tsv(out.getvalue())] == ["prevalence"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\tb", "a\\tb"),
        ("a\nb\r", "a\\nb\\r"),
        ("a\\tb", "a\\\\tb"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-cmd", "'-cmd"),
        ("@sum", "'@sum"),
        (-3, "-3"),
        (None, ""),
        ("5–7", "5–7"),
    ],
)
def test_cell(value: object, text: str) -> None:
    assert cell(value) == text


def test_a_sentence_with_tabs_and_newlines_stays_in_its_line(tmp_path: Path) -> None:
    item = record("7", "", (None, "=A tab\tand a\nline."))
    text = item.text
    claim = Claim(ClaimType.DRIVER_ROLE, 0, len(text), "test", genes=("NTRK1",))
    mined = Mined(Reading(item, (), ()), StudyType.REVIEW, "B", (claim, replace(claim, genes=("ALK",))))
    with fill(tmp_path / "e.db", mined) as store:
        rows = written(store, "tsv").splitlines()
    assert len(rows) == 3
    assert rows[1].split("\t")[rows[0].split("\t").index("sentence")] == "'=A tab\\tand a\\nline."
