"""What makes a record matter to a topic: groups of names and words, and the rules that ask for them."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from miner.characters import reading_as_read
from miner.schema import Alteration, Concept, Fusion, Label, Mention, Reading, Variant

SUBJECT_MENTIONS = 2  # of one thing in an abstract: named once in passing, it is not what the record is about


class Members(Protocol):
    """The part of the lexicon that a topic asks."""

    def members(self, name: str) -> tuple[str, ...]:
        """Return the genes of a family, or the gene itself."""
        ...

    def classes(self, drug: str) -> tuple[str, ...]:
        """Return the classes of a drug."""
        ...


@dataclass(frozen=True)
class Group:
    """Things of which any one counts.

    ``genes`` are mentioned genes or families, ``altered`` genes of which an alteration is named; ``drugs`` generic
    names; ``classes`` drug classes, named or by one of their drugs; ``diseases`` patterns over the names of diseases and
    ``words`` patterns over the text, both without regard to case and with ``*`` for any letters; a disease that fits
    ``other_diseases`` does not count.
    """

    genes: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    drugs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    diseases: tuple[str, ...] = ()
    other_diseases: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def holds(self, found: Found) -> bool:
        """Tell whether anything of the group was found."""
        return bool(self._names(found) or any(map(self.is_disease, found.diseases)) or self.places(found.text))

    def is_subject(self, found: Found) -> bool:
        """Tell whether the record is about the group: by its title, headings and keywords, or by what it names again."""
        if found.subject is None:
            return self.holds(found)
        if self.holds(found.subject):
            return True
        named = sum(number for name, number in found.times if self.is_disease(name))
        return max(named, self.places(found.text)) >= SUBJECT_MENTIONS

    def places(self, text: str) -> int:
        """Count where the group's words stand in a text."""
        return sum(1 for _ in self._words.finditer(text)) if self.words else 0

    def _names(self, found: Found) -> bool:
        held = (found.genes, self.genes), (found.altered, self.altered), (found.drugs, self.drugs), (found.classes, self.classes)
        return any(names.intersection(wanted) for names, wanted in held)

    def is_disease(self, name: str) -> bool:
        """Tell whether the name of a disease fits the group."""
        name = name.casefold()
        return _fits(name, self.diseases) and not _fits(name, self.other_diseases)

    @cached_property
    def _words(self) -> re.Pattern[str]:
        return word_pattern(self.words)


def word_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Return what finds any of a group's words in a text."""
    alternatives = (r"[\s-]+".join(map(_stem, word.split())) for word in words)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(alternatives)})(?![A-Za-z0-9])", re.IGNORECASE)


def _stem(word: str) -> str:
    return re.escape(word).replace(r"\*", "[A-Za-z0-9]*")


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern.casefold()) for pattern in patterns)


@dataclass(frozen=True)
class Found:
    """What a record mentions, as a topic asks for it.

    ``times`` counts the mentions of each disease in the abstract; ``subject`` is what title, MeSH headings and keywords
    name, and None where that is not known (what is found then counts as the subject).
    """

    genes: frozenset[str] = frozenset()
    altered: frozenset[str] = frozenset()
    drugs: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    diseases: frozenset[str] = frozenset()
    text: str = ""
    times: tuple[tuple[str, int], ...] = ()
    subject: Found | None = None


@dataclass(frozen=True)
class RelevanceRule:
    """A reason to keep a record: every group of ``all`` was found, and the record is about every group of ``subject``."""

    why: str
    all: tuple[str, ...]
    subject: tuple[str, ...] = ()


def gather(reading: Reading, lexicon: Members) -> Found:
    """Collect what a topic asks of a reading: genes, altered genes, drugs, classes, diseases and the text."""
    reading = reading_as_read(reading)
    record = reading.record
    headings = (*record.mesh, *record.keywords)
    whole = _collect(reading.mentions, lexicon)
    title = _collect([mention for mention in reading.mentions if mention.start < len(record.title)], lexicon)
    times = Counter(mention.name for mention in reading.mentions if mention.label is Label.DISEASE)
    subject = Found(*title, "\n".join((record.title, *headings)))
    return Found(*whole, reading.text, tuple(sorted((str(name), number) for name, number in times.items())), subject)


_Sets = tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str], frozenset[str]]


def _collect(mentions: Iterable[Mention], lexicon: Members) -> _Sets:
    """Sort what mentions name into genes, altered genes, drugs, classes and diseases."""
    genes, altered, drugs, classes, diseases = set[str](), set[str](), set[str](), set[str](), set[str]()
    for mention in mentions:
        match mention.referent:
            case Fusion(five_prime=five, three_prime=three):
                altered.update((five, three))
            case Variant(gene=str(gene)) | Alteration(gene=str(gene)):
                altered.add(gene)
            case Concept(name=name) if mention.label is Label.GENE:
                genes.add(name)
            case Concept(name=name) if mention.label is Label.DRUG:
                drugs.add(name)
                classes.update(lexicon.classes(name))
            case Concept(name=name) if mention.label is Label.DRUG_CLASS:
                classes.add(name)
            case Concept(name=name) if mention.label is Label.DISEASE:
                diseases.update((name, mention.text))
    altered |= {member for gene in altered for member in lexicon.members(gene)}
    genes |= altered | {member for gene in genes for member in lexicon.members(gene)}
    return frozenset(genes), frozenset(altered), frozenset(drugs), frozenset(classes), frozenset(diseases)
