"""PubMed XML → records: split by bytes into elements, each parsed by itself, in memory bounded by the largest record.

Entities and network are off. A document with an internal DTD subset is refused, so that no entity can be declared. One
record that cannot be read is set aside; a file that is cut, or is no PubMed set, raises InputError.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Protocol

from lxml import etree

from miner.errors import InputError
from miner.schema import Record
from miner.sources import article, beside, elements, lean
from miner.sources.items import Deleted, OnReject, Reject, Screen, Tally

CHUNK = 1 << 20
LARGEST = 64 << 20
ROOTS = frozenset({b"PubmedArticleSet", b"PubmedBookArticleSet"})

_BLANK = re.compile(rb"\s*")
_NAME = re.compile(rb"<([A-Za-z_][\w.-]*)")
_TAG = re.compile(rb"""<[A-Za-z_](?:[^>"']|"[^"]*"|'[^']*')*>""")
_DOCTYPE = re.compile(rb"""<!DOCTYPE(?:[^"'\[>]|"[^"]*"|'[^']*')*""")
_ENCODING = re.compile(rb"""^<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
_NAMESPACE = re.compile(rb"""\sxmlns:[\w.-]+\s*=\s*(?:"[^"]*"|'[^']*')""")
_OPAQUE = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.S)
_PMID = re.compile(rb"<PMID[^>]*>\s*(\d+)\s*<")
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Stream(Protocol):
    """Anything that gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...


def read_stream(
    stream: Stream,
    source: str,
    *,
    on_reject: OnReject | None = None,
    screen: Screen | None = None,
    tally: Tally | None = None,
    two: bool = False,
) -> Iterator[Record | Deleted]:
    """Yield the records and deletions of a PubMed set in order.

    Parameters
    ----------
    stream
        Decompressed XML; it is read to its end and not closed.
    source
        Name for errors and for ``Record.source``.
    on_reject
        Takes each record that cannot be read; without it such a record raises.
    screen
        Records that it says cannot matter are not parsed, only counted in ``tally``.
    two
        Let a second process read along, where there is a core for it.

    Raises
    ------
    InputError
        The set is cut, is no PubMed set, or declares entities; or a record is unreadable and ``on_reject`` is None.
    """
    tally = Tally() if tally is None else tally
    of = beside.answers if two else beside.alone
    with closing(of(split(stream, source), source, screen)) as answers:
        for name, xml, answer in answers:
            if answer is False:
                tally.skipped += 1
            elif answer is not None:
                tally.read += 1
                yield answer
            else:
                yield from _slowly(name, xml, source, tally, on_reject)


def _slowly(name: bytes, xml: bytes, source: str, tally: Tally, on_reject: OnReject | None) -> Iterator[Record | Deleted]:
    """Read an element that is no record, or one in which something is wrong."""
    for piece, root in _parsed(name, xml, elements.parser()):
        try:
            if isinstance(root, Exception):
                raise root
            yield from _read(name, root, source, tally)
        except (etree.XMLSyntaxError, ValueError) as error:
            tally.rejected += 1
            found = _PMID.search(piece)
            reject = Reject(tally.total, found[1].decode() if found else None, str(error))
            if on_reject is None:
                raise InputError(f"{source}: record {reject.position} (PMID {reject.identifier or 'unknown'}): {error}") from error
            on_reject(reject)


_DELETIONS = frozenset({b"DeleteCitation", b"DeleteDocument"})


def _read(name: bytes, root: article.Element, source: str, tally: Tally) -> Iterator[Record | Deleted]:
    if name in elements.RECORDS:
        record = elements.RECORDS[name](root, source)
        tally.read += 1
        yield record
    elif name in _DELETIONS:
        for pmid, version in article.deleted_pmids(root):
            tally.deleted += 1
            yield Deleted(pmid, version)
    else:
        raise ValueError(f"element {name.decode()} is not known in a PubMed set")


def _parsed(name: bytes, xml: bytes, parser: etree.XMLParser) -> Iterator[tuple[bytes, article.Element]]:
    """Yield (XML, element or error); an element that lost its end tag and swallowed the next is taken apart first."""
    with suppress(etree.XMLSyntaxError):
        root = etree.fromstring(lean.cut(xml), parser)
        yield xml, root
        return
    try:
        yield xml, etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        inner = xml.find(b"<" + name, len(name))
        yield xml[: inner if inner > 0 else None], error
        if inner > 0:
            yield from _parsed(name, xml[inner:], parser)


def split(stream: Stream, source: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield (element name, XML in UTF-8) of each child of the set, comments and processing instructions left out."""
    window = _Window(stream, source)
    namespaces = _open(window)
    while (head := window.next_markup()) != b"</":
        if window.ended:
            return
        if head == b"":
            raise window.cut("before the set ends")
        named = _NAME.match(window.data, window.pos)
        if not named:
            raise window.wrong("what stands between two records is no element")
        xml = window.take_element(named[1])
        window.count += 1
        yield named[1], xml.replace(b"<" + named[1], b"<" + named[1] + namespaces, 1) if namespaces else xml
    window.close()


def _open(window: _Window) -> bytes:
    """Read up to and with the root's start tag; return the namespaces that it declares."""
    head = window.next_markup()
    if head == b"":
        raise InputError(f"{window.source}: is empty, no PubMed set")
    if window.data.startswith(b"<!DOCTYPE", window.pos):
        window.skip_doctype()
        head = window.next_markup()
    while not (tag := _TAG.match(window.data, window.pos)) and window.more():
        pass
    named = _NAME.match(window.data, window.pos)
    if not tag or not named:
        raise window.cut("inside its first tag")
    window.root = named[1]
    if window.root not in ROOTS:
        raise InputError(f"{window.source}: is no PubMed set: its root element is {window.root.decode()}, not PubmedArticleSet")
    window.pos = tag.end()
    window.ended = tag.group().endswith(b"/>")
    return b"".join(_NAMESPACE.findall(tag.group()))


def _end_tag(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"</" + re.escape(name) + rb"\s*>")


class _Window:
    """The part of a stream that is being looked at."""

    def __init__(self, stream: Stream, source: str) -> None:
        self.stream, self.source = stream, source
        self.data, self.pos, self.before = b"", 0, 0
        self.count = 0
        self.root = b""
        self.ended = False
        while len(self.data) < 1024 and (chunk := self._chunk()):
            self.data += chunk
        self._to_utf8()

    def _chunk(self) -> bytes:
        try:
            return self.stream.read(CHUNK)
        except (EOFError, OSError, UnicodeError) as error:
            raise InputError(f"{self.source}: cannot be read further after {self._place()}: {error}; fetch the file again") from error

    def _place(self) -> str:
        return f"record {self.count} (byte {self.before + self.pos} of the XML)"

    def _to_utf8(self) -> None:
        bom = next((mark for mark in _BOMS if self.data.startswith(mark)), None)
        declared = _ENCODING.match(self.data)
        encoding = _BOMS[bom] if bom else declared[1].decode() if declared else "utf-8"
        try:
            plain = codecs.lookup(encoding).name in {"utf-8", "ascii"}
        except LookupError as error:
            raise InputError(f"{self.source}: declares the unknown encoding {encoding}") from error
        if not plain:
            self.stream = _Recoded(self.data, self.stream, encoding)
            self.data = self._chunk()

    def more(self) -> bool:
        """Read on, forgetting what lies before the position."""
        chunk = self._chunk()
        self.before += self.pos
        self.data, self.pos = self.data[self.pos :] + chunk, 0
        if len(self.data) > LARGEST:
            raise self.wrong(f"a record is larger than {LARGEST >> 20} MB")
        return bool(chunk)

    def cut(self, where: str) -> InputError:
        """The error of a set that stops too early."""
        return InputError(f"{self.source}: is cut {where}, after {self._place()}; fetch the file again")

    def wrong(self, what: str) -> InputError:
        """The error of a set that is no well-formed one."""
        return InputError(f"{self.source}: {what}, after {self._place()}")

    def next_markup(self) -> bytes:
        """Move to the next markup that is no comment; return ``</``, its first byte, or nothing at the end of the stream."""
        while True:
            blank = _BLANK.match(self.data, self.pos)
            self.pos = blank.end() if blank else self.pos
            if len(self.data) - self.pos < 32 and self.more():
                continue
            if self.pos >= len(self.data):
                return b""
            if self.data.startswith(b"<!--", self.pos):
                self._skip(b"-->")
            elif self.data.startswith(b"<?", self.pos):
                self._skip(b"?>")
            elif self.ended:
                raise self.wrong("something follows the end of the set")
            elif self.data[self.pos : self.pos + 1] != b"<":
                raise self.wrong("is no PubMed set: text stands where an element should")
            else:
                return b"</" if self.data.startswith(b"</", self.pos) else b"<"

    def _skip(self, token: bytes) -> None:
        while (end := self.data.find(token, self.pos)) < 0:
            if not self.more():
                raise self.cut("inside a comment")
        self.pos = end + len(token)

    def skip_doctype(self) -> None:
        """Step over the document type; refuse one that has an internal subset, for it could declare entities."""
        while not (found := _DOCTYPE.match(self.data, self.pos)) or found.end() == len(self.data):
            if not self.more():
                raise self.cut("inside the document type")
        if self.data[found.end() : found.end() + 1] != b">":
            raise InputError(f"{self.source}: has a document type with an internal subset, which may declare entities; it is refused")
        self.pos = found.end() + 1

    def take_element(self, name: bytes) -> bytes:
        """Return the element of that name which begins here, and move behind it."""
        searched = 0
        while (end := self._element_end(name, self.pos + searched)) < 0:
            searched = max(0, len(self.data) - self.pos - len(name) - 64)
            if not self.more():
                raise self.cut(f"inside {name.decode()} {self.count + 1}")
        xml = self.data[self.pos : end]
        self.pos = end
        return xml

    def _element_end(self, name: bytes, start: int) -> int:
        tag = _TAG.match(self.data, self.pos)
        if tag and tag.group().endswith(b"/>"):
            return tag.end()
        plain = b"</" + name + b">"
        end = self.data.find(plain, start) + len(plain)
        if end < len(plain):
            spaced = _end_tag(name).search(self.data, start)
            end = spaced.end() if spaced else -1
        # An end tag inside a comment or CDATA ends nothing; "!" alone is looked for first because that is quick.
        if end >= 0 and self.data.find(b"!", self.pos, end) >= 0 and self.data.find(b"<!", self.pos, end) >= 0:
            masked = _OPAQUE.sub(lambda m: b"x" * len(m.group()), self.data[self.pos :])
            real = _end_tag(name).search(masked)
            end = self.pos + real.end() if real else -1
        return end

    def close(self) -> None:
        """Check that the set's end tag stands here and that nothing follows it."""
        end = _end_tag(self.root).match(self.data, self.pos)
        if not end and b">" not in self.data[self.pos :]:
            raise self.cut("inside its end tag")
        if not end:
            raise self.wrong("an end tag stands where a record should")
        self.pos, self.ended = end.end(), True
        self.next_markup()


class _Recoded:
    """A stream in another encoding, read as UTF-8."""

    def __init__(self, head: bytes, stream: Stream, encoding: str) -> None:
        self.head, self.stream = head, stream
        self.decoder = codecs.getincrementaldecoder(encoding)()

    def read(self, size: int, /) -> bytes:
        """Return the next piece in UTF-8; none at the end."""
        while True:
            raw, self.head = self.head or self.stream.read(size), b""
            text = self.decoder.decode(raw, final=not raw)
            if text or not raw:
                return text.encode()
