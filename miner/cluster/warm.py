"""Loaded once by the process that workers are forked from: libraries, lexicon and pipeline, which all of them then share."""

import gc

import pyarrow

from miner.cluster.shard import loaded
from miner.config import Models, Settings
from miner.schema import Record

pyarrow.array([""])  # pyarrow looks for pandas at the first value, which takes longer than all else
miner, _ = loaded(Settings().topic, (), (), Models())
miner(Record("warm", None, "Larotrectinib in NTRK fusion-positive tumours"))  # what is made when it is first needed
gc.freeze()  # what stays is neither searched for garbage nor copied for its counters
