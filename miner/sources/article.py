"""One PubmedArticle or PubmedBookArticle element → Record, no character of title or abstract lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from miner.schema import Record, Section
from miner.sources import values

Element = Any  # lxml is untyped here

_UNAVAILABLE = frozenset({"", "[not available]", "[not available].", "not available", "not available."})
_PUB_DATES = ("Journal/JournalIssue/PubDate", "ArticleDate")
_EXPONENT = re.compile(r"[-−]?\w+")
_INVISIBLE = dict.fromkeys(range(0x2061, 0x2065))
_HIDDEN_MATH = frozenset({"annotation", "annotation-xml"})


def article_record(root: Element, source: str) -> Record:
    """Read a PubmedArticle element; ValueError says what it lacks."""
    citation = root.find("MedlineCitation")
    article = None if citation is None else citation.find("Article")
    if citation is None or article is None:
        raise ValueError("no MedlineCitation/Article")
    pubmed = root.find("PubmedData")
    ids = None if pubmed is None else pubmed.find("ArticleIdList")
    pmid, version = _pmid(citation.find("PMID"))
    title = _title(article)
    sections = _sections(article.find("Abstract"))
    types = _texts(article.find("PublicationTypeList"))
    notices = _notices(citation.find("CommentsCorrectionsList"))
    return Record(
        id=pmid,
        pmid=pmid,
        title=title,
        sections=sections,
        doi=_doi(ids, article),
        pmcid=_article_id(ids, "pmc"),
        journal=_journal(article.find("Journal"), citation),
        pub_date=_pub_date(article),
        publication_types=types,
        mesh=_mesh(citation),
        keywords=_keywords(citation),
        authors=_authors(article.iterfind("AuthorList")),
        nct_ids=_nct_ids(article, title, sections),
        language=";".join(text for el in article.iterfind("Language") if (text := _text(el))) or None,
        status=values.status(title, types, notices),
        notices=notices,
        other_abstracts=_other_abstracts(citation),
        copyright=_optional(article.find("Abstract/CopyrightInformation")),
        version=version,
        revised=_date(citation.find("DateRevised")),
        source=source,
    )


def book_record(root: Element, source: str) -> Record:
    """Read a PubmedBookArticle element (a book, or a chapter such as GeneReviews has); ValueError says what it lacks."""
    document = root.find("BookDocument")
    if document is None:
        raise ValueError("no BookDocument")
    pmid, version = _pmid(document.find("PMID"))
    book = document.find("Book")
    book_title = "" if book is None else _text(book.find("BookTitle"))
    title = _title(document) or book_title
    sections = _sections(document.find("Abstract"))
    ids = document.find("ArticleIdList")
    types = tuple(text for el in document.iterfind("PublicationType") if (text := _text(el)))
    return Record(
        id=pmid,
        pmid=pmid,
        title=title,
        sections=sections,
        doi=_doi(ids, document),
        pmcid=_article_id(ids, "pmc"),
        journal=book_title or None,
        pub_date=_date(document.find("ContributionDate")) or (None if book is None else _date(book.find("PubDate"))),
        publication_types=types,
        keywords=_keywords(document),
        authors=_authors(document.iterfind("AuthorList")),
        nct_ids=values.nct_ids(title, values.sections_text(sections)),
        language=";".join(text for el in document.iterfind("Language") if (text := _text(el))) or None,
        status=values.status(title, types, ()),
        copyright=_optional(document.find("Abstract/CopyrightInformation")),
        version=version,
        revised=_date(document.find("DateRevised")),
        source=source,
    )


def deleted_pmids(root: Element) -> Iterator[tuple[str, int]]:
    """(PMID, version) of every citation that a DeleteCitation or DeleteDocument element names."""
    for element in root.iterfind("PMID"):
        yield _pmid(element)


def _pmid(element: Element) -> tuple[str, int]:
    pmid = _text(element)
    if not (pmid.isascii() and pmid.isdigit()):
        raise ValueError(f"PMID is {pmid!r}, no number" if pmid else "no PMID")
    version = element.get("Version") or "1"
    return pmid, int(version) if version.isdigit() else 1


def _text(element: Element) -> str:
    """All text below an element, markup dropped, MathML written in a line."""
    if element is None:
        return ""
    if len(element) == 0:
        return values.clean(element.text or "")
    if any(isinstance(e.tag, str) and e.tag.endswith("math") for e in element.iter()):
        return values.clean(_with_math(element))
    return values.clean("".join(element.itertext()))


def _with_math(element: Element) -> str:
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str):
            parts.append(_math(child) if _local(child) == "math" else _with_math(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _math(element: Element) -> str:
    """Write MathML in a line: ``a/b``, ``x^2``, ``√3``, all else in order; indentation and invisible operators are no text."""
    if _local(element) in _HIDDEN_MATH or not isinstance(element.tag, str):
        return ""
    children = [_math(child) for child in element]
    tails = [(child.tail or "").strip() for child in element]
    content = (element.text or "").strip() + "".join(map("".join, zip(children, tails, strict=True)))
    match _local(element), children:
        case "mfrac", [over, under]:
            return f"{_group(over)}/{_group(under)}"
        case "msup", [base, power]:
            return base + _power(base, power)
        case "msubsup", [base, index, power]:
            return base + index + _power(base, power)
        case "mroot", [radicand, index]:
            return f"{index}√{_group(radicand)}"
        case "msqrt", _:
            return f"√{_group(content)}"
        case "mfenced", _:
            return (element.get("open") or "(") + (element.get("separators") or ",")[:1].join(children) + (element.get("close") or ")")
        case "mspace", _:
            return " "
    return content.translate(_INVISIBLE)


def _power(base: str, power: str) -> str:
    """A caret stands before a number or name (``x^2``), not before a charge or a star (``NO2-``)."""
    return f"^{power}" if base and _EXPONENT.fullmatch(power) else power


def _group(text: str) -> str:
    return text if len(text) < 2 or text.replace(".", "").isalnum() else f"({text})"


def _local(element: Element) -> str:
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag.rpartition("}")[2].rpartition(":")[2]


def _optional(element: Element) -> str | None:
    return _text(element) or None


def _texts(parent: Element) -> tuple[str, ...]:
    return () if parent is None else tuple(text for child in parent if (text := _text(child)))


def _title(parent: Element) -> str:
    """ArticleTitle, or VernacularTitle where the former is empty or says that there is none."""
    title = _text(parent.find("ArticleTitle"))
    return (_text(parent.find("VernacularTitle")) or title) if title.lower() in _UNAVAILABLE else title


def _sections(abstract: Element) -> tuple[Section, ...]:
    if abstract is None:
        return ()
    found = ((values.clean(el.get("Label") or "") or None, _text(el)) for el in abstract.iterfind("AbstractText"))
    return tuple(Section(label, text) for label, text in found if text)


def _other_abstracts(citation: Element) -> tuple[Section, ...]:
    """Sections of OtherAbstract, each labelled with its type and language and, behind a colon, its own label."""
    sections = []
    for other in citation.iterfind("OtherAbstract"):
        kind = " ".join(filter(None, (other.get("Type"), other.get("Language"))))
        for part in _sections(other):
            sections.append(Section(f"{kind}: {part.label}" if part.label else kind, part.text))
        if notice := _text(other.find("CopyrightInformation")):
            sections.append(Section(f"{kind}: copyright", notice))
    return tuple(sections)


def _article_id(ids: Element, kind: str) -> str | None:
    if ids is None:
        return None
    return next((text for el in ids if el.get("IdType") == kind and (text := _text(el))), None)


def _doi(ids: Element, article: Element) -> str | None:
    """The paper's own DOI: ArticleIdList of the record, then ELocationID not marked invalid; never one of its references."""
    listed = () if ids is None else (_text(el) for el in ids if el.get("IdType") == "doi")
    located = (_text(el) for el in article.iterfind("ELocationID") if el.get("EIdType") == "doi" and el.get("ValidYN") != "N")
    return next((doi for text in (*listed, *located) if (doi := values.valid_doi(text))), None)


def _journal(journal: Element, citation: Element) -> str | None:
    places = () if journal is None else (journal.find("ISOAbbreviation"), journal.find("Title"))
    return next((text for el in (*places, citation.find("MedlineJournalInfo/MedlineTA")) if (text := _text(el))), None)


def _pub_date(article: Element) -> str | None:
    return next((date for path in _PUB_DATES if (date := _date(article.find(path)))), None)


def _date(element: Element) -> str | None:
    if element is None:
        return None
    year = element.findtext("Year")
    if year is None:
        return values.loose_date(_text(element.find("MedlineDate")))
    return values.iso_date(year, element.findtext("Month") or "", element.findtext("Day") or "")


def _mesh(citation: Element) -> tuple[str, ...]:
    """Headings as MEDLINE writes them, descriptor and qualifiers joined by slashes, then supplementary concepts."""
    headings = ("/".join(_texts(heading)) for heading in citation.iterfind("MeshHeadingList/MeshHeading"))
    return (*(heading for heading in headings if heading), *_texts(citation.find("SupplMeshList")))


def _keywords(parent: Element) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for words in parent.iterfind("KeywordList") for text in _texts(words)))


def _authors(lists: Iterator[Element]) -> tuple[str, ...]:
    names = (_author(author) for authors in lists if authors.get("Type") != "editors" for author in authors if author.get("ValidYN") != "N")
    return tuple(name for name in names if name)


def _author(author: Element) -> str:
    family = author.findtext("LastName")
    if not family:
        return _text(author.find("CollectiveName")) or _text(author.find("ForeName"))
    given = author.findtext("Initials") or author.findtext("ForeName") or ""
    return values.clean(f"{family} {given} {author.findtext('Suffix') or ''}")


def _nct_ids(article: Element, title: str, sections: tuple[Section, ...]) -> tuple[str, ...]:
    registered = (_text(el) for el in article.iterfind("DataBankList/DataBank/AccessionNumberList/AccessionNumber"))
    return values.nct_ids(*registered, title, values.sections_text(sections))


def _notices(links: Element) -> tuple[tuple[str, str], ...]:
    """(RefType, PMID or printed source) of the links that change what the paper is worth."""
    if links is None:
        return ()
    found = ((el.get("RefType") or "", _text(el.find("PMID")) or _text(el.find("RefSource"))) for el in links)
    return tuple((kind, reference) for kind, reference in found if kind in values.NOTICES)
