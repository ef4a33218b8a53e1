"""The figure vocabulary: which figures belong together, how they read, and how those of several claims become one set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from miner.schema import Claim, Measure, Reading

Value = float | int | str
Figures = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class FigureKind:
    """How one key reads: ``text`` holds ``{}`` for the value; figures of one ``group`` come from one cohort."""

    text: str
    group: str


KINDS: dict[str, FigureKind] = {
    "ORR_percent": FigureKind("ORR {} %", "response"),
    "n_resp": FigureKind("{} responders", "response"),
    "N": FigureKind("of {}", "response"),
    "CR": FigureKind("CR {}", "response"),
    "PR": FigureKind("PR {}", "response"),
    "SD": FigureKind("SD {}", "response"),
    "PD": FigureKind("PD {}", "response"),
    "CR_percent": FigureKind("CR {} %", "response"),
    "PR_percent": FigureKind("PR {} %", "response"),
    "SD_percent": FigureKind("SD {} %", "response"),
    "PD_percent": FigureKind("PD {} %", "response"),
    "DCR_percent": FigureKind("DCR {} %", "response"),
    "IC_ORR_percent": FigureKind("intracranial ORR {} %", "intracranial"),
    "IC_DCR_percent": FigureKind("intracranial DCR {} %", "intracranial"),
    "DoR_months": FigureKind("median DoR {} months", "DoR"),
    "PFS_months": FigureKind("median PFS {} months", "PFS"),
    "OS_months": FigureKind("median OS {} months", "OS"),
    "HR": FigureKind("HR {}", "HR"),
    "value_percent": FigureKind("{} %", "response"),
    "n_pos": FigureKind("{} positive", "response"),
    "sensitivity_percent": FigureKind("sensitivity {} %", "assay"),
    "specificity_percent": FigureKind("specificity {} %", "assay"),
    "method": FigureKind("by {}", "method"),
    "case_response": FigureKind("one patient: {}", "case"),
    "AE": FigureKind("{}", "AE"),
}
INTERVAL = "_ci"
ALSO = "the paper also gives"


def group_of(key: str) -> str:
    """Name the group of figures that a key belongs to."""
    key = key.removesuffix(INTERVAL)
    return KINDS[key].group if key in KINDS else key


def merge_figures(ranked: Sequence[Claim], reading: Reading | None = None) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Merge the figures of claims, best claim first, and tell where results disagree.

    A group of figures (rate, responders, denominator) is taken from one claim, and completed from another only where the
    two agree on one value and differ on none: the denominator of one cohort never meets the rate of another. Nor does a
    claim on another cohort, told by its size, add a group of its own.
    """
    merged: dict[str, Value] = {}
    others: list[str] = []
    size: int | None = None
    for claim in ranked:
        own = whole(claim.figures.get("N")) or claim.population_n
        elsewhere = bool(merged) and None not in (own, size) and own != size
        for group, figures in _grouped(with_intervals(claim, reading)).items():
            held = {key: value for key, value in merged.items() if group_of(key) == group}
            shared = [key for key in figures if key in held]
            if (not held and not elsewhere) or (shared and all(held[key] == figures[key] for key in shared)):
                merged |= figures
                size = size or own
            elif not claim.background:
                other = [
                    key for key in figures if held.get(key) != figures[key] and (key in held or not held) and not key.endswith(INTERVAL)
                ]
                others += [describe({key: figures[key]}) for key in other]
    told = "; ".join(dict.fromkeys(others))
    return ordered(merged), (f"{ALSO} {told}",) if told else ()


def _grouped(figures: Figures) -> dict[str, dict[str, Value]]:
    groups: dict[str, dict[str, Value]] = {}
    for key, value in figures.items():
        groups.setdefault(group_of(key), {})[key] = value
    return groups


def ordered(figures: Figures) -> dict[str, Value]:
    """Sort figures in the vocabulary's order, unknown keys last by name."""
    rank = {key: position for position, key in enumerate(KINDS)}
    return {key: figures[key] for key in sorted(figures, key=lambda key: (rank.get(key.removesuffix(INTERVAL), len(rank)), key))}


def with_intervals(claim: Claim, reading: Reading | None) -> dict[str, Value]:
    """Return the claim's figures with the printed interval of each as ``<key>_ci`` (``53-90``) where a measure gives one."""
    figures = dict(claim.figures)
    for key, measure in _measures(claim, reading):
        if measure.ci is not None:
            figures.setdefault(key + INTERVAL, "-".join(number(bound) for bound in measure.ci))
    return figures


def measure_warnings(claim: Claim, reading: Reading | None) -> tuple[str, ...]:
    """Return what does not add up in the measures that the claim's figures come from."""
    return tuple(dict.fromkeys(warning for _, measure in _measures(claim, reading) for warning in measure.warnings))


def _measures(claim: Claim, reading: Reading | None) -> Iterable[tuple[str, Measure]]:
    if reading is None or not claim.figures:
        return
    for start, end in claim.spans or ((claim.start, claim.end),):
        for mention in reading.within(start, end):
            if isinstance(measure := mention.referent, Measure):
                for key, value in claim.figures.items():
                    if measure.metric in (key, key.rsplit("_", 1)[0]) and measure.value == value:
                        yield key, measure


def number(value: Value) -> str:
    """Write a number as a reader does: 75, 10.2, 1,687; text stays."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value:g}"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:g}"
    return f"{int(value):,}"


def whole(value: object) -> int | None:
    """Return a count, or None for anything that is none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def describe(figures: Figures) -> str:
    """Write figures in words: ``ORR 75 % (18/24; 95 % CI 53–90), median PFS 28.3 months``."""
    told: list[str] = []
    used: set[str] = {"n_resp", "n_pos", "N", "method"}
    for key, value in ordered(figures).items():
        if key in used or key.endswith(INTERVAL):
            continue
        text = _template(key, value)
        bracket = _fraction(figures, key)
        interval = figures.get(key + INTERVAL)
        bracket += [f"95 % CI {_spoken(interval)}"] if interval is not None else []
        told.append(text.format(number(value)) + (f" ({'; '.join(bracket)})" if bracket else ""))
    if not {"ORR_percent", "value_percent"} & set(figures):
        told = [*_counted(figures), *told]
    return ", ".join(told)


def _template(key: str, value: Value) -> str:
    unit = " %" if key.endswith("_percent") else ""
    text = KINDS[key].text if key in KINDS else key.removesuffix("_percent").replace("_", " ") + " {}" + unit
    in_words = isinstance(value, str) and not any(sign.isdigit() for sign in value)
    return text.split("{}")[0] + "{}" if in_words else text


def _spoken(interval: Value) -> str:
    low, _, high = str(interval).partition("-")
    return f"{low}–{'not reached' if high == 'inf' else high}"


def _fraction(figures: Figures, key: str) -> list[str]:
    if key not in ("ORR_percent", "value_percent"):
        return []
    counted, word = ("n_pos", "cases") if key == "value_percent" or "n_resp" not in figures else ("n_resp", "responders")
    part, total = figures.get(counted), figures.get("N")
    if part is not None:
        return [f"{number(part)} {word}" if total is None else f"{number(part)}/{number(total)}"]
    return [] if total is None else [f"n = {number(total)}"]


def _counted(figures: Figures) -> list[str]:
    for key, word in (("n_resp", " responded"), ("n_pos", "")):
        if key in figures:
            total = f" of {number(figures['N'])}" if "N" in figures else ""
            return [f"{number(figures[key])}{total}{word or ('' if total else ' cases')}"]
    return [f"n = {number(figures['N'])}"] if "N" in figures else []


def wilson(hits: int, total: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion, in percent."""
    if not 0 <= hits <= total or total == 0:
        raise ValueError(f"{hits} of {total} is no proportion")
    share, square = hits / total, z * z
    centre = (share + square / (2 * total)) / (1 + square / total)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total)) / (1 + square / total)
    return max(0.0, 100 * (centre - half)), min(100.0, 100 * (centre + half))
