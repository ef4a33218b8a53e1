"""Templates and what they may call."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from miner import __version__
from miner.evidence.figures import describe, number
from miner.evidence.report import pubmed
from miner.evidence.report_marks import LABEL_WORDS, PRIORITY, Mark
from miner.evidence.report_plots import stance
from miner.evidence.table import finding, is_synthetic
from miner.web import links
from miner.web.params import WORDS

STANCE_WORDS = {"for": "found", "against": "not found or against", "hedged": "cautious"}
LEVEL_WORDS = {
    "A": "approval or guideline",
    "B": "clinical study",
    "C": "case, or repeated from others",
    "D": "preclinical",
    "E": "indirect: a review, or only raised as a possibility",
}
STATIC = ("miner.css", "miner.js", "icon.svg")
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@cache
def asset(name: str) -> bytes:
    """Return a file of the pages' own."""
    return files("miner.web").joinpath("static", name).read_bytes()


@cache
def asset_url(name: str) -> str:
    """Return the address of a file, which changes with its content."""
    return f"/static/{name}?v={hashlib.sha256(asset(name)).hexdigest()[:12]}"


def mark_title(mark: Mark) -> str:
    """Say in words what a mark means."""
    unsure = "" if mark.polarity == "asserted" else f", {mark.polarity}"
    return f"{LABEL_WORDS[mark.label]}{unsure}" + (f": {mark.meaning}" if mark.meaning else "")


def day(moment: str | None) -> str:
    """Write an ISO time as a reader does: 2026-05-04 10:00."""
    return "" if not moment else moment[:16].replace("T", " ")


@cache
def environment() -> Environment:
    """Return the templates' environment; everything is escaped unless it is markup of our own."""
    made = Environment(
        loader=PackageLoader("miner.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "number": number,
        "pubmed": pubmed,
        "words": lambda value: str(value).replace("_", " "),
        "slug": lambda value: str(value).replace(" ", "-"),
        "describe": describe,
        "finding": finding,
        "mark_title": mark_title,
        "day": day,
        "anchor": links.anchor,
    }
    made.tests |= {"synthetic": lambda pmid: is_synthetic(pmid), "citable": lambda pmid: pubmed(str(pmid)) is not None}
    made.globals |= {
        "asset": asset_url,
        "row_url": links.row_url,
        "paper_url": links.paper_url,
        "entity_url": links.entity_url,
        "run_url": links.run_url,
        "table_url": links.table_url,
        "stance_of": stance,
        "stance_words": STANCE_WORDS,
        "level_words": LEVEL_WORDS,
        "kind_words": WORDS,
        "legend_items": [(str(label), LABEL_WORDS[label]) for label in PRIORITY],
        "version": __version__,
    }
    return made


def render(template: str, **values: Any) -> str:
    """Return a page."""
    return environment().get_template(template).render(**values)


def row_line(item: dict[str, Any]) -> str:
    """Return one line of a table of rows."""
    return str(_row_line()(item))


@cache
def _row_line() -> Any:
    return environment().get_template("rows.html.j2").module.row_line  # type: ignore[attr-defined]
