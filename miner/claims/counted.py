"""What a figure counts: carriers of an alteration, or smokers, tested patients, responders ..."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from miner.claims import frames, words
from miner.claims.claim_types import family
from miner.claims.document import BODY, RESULTS, Subject, View, therapies
from miner.numbers import parse_number
from miner.schema import Cohort, Label, Measure, Mention, StudyType

Item = tuple[Mention, Measure]
Span = tuple[int, int]
_BESIDE, _KNOWN_GAP, _LACKING, _SEVERAL = 50, 14, 80, 3
_OWN_GAP = 3  # between a gene and its variant: "BRAF V600E"
_SERIES = (StudyType.RETROSPECTIVE_COHORT, StudyType.TRIAL, StudyType.DIAGNOSTIC_VALIDATION)
_THERAPY = (Label.DRUG, Label.DRUG_CLASS)
_PROTEIN = ("expression", "overexpression")


def rules() -> words.Words:
    """The word lists of biology."""
    return words.load("biology.toml")


def candidates(view: View) -> list[Subject]:
    """What a figure may count: alterations, and genes listed beside one."""
    named = [s for s in view.subjects if s.gene and s.alteration != "wild-type"]
    unsaid = not named and not altered(view)
    altered_too = [s for s in named if s.alteration not in _PROTEIN]
    found = altered_too if any(not is_population(view, s) for s in altered_too) else list(named)
    spans = [(s.start, s.end) for s in view.subjects] + [(m.start, m.end) for m in view.of(Label.DRUG_CLASS, Label.ASSAY, Label.DRUG)]
    stains = unsaid or view.tells(rules(), "stains")
    for mention in view.of(Label.GENE):
        if stains and rules()["lineage_marker"].fullmatch(mention.text):
            continue
        own = next((v for v in found if v.variant and v.gene == mention.name and 0 <= v.start - mention.end < _OWN_GAP), None)
        if own is not None:
            found[found.index(own)] = replace(own, start=mention.start)
        elif mention.name and not any(a < mention.end and mention.start < b for a, b in spans):
            found.append(Subject(mention.start, mention.end, mention.name, alteration=_kind(view, named, mention.name), mention=mention))
    counted = [s for s in found if not _excepted(view, s)]
    return sorted([s for s in counted if not lacked_by(view, s)] or counted, key=lambda s: s.start)


def _excepted(view: View, subject: Subject) -> bool:
    """Is an alteration named as that of which a sentence does not speak: "no drivers other than the RET fusion"?"""
    return bool(rules()["excepted"].search(view.document.text[max(view.start, subject.start - 40) : subject.start]))


def lacked_by(view: View, subject: Subject) -> bool:
    """Does a gene name a group of those without its alteration: "of 40 ALK-negative tumours"?"""
    text = view.document.text
    if _WHO_WERE.search(text, max(view.start, subject.start - 40), subject.start):
        return _NEGATIVE.match(text, subject.end) is not None
    return rules()["who_lack_it"].match(text[subject.end : subject.end + 90]) is not None


# "Of the 62 patients who were EGFR-negative, ...".
_WHO_WERE = re.compile(r"\b(?:who|that|which) (?:were|was|are|is|tested|had tested) (?:\w+ )?$")
_NEGATIVE = re.compile(r"(?:(?:/|, | and | or |-, )[A-Z][A-Z0-9]+)*[- ](?:negative|wild[- ]type|WT)\b")


def altered(view: View) -> bool:
    """Does the sentence speak of altered genes, or go on from one that does?"""
    goes_on = view.index and frames.points_back(view) and view.document.views[view.index - 1].subjects
    return bool(goes_on) or bool(re.search(r"\b(?:mutat|delet|amplifi|rearrang|fusion|alter|lost|loss)", view.text, re.I))


def _kind(view: View, found: Sequence[Subject], gene: str) -> str:
    """What befell a gene of which only the symbol stands: what the others of the sentence have, else what it is known for."""
    kinds = [s.alteration for s in found if s.alteration]
    if kinds:
        return kinds[-1]
    if re.search(r"\bdelet", view.text, re.I):
        return "deletion"
    if re.search(r"\bexpress", view.text, re.I) and not re.search(r"\b(?:mutat|amplif|rearrang|fusion)", view.text, re.I):
        return "expression"
    if re.search(r"\b(?:fusion|rearrang|translocat|breakpoint)", view.text, re.I) and not re.search(r"\bmutat", view.text, re.I):
        return "fusion"
    return "fusion" if rules()["fused_gene"].fullmatch(gene) and not re.search(r"\bmutat", view.text, re.I) else "mutation"


def is_population(view: View, subject: Subject) -> bool:
    """Does an alteration name the group that a figure is a share of: ``in KRAS-mutant tumours``?"""
    text = view.document.text
    if rules()["cases_of"].search(text[max(view.start, subject.start - 40) : subject.start]):
        return False
    others = any(family(s.gene) != family(subject.gene) for s in view.subjects)
    if others and rules()["among_those"].search(text[max(view.start, subject.start - 60) : subject.start]):
        return True
    before = rules()["share_of"].search(text[max(view.start, subject.start - 30) : subject.start])
    said = rules()["adjective"].search(text[subject.start : subject.end])
    end = subject.start + said.start() if said else subject.end
    if not rules()["carriers"].match(text[end : end + 60]):
        return False
    listed = [s for s in view.subjects if s.end <= subject.start and _NEXT_GROUP.fullmatch(text, s.end, subject.start)]
    return bool(before) or (bool(listed) and is_population(view, listed[-1]))


# "in EGFR-mutant (N = 68) and ALK-positive (N = 27) patients".
_NEXT_GROUP = re.compile(r"[\w-]*(?:\s?\([^()]*\))?,?\s(?:and|or|versus|vs\.?)\s(?:in\s)?")


def opens(view: View, mention: Mention, measure: Measure) -> bool:
    """Is the count that of the whole group: ``In the 368 cases ...``?"""
    before = view.document.text[view.start : mention.start]
    if measure.metric == "n_pos" and measure.total is not None and measure.total == measure.n:
        return bool(_ALL.search(before) and _THAT_CARRY.match(view.document.text, mention.end, view.end))
    return measure.metric == "n_pos" and measure.total is None and bool(rules()["whole"].search(before))


# "All six tumours with NTRK fusions were ...": the carriers, of whom something is told.
_ALL = re.compile(r"\ball (?:of )?(?:the |these |our )?$", re.I)
_THAT_CARRY = re.compile(r"(?:\s+[\w-]+){0,3}?\s+(?:with|harbou?ring|carrying|bearing|having|positive for)\b")


def _segment(view: View, item: Item, items: Sequence[Item]) -> Span:
    """The part of the clause that speaks of one figure: up to its neighbours."""
    clause = view.clause(item[0].start)
    return (
        max([clause[0], *(m.end for m, _ in items if m.end <= item[0].start)]),
        min([clause[1], *(m.start for m, _ in items if m.start >= item[0].end)]),
    )


def plainly_found(view: View, mention: Mention) -> bool:
    """Is a figure told straight as one of carriers: "detected in 13%", "mutations (21% of tumours)"?"""
    text = view.document.text
    start = _place(view, mention)
    told = rules()["plainly"].search(text[max(view.start, start - 60) : start])
    return bool(told) or bool(text[: mention.start].endswith("(") and rules()["of_tumours"].match(text[mention.end : mention.end + 30]))


def of_groups(view: View, items: Sequence[Item]) -> Iterator[Item]:
    """Counted groups that are told to carry an alteration: "ninety patients had EGFR mutations"."""
    text = view.document.text
    groups = [(m, m.referent) for m in view.of(Label.COHORT) if isinstance(m.referent, Cohort)]
    largest = max((c.total or c.n or 0 for _, c in groups), default=0)
    for mention, cohort in groups:
        told = any(r.n == cohort.n or (m.start < mention.end and mention.start < m.end) for m, r in items)
        if not cohort.n or cohort.total or told:
            continue
        carried = next((s for s in view.subjects if s.start >= mention.end), None)
        if carried is None or carried.alteration == "wild-type" or rules()["looked_at"].match(text[carried.end : carried.end + 20]):
            continue
        if any(mention.end <= m.start < carried.start for m, _ in items):
            continue
        gap = text[mention.end : carried.start]
        selected = cohort.n < largest and bool(rules()["selected"].fullmatch(gap)) and rules().within("sought", text, view.start, view.end)
        if rules()["carry"].fullmatch(gap) or selected:
            yield mention, Measure("n_pos", cohort.n, n=cohort.n, item=(carried.start, carried.end))


def _place(view: View, mention: Mention) -> int:
    """Where the count of a figure begins: a share in brackets repeats the group before it."""
    measure, before = mention.referent, view.document.text[view.start : mention.start].rstrip()
    if not isinstance(measure, Measure) or before[-1:] not in ("(", "["):
        return mention.start
    groups = [(m, m.referent) for m in view.of(Label.COHORT) if isinstance(m.referent, Cohort) and 0 < mention.start - m.end < _BESIDE]
    told = [m.start for m, c in groups if c.n in (measure.n, measure.total) and (c.total is None or c.total == measure.total)]
    if told:
        return told[-1]
    counted = _COUNTED_BEFORE.search(view.document.text, view.start, mention.start)
    return counted.start() if counted and parse_number(counted["n"]) == measure.n else mention.start


# "18 primary lung adenocarcinomas (48.6%)".
_COUNTED_BEFORE = re.compile(
    r"\b(?P<n>\d[\d,]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) (?:[\w-]+ ){1,5}[(\[]\s?$", re.I
)


def told_before(view: View, mention: Mention, cue: int) -> bool:
    """Is a figure that of one alteration, told before company is: "found in 4% and often coexisted with ..."?"""
    beside = [s for s in view.subjects if mention.end <= s.start < cue]
    return mention.end <= cue and not beside and plainly_found(view, mention) and any(s.end <= mention.start for s in view.subjects)


def counts_else(view: View, item: Item, items: Sequence[Item]) -> bool:
    """Does the figure count smokers, tested patients, stained tumours ... and not carriers?"""
    text, segment = view.document.text, _segment(view, item, items)
    if _is_cut_off(view, item[0]) or _of_known(view, item) or _of_make_up(view, item, segment) or _of_marker(view, item[0]):
        return True
    if plainly_found(view, item[0]) and any(segment[0] <= s.start < item[0].start for s in candidates(view)):
        return False
    before = [i for i in items if i[0].end <= item[0].start]
    if before and rules()["against"].search(text[before[-1][0].end : item[0].start]):
        return counts_else(view, before[-1], items)
    clause = view.clause(item[0].start)
    start = clause[0]
    compared = rules().within("more_often", text, start, item[0].start) and _set_against(view, item, items) and not of_disease(view, item)
    if compared and (view.has("feature", within=clause) or rules().within("than_carriers", text, start, item[0].start)):
        return True
    if rules().within("treated", text, start, item[0].start) or _chained(view, item, items):
        return True
    if any(rules().within(name, text, *segment) for name in ("other_count", "stained", "predicate")):
        return True
    lead = text[segment[0] : max(segment[0], _place(view, item[0]))]
    assay = [m for m in view.of(Label.ASSAY, within=(segment[0], item[0].start)) if len(text[m.end : item[0].start].strip(" ()[]")) == 0]
    # "5% of adenocarcinomas, 1% of squamous cell carcinomas": what stands before a figure is of the figure before.
    goes_on = _OF_WHOM.match(lead) and _OF_WHOM.match(text, item[0].end)
    return bool(assay) or (not goes_on and rules()["trait"].search(lead) is not None)


def of_disease(view: View, item: Item) -> Mention | None:
    """The disease in which a figure counts, where the reading ties the one to the other: "44% in adenocarcinoma, 3% in squamous cell"."""
    at = item[1].item
    return next((m for m in view.of(Label.DISEASE) if at and m.start < at[1] and at[0] < m.end), None)


_OF_WHOM = re.compile(r"\s*(?:of|in|among)\s")


def of_listed_together(view: View, mention: Mention) -> bool:
    """Is a figure that of several alterations together, which a list behind it names: "26% (8 of 31: A, B, C)"?"""
    text, opened = view.document.text, rules()["all_of_these"].match(view.document.text[mention.end : mention.end + _LACKING])
    if not opened:
        return False
    start = mention.end + opened.end()
    closed = min((at for sign in ")];" if (at := text.find(sign + " ", start, view.end)) >= 0), default=view.end)
    return len({(s.gene, s.fusion) for s in view.subjects if start <= s.start < closed}) >= _SEVERAL


def of_those_given(view: View, item: Item) -> bool:
    """Does a figure count who of the carriers were treated: "had received A, among them 17 of 95 with B mutations"?"""
    mention, measure = item
    behind = measure.total is not None and rules()["with_it"].match(view.document.text[mention.end : mention.end + _LACKING])
    return bool(behind) and rules().within("given_to", view.document.text, view.start, mention.start)


def _of_known(view: View, item: Item) -> bool:
    """Does a figure count alterations, known before, of which a test found or missed a part: "FISH missed 3 of 8 fusions"?"""
    mention, measure = item
    behind = [s for s in view.subjects if 0 <= s.start - mention.end < _KNOWN_GAP and s.kind != "gene"]
    gap = view.document.text[mention.end : behind[0].start] if behind else ""
    if measure.total is None or not behind or ")" in gap or rules()["carry"].fullmatch(gap):
        return False
    known = behind[0]
    if is_population(view, known) or rules()["carriers"].match(view.document.text[known.end : known.end + 60]):
        return False
    clause = view.clause(mention.start)
    return bool(view.of(Label.ASSAY, within=clause)) or rules().within("test_made", view.document.text, *clause)


# "ROS1 fusions were found in 4 of 80 (5%) EGFR wild-type tumours": the group in whom something else was found.
_FOUND_AMONG = re.compile(r"\b(?:in|among)\s+(?:only\s+|about\s+)?(?:[\d,]+ (?:of|/|out of) (?:the )?[\d,]+\s*\(?)?$")


def those_without(view: View, mention: Mention) -> list[Subject] | None:
    """The wild types that a figure counts, or none where it counts negative cases: "100 (83%) were KRAS wild-type"; else None."""
    text = view.document.text
    behind = rules()["lack_it"].match(text[mention.end : min(view.end, mention.end + _LACKING)])
    before = rules()["lacked_in"].search(text[max(view.start, mention.start - _LACKING) : mention.start])
    if not behind and not before:
        return None
    if not before and any(_FOUND_AMONG.search(text, s.end, mention.start) for s in candidates(view) if view.start <= s.end < mention.start):
        return None
    start, end = (mention.end, mention.end + behind.end()) if behind else (mention.start - _LACKING, mention.start)
    return [s for s in view.subjects if s.gene and s.alteration == "wild-type" and s.start < end and start < s.end]


def _of_make_up(view: View, item: Item, segment: Span) -> bool:
    """Does a figure tell of what diseases a group is made up: "of the cohort (300 lung cancers (60%), 200 melanomas (40%)) ..."?"""
    mention, measure = item
    if measure.n is None or any(segment[0] <= s.start < segment[1] for s in view.subjects):
        return False
    text, groups = view.document.text, view.of(Label.COHORT)
    group = next((m for m in groups if isinstance(m.referent, Cohort) and m.referent.n == measure.n and m.start <= mention.end), None)
    if group is None or not any(group.start <= d.start <= group.end for d in view.of(Label.DISEASE)):
        return False
    open_before = text.rfind("(", view.start, group.start), text.rfind("[", view.start, group.start)
    return max(open_before) > max(text.rfind(sign, view.start, group.start) for sign in ")]") or text[: group.start].rstrip().endswith(",")


def _is_cut_off(view: View, mention: Mention) -> bool:
    """Is a share that from which on a test is positive: "with 15% as the cut-off"?"""
    text, measure = view.document.text, mention.referent
    if isinstance(measure, Measure) and isinstance(measure.value, str) and rules()["expressed_at"].search(text[view.start : mention.start]):
        return True
    behind = rules()["cut_off"].match(text[mention.end : min(view.end, mention.end + 60)])
    return bool(behind or rules()["cut_off_of"].search(text[max(view.start, mention.start - 60) : mention.start]))


def _of_marker(view: View, mention: Mention) -> bool:
    """Does a figure count who was stained for a marker protein: "CD34 (6/10)", "were positive for S100 in 80%"?"""
    text, start = view.document.text, view.clause(mention.start)[0]
    markers = [s for s in rules().spans("lineage_marker", text, start, mention.start) if not text.startswith("PD", s[0])]
    if not markers or any(markers[-1][1] <= s.start < mention.start for s in view.subjects):
        return False
    bracketed = text[markers[-1][1] : mention.start].strip() in ("(", "[")
    return bracketed or (view.tells(rules(), "stains") and not altered(view))


def _set_against(view: View, item: Item, items: Sequence[Item]) -> bool:
    """Is a figure set against the one before or behind it: "15% versus 2%"?"""
    text, pairs = view.document.text, pairwise(m for m, _ in items)
    return any(item[0] in (a, b) and rules()["against"].search(text[a.end : b.start]) for a, b in pairs)


def _chained(view: View, item: Item, items: Sequence[Item]) -> bool:
    """Does a figure go on after others that count a trait: "had brain metastases (50 of 79; 80 of 112)"?"""
    text, clause = view.document.text, view.clause(item[0].start)
    first = min((m.start for m, _ in items if m.start >= clause[0]), default=item[0].start)
    if first == item[0].start or any(first <= s.start < item[0].start for s in view.subjects):
        return False
    return rules().within("brain", text, clause[0], first)


def of_response(view: View, clause: Span) -> bool:
    told = rules().within("carrying", view.document.text, *clause)
    return view.has("respond", "outcome", "safetycore", within=clause) or (not told and view.has("respond", "outcome", "safetycore"))


def all_carry(view: View) -> list[Subject]:
    """The alteration that all patients of a paper carry, by its title: "Spitz tumours with NTRK1 fusion"."""
    title = view.document.title
    if title is None or view.document.study_type not in _SERIES or view.role not in (RESULTS, BODY):
        return []
    text, told = view.document.text, rules()
    return [
        s for s in title.subjects
        if s.gene and (told["all_carriers"].match(text[s.end : s.end + 50]) or told["carried_by"].search(text[: s.start][-40:]))
    ]  # fmt: skip


def acquired(view: View) -> bool:
    """Does the sentence, or the one before in a paper on resistance, tell of changes that came under a therapy?"""
    if not any(m.label in _THERAPY for m in view.document.reading.mentions):
        return False
    if view.tells(rules(), "acquired"):
        return True
    before = view.document.views[max(0, view.index - 2) : view.index]
    near = any(v.role == view.role and v.tells(rules(), "acquired") for v in before)
    title = view.document.title
    if title is None or not near:
        return False
    follows = bool(therapies(title)) and title.tells(rules(), "after_therapy")
    return follows or view.document.on_resistance or title.tells(rules(), "acquired")
