"""``miner serve``: the evidence browser."""

from __future__ import annotations

from typing import Annotated

import typer

from miner import cli_options as opt
from miner.errors import ConfigError

Port = Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port to listen on; 0 takes a free one.")]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")]
AllowHost = Annotated[list[str] | None, typer.Option("--allow-host", metavar="NAME", help="A further name it goes by; may be repeated.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="For publishing: nothing can be corrected.")]
Open = Annotated[bool, typer.Option("--open", help="Open it in a browser.")]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(serve)


def serve(
    db: opt.Db = None,
    port: Port = 8470,
    host: Host = "127.0.0.1",
    allow_host: AllowHost = None,
    read_only: ReadOnly = False,
    open_browser: Open = False,
    topic: opt.TopicName = None,
) -> None:
    """Open the evidence base in a browser: look, question, correct.

    It reads the database while the job writes. Needs the extra `web`: pip install "ntrk-miner[web]".

    \b
    Examples:
      miner serve --db evidence.db
      miner serve --db evidence.db --port 8500 --read-only
    """
    try:
        from miner.web.server import run
    except ImportError as error:
        raise ConfigError(f'the browser needs the extra "web" ({error.name} is missing): pip install "ntrk-miner[web]"') from error
    from miner.cli_state import State, settings

    loaded = settings(db=db, topic=topic)

    def told(address: str) -> None:
        if not State.quiet:
            typer.echo(f"evidence browser: {address} (stop it with Ctrl-C)")

    run(loaded, host=host, port=port, hosts=tuple(allow_host or ()), read_only=read_only, open_browser=open_browser, told=told)
