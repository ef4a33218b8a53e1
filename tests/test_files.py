"""Files and folders: kinds told by content, broken input named by place."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from miner.errors import InputError
from miner.schema import Record, Section, Status
from miner.sources import Deleted, Tally, file_digest, read_records, source_files
from miner.sources.nbib import inline_sections

FIXTURES = Path(__file__).parent / "fixtures"
LINES = [
    {"id": "a", "pmid": "1", "title": "A title", "abstract": "One  text.\nTwo."},
    {"pmid": 2, "title": "", "sections": [{"label": "RESULTS", "text": "NCT01234567 ran."}, ["AIM", "None."]], "doi": "10.9999/x"},
]


def write(path: Path, data: bytes | str, *, packed: bool = False) -> Path:
    raw = data.encode() if isinstance(data, str) else data
    path.write_bytes(gzip.compress(raw) if packed else raw)
    return path


def jsonl(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("packed", [False, True])
def test_jsonl_keeps_the_text_as_it_is_given(tmp_path, packed):
    first, second = read_records(write(tmp_path / "any.name", jsonl(*LINES), packed=packed))
    assert (first.id, first.pmid, first.text) == ("a", "1", "A title\nOne  text.\nTwo.")
    assert second == Record(
        id="2",
        pmid="2",
        title="",
        sections=(Section("RESULTS", "NCT01234567 ran."), Section("AIM", "None.")),
        doi="10.9999/x",
        nct_ids=("NCT01234567",),
        source="any.name",
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": "b", "title": ', "is no JSON: Expecting value at column 22"),
        ("[1]", "is no object but list"),
        ('{"title": "x"}', "has neither id nor pmid"),
        ('{"id": "b", "title": 3}', "title is no text but int"),
        ('{"id": "b", "sections": "x"}', "sections is no list"),
        ('{"id": "b", "sections": [3]}', "a section is no object with label and text"),
        ('{"id": "b", "mesh": "x"}', "mesh is no list of texts"),
        ('{"id": "b", "status": "gone"}', "status is 'gone', not one of current, retracted, concern, withdrawn"),
        ('{"id": "b", "title": "\\ud83d"}', "holds half a surrogate pair"),
    ],
)
def test_a_broken_line_is_named_with_its_number(tmp_path, line, reason):
    path = write(tmp_path / "in.jsonl", jsonl(LINES[0]) + "\n" + line + "\n" + jsonl(LINES[1]))
    with pytest.raises(InputError) as error:
        list(read_records(path))
    assert str(error.value) == f"in.jsonl:3: {reason}"
    assert error.value.exit_code == 65


def test_a_line_that_is_no_utf8_is_named(tmp_path):
    with pytest.raises(InputError, match=r"^in\.jsonl:2: is no UTF-8 at byte 9"):
        list(read_records(write(tmp_path / "in.jsonl", jsonl(LINES[0]).encode() + b'{"id": "\xff"}\n')))


def test_nbib_fields():
    first, second = read_records(FIXTURES / "pubmed.nbib")
    assert first == Record(
        id="90000011",
        pmid="90000011",
        title="A larotrectinib trial that was written for the tests and whose title goes on over two lines.",
        sections=(
            Section("BACKGROUND", "Nothing was known."),
            Section("METHODS", "We invented EGFR: a gene of 24 patients."),
            Section("RESULTS", "Eighteen responded. NTRK1: no change was seen."),
            Section("CONCLUSIONS", "It is invented."),
        ),
        doi="10.9999/own.nbib",
        pmcid="PMC900011",
        journal="J Invent Oncol",
        pub_date="2023-11-05",
        publication_types=("Journal Article", "Clinical Trial, Phase II"),
        mesh=("Lung Neoplasms/genetics",),
        keywords=("NTRK fusion",),
        authors=("Angstrom A", "The Invented Study Group"),
        nct_ids=("NCT07654321",),
        language="eng",
        notices=(("ErratumIn", "90000009"),),
        other_abstracts=(Section("Publisher fre", "Un essai."),),
        copyright="(c) 2023 Nobody.",
        revised="2024-02-09",
        source="pubmed.nbib",
    )
    assert (second.title, second.pub_date, second.status) == ("Eine erfundene Ueberschrift.", "1987", Status.RETRACTED)


@pytest.mark.parametrize(
    ("abstract", "labels"),
    [
        ("AIMS AND OBJECTIVES: To see. MATERIALS & METHODS: So.", ["AIMS AND OBJECTIVES", "MATERIALS & METHODS"]),
        ("PURPOSE: To see. RESULTS/CONCLUSION: Seen.", ["PURPOSE", "RESULTS/CONCLUSION"]),
        ("We saw it. RESULTS: It was seen.", [None]),
        ("EGFR: a gene. RESULTS: It was seen.", [None]),
        ("PURPOSE: To see 3 RESULTS: none.", ["PURPOSE"]),
        ("", []),
    ],
)
def test_inline_labels_of_nbib(abstract, labels):
    sections = inline_sections(abstract)
    assert [section.label for section in sections] == labels
    if labels == [None]:
        assert sections[0].text == abstract


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PMID- x\nTI  - A\n", r"^a\.nbib:1: PMID is 'x', no number"),
        ("PMID- 1\nTI  - A\nnonsense\n", r"^a\.nbib:3: is neither a tag line"),
        ("PMID- 1\n\nTI  - A\n", r"^a\.nbib:3: record has no PMID"),
    ],
)
def test_broken_nbib_is_named_by_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        list(read_records(write(tmp_path / "a.nbib", text)))


def test_records_of_nbib_without_blank_lines(tmp_path):
    path = write(tmp_path / "a.nbib", "PMID- 1\r\nTI  - A\r\nPMID- 2\r\nTI  - B\r\n")
    assert [(record.pmid, record.title) for record in read_records(path)] == [("1", "A"), ("2", "B")]


def test_a_folder_is_read_in_order_of_name(tmp_path):
    write(tmp_path / "b.jsonl.gz", jsonl(LINES[0]), packed=True)
    write(tmp_path / "a.xml", (FIXTURES / "pubmed_set.xml").read_bytes())
    write(tmp_path / "a.xml.md5", "MD5 (a.xml) = 0")
    write(tmp_path / ".hidden", "x")
    tally = Tally()
    found = list(read_records(tmp_path, tally=tally))
    assert [item.pmid for item in found] == ["90000001", "90000002", "90000003", "90000004", "90000005", "1"]
    assert [isinstance(item, Deleted) for item in found] == [False, False, False, True, True, False]
    assert (tally.read, tally.deleted) == (4, 2)
    assert [path.name for path in source_files(tmp_path)] == ["a.xml", "b.jsonl.gz"]


def test_what_cannot_be_read_is_said_clearly(tmp_path):
    (tmp_path / "empty_folder").mkdir()
    write(tmp_path / "empty", "")
    write(tmp_path / "empty.gz", "", packed=True)
    write(tmp_path / "picture", b"\x89PNG\r\n")
    for name, message in {
        "missing": "no such file or folder",
        "empty_folder": "the folder holds no files",
        "empty": "is empty",
        "empty.gz": "is empty",
        "picture": "is neither PubMed XML nor nbib nor JSONL",
    }.items():
        with pytest.raises(InputError, match=message):
            list(read_records(tmp_path / name))


@pytest.mark.parametrize("cut", [20, 300, -4])
def test_a_cut_gzip_raises(tmp_path, cut):
    whole = gzip.compress((FIXTURES / "pubmed_set.xml").read_bytes())
    with pytest.raises(InputError, match=r"cut\.xml\.gz.*fetch the file again"):
        list(read_records(write(tmp_path / "cut.xml.gz", whole[:cut])))


def test_a_damaged_gzip_raises(tmp_path):
    whole = bytearray(gzip.compress((FIXTURES / "pubmed_set.xml").read_bytes()))
    whole[-8] ^= 0xFF
    with pytest.raises(InputError, match=r"damaged\.xml\.gz"):
        list(read_records(write(tmp_path / "damaged.xml.gz", bytes(whole))))


def test_gzip_is_read_without_isal(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.setitem(sys.modules, "isal.igzip", None)
    assert len(list(read_records(write(tmp_path / "a.gz", jsonl(*LINES), packed=True)))) == 2


def test_digest_is_that_of_the_bytes_on_disk(tmp_path):
    path = write(tmp_path / "a.gz", jsonl(*LINES), packed=True)
    assert file_digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_large_set_is_streamed(tmp_path):
    """Memory stays bounded: 60 MB of XML are read within 40 MB above what the import takes."""
    one = (
        '<PubmedArticle><MedlineCitation><PMID Version="1">{}</PMID><Article><ArticleTitle>{}</ArticleTitle></Article>'
        "</MedlineCitation></PubmedArticle>"
    )
    with (tmp_path / "big.xml").open("w") as file:
        file.write("<PubmedArticleSet>")
        file.writelines(one.format(number, "x" * 20_000) for number in range(1, 3001))
        file.write("</PubmedArticleSet>")
    script = (
        "import resource, sys; from pathlib import Path; from miner.sources import read_records\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "count = sum(1 for _ in read_records(Path(sys.argv[1])))\n"
        "print(count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "big.xml")], capture_output=True, text=True, check=True)
    count, grown = map(int, done.stdout.split())
    assert count == 3000
    assert grown < 40
