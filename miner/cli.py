"""The command line: thin verbs over the library; the only module that prints, with ``console`` for the drawing."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from miner import __version__
from miner.errors import InputError, MinerError, PartialError

if TYPE_CHECKING:
    from miner.config import Settings, Topic
    from miner.evidence.store import Store
    from miner.mine import Miner

EXIT_CODES = """
Exit codes: **0** done · **1** a bug · **2** usage · **3** partial: records were set aside, the rest is stored ·
**11** another run holds the lock · **65** bad input · **73** the database cannot be written · **75** PubMed did not
answer · **78** configuration.
"""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Read PubMed abstracts on NTRK fusions and lung cancer into an evidence table.\n\n" + EXIT_CODES,
)
lexicon_app = typer.Typer(no_args_is_help=True, help="Look after the lexicons and rules.")
app.add_typer(lexicon_app, name="lexicon")

Db = Annotated[Path | None, typer.Option("--db", help="SQLite file of the evidence base.", show_default="evidence.db")]
TopicName = Annotated[str | None, typer.Option("--topic", help="Topic: a name, or the path of a topic file.", show_default="ntrk-nsclc")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write; standard output without it.")]
ClaimTypes = Annotated[list[str] | None, typer.Option("--type", help="Only this claim type; may be repeated.")]
Genes = Annotated[list[str] | None, typer.Option("--gene", help="Only rows on this gene or family; may be repeated.")]
Drugs = Annotated[list[str] | None, typer.Option("--drug", help="Only rows on this drug or class; may be repeated.")]
Pmids = Annotated[list[str] | None, typer.Option("--pmid", help="Only rows that rest on this paper; may be repeated.")]
Text = Annotated[str | None, typer.Option("--text", help="Only rows whose words contain this.")]


class _State:
    config: Path | None = None
    quiet: bool = False


def _show_version(wanted: bool) -> None:
    if wanted:
        from miner.lexicon import load_lexicon

        typer.echo(f"miner {__version__} · lexicon {load_lexicon().version}")
        raise typer.Exit


@app.callback()
def common(
    config: Annotated[Path | None, typer.Option("--config", help="Settings file.", show_default="miner.toml")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, warnings and errors only.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Code and lexicon version.")] = False,
) -> None:
    """Read the options that every command shares."""
    _State.config, _State.quiet = config, quiet


def _settings(**flags: Any) -> Settings:
    from miner.config import load_settings

    settings = load_settings(config=_State.config, **flags)
    _log_to_stderr(settings.log_format, "warning" if _State.quiet else settings.log_level)
    return settings


def _log_to_stderr(form: str, level: str) -> None:
    from miner.console import log_handler

    logging.basicConfig(level=level.upper(), handlers=[log_handler(form)], force=True)
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def _topic(settings: Settings) -> Topic:
    from miner.config import load_topic

    return load_topic(settings.topic, settings.topic_dirs)


def _miner(settings: Settings) -> Miner:
    from miner import mine

    return mine.load(_topic(settings), lexicon_dirs=settings.lexicon_dirs)


def _store(settings: Settings, *, readonly: bool = True) -> Store:
    from miner.evidence.store import Store

    return Store.open(settings.db, readonly=readonly)


@app.command()
def refresh(
    source: Annotated[list[Path] | None, typer.Option("--source", help="PubMed XML (.gz), nbib or JSONL; may be repeated.")] = None,
    remine: Annotated[bool, typer.Option("--remine", help="Read the stored records again where rules or lexicons have changed.")] = False,
    topic: TopicName = None,
    db: Db = None,
    email: Annotated[str | None, typer.Option(help="Your address, which NCBI asks for in a live run.")] = None,
    api_key: Annotated[str | None, typer.Option(help="NCBI API key; better in NCBI_API_KEY.")] = None,
) -> None:
    """Bring the evidence base up to date from PubMed, or from files.

    Only what is new or changed is read; unchanged input writes nothing.

        miner refresh --email you@lab.org

        miner refresh --source pubmed21n1298.xml.gz --db evidence.db
    """
    from miner import refresh as job
    from miner.console import progress, show_run

    settings = _settings(topic=topic, db=db, email=email, api_key=api_key)
    with progress("refresh", quiet=_State.quiet) as step:
        report = job.refresh(settings, _topic(settings), sources=source or [], remine=remine, on_progress=step)
    show_run(report)
    if report.set_aside:
        raise PartialError(f"{report.set_aside} records were set aside; `miner status` tells which and why")


@app.command()
def fetch(
    pmid: Annotated[list[str] | None, typer.Argument(help="PMIDs; without them, the topic's query is asked.")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="File of PubMed XML to write (.xml or .xml.gz).")] = Path("pubmed.xml.gz"),
    topic: TopicName = None,
    email: Annotated[str | None, typer.Option(help="Your address, which NCBI asks for.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many records.")] = None,
) -> None:
    """Fetch records from PubMed into a file, for reading later.

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
def extract(
    source: Annotated[Path, typer.Argument(help="JSONL of {id, pmid, title, abstract | sections}, PubMed XML or nbib.")],
    output: Output = None,
    topic: TopicName = None,
) -> None:
    """Read texts and write one JSON object a record: fusions, drugs, variants, mentions, claims.

        miner extract abstracts.jsonl -o extracted.jsonl
    """
    from miner.console import progress
    from miner.mine import extraction_row, mine_records
    from miner.schema import Record
    from miner.sources import read_records

    settings = _settings(topic=topic)
    rejects: list[str] = []
    records = (item for item in read_records(source, on_reject=lambda r: rejects.append(f"record {r.position}: {r.reason}")))
    miner = _miner(settings)
    mined = mine_records(
        miner,
        (record for record in records if isinstance(record, Record)),
        on_reject=lambda record, error: rejects.append(f"{record.id}: {type(error).__name__}: {error}"),
    )
    with _writing(output) as out, progress("extract", quiet=_State.quiet or output is None) as step:
        for number, item in enumerate(mined, 1):
            out.write(json.dumps(extraction_row(item), ensure_ascii=False) + "\n")
            step("extract", number, None)
    if rejects:
        raise PartialError(f"{len(rejects)} records could not be read:\n  " + "\n  ".join(rejects[:20]))


@contextmanager
def _writing(output: Path | None) -> Iterator[Any]:
    """Standard output, or a file that appears whole or not at all."""
    if output is None or str(output) == "-":
        yield sys.stdout
        return
    if output.is_dir():
        raise InputError(f"{output} is a folder; name a file to write")
    part = output.with_name(output.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as handle:
            yield handle
        os.replace(part, output)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


@app.command()
def table(
    db: Db = None,
    claim_type: ClaimTypes = None,
    gene: Genes = None,
    drug: Drugs = None,
    pmid: Pmids = None,
    text: Text = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows to show; 0 for all.")] = 40,
) -> None:
    """Print the evidence table: a row for each proposition, the best supported first.

        miner table --type sensitivity_response --gene NTRK1

        miner table --drug larotrectinib --limit 0
    """
    from miner.console import show_table

    filters = _filters(claim_type, gene, drug, pmid, text)
    with _store(_settings(db=db)) as store:
        show_table(list(store.table(**filters)), limit)


def _filters(
    claim_type: list[str] | None, gene: list[str] | None, drug: list[str] | None, pmid: list[str] | None, text: str | None
) -> dict[str, Any]:
    given = {"claim_type": claim_type, "gene": gene, "drug": drug, "pmid": pmid, "text": text}
    return {name: value for name, value in given.items() if value}


@app.command()
def summary(db: Db = None, topic: TopicName = None) -> None:
    """Print the summary of the review: a row for each topic with its statement, counts, papers and sentences.

        miner summary --db evidence.db
    """
    from miner.console import show_summary
    from miner.evidence.summary import summarise

    settings = _settings(db=db, topic=topic)
    with _store(settings) as store:
        show_summary(summarise(store, _topic(settings)))


@app.command()
def export(
    form: Annotated[str, typer.Option("--format", "-f", help="tsv or jsonl.")] = "tsv",
    output: Output = None,
    db: Db = None,
    claim_type: ClaimTypes = None,
    gene: Genes = None,
    drug: Drugs = None,
    pmid: Pmids = None,
    text: Text = None,
) -> None:
    """Write the evidence table: one header line, PMIDs in each row, a stable order.

        miner export --format tsv > evidence.tsv

        miner export --format jsonl --gene NTRK1 -o ntrk1.jsonl
    """
    from miner.evidence.export import export as write

    filters = _filters(claim_type, gene, drug, pmid, text)
    with _store(_settings(db=db)) as store, _writing(output) as out:
        write(store, form, out, **filters)


@app.command()
def report(
    output: Annotated[Path | None, typer.Option("-o", "--output", help="HTML file to write.", show_default="evidence.html")] = None,
    db: Db = None,
    topic: TopicName = None,
) -> None:
    """Write one self-contained HTML file: summary, table, marked sentences, response rates, fusion partners.

        miner report -o evidence.html
    """
    from miner.evidence.report import write_report

    settings = _settings(db=db, topic=topic, report=output)
    with _store(settings) as store:
        write_report(store, _topic(settings), settings.report)
    typer.echo(f"report: {settings.report.resolve().as_uri()}")


@app.command()
def status(db: Db = None, topic: TopicName = None) -> None:
    """Tell what the evidence base holds, how old it is, and what the last runs did.

        miner status --db evidence.db
    """
    from miner.console import show_status

    settings = _settings(db=db, topic=topic)
    with _store(settings) as store:
        show_status(store, settings)


@app.command()
def show(
    pmid: Annotated[str, typer.Argument(help="PMID or id of a stored record, or of one in --source.")],
    source: Annotated[Path | None, typer.Option("--source", help="Read the record from this file instead of the database.")] = None,
    db: Db = None,
) -> None:
    """Print a record with its mentions marked and its claims below.

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
    corpus: Annotated[Path, typer.Argument(help="Folder of a corpus, which holds gold.jsonl.")] = Path("corpora/synthetic_ntrk"),
    page: Annotated[Path | None, typer.Option("--page", help="Also write an HTML page, gold beside prediction.")] = None,
    errors: Annotated[int, typer.Option(min=0, help="Errors to print.")] = 20,
) -> None:
    """Compare what is read with a gold corpus: figures by mention label and claim type, and the errors.

        miner evaluate corpora/synthetic_ntrk --page evaluation.html
    """
    from miner.evaluate import evaluate_corpus, render_text
    from miner.evaluate_page import write_page
    from miner.mine import extraction_row

    miner = _miner(_settings())
    result = evaluate_corpus(corpus, lambda record: extraction_row(miner(record)))
    typer.echo(render_text(result, slips=errors))
    if page:
        write_page(result, page)
        typer.echo(f"page: {page.resolve().as_uri()}")


@lexicon_app.command("lint")
def lint(folder: Annotated[list[Path] | None, typer.Argument(help="User folders to lint beside the package's.")] = None) -> None:
    """Check every lexicon and rule file; each problem is named as file:line.

        miner lexicon lint

        miner lexicon lint my-lexicons/
    """
    from miner.lexicon_lint import lint as check

    problems = check(tuple(folder or ()))
    for problem in problems:
        typer.echo(str(problem))
    typer.echo(f"{len(problems)} problems" if problems else "no problems")
    if problems:
        raise typer.Exit(78)


def main() -> None:
    """Run the command line; an error of the miner's own becomes its exit code and one line."""
    try:
        app()
    except MinerError as error:
        typer.echo(f"miner: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        typer.echo("miner: stopped", err=True)
        sys.exit(130)
