"""The list of modules that scripts/compile makes C of: it names what there is, and nothing that would mean something else in C."""

import ast
import runpy
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOLD = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ntrk-miner"]
MODULES: list[str] = runpy.run_path(str(ROOT / "setup.py"), run_name="setup")["modules"]()


@pytest.mark.parametrize("pattern", [*TOLD["compile"], *(p for p in TOLD["leave"] if "*" not in p)])
def test_every_pattern_names_a_module(pattern: str) -> None:
    assert list(ROOT.glob(pattern))


def test_the_frames_are_compiled_and_the_records_are_not() -> None:
    assert {"miner/cues.py", "miner/claims/frames.py", "miner/nlp/measures.py"} <= set(MODULES)
    assert not {"miner/schema.py", "miner/claims/document.py", "miner/claims/__init__.py"} & set(MODULES)
    assert not [path for path in MODULES for pattern in TOLD["leave"] if fnmatch(path, pattern)]


def changed_by_compiling(tree: ast.Module) -> list[str]:
    """What mypyc takes in silence and gives another meaning: a property that is kept, a field that has a default and no argument."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found += [f"{node.name} is a cached_property" for d in node.decorator_list if ast.unparse(d).endswith("cached_property")]
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("field"):
            found += [f"line {node.lineno}: field(init=...)" for k in node.keywords if k.arg == "init"]
        if isinstance(node, ast.Attribute) and node.attr == "__dict__" and ast.unparse(node.value) == "self":
            found.append(f"line {node.lineno}: self.__dict__")
    return found


def test_what_compiling_would_change_is_seen() -> None:
    told = "class A:\n    @cached_property\n    def b(self): return self.__dict__\n    c: int = field(default=0, init=False)\n"
    assert changed_by_compiling(ast.parse(told)) == ["b is a cached_property", "line 4: field(init=...)", "line 3: self.__dict__"]


@pytest.mark.parametrize("path", MODULES)
def test_no_module_means_something_else_when_compiled(path: str) -> None:
    assert changed_by_compiling(ast.parse((ROOT / path).read_text(encoding="utf-8"))) == []
