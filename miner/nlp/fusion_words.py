"""Fusions in words: "fusion of A and B", "A fused to B", "NTRK3 fusion with ETV6", "partners of NTRK1 were A, B and C"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from miner.nlp.fusion_pairs import Judge, Side, mention, sides
from miner.nlp.fusion_units import Sentences
from miner.schema import Alteration, Fusion, Mention

_COUNT = r"(?:,?d(?:/d)?)?"
_SEPARATOR = rf"(?:{_COUNT}|[od][qdw]{{0,2}})(?:,&?/?&?|/|&/?&?)t?[qN]{{0,3}}{_COUNT}"
LIST = rf"\(?[GKU]\)?(?:{_SEPARATOR}\(?[GKU](?!-?N{{0,3}}F)\)?)*"
_SUBJECTS = rf"\(?[GKU]\)?(?:{_SEPARATOR}\(?[GKU]\)?)*"
_FILL = r"[qNedpwo\-]{0,9}?"
_OF = re.compile(rf"F[qNwdi]{{0,3}}o{_FILL}(?P<a>{LIST})(?:[Node]{{0,4}}[t&]{_FILL}(?P<b>{LIST}))?")
_LOCUS = r"(?:N{0,2}[ow]N{0,2}d)?"  # "the ETV6 gene in 12p13 was fused to"
_FUSED = re.compile(
    rf"(?P<a>{LIST}){_LOCUS}(?:[qNwi)e]{{0,5}}|[wi]?f&|N{{0,2}}F,?)f[qwN\-o]{{0,3}}t{_FILL}(?P<b>{LIST})(?P<more>,?&?{_FILL})?"
)
_FUSING = re.compile(rf"f{_FILL}(?P<a>{LIST})N{{0,3}}[t&]{_FILL}(?P<b>{LIST})")
_AGAIN = re.compile(rf"[iqf]{{0,2}}t{_FILL}(?P<b>{LIST})")
_WITH = re.compile(rf"(?P<a>{_SUBJECTS})-?N{{0,3}}F\(?t[qNep]{{0,6}}(?P<b>{LIST})")
_BRACKET = re.compile(rf"(?P<a>[GK])-?N{{0,3}}F[wq]{{0,2}}(?:\(|:|o)i?[.,:]{{0,3}}[qN]{{0,3}}(?P<b>{LIST})")
_BESIDES = re.compile(rf"[wqid]{{0,2}}\((?P<b>{LIST})\)")
_PLACED = re.compile(rf"(?P<a>{LIST})[Nqep]{{0,4}}(?P<where>w{{1,2}}[qN]{{0,2}}w?o)[qNpwe]{{0,4}}(?P<b>[GKU])")
_PLACING = re.compile(r"\b(?:plac|position|br(?:ing|ought)|put|mov|insert|juxtapos)\w*[^.;,]{0,60}$")
_AFTER = re.compile(
    rf"P[qNw\-]{{0,3}}(?:o[qN]{{0,3}}[GKU][N\-F]{{0,3}})?(?P<link>[(:,~iqwN]{{0,7}}|,?&t|[iqNwotd]{{0,8}}[i:]q?|\([d/qwe,]{{0,5}})"
    rf"(?P<b>{LIST})(?:\(?o[qN]{{0,3}}(?P<k>[GKU]))?"
)
_MORE = re.compile(rf"\)?[,&]{{1,2}}(?P<b>{LIST})\(?o[qN]{{0,3}}(?P<k>[GKU])")
_BEFORE = re.compile(rf"(?P<b>{LIST})(?P<link>[iqwN,\-f]{{1,8}})K?(?:F-?|f)?[Nq]{{0,2}}P")
_OWN_PARTNER = re.compile(rf"tq{{0,2}}(?P<b>{LIST})(?:-?F)?-?N{{0,2}}P")  # "both with a TPM3 partner"
_OF_KINASE = re.compile(r"P[qNw]{0,2}o[qN]{0,3}(?P<k>[GK])")
_UNKNOWN = re.compile(r"X[qNFp\-]{0,4}P|P[N]?[iqw]{0,3}X|X[-=](?=K)|[?]-(?=K)")
_OPEN = re.compile(r"(?P<open>[V?])=(?P<gene>[GKU])|(?P<last>[GKU])=(?P<end>[V?])")
_JUXTAPOSED = re.compile(
    r"(?P<a>[GKU])(?P<b>K)|(?P<k>K)(?P<p>[GU])(?=[N\-]{0,3}F)|(?P<left>[GU])&q?(?P<right>K)(?=N{0,3}F)|(?P<in>[GU])\((?P<of>K)\)"
)
_OWNER_LATER = re.compile(rf"(?P<b>{LIST})[ot]q?(?P<a>K)(?![N\-]{{0,3}}[Ff])|(?P<k>K)tq?(?P<p>{LIST})")
_OWNED = re.compile(rf"(?P<a>K)\((?P<b>{LIST}){_COUNT}\)")
_NOT_FOUND = re.compile(r"partner(?: gene)? (?:could not be|was not|not) (?:identified|determined|established|known)")
_REACH = 20
_JOINING = frozenset({"between", "comprising", "comprised", "composed"})


@dataclass(slots=True)
class Topic:
    """Kinases whose fusions the sentences before spoke of, the last first; they own partners named alone."""

    kinases: list[str] = field(default_factory=list)

    def note(self, hits: Sequence[Mention], generic: Sequence[Mention]) -> None:
        """Remember the kinases of a sentence, and forget the older ones."""
        found = [m.referent.three_prime for m in hits if isinstance(m.referent, Fusion)]
        found += [m.referent.gene for m in generic if isinstance(m.referent, Alteration) and m.referent.gene]
        if found:
            self.kinases = list(dict.fromkeys(found))


class WordFinder:
    """Finds worded fusions of one sentence; ``used`` are units that notation took."""

    def __init__(self, sentence: Sentences, judge: Judge, used: set[int], topic: Topic) -> None:
        self.sentence, self.judge, self.topic = sentence, judge, topic
        self.used = used
        self.mine: set[int] = set()
        self.found: list[Mention] = []

    def run(self) -> list[Mention]:
        """All worded fusions."""
        kinds = self.sentence.kinds
        if "f" in kinds:
            self._verbs()
        if "F" in kinds:
            self._nouns()
        self._juxtaposed()
        self._placed()
        if "P" in kinds:
            self._partners()
        if "X" in kinds or "P" in kinds or "?" in kinds:
            self._unknown()
        if "=" in kinds:
            self._open()
        return self.found

    def _units(self, found: re.Match[str], group: str) -> list[int]:
        if found[group] is None:
            return []
        start, end = found.span(group)
        return [i for i in range(start, end) if self.sentence.units[i].genes]

    def _free(self, *lists: list[int]) -> bool:
        return not any(i in self.used for units in lists for i in units)

    def _sides(self, units: Sequence[int]) -> Iterator[tuple[int, Side]]:
        for i in units:
            for side in sides(self.sentence.units[i]):
                yield i, side

    def _cross(self, left: Sequence[int], right: Sequence[int], plain_too: bool = False) -> bool:
        """Pair every gene of the left with every one of the right that may be its partner."""
        hit = False
        settled = self._settled([*left, *right])
        for i, a in self._sides(left):
            for j, b in self._sides(right):
                if {a.symbol, b.symbol} & settled and not self.judge.known(a.symbol, b.symbol):
                    continue
                ok = self.judge.partner(a, b) or self.judge.partner(b, a) or (a.symbol, b.symbol) in self.judge.rules.known
                if not ok and plain_too:
                    ok = self.judge.plain_pair(a, b)
                if ok:
                    self._add(a, b, {i, j})
                    hit = True
        return hit

    def _settled(self, units: Sequence[int]) -> set[str]:
        """Partners that are known for one of the kinases a unit names at once: "NTRK1/3 fusions (TPR, BTBD1)"."""
        if all(len(self.sentence.units[i].genes) < 2 for i in units):
            return set()
        all_sides = [side for _, side in self._sides(units)]
        return {a.symbol for a in all_sides if a.kind != "K" and any(self.judge.known(a.symbol, b.symbol) for b in all_sides)}

    def _add(self, a: Side, b: Side, units: set[int], span: tuple[int, int] | None = None, as_written: bool = False) -> None:
        five, three = self.judge.order(a, b, "-", as_written)
        start, end = span or (min(a.start, b.start), max(a.end, b.end))
        self.found.append(mention(self.sentence.text, five, three, start, end))
        self.mine |= units

    def _blocked(self, at: int) -> bool:
        """Whether the word at a unit makes the gene before it one that is mutated or inhibited."""
        word, following = self.sentence.word(at), self.sentence.word(at + 1)
        altered = self.judge.rules.after | self.judge.rules.altered
        return word in altered or (self.sentence.kinds[at : at + 1] in {"-", "N", "w", "q", "d"} and following in altered)

    # nouns

    def _nouns(self) -> None:
        kinds = self.sentence.kinds
        for found in _OF.finditer(kinds):
            self._of(found)
        for found in _WITH.finditer(kinds):
            a, b = self._units(found, "a"), self._units(found, "b")
            if self._free(a[-1:], b) and not self._blocked(found.end()) and kinds[found.end() : found.end() + 1] not in {"F", "+"}:
                self._cross(a[-1:], b)
        for found in _BRACKET.finditer(kinds):
            a, b = self._units(found, "a"), self._units(found, "b")
            if self._free(a, b) and self._mostly_known(a, b):
                self._cross(a, b)
                self.mine -= set(a)
        for found in _OWNED.finditer(kinds):
            self._owned(self._units(found, "a"), self._units(found, "b"))
        at = 0
        while beside := _OWNER_LATER.search(kinds, at):
            at = self._owner_beside(beside)

    def _owner_beside(self, found: re.Match[str]) -> int:
        """Read "ETV6 for NTRK3" or "NTRK1 with TPM3"; return where to go on."""
        owner, listed = ("a", "b") if found["a"] else ("k", "p")
        partners = self._units(found, listed)
        later = next((i for i in partners[1:] if self.sentence.kinds[i] == "K"), None)
        if not self._blocked(found.end()) or later:
            self._owned(self._units(found, owner), [i for i in partners if later is None or i < later])
        return found.end() if later is None or owner == "a" else later

    def _owned(self, a: list[int], b: list[int]) -> None:
        """Partners beside their kinase, as in "NTRK1 (TPM3, LMNA)" and "ETV6 for NTRK3": known pairs alone."""
        units, rules = self.sentence.units, self.judge.rules
        if not self._free(a, b) or set(b) & self.mine or any(set(units[i].genes) & rules.drivers for i in b):
            return
        if all(self._mostly_known(a, [i]) for i in b):
            self._cross(a, b)
            self.mine -= set(a)

    def _juxtaposed(self) -> None:
        """ "EML4 ALK fusion", "EML4 ALK variant 1", "ETV6 and NTRK3 gene fusion": of known pairs alone."""
        kinds, units = self.sentence.kinds, self.sentence.units
        for found in _JUXTAPOSED.finditer(kinds):
            pair = [i for i in range(*found.span()) if units[i].genes]
            if found["in"] and not {"F", "P"} & set(kinds):
                continue
            if found["a"] and not (units[pair[1]].detail or re.match(r"[N\-]{0,3}F", kinds[found.end() :])):
                continue
            if found["left"] and (set(units[pair[0]].genes) & self.judge.rules.drivers or self._plural(found.end())):
                continue
            if self._free(pair):
                self._known_only(pair)

    def _plural(self, at: int) -> bool:
        noun = self.sentence.kinds.find("F", at)
        return self.sentence.word(noun).endswith("s")

    def _known_only(self, pair: list[int]) -> None:
        for i, a in self._sides(pair[:1]):
            for j, b in self._sides(pair[1:]):
                if self.judge.known(a.symbol, b.symbol):
                    self._add(a, b, {i, j})

    def _mostly_known(self, kinase: list[int], partners: list[int]) -> bool:
        names = [s.symbol for _, s in self._sides(kinase)]
        found = [any(self.judge.known(s.symbol, k) for k in names) for _, s in self._sides(partners)]
        return sum(found) * 2 >= len(found)

    def _of(self, found: re.Match[str]) -> None:
        a, b = self._units(found, "a"), self._units(found, "b")
        if not self._free(a, b) or self._blocked(found.end()):
            return
        noun = self.sentence.word(found.start())
        introduced = self.sentence.kinds[found.start() : found.start("a")]
        word = next(self.sentence.word(found.start() + n) for n, k in enumerate(introduced) if k == "o")
        joining = word in _JOINING or (word in {"of", "involving"} and noun in {"fusion", "chimera"})
        linked = bool(b) and "t" in self.sentence.kinds[found.end("a") : found.start("b")]
        if b and (joining or linked) and self._cross(a, b, plain_too=word != "involving"):
            return
        if not joining and word not in {"of", "involving"}:
            return
        genes = a + b
        kinases = [i for i in genes if self.sentence.units[i].kind == "K"]
        others = [i for i in genes if i not in kinases]
        if len(kinases) == 1 and others:
            if joining or self._mostly_known(kinases, others):
                self._cross(others, kinases)
        elif len(genes) == 2 and joining and not kinases:
            self._cross(genes[:1], genes[1:], plain_too=True)
        elif len(genes) == 2:
            self._known_only(genes)

    # verbs

    def _verbs(self) -> None:
        kinds = self.sentence.kinds
        for found in _FUSED.finditer(kinds):
            a, b = self._units(found, "a"), self._units(found, "b")
            again = _AGAIN.match(kinds, found.end("b"))
            if again and len(b) > 1:
                later = self._units(again, "b")
                if self._free(later):
                    self._cross([b.pop()], later)
            if self._free(a, b):
                self._cross(a, b, plain_too=True)
        for found in _FUSING.finditer(kinds):
            a, b = self._units(found, "a"), self._units(found, "b")
            if self._free(a, b) and not set(a + b) & self.mine:
                self._cross(a, b, plain_too=True)

    def _placed(self) -> None:
        """ "The inversion placed NTRK3 downstream of EML4", "... under the control of the KIF5B promoter"."""
        for found in _PLACED.finditer(self.sentence.kinds):
            words = [self.sentence.word(i) for i in range(*found.span("where"))]
            upstream = "upstream" in words
            if not (upstream or {"downstream", "control"} & set(words)):
                continue
            a, b = self._units(found, "a"), self._units(found, "b")
            start = self.sentence.units[a[0]].start
            if not self._free(a, b) or not _PLACING.search(self.sentence.text, self.sentence.units[0].start, start):
                continue
            for i, moved in self._sides(a):
                for j, fixed in self._sides(b):
                    if self.judge.partner(moved, fixed) or self.judge.partner(fixed, moved) or self.judge.plain_pair(moved, fixed):
                        pair = (moved, fixed) if upstream else (fixed, moved)
                        self._add(*pair, {i, j}, as_written=True)

    # partners

    def _partners(self) -> None:
        kinds = self.sentence.kinds
        for found in _AFTER.finditer(kinds):
            self._listed(found, self._units(found, "b"), found.span("k")[0])
            more = _MORE.match(kinds, found.end())
            while more:
                self._listed(more, self._units(more, "b"), more.span("k")[0])
                more = _MORE.match(kinds, more.end())
            besides = _BESIDES.match(kinds, found.end())
            if (
                besides
                and "than" in self.sentence.text[self.sentence.units[found.start()].start : self.sentence.units[found.end() - 1].end]
            ):
                self._listed(besides, self._units(besides, "b"), next((i for i in range(found.start())[::-1] if kinds[i] == "K"), -1))
        for found in _BEFORE.finditer(kinds):
            if "i" in found["link"] or found["link"][0] in ",f":
                self._listed(found, self._units(found, "b"), -1)
        for found in _OWN_PARTNER.finditer(kinds):
            self._listed(found, self._units(found, "b"), -1, apart=True)

    def _listed(self, found: re.Match[str], listed: list[int], kinase: int, *, apart: bool = False) -> None:
        """Pair the genes listed as partners with the kinase that owns them; what stands between is left out where told ``apart``."""
        listed = [i for i in listed if i not in self.mine or self.sentence.units[i].kind != "K"]
        if not self._free(listed) or self._blocked(found.end()):
            return
        owner = self._owner(found, listed, kinase)
        if owner is None:
            return
        for i, gene in self._sides(listed):
            five_first = self._is_five_prime(found, gene)
            if five_first and gene.symbol in self.judge.rules.strong:
                continue
            if self.judge.partner(gene, owner) or self._in_company(gene, owner, listed):
                inside = not apart and (self.sentence.units[i].start <= owner.start or owner.start >= 0)
                self._add(gene, owner, {i}, None if inside and owner.start >= 0 else (gene.start, gene.end))

    def _in_company(self, gene: Side, owner: Side, listed: list[int]) -> bool:
        """A doubtful name in a list of partners that are known."""
        if gene.kind == "K" or gene.symbol in self.judge.rules.drivers:
            return False
        return any(self.judge.known(s.symbol, owner.symbol) for _, s in self._sides(listed))

    def _is_five_prime(self, found: re.Match[str], gene: Side) -> bool:
        return "p" in found.group() and gene.kind == "K"

    def _owner(self, found: re.Match[str], listed: list[int], kinase: int) -> Side | None:
        """The kinase whose partners are listed: named with "of" or "for", else the nearest, else that of the sentences before."""
        units, kinds = self.sentence.units, self.sentence.kinds
        of = _OF_KINASE.search(kinds, max(0, found.start()), min(len(kinds), found.end() + 6))
        for i in (kinase, of.start("k") if of else -1):
            if i >= 0 and i not in listed and units[i].kind == "K":
                return sides(units[i])[0]
        before = [i for i in range(found.start()) if kinds[i] == "K" and i not in listed]
        after = [i for i in range(found.end(), min(len(kinds), found.end() + _REACH)) if kinds[i] == "K" and i not in self.used]
        inside = [i for i in range(found.start(), found.end()) if kinds[i] == "K" and i not in listed]
        for near in (inside, before[::-1], after):
            if near:
                owners = sides(units[near[0]])
                if near is not after and after and units[near[0]].genes[0] in self.judge.rules.families:
                    owners = sides(units[after[0]])  # "a TRK fusion, in which the partner TPM3 replaces ... of NTRK1"
                ours = self.judge.rules.fusable | self.judge.rules.families
                return owners[0] if len(owners) == 1 and owners[0].symbol in ours else None
        if re.search(r"[GU]N{0,2}[Ff]", kinds):
            return None
        if len(self.topic.kinases) == 1 and self.topic.kinases[0] in self.judge.rules.fusable:
            return Side(self.topic.kinases[0], -1, -1, "K", True, True, None)
        return None

    # unknown partners

    def _unknown(self) -> None:
        kinds, text = self.sentence.kinds, self.sentence.text
        for found in _UNKNOWN.finditer(kinds):
            words = text[self.sentence.units[found.start()].start : self.sentence.units[found.end() - 1].end].lower()
            if "partners" not in words:
                self._unknown_at(found.start(), found.end())
        start, end = self.sentence.units[0].start, self.sentence.units[-1].end
        for hit in _NOT_FOUND.finditer(text, start, end):
            at = next(i for i, u in enumerate(self.sentence.units) if u.start >= hit.start())
            self._unknown_at(at, at + 1)

    def _open(self) -> None:
        """``?::NTRK1`` and ``v::ALK``, ``RET::?``."""
        for found in _OPEN.finditer(self.sentence.kinds):
            first, last = (self.sentence.units[i] for i in (found.start(), found.end() - 1))
            gene = first if found["last"] else last
            symbol = "v" if "V" in found.group() else "?"
            blank = Side(symbol, first.start, last.end, "G", True, True, None)
            pair = (sides(gene)[0], blank) if found["last"] else (blank, sides(gene)[0])
            self._add(*pair, {found.start(), found.end() - 1}, as_written=True)

    def _unknown_at(self, start: int, end: int) -> None:
        kinds, units = self.sentence.kinds, self.sentence.units
        near = [i for i in range(start - 1, -1, -1) if kinds[i] == "K"][:1] or [i for i in range(end, len(kinds)) if kinds[i] == "K"][:1]
        if end < len(kinds) and kinds[end] == "K" and kinds[end - 1] in "-=":
            near = [end]
        for i in near:
            own = sides(units[i])
            if len(own) == 1 and own[0].symbol in self.judge.rules.fusable and i not in self.used:
                unknown = replace(own[0], symbol="?", start=units[start].start, end=units[end - 1].end, detail=None)
                self._add(unknown, own[0], {i}, as_written=True)


def _moves(sentence: Sentences) -> bool:
    """Whether a sentence tells where a gene was placed."""
    start, end = sentence.units[0].start, sentence.units[-1].end
    return any(sentence.text.find(words, start, end) >= 0 for words in ("stream of", "control of"))


def find_worded(sentence: Sentences, judge: Judge, used: set[int], topic: Topic) -> tuple[list[Mention], set[int]]:
    """Fusions in words, and the units that named them."""
    if not set("FfPX?V") & set(sentence.kinds) and "GK" not in sentence.kinds and not _moves(sentence):
        return [], set()
    finder = WordFinder(sentence, judge, used, topic)
    return finder.run(), finder.mine
