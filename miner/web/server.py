"""Serve the application on a socket of this machine."""

from __future__ import annotations

import gc
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable

import uvicorn

from miner.config import Settings
from miner.errors import ConfigError
from miner.evidence.store import Store
from miner.web import security
from miner.web.app import create_app

BACKLOG = 128
SECONDS_TO_OPEN = 0.7
SWITCH_SECONDS = 0.0005
GARBAGE = (20_000, 20, 50)
"""How seldom unused cycles are looked for: pages leave few, and to walk all that is held takes as long as ten pages."""


def run(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8470,
    hosts: tuple[str, ...] = (),
    read_only: bool = False,
    open_browser: bool = False,
    told: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve until stopped; ``told`` hears the address once the socket is bound.

    Raises
    ------
    ConfigError
        The port is taken, or pages that can be written would be reachable from other machines without a name for them.
    """
    if not security.is_loopback(host) and not hosts:
        raise ConfigError(f"--host {host} is reached from other machines: name what they call this one with --allow-host NAME")
    with Store.open(settings.db, readonly=True):
        pass  # the reason why it cannot be opened is told before anything listens
    bound = listen(host, port)
    number = bound.getsockname()[1]
    address = f"http://{f'[{host}]' if ':' in host else host}:{number}/"
    app = create_app(settings, read_only=read_only, hosts=hosts)
    # SQLite lets go of the interpreter at each call and waits for it again: at the usual 5 ms a busy neighbour costs a page a second.
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*GARBAGE)
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, date_header=True, timeout_graceful_shutdown=3, proxy_headers=False
        )
    )
    told(address)
    if open_browser:
        threading.Timer(SECONDS_TO_OPEN, webbrowser.open, (address,)).start()
    with bound:
        server.run(sockets=[bound])


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket, or raise ConfigError naming what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise ConfigError(
            f"cannot listen on {host} port {port} ({error.strerror}); name another with --port, or 0 for a free one"
        ) from error
    made.listen(BACKLOG)
    return made
