"""Looking terms up, finding them, user folders, and lint."""

from __future__ import annotations

from pathlib import Path

import pytest

from miner.errors import LexiconError
from miner.lexicon import Hit, Lexicon, load_lexicon
from miner.lexicon_drugs import one_slip
from miner.lexicon_lint import add_row, lint, write_rows
from miner.lexicon_rows import COLUMNS, PACKAGE_FOLDER, fold, plain, read_rows
from miner.schema import Concept, Label

HEADER = "\t".join(COLUMNS)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


def found(lexicon: Lexicon, text: str) -> list[tuple[str, str, str]]:
    return [(text[h.start : h.end], str(h.label), h.concept.name) for h in lexicon.find(text)]


def table(folder: Path, name: str, *rows: str) -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


# looking up


@pytest.mark.parametrize(
    ("surface", "curie", "name"),
    [
        ("NTRK1", "hgnc:8031", "NTRK1"),
        ("TRKA", "hgnc:8031", "NTRK1"),
        ("TrkB", "hgnc:8032", "NTRK2"),
        ("Trk-C", "hgnc:8033", "NTRK3"),
        ("TRK", "family:NTRK", "NTRK"),
        ("neurotrophic tyrosine receptor kinase", "family:NTRK", "NTRK"),
        ("HER2", "hgnc:3430", "ERBB2"),
        ("PD-L1", "hgnc:17635", "CD274"),
        ("p53", "hgnc:11998", "TP53"),
        ("LMNA", "hgnc:6636", "LMNA"),
        ("LOC105374567", "ncbigene:105374567", "LOC105374567"),
    ],
)
def test_gene(lexicon: Lexicon, surface: str, curie: str, name: str) -> None:
    assert lexicon.gene(surface) == Concept(curie, name)


@pytest.mark.parametrize("surface", ["CAD", "TPR", "SC", "tpm3"])
def test_gene_lenient_only(lexicon: Lexicon, surface: str) -> None:
    assert lexicon.gene(surface) is None
    assert lexicon.gene(surface, lenient=True) is not None


def test_gene_unknown(lexicon: Lexicon) -> None:
    assert lexicon.gene("XYZZY9", lenient=True) is None


def test_members_classes_generation_targets(lexicon: Lexicon) -> None:
    assert lexicon.members("NTRK") == ("NTRK1", "NTRK2", "NTRK3")
    assert lexicon.members("ALK") == ("ALK",)
    assert lexicon.classes("entrectinib") == ("ALK inhibitors", "ROS1 inhibitors", "TRK inhibitors")
    assert lexicon.generation("larotrectinib") == "first"
    assert lexicon.generation("selitrectinib") == "next"
    assert lexicon.generation("aspirin") is None
    assert lexicon.targets("osimertinib") == ("EGFR",)
    assert lexicon.targets("TRK inhibitors") == ("NTRK", "NTRK1", "NTRK2", "NTRK3")
    assert lexicon.targets("chemotherapy") == ()


def test_kinases(lexicon: Lexicon) -> None:
    assert {"NTRK1", "NTRK2", "NTRK3", "ALK", "ROS1", "RET", "MET", "FGFR3", "BRAF", "RAF1", "EGFR", "ERBB4", "ABL1"} <= lexicon.kinases
    assert "EML4" not in lexicon.kinases


# finding


def test_find_gives_offsets_and_kind(lexicon: Lexicon) -> None:
    assert lexicon.find("on LOXO-101.") == [Hit(3, 11, Label.DRUG, Concept("unii:PF9462I9HX", "larotrectinib"), "code")]


def test_letters_and_digits_are_no_boundary(lexicon: Lexicon) -> None:
    assert lexicon.find("XALK ALKX ALK2X gefitinibase") == []


def test_gene_inside_a_disease_or_assay_is_none(lexicon: Lexicon) -> None:
    assert found(lexicon, "ALK IHC") == [("ALK IHC", "ASSAY", "ALK IHC")]
    assert [label for _, label, _ in found(lexicon, "anaplastic lymphoma kinase")] == ["GENE"]


def test_offsets_survive_letters_that_grow_in_lower_case(lexicon: Lexicon) -> None:
    assert found(lexicon, "İİİ erlotinib") == [("erlotinib", "DRUG", "erlotinib")]


def test_plain_and_fold_keep_length() -> None:
    text = "Non\u2010small\u00a0cell \u2013 PDGFRα İ"
    assert plain(text) == "Non-small cell - PDGFRα İ"
    assert len(fold(plain(text))) == len(text)


def test_longest_hit_of_a_label_wins(lexicon: Lexicon) -> None:
    assert found(lexicon, "squamous cell lung cancer") == [("squamous cell lung cancer", "DISEASE", "lung squamous cell carcinoma")]


@pytest.mark.parametrize(
    ("word", "name", "slip"),
    [
        ("erloinib", "erlotinib", True),
        ("erlotniib", "erlotinib", True),
        ("erlotinibb", "erlotinib", True),
        ("erlatinib", "erlotinib", True),
        ("erlotinib", "erlotinib", False),
        ("ertotinob", "erlotinib", False),
    ],
)
def test_one_slip(word: str, name: str, slip: bool) -> None:
    assert one_slip(word, name) is slip


# folders of the user


def test_user_row_adds_a_term(tmp_path: Path) -> None:
    table(tmp_path, "drugs.tsv", "drug:qq-1\tquuxib\tQQ-0001\tcode\tuser")
    assert found(load_lexicon((tmp_path,)), "on QQ0001") == [("QQ0001", "DRUG", "quuxib")]


def test_user_row_replaces_the_package_row(tmp_path: Path) -> None:
    table(tmp_path, "diseases.tsv", "doid:1\tmine\tNSCLC\tsynonym\tuser")
    assert found(load_lexicon((tmp_path,)), "NSCLC") == [("NSCLC", "DISEASE", "mine")]


def test_user_stop_takes_a_term_out(tmp_path: Path) -> None:
    table(tmp_path, "drugs.tsv", "unii:7JTT036WGX\tgefitinib\tgefitinib\tstop\tuser")
    table(tmp_path, "genes.tsv", "hgnc:427\tALK\tALK\tstop\tuser")
    assert found(load_lexicon((tmp_path,)), "gefitinib for ALK and RET") == [("RET", "GENE", "RET")]


def test_user_alias_needs_no_cue(tmp_path: Path) -> None:
    table(tmp_path, "genes.tsv", "hgnc:427\tALK\tQQK\talias\tuser")
    assert found(load_lexicon((tmp_path,)), "QQK") == [("QQK", "GENE", "ALK")]


def test_version_tells_folders_apart(tmp_path: Path, lexicon: Lexicon) -> None:
    table(tmp_path, "genes.tsv", "hgnc:427\tALK\tQQK\talias\tuser")
    assert load_lexicon((tmp_path,)).version != lexicon.version


def test_loading_is_cached(lexicon: Lexicon) -> None:
    assert load_lexicon() is lexicon


def test_wrong_header_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "drugs.tsv").write_text("a\tb\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"drugs\.tsv:1: the header"):
        load_lexicon((tmp_path,))


def test_missing_field_names_file_and_line(tmp_path: Path) -> None:
    table(tmp_path, "drugs.tsv", "drug:a\ta\ta\tgeneric")
    with pytest.raises(LexiconError, match=r"drugs\.tsv:2: 4 fields where there should be 5"):
        load_lexicon((tmp_path,))


# lint


def test_package_tables_lint() -> None:
    assert lint() == []


@pytest.mark.parametrize(
    ("name", "rows", "line", "said"),
    [
        ("drugs.tsv", ["drug:a\ta\ta"], 2, "3 fields"),
        ("drugs.tsv", ["drug:a\ta\ta\tnickname\tuser"], 2, "unknown kind 'nickname'"),
        ("drugs.tsv", ["A1\ta\ta\tgeneric\tuser"], 2, "bad identifier 'A1'"),
        ("genes.tsv", ["hgnc:ALK\tALK\tALK\tsymbol\tuser"], 2, "bad identifier 'hgnc:ALK'"),
        ("drugs.tsv", ["drug:a\ta\ta\tgeneric\tuser", "drug:a\ta\ta\tgeneric\tuser"], 3, "repeats the line before"),
        ("drugs.tsv", ["drug:b\tb\tb\tgeneric\tuser", "drug:a\ta\ta\tgeneric\tuser"], 3, "is not sorted"),
        ("drugs.tsv", ["drug:a\ta\ta \tgeneric\tuser"], 2, "stray white space"),
        ("drugs.tsv", ["drug:a\ta\tQQ-1\tcode\tuser", "drug:b\tb\tqq 1\tcode\tuser"], 3, "'qq 1' is b here and a at drugs.tsv:2"),
        ("drugs.tsv", ["drug:a\ta\t\tcode\tuser"], 2, "must not be empty"),
        ("pills.tsv", [], 0, "no table of this name"),
    ],
)
def test_lint_finds(tmp_path: Path, name: str, rows: list[str], line: int, said: str) -> None:
    path = table(tmp_path, name, *rows)
    problems = lint((tmp_path,))
    assert [(p.path, p.line) for p in problems] == [(path, line)]
    assert said in str(problems[0])
    assert str(problems[0]).startswith(f"{path}:{line}: ")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("gefitinib\tno such inhibitors\tfirst\tEGFR\tuser", "'no such inhibitors' does not exist"),
        ("quuxib\tEGFR-TKI\tfirst\tEGFR\tuser", "'quuxib' does not exist"),
        ("gefitinib\tEGFR-TKI\tzeroth\tEGFR\tuser", "unknown generation 'zeroth'"),
        ("gefitinib\tEGFR-TKI\tfirst\tXYZZY9\tuser", "target 'XYZZY9'"),
    ],
)
def test_lint_of_properties(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "drug_properties.tsv"
    path.write_text(f"drug\tclass\tgeneration\ttargets\tsource\n{row}\n", encoding="utf-8")
    problems = lint((tmp_path,))
    assert [(p.path, p.line) for p in problems] == [(path, 2)]
    assert said in problems[0].text


def test_missing_folder_is_a_problem(tmp_path: Path) -> None:
    assert [p.text for p in lint((tmp_path / "none",))] == ["no such folder; name one that holds *.tsv"]


@pytest.mark.parametrize("name", ["drugs_curated.tsv", "drug_classes.tsv", "genes_stop.tsv"])
def test_rewriting_keeps_every_field(tmp_path: Path, name: str) -> None:
    path, copy = PACKAGE_FOLDER / name, tmp_path / name
    write_rows(copy, read_rows(path))
    assert copy.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


# adding rows


def test_add_row_keeps_order_and_is_found(tmp_path: Path) -> None:
    add_row("drug", tmp_path, curie="drug:zz-2", name="zzib", text="ZZ-0002", row_kind="code")
    path = add_row("drug", tmp_path, curie="drug:aa-1", name="aaib", text="AA-0001", row_kind="code")
    assert path.read_text(encoding="utf-8").splitlines() == [
        HEADER,
        "drug:aa-1\taaib\tAA-0001\tcode\tuser",
        "drug:zz-2\tzzib\tZZ-0002\tcode\tuser",
    ]
    assert lint((tmp_path,)) == []
    assert found(load_lexicon((tmp_path,)), "ZZ-0002") == [("ZZ-0002", "DRUG", "zzib")]


def test_add_row_replaces_the_same_text(tmp_path: Path) -> None:
    add_row("gene", tmp_path, curie="hgnc:427", name="ALK", text="QQK", row_kind="alias")
    path = add_row("gene", tmp_path, curie="hgnc:9967", name="RET", text="QQK", row_kind="alias")
    assert [(r.name, r.text) for r in read_rows(path)] == [("RET", "QQK")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "pill"}, "unknown kind of term 'pill'"),
        ({"row_kind": "nickname"}, "unknown kind 'nickname'"),
        ({"curie": "12"}, "bad identifier '12'"),
        ({"text": "a\tb"}, "a tab"),
        ({"text": ""}, "must not be empty"),
    ],
)
def test_add_row_refuses(tmp_path: Path, change: dict[str, str], said: str) -> None:
    row = {"kind": "drug", "curie": "drug:a", "name": "a", "text": "a", "row_kind": "generic"} | change
    with pytest.raises(LexiconError, match=said):
        add_row(row.pop("kind"), tmp_path, **row)
    assert list(tmp_path.iterdir()) == []
