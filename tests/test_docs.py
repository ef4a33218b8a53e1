"""The documents hold: commands parse, the Python block runs, exit codes and tables are those of the program."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import typer
from export_cases import all_records, fill

from miner import errors
from miner.cli import app
from miner.cli_options import EXIT_CODES
from miner.config import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM: Any = typer.main.get_command(app)
SAYS_PYTHON = "ntrk-miner needs Python 3.11 or 3.12: scispaCy depends on nmslib-metabrainz, which has no wheel for 3.13 yet."


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def leaves(command: Any = PROGRAM, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by the words that name it."""
    if not hasattr(command, "commands") or (path and command.invoke_without_command):
        yield " ".join(path), command
    for name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, (*path, name))


COMMANDS = dict(leaves())


def parse(line: str) -> None:
    """Parse a command line as the program does, without running it; an unknown command or option raises."""
    words = shlex.split(re.sub(r"\s[|>].*", "", line), comments=True)[1:]
    command, context = PROGRAM, PROGRAM.make_context("miner", words, resilient_parsing=False)
    rest = [*context._protected_args, *context.args] if hasattr(context, "_protected_args") else context.args
    while hasattr(command, "commands") and (rest or not command.invoke_without_command):
        name, rest = rest[0], rest[1:]
        command = command.commands[name]
        context = command.make_context(name, list(rest), parent=context)
        rest = [*getattr(context, "_protected_args", []), *context.args]


def shown(text: str) -> list[str]:
    """The lines of a text's shell blocks that call the program."""
    lines = [line.strip() for block in blocks(text, "sh") for line in block.splitlines()]
    return [line.removeprefix(".venv/bin/") for line in lines if re.match(r"(\.venv/bin/)?miner ", line)]


@pytest.mark.parametrize("line", shown(README))
def test_every_command_in_the_readme_parses(line: str) -> None:
    parse(line)


def test_the_readme_shows_commands() -> None:
    assert len(shown(README)) >= 6


def test_parse_refuses_what_the_program_refuses() -> None:
    with pytest.raises(Exception, match="No such option"):
        parse("miner table --no-such-option")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples_that_parse(name: str) -> None:
    text = COMMANDS[name].help
    examples = re.findall(r"^\s*(miner .*)$", text.partition("Example")[2], re.MULTILINE)
    assert [line.startswith(f"miner {name}") for line in examples] == [True] * max(len(examples), 1)
    for line in examples:
        parse(line)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str) -> None:
    assert [option.name for option in COMMANDS[name].params if not option.help] == []


def test_the_table_of_commands_is_the_programs() -> None:
    rows = re.findall(r"^\| `miner ([^`]*)` \|", README, re.MULTILINE)
    assert {re.match(r"[a-z ]*[a-z]", row)[0] for row in rows} == set(COMMANDS)
    for row in rows:
        options = {option for param in COMMANDS[re.match(r"[a-z ]*[a-z]", row)[0]].params for option in param.opts}
        assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", row)) <= options, row


def test_exit_codes_are_those_of_the_errors() -> None:
    rows = {int(code) for code in re.findall(r"^\| (\d+) \| \w", README, re.MULTILINE)}
    raised = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MinerError)}
    assert rows == set(EXIT_CODES) == raised | {0, 2}


def test_settings_in_the_readme_exist_and_say_their_defaults() -> None:
    (block,) = blocks(README, "toml")
    assert set(tomllib.loads(block)) <= {name for name in vars(Settings()) if name != "origin"}
    variables = set(re.findall(r"MINER_([A-Z_]+)", block))
    assert {name.lower() for name in variables} <= set(vars(Settings()))


def test_the_python_block_runs_and_finds_claims(tmp_path: Path) -> None:
    (block,) = blocks(README, "python")
    fill(tmp_path / "evidence.db", *all_records()).close()
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "('ETV6-NTRK3', 'ETV6::NTRK3')" in done.stdout
    assert "resistance_on_target NTRK1 G595R ('larotrectinib',) supports The NTRK1 G595R mutation" in done.stdout
    assert re.search(r"ETV6::NTRK3 +B +2", done.stdout)


def test_the_python_block_is_typed(tmp_path: Path) -> None:
    (block,) = blocks(README, "python")
    (tmp_path / "readme.py").write_text(block, encoding="utf-8")
    words = ["--strict", "--config-file", str(ROOT / "pyproject.toml"), str(tmp_path / "readme.py")]
    done = subprocess.run([sys.executable, "-m", "mypy", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert [line for line in done.stdout.splitlines() if line.startswith(str(tmp_path)) or "readme.py" in line] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "models/README.md"])
def test_links_and_paths_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
    paths = re.findall(r"`((?:miner|tests|scripts|corpora|models|\.ci)/[\w./-]*)`", text)
    made = {"models/NAME/"}
    assert [path for path in {*links, *paths} - made if not (ROOT / path).exists()] == []


def test_the_layout_names_every_module_and_package_at_the_top() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    told = re.findall(r"`miner/([\w*]+)(?:\.py|/)`", text)
    found = {path.stem for path in (ROOT / "miner").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()} | {"data"}
    found -= {"__init__"}
    assert [name for name in found if not any(fnmatchcase(name, pattern) for pattern in told)] == []
    assert [pattern for pattern in told if not any(fnmatchcase(name, pattern) for name in found)] == []


def test_the_readme_and_the_scripts_say_the_same_of_python() -> None:
    script = (ROOT / "scripts" / "_python.sh").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (SAYS_PYTHON in " ".join(README.split()), SAYS_PYTHON in script) == (True, True)
    assert project["requires-python"] == ">=3.11,<3.13"


def test_the_changelog_tells_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
