"""nbib (PubMed's MEDLINE format) → records: tags of four letters, values that continue on indented lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from miner.errors import InputError
from miner.schema import Record, Section
from miner.sources import values
from miner.sources.lines import lines
from miner.sources.medline import Stream

Fields = Mapping[str, list[str]]

_TAG = re.compile(r"^([A-Z][A-Z0-9 ]{1,3})- ?(.*)$")
_FIRST = re.compile(rb"^(?:PMID|[A-Z][A-Z0-9 ]{3})- ")
_NOTICES = {
    "RIN": "RetractionIn", "ROF": "RetractionOf", "PRIN": "PartialRetractionIn", "PROF": "PartialRetractionOf",
    "ECI": "ExpressionOfConcernIn", "ECF": "ExpressionOfConcernFor", "EIN": "ErratumIn", "EFR": "ErratumFor",
    "CRI": "CorrectedandRepublishedIn", "CRF": "CorrectedandRepublishedFrom", "RRI": "RetractedandRepublishedIn",
    "RRF": "RetractedandRepublishedFrom", "UIN": "UpdateIn", "UOF": "UpdateOf", "RPI": "RepublishedIn", "RPF": "RepublishedFrom",
}  # fmt: skip
_NOTICE_PMID = re.compile(r"PMID:\s*(\d+)")
_LABEL_WORDS = """
ABSTRACT AIM AIMS ANALYSIS APPROACH BACKGROUND CASE CLINICAL CONCLUSION CONCLUSIONS CONTEXT DATA DESIGN DISCUSSION EXPERIMENTAL FINDINGS
FUNDING GOAL GOALS HYPOTHESIS IMPLICATIONS IMPORTANCE INTERPRETATION INTERVENTION INTERVENTIONS INTRODUCTION LIMITATIONS MAIN MATERIAL
MATERIALS MEASURE MEASURES MEASUREMENT MEASUREMENTS METHOD METHODOLOGY METHODS OBJECTIVE OBJECTIVES OPINION OUTCOME OUTCOMES PARTICIPANTS
PATIENT PATIENTS POPULATION PRESENTATION PROBLEM PURPOSE QUESTION RATIONALE RECOMMENDATIONS REGISTRATION RELEVANCE REPORT RESEARCH RESULT
RESULTS SCOPE SETTING SETTINGS SIGNIFICANCE SOURCES STATEMENT STUDY SUBJECTS SUMMARY TRIAL UNLABELLED UNLABELED"""
_LABEL_FILL = "AND OF THE FOR IN TO WITH AREAS COVERED KEY DATE NUMBER PRIMARY SECONDARY EXPERT"
_WORD = rf"(?:{'|'.join(_LABEL_WORDS.split())})"
_FILL = rf"(?:{'|'.join(map(re.escape, _LABEL_FILL.split()))})"
_INLINE = re.compile(rf"(?:^|(?<=[.?!)\]%] ))((?:{_FILL} )*{_WORD}(?:[ /&,]+(?:{_WORD}|{_FILL}))*): (?=\S)")


def looks_like(head: bytes) -> bool:
    """Tell whether a file that begins so is nbib."""
    return _FIRST.match(head) is not None


def read_stream(stream: Stream, source: str) -> Iterator[Record]:
    """Yield the records of an nbib file in order; InputError names ``file:line`` of what is no nbib or lacks a PMID."""
    for number, fields in _blocks(stream, source):
        try:
            yield _record(fields, source)
        except ValueError as error:
            raise InputError(f"{source}:{number}: {error}") from error


def _blocks(stream: Stream, source: str) -> Iterator[tuple[int, dict[str, list[str]]]]:
    """Yield (line of its first tag, values by tag) of each record; a record begins at a blank line or at a second PMID."""
    first, fields, last = 0, dict[str, list[str]](), ""
    for number, line in lines(stream, source):
        tag = _TAG.match(line)
        begins = tag is not None and tag[1].strip() == "PMID" and "PMID" in fields
        if fields and (begins or not line.strip()):
            yield first, fields
            fields, last = {}, ""
        if tag:
            first = first if fields else number
            last = tag[1].strip()
            fields.setdefault(last, []).append(tag[2].strip())
        elif last and line.startswith("  "):
            fields[last][-1] += " " + line.strip()
        elif line.strip():
            raise InputError(f"{source}:{number}: is neither a tag line nor the continuation of one")
    if fields:
        yield first, fields


def _record(fields: Fields, source: str) -> Record:
    pmid = _first(fields, "PMID")
    if not (pmid.isascii() and pmid.isdigit()):
        raise ValueError(f"PMID is {pmid!r}, no number" if pmid else "record has no PMID")
    title = _title(fields)
    sections = inline_sections(values.clean(_first(fields, "AB")))
    types = tuple(fields.get("PT", ()))
    notices = tuple(_notices(fields))
    return Record(
        id=pmid,
        pmid=pmid,
        title=title,
        sections=sections,
        doi=_doi(fields),
        pmcid=_first(fields, "PMC") or None,
        journal=_first(fields, "TA") or _first(fields, "JT") or None,
        pub_date=values.loose_date(_first(fields, "DP")),
        publication_types=types,
        mesh=tuple(heading.replace("*", "") for tag in ("MH", "NM") for heading in fields.get(tag, ())),
        keywords=tuple(dict.fromkeys(word.removeprefix("*") for word in fields.get("OT", ()))),
        authors=(*fields.get("AU", ()), *fields.get("CN", ())),
        nct_ids=values.nct_ids(*fields.get("SI", ()), title, values.sections_text(sections)),
        language=";".join(fields.get("LA", ())) or None,
        status=values.status(title, types, notices),
        notices=notices,
        other_abstracts=tuple(_other_abstracts(fields)),
        copyright=values.clean(_first(fields, "CI")) or None,
        revised=_compact_date(_first(fields, "LR")),
        source=source,
    )


def _first(fields: Fields, tag: str) -> str:
    return next(iter(fields.get(tag, ())), "")


def _title(fields: Fields) -> str:
    title = values.clean(_first(fields, "TI"))
    if title.lower().strip("[]. ") in {"", "not available"}:
        return values.clean(_first(fields, "TT") or _first(fields, "BTI")) or title
    return title


def inline_sections(abstract: str) -> tuple[Section, ...]:
    """Split an abstract that begins with a section label (``BACKGROUND: ``) at its labels; any other stays whole."""
    marks = list(_INLINE.finditer(abstract))
    if not marks or marks[0].start() > 0:
        return (Section(None, abstract),) if abstract else ()
    ends = [mark.start() for mark in marks[1:]] + [len(abstract)]
    found = ((mark[1], abstract[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True))
    return tuple(Section(label, text) for label, text in found if text)


def _other_abstracts(fields: Fields) -> Iterator[Section]:
    languages = fields.get("OABL", [])
    for index, text in enumerate(fields.get("OAB", ())):
        kind, _, body = text.partition(": ")
        label, body = (kind, body) if body and " " not in kind else ("Publisher", text)
        yield Section(" ".join((label, *languages[index : index + 1])), values.clean(body))


def _doi(fields: Fields) -> str | None:
    listed = (value.removesuffix("[doi]") for tag in ("AID", "LID") for value in fields.get(tag, ()) if value.endswith("[doi]"))
    return next((doi for text in listed if (doi := values.valid_doi(text))), None)


def _notices(fields: Fields) -> Iterator[tuple[str, str]]:
    for tag, kind in _NOTICES.items():
        for value in fields.get(tag, ()):
            pmid = _NOTICE_PMID.search(value)
            yield kind, pmid[1] if pmid else values.clean(value)


def _compact_date(text: str) -> str | None:
    return values.iso_date(text[:4], text[4:6], text[6:8])
