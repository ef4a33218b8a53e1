"""RIS and BibTeX, read by rispy, bibtexparser and pybtex."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bibtexparser
import pytest
import rispy
from export_cases import all_records, fill, written
from pybtex.database import parse_string

from miner.evidence.export_references import latex, name_parts
from miner.evidence.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path / "e.db", *all_records()) as filled:
        yield filled


def test_rispy_reads_every_paper(store: Store) -> None:
    entries = rispy.loads(written(store, "ris").decode())
    assert [entry["accession_number"] for entry in entries] == ["900001", "900002", "900003", "900004", "syn-005"]
    assert {entry["type_of_reference"] for entry in entries} == {"JOUR"}


def test_ris_holds_the_fields_of_a_paper(store: Store) -> None:
    (entry,) = rispy.loads(written(store, "ris", pmid="900004").decode())
    record = store.record("900004")
    assert record is not None
    assert entry["authors"] == ["O'Neill-Smith, A.B., Jr", "van der Berg, C.", "Invented Fusion Study Group"]
    assert (entry["title"], entry["year"], entry["date"]) == (record.title, "2021", "2021/05/04/")
    assert (entry["doi"], entry["name_of_database"], entry["language"]) == ("10.1000/inv.2021(4)", "PubMed", "eng")
    assert entry["urls"] == ["https://pubmed.ncbi.nlm.nih.gov/900004/"]
    assert entry["keywords"] == ["ROS1", "lung"]
    assert entry["abstract"].startswith("=A tab and |t| stand here. CD74-ROS1 drives")


def test_bibtexparser_reads_every_paper(store: Store) -> None:
    library = bibtexparser.parse_string(written(store, "bibtex").decode())
    assert library.failed_blocks == []
    assert [entry.key for entry in library.entries] == ["pmid900001", "pmid900002", "pmid900003", "pmid900004", "syn-005"]
    assert library.entries[3].fields_dict["doi"].value == "10.1000/inv.2021(4)"


def test_pybtex_reads_persons_and_groups(store: Store) -> None:
    entry = parse_string(written(store, "bibtex").decode(), "bibtex").entries["pmid900004"]
    first, second, group = entry.persons["author"]
    assert (first.last_names, first.first_names, first.middle_names, first.lineage_names) == (["O'Neill-Smith"], ["A."], ["B."], ["Jr"])
    assert (second.prelast_names, second.last_names, second.first_names) == (["van", "der"], ["Berg"], ["C."])
    assert str(group) == "{Invented Fusion Study Group}"
    assert entry.fields["title"] == "{A \U0001f9ec case of CD74-ROS1: 50\\% \\& more\\_or \\{less\\}}"
    assert (entry.fields["year"], entry.fields["month"]) == ("2021", "05")


def test_a_retracted_paper_says_so(tmp_path: Path) -> None:
    from evidence_cases import trial, with_record

    from miner.schema import Status

    with fill(tmp_path / "r.db", with_record(trial(), status=Status.RETRACTED)) as store:
        assert rispy.loads(written(store, "ris").decode())[0]["notes"] == ["retracted"]
        assert parse_string(written(store, "bibtex").decode(), "bibtex").entries["pmid900001"].fields["note"] == "retracted"


def test_names_of_persons_and_groups_are_told_apart() -> None:
    assert name_parts("Drilon A") == ("Drilon", "A", "")
    assert name_parts("Le Tourneau C") == ("Le Tourneau", "C", "")
    assert name_parts("Kim S-H 3rd") == ("Kim", "S-H", "3rd")
    assert name_parts("European Fusion Registry") is None


def test_latex_leaves_letters_and_escapes_its_own_signs() -> None:
    assert latex("β-catenin & 5%_x {y} \\z ~") == r"β-catenin \& 5\%\_x \{y\} \textbackslash{}z \textasciitilde{}"
