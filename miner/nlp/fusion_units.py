"""Cut a sentence into the units of fusion notation: genes, joints, and words by their part in the pattern.

A sentence becomes a list of units and the string of their kinds, one letter each, on which the patterns of
``fusion_pairs``, ``fusion_words`` and ``fusion_generic`` run::

    TPM3 exon 10-NTRK1 exon 8 fusion   ->   G-KF

Kinds: ``K`` gene that fuses to many (kinases), ``G`` other gene, ``U`` word that may be a gene, ``-`` joint, ``~`` joint
between blanks, ``=`` double colon, ``;`` colon or underscore inside a word, ``/ , & ( ) .`` as they are, letters of
``fusions.toml`` ``[words]``, ``d`` number, ``w`` any other word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from miner.lexicon import Lexicon
from miner.nlp.fusion_rules import Rules
from miner.schema import Concept, Label, Mention

DASHES = "-‐‑‒–—−﹣－"
_TOKEN = re.compile(r"::|--?>|--|\b[nN]\s?=\s?\d+|[^\W_]+(?:[.'’′](?=[^\W_])[^\W_]+)*['’′]?|\S")
_PLAIN_GENE = re.compile(r"LOC\d{5,}|LINC\d{3,}|A[CLFPJ]\d{5,6}(?:\.\d+)?|FLJ\d{4,}|KIAA\d{4}|C(?:\d{1,2}|X)orf\d+|MIR\d+\w*|RP\d+-\S+")
_ROOT = re.compile(r"[A-Z][A-Z0-9]{3,}")
_GLUED = re.compile(r"(?P<gene>[A-Z][A-Za-z0-9]*?)(?:[A-Z]\d{3,4}(?:[A-Z*]|fs|del|_.*)|v\d[a-z]?|(?:ex|exon|e)\d{1,2}|WT|wt)$")
_EXON = re.compile(r"(?:[Ee]x?|[Ii]n?|[A-Z]|ex\.|exon)\d{1,2}[a-z]?$|v\d[a-z]?$")
_HEAD = re.compile(r"[^\W\d_]{2,}(?:[- ]?\d|(?<=(?:TRK|Trk)[- ])[ABC]|(?<=TRK|Trk)[ABC]|)(?=\s?[/,‐‑–—−-]\s?[\dABC](?!\w))")
_SUFFIX = re.compile(r"AS\d?|DT|IT\d|OT\d?$")
_MORE = re.compile(
    r"(?P<slash>(?:\s?/\s?-?{d}(?![\w.%'’′]))+)|(?P<dash>[-‐‑–—−]{d}(?![\w.%]))"
    r"|(?P<list>(?:\s?[,/]\s?{d}(?![\w.%]))*\s?,?\s?(?:and/or|and|or|&)\s{d}(?![\w.%])(?!\s(?:of|patients?|cases?|samples?|had|were|was|with|tumou?rs?)\b))".replace(
        "{d}", "[0-9ABC]"
    )
)
_REMEMBERED = 50_000


@dataclass(slots=True)
class Unit:
    """One symbol of the notation. ``genes`` are the symbols it names; ``parts`` their spans where one unit names several."""

    kind: str
    start: int
    end: int
    genes: tuple[str, ...] = ()
    sure: bool = True
    exact: bool = False
    detail: str | None = None
    parts: tuple[tuple[int, int], ...] = ()

    def part(self, index: int) -> tuple[int, int]:
        """Span of one of the genes named; ends with the whole unit for the last."""
        return self.parts[index] if self.parts else (self.start, self.end)


@dataclass(slots=True)
class Sentences:
    """What the patterns read of one sentence."""

    text: str
    units: list[Unit]
    kinds: str

    def word(self, index: int) -> str:
        """The unit's text in lower case, or the empty string past the ends."""
        if 0 <= index < len(self.units):
            unit = self.units[index]
            return self.text[unit.start : unit.end].lower()
        return ""


class Cutter:
    """Makes units of text with one lexicon and one set of rules."""

    def __init__(self, lexicon: Lexicon, rules: Rules) -> None:
        self.lexicon = lexicon
        self.rules = rules
        self.kinases = rules.fusable
        self._looked_up: dict[str, Unit | None] = {}

    def cut(self, text: str, start: int, end: int, genes: Iterable[Mention]) -> Sentences:
        """Units of the sentence text[start:end], notation inside genes folded away."""
        units: list[Unit] = []
        at = start
        for gene in _longest(genes):
            if gene.start < at:
                continue
            units += self._words(text, at, gene.start)
            unit = self._gene(text, gene)
            units.append(unit)
            at = unit.end
        units += self._words(text, at, end)
        units = fold(text, units, self.lexicon)
        return Sentences(text, units, "".join(u.kind for u in units))

    def may_be_pair(self, left: str, right: str) -> bool:
        """Whether both words, taken leniently, are genes that are known to fuse."""
        found = [self._known_word(word) for word in (left, right)]
        return all(unit is not None and not self.rules.fused.isdisjoint(unit.genes) for unit in found)

    def _gene(self, text: str, mention: Mention) -> Unit:
        name, end = mention.referent.name if isinstance(mention.referent, Concept) else mention.text, mention.end
        head = None if name == mention.text else _HEAD.match(text, mention.start, end)  # ERV3-1 is one symbol
        if head and (concept := self.lexicon.gene(text[mention.start : head.end()], lenient=True)):
            name, end = concept.name, head.end()
        surface = text[mention.start : end]
        name = surface if surface in self.rules.as_written else self.rules.aliases.get(surface, name)
        return self._compressed(text, Unit(self.kind_of(name), mention.start, end, (name,), exact=surface == name))

    def kind_of(self, symbol: str) -> str:
        """``K`` where the symbol or a member of the family fuses to many partners, else ``G``."""
        if symbol in self.kinases or any(m in self.kinases for m in self.lexicon.members(symbol)):
            return "K"
        return "G"

    def _compressed(self, text: str, unit: Unit) -> Unit:
        """Take in the rest of ``NTRK1/2/3``, ``NTRK1-3``, ``NTRK1, 2 or 3``, ``TRKA/B/C``."""
        following = text[unit.end : unit.end + 2]
        if not following or following[0] not in " /,-‐‑–—−":
            return unit
        surface = text[unit.start : unit.end]
        own = surface[-1]
        root = surface[:-1].rstrip(DASHES + " ") if own.isdigit() or own in "ABC" else surface
        if root is surface and following[0] in " ":
            return self._spaced_family(text, unit, root)
        found = _MORE.match(text, unit.end)
        if not found or root is surface:
            return unit
        marks = [(own, unit.start, unit.end), *_marks(text, found, own)]
        return self._several(unit, root, marks) or unit

    def _spaced_family(self, text: str, unit: Unit, root: str) -> Unit:
        """``NTRK 1/2/3`` and ``NTRK 1-3``."""
        head = re.compile(r" (\d)(?=\s?[/,-‐‑–—−]\s?\d(?!\d))").match(text, unit.end)
        if not head or len(self.lexicon.members(unit.genes[0])) < 2:
            return unit
        found = _MORE.match(text, head.end())
        if not found:
            return unit
        marks = [(head[1], unit.start, head.end()), *_marks(text, found, head[1])]
        return self._several(unit, root, marks) or unit

    def _several(self, unit: Unit, root: str, marks: Sequence[tuple[str, int, int]]) -> Unit | None:
        concepts = [self.lexicon.gene(root + mark, lenient=True) for mark, _, _ in marks]
        if len(marks) < 2 or not all(concepts):
            return None
        names = tuple(c.name for c in concepts if c)
        return Unit(unit.kind, unit.start, marks[-1][2], names, parts=tuple((s, e) for _, s, e in marks))

    def _words(self, text: str, start: int, end: int) -> list[Unit]:
        return [self._word(text, m.start(), m.end(), m.group()) for m in _TOKEN.finditer(text, start, end)]

    def _word(self, text: str, start: int, end: int, word: str) -> Unit:
        kind = _PUNCTUATION.get(word)
        if kind:
            return Unit(_joint(text, start, end, kind), start, end)
        if word == "v" and (text.startswith("::", end) or text.endswith("::", 0, start)):
            return Unit("V", start, end)
        lower = word.lower()
        kind = self.rules.kinds.get(lower)
        if kind:
            return Unit(kind, start, end)
        if word[-1].isdigit() and "=" in word:
            return Unit("d", start, end)
        if word[0].isdigit():
            if word[-1] in "'’′" and word[0] in "35":
                return Unit("p", start, end)
            return Unit("d", start, end)
        if word == lower:
            return Unit("e" if _EXON.match(word) and word[0] in "ev" else "w", start, end)
        return self._capital(word, start, end)

    def _capital(self, word: str, start: int, end: int) -> Unit:
        """A word with capitals that the lexicon did not vouch for here: perhaps an exon, perhaps a gene."""
        model = self._known_word(word)
        if model is None:
            return Unit("e" if _EXON.match(word) else "w", start, end)
        return Unit(model.kind, start, start + model.end if model.end else end, model.genes, model.sure, model.sure)

    def _known_word(self, word: str) -> Unit | None:
        if word not in self._looked_up:
            if len(self._looked_up) > _REMEMBERED:
                self._looked_up.clear()
            self._looked_up[word] = self._look_up(word)
        return self._looked_up[word]

    def _look_up(self, word: str) -> Unit | None:
        if word in self.rules.aliases:
            return Unit("U", 0, 0, (self.rules.aliases[word],), sure=False)
        if word in self.rules.as_written:
            return Unit("U", 0, 0, (word,), sure=False)
        if _PLAIN_GENE.fullmatch(word):
            concept = self.lexicon.gene(word, lenient=True)
            return Unit("G", 0, 0, (concept.name if concept else word,))
        glued = _GLUED.match(word)
        if glued:
            concept = self.lexicon.gene(glued["gene"], lenient=True)
            if concept and (self.kind_of(concept.name) == "K" or "e" in word[len(glued["gene"]) :]):
                return Unit(self.kind_of(concept.name), 0, len(glued["gene"]), (concept.name,))
        if word.upper() in self.rules.never or len(word) < 2:
            return None
        concept = self.lexicon.gene(word, lenient=True)
        if concept is None and _ROOT.fullmatch(word) and any(self.lexicon.gene(f"{word}{n}") for n in (1, 2, 3)):
            return Unit("U", 0, 0, (word,))
        if concept is None or (word[0].islower() and sum(c.isupper() for c in word) < 2):
            return None
        if concept.name == word and word in self.kinases:
            return Unit("K", 0, 0, (word,))
        return Unit("U", 0, 0, (concept.name,), sure=concept.name == word)


_PUNCTUATION = dict.fromkeys(DASHES, "-") | {
    "--": "-", "->": "-", "-->": "-", "→": "-",
    "::": "=", ":": ":", "_": ";", "/": "/", ",": ",", ";": ",", "&": "&", "+": "+", "(": "(", "[": "(", ")": ")", "]": ")",
    ".": ".", "?": "?",
}  # fmt: skip


def _joint(text: str, start: int, end: int, kind: str) -> str:
    if kind not in "-:;/":
        return kind
    left, right = text[start - 1 : start].isspace(), text[end : end + 1].isspace()
    if kind == "-":
        return "~" if left and right else "-"
    if kind == ":":
        return ":" if right else ";"
    return kind


def _longest(genes: Iterable[Mention]) -> list[Mention]:
    return sorted((g for g in genes if g.label is Label.GENE and g.end - g.start > 1), key=lambda g: (g.start, -g.end))


def _marks(text: str, found: re.Match[str], own: str) -> list[tuple[str, int, int]]:
    """(digit or letter, start, end) of each further member; a range is filled."""
    marks = [(m.group(), m.start(), m.end()) for m in re.compile(r"[0-9ABC](?!\w)").finditer(text, found.start(), found.end())]
    if found.lastgroup != "dash" or not own.isdigit() or not marks[0][0].isdigit():
        return marks
    last = marks[0]
    between = [(str(n), last[1] - 1, last[2]) for n in range(int(own) + 1, int(last[0]))]
    return [*between[:3], last] if int(own) < int(last[0]) else []


_FOLDABLE = re.compile(
    r"(?P<same>[GKU]\((?P<inner>[GKU])\))"
    r"|(?P<antisense>[GKU]-w)"
    r"|(?P<exon>(?<=[GKU])[(]?e[ed]*(?:[-,/;:][ed]+)*[)]?)"
    r"|(?P<empty>\([^()GKU]*\))"
)


def fold(text: str, units: list[Unit], lexicon: Lexicon) -> list[Unit]:
    """Fold long forms, exons and bracketed asides into the genes they belong to."""
    if not any(u.genes for u in units):
        return units
    for _ in range(4):
        kinds = "".join(u.kind for u in units)
        folded, at = [], 0
        for found in _FOLDABLE.finditer(kinds):
            if found.start() < at:
                continue
            piece = _folded(text, units, found, lexicon)
            if piece is None:
                continue
            folded += units[at : found.start()]
            if found.lastgroup in {"exon", "empty"} and piece and folded and piece[0].genes:
                folded.pop()
            folded += piece
            at = found.end()
        if not at:
            break
        units = folded + units[at:]
    return _bracketed(units)


def _folded(text: str, units: list[Unit], found: re.Match[str], lexicon: Lexicon) -> list[Unit] | None:
    first, last = units[found.start()], units[found.end() - 1]
    if found["same"]:
        inner = units[found.start() + 2]
        if set(inner.genes) & set(first.genes):
            return [_grown(first, last.end, first.detail)]
        return None
    if found["antisense"]:
        concept = lexicon.gene(text[first.start : last.end], lenient=True) if _SUFFIX.match(text[last.start : last.end]) else None
        return [Unit("G", first.start, last.end, (concept.name,))] if concept else None
    gene = units[found.start() - 1] if found.start() else None
    if found["exon"]:
        if gene is None or (found.group()[0] == "(") != (found.group()[-1] == ")"):
            return None
        if not any(c.isdigit() for c in text[first.start : last.end]):
            return None
        return [_grown(gene, last.end, text[first.start : last.end].strip("()"))]
    inside = found.group()[1:-1]
    if inside == "+":
        return [Unit("+", first.start, last.end)]
    if gene is None or not gene.genes or "e" not in inside:
        return [Unit("b", first.start, last.end)] if "F" in inside or "P" in inside else []
    return [_grown(gene, last.end, text[first.start + 1 : last.end - 1])]


def _grown(unit: Unit, end: int, detail: str | None) -> Unit:
    return replace(unit, end=end, detail=detail or unit.detail)


def _bracketed(units: list[Unit]) -> list[Unit]:
    """Take ``(EML4)-`` and ``-long form (ALK)`` as the genes in the brackets."""
    kinds = "".join(u.kind for u in units)
    drop: set[int] = set()
    for found in re.finditer(r"(?<![A-Za-z])p-?(?=[GKU])|(?<=[GKU])-?p(?=[-/=;])", kinds):
        drop |= set(range(found.start(), found.end()))
    for found in re.finditer(r"\([GKU]\)(?=[-=])", kinds):
        drop |= {found.start(), found.end() - 1}
    for found in re.finditer(r"(?<=[-=])[wNtoqd&-]{1,9}\([GKU]\)", kinds):
        if "w" in found.group():
            drop |= set(range(found.start(), found.end())) - {found.end() - 2}
    return [u for i, u in enumerate(units) if i not in drop] if drop else units
