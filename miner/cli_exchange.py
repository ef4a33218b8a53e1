"""Evidence out to other programs, and answers of annotation tools back in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from miner import cli_options as opt
from miner import cli_state as state

FORMATS = {
    "tsv": "the table, one line a finding",
    "tsv-papers": "the table, one line a paper and finding",
    "jsonl": "one JSON object a finding, with every sentence",
    "parquet": "the same for pandas, DuckDB, Spark [parquet]",
    "xlsx": "a workbook of findings and papers [xlsx]",
    "markdown": "tables to read, PMIDs as links",
    "civic": "evidence items with CIViC's columns",
    "fusor": "asserted fusions for FUSOR",
    "va-spec": "statements of GA4GH's VA-Spec",
    "bioc": "records and mentions as BioC JSON",
    "pubtator": "records and mentions as PubTator",
    "docbin": "records and mentions as a spaCy DocBin",
    "prodigy": "tasks: accept or reject each statement",
    "labelstudio": "the same for Label Studio",
    "ris": "the papers for a reference manager",
    "bibtex": "the papers for LaTeX",
}
_HELP = "\n".join(
    (
        "Write the evidence for another program.\n",
        "A stable order, equal bytes for equal content. Mentions are those of the last reading. Held back where more than 1 % of the "
        "rows vanished without a cause. What stands in brackets is installed by pip install 'ntrk-miner[NAME]'.\n",
        "\b\nFormats:",
        *(f"  {name:<12}{told}" for name, told in FORMATS.items()),
        "\n\b\nExamples:",
        "  miner export --format tsv > evidence.tsv",
        "  miner export --format xlsx --gene NTRK1 -o ntrk1.xlsx",
        "  miner export --format civic --status accepted -o civic.tsv",
        "  miner export --format bioc --topic ntrk-nsclc -o mentions.json",
    )
)

Answers = Annotated[Path, typer.Argument(metavar="FILE", help="Prodigy's JSON lines, or Label Studio's JSON or JSON-MIN.")]
Curator = Annotated[str | None, typer.Option("--curator", metavar="NAME", help="Whose answers they are.", show_default="as the file says")]


def filters(given: dict[str, Any]) -> dict[str, Any]:
    """Pick from a command's arguments the filters that were given."""
    names = ("claim_type", "gene", "drug", "disease", "level", "pmid", "text", "topic", "status")
    return {name: given[name] for name in names if given[name]}


def export(
    form: opt.Form = "tsv",
    output: opt.Output = None,
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
    force: opt.Force = False,
) -> None:
    """Write the evidence for another program; its help is ``_HELP``."""
    chosen = filters(locals())
    from miner.console import writing, writing_bytes
    from miner.evidence.export import COMPARED, Selection, exporter, write
    from miner.refresh.gate import check_export

    binary = exporter(form).binary
    with state.store(state.settings(db=db)) as store:
        check_export(store, output if form in COMPARED else None, force=force)
        selection = Selection(store, chosen)
        with writing_bytes(output) if binary else writing(output) as out:
            write(form, selection, out)


def take_answers(answers: Answers, curator: Curator = None, db: opt.Db = None) -> None:
    """Take in the answers of Prodigy or Label Studio as curations.

    The tasks are those of `miner export --format prodigy` (or labelstudio). All answers are taken or none; answers that are
    held already are not written twice.

    \b
    Examples:
      miner import answers.jsonl --curator ada
      miner import label-studio.json --db evidence.db
    """
    from miner.evidence.answers import take

    with state.store(state.settings(db=db), readonly=False) as store:
        taken = take(store, answers, curator)
    typer.echo(f"{taken.written} curations written · {taken.known} known already · {taken.undecided} undecided")


def list_plugins() -> None:
    """List what other packages add: formats, sources, types of claim.

    And what is wrong with them; the exit code is 78 then.

    \b
    Example:
      miner plugins
    """
    from miner import plugins

    lines = plugins.listed()
    wide = max((len(name) for _, name, _ in lines), default=0)
    for group, name, package in lines:
        typer.echo(f"{group:<18} {name:<{wide}}  {package}")
    problems = plugins.problems()
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(78)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("plugins")(list_plugins)
    app.command("export", help=_HELP)(export)
    app.command("import")(take_answers)
