"""The report of an evaluation as one HTML file: gold and prediction side by side, text by text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any

from miner.evaluate import Report, Score, View, fits, gold_record, gold_view, predicted_view
from miner.evaluate_texts import Row
from miner.schema import Label

_PRIORITY = {label: rank for rank, label in enumerate((
    Label.VARIANT, Label.FUSION, Label.DRUG, Label.GENE, Label.MEASURE, Label.COHORT, Label.ALTERATION, Label.DRUG_CLASS, Label.ASSAY,
    Label.DISEASE,
))}  # fmt: skip


def write_page(report: Report, path: Path) -> None:
    """Write the report as a self-contained HTML file."""
    template = Template(files("miner").joinpath("data/evaluate.html").read_text("utf-8"))
    legend = " ".join(f'<mark class="{label}">{label.replace("_", " ").lower()}</mark>' for label in Label)
    legend += ' <mark class="missed">missed</mark> <mark class="spurious">spurious</mark> <mark class="negated">negated</mark>'
    page = template.substitute(
        title=escape(f"Evaluation: {report.name or 'predictions against gold'}"),
        lead=f"{len(report.pairs)} texts. A claim agrees where its type, gene family and therapy do; ≠ marks another direction or hedge.",
        legend=legend,
        scores="".join(_score_table(title, part) for title, part in _parts(report.scores)),
        articles="".join(_article(gold, predicted) for gold, predicted in report.pairs),
    )
    path.write_text(page, "utf-8")


def _parts(scores: Mapping[str, Score]) -> Iterator[tuple[str, dict[str, Score]]]:
    """The scores in three tables: all together, by claim type, by mention label."""
    heads = {"claim ": "by claim type", "mention ": "by mention label"}
    yield "figure", {name: s for name, s in scores.items() if not name.startswith(tuple(heads))}
    for head, title in heads.items():
        part = {name.removeprefix(head).replace("_", " "): s for name, s in scores.items() if name.startswith(head)}
        if part:
            yield title, part


def _score_table(title: str, scores: Mapping[str, Score]) -> str:
    columns = "".join(f'<th class="n">{name}</th>' for name in ("P", "R", "F1"))
    head = f'<tr><th>{title}</th>{columns}<th></th><th class="n">gold</th><th class="n">predicted</th></tr>'
    return f"<table><thead>{head}</thead><tbody>{''.join(_score_row(name, score) for name, score in scores.items())}</tbody></table>"


def _score_row(name: str, score: Score) -> str:
    cells = "".join(f'<td class="n">{x:.3f}</td>' for x in (score.precision, score.recall, score.f1))
    bar = f'<td><span class="bar" style="width:{score.f1 * 70:.0f}px"></span></td>'
    return f'<tr><td>{escape(name)}</td>{cells}{bar}<td class="n">{score.gold}</td><td class="n">{score.predicted}</td></tr>'


def _article(gold: Row, predicted: Row) -> str:
    text = gold_record(gold).text
    golds, preds = [gold_view(c) for c in gold["claims"]], [predicted_view(c) for c in predicted["claims"]]
    gold_rows = [_claim_row(c, _gold_words(c), _verdict(v, preds, True), text) for c, v in zip(gold["claims"], golds, strict=True)]
    pred_rows = [
        _claim_row(c, _predicted_words(c), _verdict(v, golds, False), text) for c, v in zip(predicted["claims"], preds, strict=True)
    ]
    slips = sum("-row" in row for row in (*gold_rows, *pred_rows))
    facts = [
        str(gold.get("study_type")),
        *([f"read as {predicted['study_type']}"] if predicted["study_type"] != gold["study_type"] else []),
    ]
    return (
        f'<article id="{escape(str(gold["id"]))}" data-slips="{slips}"><div class="head"><h2>{escape(str(gold["id"]))}</h2>'
        f'<span class="soft">{escape(", ".join(facts))}</span></div><div class="two">'
        f"{_side('gold', text, gold.get('mentions', ()), predicted.get('mentions', ()), 'missed', gold_rows)}"
        f"{_side('prediction', text, predicted.get('mentions', ()), gold.get('mentions', ()), 'spurious', pred_rows)}</div></article>"
    )


def _side(title: str, text: str, own: Sequence[Row], other: Sequence[Row], flaw: str, rows: Sequence[str]) -> str:
    table = f"<table><tbody>{''.join(rows)}</tbody></table>" if rows else '<p class="soft">no claim</p>'
    return f'<div><div class="side">{title}</div><div class="text">{mark_text(text, own, other, flaw)}</div>{table}</div>'


def mark_text(text: str, own: Sequence[Row], other: Sequence[Row], flaw: str) -> str:
    """The text with each stretch marked by its foremost mention; ``flaw`` is the class of one that ``other`` lacks."""
    cuts = sorted({0, len(text), *(m["start"] for m in own), *(m["end"] for m in own)})
    out = []
    for start, end in pairwise(cuts):
        over = sorted((m for m in own if m["start"] <= start and end <= m["end"]), key=_rank)
        piece = escape(text[start:end])
        out.append(_mark(piece, over, other, flaw) if over else piece)
    return "".join(out)


def _rank(mention: Row) -> tuple[int, int]:
    return _PRIORITY[Label(mention["label"])], mention["end"] - mention["start"]


def _mark(piece: str, over: Sequence[Row], other: Sequence[Row], flaw: str) -> str:
    def lacking(m: Row) -> bool:
        return not any(m["label"] == o["label"] and m["start"] < o["end"] and o["start"] < m["end"] for o in other)

    classes = [over[0]["label"]]
    classes += [flaw] if any(lacking(m) for m in over) else []
    classes += [over[0]["polarity"]] if over[0].get("polarity") not in {None, "asserted"} else []
    title = " · ".join(f"{m['label']} {m.get('name') or m['text']}{f' ({flaw})' if lacking(m) else ''}" for m in over)
    return f'<mark class="{" ".join(classes)}" title="{escape(title)}">{piece}</mark>'


def _verdict(view: View, others: Sequence[View], gold: bool) -> str:
    """``agree``, ``stance`` (agrees but for direction or hedge) or ``slip``."""

    def answers(other: View) -> bool:
        pairs: Iterable[tuple[Any, Any]] = ((b, a) if gold else (a, b) for a in view.atoms for b in other.atoms)
        return any(fits(p, g) for p, g in pairs)

    hits = [other for other in others if answers(other)]
    if not hits:
        return "slip"
    return "agree" if any(other.stance == view.stance for other in hits) else "stance"


_SIGNS: dict[str, Callable[[bool], tuple[str, str]]] = {
    "agree": lambda gold: ("ok", "✓"),
    "stance": lambda gold: ("missed-row" if gold else "spurious-row", "≠"),
    "slip": lambda gold: ("missed-row" if gold else "spurious-row", "✗"),
}


def _claim_row(claim: Row, words: str, verdict: str, text: str) -> str:
    gold = "subject" in claim
    css, sign = _SIGNS[verdict](gold)
    figures = dict(claim.get("figures") or {})
    if claim.get("population_n") is not None:
        figures = {"n": claim["population_n"], **figures}
    said = " ".join(f"{k}={v}" for k, v in figures.items())
    stance = {"supports": "+", "does_not_support": "−"}.get(str(claim.get("direction")), "?")
    stance += "" if claim.get("polarity") == "asserted" else f" {claim.get('polarity')}"
    sentence = text[claim["start"] : claim["end"]] if "start" in claim else ""
    extra = " · background" if claim.get("background") else ""
    rule = f' <code class="soft">{escape(str(claim["rule"]))}</code>' if claim.get("rule") else ""
    return (
        f'<tr class="{css}" title="{escape(sentence)}"><td>{sign}</td><td>{escape(str(claim["type"]).replace("_", " "))}</td>'
        f"<td>{escape(words)}</td><td>{escape(stance + extra)}</td><td>{escape(said)}{rule}</td></tr>"
    )


def _gold_words(claim: Row) -> str:
    return " · ".join(filter(None, (claim.get("subject"), ", ".join(claim.get("drug") or ()), claim.get("disease"))))


def _predicted_words(claim: Row) -> str:
    subject = claim.get("fusion") or claim.get("variant") or claim.get("alteration") or "/".join(claim.get("genes") or ())
    genes = "/".join(claim.get("genes") or ())
    shown = subject if not genes or genes in str(subject) else f"{subject} [{genes}]"
    return " · ".join(filter(None, (shown, ", ".join(claim.get("therapies") or ()), claim.get("disease"))))
