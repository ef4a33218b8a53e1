"""Numbers in figures and words, as abstracts print them, and what a measure supplies to the figures of a claim."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from miner.schema import Measure

_UNITS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {word: i for i, word in enumerate(_UNITS)} | {word: 10 * i for i, word in enumerate(_TENS, 2)} | {"fourty": 40}
_TEEN = "|".join(sorted(_UNITS, key=len, reverse=True))
_SIMPLE = rf"(?:(?:{'|'.join([*_TENS, 'fourty'])})(?:[-‐‑–\s](?:{'|'.join(_UNITS[1:10])})(?![a-z]))?|(?:{_TEEN}))"
_WORD_NUMBER = re.compile(
    rf"(?:(?:{_SIMPLE}|an?)[-‐\s]thousand(?:[-‐\s,]+(?:and[-‐\s])?{_SIMPLE}[-‐\s]hundred)?(?:[-‐\s,]+(?:and[-‐\s])?{_SIMPLE})?"
    rf"|(?:{_SIMPLE}|an?)[-‐\s]hundred(?:[-‐\s]+(?:and[-‐\s])?{_SIMPLE})?|{_SIMPLE})\b"
    r"(?![-‐–](?:year|month|week|day|arm|stage|dimension|step|drug|third|half|sided|tailed|way|fold|line|time|point|center|centre))",
    re.IGNORECASE,
)
_STARTS = sorted({*_WORDS, "a h", "a t"})
_WORD_START = AhoCorasick([*_STARTS, *(start.capitalize() for start in _STARTS)])
_DIGITS = re.compile(
    r"\d(?<![\w.,·]\d)(?<![A-Za-z][-‐‑]\d)"
    r"(?:\d{0,2}(?:,\d{3})+(?!\d)|\d{0,2}(?:[\s\u2009\u202f]\d{3})+(?!\d)(?=\s[a-z])|\d*(?:[.·∙•⋅‧]\d+)?)"
)
_DECIMAL = re.compile(r"[.·∙•⋅‧]")
_BARE_DECIMAL = re.compile(r"[.·](?<![\w.,·][.·])\d+")
_PARTS = AhoCorasick(["half", "Half", "third", "quarter", "fourth", "fifth", "sixth", "seventh", "eighth", "tenth"])
_BEFORE_PART = 6  # "three-" and "one-" stand before a part
_FRACTION = re.compile(
    r"\b(?:(?P<half>(?:[Oo]ne[-\s])?[Hh]alf)(?![-‐\s](?:maximal|maximum|life|lives|time|years?|hour|day|an?\b))"
    r"|(?P<n>[Aa]n?|[Oo]ne|[Tt]wo|[Tt]hree|[Ff]our)[-‐\s](?P<d>thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|tenths?)"
    r"(?=\s(?:of|had|were|was|to|responded|have|are|in)\b|\s?[,;.()]|$))\b"
)
_DENOMINATORS = {"third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "tenth": 10}


class Number(NamedTuple):
    """A number in a text: ``whole`` where it can be a count (not "1.00"), ``word`` where it is written out.

    ``share`` is true for a part of one ("two thirds"), whose value is a percentage.
    """

    start: int
    end: int
    value: float
    whole: bool = True
    word: bool = False
    share: bool = False


def parse_number(text: str) -> float:
    """Value of one number in figures ("1,234", "7·5", "30 450") or words ("Forty-six", "two hundred and thirty")."""
    if text.isascii() and text[0] in "0123456789." and "," not in text and " " not in text:
        return float(text)
    if text[:1].isdigit() or text[:1] in ".·":
        plain = re.sub(r"[,\s\u2009\u202f]", "", text)
        return float(re.sub(r"[·∙•⋅‧]", ".", plain))
    total = current = 0
    for word in re.split(r"[-‐‑–\s,]+", text.lower()):
        if word == "hundred":
            current = max(current, 1) * 100
        elif word == "thousand":
            total, current = total + max(current, 1) * 1000, 0
        else:
            current += _WORDS.get(word, 1 if word in {"a", "an"} else 0)
    return float(total + current)


def find_numbers(text: str) -> list[Number]:
    """Numbers that stand free in a text; digits inside names (PD-1, IGF-1R, T790M) are none."""
    found = [_printed(m) for pattern in (_DIGITS, _BARE_DECIMAL) for m in pattern.finditer(text)]
    shares = _shares(text)
    found += shares
    last = 0
    for _, at, _ in _WORD_START.find_matches_as_indexes(text):
        match = _WORD_NUMBER.match(text, at) if at >= last and not (at and text[at - 1].isalnum()) else None
        if match and not any(share.start <= match.start() < share.end for share in shares):
            found.append(Number(match.start(), match.end(), parse_number(match[0]), True, True))
            last = match.end()
    found.sort(key=lambda number: number.start)
    return found


def _printed(match: re.Match[str]) -> Number:
    text = match[0]
    return Number(match.start(), match.end(), parse_number(text), text.isdigit() or _DECIMAL.search(text) is None)


def _shares(text: str) -> list[Number]:
    """Parts of a whole ("two thirds"), looked for where the word of a part stands."""
    found: list[Number] = []
    for _, at, _ in _PARTS.find_matches_as_indexes(text):
        low = max(found[-1].end if found else 0, at - _BEFORE_PART)
        match = next((m for start in range(low, at + 1) if (m := _FRACTION.match(text, start))), None)
        if match:
            found.append(Number(match.start(), match.end(), _share(match), False, True, True))
    return found


def _share(match: re.Match[str]) -> float:
    """Percentage that a part names; a third is 33.3."""
    if match["half"]:
        return 50.0
    upper = parse_number(match["n"])
    return round(100 * upper / _DENOMINATORS[match["d"].lower().rstrip("s")], 1)


def tidy(value: float) -> float | int:
    """A whole number as int, any other rounded to what print can hold."""
    return int(value) if value == int(value) else round(value, 4)


_COUNTS = {"CR", "PR", "SD", "PD", "n_resp", "n_pos"}
_OF_COUNT = {
    "ORR_percent": "n_resp",
    "IC_ORR_percent": "n_resp",
    "value_percent": "n_pos",
    "CR_percent": "CR",
    "PR_percent": "PR",
    "SD_percent": "SD",
    "PD_percent": "PD",
    "sensitivity_percent": "n_pos",
    "specificity_percent": "n_pos",
}
_AS = {"IC_ORR_percent": "ORR_percent"}


def figures(measure: Measure) -> Mapping[str, float | int | str]:
    """What a measure supplies to a claim's figures: its own metric, the count under the metric's count key, and ``N``.

    "18 of 24 (75%)" bound to the response rate gives ORR_percent 75, n_resp 18, N 24.
    """
    given: dict[str, float | int | str] = {}
    if measure.value is not None:
        given[_AS.get(measure.metric, measure.metric)] = measure.value
    count = measure.metric if measure.metric in _COUNTS else _OF_COUNT.get(measure.metric)
    if count and measure.n is not None:
        given.setdefault(count, measure.n)
    if measure.total is not None:
        given["N"] = measure.total
    return given
