"""Terms of genes, drugs, drug classes, diseases and assays, and where a text names them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from ahocorasick_rs import AhoCorasick

from miner.lexicon_classes import class_hits, in_organisation
from miner.lexicon_diseases import SUFFIXES, built_diseases, sited_names
from miner.lexicon_drugs import speller, unlisted_drugs
from miner.lexicon_genes import compressed, goes_on
from miner.lexicon_rows import (
    LIMITS,
    PACKAGE_FOLDER,
    PROPERTIES,
    TAGS,
    Hit,
    cues,
    either,
    fold,
    forms,
    label_of,
    plain,
    read_properties,
    read_rows,
    tables,
)
from miner.schema import Concept, Label

__all__ = ["Hit", "Lexicon", "load_lexicon"]

STRONG, WEAK, LENIENT = "strong", "weak", "lenient"


class Lexicon:
    """Look terms up, or find them in a text."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folded: dict[str, tuple[Label, Concept, str]] = {}
        self._exact: dict[str, tuple[Concept, str]] = {}
        self._cased: dict[str, str] = {}
        self._limits: dict[str, str] = {}
        self._stopped: set[str] = set()
        self._curated: set[str] = set()
        self._members: dict[str, list[str]] = {}
        self._targets: dict[str, list[str]] = {}
        self._target_class: dict[str, Concept] = {}
        self._names: dict[str, list[str]] = {}
        self._classes: dict[str, list[str]] = {}
        self._generation: dict[str, str] = {}
        self._concepts: dict[tuple[str, str], Concept] = {}
        kinases: set[str] = set()
        digest = hashlib.sha256()
        for folder in folders:
            for path in tables(folder):
                digest.update(path.read_bytes())
                self._add_table(path, kinases)
        self.kinases = frozenset(kinases)
        self.version = digest.hexdigest()[:12]
        self._add_case_variants()
        generics = {key: concept for key, (label, concept, kind) in self._folded.items() if label is Label.DRUG and kind == "generic"}
        self._spelled = speller(generics)
        self._folded_keys = list(self._folded)
        self._exact_keys = list(self._exact)
        self._folded_search = AhoCorasick(self._folded_keys)
        self._exact_search = AhoCorasick(self._exact_keys)

    # building

    def _add_table(self, path: Path, kinases: set[str]) -> None:
        if path.stem.startswith(PROPERTIES):
            for row in read_properties(path):
                self._add_property(row.drug, row.class_name, row.generation, row.targets)
            return
        label = label_of(path)
        if label is None:
            return
        generated = path.parent == PACKAGE_FOLDER and "_" not in path.stem
        for curie, name, text, kind, *_ in read_rows(path):
            if kind in TAGS:
                self._add_tag(label, curie, name, text, kind, kinases)
            elif kind in LIMITS:
                self._add_limit(label, text, kind)
            else:
                self._add_term(label, self._concept(curie, name), text, kind, generated)

    def _concept(self, curie: str, name: str) -> Concept:
        concept = self._concepts.get((curie, name))
        if concept is None:
            concept = self._concepts[curie, name] = Concept(curie, name)
        return concept

    def _add_tag(self, label: Label, curie: str, name: str, text: str, kind: str, kinases: set[str]) -> None:
        if kind == "member":
            self._members.setdefault(name, []).append(text)
        elif kind == "kinase":
            kinases.add(text)
        elif kind == "target":
            self._targets.setdefault(fold(name), []).append(text)
            self._target_class.setdefault(text, self._concept(curie, name))

    def _add_limit(self, label: Label, text: str, kind: str) -> None:
        if label is Label.GENE:
            self._limits[plain(text)] = kind
            self._curated.discard(plain(text))
        elif kind == "stop":
            key = fold(plain(text))
            self._stopped.add(key)
            for form in (key, *forms(label, key)):
                if form in self._folded and self._folded[form][0] is label:
                    del self._folded[form]

    def _add_term(self, label: Label, concept: Concept, text: str, kind: str, generated: bool) -> None:
        if label is Label.GENE and not (kind == "name" or (" " in text and text.islower())):
            self._exact[text] = (concept, kind)
            if not generated:
                self._curated.add(text)
                self._limits.pop(text, None)
            return
        key = fold(text)
        self._folded[key] = (label, concept, kind)
        if len(text) <= 4 and text.isupper():
            self._cased[key] = text
        else:
            self._cased.pop(key, None)
        if label is not Label.GENE:
            for form in forms(label, key):
                if generated:
                    self._folded.setdefault(form, (label, concept, kind))
                else:
                    self._folded[form] = (label, concept, kind)

    def _add_property(self, drug: str, class_name: str, generation: str, targets: tuple[str, ...]) -> None:
        names = self._classes.setdefault(drug.lower(), [])
        if class_name and class_name not in names:
            names.append(class_name)
        if generation:
            self._generation.setdefault(drug.lower(), generation)
        self._targets.setdefault(fold(drug), []).extend(t for t in targets if t not in self._targets.get(fold(drug), ()))

    def _add_case_variants(self) -> None:
        for symbol in self.kinases:
            concept, _ = self._exact.get(symbol, (None, ""))
            if concept is not None and len(symbol) > 3:
                self._exact.setdefault(symbol.capitalize(), (concept, "symbol"))

    # looking up

    def gene(self, surface: str, *, lenient: bool = False) -> Concept | None:
        """Gene or family of one exact surface form.

        Parameters
        ----------
        lenient
            Also take symbols and aliases that are words or short forms of other things (CAD, SC), and any case.
        """
        text = plain(surface).strip()
        entry = self._exact.get(text)
        if entry and (lenient or (text not in self._limits and self._tier(text, entry[1]) is not LENIENT)):
            return entry[0]
        named = self._folded.get(fold(text))
        if named and named[0] is Label.GENE:
            return named[1]
        locus = _LOCUS.fullmatch(text)
        if locus:
            return Concept(f"ncbigene:{locus[1]}", text)
        if lenient:
            entry = self._exact.get(text.upper()) or self._exact.get(text.upper().replace("-", ""))
            return entry[0] if entry else None
        return None

    def names(self, gene: Concept) -> tuple[str, ...]:
        """Full names of a gene or family, in lower case and without hyphens."""
        if not self._names:
            for key, (label, concept, _) in self._folded.items():
                if label is Label.GENE:
                    self._names.setdefault(concept.curie, []).append(key)
        return tuple(self._names.get(gene.curie, ()))

    def members(self, name: str) -> tuple[str, ...]:
        """Symbols of a family; a gene is its own member."""
        return tuple(self._members.get(name, (name,)))

    def classes(self, drug: str) -> tuple[str, ...]:
        """Names of the classes a drug is in."""
        return tuple(self._classes.get(drug.lower(), ()))

    def generation(self, drug: str) -> str | None:
        """Generation of a drug in its class: first, second, third, fourth or next."""
        return self._generation.get(drug.lower())

    def targets(self, drug_or_class: str) -> tuple[str, ...]:
        """Symbols and families that a drug or class inhibits."""
        return tuple(self._targets.get(fold(plain(drug_or_class)), ()))

    def _tier(self, text: str, kind: str) -> str:
        limit = self._limits.get(text)
        if limit:
            return WEAK if limit == "weak" else LENIENT
        if text in self._curated:
            return STRONG
        return _shape_tier(text, kind)

    # everything that can be found, for who must know beforehand what a text has to show

    def written(self, label: Label) -> Iterator[tuple[str, str]]:
        """(name, text) of every term of a label: symbols of genes as they are written, all else folded."""
        if label is Label.GENE:
            yield from ((concept.name, text) for text, (concept, _) in self._exact.items())
        yield from ((concept.name, text) for text, (held, concept, _) in self._folded.items() if held is label)

    def classified(self) -> Iterator[tuple[str, list[str]]]:
        """(drug in lower case, names of its classes)."""
        yield from self._classes.items()

    def built(self) -> Iterator[tuple[str, str, bool]]:
        """(text, name, whether it is a site) of what names of diseases are built of: the site of a cancer, the ending of a word."""
        yield from ((form, name, True) for form, name in sited_names(self._disease))
        yield from ((ending, concept.name, False) for ending, name in SUFFIXES.items() if (concept := self._disease(name)))

    def target_classes(self) -> Iterator[tuple[str, str]]:
        """(gene, name of the class of its inhibitors) where a table says so."""
        yield from ((gene, concept.name) for gene, concept in self._target_class.items())

    def spelled(self, word: str) -> Concept | None:
        """The drug whose name a word in lower case misses by one slip."""
        return self._spelled(word)

    # finding

    def find(self, text: str) -> list[Hit]:
        """Find the terms of a text, longest for each label, ordered by offset.

        Gene hits inside the name of a drug, disease or assay are left out. Classes are also made of any gene
        ("RET inhibitors"), as are those of a list ("MET or AXL inhibitors").
        """
        source = plain(text)
        folded = fold(source)
        named = self._find_folded(source, folded)
        diseases = built_diseases(folded, [h for h in named if h.label is Label.DISEASE], self._disease)
        named = [h for h in named if h.label is not Label.DISEASE]
        named += [h for h in diseases if not in_organisation(source, h.start, h.end)]
        names = [h for h in named if h.label is Label.GENE]
        found = [h for h in named if h.label in _BLOCKING and not _inside(h, names)]
        genes = _longest([h for h in (*self._find_exact(source), *names) if not _inside(h, found)])
        genes = compressed(source, [g for g in genes if not goes_on(source, g)], self._exact)
        others = unlisted_drugs(source, folded, found + genes, self._spelled)
        found += [h for h in others if folded[h.start : h.end] not in self._stopped]
        classes = [h for h in named if h.label is Label.DRUG_CLASS and not in_organisation(source, h.start, h.end)]
        spans = {(h.start, h.end) for h in classes}
        classes += [h for h in class_hits(source, genes, self._class_of) if (h.start, h.end) not in spans]
        found += genes
        found += _widest(classes, lambda c: fold(c.name) not in self._targets)
        return sorted(found, key=lambda h: (h.start, -h.end))

    def _class_of(self, gene: Concept) -> Concept:
        known = self._target_class.get(gene.name)
        return known or self._concept(f"class:{gene.name.lower().replace('/', '-')}-inhibitors", f"{gene.name} inhibitors")

    def _find_folded(self, source: str, folded: str) -> list[Hit]:
        keys, terms, hits = self._folded_keys, self._folded, []
        for index, start, end in self._folded_search.find_matches_as_indexes(folded, overlapping=True):
            if start and folded[start - 1].isalnum():
                continue
            stop = _term_end(folded, end)
            if stop and self._right_case(keys[index], source[start:end], source[end:stop]):
                hits.append(Hit(start, stop, *terms[keys[index]]))
        return _longest(hits)

    def _disease(self, name: str) -> Concept | None:
        """Disease that a folded name stands for."""
        entry = self._folded.get(name)
        return entry[1] if entry and entry[0] is Label.DISEASE else None

    def _right_case(self, key: str, written: str, plural: str) -> bool:
        """Whether a short form is written as the table has it: PCR, not pCR; GISTs, not GISTS."""
        cased = self._cased.get(key)
        return cased is None or (cased == written and plural != "S")

    def _find_exact(self, source: str) -> list[Hit]:
        keys, hits = self._exact_keys, []
        for index, start, end in self._exact_search.find_matches_as_indexes(source, overlapping=True):
            if start and source[start - 1].isalnum():
                continue
            end = _term_end(source, end)
            if not end:
                continue
            concept, kind = self._exact[keys[index]]
            tier = self._tier(keys[index], kind)
            if tier is STRONG or (tier is WEAK and (_cued(source, start, end) or self._beside_gene(source, start, end))):
                hits.append(Hit(start, end, Label.GENE, concept, kind))
        return hits + self._spelled_otherwise(source, hits)

    def _spelled_otherwise(self, source: str, found: list[Hit]) -> list[Hit]:
        """Symbols with a figure in other case or with a hyphen: MMP-2, Stat3."""
        taken = {h.start for h in found}
        loci = _LOCUS.finditer(source) if "LOC" in source else ()
        hits = [Hit(*m.span(), Label.GENE, Concept(f"ncbigene:{m[1]}", m[0]), "symbol") for m in loci]
        for match in _WITH_FIGURE.finditer(source):
            written = match[0]
            if match.start() in taken or written in self._exact or written in self._limits:
                continue
            text = written.replace("-", "").upper()
            entry = self._exact.get(text)
            if entry and len(text) > 3 and self._tier(text, entry[1]) is STRONG and entry[1] == "symbol":
                hits.append(Hit(match.start(), match.end(), Label.GENE, entry[0], "spelling"))
        return hits

    def _beside_gene(self, source: str, start: int, end: int) -> bool:
        """Whether a gene that needs no cue stands next in a list or on the other side of a dash."""
        for match in (_NEXT.match(source, end), _PREVIOUS.search(source, max(0, start - 24), start)):
            entry = self._exact.get(match[1]) if match else None
            if match and entry and self._tier(match[1], entry[1]) is STRONG:
                return True
        return False


_BLOCKING = frozenset({Label.DRUG, Label.DISEASE, Label.ASSAY})
_CUE_AFTER = re.compile(rf"[\s-]*{either(cues('gene')['after'])}")
_CUE_BEFORE = re.compile(rf"{either(cues('gene')['before'])} ?\(?$")
_LOCUS = re.compile(r"\bLOC(\d{5,})\b")
_WITH_FIGURE = re.compile(r"[A-Z](?<![A-Za-z0-9-][A-Z])(?:[A-Z]{2,4}-\d{1,2}[A-Z]?|[a-z]{2,5}\d{1,2}[a-z]?)(?![A-Za-z0-9])(?!-\d)")
_NEXT = re.compile(r"(?:, (?:and |or )?| and | or |/|-|::)([A-Za-z0-9]{3,}(?:-[A-Z0-9]+)?)(?![A-Za-z0-9])")
_PREVIOUS = re.compile(r"(?<![A-Za-z0-9])([A-Za-z0-9]{3,}(?:-[A-Z0-9]+)?)(?:, (?:and |or )?| and | or |/|-|::)$")


def _cued(source: str, start: int, end: int) -> bool:
    return bool(_CUE_AFTER.match(source, end) or _CUE_BEFORE.search(source, max(0, start - 30), start))


def _shape_tier(text: str, kind: str) -> str:
    """How far a gene term that nobody has looked at may be trusted, by its shape."""
    size, letters = len(text), sum(c.isalpha() for c in text)
    if size < 3 or letters < 2:
        return LENIENT
    if kind == "symbol":
        return WEAK if size == 3 and letters == 3 else STRONG
    if letters == size:
        return WEAK if size >= 4 else LENIENT
    return STRONG if size >= 4 else WEAK


def _term_end(text: str, end: int) -> int:
    """End of the term, a plural s taken in; 0 where the word goes on."""
    if end == len(text) or not text[end].isalnum():
        return 0 if text.startswith(("-like", " like "), end) else end
    if text[end] == "s" and (end + 1 == len(text) or not text[end + 1].isalnum()):
        return end + 1
    return 0


def _longest(hits: list[Hit]) -> list[Hit]:
    """Leave out hits that overlap a longer or earlier one of their label."""
    kept: list[Hit] = []
    ends: dict[Label, int] = {}
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        if hit.start >= ends.get(hit.label, 0):
            ends[hit.label] = hit.end
            kept.append(hit)
    return kept


def _widest(hits: list[Hit], general: Callable[[Concept], bool]) -> list[Hit]:
    """Leave out a class inside a wider hit of the same class, and a general one (TKI) inside any wider hit."""
    return [
        h
        for h in hits
        if not any(
            o.start <= h.start and h.end <= o.end and o.end - o.start > h.end - h.start and (o.concept == h.concept or general(h.concept))
            for o in hits
        )
    ]


def _inside(hit: Hit, others: list[Hit]) -> bool:
    return any(o.start <= hit.start and hit.end <= o.end for o in others)


def load_lexicon(folders: tuple[Path, ...] = ()) -> Lexicon:
    """Load the package's tables, then those of the user's folders, whose rows replace rows of the same text."""
    return _with_folders(tuple(Path(f) for f in folders)) if folders else _package()


@lru_cache(maxsize=1)
def _package() -> Lexicon:
    return Lexicon((PACKAGE_FOLDER,))


@lru_cache(maxsize=4)
def _with_folders(folders: tuple[Path, ...]) -> Lexicon:
    return Lexicon((PACKAGE_FOLDER, *folders))
