"""One HTML file that holds everything: summary, pictures, table and marked sentences; it opens without a network."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from miner.errors import InputError
from miner.evidence.civic import UNSPECIFIED
from miner.evidence.conflicts import Conflict, conflicts
from miner.evidence.figures import ALSO, describe, number
from miner.evidence.pooling import METHOD, Pool, pools
from miner.evidence.ranking import ranked
from miner.evidence.report_marks import LABEL_WORDS, PRIORITY, Mark, marks, pieces, window
from miner.evidence.report_plots import forest, resistance_map, ribbons, stance, years
from miner.evidence.store import Store
from miner.evidence.summary import Terms, summarise
from miner.evidence.summary_tables import inhibitors
from miner.evidence.table import Paper, Source, TableRow, finding, is_synthetic
from miner.schema import ClaimType, Mention
from miner.topic import Topic

STATIC_ROWS = 200
_ELLIPSIS: dict[str, Any] = {"text": " … ", "label": None, "polarity": None, "title": None, "quoted": False}
OTHER_THERAPIES = 40


def write_report(store: Store, topic: Topic, path: Path, lexicon: Terms | None = None) -> None:
    """Write the report of a topic; the file appears whole or not at all.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    text = render(store, topic, lexicon)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror}; name another place with -o") from error


def render(store: Store, topic: Topic, lexicon: Terms | None = None) -> str:
    """Return the report as HTML."""
    if lexicon is None:
        from miner.lexicon import load_lexicon

        lexicon = load_lexicon()
    focus = list(dict.fromkeys(member for gene in topic.focus_genes for member in lexicon.members(gene)))
    rows = ranked(store.table(topic=topic.name), topic, lexicon)
    sources = store.sources(topic.name)
    evidence = [item for row in rows for item in row.evidence]
    papers = _Papers(store)
    summary = summarise(store, topic, lexicon)
    in_focus = {(row.pmid, row.key) for row in summary.inhibitors}
    others = [row for row in inhibitors(evidence, lexicon, ()) if (row.pmid, row.key) not in in_focus]
    every = conflicts(rows)
    style, script = _asset("report.css"), _asset("report.js")
    page = _environment().get_template("report.html.j2")
    return page.render(
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        topic=topic,
        facts=_facts(sources, rows, evidence),
        sources=sources,
        n_records=sum(source.records for source in sources),
        synthetic={"records": sum(source.records for source in sources if source.is_synthetic)},
        updated=_updated(store),
        summary=summary,
        quotes={row.id: [_quote(quote.pmid, quote.start, quote.end, papers) for quote in row.quotes] for row in summary.rows},
        forest=forest(summary.inhibitors),
        other_forest=forest(others, limit=OTHER_THERAPIES),
        pools=summary.pools,
        other_pools=_other_pools(evidence, summary.pools),
        pool_method=METHOD,
        conflicts=_of_focus(every, set(focus)),
        cuts=[cut for row in rows for cut in row.superseded],
        ribbons=ribbons(summary.partners, focus),
        focus=focus,
        years=years(evidence),
        resistance=resistance_map(summary.resistance, is_focus=True),
        other_resistance=resistance_map(summary.resistance, is_focus=False),
        legend=[(str(label), LABEL_WORDS[label]) for label in PRIORITY],
        claim_types=[(str(item), str(item).replace("_", " ")) for item in ClaimType if any(row.claim_type is item for row in rows)],
        rows=[_static_row(row, papers) for row in rows[:STATIC_ROWS]],
        n_rows=len(rows),
        data=Markup(_embedded(_data(rows, papers))),
    )


def _other_pools(evidence: Sequence[Paper], shown: Sequence[Pool]) -> list[Pool]:
    """Return the pools of other regimens that hold at least two studies."""
    known = {(pool.regimen, pool.population, pool.claim_type) for pool in shown}
    found = [pool for pool in pools(evidence) if len(pool.rates) > 1]
    return [pool for pool in found if (pool.regimen, pool.population, pool.claim_type) not in known][:OTHER_THERAPIES]


def _of_focus(found: Sequence[Conflict], focus: set[str]) -> list[Conflict]:
    """Return conflicts, those on the topic's genes first."""
    return sorted(found, key=lambda item: not focus.intersection((*item.left.genes, *item.right.genes)))


def _environment() -> Environment:
    loader = PackageLoader("miner.evidence", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = number
    environment.filters["pubmed"] = pubmed
    environment.filters["slug"] = lambda value: str(value).replace(" ", "-")
    environment.tests["synthetic"] = lambda pmid: is_synthetic(pmid)
    environment.filters["words"] = lambda value: str(value).replace("_", " ")
    return environment


def pubmed(pmid: str) -> str | None:
    """Return the address of a paper at PubMed, or None for a record that has no PMID."""
    return f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid.isascii() and pmid.isdigit() else None


def _asset(name: str) -> str:
    return files("miner.evidence").joinpath("templates", name).read_text(encoding="utf-8").strip()


def _policy(style: str, script: str) -> str:
    """Name what the page may load: nothing but its own style and script, told by their digests."""
    return f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _embedded(value: object) -> str:
    """Write JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _facts(sources: Sequence[Source], rows: Sequence[TableRow], evidence: Sequence[Paper]) -> list[tuple[str, str]]:
    years = sorted({item.year for item in evidence if item.year})
    told = [
        (number(sum(source.records for source in sources)), "records read"),
        (number(len({item.pmid for item in evidence})), "with evidence"),
        (number(len(rows)), "propositions"),
        (number(len(evidence)), "pieces of evidence"),
    ]
    return [*told, (f"{years[0]}–{years[-1]}" if len(years) > 1 else str(years[0]), "years of publication")] if years else told


def _updated(store: Store) -> str | None:
    finished = [run.finished for run in store.runs() if run.finished]
    return max(finished)[:10] if finished else None


class _Papers:
    """Texts and marks of papers, each read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, tuple[str, tuple[Mark, ...]]] = {}

    def __call__(self, pmid: str) -> tuple[str, tuple[Mark, ...]]:
        if pmid not in self._held:
            record = self._store.record(pmid)
            mentions: Sequence[Mention] = self._store.mentions(pmid)
            self._held[pmid] = (record.text if record else "", marks(mentions))
        return self._held[pmid]

    def items(self) -> Iterable[tuple[str, tuple[str, tuple[Mark, ...]]]]:
        """Return what was read, by PMID."""
        return sorted(self._held.items())


def _quote(pmid: str, start: int, end: int, papers: _Papers) -> list[dict[str, Any]]:
    text, shown = papers(pmid)
    return [_piece(piece) for piece in pieces(text, shown, [(start, end)], start, end)]


def _piece(piece: Any) -> dict[str, Any]:
    mark = piece.mark
    title = None if mark is None else _title(mark)
    return {
        "text": piece.text,
        "label": None if mark is None else str(mark.label),
        "polarity": None if mark is None else str(mark.polarity),
        "title": title,
        "quoted": piece.is_quoted,
    }


def _title(mark: Mark) -> str:
    unsure = "" if mark.polarity == "asserted" else f", {mark.polarity}"
    return f"{LABEL_WORDS[mark.label]}{unsure}" + (f": {mark.meaning}" if mark.meaning else "")


def _static_row(row: TableRow, papers: _Papers) -> dict[str, Any]:
    return {"row": row, "data": _row_data(row), "evidence": [(item, _context(item, papers)) for item in row.evidence[:12]]}


def _context(item: Paper, papers: _Papers) -> list[dict[str, Any]]:
    text, shown = papers(item.pmid)
    best = item.quotes[0]
    left, right = window(text, best.start, best.end)
    cut = [_piece(piece) for piece in pieces(text, shown, [(best.start, best.end)], left, right)]
    return [_ELLIPSIS] * (left > 0) + cut + [_ELLIPSIS] * (right < len(text))


def _row_data(row: TableRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "type": str(row.claim_type),
        "profile": "" if row.molecular_profile == UNSPECIFIED else row.molecular_profile,
        "disease": row.disease or "",
        "therapies": (" + " if row.therapy_interaction_type == "Combination" else ", ").join(row.therapies),
        "finding": finding(row),
        "stance": stance(row.direction, row.polarity),
        "level": row.level,
        "support": row.support,
        "supported": str(row.score),
        "papers": row.n_papers,
        "synthetic": row.n_synthetic,
        "patients": row.n_patients,
        "figures": describe(row.best.figures),
        "years": [row.years[0], row.years[-1]] if row.years else [],
        "flag": any(ALSO not in warning for warning in row.warnings),
    }


def _data(rows: Sequence[TableRow], papers: _Papers) -> dict[str, Any]:
    made = [_row_data(row) | {"evidence": [_evidence_data(item) for item in row.evidence]} for row in rows]
    for row in rows:
        for item in row.evidence:
            papers(item.pmid)
    titles = {item.pmid: item for row in rows for item in row.evidence}
    return {"rows": made, "papers": dict(_paper_data(papers, titles))}


def _evidence_data(item: Paper) -> dict[str, Any]:
    return {
        "pmid": item.pmid,
        "statement": item.statement,
        "level": item.level,
        "stance": stance(item.direction, item.polarity),
        "study": item.study_type.replace("_", " "),
        "background": item.background,
        "patients": item.n_patients,
        "warnings": list(item.warnings),
        "spans": [[quote.start, quote.end] for quote in item.quotes],
    }


def _paper_data(papers: _Papers, titles: dict[str, Paper]) -> Iterator[tuple[str, dict[str, Any]]]:
    for pmid, (text, shown) in papers.items():
        item = titles.get(pmid)
        yield (
            pmid,
            {
                "text": text,
                "marks": [[mark.start, mark.end, str(mark.label), str(mark.polarity), _title(mark)] for mark in shown],
                "year": item.year if item else None,
                "journal": item.journal if item else None,
                "flags": [flag for flag in item.flags if flag != "synthetic"] if item else [],
                "synthetic": is_synthetic(pmid),
                "title": len(item.title) if item else 0,
            },
        )
