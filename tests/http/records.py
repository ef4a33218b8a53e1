"""Records for the fake PubMed, and their XML."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

PROLOG = '<?xml version="1.0" ?>\n'
DOCTYPE = (
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)


@dataclass(frozen=True)
class Fake:
    """A record of the fake PubMed: what the parser reads of it, and the dates by which a search finds it.

    ``created`` is the day it was added (crdt), ``changed`` its DateRevised, ``mdat`` the day of its last change where that
    differs, ``edat`` its Entrez date where that lies elsewhere. ``raw`` is XML put into the abstract as it stands, ``odd``
    into the citation, ``issue`` into the date of the issue.
    """

    pmid: int
    title: str = "A title."
    abstract: Sequence[tuple[str | None, str]] = ()
    version: int = 1
    created: datetime.date = datetime.date(2024, 1, 1)
    changed: datetime.date = datetime.date(2024, 1, 1)
    types: Sequence[str] = ("Journal Article",)
    comments: Sequence[tuple[str, str]] = ()
    book: bool = False
    mdat: datetime.date | None = None
    edat: datetime.date | None = None
    raw: str = ""
    odd: str = ""
    issue: str = ""

    def day(self, kind: str) -> datetime.date:
        """The day by which a search of this kind (crdt, mdat, edat) finds it."""
        return {"crdt": self.created, "mdat": self.mdat or self.changed, "edat": self.edat or self.created}[kind]

    @property
    def xml(self) -> str:
        """The record as an element of a PubmedArticleSet."""
        return _book(self) if self.book else _article(self)


def _abstract(fake: Fake) -> str:
    labels = [f' Label="{escape(label)}"' if label else "" for label, _ in fake.abstract]
    parts = [f"<AbstractText{label}>{escape(text)}</AbstractText>" for label, (_, text) in zip(labels, fake.abstract, strict=True)]
    return f"<Abstract>{''.join(parts)}{fake.raw}</Abstract>" if parts or fake.raw else ""


def _date(name: str, day: datetime.date) -> str:
    return f"<{name}><Year>{day.year}</Year><Month>{day.month:02}</Month><Day>{day.day:02}</Day></{name}>"


def _article(fake: Fake) -> str:
    types = "".join(f"<PublicationType>{escape(kind)}</PublicationType>" for kind in fake.types)
    comments = "".join(
        f'<CommentsCorrections RefType="{kind}"><RefSource>J Test. 2024</RefSource><PMID Version="1">{pmid}</PMID></CommentsCorrections>'
        for kind, pmid in fake.comments
    )
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="{fake.version}">{fake.pmid}</PMID>'
        f'{_date("DateRevised", fake.changed)}<Article PubModel="Print"><Journal><JournalIssue CitedMedium="Internet"><PubDate>'
        f"<Year>{fake.created.year}</Year>{fake.issue}</PubDate></JournalIssue><Title>Journal of Tests</Title></Journal>"
        f"<ArticleTitle>{escape(fake.title)}</ArticleTitle>{_abstract(fake)}<Language>eng</Language>"
        f"<PublicationTypeList>{types}</PublicationTypeList></Article>"
        f"{fake.odd}{f'<CommentsCorrectionsList>{comments}</CommentsCorrectionsList>' if comments else ''}</MedlineCitation>"
        f'<PubmedData><ArticleIdList><ArticleId IdType="pubmed">{fake.pmid}</ArticleId></ArticleIdList></PubmedData></PubmedArticle>'
    )


def _book(fake: Fake) -> str:
    return (
        f'<PubmedBookArticle><BookDocument><PMID Version="{fake.version}">{fake.pmid}</PMID><ArticleIdList>'
        f'<ArticleId IdType="bookaccession">NBK{fake.pmid}</ArticleId></ArticleIdList><Book><Publisher><PublisherName>Tests</PublisherName>'
        f'</Publisher><BookTitle book="test">A book of tests</BookTitle><PubDate><Year>{fake.created.year}</Year></PubDate></Book>'
        f'<ArticleTitle book="test" part="one">{escape(fake.title)}</ArticleTitle><Language>eng</Language>{_abstract(fake)}'
        f'</BookDocument><PubmedBookData><ArticleIdList><ArticleId IdType="pubmed">{fake.pmid}</ArticleId></ArticleIdList>'
        f"</PubmedBookData></PubmedBookArticle>"
    )


def document(fakes: Iterable[Fake], *, deleted: Iterable[int] = (), doctype: str = DOCTYPE) -> bytes:
    """Return a PubmedArticleSet of the records, as EFetch or a distribution file gives it."""
    gone = "".join(f'<PMID Version="1">{pmid}</PMID>' for pmid in deleted)
    tail = f"<DeleteCitation>{gone}</DeleteCitation>\n" if gone else ""
    body = "\n".join(fake.xml for fake in fakes)
    return f"{PROLOG}{doctype}<PubmedArticleSet>\n{body}\n{tail}</PubmedArticleSet>\n".encode()
