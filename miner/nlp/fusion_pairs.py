"""Fusions by notation: two genes joined by a sign (``ETV6-NTRK3``, ``KIF5B/CCDC6-RET``, ``ETV6- and EML4-NTRK3``)."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cache

from miner.nlp.fusion_rules import Rules, load_rules
from miner.nlp.fusion_units import Sentences, Unit
from miner.schema import Fusion, Label, Mention

CHAIN = re.compile(r"[GKU](?:(?:-,?&/?|-,|-/|[-=;/~])[GKU])+")
_NEAR = re.compile(r"[-N&q+]{0,3}[Ff]|b")
_REACH = 60


@dataclass(frozen=True, slots=True)
class Side:
    """One gene of a pair: symbol, span, and whether the text vouches for it being a gene."""

    symbol: str
    start: int
    end: int
    kind: str
    sure: bool
    exact: bool
    detail: str | None


def sides(unit: Unit) -> list[Side]:
    """The genes a unit names."""
    return [Side(name, *unit.part(i), unit.kind, unit.sure, unit.exact, unit.detail) for i, name in enumerate(unit.genes)]


@dataclass(slots=True)
class Judge:
    """Decides what a pair of genes is, by structure first and by what is known second."""

    rules: Rules

    def known(self, a: str, b: str) -> bool:
        """Whether the pair has been reported, in either order."""
        return (a, b) in self.rules.known or (b, a) in self.rules.known

    def foes(self, a: str, b: str) -> bool:
        """Whether the two are ligand and receptor, or neighbours in a pathway."""
        return b in self.rules.foes.get(a, ()) or a in self.rules.foes.get(b, ())

    def is_list(self, a: str, b: str) -> bool:
        """Whether both are genes that are tested side by side."""
        return a in self.rules.drivers and b in self.rules.drivers

    def partner(self, gene: Side, kinase: Side) -> bool:
        """Whether a gene that a phrase sets beside a kinase may be its partner."""
        if gene.symbol == kinase.symbol or kinase.kind != "K":
            return False
        if self.known(gene.symbol, kinase.symbol):
            return True
        if gene.symbol in self.rules.drivers or self.foes(gene.symbol, kinase.symbol):
            return False
        return gene.sure

    def plain_pair(self, a: Side, b: Side) -> bool:
        """Whether two genes that are no kinases may be what a phrase says is fused."""
        if a.symbol == b.symbol or not (a.sure and b.sure) or "K" in (a.kind, b.kind) or self.is_list(a.symbol, b.symbol):
            return False
        return bool({a.symbol, b.symbol} & self.rules.fused)

    def accepts(self, a: Side, b: Side, sign: str, near: bool, somewhere: bool, blocked: bool) -> bool:
        """Whether two joined genes are a fusion.

        Parameters
        ----------
        near, somewhere
            A fusion word follows at once; stands anywhere in the sentence.
        blocked
            A word of biology or treatment follows.
        """
        if a.symbol == b.symbol:
            return False
        if self.known(a.symbol, b.symbol):
            return sign != "~" or near
        if sign == "=":
            return (a.exact and b.exact) or "K" in (a.kind, b.kind) or somewhere
        if self.is_list(a.symbol, b.symbol) or self.foes(a.symbol, b.symbol) or (blocked and not near):
            return False
        if not (a.sure and b.sure):
            return near and sign in "-;" and "K" in (a.kind, b.kind)
        return self._by_class(a, b, sign, near, somewhere)

    def _by_class(self, a: Side, b: Side, sign: str, near: bool, somewhere: bool) -> bool:
        strong = {a.symbol, b.symbol} & (self.rules.strong | self.rules.families)
        driver = {a.symbol, b.symbol} & self.rules.drivers - self.rules.fusable - strong
        if driver and not near:
            return False
        if strong:
            return sign == "-" or near or (somewhere and sign == ";")
        if "K" in (a.kind, b.kind):
            return near or (somewhere and sign == "-")
        return near and sign in "-;/~" and not driver

    def order(self, a: Side, b: Side, sign: str, as_written: bool) -> tuple[Side, Side]:
        """The two in biological order."""
        if as_written:
            return a, b
        if (a.symbol, b.symbol) in self.rules.known:
            return a, b
        three = self.rules.strong | self.rules.weak | self.rules.families
        if a.symbol not in three and b.symbol in three:
            return a, b
        if sign != "=" and ((b.symbol, a.symbol) in self.rules.known or (a.symbol in three and b.symbol not in three)):
            return b, a
        return a, b


_WRITTEN = re.compile(r"(?:reciprocal(?:\s\w+){0,2}\s?|5['’′](?:\s|-)?|five[- ]prime\s)\W{0,2}$", re.I)
_FIVE, _THREE = r"\b5(?:['’′]|[- ]prime)", r"\b3(?:['’′]|[- ]prime)"
_WRITTEN_AFTER = re.compile(
    r"[-\s]3['’′](?![-\s]?(?:end|part|region|kinase))|[^.;,]{0,12}\breciprocal|[^.;]{0,30}\bas (?:the|a) 5['’′]", re.I
)


@cache
def _kinase_places() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """How a text says that the kinase is the 5' partner, and that it is the 3' one."""
    rules = load_rules()
    stems = [rf"{stem}\w*" for stem in sorted(rules.stems)]
    named = (*stems, *sorted(symbol for symbol in rules.strong if not symbol.startswith(tuple(rules.stems))))
    kinase = rf"(?:kinase|{'|'.join(named)})\b"
    partner = r"(?:partner |gene |kinase |fusion )*(?:was |is |were |being )?(?:the )?"
    first = rf"\b{kinase}[^.;,()]{{0,30}}{_FIVE}|{_FIVE}[- ]{partner}{kinase}"
    last = rf"{_THREE}[- ](?:\w+ ){{0,2}}{kinase}|(?:kinase|domain)\b[^.;,]{{0,20}}{_THREE}"
    return re.compile(first, re.I), re.compile(last, re.I)


def written_order(text: str, start: int, end: int) -> bool:
    """Whether the text says that the pair stands in its true order (5' NTRK1-CUL3, reciprocal NTRK3-ETV6)."""
    return bool(_WRITTEN.search(text, max(0, start - 40), start) or _WRITTEN_AFTER.match(text, end))


def mention(text: str, five: Side, three: Side, start: int, end: int) -> Mention:
    """The mention of a fusion on text[start:end]."""
    details = [d for d in dict.fromkeys((five.detail, three.detail)) if d]
    return Mention(start, end, text[start:end], Label.FUSION, Fusion(five.symbol, three.symbol, ";".join(details) or None))


class PairFinder:
    """Finds joined pairs in one sentence, and which of its units they used up."""

    def __init__(self, sentence: Sentences, judge: Judge) -> None:
        self.sentence = sentence
        self.judge = judge
        self.found: list[Mention] = []
        self.used: set[int] = set()
        self._kinase_first = self._says_kinase_first()
        self._somewhere = "F" in sentence.kinds or "f" in sentence.kinds or "b" in sentence.kinds

    def _says_kinase_first(self) -> bool:
        """ "with the kinase as the 5′ partner": pairs with the kinase first are then no reversals."""
        text, units = self.sentence.text, self.sentence.units
        if "p" not in self.sentence.kinds and "prime" not in text:
            return False
        start, end = units[0].start, units[-1].end
        first, last = _kinase_places()
        return bool(first.search(text, start, end)) and not last.search(text, start, end)

    def run(self) -> list[Mention]:
        """All fusions written with a sign."""
        for chain in CHAIN.finditer(self.sentence.kinds):
            self._chain(chain.start(), chain.end())
        return self.found

    def _chain(self, start: int, end: int) -> None:
        """Cut a chain at its slashes and hanging joints, and read each run of joined genes."""
        runs, signs = self._runs(start, end)
        lengths = [len(run) for run in runs]
        if lengths == [1, 1] and signs == ["/"]:
            self._pair(runs[0][0], runs[1][0], "/", end)
            return
        joined = next((i for i, n in enumerate(lengths) if n > 1), None)
        if joined is None:
            return
        for index, run in enumerate(runs):
            if len(run) > 1:
                self._run(run, end)
            elif index < joined:
                self._shared(run[0], runs[joined], signs[index:joined], end)
            elif lengths[index - 1] > 1 or lengths[joined] == 2:
                self._appended(runs[joined], run[0], end)

    def _runs(self, start: int, end: int) -> tuple[list[list[int]], list[str]]:
        kinds = self.sentence.kinds
        runs, signs, sign = [[start]], [], ""
        for i in range(start + 1, end):
            if kinds[i] not in "GKU":
                sign += kinds[i]
            elif sign in {"-", "=", ";", "~"}:
                runs[-1].append(i)
                sign = ""
            else:
                runs.append([i])
                signs.append(sign)
                sign = ""
        return runs, signs

    def _run(self, run: list[int], end: int) -> None:
        if len(run) == 2:
            self._pair(run[0], run[1], self._sign(run[1]), end)
            return
        for left, right in itertools.pairwise(run):
            a, b = (self.sentence.units[i].genes for i in (left, right))
            if left not in self.used and any(self.judge.known(x, y) for x in a for y in b):
                self._pair(left, right, self._sign(right), end)

    def _sign(self, right: int) -> str:
        return self.sentence.kinds[right - 1]

    def _pair(self, left: int, right: int, sign: str, end: int, start: int | None = None, must: bool = False) -> bool:
        """Record the pair where it is a fusion; ``start`` widens the span for a partner named apart."""
        sentence, units = self.sentence, self.sentence.units
        near = must or bool(_NEAR.match(sentence.kinds, end))
        after = self.judge.rules.after
        blocked = sentence.word(end) in after or (sentence.kinds[end : end + 1] == "-" and sentence.word(end + 2) in after)
        if self._denied(left):
            return False
        hit = False
        for a in sides(units[left]):
            for b in sides(units[right]):
                if self.judge.accepts(a, b, sign, near, self._somewhere, blocked):
                    self._record(a, b, sign)
                    hit = True
        if hit:
            self.used |= {left, right}
        return hit

    def _denied(self, left: int) -> bool:
        """``non-EML4-ALK`` names the fusion that it is not."""
        return self.sentence.kinds[max(0, left - 1) : left] == "-" and self.sentence.word(left - 2) == "non"

    def _record(self, a: Side, b: Side, sign: str) -> None:
        start, end = min(a.start, b.start), max(a.end, b.end)
        five, three = self.judge.order(a, b, sign, self._kinase_first or (sign != "~" and written_order(self.sentence.text, start, end)))
        self.found.append(mention(self.sentence.text, five, three, start, end))

    def _shared(self, single: int, run: list[int], signs: list[str], end: int) -> None:
        """``ETV6- and EML4-NTRK3``, ``KIF5B/CCDC6-RET``: a partner named apart shares the last gene."""
        if len(run) != 2:
            return
        first, last = (self.sentence.units[i] for i in run)
        unit = self.sentence.units[single]
        hanging = signs[0].startswith("-")
        if last.kind == "K" and unit.kind != "K" and (hanging or self._distributes(unit, first, last)):
            self._pair(single, run[1], "-", end, must=hanging)

    def _distributes(self, unit: Unit, first: Unit, last: Unit) -> bool:
        if first.kind == "K":
            return False
        return not (set(unit.genes) & self.judge.rules.drivers) or any(self.judge.known(g, k) for g in unit.genes for k in last.genes)

    def _appended(self, run: list[int], single: int, end: int) -> None:
        """``FGFR3-TACC3/BAIAP2L1``, ``ETV6-NTRK3/NTRK2``."""
        if len(run) != 2 or self.sentence.units[single].kind == "K":
            return
        kinase = next((i for i in run if self.sentence.units[i].kind == "K"), None)
        if kinase == run[0]:
            self._pair(kinase, single, "-", end)
