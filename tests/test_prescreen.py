"""The pre-screen drops no record whose text holds a term."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from miner.schema import Record
from miner.sources import Tally, read_records
from miner.sources.medline import read_stream
from miner.sources.prescreen import Prescreen, fold

FIXTURES = Path(__file__).parent / "fixtures"
SHARED = Path(__file__).parents[1].parent / "shared" / "data" / "pubmed"


def article(title: str, abstract: str | None = None, tail: str = "") -> str:
    body = "" if abstract is None else f"<Abstract><AbstractText>{abstract}</AbstractText></Abstract>"
    return (
        f'<PubmedArticle><MedlineCitation><PMID Version="1">7</PMID><Article><ArticleTitle>{title}</ArticleTitle>{body}{tail}</Article>'
        "</MedlineCitation></PubmedArticle>"
    )


@pytest.mark.parametrize(
    ("term", "title", "abstract"),
    [
        ("ntrk1", "An NTRK1 fusion", None),
        ("NTRK1", "An <i>NTRK</i><b>1</b> fusion", None),
        ("ntrk1", "An N&#84;RK1 fusion", None),
        ("non-small cell lung", "None", "Non&#x2010;small  cell\n lung cancer"),
        ("non-small cell lung", "None", "Non\u2013small\u00a0cell lung cancer"),
        ("non-small cell lung", "None", "nonsmall-cell lung cancer"),
        ("non-small cell lung", "None", "non&amp;#8209;small cell lung"),
        ("taletrectinib", "None", "<![CDATA[Taletrectinib]]> was given"),
        ("taletrectinib", "None", "Tale<!-- > -->trectinib was given"),
        ("taletrectinib", "<sup a='>'>Tale</sup>trectinib", None),
        ("sjögren", "None", "SJO\u0308GREN syndrome"),
        ("fibro", "\ufb01bro", None),
        ("trk", "None", "pan\u200bT\u200bRK"),
        ("β-catenin", "None", "Β-Catenin"),
    ],
)
def test_a_term_is_found_however_it_is_written(term, title, abstract):
    xml = article(title, abstract)
    screen = Prescreen([term])
    record = next(iter(read_stream(io.BytesIO(f"<PubmedArticleSet>{xml}</PubmedArticleSet>".encode()), "x")))
    assert (screen.might_match(xml.encode()), screen.matches(record)) == (True, True)


@pytest.mark.parametrize("tail", ["<AffiliationInfo><Affiliation>Lung Clinic</Affiliation></AffiliationInfo>", "<Keyword>lung</Keyword>"])
def test_what_is_neither_title_nor_abstract_does_not_count(tail):
    assert not Prescreen(["lung"]).might_match(article("Heart", "Rate", tail).encode())


@pytest.mark.parametrize(
    "listed",
    [
        "<MeshHeadingList><MeshHeading><DescriptorName>Lung Neoplasms</DescriptorName></MeshHeading></MeshHeadingList>",
        "<KeywordList><Keyword>Lung cancer</Keyword></KeywordList>",
        "<SupplMeshList><SupplMeshName>Lung cancer 1</SupplMeshName></SupplMeshList>",
    ],
)
def test_headings_and_keywords_count(listed):
    """A record may be about a thing that its keywords alone name."""
    xml = article("Heart", "Rate").replace("</Article>", f"</Article>{listed}")
    record = next(iter(read_stream(io.BytesIO(f"<PubmedArticleSet>{xml}</PubmedArticleSet>".encode()), "x")))
    screen = Prescreen(["lung"])
    assert (screen.might_match(xml.encode()), screen.matches(record)) == (True, True)


def test_vernacular_and_book_titles_count():
    assert Prescreen(["lunge"]).might_match(article("", None, "<VernacularTitle>Die Lunge</VernacularTitle>").encode())
    assert Prescreen(["lung"]).might_match(b"<PubmedBookArticle><Book><BookTitle>Lung</BookTitle></Book></PubmedBookArticle>")


def test_an_odd_end_tag_is_no_reason_to_drop():
    assert Prescreen(["lung"]).might_match(article("Heart", "the lung").replace("</Abstract>", "</Abstract >").encode())


def test_a_kept_paper_passes_whatever_it_says():
    screen = Prescreen(["lung"], keep={"7"})
    assert screen.might_match(article("Heart").encode())
    assert screen.matches(Record(id="7", pmid="7", title="Heart"))
    assert not Prescreen(["lung"]).might_match(article("Heart").encode())


def test_no_terms_are_an_error():
    with pytest.raises(ValueError, match="at least one term"):
        Prescreen([" - "])


def test_skipped_records_are_counted_and_deletions_pass():
    tally = Tally()
    found = list(read_records(FIXTURES / "pubmed_set.xml", screen=Prescreen(["pain is not"]), tally=tally))
    assert [item.pmid for item in found] == ["90000003", "90000004", "90000005"]
    assert (tally.read, tally.skipped, tally.deleted, tally.total) == (1, 2, 2, 3)


def test_fold():
    assert fold("Non-Small\u2010Cell \u2212 \u00c5\u00df") == b"nonsmallcellass"


@pytest.mark.skipif(not SHARED.is_dir(), reason="real PubMed records lie outside the project and are absent here")
@pytest.mark.parametrize("name", ["pubmed_recent.xml.gz", "pubmed_sample_2019_half.xml.gz"])
def test_no_real_record_is_dropped(name):
    terms = ["cancer", "non-small cell", "α", "health", "trk", "patients with", "β-"]
    records = [item for item in read_records(SHARED / name) if isinstance(item, Record)]
    asked = {(r.pmid, r.version) for r in records if any(term in r.text.lower() for term in terms)}
    kept = {(r.pmid, r.version) for r in read_records(SHARED / name, screen=Prescreen(terms)) if isinstance(r, Record)}
    assert asked
    assert asked <= kept < {(r.pmid, r.version) for r in records}
