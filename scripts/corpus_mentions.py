"""Mentions of a compiled text: the marks given, what they pass on, the glossary's terms, alterations and cohorts by form."""

from __future__ import annotations

import re

from corpus_source import GENE_WORD, KIND_WORDS, KINDS, WORDS, WORDY, Line, Span, Term, Text

COUNT = (r"(?:\d{1,3}(?:,\d{3})+|\d+|(?:[a-z]+ hundred and )?(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-[a-z]+)?"
         r"|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]+teen)")  # fmt: skip
GROUP = r"(?:patients|tumou?rs|cases|samples|children|infants|adults|biopsies|(?:[a-z]+ )?(?:carcinomas|melanomas|gliomas|sarcomas))"
COHORT = re.compile(
    rf"(?<![\w.,/–-])(?:{COUNT} (?:(?!of |in |with |and |or |had |were |whom )[A-Za-z-]+ ){{0,3}}?{GROUP}(?![\w-])|n ?= ?\d[\d,]*)", re.I
)
HEAD = re.compile(rf"(?:\+|(?: \(n ?= ?\d+\))?(?: gene)?[ -](?:{KIND_WORDS}|positive))(?![A-Za-z0-9])")
OF_HEAD = re.compile(rf"(?<!\w)(?!expression)(?:{KIND_WORDS}) (?:of|in|involving) (?:the )?", re.I)
LINK = re.compile(r", or |, and |, | or | and |/")


def all_spans(text: Text, body: str, glossary: list[Term]) -> list[Span]:
    """Given marks, what they pass on to equal forms in the text, the glossary's terms, and alterations by their form."""
    spans = [Span(s.label, s.start + line.start, s.end + line.start, s.name, s.polarity) for line in text.lines for s in line.spans]
    genes = [t.form for t in glossary if t.label == "GENE"]
    for span in spans:
        if span.label == "VARIANT":
            trim_variant(span, body, genes)
    passed_on = pass_on(spans, body)
    partners = {g for s in spans if s.label == "FUSION" for g in (s.name or "").split("::")} - {"?", "v"}
    strangers = [Term("GENE", gene, gene, None) for gene in partners if gene not in genes]
    for term in [*passed_on, *sorted([*glossary, *strangers], key=lambda t: -len(t.form))]:
        for hit in term.pattern.finditer(body):
            antibody = term.label == "GENE" and body[: hit.start()].endswith("pan-")
            if not antibody and not clash(spans, term.label, *hit.span(), term.form):
                spans.append(Span(term.label, *hit.span(), term.name, "asserted", term.curie, given=False))
    add_alterations(spans, body)
    add_cohorts(spans, body)
    add_measures(spans, text)
    by_name = {(t.label, t.name): t.curie for t in glossary if t.curie}
    for span in spans:
        span.curie = span.curie or by_name.get((span.label, span.name or ""))
    return sorted((s for s in spans if s.label != "-"), key=lambda s: (s.start, s.end, s.label, s.name or ""))


def trim_variant(span: Span, body: str, genes: list[str]) -> None:
    """Leave the gene before a change, and ``mutation`` after it, outside the mention."""
    text = body[span.start : span.end]
    gene = max((g for g in genes if text.startswith((g + " ", g + "-"))), key=len, default="")
    span.start += len(gene) + 1 if gene else 0
    span.end -= len(text) - len(re.sub(r"[ -](?:mutations?|mutant)$", "", text))


def pass_on(spans: list[Span], body: str) -> list[Term]:
    """Forms that were marked once and mean the same in the rest of the text; a bare gene symbol passes nothing on."""
    terms = []
    for s in spans:
        form = body[s.start : s.end]
        if s.label in {"MEASURE", "COHORT", "-"} or (s.label in {"FUSION", "ALTERATION"} and GENE_WORD.fullmatch(form)):
            continue
        terms.append(Term(s.label, form, s.name or "", None))
        if s.label == "VARIANT" and s.name and "exon" not in s.name:
            terms.append(Term(s.label, s.name.split(" ", 1)[1], s.name, None))
        if s.label == "FUSION" and s.name and "?" not in s.name:
            terms += [Term(s.label, s.name.replace("::", mark), s.name, None) for mark in ("::", "-", "–", "/")]
    return sorted(terms, key=lambda t: -len(t.form))


def add_cohorts(spans: list[Span], body: str) -> None:
    """Mark counted groups (``22 patients``, ``n = 12``) where no mark stands in the way."""
    for found in COHORT.finditer(body):
        if not clash(spans, "COHORT", *found.span(), ""):
            spans.append(Span("COHORT", *found.span(), found[0], given=False))


def add_measures(spans: list[Span], text: Text) -> None:
    """Mark the figures of claims where the sentences hold them once and no mark does."""
    for line in text.lines:
        for claim in line.claims:
            marked = {s.name for s in spans if s.label == "MEASURE"}
            for key, value in claim["figures"].items():
                if key not in {*WORDY, "N"} and f"{key}={value}" not in marked and isinstance(value, (int, float)):
                    places = [p for i in claim["lines"] for p in places_of(value, text.lines[i])]
                    if len(places) == 1 and not clash(spans, "MEASURE", *places[0], ""):
                        spans.append(Span("MEASURE", *places[0], f"{key}={value}", given=False))


def places_of(value: float, line: Line) -> list[tuple[int, int]]:
    """Where a sentence says a number, in figures or in words, with its unit."""
    forms = [re.escape(str(value)).replace(r"\.", "[.·]")]
    if isinstance(value, int) and 0 < value < len(WORDS):
        forms.append(WORDS[value])
    found = re.finditer(rf"(?<![\w.·,-])(?:{'|'.join(forms)})(?:%| months)?(?![\w·]|[.,]\d|-)", line.text, re.I)
    return [(line.start + hit.start(), line.start + hit.end()) for hit in found]


def clash(spans: list[Span], label: str, start: int, end: int, form: str) -> bool:
    """Is there a mark of this label (or a mark that says: nothing here) in the way?"""
    return any((s.label == label or (s.label == "-" and label != "GENE")) and s.start < end and start < s.end for s in spans)


def add_alterations(spans: list[Span], body: str) -> None:
    """Mark ``A, B or C mutations``, ``mutations of A and B``, ``A-positive`` and ``mutant A``, one mention a gene."""
    genes = {s.end: s for s in spans if s.label == "GENE"}
    starts = {s.start: s for s in spans if s.label == "GENE"}
    found: list[Span] = []
    for gene in [*genes.values()]:
        head = HEAD.match(body, gene.end)
        if head:
            found.append(Span("ALTERATION", gene.start, head.end(), f"{gene.name} {kind_of(head[0])}", given=False))
            found += [
                Span("ALTERATION", g.start, head.end(), f"{g.name} {kind_of(head[0])}", given=False) for g in listed(gene, genes, body)
            ]
    for head in OF_HEAD.finditer(body):
        gene, last = starts.get(head.end()), None
        while gene and gene is not last:
            found.append(Span("ALTERATION", head.start(), gene.end, f"{gene.name} {kind_of(head[0])}", given=False))
            link, last = LINK.match(body, gene.end), gene
            gene = starts.get(link.end(), gene) if link else None
    for head in re.finditer(r"(?<!\w)(wild-type|mutant|mutated) ", body):
        if head.end() in starts:
            gene = starts[head.end()]
            found.append(Span("ALTERATION", head.start(), gene.end, f"{gene.name} {KINDS[head[1]]}", given=False))
    taken = [s for s in spans if s.label in {"ALTERATION", "FUSION", "-"}]
    spans += [s for s in found if not any(t.start < s.end and s.start < t.end for t in taken)]


def listed(gene: Span, genes: dict[int, Span], body: str) -> list[Span]:
    """The genes that stand before a gene in the same list (``A, B or`` C)."""
    before: list[Span] = []
    while True:
        link = re.search(r"(?: \(n ?= ?\d+\))?(?:, | or | and |/|, or |, and )$", body[: gene.start])
        if not link or link.start() not in genes:
            return before
        gene = genes[link.start()]
        before.append(gene)


def kind_of(words: str) -> str:
    """The kind of alteration that a head such as `` fusion-positive`` names."""
    word = next((k for k in sorted(KINDS, key=len, reverse=True) if re.search(rf"(?<![a-z]){k}(?![a-z])", words.lower())), "positive")
    return KINDS[word]
