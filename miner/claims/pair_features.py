"""What a model is told of a therapy and a gene in one sentence: marked words, cues, the frames' own reading. Plain data."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from miner.claims import effects, frames
from miner.claims.claim_types import family
from miner.claims.document import Subject, View, therapies, therapy_role
from miner.schema import Claim, Label, Measure, Mention, Token

_TOKEN = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[^\w\s]")
_MARKS = {Label.DISEASE: "<dis>", Label.COHORT: "<n>", Label.ASSAY: "<assay>", Label.DRUG: "<drug2>", Label.DRUG_CLASS: "<class2>"}
_ALTERED = (Label.FUSION, Label.VARIANT, Label.ALTERATION)
_NEAR = 5
_EFFECT_SENSES = frozenset({"sensitive", "respond", "active", "benefit", "inhibit", "overcome", "resist", "worse", "nodiff", "outcome"})
_LONGEST, _DEEPEST = 6, 40
SUBJECT, THERAPY = "<subject>", "<therapy>"


class Pair(NamedTuple):
    """A gene and a therapy that a sentence may assert something of; either may be None. ``carried`` is the gene named before."""

    view: View
    gene: str | None
    therapy: str | None
    carried: bool = False


def pairs(view: View) -> Iterator[Pair]:
    """Every gene of a sentence, or carried into it, with every therapy it names; then each gene and each therapy alone."""
    drugs = therapies_of(view)
    genes = genes_of(view)
    carried = not genes
    genes = genes or carried_genes(view)
    yield from (Pair(view, gene, drug, carried) for gene in genes for drug in drugs)
    yield from (Pair(view, gene, None, carried) for gene in genes)
    yield from (Pair(view, None, drug) for drug in drugs)


def therapies_of(view: View) -> list[str]:
    """Names of the therapies of a sentence."""
    return list(dict.fromkeys(view.document.class_meant(m.name) for m in therapies(view) if m.name))


def genes_of(view: View) -> list[str]:
    """Genes that the sentence names, altered or alone."""
    found = [s.gene for s in view.subjects if s.gene]
    return list(dict.fromkeys(found + [m.name for m in view.of(Label.GENE) if m.name and m.name not in found]))


def carried_genes(view: View) -> list[str]:
    """Genes of the nearest of the two sentences before that names an alteration, else of the paper's focus."""
    for previous in reversed(view.document.views[max(0, view.index - 2) : view.index]):
        found = [s.gene for s in previous.subjects if s.gene]
        if found:
            return list(dict.fromkeys(found))
    return list(dict.fromkeys(s.gene for s in view.document.focus if s.gene))


def features(pair: Pair, claims: Iterable[Claim]) -> list[str]:
    """Names of the features that hold of a pair; ``claims`` are what the frames read in its sentence."""
    words = marked(pair)
    held = set(_words(words))
    held.update(_cues(pair, words))
    held.update(_read(pair, claims))
    held.update(_facts(pair))
    held.update(_path(pair))
    return sorted(held)


class Word(NamedTuple):
    """A word, or the mark of a mention, with its span."""

    text: str
    start: int
    end: int


def marked(pair: Pair) -> list[Word]:
    """The words of the sentence, mentions replaced by marks, those of the pair by marks of their own."""
    view, text = pair.view, pair.view.document.text
    found, at = [], view.start
    for mention in _outermost(view.mentions):
        mark = _mark(pair, mention)
        if mark is None or mention.start < at:
            continue
        found += _plain(text, at, mention.start)
        found.append(Word(mark, mention.start, mention.end))
        at = mention.end
    return found + _plain(text, at, view.end)


def _outermost(mentions: Sequence[Mention]) -> list[Mention]:
    return sorted(mentions, key=lambda m: (m.start, -m.end, m.label is Label.GENE))


def _plain(text: str, start: int, end: int) -> list[Word]:
    return [Word(_folded(m[0]), m.start(), m.end()) for m in _TOKEN.finditer(text, start, end)]


def _folded(word: str) -> str:
    return "<0>" if word[0].isdigit() else word.lower()


def _mark(pair: Pair, mention: Mention) -> str | None:
    if mention.label in (Label.DRUG, Label.DRUG_CLASS):
        mine = pair.therapy is not None and pair.view.document.class_meant(mention.name or "") == pair.therapy
        return THERAPY if mine else _MARKS[mention.label]
    if mention.label is Label.GENE or mention.label in _ALTERED:
        return SUBJECT if pair.gene and _is_of(mention, pair.gene) else "<gene2>"
    if isinstance(mention.referent, Measure):
        return f"<{mention.referent.metric}>"
    return _MARKS.get(mention.label)


def _is_of(mention: Mention, gene: str) -> bool:
    referent = mention.referent
    named = {getattr(referent, side, None) for side in ("gene", "five_prime", "three_prime", "name")}
    return gene in named or family(gene) in {family(n) for n in named if n}


def _words(words: list[Word]) -> Iterator[str]:
    texts = [w.text for w in words]
    at = [i for i, t in enumerate(texts) if t in (SUBJECT, THERAPY)]
    low, high = (at[0], at[-1]) if at else (0, -1)
    for index, text in enumerate(texts):
        yield f"w {text}"
        yield f"{_zone(index, low, high)} {text}"
        if index:
            yield f"b {texts[index - 1]} {text}"
        if index > 1:
            yield f"t {texts[index - 2]} {texts[index - 1]} {text}"
    for centre in at:
        side = "s" if texts[centre] == SUBJECT else "d"
        for offset in range(-_NEAR, _NEAR + 1):
            if offset and 0 <= centre + offset < len(texts):
                yield f"{side}{'-' if offset < 0 else '+'} {texts[centre + offset]}"


def _zone(index: int, low: int, high: int) -> str:
    return "pre" if index < low else "post" if index > high else "mid"


def _cues(pair: Pair, words: list[Word]) -> Iterator[str]:
    view = pair.view
    spans = [(w.start, w.end) for w in words if w.text in (SUBJECT, THERAPY)]
    low, high = (spans[0][0], spans[-1][1]) if spans else (view.start, view.start)
    for cue in view.cues:
        yield f"cue {cue.sense}"
        yield f"cue {'pre' if cue.end <= low else 'post' if cue.start >= high else 'mid'} {cue.sense}"
        if cue.sense in _EFFECT_SENSES:
            direction, polarity = frames.stance_at(view, cue.start, cue.end)
            yield f"said {cue.sense} {direction} {polarity}"
    for effect in effects.find(view):
        mine = any(view.document.class_meant(m.name or "") == pair.therapy for m in effect.therapies)
        yield f"effect {'of this' if mine else 'of another'} {effect.kind}{' hedged' if effect.hedged else ''}"


def _read(pair: Pair, claims: Iterable[Claim]) -> Iterator[str]:
    """What the frames claimed of the pair in its sentence, and of its gene or therapy with others."""
    held = "none"
    for claim in claims:
        gene = pair.gene is None or family(pair.gene) in {family(g) for g in claim.genes}
        drug = pair.therapy is None or pair.therapy in claim.therapies
        about = "pair" if gene and drug else "part" if gene or drug else "other"
        yield f"claim {about} {claim.type}"
        yield f"claim {about} {claim.type} {claim.direction} {claim.polarity}"
        if gene and drug:
            held = "some"
            yield f"claim rule {claim.type} {claim.rule}"
    yield f"claim {held}"


def _facts(pair: Pair) -> Iterator[str]:
    view, document = pair.view, pair.view.document
    subjects = [s for s in view.subjects if pair.gene and family(s.gene) == family(pair.gene)]
    focus = {family(s.gene) for s in document.focus if s.gene}
    yield f"role {view.role}"
    yield f"study {document.study_type}"
    yield f"role study {view.role} {document.study_type}"
    yield f"aim {view.is_aim}"
    yield f"background {frames.is_background(view)}"
    yield f"carried {pair.carried}"
    yield f"focus {pair.gene is not None and family(pair.gene) in focus}"
    yield f"therapies {min(len(therapies(view)), 4)}"
    yield f"genes {min(len(genes_of(view)), 4)}"
    yield f"sentence {min(view.index, 4)} of {min(len(document.views), 5)}"
    yield f"last {view.index >= len(document.views) - 2}"
    if pair.gene and pair.therapy:
        yield f"aimed {family(pair.gene) in {family(t) for t in document.lexicon.targets(pair.therapy)}}"
    for mention in therapies(view):
        if document.class_meant(mention.name or "") == pair.therapy:
            yield f"given {therapy_role(document, mention)}"
            yield f"label {mention.label}"
            yield f"first {mention in document.focus_drugs}"
    yield from _of_subjects(view, subjects)
    if not subjects:
        yield "kind none"


def _of_subjects(view: View, subjects: list[Subject]) -> Iterator[str]:
    for subject in subjects:
        yield f"kind {subject.kind}"
        if subject.mention is not None:
            yield f"subject {subject.mention.polarity}"
        if subject.variant in view.document.resistance_variants:
            yield "subject resists"


def _path(pair: Pair) -> Iterator[str]:
    """The way from gene to therapy through the parse, where a parser ran: its arcs, and the verbs and nouns on it."""
    tokens, view = pair.view.document.reading.tokens, pair.view
    if not tokens or pair.gene is None or pair.therapy is None:
        return
    ends = [_heads(view, _mentions_of(pair, mark)) for mark in (SUBJECT, THERAPY)]
    found = [way for a in ends[0] for b in ends[1] if (way := _way(tokens, a, b)) is not None]
    if not found:
        yield "path none"
        return
    up, down = min(found, key=lambda way: len(way[0]) + len(way[1]))
    arcs = [f"<{tokens[i].dep}" for i in up[:-1]] + [f">{tokens[i].dep}" for i in down[:-1]]
    top = view.document.text[tokens[up[-1]].start : tokens[up[-1]].end].lower()
    yield f"path {' '.join(arcs) if len(arcs) <= _LONGEST else 'long'}"
    yield f"path length {min(len(arcs), 8)}"
    yield f"path top {top}"
    for index in (*up, *down):
        if tokens[index].tag[:1] in ("V", "N", "J"):
            yield f"path word {view.document.text[tokens[index].start : tokens[index].end].lower()}"
    starts = _starts(view)
    for token in tokens[bisect_left(starts, view.start) : bisect_left(starts, view.end)]:
        if token.head == up[-1] and token.dep in ("neg", "aux"):
            yield f"path {token.dep} {view.document.text[token.start : token.end].lower()}"


def _mentions_of(pair: Pair, mark: str) -> list[Mention]:
    return [m for m in pair.view.mentions if _mark(pair, m) == mark]


def _heads(view: View, mentions: Iterable[Mention]) -> list[int]:
    """For each mention the token whose head lies outside it."""
    tokens, starts = view.document.reading.tokens, _starts(view)
    found = []
    for mention in mentions:
        inside = range(bisect_left(starts, mention.start), bisect_left(starts, mention.end))
        found += [i for i in inside if tokens[i].head >= 0 and (tokens[i].head not in inside or tokens[i].head == i)][:1]
    return found


def _starts(view: View) -> list[int]:
    """Where the tokens of the document begin, counted once."""
    held = view.document.__dict__
    if "_token_starts" not in held:
        held["_token_starts"] = [token.start for token in view.document.reading.tokens]
    starts: list[int] = held["_token_starts"]
    return starts


def _way(tokens: Sequence[Token], start: int, end: int) -> tuple[list[int], list[int]] | None:
    """Tokens from both ends up to the head that they share, it included; None where they share none."""
    up, down = _upward(tokens, start), _upward(tokens, end)
    shared = next((i for i in up if i in down), None)
    if shared is None:
        return None
    return up[: up.index(shared) + 1], down[: down.index(shared) + 1]


def _upward(tokens: Sequence[Token], at: int) -> list[int]:
    found = [at]
    while tokens[at].head not in (at, -1) and len(found) < _DEEPEST:
        at = tokens[at].head
        found.append(at)
    return found
