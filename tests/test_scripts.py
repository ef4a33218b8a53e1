"""The scripts: they refuse a Python that cannot work before they make anything, and CI tells what pytest told."""

import importlib
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SHELL = ["scripts/run", "scripts/test", "scripts/_python.sh", ".ci/run"]
BASH = shutil.which("bash")


def tool(path: Path, body: str) -> None:
    """Write an executable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{BASH}\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The scripts in a folder of their own, with a PATH that holds a few tools and no Python."""
    for name in SHELL:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "bin").mkdir()
    for name in ("bash", "env", "dirname", "cat", "mktemp", "rm", "touch"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or "")
    return tmp_path


def run(clone: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the clone."""
    found = {"PATH": str(clone / "bin"), "HOME": str(clone), **environment}
    return subprocess.run([str(clone / command[0]), *command[1:]], cwd=clone, env=found, capture_output=True, text=True, check=False)


def python(version: str) -> str:
    """What stands for a Python of a version."""
    minor = int(version.split(".")[1])
    return f'case "$1" in --version) echo "Python {version}";; -c) exit {int(minor not in (11, 12))};; *) echo "$0 $*" >&2; exit 99;; esac'


@pytest.mark.parametrize("name", SHELL)
def test_the_scripts_are_sound_shell(name: str) -> None:
    assert subprocess.run([str(BASH), "-n", str(ROOT / name)], check=False).returncode == 0
    assert os.access(ROOT / name, os.X_OK) == (name != "scripts/_python.sh")


@pytest.mark.parametrize("script", ["scripts/run", "scripts/test", ".ci/run"])
@pytest.mark.parametrize("version", ["3.13.0", "3.10.13"])
def test_other_pythons_are_refused_before_anything_is_made(clone: Path, script: str, version: str) -> None:
    tool(clone / "bin" / "python3", python(version))
    done = run(clone, script)
    assert (done.returncode, done.stdout, (clone / ".venv").exists()) == (78, "", False)
    assert done.stderr.startswith("ntrk-miner needs Python 3.11 or 3.12: ") and f"Found: Python {version}." in done.stderr


def test_a_python_named_by_hand_must_fit(clone: Path) -> None:
    tool(clone / "bin" / "python3", python("3.12.1"))
    tool(clone / "other" / "python", python("3.13.0"))
    done = run(clone, "scripts/test", MINER_PYTHON=str(clone / "other" / "python"))
    assert (done.returncode, "is Python 3.13.0." in done.stderr) == (78, True)


def test_a_python_that_fits_is_found_behind_one_that_does_not(clone: Path) -> None:
    tool(clone / "bin" / "python3", python("3.13.0"))
    tool(clone / "bin" / "python3.11", python("3.11.7"))
    done = run(clone, "scripts/test")
    assert (done.returncode, "making .venv with Python 3.11.7" in done.stderr, "-m venv .venv" in done.stderr) == (99, True, True)


@pytest.mark.parametrize(
    ("arguments", "ruff_says", "pytest_says", "code"),
    [((), 0, 0, 0), ((), 0, 1, 1), ((), 0, 5, 5), (("-k", "nothing"), 0, 5, 0), ((), 1, 0, 1), ((), 1, 2, 2)],
)
def test_ci_runs_all_and_ends_with_pytests_closing_line(
    clone: Path, arguments: tuple[str, ...], ruff_says: int, pytest_says: int, code: int
) -> None:
    tool(clone / ".venv" / "bin" / "ruff", f"echo ruff; exit {ruff_says}")
    tool(clone / ".venv" / "bin" / "mypy", "echo mypy")
    tool(clone / ".venv" / "bin" / "python", f'[ "$1" = -c ] && exit 0; echo "closing line of $*"; exit {pytest_says}')
    (clone / ".venv" / ".installed-test-fast").touch()
    done = run(clone, ".ci/run", *arguments)
    told = " ".join(("closing line of -m pytest -n 2 --dist worksteal", *arguments))
    assert (done.returncode, done.stdout.splitlines()) == (code, ["ruff", "mypy", told])


def test_the_extras_that_scripts_install_exist() -> None:
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in SHELL]
    wanted = {extra for text in texts for line in re.findall(r"^install ([\w,]+)$", text, re.MULTILINE) for extra in line.split(",")}
    assert wanted == {"fast", "test"}
    assert wanted <= set(PROJECT["optional-dependencies"])


def test_every_factory_of_the_pipeline_is_an_entry_point() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "miner" / "nlp").glob("*.py"))}
    made = {
        name: f"miner.nlp.{path.stem}:{function}"
        for path, text in sources.items()
        for name, function in re.findall(r'@Language\.factory\("(\w+)".*\)\ndef (\w+)', text)
    }
    assert PROJECT["entry-points"]["spacy_factories"] == made
    for target in made.values():
        module, _, function = target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
