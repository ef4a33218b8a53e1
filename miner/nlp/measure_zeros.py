"""Counts of nothing: "no fusion was found in 120 tumours" is 0 of 120, and so is "all 120 were negative"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from miner.nlp.measure_groups import Bound
from miner.nlp.measure_quantities import Element, Quantity
from miner.nlp.measure_rules import measure_rules
from miner.schema import Sentence

_COUNTS = frozenset({"n_pos", "n_resp", "CR", "PR", "SD", "PD", "n_DCR", "n_pCR", "n_AE", "n_recurrence"})
_PEOPLE = frozenset(form for word in measure_rules().words("cohorts", "people") for form in (word, word + "s"))
_FOUND = r"(?:found|detected|identified|seen|observed|noted|recorded|confirmed|present|reported|documented|discovered)"
_DENIED = re.compile(
    rf"\b[Nn]o\s(?!significant|difference|more\b|fewer|less\b|statistical|clear|apparent|further\b)[^.,;:()]{{2,90}}?\s"
    rf"(?:(?:was|were|has been|have been|could be)\s(?:\w+ly\s)?{_FOUND}|occurred)\s(?:in|among)\s"
    r"(?:(?:any|either|all)\s(?:of\s)?)?(?:(?:the|these|our|those|another|additional|remaining|other)\s){0,2}$"
)
_ABSENT = re.compile(
    rf"\b(?:(?:was|were)\s(?:not\s{_FOUND}|absent|undetectable)|lacking)\s(?:in|from|among)\s(?:any|all|either)\s(?:of\s)?"
    r"(?:(?:the|these|our|those|other|remaining)\s){0,2}$"
)
_NAMED_NONE = re.compile(
    r"\b(?:was|were|with)\sno\s(?:(?:objective|confirmed|complete|partial|clinical|tumou?r|major|radiographic)\s){0,2}(?P<what>[\w-]+)\s(?:in|among)\s"
    r"(?:any\s(?:of\s)?)?(?:(?:the|these|our|those)\s){0,2}$"
)
_RESPONSE = re.compile(r"\b(?:responses?|responders?|remissions?)\b")
_NEGATIVE = re.compile(r"(?:\s(?!(?:and|but|or|positive)\b)[\w/-]+){0,6}?\s(?:was|were|tested|proved|stained)\s(?:all\s)?negative\b")
_NONE_OF_THEM = re.compile(
    r"[^.;]{0,90}?,\s(?:and\s)?(?:all\s(?:were|tested|proved|stained)\snegative\b"
    r"|none\s(?:had|harbou?red|carried|showed|exhibited|experienced|developed|(?:was|were|tested)\s(?:found\sto\sbe\s)?positive)\b)"
)


def with_zeros(text: str, sentence: Sentence, elements: Sequence[Element], bound: Sequence[Bound]) -> list[Bound]:
    """The bound figures of a sentence, counts of a group in which nothing was found made nought of that group."""
    said = text[sentence.start : sentence.end]
    if not any(word in said for word in ("No ", "no ", "none ", "negative", "absent", " not ", "lacking", "undetectable")):
        return [*bound]
    found = {b.index: b for b in bound}
    if len(found) < len(bound):
        return [*bound]
    for i, element in enumerate(elements):
        if not isinstance(element, Quantity) or not _may_be_group(element):
            continue
        told = found.get(i)
        if told and (told.metric not in _COUNTS or told.quantity.n == 0):
            continue
        metric = _denied(text, sentence, elements, i, told)
        if metric:
            size = element.total or element.n
            found[i] = Bound(replace(element, value=0, n=0, total=size), metric, told.cue if told else None, i)
    return sorted(found.values(), key=lambda b: b.index)


def _may_be_group(quantity: Quantity) -> bool:
    """Is a count one of a whole group: "120 tumors", "all 12"?"""
    if quantity.form != "count" or not quantity.n or quantity.equals:
        return False
    return quantity.total in (None, quantity.n) and (quantity.noun.lower() in _PEOPLE or quantity.total == quantity.n)


def _denied(text: str, sentence: Sentence, elements: Sequence[Element], i: int, told: Bound | None) -> str | None:
    """The metric of which there is nothing in a group, or None where something may be."""
    quantity = elements[i]
    low = max(sentence.start, quantity.start - 160)
    if denied := _DENIED.search(text, low, quantity.start) or _ABSENT.search(text, low, quantity.start):
        return told.metric if told else "n_resp" if _RESPONSE.search(denied[0]) else "n_pos"
    if (match := _NAMED_NONE.search(text, low, quantity.start)) and match["what"].rstrip("s") in {"response", "responder", "remission"}:
        return "n_resp"
    end = quantity.counted[1] if isinstance(quantity, Quantity) else quantity.end
    whole = isinstance(quantity, Quantity) and quantity.total == quantity.n
    if whole and _NEGATIVE.match(text, end, sentence.end) and (told is None or told.metric == "n_pos"):
        return "n_pos"
    return "n_pos" if told is None and i < _OPENING and _NONE_OF_THEM.match(text, end, sentence.end) else None


_OPENING = 4  # "Among the 44 cases tested, all were negative": the group is told first
