"""Authors by pattern are those of the parser; a list that does not fit wholly is left to it."""

from __future__ import annotations

import pytest
from lxml import etree

from miner.sources import article, lean, names

XML = (
    '<PubmedArticle><MedlineCitation><PMID Version="1">7</PMID><Article><ArticleTitle>A</ArticleTitle>'
    '<AuthorList CompleteYN="Y">{authors}</AuthorList><Language>eng</Language></Article></MedlineCitation></PubmedArticle>'
)
DOE = '<Author ValidYN="Y"><LastName>Doe</LastName><ForeName>Jane  Ann</ForeName><Initials>JA</Initials></Author>'
FITTING = (
    DOE,
    f"\n  {DOE}\n\t{DOE}\n",
    '<Author ValidYN="Y">\n<LastName>Núñez\n de</LastName>\n<Initials>Ö</Initials><Suffix>Jr</Suffix>\n</Author>',
    '<Author ValidYN="Y" EqualContrib="Y"><LastName>Roe</LastName><ForeName>Ann</ForeName></Author>',
    '<Author ValidYN="Y"><LastName>Roe</LastName></Author>',
    '<Author ValidYN="Y"><LastName> </LastName></Author>',
    '<Author ValidYN="Y"><LastName>O\'Roe</LastName><Initials></Initials><Identifier Source="ORCID">0000</Identifier></Author>',
    "",
)
OTHERS = (
    '<Author ValidYN="N"><LastName>Doe</LastName></Author>',
    '<Author ValidYN="Y"><CollectiveName>The Group</CollectiveName></Author>',
    '<Author ValidYN="Y"><LastName>D&amp;e</LastName></Author>',
    '<Author ValidYN="Y"><LastName>D<i>o</i>e</LastName></Author>',
    '<Author ValidYN="Y"><ForeName>J</ForeName><LastName>Doe</LastName></Author>',
    f"{DOE}stray{DOE}",
    f'{DOE}<Author ValidYN="Y"><LastName/></Author>',
)
BROKEN = ('<Author ValidYN="Y"><LastName>Doe</LastName>', '<Author ValidYN="Y"><LastName>D\x0be</LastName></Author>', f"{DOE}</Author>")


def xml(authors: str) -> bytes:
    return XML.format(authors=authors).encode()


def parsed(data: bytes) -> tuple[str, ...]:
    return article.article_record(etree.fromstring(data), "x").authors


@pytest.mark.parametrize("authors", FITTING)
def test_authors_by_pattern_are_those_of_the_parser(authors: str) -> None:
    rest, found = names.take(xml(authors))
    assert found == parsed(xml(authors))
    assert b"Author" not in rest
    assert article.article_record(etree.fromstring(rest), "x", found) == article.article_record(etree.fromstring(xml(authors)), "x")


@pytest.mark.parametrize("authors", [*OTHERS, *BROKEN])
def test_what_does_not_fit_is_left_to_the_parser(authors: str) -> None:
    assert names.take(xml(authors)) == (xml(authors), None)


@pytest.mark.parametrize("old_and_new", [(b"Doe", b"D\xffe"), (b"<Language>", b"<Pagination>"), (b'CompleteYN="Y"', b'Type="editors"')])
def test_a_list_of_another_kind_is_left_to_the_parser(old_and_new: tuple[bytes, bytes]) -> None:
    odd = xml(DOE).replace(*old_and_new)
    assert names.take(odd) == (odd, None)


def test_a_second_list_leaves_both_to_the_parser() -> None:
    odd = xml(DOE).replace(b"</Article>", b"<AuthorList>x</AuthorList></Article>")
    assert names.take(odd) == (odd, None)


def test_affiliations_are_gone_before() -> None:
    whole = xml(DOE).replace(b"</Author>", b"<AffiliationInfo><Affiliation>Lung Clinic</Affiliation></AffiliationInfo></Author>")
    assert names.take(lean.cut(whole))[1] == ("Doe JA",)
