"""Tell from raw XML, before it is parsed, that a record holds none of a topic's terms.

Terms and text are compared folded: without case, blanks, hyphens, dashes and accents. A term may stand inside a word.
So the screen lets through more than a search for the same terms in text, headings and keywords would find, and never less.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

from ahocorasick_rs import BytesAhoCorasick, Implementation

from miner.schema import Record
from miner.sources import values

_DELETED = b" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f-<>"
_LOWER = bytes(range(256)).lower()
_ASCII, _BEYOND = bytes(range(128)), bytes(range(128, 256))
_PLAIN_TAG = re.compile(rb"<[^>]*>")  # twice as fast, and the same where every sign is a tag's
_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")
_PMID = re.compile(rb"<PMID[^>]*>\s*(\d+)\s*<")
_PMID_WITHIN = 2000
_HEADINGS = (b"<MeshHeadingList", b"<KeywordList", b"<SupplMeshList")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_DROPPED = frozenset({"Mn", "Cf", "Cc", "Pd", "Zs", "Zl", "Zp"})  # marks, invisible characters, dashes, blanks
_MINUS = "−"


class Prescreen:
    """Looks for terms in records.

    Parameters
    ----------
    keep
        PMIDs that pass whatever they say (those a store already holds): a stored paper's revision must be read even where
        it lost the words that brought it in.
    may_matter
        Asked, after the terms, of a record that was parsed; False only where no reading of it could matter.
    """

    def __init__(self, terms: Iterable[str], *, keep: Iterable[str] = (), may_matter: Callable[[Record], bool] | None = None) -> None:
        terms = tuple(terms)
        folded = sorted({fold(term) for term in terms} - {b""})
        if not folded:
            raise ValueError("a pre-screen needs at least one term")
        self.keep = frozenset(keep)
        self._given = terms
        self._may_matter = may_matter
        self._fold_xml = _fold_for_ascii if all(map(bytes.isascii, folded)) else _fold_xml
        self._terms = BytesAhoCorasick(folded, implementation=Implementation.DFA)

    def __reduce__(self) -> tuple[Callable[..., Prescreen], tuple[Iterable[str], tuple[str, ...]]]:
        """A copy in another process knows raw XML alone: what is asked of records stays behind."""
        return _copied, (self._given, tuple(self.keep))

    def might_match(self, xml: bytes) -> bool:
        """Return False only where no term stands in title, abstract, headings or keywords of this PubmedArticle or PubmedBookArticle."""
        if self.keep and pmid_of(xml) in self.keep:
            return True
        return self._holds(self._fold_xml(_text_part(xml)))

    def matches(self, record: Record) -> bool:
        """Return whether the record can matter by its text, or its PMID is kept anyway."""
        if record.pmid in self.keep:
            return True
        said = "\n".join((record.text, *record.mesh, *record.keywords))
        return self._holds(fold(said)) and (self._may_matter is None or self._may_matter(record))

    def _holds(self, folded: bytes) -> bool:
        return bool(self._terms.find_matches_as_indexes(folded))


def _copied(terms: Iterable[str], keep: Iterable[str]) -> Prescreen:
    return Prescreen(terms, keep=keep)


def fold(text: str) -> bytes:
    """Return the text in lower case, compatibility forms resolved, without blanks, dashes, accents and invisible characters."""
    if text.isascii():
        return text.encode().translate(_LOWER, _DELETED)
    return _FOREIGN.sub(lambda found: _fold_character(found[0]), text).encode("utf-8", "replace").translate(_LOWER, _DELETED)


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character.casefold()).casefold()
    return "".join(c for c in plain if c != _MINUS and unicodedata.category(c) not in _DROPPED)


def pmid_of(xml: bytes) -> str:
    """Return the PMID of a record's XML, or nothing where its head shows none."""
    found = _PMID.search(xml, 0, _PMID_WITHIN)
    return found[1].decode() if found else ""


def _text_part(xml: bytes) -> bytes:
    """Cut out what can become title, abstract, headings and keywords; where the cut is not certain, everything."""
    start = xml.find(b"<ArticleTitle")
    if (book := xml.find(b"<BookTitle", 0, start if start >= 0 else len(xml))) >= 0:
        start = book
    if start < 0:
        return xml
    end = xml.find(b"</Abstract>", start)
    if end < 0 and b"<Abstract" not in xml:
        end = xml.rfind(b"</ArticleTitle>")
    if end < start:
        return xml
    article = xml.find(b"</Article>", end)  # what follows it is the longer half of a record
    vernacular = xml.find(b"<VernacularTitle", end, article if article >= 0 else len(xml))
    other = xml[vernacular : xml.find(b"</VernacularTitle", vernacular)] if vernacular >= 0 else b""
    return b" ".join((xml[start:end], other, _headings(xml, max(article, end))))


def _headings(xml: bytes, start: int) -> bytes:
    """Cut out MeSH headings, supplementary concepts and keywords, from the first of their lists on."""
    end = xml.find(b"</MedlineCitation>", start)
    found = [at for name in _HEADINGS if (at := xml.find(name, start, end if end >= 0 else len(xml))) >= 0]
    return xml[min(found) : end if end >= 0 else len(xml)] if found else b""


def _fold_xml(xml: bytes) -> bytes:
    plain = _without_tags(xml)
    if b"&" not in plain and plain.isascii():
        return plain.translate(_LOWER, _DELETED)
    return fold(values.mend(plain.decode("utf-8", "replace")))


def _fold_for_ascii(xml: bytes) -> bytes:
    """Fold for terms of ASCII letters alone: all other characters may go, but those that stand for such letters."""
    plain = _without_tags(xml)
    if b"&" in plain:
        plain = plain.replace(b"&lt;", b"").replace(b"&gt;", b"")
        if b"&" in plain:
            return fold(values.mend(plain.decode("utf-8", "replace")))
    if plain.isascii():
        return plain.translate(_LOWER, _DELETED)
    others = set(plain.translate(None, _ASCII).decode("utf-8", "replace"))
    if any(map(_is_spelled_in_ascii, others)):
        return fold(plain.decode("utf-8", "replace"))
    return plain.translate(_LOWER, _DELETED + _BEYOND)


@lru_cache(maxsize=4096)
def _is_spelled_in_ascii(character: str) -> bool:
    """Tell whether a character folds to something with a letter, figure or sign of ASCII in it: accented letters, ligatures."""
    return any(map(str.isascii, _fold_character(character)))


def _without_tags(xml: bytes) -> bytes:
    if b"!" in xml and b"<!" in xml:  # comments and CDATA are rare: no tag is dropped, lest text be
        xml = xml.replace(b"<![CDATA[", b"").replace(b"]]>", b"")
        xml = re.sub(rb"<!--.*?-->", b"", xml, flags=re.S)
    return (_PLAIN_TAG if xml.count(b"<") == xml.count(b">") else _TAG).sub(b"", xml)
