"""Read a list of authors by its pattern, before the rest of the record is parsed: a third of the elements that are left.

Only a list in which every character fits is taken out: what the pattern fits is well-formed. Any other is left to the parser.
"""

from __future__ import annotations

import re

from miner.sources import values

_START, _END = b"<AuthorList", b"</AuthorList>"
_BEHIND = re.compile(rb"\s*<Language>")  # stands behind the authors of an article, not of a book
_LIST = re.compile(r'<AuthorList CompleteYN="[YN]"(?: Type="authors")?>[ \t\r\n]*')
_TEXT = r"[^<>&\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
_GAP = r"[ \t\r\n]*"
_AUTHOR = re.compile(
    rf'<Author ValidYN="Y"(?: EqualContrib="[YN]")?>{_GAP}<LastName>({_TEXT}+)</LastName>{_GAP}'
    rf"(?:<ForeName>({_TEXT}*)</ForeName>{_GAP})?(?:<Initials>({_TEXT}*)</Initials>{_GAP})?(?:<Suffix>({_TEXT}*)</Suffix>{_GAP})?"
    rf'(?:<Identifier Source="\w*">{_TEXT}*</Identifier>{_GAP})*</Author>{_GAP}'
)


def take(xml: bytes) -> tuple[bytes, tuple[str, ...] | None]:
    """Return the XML without its list of authors, and their names; the XML as it is and None where that is not certain."""
    start = xml.find(_START)
    end = xml.find(_END, start) if start >= 0 else -1
    behind = end + len(_END)
    if end < 0 or not _BEHIND.match(xml, behind) or xml.find(_START, behind) >= 0:
        return xml, None
    names = _names(xml[start:end])
    return (xml, None) if names is None else (xml[:start] + xml[behind:], names)


def _names(listed: bytes) -> tuple[str, ...] | None:
    try:
        text = listed.decode()
    except UnicodeDecodeError:
        return None
    head = _LIST.match(text)
    parts = _AUTHOR.split(text[head.end() :]) if head else [text]
    if any(parts[::5]):  # what stands between two authors
        return None
    found = zip(parts[1::5], parts[2::5], parts[3::5], parts[4::5], strict=True)
    names = (values.clean(f"{family} {initials or fore or ''} {suffix or ''}") for family, fore, initials, suffix in found)
    return tuple(name for name in names if name)
