"""Drawing for the command line: tables, marked text and progress with rich; plain lines where no terminal looks."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from miner.schema import Label, Polarity

if TYPE_CHECKING:
    from miner.config import Settings
    from miner.evidence.store import Store
    from miner.evidence.summary import Summary
    from miner.evidence.table import TableRow
    from miner.refresh import RunReport
    from miner.schema import Mention, Mined

Step = Callable[[str, int, int | None], None]

STYLES = {
    Label.GENE: "bold blue",
    Label.FUSION: "bold magenta",
    Label.VARIANT: "bold red",
    Label.ALTERATION: "red",
    Label.DRUG: "bold green",
    Label.DRUG_CLASS: "green",
    Label.DISEASE: "yellow",
    Label.ASSAY: "cyan",
    Label.MEASURE: "bold bright_black",
    Label.COHORT: "bright_black",
}
PLAIN_EVERY_SECONDS = 30.0


def console() -> Console:
    """A console on standard output; 160 columns where no terminal tells its width."""
    return Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else 160)


def log_handler(form: str) -> logging.Handler:
    """A handler on standard error: JSON lines, rich on a terminal, plain lines elsewhere."""
    if form == "json":
        from miner.refresh import JsonFormatter

        handler: logging.Handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
    elif sys.stderr.isatty():
        handler = RichHandler(console=Console(stderr=True), show_path=False)
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    return handler


@contextmanager
def progress(title: str, *, quiet: bool) -> Iterator[Step]:
    """Give a step function ``(what, done, total or None)``: a bar on a terminal, a log line now and then elsewhere."""
    if quiet:
        yield lambda what, done, total: None
    elif sys.stderr.isatty():
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)
    else:
        yield _plain_step()


def _plain_step() -> Step:
    last = time.monotonic()

    def step(what: str, done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_EVERY_SECONDS:
            last = time.monotonic()
            logging.getLogger("miner").info("%s: %d%s", what, done, f" of {total}" if total else "")

    return step


def show_table(rows: Sequence[TableRow], limit: int) -> None:
    """Print rows of the evidence table, the best supported first, and how many were left out."""
    from miner.evidence.table import cells

    ranked = sorted(rows, key=lambda row: (-row.support, str(row.claim_type), row.molecular_profile, row.key))
    shown = ranked[:limit] if limit else ranked
    grid = Table(show_lines=False, header_style="bold", expand=False, pad_edge=False)
    for name, width in (("claim", 14), ("profile", 22), ("disease", 18), ("therapies", 22), ("finding", 20), ("lv", 2), ("n", 4)):
        grid.add_column(name, max_width=width, overflow="fold")
    grid.add_column("figures", max_width=26, overflow="fold")
    grid.add_column("PMIDs", max_width=18, overflow="fold")
    for row in shown:
        values = cells(row)
        grid.add_row(*map(_safe, (*values[:6], values[7], values[8], values[10])))
    out = console()
    out.print(grid)
    out.print(f"{len(shown)} of {len(ranked)} rows" + ("; --limit 0 shows all" if len(shown) < len(ranked) else ""))


def _safe(value: str) -> Text:
    return Text(value)


def show_summary(summary: Summary) -> None:
    """Print the summary's rows and its three tables."""
    out = console()
    for row in summary.rows:
        out.print(Text(row.title, style="bold"))
        out.print(Text(f"  {row.statement}"))
        for quote in row.quotes[:2]:
            out.print(Text(f"  “{quote.text}” — PMID {quote.pmid} [{quote.start}:{quote.end}]", style="dim"))
    for grid in summary.tables:
        drawn = Table(title=grid.title, title_justify="left", header_style="bold", pad_edge=False)
        for name in grid.columns:
            drawn.add_column(name, overflow="fold")
        for cells in grid.rows[:25]:
            drawn.add_row(*map(_safe, cells))
        out.print(drawn)
        if len(grid.rows) > 25:
            out.print(f"{len(grid.rows) - 25} more rows in `miner report`")


def show_run(report: RunReport) -> None:
    """Print what a refresh did."""
    out = console()
    for line in report.lines():
        out.print(Text(line))


def show_status(store: Store, settings: Settings) -> None:
    """Print counts, age, runs and records set aside."""
    out = console()
    counts = store.counts()
    out.print(Text(f"{settings.db}: " + " · ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items())))
    out.print(Text(f"watermark of {settings.topic}: {store.watermark(settings.topic) or 'none: no live run yet'}"))
    grid = Table(title="last runs", title_justify="left", header_style="bold", pad_edge=False)
    for name in ("run", "kind", "topic", "started", "finished", "outcome", "counts"):
        grid.add_column(name, overflow="fold")
    for run in store.runs()[-10:]:
        told = " ".join(f"{key} {value}" for key, value in run.counts.items() if value)
        grid.add_row(*map(_safe, (str(run.id), run.kind, run.topic, run.started, run.finished or "", run.outcome or "unfinished", told)))
    out.print(grid)
    for run in store.runs()[-10:]:
        for source, identifier, reason in store.aside(run.id):
            out.print(Text(f"set aside in run {run.id}: {identifier} of {source}: {reason}", style="red"))


def show_mined(mined: Mined) -> None:
    """Print a record with its mentions marked, then its claims."""
    out = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    record = mined.record
    out.print(Text(f"{record.id} · {record.journal or ''} · {record.pub_date or ''} · {mined.study_type} · level {mined.evidence_level}"))
    marked = Text(record.text)
    for mention in mined.reading.mentions:
        marked.stylize(_style(mention), mention.start, mention.end)
    out.print(marked)
    grid = Table(title="mentions", title_justify="left", header_style="bold", pad_edge=False)
    for name in ("label", "span", "text", "means", "polarity"):
        grid.add_column(name, overflow="fold")
    for mention in mined.reading.mentions:
        means = mention.name or (str(mention.referent) if mention.referent else "")
        grid.add_row(*map(_safe, (str(mention.label), f"{mention.start}:{mention.end}", mention.text, means, str(mention.polarity))))
    out.print(grid)
    show_claims(out, mined)


def show_claims(out: Console, mined: Mined) -> None:
    """Print the claims of a record as a table."""
    grid = Table(title="claims", title_justify="left", header_style="bold", pad_edge=False)
    for name in ("type", "on", "therapies", "direction", "polarity", "figures", "n", "rule", "sentence"):
        grid.add_column(name, overflow="fold")
    for claim in mined.claims:
        on = claim.fusion or claim.variant or " ".join([*claim.genes, claim.alteration or ""])
        values: tuple[Any, ...] = (
            claim.type,
            on,
            ", ".join(claim.therapies),
            claim.direction,
            claim.polarity,
            " ".join(f"{key}={value}" for key, value in claim.figures.items()),
            claim.population_n or "",
            claim.rule + (" (background)" if claim.background else ""),
            mined.reading.text[claim.start : claim.end][:90],
        )
        grid.add_row(*(_safe(str(value)) for value in values))
    out.print(grid)


def _style(mention: Mention) -> str:
    manner = {Polarity.NEGATED: " strike", Polarity.HEDGED: " italic", Polarity.HYPOTHETICAL: " italic"}
    return STYLES[mention.label] + manner.get(mention.polarity, "")
