"""The source format of a corpus: annotated texts, claims and glossary, parsed with errors that begin with ``file:line``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TYPES = {
    "driver": "driver_role",
    "prevalence": "prevalence",
    "features": "clinical_features_association",
    "exclusive": "mutual_exclusivity",
    "cooccur": "co_occurrence",
    "detection": "detection_method",
    "response": "sensitivity_response",
    "on_target": "resistance_on_target",
    "off_target": "resistance_off_target",
    "overcomes": "overcomes_resistance",
    "other_therapy": "resistance_to_other_therapy",
    "combination": "combination_therapy",
    "immuno": "immunotherapy_outcome",
    "approval": "approval_recommendation",
    "safety": "safety",
}
STANCES = {
    "+": ("supports", "asserted"),
    "+?": ("supports", "hedged"),
    "+!": ("supports", "negated"),
    "-": ("does_not_support", "asserted"),
    "-?": ("does_not_support", "hedged"),
    "-!": ("does_not_support", "negated"),
}
STUDIES = {"review", "case_report", "trial", "retrospective_cohort", "preclinical", "diagnostic_validation", "other"}
NUMERIC = {
    "ORR_percent",
    "CR",
    "PR",
    "SD",
    "PD",
    "CR_percent",
    "n_resp",
    "N",
    "DoR_months",
    "PFS_months",
    "OS_months",
    "IC_DCR_percent",
    "HR",
    "value_percent",
    "n_pos",
    "sensitivity_percent",
    "specificity_percent",
}
WORDY = {"method", "case_response", "AE"}
EDGE = "[A-Za-z0-9]"
LABELS = {
    "gene": "GENE",
    "fusion": "FUSION",
    "var": "VARIANT",
    "alt": "ALTERATION",
    "drug": "DRUG",
    "class": "DRUG_CLASS",
    "dx": "DISEASE",
    "assay": "ASSAY",
    "n": "COHORT",
}
MEASURES = {
    "orr": "ORR_percent",
    "cr": "CR",
    "pr": "PR",
    "sd": "SD",
    "pd": "PD",
    "crp": "CR_percent",
    "dor": "DoR_months",
    "pfs": "PFS_months",
    "os": "OS_months",
    "icdcr": "IC_DCR_percent",
    "dcr": "DCR_percent",
    "hr": "HR",
    "pct": "value_percent",
    "pos": "n_pos",
    "resp": "n_resp",
    "sens": "sensitivity_percent",
    "spec": "specificity_percent",
    "ae": "AE_percent",
    "surv": "survival_percent",
}
POLARITY = {"": "asserted", "!": "negated", "~": "hedged", "?": "hypothetical"}
KINDS = {
    "fusion": "fusion",
    "fusions": "fusion",
    "rearrangement": "fusion",
    "rearrangements": "fusion",
    "rearranged": "fusion",
    "fused": "fusion",
    "translocation": "fusion",
    "translocations": "fusion",
    "mutation": "mutation",
    "mutations": "mutation",
    "mutant": "mutation",
    "mutated": "mutation",
    "amplification": "amplification",
    "amplifications": "amplification",
    "amplified": "amplification",
    "overexpression": "overexpression",
    "expression": "expression",
    "wild-type": "wild-type",
    "wild type": "wild-type",
    "loss": "loss",
    "resistance mutation": "resistance mutation",
    "resistance mutations": "resistance mutation",
    "kinase-domain mutation": "kinase domain mutation",
    "kinase-domain mutations": "kinase domain mutation",
    "co-mutation": "mutation",
    "fusion transcripts": "fusion",
    "truncation": "truncation",
    "kinase domain mutation": "kinase domain mutation",
    "kinase domain mutations": "kinase domain mutation",
    "positive": "fusion",
    "alteration": "alteration",
    "alterations": "alteration",
}
KIND_WORDS = "|".join(sorted((k for k in KINDS if k != "positive"), key=len, reverse=True))
WORDS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
MARK = re.compile(r"\{([a-z]+|-)([!~?]?)(?: ([^|{}]+))?\|")
GENE_WORD = re.compile(r"\b(?:NTRK[123]?|[A-Z][A-Z0-9]{2,9})\b")
HEADER = re.compile(r"=== (syn-\d{3}) (ntrk|distractor) (\w+)$")


class CorpusError(Exception):
    """A text that does not compile; begins with ``file:line``."""


@dataclass
class Span:
    """A mention while it is compiled; offsets count from the start of its sentence until the text is joined."""

    label: str
    start: int
    end: int
    name: str | None
    polarity: str = "asserted"
    curie: str | None = None
    given: bool = True


@dataclass
class Line:
    """One sentence with its marks, and the claims that stand under it."""

    text: str
    spans: list[Span]
    section: int
    number: int
    claims: list[dict[str, Any]] = field(default_factory=list)
    start: int = 0


@dataclass
class Text:
    """One annotated text as written."""

    id: str
    group: str
    study_type: str
    where: str
    lines: list[Line] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)


@dataclass(frozen=True)
class Term:
    """A row of glossary.tsv: a form that means the same wherever it stands in the corpus."""

    label: str
    form: str
    name: str
    curie: str | None

    @property
    def pattern(self) -> re.Pattern[str]:
        """The form at term boundaries; a gene symbol and an abbreviation are case sensitive, alterations have a plural."""
        loose = " " in self.form or (self.label != "GENE" and not self.form.isupper())
        form = re.escape(self.form.removesuffix("s")) + "s?" if self.label == "ALTERATION" else re.escape(self.form)
        return re.compile(rf"(?<!{EDGE}){form}(?!{EDGE})", re.I if loose else 0)


def parse_marks(source: str, where: str) -> tuple[str, list[Span]]:
    """Split a marked line into its plain text and its spans; marks may nest."""
    out, spans, open_marks, i = "", [], [], 0
    while i < len(source):
        mark = MARK.match(source, i)
        if mark:
            open_marks.append((mark, len(out)))
            i = mark.end()
        elif source[i] == "}" and open_marks:
            head, start = open_marks.pop()
            spans += make_spans(head, out, start, where)
            i += 1
        elif source[i] in "{}":
            raise CorpusError(f"{where}: stray {source[i]!r} near {source[max(0, i - 15) : i + 15]!r}; a mark is {{label value|text}}")
        else:
            out, i = out + source[i], i + 1
    if open_marks:
        raise CorpusError(f"{where}: mark {open_marks[-1][0][0]!r} is never closed")
    return out, spans


def make_spans(head: re.Match[str], out: str, start: int, where: str) -> list[Span]:
    """The spans that one mark makes; a value may name several, joined by ``;``."""
    kind, flag, value = head[1], head[2], head[3]
    text, polarity = out[start:], POLARITY[flag]
    if kind == "-":
        return [Span("-", start, len(out), None)]
    if kind in MEASURES:
        return [Span("MEASURE", start, len(out), f"{MEASURES[kind]}={value or first_number(text, where)}", polarity)]
    if kind not in LABELS:
        raise CorpusError(f"{where}: no label {kind!r}; labels are {', '.join([*LABELS, *MEASURES])}")
    names = [v.strip() for v in value.split(";")] if value else [default_name(kind, text, where)]
    if kind == "fusion" and any(name.count("::") != 1 for name in names):
        raise CorpusError(f"{where}: fusion {names} is not written A::B")
    if kind == "var" and any(" " not in name for name in names):
        raise CorpusError(f"{where}: variant {names} is not written GENE CHANGE")
    return [Span(LABELS[kind], start, len(out), name, polarity) for name in names]


def first_number(text: str, where: str) -> str:
    """The number that a measure without a value stands for, in figures or in words."""
    found = re.search(r"\d+(?:\.\d+)?", text.replace("·", "."))
    if found:
        return found[0]
    if text.lower() in WORDS:
        return str(WORDS.index(text.lower()))
    raise CorpusError(f"{where}: measure {text!r} needs a value, as in {{orr 75|{text}}}")


def default_name(kind: str, text: str, where: str) -> str:
    """The name of a mark without a value."""
    if kind == "alt":
        found = re.search(rf"([A-Za-z0-9/]+)[ -](?:gene )?({KIND_WORDS}|positive)", text)
        if not found:
            raise CorpusError(f"{where}: alteration {text!r} needs a value, as in {{alt NTRK fusion|{text}}}")
        return f"{found[1]} {KINDS[found[2]]}"
    if kind in {"fusion", "var"}:
        raise CorpusError(f"{where}: {kind} {text!r} needs a value")
    return text.lower() if kind in {"drug", "class", "assay", "dx"} else text


def parse_claim(source: str, index: int, where: str) -> dict[str, Any]:
    """Read ``> type | subject | therapies | disease | stance | figures | gloss``."""
    head = re.match(r">((?:-?\d+)(?:,-?\d+)*)? *", source)
    assert head
    cells = [cell.strip() for cell in source[head.end() :].split("|")]
    if not 5 <= len(cells) <= 7:
        raise CorpusError(
            f"{where}: a claim has 5 to 7 cells (type | subject | therapies | disease | stance | figures | gloss), not {len(cells)}"
        )
    kind, subject, drugs, disease, stance, figures, gloss = [*cells, "", ""][:7]
    mark, _, flag = stance.partition(" ")
    if kind not in TYPES:
        raise CorpusError(f"{where}: no claim type {kind!r}; types are {', '.join(TYPES)}")
    if mark not in STANCES or flag not in {"", "bg"}:
        raise CorpusError(f"{where}: stance {stance!r} is none of {' '.join(STANCES)}, each with 'bg' or without")
    others = [int(offset) for offset in (head[1] or "").split(",") if offset]
    if any(offset >= 0 for offset in others):
        raise CorpusError(f"{where}: a claim points back, as in '>-1'")
    therapies = [drug.strip() for drug in drugs.split(";") if drug.strip()]
    direction, polarity = STANCES[mark]
    claim: dict[str, Any] = {
        "type": TYPES[kind],
        "subject": subject,
        "drug": therapies or None,
        "disease": disease or None,
        "direction": direction,
        "polarity": polarity,
        "population_n": None,
        "figures": {},
        "background": flag == "bg",
        "line": gloss,
        "lines": [index, *(index + offset for offset in others)],
    }
    claim["computed"] = read_figures(figures, claim, where)
    return claim


def read_figures(source: str, claim: dict[str, Any], where: str) -> set[str]:
    """Fill the claim's figures; return the keys whose value is computed (``n=5*``) and need not stand in the text."""
    computed = set()
    for part in filter(None, (p.strip() for p in re.split(r";(?= *\w+=)", source))):
        key, equals, value = (x.strip() for x in part.partition("="))
        if value.endswith("*"):
            value, _ = value[:-1], computed.add(key)
        if not equals or not value:
            raise CorpusError(f"{where}: figure {part!r} is not written key=value")
        if key == "n":
            claim["population_n"] = int(value)
        elif key == "warn":
            claim.setdefault("warnings", []).append(value)
        elif key in NUMERIC:
            claim["figures"][key] = number(value, key, where)
        elif key in WORDY:
            claim["figures"][key] = value
        else:
            raise CorpusError(f"{where}: no figure {key!r}; figures are n, warn, {', '.join(sorted(NUMERIC | WORDY))}")
    return computed


def number(value: str, key: str, where: str) -> float | int | str:
    """A number, or a range or bound as text."""
    if re.fullmatch(r"\d+", value):
        return int(value)
    if re.fullmatch(r"\d+\.\d+", value):
        return float(value)
    if re.fullmatch(r"[<>≤≥]\d+(\.\d+)?|\d+(\.\d+)?-\d+(\.\d+)?|not reached", value):
        return value
    raise CorpusError(f"{where}: {key}={value!r} is no number, range (0.1-3) or bound (<1)")


def read_texts(path: Path) -> Iterator[Text]:
    """Parse one file of annotated texts."""
    text, section = None, -1
    for number_, raw in enumerate(path.read_text("utf-8").splitlines(), 1):
        line, where = raw.strip(), f"{path.name}:{number_}"
        if not line or line.startswith("#"):
            continue
        if line.startswith("==="):
            if text:
                yield text
            text, section = start_text(line, where), -1
        elif text is None:
            raise CorpusError(f"{where}: a text begins with '=== syn-001 ntrk trial'")
        elif re.fullmatch(r"\[[^\]]*\]", line):
            text.labels.append(line[1:-1] or None)
            section += 1
        elif line.startswith(">"):
            text.lines[-1].claims.append(parse_claim(line, len(text.lines) - 1, where))
        else:
            if text.lines and section < 0:
                raise CorpusError(f"{where}: the title is one line; a section begins with [LABEL] or []")
            text.lines.append(Line(*parse_marks(line, where), section, number_))
    if text:
        yield text


def start_text(line: str, where: str) -> Text:
    """Read a header line."""
    head = HEADER.fullmatch(line)
    if not head or head[3] not in STUDIES:
        raise CorpusError(f"{where}: header is '=== syn-001 ntrk|distractor STUDY_TYPE', study types {', '.join(sorted(STUDIES))}")
    return Text(head[1], head[2], head[3], where.split(":")[0])


def read_glossary(path: Path) -> list[Term]:
    """Read glossary.tsv."""
    terms = []
    for number_, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != 4 or cells[0] not in LABELS:
            raise CorpusError(f"{path.name}:{number_}: a row is label, form, name, curie between tabs, label one of {', '.join(LABELS)}")
        terms.append(Term(LABELS[cells[0]], cells[1], cells[2] or cells[1], cells[3] or None))
    return terms
