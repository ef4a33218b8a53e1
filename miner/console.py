"""Drawing for the command line: tables, marked text and progress with rich; plain lines where no terminal looks."""

from __future__ import annotations

import datetime
import io
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from miner.console_doubts import row_doubts, show_curations, show_doubts
from miner.console_files import writing as writing
from miner.console_files import writing_bytes as writing_bytes
from miner.schema import Cohort, Direction, Label, Measure, Polarity

if TYPE_CHECKING:
    from miner.config import Settings, Topic
    from miner.evidence.store import Store
    from miner.evidence.summary import Summary, SummaryRow, Terms
    from miner.evidence.summary_tables import Grid
    from miner.evidence.table import TableRow
    from miner.refresh import RunReport
    from miner.schema import Claim, Mention, Mined

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
PLAIN_WIDTH = 120
TEXT_WIDTH = 110
NARROW = 110


def console() -> Console:
    """A console on standard output, as wide as the terminal or COLUMNS says, else 120 columns."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    columns = os.environ.get("COLUMNS", "")
    return Console(highlight=False, file=_Unpadded(), width=int(columns) if columns.isdigit() else PLAIN_WIDTH)


class _Unpadded(io.StringIO):
    """Standard output for a file or a pipe: the blanks that fill a line are left out."""

    def write(self, text: str) -> int:
        sys.stdout.write(re.sub(r" +$", "", text, flags=re.MULTILINE))
        return len(text)

    def flush(self) -> None:
        sys.stdout.flush()


def log_handler(form: str) -> logging.Handler:
    """A handler on standard error: JSON lines, rich on a terminal, plain lines elsewhere."""
    if form == "json":
        from miner.refresh import JsonFormatter

        handler: logging.Handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
    elif sys.stderr.isatty():
        from rich.logging import RichHandler

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
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

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


# the evidence table


def show_table(rows: Sequence[TableRow], topic: Topic, lexicon: Terms, limit: int) -> None:
    """Print rows of the evidence table, the topic's genes and drugs first, and how many were left out."""
    from miner.evidence.ranking import ranked

    out = console()
    # A gene's family counts as the gene: "NTRK fusion" stands on NTRK1.
    focus = {member for gene in topic.focus_genes for member in lexicon.members(gene)}
    own = {row.key for row in rows if any(focus & set(lexicon.members(gene)) for item in row.evidence for gene in item.genes)}
    first = sorted(
        (row for row in rows if row.key in own), key=lambda row: (-row.support, str(row.claim_type), row.molecular_profile, row.key)
    )
    shown = [*first, *ranked([row for row in rows if row.key not in own], topic, lexicon)][: limit or None]
    papers = {item.pmid for row in rows for item in row.evidence}
    out.print(Text(f"Evidence table: {topic.title}", style="bold"))
    out.print(
        Text(
            f"{len(rows):,} findings in {_many(len(papers), 'paper')}; {', '.join((*topic.focus_genes, *topic.focus_classes))} first, "
            "then the best supported. Levels: A validated, B clinical, C case, D preclinical, E inferential.",
            style="dim",
        )
    )
    from miner.evidence.conflicts import by_key, conflicts

    found = by_key(conflicts(rows))
    widths = _widths(out.width)
    if not rows:
        out.print("nothing is held that fits")
        return
    out.print()
    out.print(_line([Text(name, style="bold underline") for name in ("finding", "in", "tumour", "therapy", "lv", "papers")], widths))
    for row in shown:
        out.print(_line(_row_cells(row), widths))
        out.print(Padding(_row_detail(row, out.width), (0, 0, 0, 2)))
        out.print(Padding(row_doubts(row, found.get(row.key, ())), (0, 0, 1, 2)))
    out.print(f"{len(shown):,} of {len(rows):,} findings" + ("; --limit 0 shows all" if len(shown) < len(rows) else ""))


def _widths(total: int) -> tuple[int, ...]:
    """Column widths for finding, profile, tumour, therapy, level and papers; two blanks between."""
    rest = max(total - 2 - 6 - 5 * 2, 56)
    claim, profile = rest * 27 // 100, rest * 27 // 100
    tumour = (rest - claim - profile) // 2
    return claim, profile, tumour, rest - claim - profile - tumour, 2, 6


def _line(cells: Sequence[Text], widths: Sequence[int]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    for place, width in enumerate(widths):
        grid.add_column(width=width, overflow="fold", justify="right" if place == len(widths) - 1 else "left")
    grid.add_row(*cells)
    return grid


def _row_cells(row: TableRow) -> list[Text]:
    from miner.evidence.civic import MEANINGS, UNSPECIFIED

    claim = Text(str(row.claim_type).replace("_", " "), style="bold")
    if row.significance != MEANINGS[row.claim_type].significances[0]:
        claim.append(f" ({row.significance.lower()})")
    if row.direction is Direction.DOES_NOT_SUPPORT:
        claim.append(" – against", style="red")
    if row.polarity in (Polarity.HEDGED, Polarity.HYPOTHETICAL):
        claim.append(f" – {row.polarity}", style="yellow")
    therapy = (" + " if row.therapy_interaction_type == "Combination" else ", ").join(row.therapies)
    profile = "not stated" if row.molecular_profile == UNSPECIFIED else row.molecular_profile
    return [claim, Text(profile), Text(row.disease or ""), Text(therapy), Text(row.level), Text(str(row.n_papers))]


def _row_detail(row: TableRow, width: int) -> Text:
    """Figures, patients, the quoted sentence and the PMIDs: about two lines, three on a narrow screen."""
    from miner.evidence.figures import describe
    from miner.evidence.table import shorten

    told = [text for text in (describe(row.best.figures), _many(row.n_patients, "patient") if row.n_patients else "") if text]
    head = " · ".join(told) + (" · " if told else "")
    tail = ", ".join(row.papers[:4]) + (f" and {row.n_papers - 4} more" if row.n_papers > 4 else "")
    room = (3 if width < NARROW else 2) * (width - 4) - len(head) - len(tail) - 6
    return Text.assemble(head, (f"“{shorten(row.quote.text, max(room, 60))}” ", "dim"), (tail, "cyan"))


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


# the summary


def show_summary(summary: Summary, limit: int) -> None:
    """Print the summary's rows and its three tables."""
    out = console()
    out.print(Text(f"Summary: {summary.title}", style="bold"))
    out.print()
    for row in summary.rows:
        _show_answer(out, row)
    for grid in summary.tables:
        _show_grid(out, grid, limit)


def _show_answer(out: Console, row: SummaryRow) -> None:
    from miner.evidence.table import cited

    width = min(out.width, TEXT_WIDTH)
    if row.is_empty:
        out.print(Text.assemble((row.title, "bold"), (" – no evidence yet", "dim")), width=width)
        out.print()
        return
    out.print(Text(row.title, style="bold"), width=width)
    out.print(Padding(Text(row.statement), (0, 0, 0, 2)), width=width)
    for quote in list({(quote.pmid, quote.start): quote for quote in row.quotes}.values())[:2]:
        year = f", {quote.year}" if quote.year else ""
        told = Text.assemble((f"“{quote.text}” ", "dim"), (f"{cited(quote.pmid)}{year} [{quote.start}:{quote.end}]", "cyan"))
        out.print(Padding(told, (0, 0, 0, 4)), width=width)
    show_doubts(out, row, width)
    if len(row.papers) > 1:
        more = f" and {len(row.papers) - 10} more" if len(row.papers) > 10 else ""
        out.print(Padding(Text(f"Papers: {', '.join(row.papers[:10])}{more}", style="dim"), (0, 0, 0, 2)), width=width)
    out.print()


def _show_grid(out: Console, grid: Grid, limit: int) -> None:
    if not grid.rows:
        out.print(Text.assemble((grid.title, "bold"), (" – none yet", "dim")))
        return
    kept = [place for place, name in enumerate(grid.columns) if out.width >= NARROW or name not in ("generation", "study", "kind")]
    drawn = _grid(grid.title, [grid.columns[place] for place in kept])
    for row in grid.rows[:limit] if limit else grid.rows:
        drawn.add_row(*(Text(row[place]) for place in kept))
    out.print(drawn)
    if limit and len(grid.rows) > limit:
        out.print(Text(f"{len(grid.rows) - limit} more; --limit 0 shows all", style="dim"))
    out.print()


def _grid(title: str, names: Sequence[str]) -> Table:
    grid = Table(
        title=Text(title, style="bold"), title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="underline"
    )
    for name in names:
        grid.add_column(name, overflow="fold")
    return grid


# runs and state


def show_run(report: RunReport) -> None:
    """Print what a refresh did."""
    out = console()
    for line in report.lines():
        out.print(Text(line), soft_wrap=True)


def show_status(store: Store, settings: Settings, current: str) -> None:
    """Print what is held, how current it is (``current`` is the mining version of this code), runs, records set aside."""
    out = console()
    counts = store.counts()
    held = (_many(counts["records"], "record"), _many(counts["claims"], "claim"), f"{counts['evidence']:,} evidence rows")
    out.print(Text.assemble((str(settings.db), "bold"), f" · {settings.topic} · " + " · ".join(held)), soft_wrap=True)
    for source in store.sources(settings.topic)[:5]:
        years = f", published {source.first} to {source.last}" if source.first else ""
        out.print(Text(f"from {source.name}: {_many(source.records, 'record')}{years}{' (synthetic)' if source.is_synthetic else ''}"))
    _show_age(out, store, settings)
    stale = sum(version != current for _, version in store.digests().values())
    if stale:
        out.print(Text(f"stale: {_many(stale, 'record')} read by other rules or lexicons; `miner refresh --remine` reads again", "yellow"))
    else:
        out.print("every record was read by the present rules and lexicons")
    show_curations(out, store)
    runs = store.runs()[-5:]
    grid = _grid("last runs", ("run", "kind", "topic", "started", "outcome", "what it did"))
    for run in runs:
        names = ("read", "new", "changed", "deleted", "set_aside")
        did = [f"{run.counts[name]:,} {name.replace('_', ' ')}" for name in names if run.counts.get(name)]
        started = run.started.replace("T", " ").removesuffix("Z")
        grid.add_row(*map(Text, (str(run.id), run.kind, run.topic, started, run.outcome or "unfinished", " · ".join(did))))
    out.print()
    out.print(grid)
    for run in runs:
        for name, identifier, reason in store.aside(run.id):
            out.print(Text(f"set aside in run {run.id}: {identifier} of {name}: {reason}", style="red"), soft_wrap=True)


def _show_age(out: Console, store: Store, settings: Settings) -> None:
    watermark = store.watermark(settings.topic)
    if watermark is None:
        out.print("PubMed has not been asked yet for this topic; `miner refresh --email you@lab.org` asks")
        return
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(watermark)
    days = age / datetime.timedelta(days=1)
    told = f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"
    if days > settings.stale_after_days:
        limit = f"more than stale_after_days = {settings.stale_after_days:g}"
        out.print(Text(f"stale: current with PubMed as of {watermark}, {told} ago, {limit}", "yellow"), soft_wrap=True)
    else:
        out.print(f"current with PubMed as of {watermark}, {told} ago")


# one record


def show_mined(mined: Mined) -> None:
    """Print a record with its mentions marked, then its claims."""
    out = console()
    record = mined.record
    facts = [record.id, record.journal, record.pub_date, str(mined.study_type).replace("_", " "), f"level {mined.evidence_level}"]
    out.print(Text(" · ".join(fact for fact in facts if fact), style="bold"))
    out.print()
    marked = Text(record.text)
    for mention in mined.reading.mentions:
        marked.stylize(_style(mention), mention.start, mention.end)
    out.print(marked, width=min(out.width, TEXT_WIDTH))
    out.print()
    grid = _grid("mentions", ("label", "span", "text", "means", "polarity"))
    for mention in mined.reading.mentions:
        cells = (str(mention.label), f"{mention.start}:{mention.end}", mention.text, _means(mention), str(mention.polarity))
        grid.add_row(*map(Text, cells))
    out.print(grid)
    out.print(Text("claims" if mined.claims else "no claims", style="bold"))
    for claim in mined.claims:
        out.print(Padding(_claim(claim, mined.reading.text), (0, 0, 1, 2)))


def _means(mention: Mention) -> str:
    match mention.referent:
        case Measure() as measure:
            return f"{measure.metric} = {measure.value}" + (f", {measure.n} of {measure.total}" if measure.n and measure.total else "")
        case Cohort() as cohort:
            return f"n = {cohort.n}" + (f" of {cohort.total}" if cohort.total else "")
        case _:
            return mention.name or ""


def _claim(claim: Claim, text: str) -> Text:
    from miner.evidence.figures import describe

    on = claim.fusion or claim.variant or " ".join([*claim.genes, claim.alteration or ""]).strip()
    stance = ("against" if claim.direction is Direction.DOES_NOT_SUPPORT else "for") + f", {claim.polarity}"
    facts = [on, ", ".join(claim.therapies), claim.disease.name if claim.disease else "", stance, describe(claim.figures)]
    facts += [f"n = {claim.population_n}" if claim.population_n else "", "background" if claim.background else ""]
    return Text.assemble(
        (str(claim.type), "bold"),
        " · " + " · ".join(fact for fact in facts if fact) + "\n",
        (f"“{text[claim.start : claim.end]}” ", "dim"),
        (f"[{claim.start}:{claim.end}] {claim.rule}", "cyan"),
    )


def _style(mention: Mention) -> str:
    manner = {Polarity.NEGATED: " strike", Polarity.HEDGED: " italic", Polarity.HYPOTHETICAL: " italic"}
    return STYLES[mention.label] + manner.get(mention.polarity, "")
