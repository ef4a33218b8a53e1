"""What is cut out of a record's XML is nothing that its ``Record`` holds, and nothing is cut where that is not certain."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from miner.sources import article, lean

FIXTURES = Path(__file__).parent / "fixtures"
REFERENCES = (
    b"<ReferenceList><Reference><Citation>One</Citation><ArticleIdList><ArticleId IdType='doi'>10.1000/other</ArticleId></ArticleIdList>"
    b"</Reference><ReferenceList><Title>More</Title><Reference><Citation>Two</Citation></Reference></ReferenceList></ReferenceList>"
)
XML = (
    b'<PubmedArticle><MedlineCitation><PMID Version="1">7</PMID><Article><ArticleTitle>A &lt; B</ArticleTitle><Abstract>'
    b"<AbstractText>Text.</AbstractText></Abstract><AuthorList><Author ValidYN='Y'><LastName>Doe</LastName><Initials>J</Initials>"
    b"<AffiliationInfo><Affiliation>Lung Clinic</Affiliation></AffiliationInfo><AffiliationInfo><Affiliation>Other</Affiliation>"
    b"</AffiliationInfo></Author><Author><CollectiveName>The Group</CollectiveName></Author></AuthorList></Article><ChemicalList><Chemical>"
    b"<NameOfSubstance>Water</NameOfSubstance></Chemical></ChemicalList><InvestigatorList><Investigator><LastName>Roe</LastName>"
    b"</Investigator></InvestigatorList></MedlineCitation><PubmedData><History><PubMedPubDate><Year>2020</Year></PubMedPubDate></History>"
    b"<ArticleIdList><ArticleId IdType='doi'>10.1000/own</ArticleId></ArticleIdList>" + REFERENCES + b"</PubmedData></PubmedArticle>"
)


def record(xml: bytes) -> str:
    return repr(article.article_record(etree.fromstring(xml), "x"))


def test_what_is_left_holds_the_same_record() -> None:
    cut = lean.cut(XML)
    gone = (b"Clinic", b"Other", b"Citation>", b"Water", b"Roe", b"2020", b"other")
    assert [word for word in gone if word in cut.replace(b"MedlineCitation>", b"")] == []
    assert record(cut) == record(XML)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<Article>", b"<!-- <AffiliationInfo> --><Article>"),
        (b"Text.", b"<![CDATA[<ReferenceList>]]>"),
        (b"Text.", b"<?x <History> ?>"),
    ],
)
def test_nothing_is_cut_where_a_tag_may_be_none(old: bytes, new: bytes) -> None:
    assert lean.cut(XML.replace(old, new)) == XML.replace(old, new)


def test_what_stands_between_two_lists_of_references_stays() -> None:
    own = b"<ArticleIdList><ArticleId IdType='pmc'>PMC1</ArticleId></ArticleIdList>"
    odd = XML.replace(b"</PubmedData>", own + b"<ReferenceList></ReferenceList></PubmedData>")
    assert own in lean.cut(odd)


@pytest.mark.parametrize("lost", [b"</AffiliationInfo>", b"</History>", b"</ChemicalList>", b"</ReferenceList>", b"</InvestigatorList>"])
def test_a_lost_end_tag_is_still_an_error(lost: bytes) -> None:
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(lean.cut(XML.replace(lost, b"", 1)))
