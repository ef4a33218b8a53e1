"""Numbers in figures and words, as abstracts print them, and what a measure supplies to the figures of a claim."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from miner.schema import Measure

_UNITS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
          "nineteen").split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = {word: i for i, word in enumerate(_UNITS)} | {word: 10 * i for i, word in enumerate(_TENS, 2)} | {"forteen": 14, "fourty": 40}
_SIMPLE = rf"(?:(?:{'|'.join([*_TENS, 'fourty'])})(?:[-‐‑–\s](?:{'|'.join(_UNITS[1:10])}))?|{'|'.join(sorted(_UNITS, key=len, reverse=True))})"
_WORD_NUMBER = (
    rf"(?:(?:{_SIMPLE}|an?)[-‐\s]thousand(?:[-‐\s,]+(?:and[-‐\s])?(?:{_SIMPLE}[-‐\s]hundred)?(?:[-‐\s]+(?:and[-‐\s])?{_SIMPLE})?)?"
    rf"|(?:{_SIMPLE}|an?)[-‐\s]hundred(?:[-‐\s]+(?:and[-‐\s])?{_SIMPLE})?|{_SIMPLE})"
)
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?![\d])|\d{1,3}(?:[\s\u2009\u202f]\d{3})+(?!\d)(?=\s[a-z])|\d+(?:[.·∙•⋅‧]\d+)?|(?<![\d\w])[.·]\d+)"
_NUMBER = re.compile(
    rf"(?<![\w.,·])(?<![A-Za-z][-‐‑])(?P<digits>{_DIGITS})|\b(?P<words>{_WORD_NUMBER})\b(?![-‐–](?:year|month|week|day|arm|stage|dimension|step|drug|third|half|sided|tailed|way|fold|line|time|point))",
    re.IGNORECASE,
)
_FRACTION = re.compile(
    r"\b(?:(?P<half>(?:one[-\s])?half)|(?P<n>an?|one|two|three|four)[-‐\s](?P<d>thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|tenths?))\b",
    re.IGNORECASE,
)
_DENOMINATORS = {"third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "tenth": 10}


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text; ``share`` is true for a part of one ("two thirds"), whose value is a percentage."""

    start: int
    end: int
    value: float
    word: bool = False
    share: bool = False

    @property
    def whole(self) -> bool:
        """Is it a count?"""
        return self.value == int(self.value) and not self.share


def parse_number(text: str) -> float:
    """Value of one number in figures ("1,234", "7·5", "30 450") or words ("Forty-six", "two hundred and thirty")."""
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


def find_numbers(text: str) -> Iterator[Number]:
    """Numbers that stand free in a text; digits inside names (PD-1, IGF-1R, T790M) are none."""
    shares = {m.start(): m for m in _FRACTION.finditer(text)}
    last = 0
    found = [Number(m.start(), m.end(), _share(m), True, True) for m in shares.values()]
    taken = [(n.start, n.end) for n in found]
    for match in _NUMBER.finditer(text):
        if match.start() < last or any(a <= match.start() < b for a, b in taken):
            continue
        found.append(Number(match.start(), match.end(), parse_number(match[0]), match["digits"] is None))
        last = match.end()
    yield from sorted(found, key=lambda number: number.start)


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
_OF_COUNT = {"ORR_percent": "n_resp", "IC_ORR_percent": "n_resp", "value_percent": "n_pos", "CR_percent": "CR", "PR_percent": "PR",
             "SD_percent": "SD", "PD_percent": "PD", "sensitivity_percent": "n_pos", "specificity_percent": "n_pos"}
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
