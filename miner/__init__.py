"""Reads PubMed abstracts on NTRK gene fusions and lung cancer into an evidence table that leads back to every sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from miner.evidence.store import Store
    from miner.mine import Miner, load, mine, mine_records
    from miner.schema import Claim, Evidence, Mention, Record, Section

__version__ = "0.1.0"
__all__ = ["Claim", "Evidence", "Mention", "Miner", "Record", "Section", "Store", "load", "mine", "mine_records"]

_HOMES = {
    "Store": "miner.evidence.store",
    "Miner": "miner.mine",
    "load": "miner.mine",
    "mine": "miner.mine",
    "mine_records": "miner.mine",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``import miner`` and ``miner --help`` stay quick."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'miner' has no attribute {name!r}")
    home = import_module(_HOMES.get(name, "miner.schema"))
    return home if name == "mine" else getattr(home, name)
