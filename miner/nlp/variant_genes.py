"""Tell of which gene a named change is: by what stands beside it, by its list, by known residues, by its clause."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from miner.lexicon import Lexicon
from miner.nlp.variant_forms import Form
from miner.nlp.variant_rules import Rules
from miner.schema import Concept, Fusion, Label, Mention, Sentence

_WORD = re.compile(r"[A-Za-z][\w.'’]*")
_LIST = re.compile(
    r"(?:\s|[,/;+&()\[\]:]|[-‐–]|[\d.]+\s*%?|\bn\s*=|\bp\.|\bc\.\S+"
    r"|\b(?:and|or|vs|versus|plus|with|either|both|the|also|as\s+well\s+as|in|mutations?|exons?|point|substitutions?|variants?|non|one|two|three"
    r"|patients?|cases?|others?|followed\s+by|respectively|mutants?|positive|each|less|common(?:ly)?)\b\.?)*$"
)
_OF = frozenset({"of", "in", "within", "on"})
_ADJOINING = re.compile(r"(?<![\w-])(h?[A-Z][A-Za-z]*\d*[A-Z]?\d?)[\s‐-]?\(?(?:p\.\(?)?$")
_OWNING = re.compile(r"[\s-]*(?:mutat|mutant|kinase|gene|receptor|protein|variant|allele|fusion|$|[.,;)])")
_NEXT = 5  # forms of a list looked ahead at
_INHIBITOR = re.compile(r"[\s-]*(?:TKIs?|inhibitors?|antagonists?|targeted|directed|antibod|blockade|therap)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place where the text names a gene: ``genes`` holds its symbol, or the members of its family."""

    start: int
    end: int
    genes: tuple[str, ...]
    weak: bool = False
    fused: bool = False


def find_anchors(text: str, mentions: Sequence[Mention], lexicon: Lexicon) -> list[Anchor]:
    """Genes, and the kinase of each fusion, in order; a gene inside a fusion stands back behind it."""
    anchors: list[Anchor] = []
    fusions = [m for m in mentions if m.label is Label.FUSION and isinstance(m.referent, Fusion)]
    for mention in fusions:
        if isinstance(mention.referent, Fusion) and (kinase := kinase_of(mention.referent, lexicon)):
            anchors.append(Anchor(mention.start, mention.end, (kinase,), fused=True))
    for mention in mentions:
        if mention.label is Label.GENE and isinstance(mention.referent, Concept):
            if any(f.start <= mention.start and mention.end <= f.end for f in fusions):
                continue
            weak = bool(_INHIBITOR.match(text, mention.end, mention.end + 16))
            anchors.append(Anchor(mention.start, mention.end, lexicon.members(mention.referent.name), weak))
    return sorted(anchors, key=lambda a: (a.start, a.end))


def kinase_of(fusion: Fusion, lexicon: Lexicon) -> str | None:
    """The side of a fusion that resistance mutations strike."""
    for side in (fusion.three_prime, fusion.five_prime):
        if side in lexicon.kinases:
            return side
    return fusion.three_prime if fusion.three_prime not in ("?", "v") else None


@dataclass(frozen=True, slots=True)
class Assigner:
    """Assigns genes within one text."""

    text: str
    anchors: Sequence[Anchor]
    sentences: Sequence[Sentence]
    lexicon: Lexicon
    rules: Rules

    def assign(self, forms: Sequence[Form]) -> list[str | None]:
        """Genes of the forms, in order.

        A gene beside a form wins, then a known residue of a gene of the text, then the gene of the list the form stands
        in, then the gene of a hot spot, then the last gene of the clause or sentence, then the only gene of the text.
        """
        beside = [self._beside(form) for form in forms]
        genes: list[str | None] = []
        for i, form in enumerate(forms):
            gene = self._paired(form, beside[i]) or self._pick(form, beside[i]) or self._known(form) or self._adjoining(form)
            gene = gene or self._listed(forms, i, genes, beside)
            genes.append(gene or self._hot(form) or self._near(form))
        return genes

    # what stands beside

    def _beside(self, form: Form) -> Anchor | None:
        if form.glued and form.glued in self.rules.glued:
            return Anchor(form.start, form.end, (self.rules.glued[form.glued],))
        if form.glued:
            concept = self.lexicon.gene(form.glued, lenient=True)
            return Anchor(form.start, form.end, self.lexicon.members(concept.name)) if concept else None
        inside = [a for a in self.anchors if form.start <= a.start and a.end <= form.end]
        if inside:
            return inside[-1]
        return self._bracketed(form) or self._before(form) or self._behind(form)

    def _bracketed(self, form: Form) -> Anchor | None:
        """ "G667C (TRKA), G709C (TRKB)": the gene that stands alone in brackets behind the change."""
        following = self.anchors[self._index(form.end) : self._index(form.end) + 1]
        if not following or not re.fullmatch(r"\s?[(\[]", self.text[form.end : following[0].start]):
            return None
        return following[0] if self.text[following[0].end : following[0].end + 1] in (")", "]") else None

    def _before(self, form: Form) -> Anchor | None:
        at = self._index(form.start)
        previous = [a for a in self.anchors[max(0, at - 2) : at] if a.end <= form.start]
        if previous and not previous[-1].weak and form.start - previous[-1].end < 110 and self._links(previous[-1].end, form.start):
            return previous[-1]
        return None

    def _adjoining(self, form: Form) -> str | None:
        """Gene of the word right before the form, although by itself the word is too weak to be one (HFE C282Y)."""
        word = _ADJOINING.search(self.text, max(0, form.start - 24), form.start)
        if form.shape not in ("substitution", "edit", "residue") or word is None or word[1].lower() in self.rules.link | self.rules.before:
            return None
        concept = self.lexicon.gene(word[1], lenient=len(word[1]) > 2 and not word[1][1:].islower())
        return self.lexicon.members(concept.name)[0] if concept and len(self.lexicon.members(concept.name)) == 1 else None

    def _links(self, start: int, end: int) -> bool:
        between = self.text[start:end]
        if ". " in between or "\n" in between or ";" in between:
            return False
        words = [w.rstrip(".").lower() for w in _WORD.findall(between)]
        return all(w in self.rules.link or w + "." in self.rules.link for w in words) and not re.search(r",\s*\w+\s*$", between)

    def _behind(self, form: Form) -> Anchor | None:
        following = self.anchors[self._index(form.end) : self._index(form.end) + 1]
        if not following or following[0].start - form.end > 70:
            return None
        between = self.text[form.end : following[0].start]
        if re.search(r"[.;:,(\n]", between):
            return None
        words = [w.lower() for w in _WORD.findall(between)]
        bound = bool(words) and words[-1] in {"the", "both", *_OF} and any(w in _OF for w in words)
        plain = [w for w in words if w not in {"the", "gene", "both", "exon", "and", "or", *_OF}]
        if not all(w in self.rules.back_link for w in plain) or (not bound and "and" in words):
            return None
        return following[0] if bound or self._owned(following[0], words) else None

    def _owned(self, anchor: Anchor, words: Sequence[str]) -> bool:
        """ "T790M EGFR mutation", "V600E-mutant BRAF": the gene ends the phrase the change began."""
        after = self.text[anchor.end : anchor.end + 14].lower()
        return not words or "mutant" in words or bool(_OWNING.match(after))

    def _index(self, offset: int) -> int:
        return bisect_left(self.anchors, offset, key=lambda a: a.start)

    # which of several

    def _paired(self, form: Form, anchor: Anchor | None) -> str | None:
        """ "NTRK1/NTRK3 G595R/G623R": of genes joined before the forms, the one that has the residue."""
        if anchor is None or form.glued or form.residue not in self.rules.by_residue or self._has(anchor, form):
            return None
        i = self._index(anchor.start)
        joined = i > 0 and re.fullmatch(r"\s?/\s?|\s+(?:and|or)\s+", self.text[self.anchors[i - 1].end : anchor.start])
        return self._pick(form, self.anchors[i - 1]) if joined and self._has(self.anchors[i - 1], form) else None

    def _has(self, anchor: Anchor, form: Form) -> bool:
        return form.residue is not None and bool(set(anchor.genes) & set(self.rules.by_residue.get(form.residue, ())))

    def _pick(self, form: Form, anchor: Anchor | None) -> str | None:
        if anchor is None:
            return None
        if len(anchor.genes) == 1:
            return anchor.genes[0]
        fitting = [g for g in anchor.genes if form.residue and self.rules.residues.get((g, form.residue[1])) == form.residue[0]]
        return fitting[0] if len(fitting) == 1 else None

    def _known(self, form: Form) -> str | None:
        """The one gene of the text that is known to have this residue here; the sentence's where it names one of several."""
        if form.residue is None or form.shape == "exon":
            return None
        candidates = self.rules.by_residue.get(form.residue, ())
        if not candidates:
            return None
        sentence = self._sentence(form)
        for start, end in ((sentence.start, sentence.end), (0, len(self.text))):
            named = [g for g in candidates if any(g in a.genes for a in self.anchors if start <= a.start < end)]
            if named:
                return named[0] if len(named) == 1 else None
        return None

    def _hot(self, form: Form) -> str | None:
        named = self.rules.hot.get(form.residue, ()) if form.residue else ()
        return named[0] if len(named) == 1 else None

    def _fits(self, gene: str, form: Form) -> bool:
        """A gene whose known residue at this position is another one is not the gene of the form."""
        return form.residue is None or self.rules.residues.get((gene, form.residue[1]), form.residue[0]) == form.residue[0]

    # lists and clauses

    def _listed(self, forms: Sequence[Form], i: int, genes: Sequence[str | None], beside: Sequence[Anchor | None]) -> str | None:
        form = forms[i]
        before = genes[i - 1] if i and self._joined(forms[i - 1].end, form.start) else None
        if before and (self._fits(before, form) or self._goes_on(before, forms[i:])):
            return before
        end = form.end
        for j in range(i + 1, len(forms)):
            if not self._joined(end, forms[j].start):
                return None
            gene = self._pick(forms[j], beside[j]) if forms[j].start >= end else None
            anchor = beside[j]
            if gene and anchor and anchor.start >= forms[j].start and self._fits(gene, form):
                return gene
            end = max(end, forms[j].end)
        return None

    def _goes_on(self, gene: str, forms: Sequence[Form]) -> bool:
        """Does the list that a form stands in go on with a known residue of the gene: then the form's letter is a slip?"""
        joined = [b for a, b in pairwise(forms[:_NEXT]) if self._joined(a.end, b.start)]
        return any(gene in self.rules.by_residue.get(b.residue, ()) for b in joined if b.residue)

    def _joined(self, end: int, start: int) -> bool:
        return start <= end or (start - end < 60 and bool(_LIST.match(self.text[end:start])))

    def _sentence(self, form: Form) -> Sentence:
        for sentence in self.sentences:
            if sentence.start <= form.start < sentence.end:
                return sentence
        return Sentence(0, len(self.text), 0)

    def _near(self, form: Form) -> str | None:
        sentence = self._sentence(form)
        clause = next(((s, e) for s, e in sentence.clauses if s <= form.start < e), (sentence.start, sentence.end))
        for start, end in (clause, (sentence.start, sentence.end)):
            before = [a for a in self.anchors if start <= a.start and a.end <= form.start]
            after = [a for a in self.anchors if form.end <= a.start < end]
            for group in (reversed([a for a in before if not a.weak]), [a for a in after if not a.weak], reversed(before), after):
                for anchor in group:
                    gene = anchor.genes[0] if len(anchor.genes) == 1 else self._pick(form, anchor)
                    if gene and self._fits(gene, form):
                        return gene
        return self._only(form)

    def _only(self, form: Form) -> str | None:
        """The gene of the title, else the only gene of the text, else the last one named."""
        title = self.text.find("\n")
        for anchors in ([a for a in self.anchors if a.end <= title], self.anchors):
            genes = {a.genes[0] for a in anchors if len(a.genes) == 1 and self._fits(a.genes[0], form)}
            if len(genes) == 1:
                return genes.pop()
        earlier = [a.genes[0] for a in self.anchors if a.end <= form.start and len(a.genes) == 1 and a.genes[0] in self.lexicon.kinases]
        return next((g for g in reversed(earlier) if self._fits(g, form)), None)
