"""Compose the lexemes of a sentence into quantities: "ten (34%) of the 29", "60% (9/15; 95% CI, 32.3 to 83.7)"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from miner.nlp.measure_intervals import absorb, share_units
from miner.nlp.measure_lexemes import Lexeme, months
from miner.nlp.measure_rules import measure_rules
from miner.numbers import tidy

_FRACTION = r"(?P<a>N)(?:/|w?n?o[wo]{0,3})(?P<b>N)"
_COMPOSITES = {
    "percent of fraction": re.compile(rf"(?P<p>P)(?:[wnoc]{{0,6}}\([wc]{{0,2}}=?|,|;)w?{_FRACTION}"),
    "fraction": re.compile(rf"{_FRACTION}(?:(?:[wnoca]{{0,12}}?)\([wc]{{0,2}}=?(?P<p>P)|[,:]?(?P<q>P))?"),
    "count of": re.compile(r"(?P<a>N)[wnc]{0,7}?\([wc]{0,2}=?(?P<p>P)\)?[wn]{0,2}o[wo]{0,4}(?P<b>N)"),
    "count": re.compile(r"(?P<a>N)(?:[wnc]{0,7}?\([wc]{0,2}=?|[,;])(?P<p>P)(?![wnc])"),
    "percent of": re.compile(r"(?P<p>P)n?o[wo]{0,3}(?P<b>N)(?=[wc]{0,6}n|\))"),
    "percent": re.compile(r"(?P<p>P)\(w{0,2}=?(?P<a>N)[wn]{0,4}\)"),
    "odds": re.compile(r"(?P<a>N)w(?P<b>N)"),
}
_ALL = re.compile(r"\b(?:all|both)\s(?:of\s)?(?:the\s|these\s|our\s)?$", re.IGNORECASE)
_NEAR = 1.6


@dataclass(slots=True)
class Quantity:
    """A figure of a sentence before it has a name; ``value`` is a number, a bound or range as text, or "not reached".

    ``figure`` is the span of the value alone, ``counted`` that of the count with its noun ("ten of the 17 patients"), or of
    the total alone where ``whole_counted``.
    """

    start: int
    end: int
    form: str
    value: float | str | None
    n: int | None = None
    total: int | None = None
    ci: tuple[float, float] | None = None
    unit: str | None = None
    noun: str = ""
    equals: bool = False
    word: bool = False
    share: bool = False
    kind: str = "Q"
    text: str = ""
    inner: tuple[int, ...] = ()
    figure: tuple[int, int] = (0, 0)
    whole_counted: bool = False
    counted: tuple[int, int] = (0, 0)


Element = Lexeme | Quantity


def kind_of(quantity: Quantity) -> str:
    """Kind of metric a quantity can be a figure of; "not reached" stands for a duration."""
    return "duration" if quantity.form == "text" else quantity.form


def compose(lexemes: list[Lexeme], source: str, seen_interval: bool) -> list[Element]:
    """The lexemes of a sentence with its figures composed into quantities."""
    lexemes = absorb(lexemes, seen_interval)
    share_units(lexemes)
    kinds = "".join([lexeme.kind for lexeme in lexemes])
    found: list[Element] = []
    i = 0
    while i < len(lexemes):
        if kinds[i] in "PTNDL":
            first = lexemes[i].start
            quantity, i = _composite(lexemes, kinds, i, source)
            if i < len(lexemes) and kinds[i] == ")" and _unclosed(source, first, quantity.end):
                quantity.end = lexemes[i].end
                i += 1
            found.append(quantity)
        else:
            found.append(lexemes[i])
            i += 1
    _infer_totals(found)
    return found


def _unclosed(source: str, start: int, end: int) -> bool:
    """Does a bracket that opens in a span stay open?"""
    inside = source[start:end]
    return inside.count("(") + inside.count("[") > inside.count(")") + inside.count("]")


def _infer_totals(elements: Sequence[Element]) -> None:
    """The percentage tells what is of what: "Of 141 tumors, 19 (13%) ...", "21 mutations were found in 951 patients (2.2%)"."""
    groups: list[int] = []
    shared: set[int] = set()
    for element in elements:
        if not isinstance(element, Quantity):
            continue
        if element.form == "count" and element.n is not None and (element.noun or element.equals or not element.total):
            groups.append(element.n if element.total is None else element.total)
        elif element.form == "percent" and element.n is not None and element.total is None and isinstance(element.value, (int, float)):
            slack = 0.06 if isinstance(element.value, float) else 0.55
            n, value = element.n, element.value
            element.total = next((g for g in reversed(groups) if g >= max(n, 1) and abs(100 * n / g - value) <= slack), None)
            part = next((g for g in reversed(groups) if 0 < g < n and abs(100 * g / n - value) <= slack), None)
            fitting = [g for g in shared if g >= max(n, 1) and abs(100 * n / g - value) <= slack]
            if element.total is None and part is None and len(fitting) == len(shared) == 1:
                element.total = fitting[0]
            if element.total is None and part is not None:
                element.n, element.total, element.whole_counted = part, n, True
        elif element.form == "percent" and element.n is not None and element.total is not None and not element.whole_counted:
            shared.add(element.total)


def _composite(lexemes: list[Lexeme], kinds: str, i: int, source: str) -> tuple[Quantity, int]:
    """The longest quantity that begins at a lexeme, and the index after it."""
    for pattern, maker in _BY_KIND.get(kinds[i], ()):
        match = pattern.match(kinds, i)
        made = maker(lexemes, match) if match else None
        if made:
            return made
    return _simple(lexemes, kinds, i, source), i + 1


def _simple(lexemes: list[Lexeme], kinds: str, i: int, source: str) -> Quantity:
    lexeme = lexemes[i]
    form = {"P": "percent", "T": "duration", "N": "count", "D": "ratio", "L": "text"}[lexeme.kind]
    if form == "count" and lexeme.ci:
        form = "ratio"
    span = (lexeme.start, lexeme.end)
    quantity = Quantity(
        *span,
        form,
        value_of(lexeme),
        ci=_interval_in(lexeme),
        equals=lexeme.equals,
        word=lexeme.word,
        share=lexeme.share,
        text=lexeme.text,
        figure=span,
        counted=span,
    )
    if form == "duration":
        quantity.unit = "months"
    elif form == "percent":
        quantity.unit = "%"
    elif form == "count" and isinstance(lexeme.value, float) and (not lexeme.bound or lexeme.value >= 5):
        quantity.n = int(lexeme.value)
        if _ALL.search(source, max(0, lexeme.start - 16), lexeme.start):
            quantity.total = quantity.n
        _set_noun(quantity, lexemes[i + 1 : i + 9])
    return quantity


def _set_noun(quantity: Quantity, following: Sequence[Lexeme]) -> None:
    """Note the counted noun of a count, the head of the first run of nouns after it, and where the group's span ends."""
    listed = False
    for i, lexeme in enumerate(following):
        if lexeme.kind == "n":
            after = following[i + 1] if i + 1 < len(following) else lexeme
            head = after if after.kind == "n" else lexeme
            behind = next((e for e in following[i + 1 + (head is after) : i + 2 + (head is after)]), lexeme)
            quantity.noun = behind.text if behind.text.lower() in SORTS else head.text
            if not listed:
                quantity.counted = (quantity.counted[0], head.end)
            return
        if lexeme.kind == "N" and i and following[i - 1].kind in "a,":
            listed = True
        elif (i and not listed and following[i - 1].kind == ",") or lexeme.kind not in "wca," or lexeme.text.lower() in _STOPS:
            return


_BE = frozenset({"was", "were", "is", "are"})
SORTS = measure_rules().word_set("words", "sorts")
_STOPS = measure_rules().word_set("words", "noun_stops")


def value_of(lexeme: Lexeme) -> float | str | None:
    """Value of a lexeme as a measure keeps it; durations in months."""
    scale: Callable[[float], float] = (lambda v: months(v, lexeme.unit)) if lexeme.kind == "T" and lexeme.unit else (lambda v: v)
    if lexeme.kind == "L":
        return "not reached"
    if isinstance(lexeme.value, tuple):
        return "-".join(str(tidy(scale(v))) for v in lexeme.value)
    if lexeme.value is None:
        return None
    value = tidy(scale(lexeme.value))
    return f"{lexeme.bound}{value}" if lexeme.bound else value


def _interval_in(lexeme: Lexeme) -> tuple[float, float] | None:
    """The interval in the unit of the value."""
    if lexeme.ci is None or lexeme.kind != "T" or not lexeme.unit:
        return lexeme.ci
    return (months(lexeme.ci[0], lexeme.unit), months(lexeme.ci[1], lexeme.unit))


def _counts(lexemes: list[Lexeme], match: re.Match[str]) -> tuple[Lexeme | None, Lexeme | None, Lexeme | None]:
    """(count, total, percentage) of a match."""
    groups = match.groupdict()

    def at(name: str) -> Lexeme | None:
        return lexemes[match.start(name)] if groups.get(name) is not None else None

    return at("a"), at("b"), at("p") or at("q")


def _whole(lexeme: Lexeme | None) -> int | None:
    return int(lexeme.value) if lexeme is not None and isinstance(lexeme.value, float) and not lexeme.bound else None


def _agree(n: int, total: int, percent: Lexeme) -> bool:
    return isinstance(percent.value, float) and total > 0 and abs(100 * n / total - percent.value) <= _NEAR


def _build(
    lexemes: list[Lexeme], match: re.Match[str], percent: Lexeme | None, n: int | None, total: int | None, stop: int
) -> tuple[Quantity, int]:
    groups = match.groupdict()
    first, last = lexemes[match.start()], lexemes[stop - 1]
    of = match.start("b") if groups.get("b") is not None else None
    count = match.start("a") if groups.get("a") is not None else of
    ci = percent.ci if percent else lexemes[of].ci if of is not None else None
    quantity = Quantity(
        first.start,
        last.end,
        "percent" if percent else "count",
        value_of(percent) if percent else n,
        n,
        total,
        ci,
        "%" if percent else None,
        word=first.word,
    )
    quantity.inner = tuple(x.start for x in lexemes[match.start() : stop] if x.kind == "c")
    if count is not None:
        end = of if of is not None and of > count and (percent is None or lexemes[of].start < percent.start or percent is first) else count
        quantity.counted = (lexemes[count].start, lexemes[end].end)
        _set_noun(quantity, lexemes[end + 1 : end + 9])
    quantity.figure = (percent.start, percent.end) if percent else quantity.counted
    if not quantity.noun:
        closed = stop < len(lexemes) and lexemes[stop].kind == ")"
        _set_noun(quantity, lexemes[stop + closed : stop + closed + 8])
    return quantity, stop


def _fraction(lexemes: list[Lexeme], match: re.Match[str]) -> tuple[Quantity, int] | None:
    """A count of a total, with its percentage where one belongs to it."""
    (count, of, percent), p = _counts(lexemes, match), match.start("p") if match["p"] else match.start("q") if match["q"] else -1
    n, total = _whole(count), _whole(of)
    if n is None or total is None or n > total or total < 2 or (of is not None and of.equals):
        return None
    near = p - match.end("b") <= 4
    if percent is not None and not _agree(n, total, percent) and not (near and match["p"] and not percent.bound):
        percent = None
    return _build(lexemes, match, percent, n, total, p + 1 if percent is not None else match.end("b"))


def _percent_of_fraction(lexemes: list[Lexeme], match: re.Match[str]) -> tuple[Quantity, int] | None:
    (count, of, percent) = _counts(lexemes, match)
    n, total = _whole(count), _whole(of)
    if percent is None or n is None or total is None or n > total or total < 2:
        return None
    bracketed = lexemes[match.start("a") - 1].kind in "(=" or lexemes[match.start("a") - 2].kind == "("
    if not _agree(n, total, percent) and not (bracketed and not percent.bound):
        return None
    return _build(lexemes, match, percent, n, total, match.end("b"))


def _count_of(lexemes: list[Lexeme], match: re.Match[str]) -> tuple[Quantity, int] | None:
    (count, of, percent) = _counts(lexemes, match)
    n, total = _whole(count), _whole(of)
    if percent is None or n is None or total is None or n > total:
        return None
    return _build(lexemes, match, percent, n, total, match.end("b"))


def _count(lexemes: list[Lexeme], match: re.Match[str]) -> tuple[Quantity, int] | None:
    """ "18 patients (3%)"; with a comma between ("n = 8, 42%") only where nothing else can be meant."""
    (count, _, percent) = _counts(lexemes, match)
    n = _whole(count)
    if percent is None or n is None or count is None or (percent.bound and percent.bound == ">"):
        return None
    between = lexemes[match.start("a") + 1 : match.start("p")]
    if any(x.kind == "c" for x in between) and between and between[0].kind != "n" and _separate(between):
        return None
    if any(x.text.lower() in _BE for x in between) or (percent.bound and len(between) > 3):
        return None
    if between and between[0].kind in ",;" and not (count.equals or lexemes[match.start() - 1].kind == "("):
        return None
    return _build(lexemes, match, percent, n, None, match.end("p"))


def _separate(between: Sequence[Lexeme]) -> bool:
    """Does an endpoint stand in the bracket, so that the percentage is its own ("12 patients (ORR 60%)")?"""
    inside = False
    for lexeme in between:
        inside = inside or lexeme.kind == "("
        if inside and lexeme.kind == "c":
            return True
    return False


def _percent_of(lexemes: list[Lexeme], match: re.Match[str]) -> tuple[Quantity, int] | None:
    (_, of, percent) = _counts(lexemes, match)
    total = _whole(of)
    if percent is None or total is None or total < 5 or (of is not None and of.equals):
        return None
    return _build(lexemes, match, percent, None, total, match.end("b"))


def _percent_count(lexemes: list[Lexeme], match: re.Match[str]) -> tuple[Quantity, int] | None:
    (count, _, percent) = _counts(lexemes, match)
    n = _whole(count)
    return None if percent is None or n is None else _build(lexemes, match, percent, n, None, match.end("a"))


def _odds(lexemes: list[Lexeme], match: re.Match[str]) -> tuple[Quantity, int] | None:
    """ "one in 7500", "four in ten"."""
    (count, of, _) = _counts(lexemes, match)
    n, total = _whole(count), _whole(of)
    if lexemes[match.start() + 1].text.lower() != "in" or n is None or total is None or count is None or not n < total:
        return None
    if not (n == 1 or (count.word and of is not None and of.word)):
        return None
    return _build(lexemes, match, None, n, total, match.end("b"))


_Maker = Callable[[list[Lexeme], re.Match[str]], "tuple[Quantity, int] | None"]
_MAKERS: dict[str, _Maker] = {
    "percent of fraction": _percent_of_fraction,
    "fraction": _fraction,
    "count of": _count_of,
    "count": _count,
    "percent of": _percent_of,
    "percent": _percent_count,
    "odds": _odds,
}
_BY_KIND = {
    "P": [(_COMPOSITES[name], _MAKERS[name]) for name in ("percent of fraction", "percent of", "percent")],
    "N": [(_COMPOSITES[name], _MAKERS[name]) for name in ("fraction", "count of", "count", "odds")],
}
