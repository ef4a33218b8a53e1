"""Turn a sentence into the few kinds of lexeme that the grammar of figures knows.

Each lexeme has a one-letter kind, so that a phrase is a string and the grammar a regular expression over it:
``P`` percentage, ``T`` duration, ``N`` whole number, ``D`` other number, ``L`` "not reached", ``X`` number of something else,
``C`` confidence interval, ``V`` p value, ``R`` range, ``H`` timepoint, ``c`` name of an endpoint, ``n`` counted noun, ``o`` of,
``a`` and, ``v`` versus, ``y`` respectively, ``w`` other word, and the brackets, comma, semicolon, colon, slash and equals sign.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from miner.nlp.measure_noise import DASH, Noise
from miner.numbers import Number, find_numbers, parse_number

NUM = r"[-−]?(?:\d+(?:,\d{3})+|\d+(?:[.·∙•⋅]\d+)?|[.·]\d+)"
_PCT = r"(?:\s?%|\s?‰|[\s-]?per\s?cent\b|[\s-]?percent\b)"
_TIME = r"(?:months?|mos?|mo\.|weeks?|wks?|years?|yrs?|y|days?|m|d)"
_CI_NAME = re.compile(
    r"(?:con(?:fi|ﬁ)dence[\s-]+(?:interval|limit|bound)s?|CIs?|C\.I\.s?|CrIs?|credib(?:le|ility)[\s-]+intervals?|HDI|c\.i\.)(?!\w)"
)
_CI_LEVEL = re.compile(rf"(?:[±+/-]+\s?)?\b(?:(?:two-sided|exact|adjusted)\s)*\d\d(?:\.\d)?(?:{_PCT})?[\s-]*(?:\w+\s)?$")
_CI_BODY = re.compile(
    r"(?:\s*[\[(](?:\d\d\s?%?\s?)?C\.?I\.?s?[\])])?(?:\s?9\d(?:\.\d)?\s?%(?!\s*(?:[-–−‐‑—]|to\b|and\b)))?"
    r"(?:\sof\s(?:the\s)?(?:HR|OR|RR|hazard ratio|odds ratio))?"
    r"(?:\s*(?:[:,=;(\[]|of\b|was\b|were\b|from\b|rang\w+\b|between\b))*\s*"
    rf"(?:(?P<lo>{NUM})\s?(?:{_PCT}|{_TIME}\b)?\s*(?:{DASH}|\bto\b|,|;|\band\b|/|\s)\s*"
    rf"(?P<hi>{NUM}|NR|NE|NA|NC|not[\s-]\w+(?: reached)?|could not be \w+|∞|infinity|inf\b|unreached|upper limit[\w\s]{{0,20}})"
    rf"(?:\s?(?:{_PCT}|{_TIME}\b))?)?"
)
_P_VALUE = re.compile(
    r"[pPΡ](?<![\w-][pPΡ])(?:[\s-]?(?:values?|trend|interaction|adjusted|for \w+))?(?:\s?\([\w\s]+\))?\s*"
    r"(?:[=<>≤≥]|&lt;|was|of|less than|both|all)[=<>≤≥\s]*\d*\s?[.·,]?\s?\d+(?:\s?[x×]\s?10\S*|[eE]-?\d+)?"
)
_RANGE = re.compile(
    r"(?:IQR|interquartile range|inter-quartile range|standard deviation|SD|s\.d\.|SE|quartiles?|ranges?|ranged|ranging)"
    rf"(?!\w)[\s,:=\[\]()]*(?:IQR\W*)?(?:from|of|between)?\s*(?:{NUM}|<?\d)[\d\s.,·%+>-]*(?:{_TIME}\b)?"
    rf"(?:\s*(?:{DASH}|\bto\b|\band\b)\s*(?:{NUM}|not \w+|NR|NE|NA)(?:{_PCT})?(?:\s?{_TIME}\b)?\+?)?"
)
_RANGE_WORDS = ("IQR", "interquartile", "inter-quartile", "standard deviation", "SD", "s.d.", "SE", "quartile", "rang")
_SPREAD = re.compile(r"±|\+/-|\b[Mm]eans?\b|\b[Aa]verage")
_TOLD = re.compile(r"rang(?:e|es|ed|ing)\s(?:from|between)")
_PLUS_MINUS = re.compile(rf"(?:±|\+/-|\+/−)\s*{NUM}")
_MIN_MAX = re.compile(rf"\bmin(?:imum|\.)?\W{{0,3}}{NUM}(?:\s?{_TIME})?(?:[,;/\s–-]|and\s)*max(?:imum|\.)?\W{{0,3}}{NUM}(?:\s?{_TIME}\b)?")
_UNIT = re.compile(
    rf"(?P<pct>{_PCT})|\s?(?P<hyphen>[-‐‑–](?:(?:year|month|week|day|yr|mo|y)s?\b|(?=,|\s(?:and|to|or)\s)))|(?P<adjective>\s(?:year|month|week|day))\b(?=[\s-])"
    rf"|\+?\s?(?P<time>{_TIME})\b(?![-/])",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"\b[nN]\s*(?:[=:]|of)\s*$")
_EQUALS_ENDS = ("=", ":", "of")
_WORD = re.compile(r"[A-Za-zα-ωΑ-Ωµ][\w'’.+-]*|[(\[{]|[)\]}]|[,;:/=&]|\S")
_SHORT = {
    "of": "o",
    "and": "a",
    "or": "a",
    "&": "a",
    "v": "v",
    "vs": "v",
    "versus": "v",
    "respectively": "y",
    "(": "(",
    "[": "(",
    "{": "(",
    ")": ")",
    "]": ")",
    "}": ")",
    ",": ",",
    ";": ";",
    ":": ":",
    "/": "/",
    "=": "=",
    "respective": "y",
}
_BOUND = re.compile(
    r"(?:(?P<lt><|≤|&lt;|\b(?:less|fewer|lower|smaller) than|\bunder|\bbelow|\bat most)"
    r"|(?P<gt>>|≥|&gt;|(?<!no )\b(?:more|greater|higher|larger) than|\bover|\babove|\bat least|"
    r"\bexceeding|\bexceeded|\bexceeds|\bin excess of|\bno less than))"
    r"\s*(?:or\s*=\s*(?:to\s)?|or equal to\s*)?(?:about\s|an?\s)?$",
    re.IGNORECASE,
)
_BOUND_AFTER = re.compile(
    r"\sor\s(?:(?P<lt>less|fewer|lower|shorter)|more|greater|longer|higher|above|over)\b(?!\s(?:than|of|severe|serious))"
)
_BOUND_WORDS = ("<", "≤", ">", "≥", "&", "than", "under", "below", "most", "over", "above", "least", "exceed", "excess")
_BOUND_ENDS = (
    "<",
    "≤",
    ">",
    "≥",
    "=",
    "than",
    "under",
    "below",
    "to",
    "more",
    "most",
    "over",
    "above",
    "least",
    "ing",
    "eds",
    "ed",
    "of",
    "less",
    "as",
    "about",
    " a",
    " an",
    ";",
)
_AT = re.compile(
    r"\b(?:at|after|within|every|first|last|past|before|than|each|by|over|until)\s(?:a\s|about\s|least\s|the\s)?(?:\d+(?:\.\d)?(?:,|\sand|,\sand|\sor|\sto)\s)*$",
    re.IGNORECASE,
)
_MONTHS_IN = {"y": 12.0, "m": 1.0, "w": 12 / 52.1775, "d": 12 / 365.2422}


@dataclass
class Lexeme:
    """A piece of a sentence; ``value`` is a number, (low, high) of a range or interval, or None.

    What few lexemes have is set after they are made: most are plain words, and there are hundreds in an abstract. Without slots
    their defaults stay on the class, and making one is half the work.
    """

    kind: str
    start: int
    end: int
    value: float | tuple[float, float] | None = None
    text: str = ""
    bound: str = field(default="", init=False)
    unit: str = field(default="", init=False)
    ci: tuple[float, float] | None = field(default=None, init=False)
    equals: bool = field(default=False, init=False)
    share: bool = field(default=False, init=False)
    word: bool = field(default=False, init=False)


def months(value: float, unit: str) -> float:
    """A duration in months, to two places where the unit was another."""
    factor = _MONTHS_IN[unit[0]]
    return value if factor == 1 else round(value * factor, 2)


def special_lexemes(text: str) -> list[Lexeme]:
    """Confidence intervals, p values and ranges, which hold numbers that are no figures of their own."""
    found = [_interval(text, m) for m in _CI_NAME.finditer(text) if not text[m.start() - 1 : m.start()].isalnum()]
    found += [Lexeme("V", m.start(), m.end()) for m in _P_VALUE.finditer(text)]
    if any(word in text for word in _RANGE_WORDS):
        found += [Lexeme("R", m.start(), m.end()) for m in _RANGE.finditer(text) if _is_aside(text, m.start())]
    found += [Lexeme("R", m.start(), m.end()) for m in _PLUS_MINUS.finditer(text)]
    if "min" in text and "max" in text:
        found += [Lexeme("R", m.start(), m.end()) for m in _MIN_MAX.finditer(text)]
    return found


def _is_aside(text: str, start: int) -> bool:
    """Is a range an aside to a value ("(range, 6-50)"), and not the value itself ("rates ranged from 12 to 40%")?"""
    if start and text[start - 1].isalnum():
        return False
    if text.startswith(("SD", "SE", "s.d"), start):
        return _SPREAD.search(text, max(0, start - 60), start) is not None
    return not _TOLD.match(text, start) or text[max(0, start - 6) : start].replace("age", "").rstrip()[-1:] in {"(", "[", ",", ";"}


def _interval(text: str, name: re.Match[str]) -> Lexeme:
    """The interval that a name of one opens; without figures after it, its value is None."""
    level = _CI_LEVEL.search(text, max(0, name.start() - 34), name.start())
    body = _CI_BODY.match(text, name.end())
    low, high = (body["lo"], body["hi"]) if body else (None, None)
    value = None
    if low and high:
        top = parse_number(high.lstrip("-−")) if high[-1].isdigit() else float("inf")
        value = (parse_number(low.lstrip("-−")) * (-1 if low[0] in "-−" else 1), top)
    return Lexeme("C", level.start() if level else name.start(), body.end() if body else name.end(), value)


def number_lexemes(text: str, noise: Noise) -> list[Lexeme]:
    """Numbers with their unit, bound and range."""
    numbers = list(find_numbers(text))
    found: list[Lexeme] = []
    skip = -1
    for i, number in enumerate(numbers):
        if number.start < skip:
            continue
        following = numbers[i + 1] if i + 1 < len(numbers) else None
        lexeme = _range_of(text, number, following, noise) or _single(text, number, noise)
        _set_bound(text, lexeme)
        found.append(lexeme)
        skip = lexeme.end
    return found


def _single(text: str, number: Number, noise: Noise) -> Lexeme:
    """One number with its unit."""
    plain = "N" if number.whole else "D"
    lexeme = Lexeme("P" if number.share else plain, number.start, number.end, number.value)
    lexeme.share, lexeme.word = number.share, number.word
    unit = _UNIT.match(text, number.end)
    if number.share:
        return lexeme
    if unit and unit["pct"]:
        lexeme.kind, lexeme.end = "P", unit.end()
    elif unit and unit["hyphen"] and _is_value(text, number, unit):
        lexeme.kind, lexeme.unit, lexeme.end = "T", unit["hyphen"][1].lower(), unit.end()
    elif unit and (unit["hyphen"] or (unit["adjective"] and (number.value > 1 or _RATE_NEXT.match(text, unit.end())))):
        lexeme.kind, lexeme.end = "H", unit.end()
    elif unit and (unit["time"] or unit["adjective"]) and (not noise.is_unit(text, number.end) or _is_month(text, number, unit)):
        at = _AT.search(text, max(0, number.start - 24), number.start) or _LATER.match(text, unit.end())
        lexeme.kind, lexeme.unit, lexeme.end = "H" if at else "T", (unit["time"] or unit["adjective"]).strip()[0].lower(), unit.end()
    elif noise.is_unit(text, number.end) or (number.value <= 4 and _SCORE.match(text, number.end)) or _GLUED.match(text, number.end):
        lexeme.kind = "X"
    if lexeme.kind not in "ND" or not text[max(0, number.start - 8) : number.start].rstrip().endswith(_EQUALS_ENDS):
        return lexeme
    if equals := _EQUALS.search(text, max(0, number.start - 8), number.start):
        lexeme.start, lexeme.equals = equals.start(), True
    return lexeme


_GLUED = re.compile(r"[A-Z]")  # "measure 12RLN", "18F"
_LATER = re.compile(r"\s(?:later|earlier|apart|prior)\b")
_MEDIAN_NEXT = re.compile(r"\s(?:median|mean)\b")
_SCORE = re.compile(r"\+(?!\s?(?:\d|months|mo\b|years|weeks))")  # "3+" of a stain
_RATE_NEXT = re.compile(
    r"\s(?:(?:overall|actuarial|estimated|relative|cumulative|progression|disease)[\s-](?:free\s)?)*(?:survival|OS|PFS|DFS|EFS|RFS|rate)"
)
_TIMED = re.compile(r"(?:PFS|OS|DFS|EFS|RFS|TTP|TTF|D[oO]R|survival|response|follow-up)\b[^.;]{0,40}$")


def _is_month(text: str, number: Number, unit: re.Match[str]) -> bool:
    """Is "8.4m" after the name of a time a number of months?"""
    return unit["time"] == "m" and _TIMED.search(text, max(0, number.start - 60), number.start) is not None


def _is_value(text: str, number: Number, unit: re.Match[str]) -> bool:
    """Is a hyphened time a value ("a 35.2-month median duration of response") and not a timepoint ("the 12-month rate")?"""
    if _MEDIAN_NEXT.match(text, unit.end()):
        return True
    return not number.whole and unit["hyphen"][1:2] == "m" and "rate" not in text[unit.end() : unit.end() + 40]


_TO = re.compile(
    rf"\s?(?P<pct>{_PCT})?\+?(?:\s?(?P<time>{_TIME}))?\s?(?:{DASH}|\bto\b|(?P<and>\band\b))"
    r"\s?(?:about |almost |nearly |approximately |over )?$"
)
_BETWEEN = re.compile(r"\bbetween\s(?:about\s|approximately\s)?$", re.IGNORECASE)
_CHANGED = re.compile(
    r"\b(?:increas|decreas|declin|rose|ris|fell|fall|improv|reduc|drop|grew|chang|shift)\w*\b[^.;]{0,60}\bfrom\s$", re.IGNORECASE
)


def _range_of(text: str, number: Number, following: Number | None, noise: Noise) -> Lexeme | None:
    """A range of percentages, durations or counts: "3% to 13%", "0.1-1%", "between 1 and 3%"."""
    if following is None or following.start - number.end > 24:
        return None
    gap = _TO.fullmatch(text, number.end, following.start) if following.value >= number.value else None
    if not gap or (gap["and"] and not _BETWEEN.search(text, max(0, number.start - 24), number.start)):
        return None
    if _CHANGED.search(text, max(0, number.start - 90), number.start):
        return None
    lexeme = _single(text, following, noise)
    if (gap["pct"] and lexeme.kind != "P") or lexeme.kind == "H":
        return None
    low = number.value
    if gap["time"] and lexeme.kind == "T" and gap["time"][0] != lexeme.unit:
        low = round(low * _MONTHS_IN[gap["time"][0].lower()] / _MONTHS_IN[lexeme.unit], 2)
    lexeme.start, lexeme.value = number.start, (low, following.value)
    lexeme.kind = "S" if lexeme.kind in "NDX" else lexeme.kind
    return lexeme


def _set_bound(text: str, lexeme: Lexeme) -> None:
    """Note a bound printed before a number, and widen the lexeme over it."""
    if lexeme.kind not in "PTND" or not isinstance(lexeme.value, float):
        return
    if after := _BOUND_AFTER.match(text, lexeme.end):
        lexeme.bound, lexeme.end = "<" if after["lt"] else ">", after.end()
        return
    if not text[max(0, lexeme.start - 8) : lexeme.start].rstrip().lower().endswith(_BOUND_ENDS):
        return
    near = text[max(0, lexeme.start - 30) : lexeme.start].lower()
    if not any(word in near for word in _BOUND_WORDS):
        return
    if before := _BOUND.search(text, max(0, lexeme.start - 30), lexeme.start):
        lexeme.bound = "<" if before["lt"] else ">"
        lexeme.start = before.start()


def gap_lexemes(text: str, start: int, end: int, nouns: frozenset[str]) -> list[Lexeme]:
    """Words and punctuation between two lexemes that matter."""
    found = []
    for match in _WORD.finditer(text, start, end):
        word = match[0]
        kind, shown, size = _KINDS.get(word) or _word_kind(word, nouns)
        if kind:
            at = match.start()
            found.append(Lexeme(kind, at, at + size, None, shown))
    return found


_KINDS: dict[str, tuple[str, str, int]] = {}
_MOST_WORDS = 200_000


def _word_kind(word: str, nouns: frozenset[str]) -> tuple[str, str, int]:
    """Kind of a word ("" for what carries nothing), its text without a full stop, and the length of that; kept for the next time."""
    if len(_KINDS) > _MOST_WORDS:
        _KINDS.clear()
    kind = _SHORT.get(word)
    if kind is None and word[0].isalpha():
        lower = word.lower().rstrip(".")
        kind = _SHORT.get(lower) or ("n" if lower in nouns else "w")
    shown = word.rstrip(".") or word
    known = _KINDS[word] = (kind or "", shown, len(shown))
    return known


def arrange(lexemes: Sequence[Lexeme]) -> list[Lexeme]:
    """Lexemes in order of offset, an earlier and longer one displacing what it overlaps; special ones come first."""
    rank = {"C": 0, "V": 0, "R": 1, "L": 2}
    kept: list[Lexeme] = []
    starts: list[int] = []
    for lexeme in sorted(lexemes, key=lambda x: (rank.get(x.kind, 3), x.start, x.start - x.end)):
        at = bisect_left(starts, lexeme.start)
        if (at < len(kept) and kept[at].start < lexeme.end) or (at and kept[at - 1].end > lexeme.start):
            continue
        kept.insert(at, lexeme)
        starts.insert(at, lexeme.start)
    return kept
