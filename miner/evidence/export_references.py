"""The papers as references: RIS and BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from miner.plugins import Exporter, Selection
from miner.schema import Record, Status

_PUBMED = "https://pubmed.ncbi.nlm.nih.gov/"
_INITIALS = re.compile(r"(.+?) ([A-Z]{1,4}(?:-[A-Z]{1,3})?)((?: (?:Jr|Sr|2nd|3rd|4th|II|III|IV))?)")
_LATEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_LATEX |= {sign: f"\\{sign}" for sign in "&%$#_"}


def name_parts(author: str) -> tuple[str, str, str] | None:
    """Return (family, initials, suffix) of a person as PubMed writes one (``Drilon A``), or None of a group."""
    match = _INITIALS.fullmatch(author)
    return (match[1], match[2], match[3].strip()) if match else None


def ris_lines(record: Record) -> Iterator[str]:
    """Yield the lines of a record in RIS."""
    yield _tag("TY", "JOUR")
    for author in record.authors:
        parts = name_parts(author)
        spelled = ", ".join(part for part in (parts[0], _dotted(parts[1]), parts[2]) if part) if parts else author
        yield _tag("AU", spelled)
    date = record.pub_date or ""
    pieces = ([*date.split("-"), "", ""])[:3]
    facts = (
        ("TI", record.title),
        ("JO", record.journal),
        ("PY", pieces[0]),
        ("DA", "/".join([*pieces, ""]) if date else None),
        ("AB", record.text[len(record.title) + 1 if record.title else 0 :]),
        ("DO", record.doi),
        ("LA", record.language),
        ("AN", record.pmid or record.id),
        ("DB", "PubMed" if record.pmid else None),
        ("C2", record.pmcid),
        ("UR", f"{_PUBMED}{record.pmid}/" if record.pmid else None),
        ("N1", None if record.status is Status.CURRENT else str(record.status)),
    )
    yield from (_tag(name, value) for name, value in facts if value)
    yield from (_tag("KW", word) for word in dict.fromkeys((*record.keywords, *record.mesh)))
    yield "ER  - "


def _tag(name: str, value: str) -> str:
    return f"{name}  - {' '.join(value.split())}"


def _dotted(initials: str) -> str:
    return "".join(sign if sign == "-" else f"{sign}." for sign in initials)


def write_ris(chosen: Selection, out: TextIO) -> None:
    """Write the papers as RIS, by PMID."""
    for record in chosen.records():
        out.write("\n".join(ris_lines(record)) + "\n\n")


def bibtex(record: Record) -> str:
    """Return a record as a BibTeX entry; its key is stable: ``pmid29466156``."""
    key = f"pmid{record.pmid}" if record.pmid else re.sub(r"[^A-Za-z0-9:._-]", "-", record.id)
    date = (record.pub_date or "").split("-")
    retold = None if record.status is Status.CURRENT else str(record.status)
    facts = {
        "author": " and ".join(map(_bibtex_author, record.authors)),
        "title": f"{{{latex(record.title)}}}" if record.title else None,
        "journal": latex(record.journal or ""),
        "year": date[0],
        "month": date[1] if len(date) > 1 else None,
        "doi": record.doi,
        "pmid": record.pmid,
        "pmcid": record.pmcid,
        "url": f"{_PUBMED}{record.pmid}/" if record.pmid else None,
        "note": retold,
    }
    lines = [f"  {name} = {{{value}}}" for name, value in facts.items() if value]
    return f"@article{{{key},\n" + ",\n".join(lines) + "\n}\n"


def _bibtex_author(author: str) -> str:
    parts = name_parts(author)
    if parts is None:
        return f"{{{latex(author)}}}"
    family, initials, suffix = parts
    return ", ".join(part for part in (latex(family), suffix, " ".join(_dotted(initials).replace(".", ". ").split())) if part)


def latex(text: str) -> str:
    """Escape what LaTeX would take for its own; everything else stays as it is, in UTF-8."""
    return "".join(_LATEX.get(sign, sign) for sign in " ".join(text.split()))


def write_bibtex(chosen: Selection, out: TextIO) -> None:
    """Write the papers as BibTeX, by PMID."""
    for number, record in enumerate(chosen.records()):
        out.write(("\n" if number else "") + bibtex(record))


RIS = Exporter(write_ris, "the papers as RIS")
BIBTEX = Exporter(write_bibtex, "the papers as BibTeX")
