"""Compile the hot modules to C where NTRK_COMPILE=1 is set, as scripts/compile does; the rest of the build stands in pyproject.toml."""

import os
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent


def modules() -> list[str]:
    """Paths of the modules to compile, as ``[tool.ntrk-miner]`` names them."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ntrk-miner"]
    found = sorted(path.relative_to(ROOT).as_posix() for pattern in told["compile"] for path in ROOT.glob(pattern))
    return [path for path in found if not any(fnmatch(path, pattern) for pattern in told["leave"])]


if __name__ == "__main__":  # so that a test can import the list
    from setuptools import setup

    extensions = []
    if os.environ.get("NTRK_COMPILE") == "1":
        from mypyc.build import mypycify

        extensions = mypycify(modules(), opt_level="2", debug_level="0")
    setup(ext_modules=extensions)
