"""PubMed XML: every character, every field, and what is refused."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from miner.errors import InputError
from miner.schema import Record, Section, Status
from miner.sources import Deleted, Reject, Tally, values
from miner.sources.medline import read_stream

FIXTURES = Path(__file__).parent / "fixtures"
SET = (FIXTURES / "pubmed_set.xml").read_bytes()


def read(xml: bytes | str, **options) -> list[Record | Deleted]:
    data = xml.encode() if isinstance(xml, str) else xml
    return list(read_stream(io.BytesIO(data), "set.xml", **options))


def article(pmid: str = "1", title: str = "A title.", abstract: str = "", rest: str = "") -> str:
    body = f"<Abstract>{abstract}</Abstract>" if abstract else ""
    return (
        f'<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article><ArticleTitle>{title}</ArticleTitle>{body}</Article>'
        f"{rest}</MedlineCitation></PubmedArticle>"
    )


def pubmed_set(*articles: str) -> str:
    return f"<PubmedArticleSet>{''.join(articles)}</PubmedArticleSet>"


def test_every_field_of_an_article():
    record = read(SET)[0]
    assert record == Record(
        id="90000001",
        pmid="90000001",
        title="An ETV6-NTRK3 fusion with 106 copies, Ca2+ and H2O: R^2=1/n.",
        sections=(
            Section("BACKGROUND", "Tumours with p < 0.05 and α & more, over two lines."),
            Section("RESULTS", "Eighteen of 24 responded."),
            Section("RESULTS", "AT&T and R&D stay (NCT 01234567)."),
        ),
        doi="10.9999/own",
        pmcid="PMC900001",
        journal="J Invent Oncol",
        pub_date="2023-11-05",
        publication_types=("Journal Article", "Retracted Publication"),
        mesh=("Lung Neoplasms/genetics", "Humans"),
        keywords=("TRK fusion", "NSCLC"),
        authors=("Ångström AM Jr", "The Invented Study Group"),
        nct_ids=("NCT07654321", "NCT01234567"),
        language="eng",
        status=Status.RETRACTED,
        notices=(("RetractionIn", "90000009"), ("ErratumIn", "J Invent Oncol. 2024;3:3")),
        other_abstracts=(Section("Publisher fre: BUT", "Un essai inventé."), Section("Publisher fre: copyright", "© Personne.")),
        copyright="© 2023 Nobody.",
        version=1,
        revised="2024-02-09",
        source="set.xml",
    )


def test_vernacular_title_stands_in_for_a_missing_one():
    record = read(SET)[1]
    assert (record.title, record.version, record.pub_date) == ("Eine erfundene Überschrift.", 2, "1998-12")
    assert (record.language, record.journal, record.status) == ("ger;eng", "Annals of nothing", Status.CONCERN)
    assert record.text == "Eine erfundene Überschrift."


def test_a_book_chapter_is_a_record():
    record = read(SET)[2]
    assert (record.pmid, record.title, record.journal) == ("90000003", "A chapter on NTRK1", "InventedReviews")
    assert record.sections == (Section("CLINICAL CHARACTERISTICS", "Pain is not felt."),)
    assert (record.pub_date, record.revised) == ("2008-08-05", "2020-04")
    assert (record.authors, record.publication_types) == (("Chapter C",), ("Review",))


def test_deletions_are_yielded_one_by_one():
    assert read(SET)[3:] == [Deleted("90000004", 1), Deleted("90000005", 3)]


def test_offsets_slice_the_sections_out_of_the_text():
    for record in read(SET)[:3]:
        assert [record.text[start:end] for _, start, end in record.spans] == [part.text for part in record.parts]
        assert len(record.text.split("\n")) == len(record.parts)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a <i>b<sup>c<sub>d</sub></sup></i> <b/>e", "a bcd e"),
        ("x&#x2010;y &lt;z&gt; &amp; w", "x\u2010y <z> & w"),
        ("&amp;amp;lt; thrice", "< thrice"),
        ("&amp;notaname; &amp;copy and AT&amp;T;", "&notaname; &copy and AT&T;"),
        ("one\n   two\tthree  four", "one two three four"),
        ("thin\u2009space and no\u00a0break stay", "thin\u2009space and no\u00a0break stay"),
        ("line\u2028separator", "line separator"),
        ("a<!-- remark -->b<?pi?>c", "abc"),
        ("<![CDATA[p < 0.05 </PubmedArticle> & so]]>", "p < 0.05 </PubmedArticle> & so"),
        ("<!-- </PubmedArticle> -->kept", "kept"),
    ],
)
def test_no_character_of_a_title_is_lost(markup, text):
    assert read(pubmed_set(article(title=markup)))[0].title == text


MATH = '<m:math xmlns:m="http://www.w3.org/1998/Math/MathML">{}</m:math>'


@pytest.mark.parametrize(
    ("math", "text"),
    [
        ("<m:msup><m:mi>x</m:mi><m:mn>2</m:mn></m:msup>", "x^2"),
        ("<m:msup><m:mi/><m:mrow><m:mn>2</m:mn><m:mo>+</m:mo></m:mrow></m:msup>", "2+"),
        ("<m:msubsup><m:mtext>NO</m:mtext><m:mn>3</m:mn><m:mo>-</m:mo></m:msubsup>", "NO3-"),
        ("<m:mfrac><m:mrow><m:mi>a</m:mi><m:mo>+</m:mo><m:mi>b</m:mi></m:mrow><m:mi>c</m:mi></m:mfrac>", "(a+b)/c"),
        ("<m:msqrt><m:mn>3</m:mn></m:msqrt>", "√3"),
        ("<m:msub><m:mi>T</m:mi> <m:mn>1</m:mn></m:msub>", "T1"),
        ("<m:mfenced><m:mi>x</m:mi><m:mi>y</m:mi></m:mfenced>", "(x,y)"),
        ("<m:semantics><m:mi>k</m:mi><m:annotation>\\kappa</m:annotation></m:semantics>", "k"),
    ],
)
def test_mathml_is_written_in_a_line(math, text):
    assert read(pubmed_set(article(title=f"<i>At</i> {MATH.format(math)} end")))[0].title == f"At {text} end"


def test_a_namespace_declared_at_the_root_holds_for_its_records():
    xml = pubmed_set(article(title="<mml:math><mml:mi>k</mml:mi></mml:math>"))
    assert read(xml.replace("<PubmedArticleSet>", '<PubmedArticleSet xmlns:mml="urn:m" a="1>0">'))[0].title == "k"


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1998 Dec-1999 Jan", "1998-12"),
        ("2000 Spring", "2000"),
        ("2000 Nov-Dec", "2000-11"),
        ("2000 Dec 23- 30", "2000-12-23"),
        ("1977-1978", "1977"),
        ("1978-1979 Winter", "1978"),
        ("Fall 2016", "2016"),
        ("Jan 1998", "1998-01"),
        ("2021 Feb 31", "2021-02"),
        ("2023 Nov 5", "2023-11-05"),
        ("no year", None),
    ],
)
def test_loose_dates(text, date):
    assert values.loose_date(text) == date


@pytest.mark.parametrize(
    ("inside", "date"),
    [("<Year>2020</Year><Season>Fall</Season>", "2020"), ("<Year>2020</Year><Month>7</Month>", "2020-07"), ("", None)],
)
def test_publication_dates(inside, date):
    journal = f"<Journal><JournalIssue><PubDate>{inside}</PubDate></JournalIssue></Journal>"
    assert read(pubmed_set(article().replace("<ArticleTitle>", f"{journal}<ArticleTitle>")))[0].pub_date == date


@pytest.mark.parametrize(
    ("title", "types", "notices", "status"),
    [
        ("A trial.", (), (), Status.CURRENT),
        ("A trial.", (), (("ErratumIn", "1"),), Status.CURRENT),
        ("Retraction: A trial.", ("Retraction Notice",), (("RetractionOf", "1"),), Status.CURRENT),
        ("A trial.", (), (("RetractionIn", "1"), ("ExpressionOfConcernIn", "2")), Status.RETRACTED),
        ("A trial.", (), (("ExpressionOfConcernIn", "1"),), Status.CONCERN),
        ("RETRACTED ARTICLE: A trial.", (), (), Status.RETRACTED),
        ("WITHDRAWN: A trial.", (), (), Status.WITHDRAWN),
        ("Withdrawn consent in trials.", (), (), Status.CURRENT),
    ],
)
def test_status(title, types, notices, status):
    assert values.status(title, types, notices) is status


def test_doi_falls_back_to_a_valid_location():
    located = '<ELocationID EIdType="doi" ValidYN="N">10.9999/no</ELocationID><ELocationID EIdType="doi">doi: 10.9999/yes</ELocationID>'
    assert read(pubmed_set(article().replace("</ArticleTitle>", f"</ArticleTitle>{located}")))[0].doi == "10.9999/yes"


def test_one_unreadable_record_is_set_aside():
    broken = article("2").replace("</Article>", "")
    rejects: list[Reject] = []
    tally = Tally()
    found = read(pubmed_set(article("1"), broken, article("3"), article("x4"), article("5")), on_reject=rejects.append, tally=tally)
    assert [record.pmid for record in found] == ["1", "3", "5"]
    assert [(reject.position, reject.identifier) for reject in rejects] == [(2, "2"), (4, None)]
    assert rejects[1].reason == "PMID is 'x4', no number"
    assert (tally.read, tally.rejected, tally.total) == (3, 2, 5)


def test_a_record_without_its_end_tag_does_not_swallow_the_next():
    rejects: list[Reject] = []
    found = read(pubmed_set(article("1").removesuffix("</PubmedArticle>"), article("2")), on_reject=rejects.append)
    assert ([record.pmid for record in found], [reject.identifier for reject in rejects]) == (["2"], ["1"])


def test_an_unreadable_record_raises_where_nobody_takes_it():
    with pytest.raises(InputError, match=r"set\.xml: record 2 \(PMID 2\): no MedlineCitation/Article"):
        read(pubmed_set(article("1"), "<PubmedArticle><PMID>2</PMID></PubmedArticle>"))


def test_an_element_that_is_not_known_is_no_silent_loss():
    rejects: list[Reject] = []
    assert read(pubmed_set("<Preprint><PMID>7</PMID></Preprint>", article("1")), on_reject=rejects.append)[0].pmid == "1"
    assert rejects == [Reject(1, "7", "element Preprint is not known in a PubMed set")]


@pytest.mark.parametrize("seed", range(20))
def test_a_cut_set_raises_wherever_it_is_cut(seed):
    end = random.Random(seed).randrange(1, len(SET.rstrip()) - 1)
    with pytest.raises(InputError, match=r"^set\.xml: "):
        read(SET[:end], on_reject=lambda reject: None)


def test_the_place_of_a_cut_is_named():
    xml = pubmed_set(article("1"), article("2"))
    with pytest.raises(InputError, match=r"set\.xml: is cut inside PubmedArticle 2, after record 1 \(byte \d+ of the XML\)"):
        read(xml[:-60])
    with pytest.raises(InputError, match=r"is cut before the set ends, after record 2"):
        read(xml.removesuffix("</PubmedArticleSet>"))


LAUGHS = '<!DOCTYPE PubmedArticleSet [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + pubmed_set(article(title="&b;"))
XXE = '<!DOCTYPE PubmedArticleSet SYSTEM "x.dtd" [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + pubmed_set(article(title="&f;"))


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (LAUGHS, "internal subset"),
        (XXE, "internal subset"),
        ("<!DOCTYPE html><html><body>blocked</body></html>", "root element is html"),
        ("<eFetchResult><ERROR>no</ERROR></eFetchResult>", "root element is eFetchResult"),
        ('<?xml version="1.0"?>', "is empty"),
        ("   ", "is empty"),
        ("no markup at all, merely a text", "text stands where an element should"),
        (pubmed_set(article()) + pubmed_set(article()), "something follows the end"),
        (pubmed_set(article(), "stray words"), "text stands where an element should"),
        (pubmed_set(article()).replace("</PubmedArticleSet>", "</OtherSet>"), "an end tag stands where a record should"),
        ('<?xml version="1.0" encoding="no-such-code"?>' + pubmed_set(), "unknown encoding no-such-code"),
    ],
)
def test_what_is_no_pubmed_set_is_refused(xml, message):
    with pytest.raises(InputError, match=message):
        read(xml, on_reject=lambda reject: None)


def test_a_record_that_is_nested_beyond_reason_is_set_aside():
    rejects: list[Reject] = []
    deep = article("1", "<b>" * 20_000 + "</b>" * 20_000)
    assert [record.pmid for record in read(pubmed_set(deep, article("2")), on_reject=rejects.append)] == ["2"]
    assert [reject.identifier for reject in rejects] == ["1"]


def test_an_undeclared_entity_is_never_resolved():
    rejects: list[Reject] = []
    assert read(pubmed_set(article("1", "&xxe;"), article("2")), on_reject=rejects.append)[0].pmid == "2"
    assert rejects[0].identifier == "1"


def test_a_commented_record_is_none():
    assert [record.pmid for record in read(pubmed_set(f"<!-- {article('1')} --><?note?>", article("2")))] == ["2"]


def test_an_empty_set_is_a_set():
    assert (read("<PubmedArticleSet/>"), read(pubmed_set())) == ([], [])


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig", "utf-8"])
def test_encodings(encoding):
    declared = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    assert read((declared + pubmed_set(article(title="Ångström"))).encode(encoding))[0].title == "Ångström"


class Dribble(io.BytesIO):
    """A stream that gives few bytes at a time, as a socket may."""

    def read(self, size=-1, /):
        return super().read(min(size, 37) if size > 0 else 37)


def test_pieces_of_any_size_give_the_same_records():
    assert list(read_stream(Dribble(SET), "set.xml")) == read(SET)
