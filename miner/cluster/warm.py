"""Loaded once by the process that workers are forked from: libraries, lexicon and pipeline, which all of them then share."""

import pyarrow

from miner.cluster.shard import loaded
from miner.config import Models, Settings

pyarrow.array([""])  # pyarrow looks for pandas at the first value, which takes longer than all else
loaded(Settings().topic, (), (), Models())
