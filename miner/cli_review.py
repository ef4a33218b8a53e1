"""``miner review``: accept, reject and correct rows, in the terminal or in a spreadsheet; ``miner agreement``."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from miner import cli_options as opt
from miner import cli_state
from miner.errors import ConfigError, MinerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miner.config import Settings
    from miner.evidence.store import Store
    from miner.evidence.table import Paper
    from miner.schema import Curation

Curator = Annotated[
    str | None, typer.Option("--curator", metavar="NAME", help="Who curates.", envvar="MINER_CURATOR", show_default="the user logged in")
]
SheetOut = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the rows to a sheet (.xlsx or .csv) instead of asking.")
]
SheetIn = Annotated[Path | None, typer.Option("--in", metavar="FILE", help="Take an edited sheet; all of it, or nothing.")]
Decided = Annotated[bool, typer.Option("--decided", help="Also the rows that this curator has decided already.")]
Limit = Annotated[int, typer.Option(min=0, metavar="N", help="Rows to go through; 0 for all.")]
LogFile = Annotated[Path, typer.Argument(metavar="FILE", help="Log of curations, as `miner review export` writes it.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the curation, as `miner review log` tells it.")]
Comment = Annotated[str, typer.Option(metavar="TEXT", help="Why.")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the corpus to write.")]

review_app = typer.Typer(rich_markup_mode=None)
KEYS = "[a]ccept  [r]eject  [e]dit  [c]omment  [s]kip  [u]ndo last  [q]uit"


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(review_app, name="review")
    app.command("agreement")(agreement)


def _name(curator: str | None) -> str:
    name = (curator or "").strip() or os.environ.get("USER", "") or getpass.getuser()
    if not name:
        raise ConfigError("who curates? name yourself with --curator, or set MINER_CURATOR")
    return name


@review_app.callback(invoke_without_command=True)
def review(
    context: typer.Context,
    db: opt.Db = None,
    curator: Curator = None,
    out: SheetOut = None,
    sheet: SheetIn = None,
    claim_type: opt.ClaimTypes = None,
    gene: opt.Genes = None,
    drug: opt.Drugs = None,
    disease: opt.Diseases = None,
    level: opt.Levels = None,
    pmid: opt.Pmids = None,
    text: opt.Text = None,
    topic: opt.TopicName = None,
    decided: Decided = False,
    limit: Limit = 0,
) -> None:
    """Go through rows and accept, reject, edit or comment them; or do it in a spreadsheet.

    Every decision is kept with who and when, and stays when the papers are read again by newer rules. Rows come in the order
    of the table, those that you have decided are left out.

    \b
    Examples:
      miner review --curator ada --gene NTRK1
      miner review --curator ada --out sheet.xlsx
      miner review --curator ada --in sheet.xlsx
      miner review export -o curations.jsonl
    """
    if context.invoked_subcommand:
        return
    settings = cli_state.settings(db=db, topic=topic)
    name = _name(curator)
    filters = {"claim_type": claim_type, "gene": gene, "drug": drug, "disease": disease, "level": level, "pmid": pmid, "text": text}
    with cli_state.store(settings, readonly=out is not None) as store:
        if sheet:
            _take(store, sheet, name)
            return
        rows = _rows(store, settings, name, decided=decided, filters=filters)[: limit or None]
        if out:
            from miner.evidence.sheet import write_sheet

            typer.echo(f"{write_sheet(out, rows)} rows in {out}; edit it, then: miner review --curator {name} --in {out}")
        else:
            _ask(store, rows, name)


def _rows(store: Store, settings: Settings, curator: str, *, decided: bool, filters: Mapping[str, object]) -> list[Paper]:
    """Return the evidence to go through, in the order of the table; that of one row together."""
    from miner.evidence.ranking import ranked
    from miner.evidence.store_curation import decision
    from miner.evidence.table import STATUSES
    from miner.lexicon import load_lexicon

    given = {name: value for name, value in filters.items() if value}
    rows = ranked(store.table(**given, status=STATUSES), cli_state.topic(settings), load_lexicon(settings.lexicon_dirs))
    held: dict[tuple[str, str], list[Curation]] = {}
    for item in store.curations():
        held.setdefault((item.key, item.source), []).append(item)
    papers = [paper for row in rows for paper in row.evidence]
    return [paper for paper in papers if decided or decision(held.get((paper.key, paper.pmid), []), curator) is None]


def _take(store: Store, sheet: Path, curator: str) -> None:
    from collections import Counter

    from miner.evidence.sheet import take_sheet

    taken = Counter(str(item.action) for item in take_sheet(sheet, store, curator=curator))
    told = ", ".join(f"{count} {action}" for action, count in sorted(taken.items()))
    typer.echo(f"{sheet}: {told or 'nothing new'}")


def _ask(store: Store, rows: list[Paper], curator: str) -> None:
    """Go through rows at the terminal; end of input ends it."""
    made: list[int] = []
    for number, paper in enumerate(rows, 1):
        typer.echo(_card(paper, f"{number} of {len(rows)}"))
        while True:
            try:
                answer = typer.prompt(KEYS, default="s", show_default=False).strip().lower()[:1]
            except (typer.Abort, EOFError):
                answer = "q"
            if answer == "q":
                typer.echo(f"\n{len(made)} curations kept")
                return
            if answer == "s" or (answer in "aerc" and _keep(store, paper, answer, curator, made)):
                break
            if answer == "u":
                _undo_last(store, curator, made)
    typer.echo(f"{len(made)} curations kept; no more rows to go through")


def _card(paper: Paper, place: str) -> str:
    from miner.evidence.sheet import written
    from miner.evidence.table import cited

    year = f", {paper.year}" if paper.year else ""
    quote = paper.quotes[0]
    cells = written(paper)
    shown = " · ".join(f"{name}={cells[name]}" for name in cells if cells[name] and name not in ("study_type", "background"))
    changed = "".join(f"\n  the miner read {name}: {value}" for name, value in paper.machine.items() if name != "statement")
    return (
        f"\n{place}  {paper.statement}\n  {shown}\n  {cited(paper.pmid)}{year}: {paper.title}\n"
        f"  “{quote.text}” [{quote.start}:{quote.end}]{changed}"
    )


def _keep(store: Store, paper: Paper, answer: str, curator: str, made: list[int]) -> bool:
    """Ask for what the answer needs and keep it; tell whether the row is done with."""
    from miner.evidence.sheet import parsed
    from miner.schema import Action, Curation

    action = {"a": Action.ACCEPT, "r": Action.REJECT, "e": Action.EDIT, "c": Action.COMMENT}[answer]
    changes: dict[str, object] = {}
    comment = ""
    if action is Action.EDIT:
        told = typer.prompt("field=value (several with | between)")
        cells = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in told.split("|"))}
        changes, wrong = parsed(cells)
        for name, text in wrong:
            typer.echo(f"  {name}: {text}", err=True)
        if wrong:
            return False
    elif action in (Action.REJECT, Action.COMMENT):
        comment = typer.prompt("why" if action is Action.REJECT else "comment", default="", show_default=False)
    try:
        made.append(store.curate(Curation(curator, action, paper.key, paper.pmid, changes=changes, comment=comment)))
    except MinerError as error:
        typer.echo(f"  {error}", err=True)
        return False
    typer.echo(f"  kept as curation {made[-1]}")
    return action in (Action.ACCEPT, Action.REJECT)


def _undo_last(store: Store, curator: str, made: list[int]) -> None:
    from miner.schema import Action, Curation

    if not made:
        typer.echo("  nothing was kept yet", err=True)
        return
    store.curate(Curation(curator, Action.UNDO, "", "", undoes=made.pop()))
    typer.echo("  taken back")


@review_app.command("export")
def export_log(output: opt.Output = None, db: opt.Db = None) -> None:
    """Write the log of curations as JSON lines; with it, a database made anew is curated again.

    \b
    Example:
      miner review export --db evidence.db -o curations.jsonl
    """
    from miner.console import writing
    from miner.evidence.curation_log import write_log

    with cli_state.store(cli_state.settings(db=db)) as store, writing(output) as out:
        count = write_log(store.curations(), out)
    if output:
        typer.echo(f"{count} curations in {output}")


@review_app.command("import")
def import_log(file: LogFile, db: opt.Db = None) -> None:
    """Take a log of curations into a database: what is not there yet, all or nothing.

    \b
    Example:
      miner review import curations.jsonl --db evidence.db
    """
    from miner.evidence.curation_log import read_log

    with cli_state.store(cli_state.settings(db=db), readonly=False) as store:
        count = store.take_curations(read_log(file))
        waiting = len(store.curations_without_row())
    typer.echo(f"{count} curations taken" + (f"; {waiting} wait for a row that is not held" if waiting else ""))


@review_app.command("log")
def show_log(pmid: opt.Pmids = None, db: opt.Db = None) -> None:
    """List the curations, the oldest first, each with who, when and what.

    \b
    Example:
      miner review log --pmid 29466156
    """
    with cli_state.store(cli_state.settings(db=db)) as store:
        for item in store.curations():
            if not pmid or item.source in pmid:
                told = ", ".join(f"{name}={value}" for name, value in item.changes.items())
                what = f"undo {item.undoes}" if item.undoes else str(item.action)
                parts = (str(item.id), item.at, item.curator, what, item.source, item.key, told, item.comment)
                typer.echo("  ".join(part for part in parts if part))


@review_app.command("undo")
def undo(number: Number, db: opt.Db = None, curator: Curator = None, comment: Comment = "") -> None:
    """Take a curation back; it stays in the log, and so does this.

    \b
    Example:
      miner review undo 12 --curator ada --comment "wrong paper"
    """
    from miner.schema import Action, Curation

    with cli_state.store(cli_state.settings(db=db), readonly=False) as store:
        made = store.curate(Curation(_name(curator), Action.UNDO, "", "", undoes=number, comment=comment))
    typer.echo(f"curation {number} is taken back by curation {made}")


@review_app.command("corpus")
def corpus(folder: Folder, db: opt.Db = None) -> None:
    """Write the records of which every row was decided as a corpus for `miner evaluate`.

    \b
    Example:
      miner review corpus corpora/curated --db evidence.db
    """
    from miner.evidence.curated_corpus import write_corpus

    with cli_state.store(cli_state.settings(db=db)) as store:
        whole, part = write_corpus(store, folder)
    typer.echo(f"{whole} records in {folder}; {part} more are decided in part and left out")


def agreement(db: opt.Db = None) -> None:
    """Tell how far curators agree who decided the same rows: share, Cohen's kappa, and the rows in dispute.

    \b
    Example:
      miner agreement --db evidence.db
    """
    from miner.evidence.agreement import agreements

    with cli_state.store(cli_state.settings(db=db)) as store:
        found = agreements(store.curations())
        statements = {(paper.key, paper.pmid): paper.statement for item in found for row in item.disputed if (paper := store.row(*row[:2]))}
    if not found:
        typer.echo("no row was decided by two curators")
    for item in found:
        typer.echo(str(item))
        for key, source, left, right in item.disputed:
            typer.echo(f"  {source}  {item.left}: {left}, {item.right}: {right}  {statements.get((key, source), key)}")
        for name, (both, same) in item.fields.items():
            typer.echo(f"  {name}: changed by both on {both} rows, to the same value on {same}")
