"""Give intervals and late or shared units to the numbers they belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from miner.nlp.measure_lexemes import Lexeme

_SHARED_UNIT = re.compile(r"(?<!No)(?<!Now)(?<!no)(?<!now)(?<!/)(?:[ND](?:,a|,v|[,av]))*[ND](?:,a|,v|[av])(?P<last>[PT])")
_SHARED_TIME = re.compile(r"w(?:N,)*N(?:,a|[a,])H")  # "at 6 and 12 months"
_AT_TIMES = frozenset({"at", "after", "within"})
_CHANCE = 0.1
_LATE_UNITS = frozenset({"months", "month", "years", "weeks", "mo", "mos", "y", "yrs"})


_PLAIN = "wncoavyNDLHX/="  # kinds that neither hold an interval nor open or close one


def absorb(lexemes: list[Lexeme], seen_interval: bool) -> list[Lexeme]:
    """Give intervals to their values and drop them, p values and ranges, with the punctuation that held them."""
    kept: list[Lexeme] = []
    skip = -1
    for i, lexeme in enumerate(lexemes):
        if i < skip:
            continue
        if lexeme.kind in _PLAIN:
            kept.append(lexeme)
        elif lexeme.kind == "(" and kept and (low_high := _listed_interval(kept[-1], lexemes[i + 1 : i + 5])):
            kept[-1].ci, skip = low_high, i + 5
        elif lexeme.kind == "C":
            _give(kept, lexeme.value)
            _drop_separator(kept)
        elif lexeme.kind in "VR":
            _drop_separator(kept)
        elif lexeme.kind == ")" and kept and kept[-1].kind == "(" and lexeme.start - kept[-1].end > 0:
            kept.pop()
        elif (lexeme.kind in ",;:" and kept and kept[-1].kind == "(") or (
            lexeme.kind in "STP"
            and isinstance(lexeme.value, tuple)
            and _bare_interval(kept, lexeme, seen_interval, late=_unit_follows(lexemes, i))
        ):
            if isinstance(lexeme.value, tuple) and _chance_follows(lexemes[i + 1 : i + 4]):
                skip = i + 3
        else:
            kept.append(lexeme)
    return kept


def _drop_separator(kept: list[Lexeme]) -> None:
    while kept and kept[-1].kind in ",;:=":
        kept.pop()


def _give(kept: list[Lexeme], value: object) -> None:
    """Attach an interval to the nearest value that it holds, or else to the nearest value."""
    if not isinstance(value, tuple):
        return
    last = next((i for i in range(len(kept) - 1, -1, -1) if kept[i].kind not in "(,;:="), -1)
    if last >= 0 and kept[last].kind == "N" and (last == 0 or kept[last - 1].kind not in "ow/") and _holds(value, kept[last]):
        kept[last].ci = value
        return
    near = [x for x in kept[-14:] if x.kind in "PTDL" and x.ci is None]
    holding = [x for x in near if _holds(value, x)]
    for choice in (holding[-1:], near[-1:]):
        if choice:
            choice[0].ci = value
            return


def _holds(interval: tuple[float, float], lexeme: Lexeme) -> bool:
    return lexeme.ci is None and isinstance(lexeme.value, float) and interval[0] <= lexeme.value <= interval[1]


def _chance_follows(lexemes: Sequence[Lexeme]) -> bool:
    """Does a bare p value close the bracket of an interval ("0.85 (0.78-0.94, 0.0012)")?"""
    value = lexemes[1].value if len(lexemes) == 3 else None
    return "".join(x.kind for x in lexemes) == ",D)" and isinstance(value, float) and value < _CHANCE


def _listed_interval(value: Lexeme, bracket: Sequence[Lexeme]) -> tuple[float, float] | None:
    """The interval that a bracket right after a decimal or percentage holds: "0.22 (0.16, 0.31)"."""
    if "".join(x.kind for x in bracket) not in ("D,D)", "P,P)", "N,P)", "N,N)") or value.kind not in "DP" or value.ci is not None:
        return None
    low, high = bracket[0].value, bracket[2].value
    if not (isinstance(value.value, float) and isinstance(low, float) and isinstance(high, float) and low < value.value < high):
        return None
    return (low, high)


def _unit_follows(lexemes: Sequence[Lexeme], i: int) -> bool:
    """Does a bracket close after a lexeme, with the unit of the value before it behind ("15 [9-22] months")?"""
    return i + 2 < len(lexemes) and lexemes[i + 1].kind == ")" and lexemes[i + 2].text.lower() in _LATE_UNITS


def _bare_interval(kept: list[Lexeme], lexeme: Lexeme, seen_interval: bool, *, late: bool) -> bool:
    """Is a range in brackets the interval of the value before it ("7% [5-9]")?"""
    if len(kept) < 2 or not isinstance(lexeme.value, tuple) or kept[-1].kind not in ("(" if not seen_interval else "(,;"):
        return False
    value = kept[-2]
    if value.kind not in ("PTDN" if late else "PTD") or not isinstance(value.value, float):
        return False
    if not lexeme.value[0] <= value.value <= lexeme.value[1]:
        return False
    if value.ci is not None and kept[-1].kind != "(":
        return False
    if seen_interval and value.ci is None:
        value.ci = lexeme.value
    if kept[-1].kind != "(":
        kept.pop()
    return True


def share_units(lexemes: Sequence[Lexeme]) -> None:
    """In "17, 32 and 29%" the unit belongs to all three; in "10.8 (95% CI, 9.2-11.1) months" it stands late."""
    late = [i for i, lexeme in enumerate(lexemes) if lexeme.kind == "w" and lexeme.text.lower() in _LATE_UNITS]
    if late:
        _head_units(lexemes, late)
        _late_units(lexemes, late)
    kinds = "".join([lexeme.kind for lexeme in lexemes])
    if "H" in kinds:
        for match in _SHARED_TIME.finditer(kinds):
            if lexemes[match.start()].text.lower() in _AT_TIMES:
                for lexeme in lexemes[match.start() + 1 : match.end()]:
                    lexeme.kind = "H" if lexeme.kind == "N" else lexeme.kind
        kinds = "".join([lexeme.kind for lexeme in lexemes])
    for match in _SHARED_UNIT.finditer(kinds):
        last = lexemes[match.start("last")]
        for lexeme in lexemes[match.start() : match.start("last")]:
            in_words = last.kind == "P" and lexeme.word and not last.word  # "after one and 39% after two lines"
            if lexeme.kind in "ND" and not lexeme.equals and not in_words:
                lexeme.kind, lexeme.unit = last.kind, last.unit


def _late_units(lexemes: Sequence[Lexeme], late: Sequence[int]) -> None:
    """Give the units at the indices ``late`` to the bare number straight before each."""
    for i in late:
        if i and lexemes[i - 1].kind in "ND":
            lexemes[i - 1].kind, lexemes[i - 1].unit = "T", lexemes[i].text[0].lower()
    for i in late:
        if i and lexemes[i - 1].kind == "T" and i + 1 < len(lexemes) and lexemes[i + 1].text.lower() in _APART:
            lexemes[i - 1].kind = "H"


_APART = frozenset({"later", "earlier", "apart", "prior"})


def _head_units(lexemes: Sequence[Lexeme], late: Sequence[int]) -> None:
    """In "median PFS (months) 8.4 vs 5.2" the unit stands in the head; it goes to the bare numbers after it."""
    for i in late:
        opened = i - 2 if lexemes[i - 1].text.lower() == "in" else i - 1
        if not 1 <= opened < len(lexemes) - 3 or lexemes[opened].kind not in "(," or lexemes[opened - 1].kind not in "cw":
            continue
        unit = lexemes[i]
        if lexemes[opened].kind == "(" and lexemes[i + 1].kind != ")":
            continue
        given = loose = False
        for lexeme in lexemes[i + 1 :]:
            if (lexeme.kind == "D" or (lexeme.kind == "N" and not loose)) and not lexeme.equals:
                lexeme.kind, lexeme.unit, given = "T", unit.text[0].lower(), True
            elif lexeme.kind in ";c":
                break
            loose = loose or (given and lexeme.kind not in "Tav,/")
