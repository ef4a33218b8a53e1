"""Terms of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from miner import cli_state as state
from miner.errors import ConfigError

Kind = Annotated[str, typer.Argument(metavar="KIND", help="drug, gene, disease, assay or class (of drugs).")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name by which it is written in the table: generic name, gene symbol.")]
Synonyms = Annotated[list[str] | None, typer.Option("--synonym", metavar="TEXT", help="A further text for it; may be repeated.")]
Source = Annotated[str, typer.Option("--source", metavar="TEXT", help="Where the terms are from.")]
Curie = Annotated[
    str, typer.Option("--id", metavar="CURIE", help="Its identifier, as unii:PF9462I9HX.", show_default="the one that is known")
]
Classes = Annotated[list[str] | None, typer.Option("--class", metavar="CLASS", help="A class that the drug is in; may be repeated.")]
Generation = Annotated[str, typer.Option("--generation", metavar="WORD", help="Its generation in the class: first, second, third, next.")]
Targets = Annotated[list[str] | None, typer.Option("--target", metavar="GENE", help="A gene that it inhibits; may be repeated.")]
Folder = Annotated[
    Path | None, typer.Option("--folder", metavar="FOLDER", help="Folder of your tables.", show_default="the first of lexicon_dirs")
]
Replace = Annotated[bool, typer.Option("--replace", help="Take over a text that stands for something else.")]


def add(
    kind: Kind,
    name: Name,
    source: Source,
    synonym: Synonyms = None,
    curie: Curie = "",
    drug_class: Classes = None,
    generation: Generation = "",
    target: Targets = None,
    folder: Folder = None,
    replace: Replace = False,
) -> None:
    """Add a drug, gene, disease, assay or class with its names.

    To a folder of yours, whose rows win over the package's. A text that is there already is refused with its file and line.

    \b
    Examples:
      miner lexicon add drug newtrectinib --synonym NT-101 --class "TRK inhibitors" --generation next --source "WHO INN 2026"
      miner lexicon add gene NTRK3 --synonym "TRK-C" --source "our lab" --folder my-lexicons
      miner lexicon add disease "secretory carcinoma" --synonym MASC --source "WHO 2022" --folder my-lexicons
    """
    from miner.lexicon_add import Entry
    from miner.lexicon_add import add as write

    settings = state.settings()
    place = folder or next(iter(settings.lexicon_dirs), None)
    if place is None:
        raise ConfigError('no folder of yours is set: name one with --folder, or write lexicon_dirs = ["my-lexicons"] into miner.toml')
    lists = {"synonyms": tuple(synonym or ()), "classes": tuple(drug_class or ()), "targets": tuple(target or ())}
    changed = write(Entry(kind, name, source=source, curie=curie, generation=generation, **lists), place, replace=replace)
    for path in changed:
        typer.echo(f"wrote {path}")
    if place.resolve() not in {path.resolve() for path in settings.lexicon_dirs}:
        typer.echo(f'to have it read, write lexicon_dirs = ["{place}"] into miner.toml')
    typer.echo("stored records are read again by miner refresh --remine")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("add")(add)
