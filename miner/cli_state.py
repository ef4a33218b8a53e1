"""What every command shares: the options before the verb, and what is opened by the settings."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from miner.config import Settings, Topic
    from miner.evidence.store import Store
    from miner.mine import Miner


class State:
    """The options before the verb."""

    config: Path | None = None
    quiet: bool = False
    log_format: str | None = None
    own_process: bool = False  # the command line is the whole process, not called out of another program


def settings(**flags: Any) -> Settings:
    """Read the settings and start the log."""
    from miner import rule_files
    from miner.config import load_settings
    from miner.console import log_handler

    loaded = load_settings(config=State.config, log_format=State.log_format, **flags)
    rule_files.use(loaded.rule_dirs)
    State.log_format = loaded.log_format
    level = "warning" if State.quiet else loaded.log_level
    logging.basicConfig(level=level.upper(), handlers=[log_handler(loaded.log_format)], force=True)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    return loaded


def topic(loaded: Settings) -> Topic:
    """Load the topic that the settings name."""
    from miner.config import load_topic

    return load_topic(loaded.topic, loaded.topic_dirs)


def miner(loaded: Settings) -> Miner:
    """Load pipeline, lexicon and topic."""
    from miner.mine import load

    return load(topic(loaded), lexicon_dirs=loaded.lexicon_dirs, models=loaded.models)


def store(loaded: Settings, *, readonly: bool = True) -> Store:
    """Open the database."""
    from miner.evidence.store import Store

    return Store.open(loaded.db, readonly=readonly)
