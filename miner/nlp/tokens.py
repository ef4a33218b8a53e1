"""Cut a text into tokens, sentences and clauses, with rules for the prose of oncology abstracts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy
from spacy.attrs import IDX, SENT_START
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.util import registry

from miner.nlp.doc import sections as sections_of
from miner.nlp.doc import text_of
from miner.nlp.measure_rules import Rules, alternation, first_words
from miner.schema import Sentence

CACHE_SIZE = 1_000_000
Sections = Iterable[tuple[str | None, int, int]]

_HYPHENS = "-‐‑‒–—−"
_OPEN, _CLOSE = r"\(\[\{", r"\)\]\}"
_QUOTES = "\"'“”‘’«»`"
_PREFIX = re.compile(rf"^(?:[{_OPEN}]|[{_QUOTES}]|…|\.\.+|[,;:!?]|[<>=≥≤±~∼≈$€£#&*†‡§©®™]|[{_HYPHENS}](?=\D)|[—–])")
_SUFFIX = re.compile(
    rf"(?:[{_CLOSE}]|[{_QUOTES}]|'s|’s|…|\.\.+|[,;:!?%‰°]|[<>=≥≤±~∼≈&*†‡§©®™+]|[{_HYPHENS}]|(?<=[0-9A-Za-zα-ωΑ-Ω%+\]\)\"”’'])\.)$"
)
_INFIX = re.compile(
    rf"::|\.\.+|…|(?<=[^\s])[{_HYPHENS}](?=[^\s])|[/~∼≈±=≥≤<>&*|]|[{_OPEN}{_CLOSE}]|[{_QUOTES}](?=\w)|[;:](?=\w)|,(?=\D)|(?<=\D),"
    rf"|(?:(?<=[a-z]{{3}})|(?<=[{_CLOSE}]))\.(?=[A-Z][a-z])|(?<=\d)%"
)
_TOKEN = re.compile(
    r"(?:(?:der|inv|ins|del|dup|t|add|dic)\((?:\d{1,2}|X|Y)(?:;(?:\d{1,2}|X|Y))*\)(?:\([pq][\d.pq]*(?:;[pq][\d.pq]*)*\))?"
    r"|[pcgrn]\.(?:\([\w*?+>=\-]+\)|[\w*?+>=\-]*[\w*?>=])"
    r"|(?:NCT|ISRCTN)\d+|UMIN\d+"
    r"|\d+(?:[.,·∙•]\d+)*"
    r"|and/or)$"
)
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"]*[^\s<>\"\).,;]$|(?i:[a-z]+\.(?:gov|org|com|edu|int))$")
_SPECIAL = (
    "vs.",
    "e.g.",
    "i.e.",
    "i.v.",
    "p.o.",
    "s.c.",
    "i.m.",
    "al.",
    "etc.",
    "cf.",
    "ca.",
    "approx.",
    "Dr.",
    "Fig.",
    "Figs.",
    "No.",
    "b.i.d.",
    "t.i.d.",
    "q.d.",
    "U.S.",
    "U.K.",
    "Inc.",
    "Ltd.",
    "Co.",
    "resp.",
    "viz.",
    "Nos.",
    "Ref.",
    "Refs.",
)


def make_tokenizer(nlp: Language) -> Tokenizer:
    """spaCy's tokenizer with rules for gene fusions, variants, fractions and bracketed figures."""
    tokenizer = Tokenizer(
        nlp.vocab,
        rules={word: [{65: word}] for word in _SPECIAL},
        prefix_search=_PREFIX.search,
        suffix_search=_SUFFIX.search,
        infix_finditer=_INFIX.finditer,
        token_match=_TOKEN.match,
        url_match=_URL.match,
    )
    tokenizer.max_cache_size = CACHE_SIZE
    return tokenizer


@registry.tokenizers("miner.Tokenizer.v1")  # type: ignore[untyped-decorator]
def create_tokenizer() -> Callable[[Language], Tokenizer]:
    """What a config names: ``[nlp.tokenizer] @tokenizers = "miner.Tokenizer.v1"``."""
    return make_tokenizer


_END = re.compile(
    rf"[.?!](?:(?P<stop>[.?!]*)(?P<tail>[{_QUOTES}{_CLOSE}]*)(?P<cite>\[\d[\d,\-–]*\])?(?:\s+|$)"
    rf"|(?:(?<=[a-z]{{3}}\.)|(?<=[{_CLOSE}%]\.))(?=[A-Z][a-z]))"
)
_STARTER = re.compile(
    rf"[{_QUOTES}{_OPEN}]*(?:[A-ZΑ-ΩÀ-Þ0-9≥≤><~≈]|[a-zα-ω][a-zα-ω]{{0,4}}[{_HYPHENS}]?[A-Z0-9]|[ckv][{_HYPHENS}]\w|α|β|γ"
    rf"|(?:pan|anti|ex|in|non|de)[{_HYPHENS}][A-Z]|lncRNA|circ)"
)
_SPACED_DECIMAL = re.compile(r"\d\.\s\d{1,3}\s?(?:%|months?\b)")
_BRACKET = re.compile(rf"[{_OPEN}{_CLOSE}]")
_COMMA = re.compile(r",\s+")
_HEAD_WORD = re.compile(r"\w+")
_REACH = 400


class _SentenceRules:
    """Patterns made from ``sentences.toml``."""

    def __init__(self) -> None:
        rules = Rules("sentences.toml")
        self.never = frozenset(rules.words("abbreviations", "never"))
        self.sometimes = frozenset(rules.words("abbreviations", "sometimes"))
        self.before_figures = frozenset(rules.words("abbreviations", "before_figures"))
        self.letter_heads = frozenset(rules.words("abbreviations", "letter_heads"))
        words, bare = alternation(rules.words("labels", "words")), rules.words("labels", "bare")
        printed = (str.upper, str.capitalize, lambda word: word.title().replace(" And ", " and "))
        bare_forms = alternation([form(word) for word in bare for form in printed])
        self.label = re.compile(rf"(?P<label>(?i:{words}))\s*(?:[:;](?=\s|[A-Z])|\s[\-–—]\s)|(?P<bare>{bare_forms})\.?\s+(?=[A-Z0-9])")
        self.label_words = first_words((*rules.words("labels", "words"), *bare))
        self.clause = _clause_pattern(rules)
        self.verb = re.compile(rf"\b{alternation(rules.words('clauses', 'verbs'))}\b", re.IGNORECASE)
        self.subordinate = re.compile(rf"\W*{alternation(rules.words('clauses', 'subordinate'))}\b", re.IGNORECASE)
        self.goes_on = re.compile(rf"{alternation(rules.words('clauses', 'goes_on'))}\b", re.IGNORECASE)


def _clause_pattern(rules: Rules) -> re.Pattern[str]:
    """Where a clause may begin; what stands in ``joins`` begins one only between two finite verbs."""
    after, anywhere = alternation(rules.words("clauses", "after_comma")), alternation(rules.words("clauses", "anywhere"))
    joining, verbs = alternation(rules.words("clauses", "joining")), alternation(rules.words("clauses", "verbs"))
    after_but = alternation([*rules.words("clauses", "verbs"), *rules.words("clauses", "after_but")])
    but = rf"but\s+(?:(?:\w+ly|also|then|still|later|only)\s+)?{after_but}"
    finite = rf"(?:[^\s,;:()]+\s+){{0,6}}?(?!(?:and|or|but)\s)[^\s,;:()]+\s+{verbs}\b"
    return re.compile(
        rf";\s+(?!\d\d(?:\.\d)?\s?%|[Pp]\s?[=<>])|:\s+|,\s+(?:(?=(?:(?:and|or|of|in|by|for|from|with)\s+)?{after}\b)|(?P<comma>(?={joining}\s+{finite})))"
        rf"| (?:(?=[awe])(?={anywhere}\b)|(?=b)(?={but}\b)|(?=[ab])(?P<joins>(?=(?:and|but)\s+{finite}))|[–—]\s+)"
    )


@cache
def _rules() -> _SentenceRules:
    return _SentenceRules()


def split_sentences(text: str, sections: Sections) -> tuple[Sentence, ...]:
    """Cut a text into sentences that never cross a section or a line.

    A section label printed inside the text ("Results: ...", "Methods We ...") becomes the label of the sentence it opens and
    of those that follow it in its section.
    """
    rules, found = _rules(), []
    for index, (label, start, end) in enumerate(sections):
        for line_start, line_end in _lines(text, start, end):
            for left, right in _spans(text, line_start, line_end, rules):
                head = _HEAD_WORD.match(text, left, right) if label != "TITLE" else None
                inline = rules.label.match(text, left, right) if head and head[0].lower() in rules.label_words else None
                if inline:
                    label = (inline["label"] or inline["bare"]).upper()
                found.append(Sentence(left, right, index, label, clauses(text, left, right)))
    return tuple(found)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Lines of a section, without the breaks."""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield start, stop
        start = stop + 1


def _spans(text: str, start: int, end: int, rules: _SentenceRules) -> Iterator[tuple[int, int]]:
    """Sentence spans of a line, without the white space around them."""
    left = start
    for match in _END.finditer(text, start, end):
        stop = match.end() if match["stop"] is None else match.end("cite") if match["cite"] else match.end("tail")
        if match.end() < end and _is_boundary(text, left, match, end, rules):
            if trimmed := _trim(text, left, stop):
                yield trimmed
            left = match.end()
    if trimmed := _trim(text, left, end):
        yield trimmed


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A span without the white space at its ends; None when nothing is left."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


def _is_boundary(text: str, left: int, match: re.Match[str], end: int, rules: _SentenceRules) -> bool:
    """Does a sentence that begins at ``left`` end with this stop?"""
    if not _STARTER.match(text, match.end(), end):
        return False
    inside = _open_bracket(text, left, match.start())
    if inside is not None and not match["tail"] and inside > left and _closes(text, inside, match.end(), end):
        return False
    if text[match.start()] != "." or match["stop"] or _SPACED_DECIMAL.match(text, match.start() - 1):
        return text[match.start()] != "." or bool(match["stop"])
    word = _word_before(text, left, match.start())
    if not word or word[-1] in "<>=≤≥":
        return text[match.end()].isupper() and not word
    return not _is_abbreviation(text, left, match, word, rules)


def _word_before(text: str, left: int, stop: int) -> str:
    """The run of characters before a stop, without opening brackets and quotes."""
    begin = stop
    while begin > left and not text[begin - 1].isspace() and text[begin - 1] not in "([{\"'“‘/":
        begin -= 1
    return text[begin:stop]


def _is_abbreviation(text: str, left: int, match: re.Match[str], word: str, rules: _SentenceRules) -> bool:
    """Does the stop after ``word`` belong to it?"""
    if match["tail"]:
        return False
    lower, following = word.lower(), text[match.end()]
    if len(word) == 1 and word.isupper():
        head = text[left : match.start() - 1].split()
        return not head or (head[-1].lower().strip("(,") not in rules.letter_heads and following.isalpha())
    if lower in rules.before_figures:
        return following.isdigit() or (lower in _HGVS and _CHANGE.match(text, match.end()) is not None)
    if lower in rules.never:
        return True
    if lower in rules.sometimes:
        return not (following.isupper() or following.isdigit())
    return word.isdigit() and match.start() - len(word) == left


_HGVS = frozenset({"p", "c", "g"})
_CHANGE = re.compile(r"\(?[A-Z](?:[a-z]{2})?\d+")


def _open_bracket(text: str, left: int, stop: int) -> int | None:
    """Offset of the innermost bracket that is open at ``stop``, or None."""
    stack = []
    for match in _BRACKET.finditer(text, max(left, stop - _REACH), stop):
        if match[0] in "([{":
            stack.append(match.start())
        elif stack:
            stack.pop()
    return stack[-1] if stack else None


def _closes(text: str, opened: int, start: int, end: int) -> bool:
    """Does the bracket opened before ``start`` close within reach?"""
    depth = 1
    for match in _BRACKET.finditer(text, start, min(end, opened + _REACH)):
        depth += 1 if match[0] in "([{" else -1
        if not depth:
            return True
    return False


def clauses(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Spans that tile a sentence: semicolons, contrasts, relative clauses and coordinate clauses with a verb of their own."""
    rules, cuts = _rules(), [start]
    inside = _bracketed(text, start, end)
    main = _main_clause(text, start, end, inside)
    for match in rules.clause.finditer(text, start, end):
        if main is not None and main <= match.end():
            cuts += [main] if main < match.end() else []
            main = None
        at = match.end()
        if at - cuts[-1] < 3 or end - at < 3 or any(opened < at <= closed for opened, closed in inside):
            continue
        if match.lastgroup is None or rules.verb.search(text, cuts[-1], match.start()):
            cuts.append(at)
    if main is not None:
        cuts.append(main)
    return tuple(zip(cuts, [*cuts[1:], end], strict=True))


def _main_clause(text: str, start: int, end: int, inside: Sequence[tuple[int, int]]) -> int | None:
    """Where the main clause begins behind one that opens the sentence: "While A was found, B and C were given"."""
    rules = _rules()
    if not rules.subordinate.match(text, start, end):
        return None
    for comma in _COMMA.finditer(text, start, end):
        if any(opened < comma.start() <= closed for opened, closed in inside) or not rules.verb.search(text, start, comma.start()):
            continue
        listed = rules.goes_on.match(text, comma.end(), end)
        return None if listed or not rules.verb.search(text, comma.end(), end) else comma.end()
    return None


def _bracketed(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans inside outermost brackets; a bracket that never closes holds nothing."""
    found, stack = [], []
    for match in _BRACKET.finditer(text, start, end):
        if match[0] in "([{":
            stack.append(match.start())
        elif stack:
            opened = stack.pop()
            if not stack:
                found.append((opened, match.start()))
    return found


class SentenceSplitter:
    """spaCy component: sets ``doc._.miner_sentences`` and, where a token begins there, ``token.is_sent_start``."""

    def __call__(self, doc: Doc) -> Doc:
        """Cut a doc into sentences."""
        found = split_sentences(text_of(doc), sections_of(doc))
        doc._.miner_sentences = found
        if not len(doc):
            return doc
        starts = doc.to_array(IDX)
        wanted = numpy.array([sentence.start for sentence in found], dtype=starts.dtype)
        at = numpy.minimum(numpy.searchsorted(starts, wanted), len(doc) - 1)
        begins: Any = numpy.full((len(doc), 1), -1, dtype="int64")
        begins[at[starts[at] == wanted]] = 1
        begins[0] = 1
        return doc.from_array([SENT_START], begins.view("uint64"))


@Language.factory("miner_sentences")
def create_miner_sentences(nlp: Language, name: str) -> SentenceSplitter:
    """Component that cuts a doc into sentences with their section and clauses."""
    return SentenceSplitter()
