"""Characters that print alike, read as one: publishers send U+2010 and U+2011 for a hyphen, no-break and thin spaces, full-width signs.

An en dash or a minus that joins two words ("ALK–positive") is a hyphen too; between numbers it is not.
"""

from __future__ import annotations

import re
from dataclasses import replace

from miner.schema import Reading

_HYPHENS = "\u2010\u2011\ufe63"
_BLANKS = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_SIGNS = {"\u2215": "/", "\u2044": "/", "\u2236": ":", "\u2266": "≤", "\u2a7d": "≤", "\u2267": "≥", "\u2a7e": "≥"}
_WIDE = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}
_READ_AS = str.maketrans({**dict.fromkeys(_HYPHENS, "-"), **dict.fromkeys(_BLANKS, " "), **_SIGNS, **_WIDE})
_JOINING = re.compile(r"(?<=[^\W\d_])[–\u2212](?=\w)|(?<=[\w)\]])[–\u2212](?=[^\W\d_])")


def as_read(text: str) -> str:
    """Return a text of the same length, and so of the same offsets, in which one character stands for all that print alike."""
    return text if text.isascii() else _JOINING.sub("-", text.translate(_READ_AS))


def reading_as_read(reading: Reading) -> Reading:
    """Return a reading whose text and mentions are in the characters that the rules know; the same one where it has no other."""
    printed = reading.text
    text = as_read(printed)
    if text == printed:
        return reading
    sections = tuple(replace(section, text=as_read(section.text)) for section in reading.record.sections)
    record = replace(reading.record, title=as_read(reading.record.title), sections=sections)
    return replace(reading, record=record, mentions=tuple(replace(m, text=text[m.start : m.end]) for m in reading.mentions))
