"""Terms of one's own: written where they belong, checked, never twice, and read before the package's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from miner.cli import app
from miner.errors import LexiconError
from miner.lexicon import Lexicon, load_lexicon
from miner.lexicon_add import Entry, add
from miner.lexicon_lint import lint
from miner.lexicon_rows import PACKAGE_FOLDER, read_properties, read_rows
from miner.refresh.surfaces import Surfaces
from miner.schema import Label


def lexicon(folder: Path) -> Lexicon:
    return Lexicon((PACKAGE_FOLDER, folder)) if folder.is_dir() else load_lexicon()


def found(folder: Path, text: str) -> list[tuple[Label, str, str]]:
    """(label, name, words) of what a text names."""
    return [(hit.label, hit.concept.name, text[hit.start : hit.end]) for hit in lexicon(folder).find(text)]


NEW = Entry(
    "drug", "newtrectinib", ("NT-101", "Newtrexa"), "WHO INN 2026", classes=("TRK inhibitors",), generation="next", targets=("NTRK1",)
)


def test_a_new_drug_gets_its_names_its_class_and_its_source(tmp_path: Path) -> None:
    assert add(NEW, tmp_path) == [tmp_path / "drugs.tsv", tmp_path / "drug_properties.tsv"]
    assert [row[:5] for row in read_rows(tmp_path / "drugs.tsv")] == [
        ("drug:newtrectinib", "newtrectinib", "NT-101", "code", "WHO INN 2026"),
        ("drug:newtrectinib", "newtrectinib", "Newtrexa", "synonym", "WHO INN 2026"),
        ("drug:newtrectinib", "newtrectinib", "newtrectinib", "generic", "WHO INN 2026"),
    ]
    held = lexicon(tmp_path)
    assert (held.classes("newtrectinib"), held.generation("newtrectinib")) == (("TRK inhibitors",), "next")
    assert held.targets("newtrectinib") == ("NTRK1",)
    assert found(tmp_path, "Patients received NT-101, that is newtrectinib.") == [
        (Label.DRUG, "newtrectinib", "NT-101"),
        (Label.DRUG, "newtrectinib", "newtrectinib"),
    ]
    assert {"NT-101", "Newtrexa"} <= Surfaces([tmp_path]).surfaces("TRK inhibitors")
    assert lint((tmp_path,)) == []


def test_a_known_drug_keeps_its_identifier_and_gets_only_what_is_new(tmp_path: Path) -> None:
    add(Entry("drug", "larotrectinib", ("LT-x9000",), "our lab"), tmp_path)
    assert [row[:5] for row in read_rows(tmp_path / "drugs.tsv")] == [
        ("unii:PF9462I9HX", "larotrectinib", "LT-x9000", "synonym", "our lab"),
    ]


@pytest.mark.parametrize(
    ("entry", "line", "words"),
    [
        (Entry("gene", "NTRK3", ("TRKC-like9",), "lab"), ("hgnc:8033", "NTRK3", "TRKC-like9", "alias", "lab"), "TRKC-like9 fusion"),
        (
            Entry("disease", "invented carcinoma", ("INVC",), "WHO"),
            ("disease:invented-carcinoma", "invented carcinoma", "INVC", "abbreviation", "WHO"),
            "a case of INVC",
        ),
        (
            Entry("assay", "fusionoscopy", ("FusOSeq",), "maker"),
            ("assay:fusionoscopy", "fusionoscopy", "FusOSeq", "synonym", "maker"),
            "by FusOSeq",
        ),
        (
            Entry("class", "PRMT5 inhibitors", ("PRMT5 blockers",), "lab", targets=("PRMT5",)),
            ("class:prmt5-inhibitors", "PRMT5 inhibitors", "PRMT5 blockers", "synonym", "lab"),
            "PRMT5 blockers were given",
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Entry) else "",
)
def test_each_kind_goes_into_its_table_and_is_found(tmp_path: Path, entry: Entry, line: tuple[str, ...], words: str) -> None:
    (path,) = add(entry, tmp_path)
    assert line in [row[:5] for row in read_rows(path)]
    assert entry.name in [name for _, name, _ in found(tmp_path, words)]
    assert lint((tmp_path,)) == []


def test_a_second_entry_keeps_every_field_of_the_first(tmp_path: Path) -> None:
    add(NEW, tmp_path)
    before = [row[:5] for row in read_rows(tmp_path / "drugs.tsv")]
    properties = [row[:5] for row in read_properties(tmp_path / "drug_properties.tsv")]
    add(Entry("drug", "othertrectinib", ("OT-7",), "lab", classes=("TRK inhibitors", "ROS1 inhibitors")), tmp_path)
    assert [row[:5] for row in read_rows(tmp_path / "drugs.tsv") if row.name == "newtrectinib"] == before
    assert [row[:5] for row in read_properties(tmp_path / "drug_properties.tsv") if row.drug == "newtrectinib"] == properties


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (Entry("drug", "larotrectinib", ("Vitrakvi",), "x"), r"'Vitrakvi' is a name of larotrectinib already at .*drugs.tsv:\d+"),
        (
            Entry("drug", "othertrectinib", ("larotrectinib",), "x"),
            r"'larotrectinib' stands for larotrectinib .* at .*drugs.tsv:\d+; --replace",
        ),
        (Entry("gene", "NTRK3", ("ALK",), "x"), r"'ALK' stands for ALK \(hgnc:427\) at .*genes.tsv:\d+"),
        (Entry("gene", "NTRK99", ("T99",), "x"), "no gene has the symbol 'NTRK99'; give its identifier with --id"),
        (Entry("drug", "othertrectinib", (), "x", curie="unii:PF9462I9HX"), r"unii:PF9462I9HX is larotrectinib at .*drugs.*.tsv:\d+"),
        (Entry("drug", "othertrectinib", (), "x", curie="unii:short"), "bad identifier 'unii:short'"),
        (Entry("drug", "othertrectinib", (" a",), "x"), "stray white space"),
        (Entry("drug", "othertrectinib", (), "x", classes=("Nonsense inhibitors",)), "'Nonsense inhibitors' does not exist"),
        (Entry("drug", "othertrectinib", (), "x", classes=("TRK inhibitors",), generation="fifth"), "generation 'fifth' is none of"),
        (Entry("drug", "larotrectinib", (), "x"), "there is nothing to add: larotrectinib is known"),
        (Entry("drug", "othertrectinib", (), " "), "say where the terms are from"),
        (Entry("virus", "x", (), "x"), "no terms of the kind 'virus'; use one of gene, drug, disease, assay, class"),
    ],
)
def test_what_cannot_be_added_is_told_and_nothing_is_written(tmp_path: Path, entry: Entry, told: str) -> None:
    with pytest.raises(LexiconError, match=told):
        add(entry, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_entry_leaves_the_tables_as_they_were(tmp_path: Path) -> None:
    add(NEW, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for entry in (NEW, Entry("drug", "x", ("nt 101",), "y"), Entry("drug", "thirdtrectinib", (), "y", classes=("No such class",))):
        with pytest.raises(LexiconError):
            add(entry, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_text_is_taken_over_only_on_demand_and_the_users_row_wins(tmp_path: Path) -> None:
    entry = Entry("drug", "newtrectinib", ("Vitrakvi",), "lab")
    add(entry, tmp_path, replace=True)
    assert found(tmp_path, "on Vitrakvi") == [(Label.DRUG, "newtrectinib", "Vitrakvi")]
    assert found(tmp_path / "none", "on Vitrakvi") == [(Label.DRUG, "larotrectinib", "Vitrakvi")]


def test_classes_of_drugs_written_with_capitals_are_known() -> None:
    held = load_lexicon()
    assert (held.classes("LOXO-260"), held.generation("loxo-260")) == (("RET inhibitors",), "next")


def test_the_command_tells_how_to_have_the_folder_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["lexicon", "add", "drug", "newtrectinib", "--synonym", "NT-101", "--source", "INN"]
    alone = CliRunner().invoke(app, words)
    assert (alone.exit_code, "no folder of yours is set: name one with --folder" in str(alone.exception)) == (1, True)
    done = CliRunner().invoke(app, [*words, "--folder", "own"])
    assert done.exit_code == 0, done.output
    assert "wrote own/drugs.tsv" in done.output and 'write lexicon_dirs = ["own"] into miner.toml' in done.output
    (tmp_path / "miner.toml").write_text('lexicon_dirs = ["own"]\n', encoding="utf-8")
    again = CliRunner().invoke(app, ["lexicon", "add", "drug", "newtrectinib", "--synonym", "NT-102", "--source", "INN"])
    assert (again.exit_code, "into miner.toml" in again.output) == (0, False)
    extracted = CliRunner().invoke(app, ["extract", str(one_record(tmp_path))])
    assert re.findall(r'"drugs": \[(.*?)\]', extracted.output) == ['"newtrectinib"']


def one_record(folder: Path) -> Path:
    path = folder / "one.jsonl"
    path.write_text('{"id": "a", "pmid": "1", "title": "NT-102 in sarcoma", "abstract": "Patients with sarcoma received NT-102."}\n')
    return path
