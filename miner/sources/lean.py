"""Cut out of a record's XML what no ``Record`` holds, before it is parsed: the longer half of it, and most of its elements."""

from __future__ import annotations

_AFFILIATION = b"<AffiliationInfo>", b"</AffiliationInfo>"
_REFERENCES = b"<ReferenceList", b"</ReferenceList>"
# Elements of which a record has one, and which hold no other of their name.
_SINGLE = ((b"<History>", b"</History>"), (b"<ChemicalList>", b"</ChemicalList>"), (b"<InvestigatorList>", b"</InvestigatorList>"))
_TAIL = 256  # references end within so many bytes of the record's end, or stay


def cut(xml: bytes) -> bytes:
    """Return the XML without affiliations, references, history, chemicals and investigators; as it is where a cut is not certain."""
    if (b"!" in xml and b"<!" in xml) or (b"?" in xml and b"<?" in xml):
        return xml  # what looks like a tag may stand in a comment
    xml = _without_affiliations(_without_references(xml))
    for start, end in _SINGLE:
        first = xml.rfind(start)
        last = xml.find(end, first) if first >= 0 else -1
        if last >= 0:
            xml = xml[:first] + xml[last + len(end) :]
    return xml


def _without_affiliations(xml: bytes) -> bytes:
    start, end = _AFFILIATION
    head, *pieces = xml.split(start)
    behind = [piece.partition(end) for piece in pieces]
    return b"".join([head, *(kept for _, _, kept in behind)]) if all(found for _, found, _ in behind) else xml


def _without_references(xml: bytes) -> bytes:
    """Cut the lists of references, which may hold lists again, where nothing else stands among them."""
    start, end = _REFERENCES
    last = xml.rfind(end, len(xml) - _TAIL)
    first = xml.find(start) if last >= 0 else -1
    if first < 0:
        return xml
    behind = xml[first:last].split(end)[1:]
    among = all(not piece.strip() or piece.lstrip().startswith((b"<Reference", b"</Reference")) for piece in behind)
    closed = xml.count(start, first, last) == len(behind) + 1
    return xml[:first] + xml[last + len(end) :] if among and closed else xml
