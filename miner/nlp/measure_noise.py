"""Mask what looks like a figure and is none: doses, stages, dates, digits inside names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from miner.nlp.measure_rules import Rules, alternation, first_words
from miner.schema import Mention

DASH = r"[-‐‑‒–—−~∼～]"
_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    "Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_SEVERAL = r"(?:consecutive |unselected |advanced )?(?:patients|cases|tumou?rs|samples|specimens|women|individuals|NSCLC)"


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DATED = ("fo", ",", ".", "tpes", *(name[::-1] for name in _MONTHS), *(name[2::-1] for name in _MONTHS))  # reversed words
_PLACES = ("noxe", "snoxe", "nodoc", "snodoc", "nortni", "snortni", "noitisop", "snoitisop", "eudiser", "seudiser", "emosomorhc")
_PER_UNITS = "mg|g|gy|ml|ng|µg|μg|mcg"
_WORD_AFTER = re.compile(r"[\s-]?(\w+|\S)")
_WORD_BEHIND = re.compile(r"\(?[\s-]{0,2}(\w+|\S)")


class Noise:
    """What looks like a figure and is none: doses, stages, dates, digits inside names."""

    def __init__(self, rules: Rules) -> None:
        self.head_words = first_words(word[::-1] for word in rules.words("noise", "heads"))
        self.unit_words = first_words((*rules.words("noise", "units"), *_PER_UNITS.split("|")))
        heads = sorted((word[::-1].replace(" ", r"\s") for word in rules.words("noise", "heads")), key=len, reverse=True)
        units = alternation(rules.words("noise", "units"))
        number = r"(?:\d+(?:[.·]\d+)?[a-zA-D]?|[IVX]+)(?![\w·])(?!\s?%|\s?percent|\s?per cent|\.\d|,\d{3}|\s(?:of|patients|months)\b|/\d)"
        month = "|".join(sorted((name[::-1] for name in _MONTHS), key=len))
        self.before = re.compile(rf"(?:\(?[\s-]{{0,2}}(?i:{'|'.join(heads)})(?![\w-]))")
        graded = "|".join(sorted((word[::-1] for word in rules.words("noise", "graded")), key=len, reverse=True))
        self.naming_words = first_words((*(word[::-1] for word in rules.words("noise", "graded")), *_DATED, *_PLACES))
        self.graded = re.compile(rf"[\s-]{{1,2}}(?i:{graded})(?![\w-])")
        grouped = "|".join(sorted((word[::-1] for word in rules.words("noise", "grouped")), key=len, reverse=True))
        self.grouped = re.compile(rf"\([\s-]?(?i:s?(?:{grouped}))(?![\w-])")
        self.grade = re.compile(
            r"[0-5][a-dA-D]?(?:\s?(?:[-–/,]|or|and|to)\s?[0-5][a-dA-D]?)*(?=\s(?:patients|tumou?rs|cases|disease|NSCLC)\b)|[0-5](?:/[0-5])+(?![\w.])"
        )
        self.dated = re.compile(rf"(?:\sfo)?\s+,?\.?(?:{month}|naJ|beF|raM|rpA|guA|tpeS|peS|tcO|voN|ceD)(?!\w)")
        self.named = re.compile(r"-?\)L\(-?DP|[-‐]\d*[A-Z]{1,4}(?!\w)|[A-Za-z]{2}|[©§#$€£¥]\s?|\^01")
        self.listed = re.compile(rf"{number}(?:\s?(?:{DASH}|/|,|,?\s?(?:to|and|or|through|versus|vs\.?))\s?{number})*")
        self.date = re.compile(r"\d{4}\b|\d{1,2}(?:,?\s+(?:19|20)\d{2})?\b")
        self.name = re.compile(r"\d+(?:[/–,-]\d+)*")
        self.whole = re.compile(
            rf"(?:19[5-9]\d|20[0-4]\d)(?:\s?[-–/]\s?(?:19[5-9]\d|20[0-4]\d|\d\d))?\b(?!\s?%|[,.]\d|\s{_SEVERAL})|\d{{1,2}}\s+{_MONTH}\b(?:\s+\d{{4}})?"
            r"|[35](?=['’′])|\d{1,3}(?=-(?:gene|mer|plex)\b)|\d:\d\b|\d+(?:-\d+){2,}|\d(?=\)\s[a-zA-Z])(?<=[:;,.]\s\d)|\d(?=\)\s[a-zA-Z])(?<=\band\s\d)"
        )
        self.unit = re.compile(rf"[\s-]?(?i:{units})(?![\w])(?![-/]\w)|\s?(?i:{_PER_UNITS})\s?/")

    def is_unit(self, text: str, at: int) -> bool:
        """Does a unit that is none of ours stand here?"""
        word = _WORD_AFTER.match(text, at)
        return word is not None and word[1].lower() in self.unit_words and self.unit.match(text, at) is not None

    def _is_head(self, back: str) -> bool:
        """Does a word that a number belongs to stand at the start of a reversed text?"""
        word = _WORD_BEHIND.match(back)
        return word is not None and word[1].lower() in self.head_words and self.before.match(back) is not None

    def _may_be_named(self, back: str) -> bool:
        """Can what stands before a number, reversed, be a stage, a place in a gene or a month?"""
        word = _WORD_BEHIND.match(back)
        return word is None or word[1].lower() in self.naming_words

    def mask(self, text: str, mentions: Iterable[Mention]) -> str:
        """The text with the digits of names replaced, at unchanged offsets."""
        spans = [span for m in mentions for span in _without_figures(text, m.start, m.end)]
        if "[" in text and ("(" in text or not _SQUARE_FIGURE.search(text)):
            spans += [match.span() for match in _CITED.finditer(text)]
        last = 0
        for run in _RUN.finditer(text):
            if run.start() >= last and (end := self._name_end(text, run.start())):
                spans.append((run.start(), end))
                last = end
        if not spans:
            return text
        pieces, at = [], 0
        for start, end in sorted(spans):
            start = max(start, at)
            if start < end and _RUN.search(text, start, end):
                pieces += [text[at:start], _RUN.sub(lambda run: "§" * len(run[0]), text[start:end])]
                at = end
        return "".join([*pieces, text[at:]])

    def _name_end(self, text: str, start: int) -> int:
        """End of the name whose digits begin here; 0 where they are a number."""
        back = text[max(0, start - 26) : start][::-1]
        match = None
        if back and back[0] in " -(" and self._is_head(back):
            match = self.listed.match(text, start)
            if match and self.grouped.match(back) and text[match.end() : match.end() + 1] != ")":
                match = None  # "in the other group (7 [14%] of 50)"
        spaced = back[:1].isspace()
        if not match and (spaced or back[:1] == "-") and self._may_be_named(back):
            if self.graded.match(back):
                match = self.grade.match(text, start)
            if not match and _PLACE.match(back):
                match = self.name.match(text, start)
            if not match and spaced and self.dated.match(back):
                match = self.date.match(text, start)
        if not match and back and not spaced and (back[0] != "(" or back[1:2] == "L") and self.named.match(back):
            match = self.name.match(text, start)
        if not match and not (back and (back[0].isalnum() or back[0] in ".,·")):
            match = self.whole.match(text, start)
        if not match and back[:1] == "(" and back[1:2].isalnum():
            match = _POWER.match(text, start)
        return match.end() if match else 0


# The number of a reference, in a text whose figures stand in round brackets: "a response [12].", "was approved [3,4]."
_SQUARE_FIGURE = re.compile(r"\[[^\[\]]*[%=]")
_CITED = re.compile(
    r"(?<=[^\W\d_])\s?\[\d{1,3}(?:\s?,\s?\d{1,3})*\](?=\s*(?:[.,;:]|$)|\s+[a-z])"
    r"|(?<=[^\W\d_]\.)\s?\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\](?=\s+[A-Z]|\s*$)"
)
_FIGURE = re.compile(r"[(\[](?=[^()\[\]]*(?:%|[=:<>]\s?\d|\d\s?(?:of|/)\s?\d))[^()\[\]]*[)\]]")


def _without_figures(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The parts of a mention beside the figures in brackets that a list has inside ("RET (1%) and MET (7%) mutations")."""
    if end - start < 6 or not ("%" in text[start:end] or _FIGURE.search(text, start, end)):
        return [(start, end)]
    cuts = [start, *(at for m in _FIGURE.finditer(text, start, end) for at in m.span()), end]
    return list(zip(cuts[::2], cuts[1::2], strict=True))


_PLACE = re.compile(r"[\s-](?:s?noxe|s?nodoc|s?nortni|s?noitisop|s?eudiser|emosomorhc)\b", re.IGNORECASE)  # reversed words
_RUN = re.compile(r"\d+")
_POWER = re.compile(r"\d+(?:;\d+)*(?=\))")
