"""Find how sequence changes are written: protein changes, exon and codon forms, nucleotide changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_ONE = {
    "Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E", "Gly": "G", "His": "H", "Ile": "I", "Leu": "L",
    "Lys": "K", "Met": "M", "Phe": "F", "Pro": "P", "Ser": "S", "Thr": "T", "Trp": "W", "Tyr": "Y", "Val": "V", "Ter": "*", "Xaa": "X",
}  # fmt: skip
_THREE = "|".join(_ONE)
_AA = "[ACDEFGHIKLMNPQRSTVWY]"
_RESIDUE = rf"(?:{_THREE}|{_AA})"
_CORE = re.compile(rf"(?=[A-Z](?:[a-z]{{2}}[-‐]?)?\d)({_THREE}|{_AA})[-‐]?(\d{{1,4}})(?!\d|[.,·]\d)")
_RANGE = re.compile(
    rf"\s?(?:[_‐‑–-]|to)\s?({_RESIDUE})(\d{{1,4}})\s?(delins|deletions?|del|ins|dup|>)?"
    rf"(?:\s?((?:{_THREE})+|[A-Z]{{1,12}}(?![a-z])))?(?![A-Za-z0-9])"
)
_EDIT = re.compile(rf"(?:\s?(delins|del|ins|dup)|(>))((?:{_THREE})+|{_AA}{{0,12}}|\d{{0,2}})(?![A-Za-z0-9])")
_SHIFT = re.compile(rf"\(?({_RESIDUE})?\s?(?:fs|FS)((?:\s?\(?(?:[*X]|Ter|ter)\s?\d*\)?)?|\d*)(?![A-Za-z])")
_END = r"(?:(?![A-Za-z0-9])|(?=mut|pos|neg|MUT|i\b|m\b|del\b))"
_TO = re.compile(rf"(?:[\s‐‑-]?(?:({_THREE})|({_AA}|X)){_END}|(\*|ter\b|Ter\b|stop\b))")
_ALSO = re.compile(rf"\s?/\s?({_THREE}|{_AA}|X)(?![A-Za-z0-9])(?!-[A-Z])|\s+or\s+({_AA})(?![A-Za-z0-9-])")
_ALSO_NUMBER = re.compile(r"\s?/\s?(\d{2,4})(?![\w.%/])")
_BEFORE = re.compile(r"(?:\bp\.\s?[\[(]?\s?|\bdel(?:etion)?[\s-]?(?:of\s)?)$")

_NUCLEOTIDE = re.compile(
    r"\b(?:c\.\s?[-*]?\d+(?:[+-]\d+)?(?:_[-*]?\d+(?:[+-]\d+)?)?\s?(?:[ACGT]+\s?>\s?[ACGT]+|delins[ACGT]+|del[ACGT]*(?:ins[ACGT]+)?|ins[ACGT]+|dup[ACGT]*|inv)"
    r"|\d{2,5}(?:[+-]\d+)?[ACGT]\s?>\s?[ACGT])(?![A-Za-z0-9])"
)
_NUMBERS = r"(\d{1,2}(?:\s?(?:,|/|&|[–-]|,?\s(?:and|or|to))\s?(?:exons?\s)?\d{1,2}(?![\d.]))*)"
_EXON_WORD = r"(?:[Ee]xons?|EXONS?|[Ee]x\.?)[\s‐‑-]*"
_DELETIONS = r"[Dd]eletional|[Dd]eletions?|[Dd]eleted|[Dd]el(?![A-Za-z])"
_INSERTIONS = r"[Ii]nsertions?|[Ii]ns(?![A-Za-z])|[Ii]nserted|[Ii]n-?dels?|[Dd]uplications?"
_SKIPPING = r"[Ss]kipping|[Ss]kipped|[Ss]kip|[Ss]plicing|[Ss]plice(?:[\s-]site)?"
_OPS = rf"(?P<op>{_DELETIONS}|{_INSERTIONS}|{_SKIPPING})"
_OPS2 = rf"{_OPS}(?:(?P<join>\s?[/-]\s?|\s+(?:or|and|and/or)\s+)(?P<op2>deletions?|insertions?|duplications?))?"
_BETWEEN = (
    r"(?:\(?(?:in[\s-]frame|inframe|small|short|micro|multi[\s-]nucleotide|EGFR|MET|ERBB2|HER2|gene|mutations?|activating|sensiti[sz]ing"
    r"|somatic|classical|common|frame|LREA|variants?|alterations?|of|the|E746[\w-]*|:|,)[\s\-,:]*)*"
)
_EXON = re.compile(rf"\b{_EXON_WORD}{_NUMBERS}[\s\-‐‑–(\[,:]*{_BETWEEN}[(\[\"']?{_OPS2}")
_EXON_AFTER = re.compile(
    rf"\b{_OPS2}(?:\s+(?:mutations?|variants?|alterations?|mutants?))*(?:\s?\([^()]{{1,20}}\))?"
    r"\s+(?:(?:in|of|at|within|on|involving|affecting|from|for)\s+)?(?:the\s+)?(?:[A-Z][\w-]*\s+)?(?:gene\s+)?"
    rf"(?:\(?\s?){_EXON_WORD}{_NUMBERS}"
)
_EXON_SHORT = re.compile(
    r"(?:[Ee]xon|[Ee]x|EX|E)[\s.‐-]?(?P<n>\d{1,2})[\s‐-]?(?P<op>del|ins|dup|skip|Del|Ins|DEL|INS|indel)(?:[a-z]*)(?![A-Za-z0-9])"
    r"|(?P<op2>[Dd]el(?:etion)?|DEL|[Ii]ns)(?:[\s‐-]?(?:ex(?:on)?[\s-]?)?)(?P<n2>1[89]|2[01])(?![\dA-Za-z%_:]|[.,/]\d)"
    r"|(?<=EGFR\s)(?P<n4>19|20|21)[\s‐-](?P<op4>deletions?|insertions?)(?![A-Za-z0-9])"
    r"|(?P<n3>1[89]|2[01])[\s‐-]?(?P<op3>del|ins|indel|Del|DEL|INS|dels)(?![A-Za-z0-9])"
)
_MET14 = re.compile(
    r"(?:MET|c-?[Mm]et|Met)[\s‐-]?(?:(?:Δ|∆|delta[\s-]?)(?:ex|exon|e)?|ex\.?|Ex|EX|e)[\s‐-]?14(?:Δ|∆|del|skip\w*)?(?![\w%/]|\.\d)"
    r"|\bMET(?:\s+gene)?\s+exon[\s-]14[\s-]+(?:\w+\s+)?(?:mutat(?:ions?|ed|ant)|mutants?|positive|alterations?|altered|variants?|aberrations?)\b"
    r"|\b[Ee]xon[\s-]?14(?:Δ|∆)|(?:Δ|∆)(?:ex|exon)[\s-]?14\b"
)
_EXON_MUTATION = re.compile(
    rf"\b{_EXON_WORD}{_NUMBERS}[\s\-(]+(?:(?:point|missense|activating|gene|EGFR|KRAS|somatic|hotspot|\w+ing)[\s-]+)*"
    r"(?:mutations?|mutants?|mutated|alterations?|variants?|substitutions?)\b"
)
_CODON = re.compile(
    rf"\bcodons?[\s‐-]*{_NUMBERS}[\s\-]+(?:(?:point|missense|activating|gene|[A-Z][\w-]*\d?|ras)[\s-]+)*"
    r"(?:mutations?|mutants?|substitutions?|mutated)\b"
    r"|\b[Mm]utations?\b[^.;,()]{0,40}?\b(?:at|in|of|on|involving|within|affecting)\s+(?:the\s+)?(?:[A-Z][\w-]*\s+|ras\s+)?"
    r"(?:gene\s+)?codons?[\s-]*(?P<later>\d{1,3}(?:\s?(?:,|/|&|,?\s(?:and|or))\s?\d{1,3}(?![\d.]))*)"
)
_BEFORE_14 = ("MET", "Met", "met", "xon", "ex", "Ex", "EX", "Δ", "∆")
_MARKS = ("p", "del", "Δ", "∆")
_EXON_START = re.compile(r"[Ee](?<!\w[Ee])(?:xon|x\.?[\s‐-]?(?=\d)|(?<=E)XON)")
_TWO_DIGITS = re.compile(
    r"\d(?<!\d\d)(?<!\d[.,]\d)\d?(?!\d)(?:(?=[\s‐-]?(?:del|ins|dup|skip|indel|Del|Ins|DEL|INS))|(?<=[lLsSxXnE]\d\d)|(?<=[lLsSxXnE][\s.‐-]\d\d))"
)
_EXON_DELETION = re.compile(r"E(?:1[89]|2[01])[\s-]?(?:del|ins)(?![A-Za-z])")
_VIII = re.compile(r"(?:EGFR|ErbB1|Egfr)?[\s‐-]?\(?v(?:ariant\s)?III\)?(?![A-Za-z0-9])")
_KIND_OF = (
    ("del", "deletion"),
    ("ins", "insertion"),
    ("indel", "indel"),
    ("skip", "skipping"),
    ("spli", "skipping"),
    ("dup", "duplication"),
)


@dataclass(frozen=True, slots=True)
class Form:
    """One change as written at [start, end).

    ``residues`` are (wild-type residue, position) for the check against known ones; ``glued`` is what stands before the change
    without a boundary ("TRKA" of TRKAG667C); ``shape`` is substitution, residue, edit, exon, codon, nucleotide, spaced or other.
    """

    start: int
    end: int
    change: str
    shape: str
    residue: tuple[str, int] | None = None
    glued: str | None = None
    marked: bool = False


def find_forms(text: str, is_gene: Callable[[str], bool]) -> list[Form]:
    """Find every form, longest first where they overlap; ``is_gene`` tells whether a glued prefix names a gene."""
    found = [*_proteins(text, is_gene), *_nucleotides(text)]
    found += [*_exons(text, is_gene), *_codons(text), *_viii(text)]
    return _distinct(found)


def _distinct(found: list[Form]) -> list[Form]:
    """Drop forms that lie inside a longer one of another kind, and doubles."""
    kept: list[Form] = []
    for form in sorted(set(found), key=lambda f: (f.start, -f.end)):
        if any(k.start <= form.start and form.end <= k.end and _hides(k, form) for k in kept):
            continue
        kept.append(form)
    return kept


def _hides(outer: Form, inner: Form) -> bool:
    if outer.shape in ("exon", "codon") and inner.shape in ("exon", "codon"):
        return outer.change == inner.change or (outer.start, outer.end) != (inner.start, inner.end)
    if outer.start == inner.start and outer.shape == inner.shape:
        return outer.change == inner.change
    return outer.shape == "edit" and outer.start < inner.start and inner.shape in ("residue", "substitution", "spaced", "edit")


def _letter(residue: str) -> str:
    return _ONE.get(residue, residue)


def _letters(residues: str) -> str:
    return "".join(_ONE[r] for r in re.findall(_THREE, residues)) if re.match(_THREE, residues) else residues


def _proteins(text: str, is_gene: Callable[[str], bool]) -> Iterator[Form]:
    done = 0
    for core in _CORE.finditer(text):
        if core.start() < done or _EXON_DELETION.match(text, core.start()):
            continue
        prefix = _prefix(text, core.start())
        marked = False
        if prefix in _MARKS:
            marked, glue = True, None
        elif prefix:
            glue = prefix if len(core[2]) > 1 and not is_gene(_token(text, core.start())) and is_gene(prefix) else None
            if glue is None:
                continue
        else:
            glue = None
        before = _BEFORE.search(text, max(0, core.start() - 12), core.start())
        marked = marked or bool(before)
        start = before.start() if before else core.start() - len(glue or "") - (len(prefix) if prefix in _MARKS else 0)
        if not before and core.start() and text[core.start() - 1] in ".#@&" and not glue and not marked:
            continue
        for form in _protein(text, core, start, glue, marked, deletes=(before[0] if before else prefix).startswith(("del", "Δ", "∆"))):
            if prefix == "p" and form.shape == "residue":
                continue
            done = max(done, form.end)
            yield form


def _prefix(text: str, at: int) -> str:
    start = at
    while start and text[start - 1].isalnum() and at - start < 12:
        start -= 1
    return text[start:at]


def _token(text: str, at: int) -> str:
    """The run of letters and digits around ``at``."""
    end = at
    while end < len(text) and text[end].isalnum():
        end += 1
    return _prefix(text, at) + text[at:end]


def _protein(text: str, core: re.Match[str], start: int, glue: str | None, marked: bool, *, deletes: bool) -> Iterator[Form]:
    wild, number = core[1], core[2]
    if int(number) == 0:
        return
    wt, at, three = _letter(wild), core.end(), len(wild) == 3
    residue, marked = (wt, int(number)), marked or (three and len(text) > at and text[at].isupper())
    base = f"{wt}{int(number)}"
    if match := _RANGE.match(text, at):
        op, inserted = "del" if (match[3] or "").startswith("deletion") else match[3], _letters(match[4] or "")
        if op or deletes:
            op = "delins" if op == ">" or (op == "del" and _changes(inserted, residue[1], int(match[2]))) else op or "del"
            tail = inserted if op in ("ins", "delins") else ""
            yield Form(start, match.end(), f"{base}_{_letter(match[1])}{match[2]}{op}{tail}", "edit", residue, glue, marked)
            return
    if match := _SHIFT.match(text, at):
        tail = re.sub(r"[\s()]", "", match[2]).replace("Ter", "*").replace("ter", "*")
        yield Form(start, match.end(), f"{base}{_letter(match[1] or '')}fs{tail}", "edit", residue, glue, marked)
        return
    if match := _EDIT.match(text, at):
        op = match[1] or "delins"
        if match[1] or match[3].isalpha():
            tail = _letters(match[3]) if op in ("ins", "delins") else ""
            yield Form(start, match.end(), f"{base}{op}{tail}", "edit", residue, glue, marked)
            return
    if deletes and not _TO.match(text, at):
        yield Form(start, at, f"{base}del", "edit", residue, glue, True)
        return
    yield from _substitution(text, at, base, three, Form(start, at, base, "substitution", residue, glue, marked))


def _changes(inserted: str, first: int, last: int) -> bool:
    """A deletion of a range that names fewer residues than it spans replaces them ("delE746_A750IP")."""
    return bool(inserted) and len(inserted) < last - first + 1


def _substitution(text: str, at: int, base: str, three: bool, form: Form) -> Iterator[Form]:
    to = _TO.match(text, at)
    if to is None or (to[1] and not three) or (to[2] and three and text[at : at + 1].isspace()):
        if not text[at : at + 1].isalnum():
            yield Form(form.start, at, base, "residue", form.residue, form.glued, form.marked)
            yield from _numbers(text, at, form)
        return
    spaced = text[at] in " \t\n-‐‑\u00a0"
    new = _letter(to[1] or to[2] or "*")
    if new == base[0] or (spaced and "\n" in to[0]):
        yield Form(form.start, at, base, "residue", form.residue, form.glued, form.marked)
        return
    shape = "spaced" if spaced else "substitution"
    yield Form(form.start, to.end(), base + new, shape, form.residue, form.glued, form.marked)
    end = to.end()
    while also := _ALSO.match(text, end):
        end = also.end()
        yield Form(form.start, end, base + _letter(also[1] or also[2]), shape, form.residue, form.glued, form.marked)


def _numbers(text: str, at: int, form: Form) -> Iterator[Form]:
    """``G12/13``: the second number is a residue of its own, its letter unknown."""
    if form.residue and form.residue[0] == "G" and (also := _ALSO_NUMBER.match(text, at)) and also[1] in ("13",):
        yield Form(form.start, also.end(), f"G{also[1]}", "residue", ("G", int(also[1])), form.glued, form.marked)


def _nucleotides(text: str) -> Iterator[Form]:
    if ">" not in text and "c." not in text:
        return
    for match in _NUCLEOTIDE.finditer(text):
        yield Form(match.start(), match.end(), re.sub(r"\s", "", match[0]), "nucleotide", None, None, True)


def _kind(word: str) -> str:
    word = word.lower().replace("-", "")
    return next(kind for head, kind in reversed(_KIND_OF) if word.startswith(head))


def _spread(numbers: str) -> list[int]:
    """Numbers of "18, 19 and 21"; "18-21" is not spread, since it names a stretch."""
    if re.search(r"\d\s?[–-]\s?\d|\bto\b", numbers):
        return []
    return [int(n) for n in re.findall(r"\d+", numbers)]


def _around(pattern: re.Pattern[str], text: str, words: Iterable[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Matches of a pattern that begins, or ends, with the word exon."""
    for word in words:
        if pattern is _EXON:
            match = pattern.match(text, word.start())
        else:
            near = pattern.finditer(text, max(0, word.start() - 70), word.end() + 30)
            match = next((m for m in near if m.start() < word.start() < m.end()), None)
        if match:
            yield match


def _short_exons(text: str) -> Iterator[re.Match[str]]:
    """Matches of "del19", "19del", "ex20ins", looked for at numbers alone."""
    for number in _TWO_DIGITS.finditer(text):
        near = _EXON_SHORT.finditer(text, max(0, number.start() - 12), number.end() + 10)
        yield from (m for m in near if m.start() <= number.start() < m.end())


def _exons(text: str, is_gene: Callable[[str], bool]) -> Iterator[Form]:
    words = list(_EXON_START.finditer(text))
    for pattern in (_EXON, _EXON_AFTER):
        for match in _around(pattern, text, words):
            kinds = [_kind(match["op"])] + ([_kind(match["op2"])] if match["op2"] else [])
            if len(kinds) == 2 and not re.search(r"\b(?:or|and)\b", match["join"]) and set(kinds) == {"deletion", "insertion"}:
                kinds = ["indel"]
            for n in _spread(match[1] if pattern is _EXON else match[match.re.groups]):
                for kind in kinds:
                    yield Form(match.start(), match.end(), f"exon {n} {kind}", "exon")
    for match in _short_exons(text):
        number = match["n"] or match["n2"] or match["n3"] or match["n4"]
        op = match["op"] or match["op2"] or match["op3"] or match["op4"]
        prefix = _prefix(text, match.start())
        if not prefix or is_gene(prefix):
            yield Form(match.start() - len(prefix), match.end(), f"exon {int(number)} {_kind(op)}", "exon", None, prefix or None)
    for match in _MET14.finditer(text) if _near_14(text) else ():
        if _prefix(text, match.start()) == "":
            yield Form(match.start(), match.end(), "exon 14 skipping", "exon", None, "MET")


def _near_14(text: str) -> bool:
    """Tell whether a 14 stands behind what may be MET or an exon."""
    at = text.find("14")
    while at >= 0:
        if any(word in text[max(0, at - 24) : at] for word in _BEFORE_14):
            return True
        at = text.find("14", at + 2)
    return False


def _codons(text: str) -> Iterator[Form]:
    for match in _CODON.finditer(text) if "odon" in text else ():
        for n in _spread(match[1] or match["later"]):
            yield Form(match.start(), match.end(), f"codon {n} mutation", "codon")


def _viii(text: str) -> Iterator[Form]:
    for match in _VIII.finditer(text) if "vIII" in text or "variant III" in text else ():
        if not _prefix(text, match.start()) and (match[0][0] in "Ee" or match[0].lstrip()[0] == "v"):
            start = match.start() + len(match[0]) - len(match[0].lstrip(" -‐"))
            yield Form(start, match.end(), "vIII", "other", None, "EGFR" if match[0][0] in "Ee" else None)


def exon_mutations(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, exon) of "exon 21 mutation": an alteration, since it names no change."""
    for match in _EXON_MUTATION.finditer(text):
        for n in _spread(match[1]):
            yield match.start(), match.end(), n
