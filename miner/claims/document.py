"""A reading as the frames see it: sentences with their mentions, cues, clauses and role, and what the paper is about."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from miner.claims import effect_rules, senses
from miner.claims.senses import Cue
from miner.claims.therapy import BARE_CLASS, agents, stands_for, therapies, therapy_role
from miner.claims.words import Words
from miner.lexicon import Lexicon
from miner.schema import Alteration, Claim, Concept, Direction, Fusion, Label, Mention, Polarity, Reading, Sentence, StudyType, Variant

__all__ = ["BARE_CLASS", "Document", "Subject", "View", "agents", "distinct", "stands_for", "subject_of", "therapies", "therapy_role"]

TITLE, BACKGROUND, AIM, METHODS, RESULTS, CONCLUSIONS, BODY, OUTSIDE = (
    "title",
    "background",
    "aim",
    "methods",
    "results",
    "conclusions",
    "body",
    "outside",
)
_ROLE_WORDS = (
    (OUTSIDE, re.compile(r"fund|regist|copyright|disclos|conflict|keyword|acknowledg", re.I)),
    (METHODS, re.compile(r"method|design|setting|participants|intervention|materials|patients and|main outcome|data source", re.I)),
    (RESULTS, re.compile(r"result|finding|case|observation|experience", re.I)),
    (CONCLUSIONS, re.compile(r"conclu|interpret|implication|discussion|significance|expert|future|relevance|summary|recommend", re.I)),
    (AIM, re.compile(r"objective|aim|purpose|hypothes", re.I)),
    (BACKGROUND, re.compile(r"background|introduc|context|importance|rationale|areas covered", re.I)),
)
_COPYRIGHT = re.compile(r"^\s*(©|copyright\b|\(c\)|see related|this article is|see accompanying|doi\b)", re.I)
_AIM_SENTENCE = re.compile(
    r"^\W*(to (?:\w+ly )?(?:assess|evaluate|determine|investigate|examine|"
    r"explore|compare|study|describe|identify|analy[sz]e|report|clarify|test)\b"
    r"|(?:in this|the present|this|our|the current)\b[^.]{0,60}\b(?:aim(?:ed|s|ing)?|purposes?|objectives?|goals?)\b"
    r"|(?:we|here,? we|in this \w+,? we|herein,? we)\s+(?:aim|sought|investigat|evaluat|assess|examin|explor|compar|review|discuss|survey|"
    r"undertook|retrospectively|prospectively|analy[sz]ed|studied|looked)\w*"
    r"|(?:this|the|our|the present|the current) study (?:compar|evaluat|assess|examin|explor|investigat|test|analy[sz])(?:e[ds]|ed|s)\b"
    r"|[^.]*\b(?:was|were) (?:studied|evaluated|investigated|assessed|examined|analy[sz]ed|explored|reviewed|compared)\W*$"
    r"|(?:this|the|our|the present|the current) (?:\w+ )?(?:study|trial|analysis|work|project) (?:was|is) (?:\w+ly )?"
    r"(?:designed|conducted|undertaken|carried out|initiated|planned|set up|launched) to\b|(?:we|the authors) set out to\b"
    r"|the (?:aim|purpose|objective|goal)s?\b|this (?:review|article|paper|chapter)\b|(?:in|for) this review\b|(?:the|our) review\b)",
    re.I,
)
_INLINE_LABEL = re.compile(r"^\s*(?:\(\d\)\s*)?[A-Z][A-Za-z ,&]{2,40}:\s+")
_NEXT_THAT = re.compile(r"\b(?:and|but) that\b", re.I)


def _split(text: str, clauses: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Clauses, each cut before the next of several "that": "we show that ... and that ..."."""
    for start, end in clauses:
        for match in _NEXT_THAT.finditer(text, start + 1, end):
            yield start, match.start()
            start = match.start()
        yield start, end


@lru_cache(maxsize=256)
def _role_of(label: str) -> str:
    """What the sentences under a heading do."""
    return next((name for name, words in _ROLE_WORDS if words.search(label)), BODY)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a claim is about: an alteration with its gene, as one mention names it."""

    start: int
    end: int
    gene: str | None
    fusion: str | None = None
    variant: str | None = None
    alteration: str | None = None
    mention: Mention | None = field(default=None, compare=False)

    @property
    def kind(self) -> str:
        """``fusion``, ``variant`` or the alteration's kind."""
        return "fusion" if self.fusion else "variant" if self.variant else self.alteration or "gene"


def subject_of(mention: Mention, kinases: Container[str] = ()) -> Subject | None:
    """The subject that a mention names, or None; the gene of a fusion is its kinase, else its 3' side."""
    referent, span = mention.referent, (mention.start, mention.end)
    if isinstance(referent, Fusion):
        kinase_first = referent.five_prime in kinases and referent.three_prime not in kinases
        return Subject(*span, referent.five_prime if kinase_first else referent.three_prime, fusion=str(referent), mention=mention)
    if isinstance(referent, Variant):
        return Subject(*span, referent.gene, variant=str(referent), mention=mention)
    if isinstance(referent, Alteration):
        return Subject(*span, referent.gene, alteration=referent.kind, mention=mention)
    return None


LONG = 6  # sentences of a paper in which a class that is named once is not what it is about


class View:
    """One sentence with everything in it."""

    def __init__(self, document: Document, index: int, sentence: Sentence, mentions: list[Mention], cues: list[Cue], role: str) -> None:
        self.document, self.index, self.sentence = document, index, sentence
        self.mentions, self.cues, self.role = mentions, cues, role
        self.start, self.end = sentence.start, sentence.end
        self.therapies: dict[tuple[int, int] | None, list[Mention]] = {}
        self.agents: dict[tuple[int, int] | None, list[Mention]] = {}
        self.text = document.text[self.start : self.end]
        clauses = sentence.clauses or ((self.start, self.end),)
        self.clauses = tuple(_split(document.text, clauses)) if " that" in self.text else clauses
        self._labels, self._senses = frozenset(m.label for m in mentions), frozenset(c.sense for c in cues)
        self._labelled: dict[tuple[Label, ...], list[Mention]] = {}
        self._sensed: dict[tuple[str, ...], list[Cue]] = {}
        self._said: dict[tuple[str, str], bool] = {}

    def says(self, shape: str) -> bool:
        """Does a pattern of the effect rules (``module.name``) stand in the sentence?"""
        said = self._said.get(("", shape))
        if said is None:
            said = self._said["", shape] = effect_rules.stands(shape, self.document.text, self.start, self.end)
        return said

    def tells(self, words: Words, name: str) -> bool:
        """Does a word of one of the lists of a rule file stand in the sentence?"""
        told = self._said.get((words.file, name))
        if told is None:
            told = self._said[words.file, name] = words.within(name, self.document.text, self.start, self.end)
        return told

    def clause(self, position: int) -> tuple[int, int]:
        """The clause around a position."""
        return next((c for c in self.clauses if c[0] <= position < c[1]), (self.start, self.end))

    def holds(self, *labels: Label) -> bool:
        """Is there a mention of one of some labels?"""
        return not self._labels.isdisjoint(labels)

    def of(self, *labels: Label, within: tuple[int, int] | None = None) -> list[Mention]:
        """Mentions of some labels, in the sentence or in a part of it."""
        if self._labels.isdisjoint(labels):
            return []
        held = self._labelled.get(labels)
        if held is None:
            held = self._labelled[labels] = [m for m in self.mentions if m.label in labels]
        if within is None or not held:
            return held.copy()
        start, end = within
        return [m for m in held if start <= m.start and m.end <= end]

    def sense(self, *names: str, within: tuple[int, int] | None = None) -> list[Cue]:
        """Cues of some senses, in the sentence or in a part of it."""
        if self._senses.isdisjoint(names):
            return []
        held = self._sensed.get(names)
        if held is None:
            held = self._sensed[names] = [c for c in self.cues if c.sense in names]
        if within is None or not held:
            return held.copy()
        start, end = within
        return [c for c in held if start <= c.start and c.end <= end]

    def has(self, *names: str, within: tuple[int, int] | None = None) -> bool:
        """Is there a cue of one of these senses?"""
        return bool(self.sense(*names, within=within))

    @cached_property
    def is_aim(self) -> bool:
        """Does the sentence only say what the authors set out to do, or how?"""
        if self.role == OUTSIDE:
            return True
        head = _INLINE_LABEL.match(self.text)
        body = self.start + (head.end() if head else 0)
        said = self.role in (AIM, METHODS) and bool(self.sense("aim", within=(body, self.end)))
        return said or bool(_AIM_SENTENCE.match(self.document.text[body : self.end]))

    @cached_property
    def subjects(self) -> list[Subject]:
        """Alterations in the sentence; a generic one inside or beside the same gene's named one is left out."""
        altered = self.of(Label.FUSION, Label.VARIANT, Label.ALTERATION)
        found = [s for m in altered if (s := subject_of(m, self.document.lexicon.kinases))]
        named = [s for s in found if s.fusion or s.variant]
        beside = [s for s in found if any(o.gene == s.gene and o.start <= s.start and s.end <= o.end + 12 for o in named)]
        return [s for s in found if s in named or s not in beside]


class Document:
    """A reading prepared for the extractors."""

    def __init__(self, reading: Reading, lexicon: Lexicon, study_type: StudyType) -> None:
        self.reading, self.lexicon, self.study_type = reading, lexicon, study_type
        self.text = reading.text
        self.roles: dict[Mention, str] = {}
        self._mechanisms: list[tuple[int, Subject, frozenset[str]]] = []
        self.views = self._views(senses.load().find(self.text))

    def _views(self, cues: list[Cue]) -> list[View]:
        mentions, starts, cue_starts = self.reading.mentions, [m.start for m in self.reading.mentions], [c.start for c in cues]
        roles = self._roles()
        views = []
        for index, sentence in enumerate(self.reading.sentences):
            first, last = bisect_left(starts, sentence.start), bisect_left(starts, sentence.end)
            held = [m for m in mentions[first:last] if m.end <= sentence.end]
            first, last = bisect_left(cue_starts, sentence.start), bisect_left(cue_starts, sentence.end)
            said = [c for c in cues[first:last] if c.end <= sentence.end]
            views.append(View(self, index, sentence, held, said, roles[index]))
        return views

    def _roles(self) -> list[str]:
        roles = []
        for sentence in self.reading.sentences:
            label, text = sentence.label or "", self.text[sentence.start : sentence.end]
            if _COPYRIGHT.match(text):
                role = OUTSIDE
            elif sentence.section == 0 and self.reading.record.title:
                role = TITLE
            else:
                role = _role_of(label)
            roles.append(role)
        return roles

    @cached_property
    def title(self) -> View | None:
        """The title, where there is one."""
        return self.views[0] if self.views and self.views[0].role == TITLE else None

    @property
    def opening(self) -> int:
        """Where the sentences behind the title begin."""
        return 1 if self.title else 0

    @cached_property
    def subjects(self) -> list[Subject]:
        """Every alteration of the paper, in order."""
        return [s for v in self.views for s in v.subjects]

    @cached_property
    def resistance_variants(self) -> frozenset[str]:
        """Variants that the text calls resistant somewhere, or that are known to be."""
        found = set()
        for view in self.views:
            for subject in view.subjects:
                if subject.variant and (self._known(subject.variant) or view.has("resist", within=view.clause(subject.start))):
                    found.add(subject.variant)
        return frozenset(found)

    def note_mechanisms(self, view: View, claims: Iterable[Claim]) -> None:
        """Remember what a sentence told as a mechanism of resistance, for what later sentences answer it with."""
        for claim in claims:
            kinds = (claim.variant, claim.alteration)
            told = [s for s in view.subjects if s.gene in claim.genes and (s.variant or s.kind in kinds)]
            self._mechanisms += [(view.index, s, frozenset(claim.therapies)) for s in told if claim.direction is Direction.SUPPORTS]

    def mechanisms(self, view: View, *, within: int = 3) -> list[Subject]:
        """Mechanisms told in the sentences before a view."""
        return distinct(s for index, s, _ in self._mechanisms if 0 < view.index - index <= within)

    def defeated_by(self, subjects: Iterable[Subject]) -> frozenset[str]:
        """Therapies that some mechanisms were told to defeat."""
        held = set(subjects)
        return frozenset(name for _, s, names in self._mechanisms if s in held for name in names)

    @cached_property
    def on_resistance(self) -> bool:
        """Is the paper, by its title, about resistance?"""
        return bool(self.title and self.title.has("resist"))

    @cached_property
    def speaks_of_resistance(self) -> bool:
        """Does the text speak of resistance anywhere?"""
        return any(v.has("resist") for v in self.views)

    @cached_property
    def called_resistant(self) -> frozenset[str]:
        """Variants that the text itself calls resistant, close by."""
        return frozenset(
            s.variant for v in self.views for s in v.subjects
            if s.variant and any(max(s.start - c.end, c.start - s.end) <= 45 for c in v.sense("resist"))
        )  # fmt: skip

    @staticmethod
    def _known(variant: str) -> bool:
        return variant in senses.known_resistance()

    @cached_property
    def focus(self) -> list[Subject]:
        """What the paper is about: the alterations of the title, else the most frequent gene's commonest kind."""
        titled = [s for v in self.views if v.role == TITLE for s in v.subjects if s.gene]
        if titled:
            return distinct(titled)
        counts = Counter(s.gene for s in self.subjects if s.gene)
        if not counts:
            return []
        gene, count = counts.most_common(1)[0]
        if count < 2 and len(counts) > 1:
            return []
        return [self._driver(gene)]

    def _driver(self, gene: str) -> Subject:
        """The commonest alteration of a gene's family that is no resistance to what is aimed at it, else the gene itself."""
        relatives = {gene, *self.lexicon.members(gene), *(s.gene for s in self.subjects if s.gene and gene in self.lexicon.members(s.gene))}
        held = [s for s in self.subjects if s.gene == gene]
        if not self.on_resistance:
            own = [s for s in held if s.variant not in self.resistance_variants]
            others = [s for s in self.subjects if s.gene in relatives and s.variant not in self.resistance_variants]
            held = own or others or [Subject(s.start, s.end, s.gene) for s in held]
        seen = [s for s in held if s.mention is None or s.mention.polarity is not Polarity.NEGATED]
        lacked = [s for s in held if s not in seen or s.alteration == "wild-type"]
        if len(lacked) > 2 * (len(held) - len(lacked)) > 0:
            return replace(lacked[0], fusion=None, variant=None, alteration="wild-type")
        held = [s for s in seen if not (s.alteration or "").endswith(" mutation")] or seen or held
        best = Counter(s.kind for s in held).most_common(1)[0][0]
        return next(s for s in held if s.kind == best)

    @cached_property
    def focus_drugs(self) -> list[Mention]:
        """The drugs of the title as given (not as resisted), else the most frequent drug."""
        if self.title:
            titled = agents(self.title) or [m for m in therapies(self.title) if therapy_role(self, m) == "agent"]
            if titled:
                return titled
        counts = Counter(m.name for m in self.reading.mentions if m.label is Label.DRUG)
        if not counts:
            classes = Counter(m.name for m in self.reading.mentions if m.label is Label.DRUG_CLASS)
            counts = classes if max(classes.values(), default=0) > 1 or len(self.views) < LONG else Counter()
        if not counts:
            return []
        name = counts.most_common(1)[0][0]
        return [next(m for m in self.reading.mentions if m.name == name and m.label in (Label.DRUG, Label.DRUG_CLASS))]

    def class_meant(self, name: str) -> str:
        """The class that a bare "TKI" means: the one specific class of the paper, else its one gene's inhibitors."""
        if name != BARE_CLASS:
            return name
        return self._bare_class

    @cached_property
    def _bare_class(self) -> str:
        specific = Counter(
            m.name for m in self.reading.mentions
            if m.label is Label.DRUG_CLASS and m.name and m.name != BARE_CLASS and self.lexicon.targets(m.name)
        )  # fmt: skip
        if len(specific) == 1:
            return next(iter(specific))
        genes = {s.gene for s in self.focus if s.gene}
        if len(genes) != 1:
            return BARE_CLASS
        hits = self.lexicon.find(f"{genes.pop()} inhibitors")
        return next((hit.concept.name for hit in hits if hit.label is Label.DRUG_CLASS), BARE_CLASS)

    @cached_property
    def disease(self) -> Concept | None:
        """The disease of the title, else the most frequent one."""
        named = [m.referent for m in self.reading.mentions if m.label is Label.DISEASE and isinstance(m.referent, Concept)]
        titled = [m.referent for m in (self.title.of(Label.DISEASE) if self.title else []) if isinstance(m.referent, Concept)]
        if titled:
            return titled[-1]
        return Counter(named).most_common(1)[0][0] if named else None


def tied(view: View, subjects: Iterable[Subject], item: tuple[int, int]) -> list[Subject]:
    """The subjects that a figure's item names: by the gene that stands there, since one alteration may span a list of genes."""
    held = [s for s in subjects if s.gene and s.start < item[1] and item[0] < s.end]
    names = {m.name for m in view.of(Label.GENE) if m.start < item[1] and item[0] < m.end}
    return [s for s in held if s.gene in names] or held


def distinct(subjects: Iterable[Subject]) -> list[Subject]:
    """Subjects without repetition of the same gene, fusion, variant and kind; order kept."""
    seen, kept = set(), []
    for subject in subjects:
        key = (subject.gene, subject.fusion, subject.variant, subject.alteration)
        if key not in seen:
            seen.add(key)
            kept.append(subject)
    return kept
