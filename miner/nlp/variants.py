"""Find sequence changes and unnamed alterations, each with its gene."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from miner.lexicon import Lexicon, load_lexicon
from miner.nlp import doc as docs
from miner.nlp.variant_forms import Form, find_forms
from miner.nlp.variant_genes import Anchor, Assigner, find_anchors
from miner.nlp.variant_kinds import find_alterations
from miner.nlp.variant_rules import Rules, load_rules
from miner.schema import Alteration, Label, Mention, Sentence, Variant

_WORD_BEFORE = re.compile(r"([A-Za-z]+)[.#:\s‐-]*$")
_NON = re.compile(r"\b[Nn]on[-‐ ](?:[A-Z][A-Z0-9]{2,5}[\s(]{0,2})?$")
_BREAKPOINT = re.compile(r"\s?[;:]\s?[A-Z]\d")
_BREAKPOINT_BEFORE = re.compile(r"[A-Z]\d{1,2}\w?\s?[;:]\s?$")
_FAMILY_AFTER = re.compile(r"[^.;]{0,25}\b(?:ras|RAS)\b(?:\s+family)?\s+(?:proto-?)?(?:onco)?genes\b")
_WORD_AFTER = re.compile(r"[\s‐-]*([A-Za-z]+)")


def find_variants(text: str, sentences: Sequence[Sentence], mentions: Sequence[Mention], lexicon: Lexicon) -> list[Mention]:
    """Find VARIANT mentions (referent ``Variant``) and ALTERATION mentions of every kind but fusion (referent ``Alteration``)."""
    rules = load_rules()
    anchors = find_anchors(text, mentions, lexicon)
    assigner = Assigner(text, anchors, sentences, lexicon, rules)
    forms = _sift(text, find_forms(text, lambda prefix: _is_gene(prefix, lexicon)), mentions, anchors, rules)
    variants = _variants(text, forms, assigner.assign(forms), rules)
    return sorted([*(_or_other(text, v) for v in variants), *find_alterations(assigner, variants)])


def _or_other(text: str, variant: Mention) -> Mention:
    """ "non-V600E" names the other mutations: an alteration."""
    other = _NON.search(text, max(0, variant.start - 14), variant.start)
    if other is None or not isinstance(variant.referent, Variant):
        return variant
    kind = Alteration(variant.referent.gene, f"non-{variant.referent.protein_change} mutation")
    return Mention(other.start(), variant.end, text[other.start() : variant.end], Label.ALTERATION, kind)


def _variants(text: str, forms: Sequence[Form], genes: Sequence[str | None], rules: Rules) -> list[Mention]:
    """Mentions of the forms; a nucleotide change beside its protein change is that change."""
    found: dict[tuple[int, int], Mention] = {}
    for i, (form, gene) in enumerate(zip(forms, genes, strict=True)):
        if form.shape == "codon" and (gene not in rules.codon_genes or _FAMILY_AFTER.match(text, form.end)):
            continue
        change, gene = _protein_of(text, forms, genes, i) if form.shape == "nucleotide" else (form.change, gene)
        if form.shape == "exon" and form.change.startswith("exon 14 del") and gene == "MET":
            change = "exon 14 skipping"
        end = form.end
        while (form.start, end) in found and end < len(text) and found[form.start, end].referent != Variant(gene, change):
            end -= 1
        found[form.start, end] = Mention(form.start, end, text[form.start : end], Label.VARIANT, Variant(gene, change))
    return list(found.values())


def _protein_of(text: str, forms: Sequence[Form], genes: Sequence[str | None], i: int) -> tuple[str, str | None]:
    form = forms[i]
    for j in (i + 1, i - 1):
        if 0 <= j < len(forms) and forms[j].shape in ("substitution", "edit"):
            start, end = (form.end, forms[j].start) if j > i else (forms[j].end, form.start)
            if re.fullmatch(r"[\s,;()\[\]]*(?:p\.)?[\s(\[]*|\s*\((?:[a-z]+\s)?(?:c\.)?", text[start:end]):
                return forms[j].change, genes[j]
    return form.change, genes[i]


@lru_cache(maxsize=1024)
def _is_gene(prefix: str, lexicon: Lexicon) -> bool:
    if len(prefix) < 2 or not re.search("[A-Z]", prefix):
        return False
    return lexicon.gene(prefix) is not None or prefix in lexicon.kinases or prefix in load_rules().glued


# ---- what only looks like a change ----------------------------------------------------------------------------------
def _sift(text: str, forms: Sequence[Form], mentions: Sequence[Mention], anchors: Sequence[Anchor], rules: Rules) -> list[Form]:
    named = [m for m in mentions if m.label in (Label.GENE, Label.DRUG, Label.DRUG_CLASS, Label.DISEASE, Label.FUSION)]
    return [f for f in forms if f.shape in ("exon", "codon", "nucleotide", "other") or _is_change(text, f, named, anchors, rules)]


def _is_change(text: str, form: Form, named: Sequence[Mention], anchors: Sequence[Anchor], rules: Rules) -> bool:
    if form.glued:
        return form.shape != "residue" or form.residue in rules.by_residue
    if form.marked:
        return True
    token = text[form.start : form.end]
    beside = any(0 <= form.start - a.end <= 2 for a in anchors)
    if token in rules.stop or any(m.start <= form.start and form.end <= m.end and m.label is not Label.FUSION for m in named):
        return False
    if form.residue in rules.by_residue and form.shape in ("substitution", "edit"):
        return True
    before, after = _WORD_BEFORE.search(text, max(0, form.start - 20), form.start), _WORD_AFTER.match(text, form.end)
    if before and before[1].lower() in rules.before and not beside:
        return False
    if form.shape == "edit":
        return True
    if form.shape == "substitution":
        position = form.residue[1] if form.residue else 0
        return position > 99 or (position > 9 and bool(anchors or rules.mutation.search(text)))
    if form.shape == "spaced":
        return form.residue in rules.by_residue and (beside or text[form.end - 1] != "A")
    return _is_residue(text, form, beside, after[1].lower() if after else "", rules)


def _is_residue(text: str, form: Form, beside: bool, after: str, rules: Rules) -> bool:
    """A bare residue counts where a mutation is spoken of, or right behind its gene; "residue G1163" is a place unless a hot spot."""
    if form.residue is None or form.residue[1] < 10 or after in rules.after:
        return False
    around = text[max(0, form.start - 45) : form.end + 30]
    mutated = rules.mutation.search(around)
    if re.search(r"residues?\W{0,3}$", text[: form.start][-12:], re.IGNORECASE) and not mutated:
        return form.residue in rules.hot
    if _BREAKPOINT.match(text, form.end) or _BREAKPOINT_BEFORE.search(text, max(0, form.start - 8), form.start):
        return False
    return (form.residue in rules.by_residue and bool(mutated or beside)) or (beside and form.residue[1] > 99 and bool(mutated))


# ---- component ------------------------------------------------------------------------------------------------------
class VariantFinder:
    """Pipeline component that adds VARIANT and ALTERATION mentions."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    def __call__(self, doc: Doc) -> Doc:
        """Read one doc."""
        return docs.add_mentions(doc, find_variants(docs.text_of(doc), docs.sentences(doc), docs.mentions(doc), self.lexicon))


@Language.factory("miner_variants", default_config={"lexicon_dirs": []})
def create_miner_variants(nlp: Language, name: str, lexicon_dirs: list[str]) -> Any:
    """Make the component that finds variants and alterations."""
    return VariantFinder(load_lexicon(tuple(Path(folder) for folder in lexicon_dirs)))
