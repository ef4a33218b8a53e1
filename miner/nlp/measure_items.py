"""What a list or an apposition ties a figure to: "71% with brigatinib", "57% and 44% with A and B, respectively"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from miner.nlp.measure_carriers import adjoins
from miner.nlp.measure_groups import Bound
from miner.nlp.measure_quantities import Element
from miner.schema import Label, Mention, Sentence

Span = tuple[int, int]
_GENETIC = frozenset({Label.GENE, Label.FUSION, Label.VARIANT, Label.ALTERATION})
_TREATMENT = frozenset({Label.DRUG, Label.DRUG_CLASS})
_PREPOSITION = r"(?:with|for|in|among|by|on|to|of|receiving|treated with|given|during|after|using|when|through|following|under)"
_AFTER = re.compile(
    rf"[^()\[\];]{{0,3}}[)\]]?\s*(?:\([^()]*\)|\[[^\[\]]*\])?\s*(?:(?:of\s(?:the\s|all\s)?(?:[\w-]+\s){{0,2}}?(?:patients|cases|tumou?rs|samples|specimens)\s)?"
    rf"{_PREPOSITION}\s(?:the\s|those\s(?:with|in|on)\s|patients\s(?:with|on|in|receiving)\s)*|\((?=[^\d()]+\))|(?=\bNO\b))(?P<item>[^,;:()\[\]]+)"
)
_STOP = re.compile(
    r"\s(?:and|versus|vs\.?|v|but|whereas|while|compared|than|or|at|was|were|had|respectively|carried|harbou?red|responded|achieved|showed|experienced|received|developed|who|which|that|when)\s|,|;|\(|\.\s|\.$"
)
_LIST = re.compile(r",\s*(?:and\s|or\s)?|\s(?:and|or|versus|vs\.?|v|than|compared\swith|compared\sto|&)\s")
_LEAD = re.compile(rf"^\s*(?:(?:{_PREPOSITION}|than|the|those|versus|compared|patients(?=\s(?:with|on|in|receiving|given|treated)\b))\s)+")
_GENERIC = re.compile(
    r"(?:nearly|about|almost|approximately|over|more than)\s\d|an?\s(?:\d|one|two|three|five)\S*|favou?r of\b"
    r"|(?:an? |all |both |our |these |the )?(?:patients|cases|tumou?rs|samples|specimens|"
    r"individuals|subjects|months|years|which|whom|each|total|median|duration|response rate|overall|objective|complete|partial)\b"
)
_SUBJECT = re.compile(rf"\b{_PREPOSITION}\s(?P<item>(?:(?!\b{_PREPOSITION}\s)[^,;:()])+?)\s(?:was|were|is|are|had)\s(?:only\s|about\s)?$")
_COMPARED = re.compile(
    rf"\b{_PREPOSITION}\s(?P<a>[^,;:()]{{2,60}}?)\s(?:than|versus|vs\.?|v|compared\swith|compared\sto)\s(?:(?:{_PREPOSITION}|that|those)\s)*"
    r"(?P<b>[^,;:()]{2,60}?)\s*[(,:]\s*(?:[a-z]+,?\s){0,3}$"
)


def items_of(
    text: str, sentence: Sentence, elements: Sequence[Element], bound: Sequence[Bound], names: Sequence[Mention]
) -> dict[int, Span]:
    """Span of the item of each bound figure of a sentence, by index of its element; ``names`` are the sentence's mentions."""
    found: dict[int, Span] = {}
    respectively = [e.start for e in elements if e.kind == "y"]
    for run in _runs(elements, bound):
        following = next((b.quantity.start for b in bound if b.index > run[-1].index), sentence.end)
        near = [y for y in respectively if y <= following]
        dealt = _deal(text, sentence, run, names, near) if len(run) > 1 else None
        if dealt:
            found.update(dealt)
    quantities = [e.start for e in elements if e.kind == "Q"]
    last = -1
    for one in bound:
        if one.index not in found:
            stop = next((q for q in quantities if q > one.quantity.start), sentence.end)
            end = min(stop, sentence.end)
            item = _counted_next(text, one, names) or _apposed(text, _past_aside(text, one.quantity.end, end), end, names)
            item = item or _headed(text, sentence.start, one, names) or _subgroup(text, sentence.start, one, names)
            item = item or _next_group(text, one, names, found.get(last)) or _adjoining(text, one, names)
            if item and not (one.cue and item[0] < one.cue.end and one.cue.start < item[1]):
                found[one.index] = item
        last = one.index if one.metric == "HR" else last
    return found


def _runs(elements: Sequence[Element], bound: Sequence[Bound]) -> list[list[Bound]]:
    """Figures of one metric that stand in a bare list: "57% and 44%", "8.4 v 6.7 months"."""
    runs: list[list[Bound]] = []
    for one in bound:
        if (
            runs
            and runs[-1][-1].metric == one.metric
            and one.index - runs[-1][-1].index <= 4
            and all(
                e.kind in ",av()w;" and (e.kind != "w" or e.text.lower() in {"compared", "with", "than"})
                for e in elements[runs[-1][-1].index + 1 : one.index]
            )
        ):
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _deal(
    text: str, sentence: Sentence, run: Sequence[Bound], names: Sequence[Mention], respectively: Sequence[int]
) -> dict[int, Span] | None:
    """Items of a list of figures: the list after it, or the list before it."""
    start, end = run[0].quantity.start, run[-1].quantity.end
    stop = next((y for y in respectively if y >= end), None)
    after = _parts(text, end, stop if stop is not None else sentence.end, len(run), exact=stop is not None)
    parts = (
        after
        or _listed(names, text, sentence.start, start, len(run), versus=stop is None and _VERSUS.search(text, start, end) is not None)
        or _set_against(text, sentence.start, start, len(run))
        or (_listed(names, text, end, stop, len(run)) if stop else None)
        or (_listed(_genetic_units(names), text, sentence.start, start, len(run), whole=True) if stop else None)
        or (_parts_before(text, sentence.start, start, len(run)) if stop else None)
    )
    if not parts:
        return None
    return {one.index: _narrow(part, names) for one, part in zip(run, parts, strict=True)}


_CUT = re.compile(r"[;()]|\.\s|\.$|,\s(?!and\b|or\b)")


def _set_against(text: str, start: int, end: int, count: int) -> list[Span] | None:
    """The two sides of "longer with A than with B (18.9 v 10.2 months)"."""
    match = _COMPARED.search(text, start, end) if count == 2 else None
    sides = [_trim(text, *match.span(side)) for side in "ab"] if match else []
    found = [side for side in sides if side]
    return found if len(found) == 2 else None


_BEGIN = re.compile(
    r"[)\]]?,?\s*(?:(?:was|were)\s(?:\w+\s)?(?:\w+ed|seen|found|noted)\s)?"
    rf"(?:of\s(?:the\s)?(?:[\w-]+\s)?(?:patients|cases|tumou?rs|samples)\s)?{_PREPOSITION}\s"
)


def _parts(text: str, start: int, end: int, count: int, *, exact: bool) -> list[Span] | None:
    """The list that follows figures, split at commas and "and", where it has as many parts as there are figures."""
    begin = _BEGIN.match(text, start, end)
    if not begin:
        return None
    stop = end
    if not exact:
        cut = _CUT.search(text, begin.end(), end)
        stop = cut.start() if cut else end
    spans, at = [], begin.end()
    for match in _LIST.finditer(text, at, stop):
        if match.start() > at:
            spans.append((at, match.start()))
        at = match.end()
    spans.append((at, stop))
    spans = [trimmed for span in spans if (trimmed := _trim(text, *span))]
    return spans if len(spans) == count else None


_SUBJECTS = re.compile(
    r"\b(?:of|for|in|among|with|to)\s(?P<list>(?:(?!\s(?:was|were|is|are|had)\s)[^;:()])+)\s(?:was|were|is|are|had)\s(?:\w+ly\s)?$"
)


def _parts_before(text: str, start: int, end: int, count: int) -> list[Span] | None:
    """The list that is the subject of figures, split at commas and "and": "the rates of A, B and no mutation were 5%, 3% and 92%"."""
    match = _SUBJECTS.search(text, start, end)
    if not match:
        return None
    spans, at = [], match.start("list")
    for cut in (*_LIST.finditer(text, at, match.end("list")), None):
        stop = cut.start() if cut else match.end("list")
        if trimmed := _trim(text, at, stop):
            spans.append(trimmed)
        at = cut.end() if cut else stop
    return spans if len(spans) == count else None


def _trim(text: str, start: int, end: int) -> Span | None:
    lead = _LEAD.match(text[start:end])
    start += lead.end() if lead else 0
    while start < end and (text[start].isspace() or text[start] in ",;"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in ",;."):
        end -= 1
    return (start, end) if start < end else None


_VERSUS = re.compile(r"\s(?:versus|vs\.?|v)\s")
_AGAINST = re.compile(r"versus|\bvs?\b|\bthan\b|compared|\bor\b|\bover\b|[,/]")


_COMPARING = re.compile(r"\b(?:between|both|each|comparable|similar|differ\w*|arms|groups|respectively)\b")


def _combined(text: str, start: int, members: Sequence[Mention]) -> bool:
    """Can drugs joined by "and" be one treatment, so that two figures set against each other are not one of each?"""
    return members[0].label in _TREATMENT and not _COMPARING.search(text, start, members[-1].end + 24)


def _genetic_units(names: Sequence[Mention]) -> list[Mention]:
    """What a list of alterations is made of: fusions, variants and genes, with alterations that name none ("exon 19 deletion")."""
    wider = [m for m in names if m.label in (Label.FUSION, Label.VARIANT)]
    genes = [m for m in names if m.label is Label.GENE and not any(w.start <= m.start and m.end <= w.end for w in wider)]
    bare = [m for m in names if m.label is Label.ALTERATION and not any(g.start < m.end and m.start < g.end for g in (*genes, *wider))]
    places = {(m.start, m.end): replace(m, label=Label.ALTERATION) for m in (*bare, *genes, *wider)}
    return sorted(places.values(), key=lambda m: (m.start, m.end))


def _listed(
    names: Sequence[Mention], text: str, start: int, end: int, count: int, *, versus: bool = False, whole: bool = False
) -> list[Span] | None:
    """The last list of mentions of one label before figures that has as many members as there are figures, and no more if ``whole``."""
    inside = [m for m in names if start <= m.start and m.end <= end]
    for last in range(len(inside), count - 1, -1):
        members = inside[last - count : last]
        of_a_kind = len({"therapy" if m.label in _TREATMENT else m.label for m in members}) == 1
        longer = whole and last > count and _joined(text, inside[last - count - 1], members[0])
        if of_a_kind and not longer and all(_joined(text, a, b) for a, b in itertools.pairwise(members)):
            against = (_AGAINST.search(text, a.end, b.start) for a, b in itertools.pairwise(members))
            if versus and _combined(text, start, members) and not all(against):
                return None
            spans = [(m.start, m.end) for m in members]
            return spans[::-1] if versus and count == 2 and _opens(text, start, members) else spans
    return None


def _opens(text: str, start: int, members: Sequence[Mention]) -> bool:
    """Does the sentence open with what the second is set against: "Compared with A, B prolonged survival (18.9 vs 10.2 months)"?"""
    return text[members[0].end : members[1].start].strip() == "," and _OPENING.fullmatch(text, start, members[0].start) is not None


_OPENING = re.compile(
    r"\W*(?:[\w-]+,\s+)?(?:when )?(?:compared (?:with|to)|in comparison (?:with|to)|relative to|in contrast to|versus|over)\b[^.;()]{0,60}",
    re.I,
)


_GAP = re.compile(r"[^;()]{0,30}?(?:,|\band\b|\bor\b|/|\bversus\b|\bvs?\.?\s|\bthan\b|compared)\s*(?:and\s)?[^;()]{0,22}$")


def _joined(text: str, left: Mention, right: Mention) -> bool:
    return 0 < right.start - left.end <= 50 and bool(_GAP.match(text[left.end : right.start]))


def _narrow(span: Span, names: Sequence[Mention]) -> Span:
    """The first mention inside a span, or the span itself."""
    inside = [m for m in names if span[0] <= m.start and m.end <= span[1]]
    return (inside[0].start, max(m.end for m in inside if m.start == inside[0].start)) if inside else span


def _apposed(text: str, start: int, end: int, names: Sequence[Mention]) -> Span | None:
    """The item straight after a figure."""
    match = _AFTER.match(text, start, end)
    if not match:
        return None
    stop = _STOP.search(text, match.start("item"), end)
    span = _trim(text, match.start("item"), min(stop.start() if stop else end, match.end("item")))
    if not span or span[1] - span[0] < 2 or _GENERIC.match(text[slice(*span)]) or _VERB_NEXT.match(text, span[1], end + 1):
        return None
    return _narrow(span, names)


_VERB_NEXT = re.compile(r"\s(?:was|were|is|are)\b")


_ASIDE = re.compile(
    r"(?:[\d\s.,·;:=<>≤≥%+–−‐-]|\b(?:CIs?|CrI|confidence|intervals?|[Pp]|to|and|IQR|range|NR|NE|NA|two-sided|log-rank|value)\b"
    r"|[(\[](?=[^()\[\]]*[\])])|(?<=\d)[)\]](?=\s?[,;)\]]))+(?=[)\]]\s)"
)
_NO_GROUP = re.compile(
    r"\b(?:survivals?|rates?|OS|PFS|DFS|ORR|[Dd]eaths?|mortality|progression|recurrence|hazards?|HR|risks?|odds|favou?r|benefit|improvement|terms)\b"
)


def _past_aside(text: str, start: int, end: int) -> int:
    """Where the interval and p value after a figure in brackets end; the figure's own end where there is none."""
    match = _ASIDE.match(text, start, end)
    return match.end() if match else start


_GROUP_BEFORE = re.compile(
    r"(?<!\bmonths )(?<!\bmonth )(?<!\byears )(?<!\bweeks )(?<![%\d] )\b(?i:in|among|for)\s(?P<item>(?:(?:the|those|patients|"
    r"subgroups?|tumou?rs|cases|individuals|women|men)\s)?"
    r"(?:(?:with|of|on)\s)?(?:(?!in\s|among\s|for\s|with\s|than\s|versus\s|vs\.?\s|v\s|compared\s|over\s|was\s|were\s|had\s)"
    r"[^\s,;:()\[\]]+\s){1,6}?)[(\[]\s?$"
)
_LED = re.compile(r"\s*(?:[(\[]a?HRs?[)\]])?\s*[=:,]?\s*(?:(?:of|was|for \w+)\s?)?[=:,]?\s*")


def _subgroup(text: str, start: int, one: Bound, names: Sequence[Mention]) -> Span | None:
    """The group straight before the bracket of a hazard ratio: "in patients with brain metastases (HR 0.41)"."""
    if one.metric != "HR" or one.cue is None or one.cue.end > one.quantity.start:
        return None
    if not _LED.fullmatch(text, one.cue.end, one.quantity.start):
        return None
    match = _GROUP_BEFORE.search(text, max(start, one.cue.start - 90), one.cue.start)
    span = _trim(text, *match.span("item")) if match else None
    if not span or _GENERIC.fullmatch(text[slice(*span)]) or _NO_GROUP.search(text, *span):
        return None
    if any(m.label in _TREATMENT and m.start < span[1] and span[0] < m.end for m in names):
        return None
    return _narrow(span, names)


def _next_group(text: str, one: Bound, names: Sequence[Mention], last: Span | None) -> Span | None:
    """The name straight before the bracket of a hazard ratio that goes on a list: "... and KEAP1 mutations (HR 1.5)"."""
    if one.metric != "HR" or one.cue is None or not _LED.fullmatch(text, one.cue.end, one.quantity.start):
        return None
    labels = _GENETIC if last is None else frozenset(Label) - _TREATMENT
    near = [m for m in names if m.label in labels and _OPEN.fullmatch(text, m.end, one.cue.start)]
    return (near[0].start, near[0].end) if near else None


_OPEN = re.compile(r"\s?[(\[]\s?")


def _adjoining(text: str, one: Bound, names: Sequence[Mention]) -> Span | None:
    """The alteration or gene straight after a count: "12 EML4-ALK, four KIF5B-RET ..."."""
    if one.metric != "n_pos" or one.quantity.form != "count" or one.quantity.total is not None:
        return None
    end = one.quantity.figure[1]
    near = [m for m in names if m.label in _GENETIC and text[end : m.start] == " "]
    near = [m for m in near if m.label is not Label.GENE or adjoins(text, end, m)]
    return max(((m.start, m.end) for m in near), default=None)


def _counted_next(text: str, one: Bound, names: Sequence[Mention]) -> Span | None:
    """The alteration straight after a count with its share: "61 (29%) had KRAS mutations, 48 (22%) EGFR mutations"."""
    counted = one.metric == "value_percent" and _COUNT_AND_SHARE.fullmatch(text, one.quantity.start, one.quantity.end)
    link = _SHARE_HAS.match(text, one.quantity.end) if counted else None
    near = [m for m in names if link and m.label in _GENETIC and m.start == link.end()]
    end = max((m.end for m in near), default=0)
    variants = [m.end for m in names if m.label is Label.VARIANT and near and 0 <= m.start - end <= 3]
    return (near[0].start, max([end, *variants])) if near else None


_COUNT_AND_SHARE = re.compile(r"[\w,]+\s?[(\[][^()\[\]]*[)\]]")
_SHARE_HAS = re.compile(r"\s(?:(?:had|have|harbou?red|carried|showed|bore|with|were|was)\s(?:an?\s)?)?")
_LEADING = ("was", "were", "is", "are", "had", "only", "about")
_HEADING = re.compile(r"\s*[:,=(\[]\s*(?:n\s=\s\d+[,;]\s)?")


def _headed(text: str, start: int, one: Bound, names: Sequence[Mention]) -> Span | None:
    """The item straight before a figure: "brigatinib (71%)", "brigatinib: 71%"; no count that opens a clause, "after A, 24 responded"."""
    end = one.quantity.start
    led = text[end - 1].isspace() and text[max(start, end - 14) : end].rstrip().endswith(_LEADING)
    subject = _SUBJECT.search(text, max(start, end - 90), end) if led else None
    if subject and (span := _trim(text, *subject.span("item"))) and not _GENERIC.match(text[slice(*span)]):
        return _narrow(span, names)
    before = [m for m in names if start <= m.start and m.end <= end and _HEADING.fullmatch(text, m.end, end)]
    opens = one.quantity.form == "count" or _COUNT_AND_SHARE.fullmatch(text, one.quantity.start, one.quantity.end)
    if before and opens and not one.quantity.equals and text[before[-1].end : end].strip() == ",":
        return None
    return (before[-1].start, before[-1].end) if before else None
