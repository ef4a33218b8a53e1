"""The command line: thin verbs over the library; the only module that prints, with ``console`` for the drawing."""

from __future__ import annotations

import json
import logging
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from miner import __version__, cli_exchange, cli_lexicon, cli_mine, cli_review, cli_serve, cli_train
from miner import cli_options as opt
from miner.cli_state import State as _State
from miner.cli_state import miner as _miner
from miner.cli_state import settings as _settings
from miner.cli_state import store as _store
from miner.cli_state import topic as _topic
from miner.errors import InputError, MinerError, PartialError, StaleError

# Help without rich: its markup mode imports a Markdown parser before the first line is out.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Read PubMed abstracts on NTRK fusions and lung cancer into an evidence table.\n\n"
    "\b\nExamples:\n  miner refresh --email you@lab.org\n  miner table --drug larotrectinib\n  miner summary",
    epilog="\b\nExit codes:\n" + "\n".join(f"  {code:<2}  {meaning}" for code, meaning in opt.EXIT_CODES.items()),
)
lexicon_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look after the lexicons and rules.\n\n\b\nExample:\n  miner lexicon lint"
)
app.add_typer(lexicon_app, name="lexicon")
cli_lexicon.register(lexicon_app)


def _show_version(wanted: bool) -> None:
    if wanted:
        from miner.lexicon import load_lexicon

        typer.echo(f"miner {__version__} · lexicon {load_lexicon().version}")
        raise typer.Exit


_PRINTING = frozenset({"table", "summary", "export", "extract", "status", "diff", "show", "evaluate", "plugins", "agreement", "lexicon"})


@app.callback()
def common(
    context: typer.Context,
    config: opt.Config = None,
    quiet: opt.Quiet = False,
    log_format: opt.LogFormat = None,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Code and lexicon version.")] = False,
) -> None:
    """Read the options that every command shares."""
    _State.config, _State.quiet, _State.log_format = config, quiet, log_format
    # A dependency's old regular expressions; told once a compilation from Python 3.12 on, and no line of the log.
    warnings.filterwarnings("ignore", category=SyntaxWarning)
    # Output cut short, as by head, ends a reading verb quietly; what talks over sockets or pipes needs their errors.
    if _State.own_process and hasattr(signal, "SIGPIPE") and context.invoked_subcommand in _PRINTING:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


@app.command()
def refresh(
    source: opt.Sources = None,
    remine: opt.Remine = False,
    reconcile: opt.Reconcile = False,
    topic: opt.TopicName = None,
    db: opt.Db = None,
    email: opt.Email = None,
    api_key: opt.ApiKey = None,
) -> None:
    """Bring the evidence base up to date from PubMed, or from files.

    Only what is new or changed is read; unchanged input writes nothing.

    \b
    Examples:
      miner refresh --email you@lab.org
      miner refresh --source pubmed21n1298.xml.gz --db evidence.db
    """
    from miner import refresh as job
    from miner.console import progress, show_run

    settings = _settings(topic=topic, db=db, email=email, api_key=api_key)
    with progress("refresh", quiet=_State.quiet) as step:
        report = job.refresh(settings, _topic(settings), sources=source or [], remine=remine, reconcile=reconcile, on_progress=step)
    if not _State.quiet:
        show_run(report)
    if report.set_aside:
        raise PartialError(f"{report.set_aside} records were set aside; `miner status` tells which and why")


@app.command()
def fetch(
    pmid: opt.PmidArguments = None,
    output: opt.XmlOutput = Path("pubmed.xml.gz"),
    topic: opt.TopicName = None,
    email: opt.Email = None,
    limit: opt.RecordLimit = None,
) -> None:
    """Fetch records from PubMed into a file, for reading later.

    \b
    Examples:
      miner fetch 35372074 29466156 --email you@lab.org -o two.xml
      miner fetch --topic ntrk-nsclc --limit 500 --email you@lab.org
    """
    from miner.console import progress
    from miner.sources import eutils

    settings = _settings(topic=topic, email=email)
    with progress("fetch", quiet=_State.quiet) as step:
        count = eutils.fetch_to_file(settings, _topic(settings).query, pmid or [], output, limit=limit, on_progress=step)
    typer.echo(f"{count} records in {output}")


@app.command()
def extract(source: opt.Input, output: opt.Output = None, topic: opt.TopicName = None) -> None:
    """Read texts; write fusions, drugs, variants, claims as JSON lines.

    One object a record, in order, with every mention and claim at its offsets.

    \b
    Example:
      miner extract abstracts.jsonl -o extracted.jsonl
    """
    from miner.console import progress, writing
    from miner.mine import extraction_row, mine_records
    from miner.schema import Record
    from miner.sources import read_records

    settings = _settings(topic=topic)
    rejects: list[str] = []
    items = read_records(source, on_reject=lambda r: rejects.append(f"record {r.position}: {r.reason}"))
    loaded = _miner(settings)
    mined = mine_records(
        loaded,
        (item for item in items if isinstance(item, Record)),
        on_reject=lambda record, error: rejects.append(f"{record.id}: {type(error).__name__}: {error}"),
    )
    with writing(output) as out, progress("extract", quiet=_State.quiet or output is None) as step:
        for number, item in enumerate(mined, 1):
            out.write(json.dumps(extraction_row(item, loaded.topic.focus_genes), ensure_ascii=False) + "\n")
            step("extract", number, None)
    if rejects:
        raise PartialError(f"{len(rejects)} records could not be read:\n  " + "\n  ".join(rejects[:20]))


@app.command()
def table(
    db: opt.Db = None,
    claim_type: opt.ClaimTypes = None,
    gene: opt.Genes = None,
    drug: opt.Drugs = None,
    disease: opt.Diseases = None,
    level: opt.Levels = None,
    pmid: opt.Pmids = None,
    text: opt.Text = None,
    topic: opt.OfTopic = None,
    status: opt.Statuses = None,
    limit: opt.RowLimit = 25,
) -> None:
    """Print the evidence table, the topic's genes and drugs first.

    \b
    Examples:
      miner table --type sensitivity_response --gene NTRK1
      miner table --drug larotrectinib --limit 0
    """
    from miner.console import show_table
    from miner.lexicon import load_lexicon

    settings = _settings(db=db, topic=topic)
    with _store(settings) as store:
        rows = list(store.table(**cli_exchange.filters(locals())))
    show_table(rows, _topic(settings), load_lexicon(settings.lexicon_dirs), limit)


@app.command()
def summary(db: opt.Db = None, topic: opt.TopicName = None, limit: opt.RowLimit = 15) -> None:
    """Print what the evidence says on each question of a review.

    Each with its papers and sentences; then fusion partners, inhibitors with their figures, and resistance by drug.

    \b
    Examples:
      miner summary --db evidence.db
      miner summary --limit 0
    """
    from miner.console import show_summary
    from miner.evidence.summary import summarise
    from miner.lexicon import load_lexicon

    settings = _settings(db=db, topic=topic)
    with _store(settings) as store:
        show_summary(summarise(store, _topic(settings), load_lexicon(settings.lexicon_dirs)), limit)


cli_exchange.register(app)
cli_serve.register(app)
cli_review.register(app)
cli_mine.register(app)
cli_train.register(app)


@app.command()
def report(output: opt.HtmlOutput = None, db: opt.Db = None, topic: opt.TopicName = None) -> None:
    """Write the report: one HTML file that holds everything.

    Summary, table, marked sentences, response rates, fusion partners; it opens without a network.

    \b
    Example:
      miner report -o evidence.html
    """
    from miner.evidence.report import write_report

    settings = _settings(db=db, topic=topic, report=output)
    with _store(settings) as store:
        write_report(store, _topic(settings), settings.report)
    typer.echo(f"report: {settings.report.resolve().as_uri()}")


@app.command()
def status(db: opt.Db = None, topic: opt.TopicName = None, max_age: opt.MaxAge = None, as_json: opt.Json = False) -> None:
    """Tell what is held, whether it is current, what the last runs did.

    \b
    Examples:
      miner status --db evidence.db
      miner status --max-age 36h
    """
    from miner.console import show_status
    from miner.refresh.health import health, parse_age
    from miner.refresh.versions import mining_version, mining_versions

    settings = _settings(db=db, topic=topic)
    limit = parse_age(max_age) if max_age else settings.stale_after_days * 24
    with _store(settings) as store:
        found = health(store, _topic(settings).name, limit_hours=limit)
        if as_json or max_age:
            typer.echo(found.json() if as_json else found.text())
        else:
            show_status(store, settings, mining_version(mining_versions(settings.lexicon_dirs, settings.models)))
    if max_age and found.stale:
        raise typer.Exit(StaleError.exit_code)


@app.command()
def diff(since: opt.Since = None, form: opt.DiffForm = "text", output: opt.Output = None, db: opt.Db = None) -> None:
    """List the rows that are new, changed or gone, each with its cause.

    \b
    Examples:
      miner diff
      miner diff --since 12 --format atom -o changes.atom
    """
    from miner.console import writing
    from miner.refresh.diff import told

    with _store(_settings(db=db)) as store:
        text = told(store, since, form)
    with writing(output) as out:
        out.write(text)


@app.command()
def show(pmid: opt.PmidArgument, source: opt.FromFile = None, db: opt.Db = None) -> None:
    """Print a record with its mentions marked and its claims below.

    \b
    Examples:
      miner show 29466156
      miner show syn-001 --source corpora/synthetic_ntrk/gold.jsonl
    """
    from miner.console import show_mined
    from miner.schema import Record
    from miner.sources import read_records

    settings = _settings(db=db)
    if source:
        record = next((r for r in read_records(source) if isinstance(r, Record) and pmid in (r.id, r.pmid)), None)
    else:
        with _store(settings) as store:
            record = store.record(pmid)
    if record is None:
        raise InputError(f"no record {pmid} in {source or settings.db}")
    show_mined(_miner(settings)(record))


@app.command()
def evaluate(
    corpus: opt.Corpus = Path("corpora/synthetic_ntrk"),
    texts: opt.CorpusTexts = None,
    split: opt.Split = None,
    page: opt.Page = None,
    errors: opt.ErrorLimit = 20,
) -> None:
    """Compare what is read with a gold corpus, and list the errors.

    \b
    Examples:
      miner evaluate corpora/synthetic_ntrk --page evaluation.html
      miner evaluate corpora/pubmed_nsclc --texts nsclc_abstracts.jsonl.gz
    """
    from miner.evaluate import evaluate_corpus, render_text
    from miner.evaluate_page import write_page
    from miner.mine import extraction_row

    miner = _miner(_settings())
    result = evaluate_corpus(corpus, lambda record: extraction_row(miner(record), miner.topic.focus_genes), split=split, texts=texts or ())
    typer.echo(render_text(result, slips=errors))
    if page:
        write_page(result, page)
        typer.echo(f"page: {page.resolve().as_uri()}")


@lexicon_app.command("lint")
def lint(folder: opt.Folders = None) -> None:
    """Check lexicon and rule files; each problem is named file:line.

    \b
    Examples:
      miner lexicon lint
      miner lexicon lint my-lexicons/ my-rules/
    """
    from miner import rules_lint
    from miner.lexicon_lint import lint as check

    folders = tuple(folder or ())
    problems = sorted([*check(folders), *rules_lint.lint(folders)])
    for problem in problems:
        typer.echo(str(problem))
    typer.echo(f"{len(problems)} problems" if problems else "no problems")
    if problems:
        raise typer.Exit(78)


def main() -> None:
    """Run the command line; an error of the miner's own becomes its exit code and one line."""
    _State.own_process = True
    try:
        app()
    except MinerError as error:
        _tell(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _tell("stopped")
        sys.exit(130)
    except Exception:
        if _State.log_format != "json":
            raise
        logging.getLogger("miner").exception("a bug")
        sys.exit(1)


def _tell(message: str) -> None:
    """Write an error in one line, in the form of the log."""
    if _State.log_format == "json":
        logging.getLogger("miner").error("%s", message)
    else:
        typer.echo(f"miner: {message}", err=True)
