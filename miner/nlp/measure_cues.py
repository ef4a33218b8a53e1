"""Names of endpoints in a text, and the metric that each kind of figure bound to them becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import ahocorasick_rs

from miner.nlp.measure_rules import Rules

KINDS = ("percent", "count", "duration", "ratio")
_FOLD = str.maketrans(dict.fromkeys("‐‑‒–—−", "-") | {"\u00a0": " ", "\u2009": " ", "\u202f": " "})
_SITE = re.compile(
    r"\b(?:intracranial|intra-cranial|CNS|central nervous system|brain|cerebral|IC|ic)"
    r"(?:\s(?:confirmed|best|objective|overall|partial|complete)){0,2}[\s-]$",
    re.IGNORECASE,
)
_SITED_SHORT = re.compile(r"ic?[A-Z]{2}")
_SITED = frozenset({"response", "disease control"})
_TIMEPOINT = re.compile(
    r"(?:\b(?:\d+(?:\.\d)?|one|two|three|four|five|six|ten)[-‐–\s]{0,2}(?:and|,|or|to)?[\s,]*)+"
    r"(?:years?|yrs?|y|months?|mos?|weeks?)(?:\s(?:estimated|overall|actuarial|the|crude|cumulative|relative|landmark|updated|median)){0,3}\s?$",
    re.IGNORECASE,
)
_TIMEPOINT_ENDS = (
    "year", "years", "yr", "yrs", "y", "month", "months", "mo", "mos", "week", "weeks", "estimated", "overall", "actuarial", "the",
    "crude", "cumulative", "relative", "landmark", "updated", "median",
)  # fmt: skip
_RATE_AFTER = re.compile(
    r"s?\s?(?:\([^()]{2,8}\)\s?)?(?:rates?|probabilit\w+|estimates?)?(?:\s(?:was|were|of))?\s?(?:at|after|for)\s(?:\d+,?\s(?:and\s)?)*(?:\d+|one|two|three|five|six|ten|twelve)[-\s]?(?:years?|months?|weeks?|y\b)",
    re.IGNORECASE,
)
_NUMBER_NEXT = re.compile(
    r"(?:\s(?:of|was|were|is))?(?:\s(?:about|approximately|nearly|over|at least|in at least|on at least|less than|more than))?"
    r"[\s,:(=≥><]{1,5}(?:median,? )?\d"
)
_MEDIAN = re.compile(r"\b(?:medians?|mean)(?:\s\w+){0,2}\s$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of the rule file: its metric by kind of figure."""

    name: str
    metrics: Mapping[str, str]
    weak: bool = False
    firm: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cue:
    """A name of an endpoint in the text: ``site`` is "IC_" for intracranial, ``timed`` true for a rate at a timepoint.

    ``firm`` is false for a word that names a frequency only with a verb ("... harbored a mutation").
    """

    start: int
    end: int
    endpoint: Endpoint
    site: str = ""
    timed: bool = False
    firm: bool = True

    def natural(self, kind: str) -> bool:
        """Is a figure of this kind what the endpoint is given in? Survival is a duration unless it is at a timepoint."""
        metrics = self.endpoint.metrics
        return kind in metrics and (kind == "duration" or "duration" not in metrics or self.timed)

    def metric(self, kind: str) -> str | None:
        """Metric of a figure of this kind, or None where the endpoint has none."""
        name = self.endpoint.metrics.get(kind)
        if name is None:
            return None
        return self.site + name if self.site and kind == "percent" else name


class Cues:
    """Finder of endpoint names, made from ``measures.toml``."""

    def __init__(self, rules: Rules) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self._terms: dict[str, tuple[Endpoint, frozenset[str] | None]] = {}
        self._before_number: set[str] = set()
        self._signed: list[tuple[tuple[str, ...], re.Pattern[str], Endpoint, bool]] = []
        self._predicates = rules.word_set("words", "predicates") if "words" in rules.data else frozenset()
        entries = rules.data.get("endpoint")
        if not isinstance(entries, list) or not entries:
            raise rules.fail("endpoint", "no [[endpoint]] tables; add at least one")
        for entry in entries:
            self._add(rules, entry)
        self._patterns = list(self._terms)
        self._known = [(*self._terms[p], p in self._before_number, p in self._predicates) for p in self._patterns]
        ellipsis = rules.table("ellipsis")
        if unknown := [word for word, name in ellipsis.items() if name not in self.endpoints]:
            raise rules.fail(unknown[0], f"{ellipsis[unknown[0]]!r} is no [[endpoint]]; name one of them")
        self._lasting = rules.word_set("words", "lasting") if "words" in rules.data else frozenset()
        self._spans = rules.word_set("words", "spans") if "words" in rules.data else frozenset()
        self._other_time = self.endpoints.get("other time", next(iter(self.endpoints.values())))
        self._elliptic = {word: self.endpoints[name] for word, name in ellipsis.items()}
        self._ellipsis = re.compile(rf"\b(?:{'|'.join(self._elliptic)})\b(?=\s?(?:,|and\s|or\s)[^.;:()]{{0,24}}(?:response|remission))")
        self._automaton = ahocorasick_rs.AhoCorasick(self._patterns, matchkind=ahocorasick_rs.MatchKind.Standard)
        signs = sorted({sign for signed in self._signed for sign in signed[0]} | set(self._elliptic))
        self._signs, self._sign_automaton = signs, ahocorasick_rs.AhoCorasick(signs)

    def _add(self, rules: Rules, entry: Mapping[str, Any]) -> None:
        name = entry.get("name")
        if not isinstance(name, str):
            raise rules.fail("endpoint", "an [[endpoint]] has no name; give it one")
        if unknown := set(entry) - {"name", "words", "abbreviations", "before_number", "weak", "firm", "ignore", "patterns", *KINDS}:
            raise rules.fail(
                unknown.pop(), f"endpoint {name!r} has an unknown key; use name, words, abbreviations, weak, {', '.join(KINDS)}"
            )
        metrics = {kind: entry[kind] for kind in KINDS if kind in entry}
        endpoint = Endpoint(name, metrics, bool(entry.get("weak")), frozenset(entry.get("firm", ())))
        if bool(metrics) == bool(entry.get("ignore")):
            raise rules.fail(name, f"endpoint {name!r} needs a metric ({', '.join(KINDS)}) or ignore = true, not both")
        self.endpoints[name] = endpoint
        for word in entry.get("words", ()):
            self._put(rules, word.lower().replace("-", " "), endpoint, None)
            if word.endswith("y") and word[-2] not in "aeiou":
                self._put(rules, word[:-1].lower().replace("-", " ") + "ies", endpoint, None)
        for pair in entry.get("patterns", ()):
            if not isinstance(pair, list) or len(pair) != 2:
                raise rules.fail("patterns", f"endpoint {name!r} needs pairs of a sign and an expression as patterns")
            leads = pair[1].startswith((pair[0], f"(?:{pair[0]})")) and not pair[1][len(pair[0]) :].startswith("?")
            self._signed.append((tuple(pair[0].split("|")), _compiled(rules, name, pair[1]), endpoint, leads))
        for word in entry.get("before_number", ()):
            self._put(rules, word.lower().replace("-", " "), endpoint, None)
            self._before_number.add(word.lower().replace("-", " "))
        for word in entry.get("abbreviations", ()):
            for form in (word, word + "s", *(["m" + word] if "duration" in metrics else [])):
                self._put(rules, form.lower().replace("-", " "), endpoint, form)

    def _put(self, rules: Rules, term: str, endpoint: Endpoint, exact: str | None) -> None:
        known = self._terms.get(term)
        if known and known[0] is not endpoint and exact in (None, term):
            raise rules.fail(term, f"{term!r} names both {known[0].name!r} and {endpoint.name!r}; keep one")
        if exact is None:
            self._terms[term] = (endpoint, None)
        elif not known:
            self._terms[term] = (endpoint, frozenset({exact}))
        elif known[0] is endpoint and known[1] is not None:
            self._terms[term] = (endpoint, known[1] | {exact})

    def find(self, text: str) -> list[Cue]:
        """Endpoint names in a text, the longest where they overlap."""
        folded = text if text.isascii() else text.translate(_FOLD)
        lower = folded.lower()
        if len(lower) != len(folded):
            lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in folded)
        spaced = lower.replace("-", " ").replace("\n", " ")
        spans, known, size = [], self._known, len(spaced)
        for index, start, end in self._automaton.find_matches_as_indexes(spaced, overlapping=True):
            if (start and spaced[start - 1].isalnum()) or (end < size and spaced[end].isalnum() and spaced[end] != "s"):
                continue
            endpoint, exact, before_number, predicate = known[index]
            if before_number and not _NUMBER_NEXT.match(spaced, end):
                continue
            if predicate and not _is_predicate(folded, start, end):
                continue
            end = _boundary(spaced, folded, start, end, exact)
            if end:
                spans.append((start, end, endpoint))
        spans += self._by_pattern(spaced)
        found = [span for span in _longest(spans) if span[2].metrics]
        if "RR" in folded and _RISK.search(folded):
            found = [span for span in found if folded[span[0] : span[1]] not in {"RR", "RRs"}]
        found = self._durations(spaced, _with_abbreviations(folded, found))
        return _with_timepoints(folded, [self._cue(folded, *span) for span in found])

    def _by_pattern(self, spaced: str) -> list[tuple[int, int, Endpoint]]:
        """What the patterns find, each tried around its signs alone."""
        places: dict[str, list[int]] = {}
        for index, start, _ in self._sign_automaton.find_matches_as_indexes(spaced, overlapping=True):
            places.setdefault(self._signs[index], []).append(start)
        spans: list[tuple[int, int, Endpoint]] = []
        if not places:
            return spans
        for signs, pattern, endpoint, leads in self._signed:
            if places.keys().isdisjoint(signs):
                continue
            found = sorted(at for sign in signs for at in places.get(sign, ()))
            if leads:
                spans += [(m.start(), m.end(), endpoint) for at in found if (m := pattern.match(spaced, at))]
                continue
            for low, high in _windows(found):
                spans += [(m.start(), m.end(), endpoint) for m in pattern.finditer(spaced, low, high)]
        if not places.keys().isdisjoint(self._elliptic):
            spans += [(m.start(), m.end(), self._elliptic[m[0]]) for m in self._ellipsis.finditer(spaced)]
        return spans

    def _durations(self, spaced: str, spans: list[tuple[int, int, Endpoint]]) -> list[tuple[int, int, Endpoint]]:
        """A bare "median duration" is of what was named before it: of responses, or of stable disease, treatment, events."""
        found: list[tuple[int, int, Endpoint]] = []
        for start, end, endpoint in spans:
            before = found[-1] if found else None
            if before and spaced[start:end] in self._before_number and endpoint.metrics.get("duration"):
                between = spaced[before[1] : start]
                near = len(between) < 60 and ". " not in between
                if near and before[2].name in self._lasting:
                    endpoint = self._other_time
                elif near and before[2].name in self._spans and not any(map(str.isdigit, between)):
                    endpoint = before[2]
            found.append((start, end, endpoint))
        return found

    def _cue(self, text: str, start: int, end: int, endpoint: Endpoint) -> Cue:
        sited = endpoint.name in _SITED and text[start - 1 : start] in " -" and _SITE.search(text, max(0, start - 60), start)
        sited = sited or (endpoint.name in _SITED and _SITED_SHORT.match(text, start, end))
        site = "IC_" if sited else ""
        timed = "duration" in endpoint.metrics and (
            _at_timepoint(text, start) or _RATE_AFTER.match(text, end) is not None or _is_rate(text, start, end)
        )
        firm = not endpoint.firm or text[start:end].lower().replace("-", " ") in endpoint.firm
        return Cue(start, end, endpoint, site, timed and not _MEDIAN.search(text, max(0, start - 24), start), firm)


_RISK = re.compile(r"\bRRs?\W{0,3}(?:of|was|were|=|:)?\s*\d[.·]\d+(?![\d.]|\s?%)")
_REACH = 160
_AND = re.compile(r"\s?(?:,|,?\s?(?:and|or)|/|-\s+and)\s")


def _with_timepoints(text: str, cues: list[Cue]) -> list[Cue]:
    """Give every name of a list the timepoint of one of them: "3-year disease-free and overall survival"."""
    groups: list[list[Cue]] = []
    for cue in cues:
        if groups and _AND.fullmatch(text, groups[-1][-1].end, cue.start):
            groups[-1].append(cue)
        else:
            groups.append([cue])
    found: list[Cue] = []
    for group in groups:
        timed = len(group) > 1 and (any(cue.timed for cue in group) or _at_timepoint(text, group[0].start))
        found += [replace(cue, timed=True) if timed and "duration" in cue.endpoint.metrics else cue for cue in group]
    return found


def _compiled(rules: Rules, name: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(rf"\b{pattern}")
    except re.error as error:
        raise rules.fail("patterns", f"endpoint {name!r} has a pattern that is no regular expression: {error}") from None


_PREDICATE = re.compile(r"\s?(?:[,.;:()%]|$|(?:and|but|for|in|with|at|as|against|compared|versus|when|relative|using)\b)", re.IGNORECASE)


_DEFINED = re.compile(r"(?:\s(?:rate|rates|time))?\s?\((?P<short>[A-Za-z]{0,2}[A-Z]{1,5})\)")


def _with_abbreviations(text: str, spans: list[tuple[int, int, Endpoint]]) -> list[tuple[int, int, Endpoint]]:
    """Names with their own abbreviations, as the text defines them: "objective tumor response (OR) ... OR was 80%"."""
    defined: dict[str, Endpoint] = {}
    for start, end, endpoint in spans:
        match = None if endpoint.weak or end - start < 6 else _DEFINED.match(text, end)
        if match and len(match["short"]) > 1 and match["short"][0].lower() in {w[0].lower() for w in text[start:end].split()}:
            defined.setdefault(match["short"], endpoint)
    own: list[tuple[int, int, Endpoint]] = []
    for short, endpoint in defined.items():
        for found in re.finditer(rf"(?<![\w-]){short}(?![\w-])", text):
            held = next((s for s in spans if s[0] <= found.start() < s[1]), None)
            if held is None or held[2] is not endpoint:
                own.append((*found.span(), endpoint))
    foreign = {short for short in {text[s:e] for s, e, _ in spans if e - s < 4} - set(defined) if _is_foreign(text, short, spans)}
    if not own and not foreign:
        return spans
    taken = {start for start, _, _ in own}
    kept = (s for s in spans if s[0] not in taken and text[s[0] : s[1]] not in foreign)
    return sorted([*kept, *own], key=lambda s: s[:2])


def _is_foreign(text: str, short: str, spans: list[tuple[int, int, Endpoint]]) -> bool:
    """Does the text define a short name as something else: "progesterone receptor (PR)", "lung cancer (LC)"?"""
    at = text.find(f"({short})")
    if at < 0 or not short.isupper():
        return False
    words = re.findall(r"[A-Za-z]+", text[max(0, at - 80) : at])[-len(short) :]
    named = any(start < at <= end + 1 for start, end, _ in spans)
    return not named and "".join(word[0] for word in words).upper() == short and all(len(word) > 2 for word in words)


def _windows(places: list[int]) -> list[tuple[int, int]]:
    """Where a pattern is worth trying: around its signs, whose places come in order; windows that overlap are one."""
    found: list[tuple[int, int]] = []
    for at in places:
        low, high = max(0, at - _REACH), at + _REACH
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found


def _is_predicate(text: str, start: int, end: int) -> bool:
    """Does an adjective stand as a predicate ("97% specific.") and not before a noun or in a compound ("drug-specific")?"""
    return text[start - 1 : start] != "-" and _PREDICATE.match(text, end) is not None


def _is_rate(text: str, start: int, end: int) -> bool:
    """Is a name one of a rate ("the progression-free survival rate")?"""
    return text[start:end].endswith((" rate", " rates")) or text.startswith((" rate", " probabilit"), end)


def _at_timepoint(text: str, start: int) -> bool:
    """Does a timepoint stand before a name ("one-year overall survival")?"""
    low = max(0, start - 60)
    return text[low:start].rstrip().lower().endswith(_TIMEPOINT_ENDS) and _TIMEPOINT.search(text, low, start) is not None


def _boundary(spaced: str, folded: str, start: int, end: int, exact: frozenset[str] | None) -> int:
    """End of a match, a plural s included; 0 where a longer word goes on."""
    if (exact is None and spaced.startswith("s ", end)) or (
        exact is None and end < len(spaced) and spaced[end] == "s" and not (end + 1 < len(spaced) and spaced[end + 1].isalnum())
    ):
        end += 1
    if end < len(spaced) and spaced[end].isalnum():
        return 0
    if exact is not None and folded[start:end] not in exact:
        return 0
    if exact is not None and ((folded[end : end + 1] == "-" and folded[end + 1 : end + 2].isalnum()) or folded[start - 1 : start] == "-"):
        return 0
    return end


def _longest(spans: list[tuple[int, int, Endpoint]]) -> list[tuple[int, int, Endpoint]]:
    """Spans that do not overlap, the longest first choice."""
    kept: list[tuple[int, int, Endpoint]] = []
    last = -1
    for span in sorted(spans, key=lambda s: (s[0], -s[1])):
        if span[0] >= last:
            kept.append(span)
            last = span[1]
        elif span[1] > last and kept and span[1] - span[0] > kept[-1][1] - kept[-1][0]:
            kept[-1] = span
            last = span[1]
    return kept
