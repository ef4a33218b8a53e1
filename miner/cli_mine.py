"""``miner mine``: many files on many workers, a part a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from miner import cli_options as opt
from miner.cli_state import State, settings, topic

Shards = Annotated[list[Path], typer.Argument(metavar="SHARD…", help="PubMed XML, nbib or JSONL, plain or gz; or folders of these.")]
Parts = Annotated[Path, typer.Option("--parts", metavar="DIR", help="Where the parts lie, one Parquet file a shard.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes on this machine.")]
Scheduler = Annotated[str | None, typer.Option("--scheduler", metavar="URL", help="A Dask scheduler, in place of --workers.")]
Merge = Annotated[Path | None, typer.Option("--db", metavar="FILE", help="Merge the parts into this database.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(mine)


def mine(
    shards: Shards,
    parts: Parts = Path("parts"),
    workers: Workers = 1,
    scheduler: Scheduler = None,
    topic_name: opt.TopicName = None,
    db: Merge = None,
) -> None:
    """Mine whole PubMed files on several workers, then merge the parts.

    Each file becomes a part, written whole or not at all; run again, what is there is not mined again. The database is
    the same, row by row, as after `miner refresh --source`. Parts can be queried where they lie, as by DuckDB:
    SELECT pmid, e.* FROM 'parts/*.parquet', unnest(evidence) AS t(e)

    \b
    Examples:
      miner mine baseline/ --parts parts/ --workers 2 --db evidence.db
      miner mine baseline/ --parts /shared/parts --scheduler tcp://10.0.0.1:8786
    """
    from miner.cluster import mine_shards
    from miner.cluster.pool import Pool
    from miner.cluster.scheduler import Cluster
    from miner.console import progress, show_run
    from miner.errors import PartialError

    loaded = settings(topic=topic_name)
    crew = Cluster(scheduler) if scheduler else Pool(workers)
    with progress("mine", quiet=State.quiet) as step:
        outcome = mine_shards(loaded, topic(loaded), shards, parts, crew, into=db, on_progress=step)
    if not State.quiet:
        typer.echo("\n".join(outcome.lines()))
        if outcome.run is not None:
            show_run(outcome.run)
    aside = outcome.count("failed") + outcome.count("rejected")
    if aside:
        raise PartialError(f"{aside} records were set aside; the parts tell which and why (kinds failed and rejected)")
