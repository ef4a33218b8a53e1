"""Imports point down only, siblings do not import each other, and requests, spaCy and SQL have one home each."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "miner"
LEVELS = (
    {"schema", "errors", "numbers", "toml", "plugins", "rule"},
    {"characters", "cues", "config", "topic", "lexicon"},
    {"sources", "nlp", "claims", "evidence"},
    {"mine", "rules"},
    {"refresh", "evaluate", "train"},
    {"web"},
    {"cluster"},
    {"console", "cli_options", "cli_state"},
    {"cli"},
    {"__main__"},
)
LEVEL = {name: number for number, names in enumerate(LEVELS) for name in names}
HOMES = {"requests": "miner/sources/eutils", "spacy": "miner/nlp/", "scispacy": "miner/nlp/", "sqlite3": "miner/evidence/store"}
HOMES |= {"fastapi": "miner/web/", "starlette": "miner/web/", "uvicorn": "miner/web/"}
PRINTERS = {"miner/cli.py", "miner/console.py"}
MODULES = sorted(ROOT.rglob("*.py"))


def part(path: Path) -> str:
    """The level name of a module: its package, or its own name up to an underscore (``lexicon_lint`` is of ``lexicon``)."""
    return home(path.relative_to(ROOT).parts[0].removesuffix(".py"))


def home(name: str) -> str:
    """The level name that a module of ``miner`` goes by."""
    return name if name.startswith("__") else name.split("_")[0]


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, dotted name) of every import that runs, those under TYPE_CHECKING left out."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    own = part(path)
    if own == "__init__":
        return
    wrong = []
    for line, name in imports(path):
        pieces = name.split(".")
        other = home(pieces[1]) if pieces[0] == "miner" and len(pieces) > 1 else own
        if other not in LEVEL or other == own:
            continue
        sideways_package = LEVEL[other] == LEVEL[own] and other in LEVELS[2]
        if LEVEL[other] > LEVEL[own] or sideways_package:
            wrong.append(f"{path.name}:{line} imports {name}")
    assert wrong == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_libraries_have_one_home(path: Path) -> None:
    own = path.relative_to(ROOT.parent).as_posix()
    wrong = [
        f"{own}:{line} imports {name}"
        for line, name in imports(path)
        if (home := HOMES.get(name.split(".")[0])) and not own.startswith(home)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_command_line_prints(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert path.relative_to(ROOT.parent).as_posix() in PRINTERS or calls == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    long = [
        f"{node.name} {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None and node.end_lineno - node.lineno >= 50
    ]
    assert (text.count("\n") <= 400, long) == (True, [])
