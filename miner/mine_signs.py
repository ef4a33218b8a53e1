"""What a text must show before a record can matter to a topic: a cheap test that no record which matters fails.

It follows from the topic's own rules and from the tables that the pipeline reads with: of each group of a rule some sign must
stand in the text, such as a name of a gene, of a drug of a class, of a disease that fits, or the letters of a word. A sign is
wider than what the pipeline makes of it (a symbol may go on, a word may be another's), never narrower.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from ahocorasick_rs import AhoCorasick, Implementation

from miner.config import Models, Topic
from miner.lexicon import Lexicon, load_lexicon
from miner.lexicon_drugs import TAILS
from miner.lexicon_rows import fold, plain
from miner.nlp import fusion_rules, variant_rules
from miner.schema import Concept, Label, Record
from miner.topic_relevance import Group, word_pattern

Check = Callable[[str, str, int, int], bool]  # source, folded source, start and end of what was found
Sign = tuple[str, bool, Check]  # text, whether it must begin a word, and what has to stand around it

_ANY = "*"
_LAST = re.compile(r"(.*?)[ -]?[0-9ABC]$")
_LIST = re.compile(r"[ -]?\(?[0-9A-Ca-c](?:\s?[/,&-]|\s(?:and|or)\b)")
_FIGURED = re.compile(r"([A-Za-z]{2,6})(\d{1,2}[A-Za-z]?)$")
# How a symbol may go on: not in small letters, but for a plural or what says in which state it is.
_GOES_ON = re.compile(r"(?![a-z])|s(?![a-z])|m(?:ut)?(?![a-z])|v[\dI]|wt|e(?:x|xon)?[\s.-]?\d|del|ins|indel|dup|skip|pos|neg|fs")
_LITERAL = re.compile(r"[^*\s-]+")
_LETTERS = re.compile(r"[a-z]+$")
_HEAD = re.compile(r"cancer|carcino|tumou?r|neoplas|sarcom|lymphom|melanom|malignan")
_LONGEST_LIST, _LONGEST_WORD = 300, 60
_THREE = {
    "A": "Ala", "R": "Arg", "N": "Asn", "D": "Asp", "C": "Cys", "Q": "Gln", "E": "Glu", "G": "Gly", "H": "His", "I": "Ile", "L": "Leu",
    "K": "Lys", "M": "Met", "F": "Phe", "P": "Pro", "S": "Ser", "T": "Thr", "W": "Trp", "Y": "Tyr", "V": "Val",
}  # fmt: skip


# What has to stand around a text that was found, for it to be a sign.


def _as_it_is(source: str, folded: str, start: int, end: int) -> bool:
    return True


def _as_symbol(surface: str) -> Check:
    """Written as in its table, or with a capital first, or with two."""

    def check(source: str, folded: str, start: int, end: int) -> bool:
        written = source[start:end]
        capitals = written[0].isupper() or written == surface or sum(map(str.isupper, written)) > 1
        return capitals and bool(_GOES_ON.match(source, end))

    return check


def _listed(source: str, folded: str, start: int, end: int) -> bool:
    """The stem of a symbol that begins a list of last signs: NTRK 1/2, FGFR(1, TRKA and B."""
    return source[start].isupper() and bool(_LIST.match(source, end))


def _as_residue(source: str, folded: str, start: int, end: int) -> bool:
    return source[start].isupper() and not source[end : end + 1].isdigit()


def _as_word(word: re.Pattern[str]) -> Check:
    return lambda source, folded, start, end: bool(word.search(source, max(0, start - _LONGEST_WORD), end + _LONGEST_WORD))


def _beside_a_tumour(source: str, folded: str, start: int, end: int) -> bool:
    return bool(_HEAD.search(folded, max(0, start - _LONGEST_LIST), end + _LONGEST_LIST))


def _misses(spelled: Callable[[str], Concept | None], wanted: frozenset[str]) -> Check:
    """A word that ends here misses the name of a drug of these by one slip."""

    def check(source: str, folded: str, start: int, end: int) -> bool:
        if folded[end : end + 1].isalpha():
            return False
        word = _LETTERS.search(folded, max(0, start - _LONGEST_WORD), end)
        concept = spelled(word[0]) if word else None
        return concept is not None and concept.name.lower() in wanted

    return check


class Signs:
    """Tells of a record whether it can matter to a topic."""

    def __init__(self, topic: Topic, lexicon: Lexicon) -> None:
        self._always = frozenset(name for name, group in topic.groups.items() if _ANY in group.diseases)
        self._rules = tuple(frozenset((*rule.all, *rule.subject)) - self._always for rule in topic.rules)
        at_start: dict[str, dict[tuple[str, Check], None]] = defaultdict(dict)
        inside: dict[str, dict[tuple[str, Check], None]] = defaultdict(dict)
        for name in frozenset().union(*self._rules):
            for text, begins, check in _signs(topic.groups[name], lexicon):
                if key := fold(plain(text)):
                    at_start[key][name, check] = None  # several names of a disease come down to one text
                    if not begins:
                        inside[key][name, check] = None
        self._at_start = list(map(tuple, at_start.values()))
        self._inside = [tuple(inside[key]) for key in at_start]
        self._search = AhoCorasick(list(at_start), implementation=Implementation.DFA)

    def may_matter(self, record: Record) -> bool:
        """Return False only where no reading of the record could matter to the topic."""
        source = plain("\n".join((record.text, *record.mesh, *record.keywords)))
        folded, found = fold(source), set[str]()
        for index, start, end in self._search.find_matches_as_indexes(folded, overlapping=True):
            of = self._inside if start and folded[start - 1].isalnum() else self._at_start
            for name, check in of[index]:
                if name not in found and check(source, folded, start, end):
                    found.add(name)
                    if any(rule <= found for rule in self._rules):
                        return True
        return frozenset() in self._rules


def _signs(group: Group, lexicon: Lexicon) -> Iterator[Sign]:
    """Every sign of a group."""
    for word in group.words:
        yield max(_LITERAL.findall(word), key=len), False, _as_word(word_pattern([word]))
    classes = frozenset(group.classes)
    targets = {gene for gene, name in lexicon.target_classes() if name in classes}
    targets |= {name.removesuffix(" inhibitors") for name in classes}
    genes = {*group.genes, *group.altered} | targets
    if genes:
        yield from _genes(genes, lexicon, residues=bool(group.altered or group.genes))
    if group.drugs or classes:
        yield from _drugs(frozenset(map(str.lower, group.drugs)), classes, lexicon)
    if group.diseases:
        yield from _diseases(group, lexicon)


def _genes(wanted: set[str], lexicon: Lexicon, *, residues: bool) -> Iterator[Sign]:
    """Names of the genes and of their families, stems of lists, names of fusions, and residues that tell of their gene."""

    def is_named(name: str) -> bool:
        return name in wanted or not wanted.isdisjoint(lexicon.members(name))

    symbols = {*wanted, *_of_fusions(is_named)}
    for name, text in lexicon.written(Label.GENE):
        if is_named(name):
            symbols.add(text)
    for symbol in symbols:
        yield symbol, True, _as_it_is if symbol.islower() and " " in symbol else _as_symbol(symbol)
        if (stem := _LAST.match(symbol)) and len(stem[1]) > 1:
            yield stem[1], True, _listed
        if figured := _FIGURED.match(symbol):
            yield f"{figured[1]} {figured[2]}", True, _as_symbol(symbol)
    if residues:
        yield from ((text, True, _as_residue) for text in _residues(is_named))
        yield from ((f"14{sign}", False, _as_it_is) for sign in "Δ∆" if is_named("MET"))


def _of_fusions(is_named: Callable[[str], bool]) -> Iterator[str]:
    """Names that fusions and their genes have beside the tables of genes."""
    rules = fusion_rules.load_rules()
    yield from (text for text, pair in rules.names.items() if any(map(is_named, pair)))
    yield from (text for text, gene in chain(rules.generic_names.items(), rules.aliases.items()) if is_named(gene))
    yield from (text for text in rules.as_written if is_named(text))
    yield from (text for text, gene in variant_rules.load_rules().glued.items() if is_named(gene))


def _residues(is_named: Callable[[str], bool]) -> Iterator[str]:
    """How residues are written of which it is known, without a word of the gene, that they are of it."""
    for (letter, position), genes in variant_rules.load_rules().hot.items():
        if any(map(is_named, genes)):
            yield from (f"{wild}{joint}{position}" for wild in {letter, _THREE.get(letter, letter)} for joint in ("", "-"))


def _drugs(drugs: frozenset[str], classes: frozenset[str], lexicon: Lexicon) -> Iterator[Sign]:
    """Names of the drugs and classes, right or with a slip."""
    wanted = drugs | frozenset(drug for drug, names in lexicon.classified() if not classes.isdisjoint(names))
    yield from ((text, True, _as_it_is) for name, text in lexicon.written(Label.DRUG) if name.lower() in wanted)
    yield from ((text, True, _as_it_is) for name, text in lexicon.written(Label.DRUG_CLASS) if name in classes)
    yield from ((tail, False, _misses(lexicon.spelled, wanted)) for tail in TAILS)


def _diseases(group: Group, lexicon: Lexicon) -> Iterator[Sign]:
    """Names of diseases that fit, the sites of cancers and the endings of words whose names are built."""
    fits = cache(group.is_disease)
    for name, text in lexicon.written(Label.DISEASE):
        if fits(name) or fits(text) or (" " in text and fits(text.replace(" ", "-"))):
            yield text, True, _as_it_is
    for text, name, is_site in lexicon.built():
        if fits(name):
            yield text, is_site, _beside_a_tumour if is_site else _as_it_is


def signs(topic: Topic, lexicon_dirs: tuple[Path, ...] = (), models: Models | None = None) -> Signs | None:
    """Return the signs of a topic; none where a trained model may find names that no table has."""
    return None if models and models.resolved("entities") else Signs(topic, load_lexicon(lexicon_dirs))
