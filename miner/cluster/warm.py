"""Loaded once by the process that workers are forked from: libraries, lexicon and pipeline, which all of them then share."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

import pyarrow

from miner.cluster.shard import loaded
from miner.config import Models, Settings
from miner.schema import Record


class _Missing(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object) -> None:
        """Refuse pandas alone."""
        if fullname == "pandas":
            raise ImportError("not here")


@contextmanager
def without_pandas() -> Iterator[None]:
    """Let pandas not be found, unless it is loaded already."""
    missing = _Missing()
    sys.meta_path.insert(0, missing)
    try:
        yield
    finally:
        sys.meta_path.remove(missing)


with without_pandas():
    pyarrow.array([""])  # pyarrow looks for pandas at its first value, once; parts need none, and it takes longer than the lexicon
miner, _ = loaded(Settings().topic, (), (), Models())
miner(Record("warm", None, "Larotrectinib in NTRK fusion-positive tumours"))  # what is made when it is first needed
gc.freeze()  # what stays is neither searched for garbage nor copied for its counters
