"""Which therapies a sentence names and how it uses them: given, given before, or set against another."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from miner import rule_files
from miner.claims.openings import Openings
from miner.errors import LexiconError
from miner.schema import Label, Mention

if TYPE_CHECKING:
    from miner.claims.document import Document, View

BARE_CLASS = "tyrosine kinase inhibitors"
CHEMORADIOTHERAPY = "chemoradiotherapy"
RULES = "therapy_roles.toml"


class _Roles(NamedTuple):
    sought: Openings
    prior_before: re.Pattern[str]
    prior_after: re.Pattern[str]
    prior_prefix: re.Pattern[str]
    comparator: re.Pattern[str]


@lru_cache(maxsize=1)
def _roles() -> _Roles:
    with rule_files.reading(RULES) as text:
        return roles_of(text)


def roles_of(text: str) -> _Roles:
    """Compile the text of ``therapy_roles.toml``; LexiconError tells what it needs."""
    try:
        rules = tomllib.loads(text)
        prior, comparator = rules["prior"], rules["comparator"]
        after = "|".join(prior["after"])
        return _Roles(
            Openings({"prior": prior["before"], "comparator": comparator["before"]}),
            re.compile(rf"(?:\b(?:{'|'.join(prior['before'])})(?:[\s-]+(?:{'|'.join(prior['fillers'])}))*\s*)$", re.I),
            re.compile(rf"^(?:-?\s*(?:,|and|or|and/or)\s+[\w/]+[-–‐]|[-–‐\s]?)(?:{after})\b", re.I),
            re.compile(rf"(?:{'|'.join(prior['prefixes'])})$", re.I),
            re.compile(rf"(?:\b(?:{'|'.join(comparator['before'])})(?:\s+(?:{'|'.join(comparator['fillers'])}))*\s*)$", re.I),
        )
    except (KeyError, TypeError, tomllib.TOMLDecodeError, re.error) as error:
        wanted = "[prior] with before, fillers, after, prefixes and [comparator] with before, fillers"
        raise LexiconError(f"{RULES}: {type(error).__name__}: {error}; it needs {wanted}") from error


def therapy_role(document: Document, mention: Mention) -> str:
    """How a sentence uses a therapy: ``agent`` (given), ``prior`` (given before, resisted) or ``comparator``."""
    role = document.roles.get(mention)
    if role is None:
        role = _role(document.text, mention)
        if role == "agent" and (partner := _partner_before(document, mention)) and therapy_role(document, partner) == "comparator":
            role = "comparator"
        if role == "agent" and (other := _before(document, mention, _OR)) and therapy_role(document, other) == "prior":
            role = "prior"
        document.roles[mention] = role
    return role


def _partner_before(document: Document, mention: Mention) -> Mention | None:
    """The drug that a drug is given with, named right before it: "compared with cisplatin plus pemetrexed"."""
    return _before(document, mention, _PLUS)


def _before(document: Document, mention: Mention, link: re.Pattern[str]) -> Mention | None:
    """The therapy that stands before another, with nothing but a link between them."""
    joint = link.search(document.text, max(0, mention.start - _JOINT_REACH), mention.start)
    if joint is None:
        return None
    return next((m for m in document.reading.mentions if m.end == joint.start() and m.label in (Label.DRUG, Label.DRUG_CLASS)), None)


# "Resistant to gefitinib or erlotinib", "resistance to erlotinib/gefitinib".
_OR = re.compile(r"\s*(?:/|,?\s*\bor\b)\s*\Z")
_PLUS = re.compile(r"\s*(?:\bplus\b|\+|[-–/]|\bcombined with\b|\bin combination with\b)\s*\Z")
_JOINT_REACH = 24


def _role(text: str, mention: Mention) -> str:
    roles, start, end = _roles(), max(0, mention.start - 80), mention.start
    if roles.prior_after.match(text[mention.end : mention.end + 40]):
        return "prior"
    if roles.sought.stand("comparator", roles.comparator, text, start, end):
        return "comparator"
    if roles.sought.stand("prior", roles.prior_before, text, start, end) or roles.prior_prefix.search(text[start:end]):
        return "prior"
    return "agent"


def stands_for(view: View, mention: Mention) -> list[Mention]:
    """Drugs of the two sentences before that "these TKIs" or "both inhibitors" points at; else the mention itself."""
    before = view.document.text[max(view.start, mention.start - 40) : mention.start]
    if mention.label is not Label.DRUG_CLASS or not _POINTING.search(before):
        return [mention]
    lexicon, name = view.document.lexicon, view.document.class_meant(mention.name or "")
    for previous in reversed(view.document.views[max(0, view.index - 2) : view.index]):
        drugs = [m for m in previous.of(Label.DRUG) if name == BARE_CLASS or name in lexicon.classes(m.name or "")]
        if drugs:
            return drugs
    return [mention]


def parts(document: Document, found: Iterable[str]) -> tuple[str, ...]:
    """Names of therapies with chemoradiotherapy as its two; the drugs that are named with it stand for the chemotherapy."""
    held = tuple(found)
    if CHEMORADIOTHERAPY not in held:
        return held
    two = ("radiotherapy",) if any("chemotherapy" in document.lexicon.classes(n) for n in held) else ("chemotherapy", "radiotherapy")
    return tuple(dict.fromkeys(part for name in held for part in (two if name == CHEMORADIOTHERAPY else (name,))))


_POINTING = re.compile(r"\b(?:these|those|both|such|the two|all three)\s+(?:\w+(?:-\w+)?\s+){0,2}$", re.I)


def therapies(view: View, within: tuple[int, int] | None = None) -> list[Mention]:
    """Drug and class mentions; a class that only explains a drug beside it (``the TRK inhibitor larotrectinib``) is left out."""
    if not view.holds(Label.DRUG, Label.DRUG_CLASS):
        return []
    held = view.therapies.get(within)
    if held is None:
        held = view.therapies[within] = _therapies(view, within)
    return held.copy()


def _therapies(view: View, within: tuple[int, int] | None) -> list[Mention]:
    found = view.of(Label.DRUG, Label.DRUG_CLASS, within=within)
    drugs = [m for m in found if m.label is Label.DRUG and not any(o.start <= m.start and m.end < o.end for o in found)]
    kept: list[Mention] = []
    named = _named_together(view, found) if len(found) > 2 else []
    for place, mention in enumerate(found):
        is_class = mention.label is Label.DRUG_CLASS
        following = next((m for m in found[place + 1 :] if m.start >= mention.end), None)
        if is_class and _is_readout(view.document.text, mention):
            continue
        if is_class and kept and kept[-1].label is Label.DRUG_CLASS and _in_brackets_after(view, kept[-1], mention):
            continue
        nested = any(_inside(view, mention, o) for o in found)
        if mention in named or (is_class and following is not None and _names_its_drug(view, mention, following)):
            continue
        if is_class and mention.name == "standard of care" and _OF_WORK.match(view.document.text, mention.end):
            continue
        if nested or (is_class and any(_explains(view, mention, drug) for drug in drugs)):
            continue
        kept.append(mention)
    return kept


def _is_readout(text: str, mention: Mention) -> bool:
    """Is what is inhibited only what was measured: "pERK inhibition", "phospho-AKT inhibition"?"""
    return mention.text.lower().endswith("inhibition") and _PHOSPHO.search(text, max(0, mention.start - 9), mention.start + 2) is not None


_PHOSPHO = re.compile(r"[Pp]hospho-?\s?\w{1,2}$|(?<!\w)p-?[A-Z]$|(?<!\w)p-?[A-Z]\w$|(?<!\w)p-$")


def _inside(view: View, mention: Mention, other: Mention) -> bool:
    """Does a mention lie in a longer one, and not only share its noun: the second class of "BRAF and MEK inhibitors"?"""
    if not (other.start <= mention.start and mention.end <= other.end and len(other.text) > len(mention.text)):
        return False
    shared = mention.label is other.label is Label.DRUG_CLASS and mention.end == other.end and mention.name != other.name
    several = mention.text.endswith("s") or _BOTH.search(view.document.text, max(view.start, other.start - 30), other.start)
    return not (shared and several and _SHARED.search(other.text[: mention.start - other.start]))


# Before one noun of two classes: both are given.
_BOTH = re.compile(r"\b(?:dual|double|combin\w+|simultaneous|concurrent|concomitant|joint|parallel|both)\s+$", re.I)
_SHARED = re.compile(r"(?:\b(?:and|or|plus)\b|[/,+])\s*$", re.I)
# What stands between a class and the drug that it names: "SMO inhibitor vismodegib", "EGFR blockade (panitumumab)".
_NAMES = re.compile(
    r"\s*(?:(?:targeting|against|directed (?:at|against)|that targets)\s+[\w/-]+\s*)?"
    r"(?:\(|with|using|via|by|,?\s*e\.g\.,?|\(?i\.?e\.?,?|namely|,)?\s*(?:the\s+)?(?:drug|agent|compound|antibody)?\s*"
    r"|\s*(?:with|using|by)\s+(?:the\s+|an?\s+)?(?:(?!and\b|or\b|plus\b)[\w/-]+\s+){0,6}\(?", re.I
)


_WIDE = frozenset({"targeted therapy", "matched therapy", "kinase inhibitors"})
# Behind "standard of care": it is the work of every day that is meant, and no treatment.
_OF_WORK = re.compile(
    r"[\s-]*(?:settings?|work-?up|practice|test\w*|diagnos\w*|procedures?|assays?|panels?|sequencing|(?:molecular|genomic) \w+)\b", re.I
)


def _names_its_drug(view: View, mention: Mention, following: Mention) -> bool:
    gap = view.document.text[mention.end : following.start]
    if not _NAMES.fullmatch(gap):
        return False
    if mention.name in _WIDE and gap.strip() and view.document.lexicon.targets(view.document.class_meant(following.name or "")):
        return True
    if following.label is not Label.DRUG:
        return False
    return gap.strip() != "with" or _of_class(view, mention, following)


def _named_together(view: View, found: list[Mention]) -> list[Mention]:
    """Classes in a list that drugs are given as: "inhibition of EGFR and MET with osimertinib plus savolitinib"."""
    text = view.document.text
    named: list[Mention] = []
    run: list[Mention] = []
    for place, mention in enumerate(found):
        if mention.label is Label.DRUG_CLASS:
            listed = run and (mention.start < run[-1].end or _LIST_GAP.fullmatch(text, run[-1].end, mention.start))
            run = [*run, mention] if listed else [mention]
            continue
        drugs = found[place : place + len(run)]
        if len(run) > 1 and _NAMES.fullmatch(text, run[-1].end, mention.start) and any(_of_class(view, c, d) for c in run for d in drugs):
            named += run
        run = []
    return named


def _of_class(view: View, group: Mention, drug: Mention) -> bool:
    """May a drug be of a class: one of its classes, or aimed at the same?"""
    lexicon, name = view.document.lexicon, group.name or ""
    return name in lexicon.classes(drug.name or "") or bool(set(lexicon.targets(name)) & set(lexicon.targets(drug.name or "")))


def _in_brackets_after(view: View, before: Mention, mention: Mention) -> bool:
    """Is this the short form of the class just named: ``tyrosine kinase inhibitors (TKIs)``?"""
    return view.document.text[before.end : mention.start].strip() == "("


def _explains(view: View, group: Mention, drug: Mention) -> bool:
    classes = view.document.lexicon.classes(drug.name or "")
    first, second = sorted((group, drug))
    gap = view.document.text[first.end : second.start]
    if first is group and (_TURNS.search(gap) or _EXCEPTED.search(gap)):
        return False
    if group.name not in classes and group.name != BARE_CLASS:
        return first is drug and bool(_APPOSED.fullmatch(gap))
    limit = 120 if first is drug and _APPOSITION.match(gap) else 70
    return len(gap) <= limit and not re.search(r"\b(?:or|than|versus|vs|plus|but)\b|[.;:]", gap) and (limit > 70 or " and " not in gap)


_TURNS = re.compile(
    r"\b(?:whereas|while|although|though|unlike|however|in contrast|after|following|before|despite|failing"
    r"|can|could|may|might|will|occurs?|occurred|develops?|developed|arises?|arose|emerges?|emerged|fail(?:s|ed)?)\b", re.I
)
_EXCEPTED = re.compile(r"\b(?:except|excluding|other than)\b", re.I)
_APPOSED = re.compile(r"\s*(?:\([^)]*\)|\))?,\s*an?\s+(?:(?!(?:and|or|plus|with)\b)[\w/-]+\s+){0,6}", re.I)
_APPOSITION = re.compile(r"^\s*(?:\([^)]*\)|\))?,?\s*(?:is|was|being|as)?\s*(?:an?|the)\s", re.I)


def agents(view: View, within: tuple[int, int] | None = None) -> list[Mention]:
    """Therapies that the sentence has given, in order; chains keep the role of their first member."""
    if not view.holds(Label.DRUG, Label.DRUG_CLASS):
        return []
    held = view.agents.get(within)
    if held is None:
        held = view.agents[within] = _agents(view, within)
    return held.copy()


def _agents(view: View, within: tuple[int, int] | None) -> list[Mention]:
    found: list[Mention] = []
    chain: list[Mention] = []
    last = ""
    for mention in therapies(view):
        role = therapy_role(view.document, mention)
        follows = bool(chain) and joined(view, chain[-1], mention) and not _fronted(view, chain, mention)
        if role == "agent" and follows:
            role = last
        chain = [*chain, mention] if follows else [mention]
        inside = within is None or (within[0] <= mention.start and mention.end <= within[1])
        if role == "agent" and inside:
            found += [m for m in chain if m not in found]
        last = role
    return found


def _fronted(view: View, chain: list[Mention], mention: Mention) -> bool:
    """Does a sentence open with what something is set against or came after: "Unlike A, B ...", "Compared with A, B ..."?"""
    text = view.document.text
    if text[chain[-1].end : mention.start].strip() != ",":
        return False
    return _OPENING.fullmatch(text, view.clause(chain[0].start)[0], chain[0].start) is not None


_OPENING = re.compile(
    r"\W*(?:(?:as )?(?:compared|opposed) (?:with|to)|(?:un)?like|in (?:contrast|comparison) (?:with|to)|relative to|versus|contrary to"
    r"|after|following)\s+(?:[\w-]+\s+){0,3}",
    re.I,
)


def joined(view: View, previous: Mention, mention: Mention) -> bool:
    """Does a therapy follow another in a list?"""
    if previous.start < mention.start < previous.end:
        return True
    named = [m for m in view.of(Label.DRUG_CLASS) if previous.end < m.start < mention.start and _names_its_drug(view, m, mention)]
    gap = view.document.text[previous.end : named[0].start if named else mention.start]
    text, opening = view.document.text, view.clause(previous.start)[0]
    if gap.strip() == "," and _OPENED.fullmatch(text, opening, previous.start) and not _LISTED_FIRST.match(text, previous.end):
        return False
    if "," in gap and view.clause(previous.start) != view.clause(mention.start):  # "at progression on A, and B then induced ..."
        return False
    return bool(_LIST_GAP.fullmatch(gap))


# "Compared with chemotherapy, A prolonged ...": what follows the comma is no further member.
_OPENED = re.compile(
    r"\W*(?:(?:as )?compared (?:with|to)|in (?:contrast|comparison) (?:to|with)|relative to|versus|unlike|instead of|rather than|over)\s+"
    r"(?:[\w-]+,?\s+){0,7}", re.I
)  # fmt: skip
_LISTED_FIRST = re.compile(r",\s*(?:[\w-]+,\s*)*[\w-]+,?\s+(?:and|or)\s+[\w-]+(?:\s+[\w-]+)?,\s")
_LIST_GAP = re.compile(
    r"\)?\s*(?:\([^)]{0,30}\))?\s*(?:,|/|and|or|,\s*(?:and|or)|and/or)\s*(?:(?:the|an?|another)\s+)?(?:[\w-]+[- ]generation\s+)?"
    r"|\)\s*(?:,|and|or|,\s*(?:and|or))\s+(?:[\w-]+\s+){0,3}(?:inhibitors?|TKIs?|agents|drugs|antibodies)"
    r"\s*\((?:(?:e\.?g|i\.?e)\.?,?\s*|such as\s+|including\s+)?"
)
