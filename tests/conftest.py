"""What holds for all tests."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of every later garbage collection: a tenth to a sixth of the time of the tests."""
    gc.collect()
    gc.freeze()
