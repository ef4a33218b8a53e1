"""Generic fusions: "NTRK fusion", "ALK, ROS1 and RET rearrangements", "ROS1-positive", "fusions of NTRK"."""

from __future__ import annotations

import re

from miner.nlp.fusion_rules import Rules
from miner.nlp.fusion_units import Sentences, Unit
from miner.schema import Alteration, Label, Mention

_SEPARATOR = r"(?:[-+]?,&?/?&?|[-+]?&/?&?|/)[qN]{0,2}"
_LIST = rf"[GK]\)?(?:{_SEPARATOR}[GK])*"
_BEFORE = re.compile(rf"(?P<genes>{_LIST})\)?(?:d(?:[-/,]?&?d)+)?[-~]?[qN]{{0,4}}(?:-N)?[-~]?(?P<noun>F|[iq]{{0,2}}f(?!t))")
_STATUS = re.compile(rf"(?P<genes>{_LIST})\)?[-~]?(?P<noun>[+n])")
_AFTER = re.compile(rf"(?P<noun>F)[qNw]{{0,2}}(?P<link>o[qNpo]{{0,6}}|[,:(]?i?[,:(]?[qN]{{0,2}})(?P<genes>{_LIST})")
_PARTICIPLE = re.compile(rf"(?P<noun>f)N?(?P<link>)(?P<genes>{_LIST})")
_POSITIVE_FOR = re.compile(rf"(?P<noun>[+n])(?P<link>o[qN]{{0,2}})(?P<genes>{_LIST})")


class GenericFinder:
    """Finds generic fusions of one sentence, leaving out the units in ``used``."""

    def __init__(self, sentence: Sentences, rules: Rules, used: set[int]) -> None:
        self.sentence, self.rules, self.used = sentence, rules, used
        self.found: dict[int, list[Mention]] = {}

    def run(self) -> list[Mention]:
        """Generic fusions, each gene unit taken once."""
        kinds = self.sentence.kinds
        for found in _BEFORE.finditer(kinds):
            if not (self._blocked(found.start("noun")) or self._tagged(found.start())):
                self._add(found, self._chosen(found, adjacent=True))
        for pattern in (_AFTER, _PARTICIPLE):
            for found in pattern.finditer(kinds):
                if self._introduces(found):
                    self._add(found, self._chosen(found, adjacent=found["link"].startswith("o")))
        for found in _STATUS.finditer(kinds):
            self._status(found)
        for found in _POSITIVE_FOR.finditer(kinds):
            if not self._stained(found.end() - 1):
                self._add(found, [i for i in self._genes(found) if self._has_status(i)])
        return [m for hits in self.found.values() for m in hits]

    def _genes(self, found: re.Match[str]) -> list[int]:
        return [i for i in range(*found.span("genes")) if self.sentence.units[i].genes and i not in self.used]

    def _chosen(self, found: re.Match[str], adjacent: bool) -> list[int]:
        """Genes of a list that the noun is true of: mutated drivers named beside ALK are left out."""
        genes, units = self._genes(found), self.sentence.units
        strong = [i for i in genes if self._strong(units[i])]
        if strong:
            return strong + [i for i in genes if i not in strong and units[i].kind == "K" and not set(units[i].genes) & self.rules.drivers]
        kinases = [i for i in genes if units[i].kind == "K"]
        if kinases:
            return kinases
        if not adjacent or found["noun"] != "F":
            return []
        before = found.end("genes") <= found.start("noun")
        if not before and self.sentence.word(found.start("noun")) == "translocation":
            return []
        return [i for i in genes if set(units[i].genes) & self.rules.rearranged and (not before or i == found.end("genes") - 1)]

    def _strong(self, unit: Unit) -> bool:
        return bool(set(unit.genes) & (self.rules.strong | self.rules.by_status))

    def _blocked(self, noun: int) -> bool:
        """ "nuclear translocation", "membrane fusion"."""
        return self.sentence.word(noun - 1) in self.rules.blockers

    def _tagged(self, start: int) -> bool:
        """A tag joined in front (GST-MET fusion protein)."""
        return self.sentence.word(start - 1) == "-" and self.sentence.word(start - 2) in self.rules.blockers

    def _introduces(self, found: re.Match[str]) -> bool:
        if self._blocked(found.start("noun")) or self.sentence.kinds[found.start("genes") - 1] in "-/":
            return False
        link, after = found["link"], found.end()
        word = self.sentence.word(after + 1) if self.sentence.kinds[after : after + 1] == "-" else self.sentence.word(after)
        if word in self.rules.altered or self.sentence.kinds[after : after + 1] in {"F", "+", "n", "f"}:
            return False
        return found["noun"] == "f" or (bool(link.strip("qN")) and link != ",")

    def _status(self, found: re.Match[str]) -> None:
        genes = [i for i in self._genes(found) if self._has_status(i)]
        if genes and not self._stained(found.start("noun")) and not self._stain_before(found.start()):
            self._add(found, genes)

    def _has_status(self, index: int) -> bool:
        unit = self.sentence.units[index]
        surface = self.sentence.word(index)
        return bool(set(unit.genes) & self.rules.by_status) and not surface.startswith(("trk", "tropomyosin"))

    def _stain_before(self, start: int) -> bool:
        word = self.sentence.word(start - 1)
        return word in self.rules.stain_before or (word == "-" and self.sentence.word(start - 2) in self.rules.stain_before)

    def _stained(self, at: int) -> bool:
        words = [self.sentence.word(i) for i in range(at + 1, at + 5)]
        if words[0] in self.rules.stain_after or (words[0] == "-" and words[1] in self.rules.stain_after):
            return True
        return words[0] in self.rules.stain_links and any(w in self.rules.stain_after for w in words[1:])

    def _add(self, found: re.Match[str], genes: list[int]) -> None:
        noun = self.sentence.units[found.end("noun") - 1]
        negative = found["noun"] == "n"
        for index in genes:
            if index in self.found:
                continue
            unit = self.sentence.units[index]
            self.found[index] = [self._mention(unit, n, noun, negative) for n in range(len(unit.genes))]

    def _mention(self, unit: Unit, n: int, noun: Unit, negative: bool) -> Mention:
        """One gene's mention, from its own name to the noun; a "negative" stays outside, for polarity to see."""
        start, end = unit.part(n)
        if not negative:
            start, end = min(start, noun.start), max(end, noun.end)
        return Mention(start, end, self.sentence.text[start:end], Label.ALTERATION, Alteration(unit.genes[n], "fusion"))


def find_generic(sentence: Sentences, rules: Rules, used: set[int]) -> list[Mention]:
    """ALTERATION mentions of kind ``fusion`` in one sentence."""
    if not set("Ff+n") & set(sentence.kinds):
        return []
    return GenericFinder(sentence, rules, used).run()
