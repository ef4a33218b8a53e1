"""One PubmedArticle or PubmedBookArticle element → Record, no character of title or abstract lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from miner.schema import Record, Section
from miner.sources import values

Element = Any  # lxml is untyped here
Groups = dict[str, list[Element]]

_UNAVAILABLE = frozenset({"", "[not available]", "[not available].", "not available", "not available."})
_EXPONENT = re.compile(r"[-−]?\w+")
_INVISIBLE = dict.fromkeys(range(0x2061, 0x2065))
_HIDDEN_MATH = frozenset({"annotation", "annotation-xml"})


def article_record(root: Element, source: str, authors: tuple[str, ...] | None = None) -> Record:
    """Read a PubmedArticle element, its authors unless they are given; ValueError says what it lacks."""
    parts = _children(root)
    citation = _grouped(parts.get("MedlineCitation"))
    found = _first_of(citation, "Article")
    if found is None:
        raise ValueError("no MedlineCitation/Article")
    article = _grouped(found)
    ids = _children(parts.get("PubmedData")).get("ArticleIdList")
    pmid, version = _pmid(_first_of(citation, "PMID"))
    title = _title(article)
    abstract = _first_of(article, "Abstract")
    sections = _sections(abstract)
    types = _texts(_first_of(article, "PublicationTypeList"))
    notices = _notices(_first_of(citation, "CommentsCorrectionsList"))
    return Record(
        id=pmid,
        pmid=pmid,
        title=title,
        sections=sections,
        doi=_doi(ids, article),
        pmcid=_article_id(ids, "pmc"),
        journal=_journal(_first_of(article, "Journal"), citation),
        pub_date=_pub_date(article),
        publication_types=types,
        mesh=_mesh(citation),
        keywords=_keywords(citation),
        authors=_authors(article) if authors is None else authors,
        nct_ids=_nct_ids(_first_of(article, "DataBankList"), title, sections),
        language=_languages(article),
        status=values.status(title, types, notices),
        notices=notices,
        other_abstracts=_other_abstracts(citation),
        copyright=None if abstract is None else _optional(_first(abstract, "CopyrightInformation")),
        version=version,
        revised=_date(_first_of(citation, "DateRevised")),
        source=source,
    )


def book_record(root: Element, source: str) -> Record:
    """Read a PubmedBookArticle element (a book, or a chapter such as GeneReviews has); ValueError says what it lacks."""
    document = root.find("BookDocument")
    if document is None:
        raise ValueError("no BookDocument")
    parts = _grouped(document)
    pmid, version = _pmid(_first_of(parts, "PMID"))
    book = _first_of(parts, "Book")
    book_title = "" if book is None else _text(book.find("BookTitle"))
    title = _title(parts) or book_title
    sections = _sections(document.find("Abstract"))
    ids = document.find("ArticleIdList")
    types = tuple(text for el in document.iterfind("PublicationType") if (text := _text(el)))
    return Record(
        id=pmid,
        pmid=pmid,
        title=title,
        sections=sections,
        doi=_doi(ids, parts),
        pmcid=_article_id(ids, "pmc"),
        journal=book_title or None,
        pub_date=_date(document.find("ContributionDate")) or (None if book is None else _date(book.find("PubDate"))),
        publication_types=types,
        keywords=_keywords(parts),
        authors=_authors(parts),
        nct_ids=values.nct_ids(title, values.sections_text(sections)),
        language=_languages(parts),
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


def _children(element: Element) -> dict[str, Element]:
    """The first child of each name."""
    return {} if element is None else {child.tag: child for child in reversed(element)}


def _grouped(element: Element) -> Groups:
    """The children of each name; one pass over the children costs less than a search for each."""
    found: Groups = {}
    for child in () if element is None else element:
        tag = child.tag
        if tag in found:
            found[tag].append(child)
        else:
            found[tag] = [child]
    return found


def _first_of(groups: Groups, name: str) -> Element:
    return groups[name][0] if name in groups else None


def _first(element: Element, name: str) -> Element:
    return next(element.iterchildren(name), None)


def _languages(article: Groups) -> str | None:
    return ";".join(text for el in article.get("Language", ()) if (text := _text(el))) or None


def _text(element: Element) -> str:
    """All text below an element, markup dropped, MathML written in a line."""
    if element is None:
        return ""
    if len(element) == 0:
        text = element.text
        return values.clean(text) if text else ""
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


def _title(parts: Groups) -> str:
    """ArticleTitle, or VernacularTitle where the former is empty or says that there is none."""
    title = _text(_first_of(parts, "ArticleTitle"))
    return (_text(_first_of(parts, "VernacularTitle")) or title) if title.lower() in _UNAVAILABLE else title


def _sections(abstract: Element) -> tuple[Section, ...]:
    if abstract is None:
        return ()
    found = ((values.clean(el.get("Label") or "") or None, _text(el)) for el in abstract.iterchildren("AbstractText"))
    return tuple(Section(label, text) for label, text in found if text)


def _other_abstracts(citation: Groups) -> tuple[Section, ...]:
    """Sections of OtherAbstract, each labelled with its type and language and, behind a colon, its own label."""
    sections = []
    for other in citation.get("OtherAbstract", ()):
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


def _doi(ids: Element, article: Groups) -> str | None:
    """The paper's own DOI: ArticleIdList of the record, then ELocationID not marked invalid; never one of its references."""
    listed = () if ids is None else (el for el in ids if el.get("IdType") == "doi")
    located = (el for el in article.get("ELocationID", ()) if el.get("EIdType") == "doi" and el.get("ValidYN") != "N")
    return next((doi for el in chain(listed, located) if (doi := values.valid_doi(_text(el)))), None)


def _journal(journal: Element, citation: Groups) -> str | None:
    names = _children(journal)
    for name in ("ISOAbbreviation", "Title"):
        if text := _text(names.get(name)):
            return text
    return _text(_children(_first_of(citation, "MedlineJournalInfo")).get("MedlineTA")) or None


def _pub_date(article: Groups) -> str | None:
    issue = _children(_children(_first_of(article, "Journal")).get("JournalIssue"))
    return _date(issue.get("PubDate")) or _date(_first_of(article, "ArticleDate"))


def _date(element: Element) -> str | None:
    if element is None:
        return None
    parts = {child.tag: child for child in reversed(element)}
    if "Year" not in parts:
        return values.loose_date(_text(parts.get("MedlineDate")))
    year, month, day = (parts[name].text or "" if name in parts else "" for name in ("Year", "Month", "Day"))
    return values.iso_date(year, month, day)


def _mesh(citation: Groups) -> tuple[str, ...]:
    """Headings as MEDLINE writes them, descriptor and qualifiers joined by slashes, then supplementary concepts."""
    listed = _first_of(citation, "MeshHeadingList")
    headings = () if listed is None else ("/".join(_texts(heading)) for heading in listed.iterchildren("MeshHeading"))
    return (*(heading for heading in headings if heading), *_texts(_first_of(citation, "SupplMeshList")))


def _keywords(parts: Groups) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for words in parts.get("KeywordList", ()) for text in _texts(words)))


def _authors(article: Groups) -> tuple[str, ...]:
    lists = (authors for authors in article.get("AuthorList", ()) if authors.get("Type") != "editors")
    names = (_author(author) for authors in lists for author in authors if author.get("ValidYN") != "N")
    return tuple(name for name in names if name)


def _author(author: Element) -> str:
    names = {part.tag: part.text or "" for part in reversed(author)}
    family = names.get("LastName")
    if not family:
        return _text(_first(author, "CollectiveName")) or _text(_first(author, "ForeName"))
    given = names.get("Initials") or names.get("ForeName") or ""
    return values.clean(f"{family} {given} {names.get('Suffix', '')}")


def _nct_ids(banks: Element, title: str, sections: tuple[Section, ...]) -> tuple[str, ...]:
    numbers = () if banks is None else banks.iterfind("DataBank/AccessionNumberList/AccessionNumber")
    return values.nct_ids(*map(_text, numbers), title, values.sections_text(sections))


def _notices(links: Element) -> tuple[tuple[str, str], ...]:
    """(RefType, PMID or printed source) of the links that change what the paper is worth."""
    if links is None:
        return ()
    found = ((el.get("RefType") or "", _text(el.find("PMID")) or _text(el.find("RefSource"))) for el in links)
    return tuple((kind, reference) for kind, reference in found if kind in values.NOTICES)
