"""Many files on many workers: a part a file, written whole or not at all, and the same rows in the end as one process gives."""

from miner.cluster.run import Outcome, mine_shards

__all__ = ["Outcome", "mine_shards"]
