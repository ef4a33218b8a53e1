"""``miner train``: train the claim model again, from the project's data and from curators' decisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from miner import cli_options as opt
from miner import cli_state

if TYPE_CHECKING:
    from miner.claims.votes import ClaimModel
    from miner.train import Example
    from miner.train_report import Comparison

Curations = Annotated[bool, typer.Option("--from-curations", help="Add the rows of the database that curators decided.")]
Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with civic/evidence_train.jsonl.")]
CorpusFile = Annotated[Path, typer.Option("--corpus", metavar="FILE", help="Gold of the synthetic corpus.")]
Annotated_ = Annotated[
    list[Path] | None, typer.Option("--annotated", metavar="GOLD", help="Annotated texts that the confidence shall fit; may be repeated.")
]
Texts = Annotated[list[Path] | None, typer.Option("--texts", metavar="FILE", help="Texts of each --annotated that holds facts alone.")]
Learn = Annotated[bool, typer.Option("--learn-annotated", help="Also learn from the annotated texts, not only fit the confidence.")]
Judge = Annotated[Path | None, typer.Option("--judge", metavar="GOLD", help="Annotated texts to judge old and new by; never learned from.")]
JudgeTexts = Annotated[Path | None, typer.Option("--judge-texts", metavar="FILE", help="Texts of --judge.")]
Model = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the model; the one there is the old one.")]
Yes = Annotated[bool, typer.Option("--yes", help="Replace the old model without asking.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(train)


def train(
    from_curations: Curations = False,
    db: opt.Db = None,
    data: Data = Path("../shared/data"),
    corpus: CorpusFile = Path("corpora/synthetic_ntrk/gold.jsonl"),
    annotated: Annotated_ = None,
    texts: Texts = None,
    learn_annotated: Learn = False,
    judge: Judge = None,
    judge_texts: JudgeTexts = None,
    output: Model = Path("models/claims"),
    yes: Yes = False,
) -> None:
    """Train the claim model, tell old figures beside new ones, and replace the old one when told to.

    It learns from the synthetic corpus, from CIViC statements where they lie, and with --from-curations from what curators
    decided. Nothing is replaced before the figures are shown and you agree.

    \b
    Examples:
      miner train --from-curations --db evidence.db
      miner train --data ../shared/data --yes
    """
    from miner import train as training
    from miner import train_data, train_report
    from miner.claims import votes
    from miner.console import progress

    loaded = cli_state.settings(db=db, claim_model="off")
    miner = cli_state.miner(loaded)
    with progress("train", quiet=cli_state.State.quiet):
        parts = train_data.collect(
            miner, corpus=corpus, data=data, annotated=list(zip(annotated or [], [*(texts or []), *[None] * 99], strict=False)),
            database=loaded.db if from_curations else None,
        )  # fmt: skip
        learned = [e for name, held in parts.items() for e in held if learn_annotated or name != "annotated"]
        new = training.train(learned, calibrating=parts.get("annotated"), learned=learn_annotated)
        old = votes.load(output) if (output / votes.WEIGHTS).exists() else None
        judging = train_data.examples_of(miner, train_data.annotated(miner, judge, judge_texts)) if judge else []
        compared = _compared(old, new, learned, parts, judging)
    typer.echo("\n".join(train_report.lines(compared)))
    if old is not None and not yes:
        verdict = "no worse" if train_report.better(compared) else "WORSE"
        if not typer.confirm(f"The new model is {verdict} than the old one. Replace {output / votes.WEIGHTS}?"):
            raise typer.Exit
    train_data.write(output, new, train_report.metrics(compared, {name: len(held) for name, held in parts.items()}))
    typer.echo(f"wrote {output / votes.WEIGHTS}")


def _compared(
    old: ClaimModel | None, new: ClaimModel, learned: list[Example], parts: dict[str, list[Example]], judging: list[Example]
) -> list[Comparison]:
    from miner import train_report

    found = [train_report.compare("judged apart", old, new, judging)] if judging else []
    told = {name: parts[name] for name in ("curated", "annotated") if parts.get(name)} or {"synthetic": parts.get("synthetic", [])}
    return [*found, *(train_report.compare_seen(name, old, new, learned, held) for name, held in told.items())]
