"""A user's rule file holds what the package's of that name holds, and a complaint names the line."""

import pytest

from miner import rule_files
from miner.errors import ConfigError
from miner.rule_shape import faults
from miner.toml_lines import Lines

MODEL = """# weight is for cues of a title
least = 1.5
[link]
to = ["to", "than"]
pairs = [["a", "b"]]
[[cues]]
type = "trial"
phrases = [
  "phase #",  # any
  "randomi[sz]ed",
]
[[cues]]
type = "review"
most = 3
phrases = ["review"]
"""


def told(*changes: tuple[str, str]) -> list[tuple[int, str]]:
    text = MODEL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return [tuple(fault) for fault in faults("some.toml", text, MODEL)]


def test_lines_of_keys_and_strings() -> None:
    lines = Lines(MODEL)
    paths = [("least",), ("link", "to"), ("cues", 0), ("cues", 0, "phrases"), ("cues", 1, "most"), ("nowhere",)]
    assert [lines.of(path) for path in paths] == [2, 4, 6, 8, 14, 1]
    assert list(lines.strings(("cues", 0, "phrases"), ["phase #", "randomi[sz]ed"])) == [(9, "phase #"), (10, "randomi[sz]ed")]


def test_lines_of_strings_over_several_lines_and_of_quoted_keys() -> None:
    lines = Lines("[\"a.b\"]\n'c d' = '''one\n[two]\nx = 3'''\ne.f = { g = 1 }  # [h]\nk = \"#\"\n")
    paths = [("a.b", "c d"), ("a.b", "e", "f"), ("a.b", "e", "f", "g"), ("a.b", "k")]
    assert [lines.of(path) for path in paths] == [2, 5, 5, 6]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ([], []),
        ([('to = ["to", "than"]', 'to = ["over"]'), ("least = 1.5", "least = 2")], []),
        ([("least = 1.5", 'least = "1.5"')], [(2, "least must be a number")]),
        (
            [("to = [", "too = [")],
            [(3, "link.to is missing; the package's some.toml tells what it holds"), (4, "link.too is not known; known are pairs, to")],
        ),
        ([('"to", "than"', "")], [(4, "link.to is empty; it needs one entry or more")]),
        ([('"to", "than"', '"to", 5')], [(4, "link.to[2] must be a text")]),
        ([('["a", "b"]', '["a"]')], [(5, "link.pairs[1] must hold 2, not 1")]),
        ([('"randomi[sz]ed"', '""')], [(10, "cues[1].phrases holds an empty text")]),
        ([('type = "review"\n', "")], [(12, "cues[2].type is missing; every entry of this kind has it")]),
        ([("most = 3", "mots = 3")], [(14, "cues[2].mots is not known; known are most, phrases, type")]),
        ([("most = 3", "weight = 3")], []),
    ],
)
def test_what_differs_is_told_by_line(changes: list[tuple[str, str]], wanted: list[tuple[int, str]]) -> None:
    assert told(*changes) == wanted


def test_a_pattern_that_does_not_compile_is_told() -> None:
    model = '[prior]\nbefore = ["after", "since"]\n'
    text = '[prior]\nbefore = [\n  "after",\n  "(since",\n]\n'
    problem = "'(since' is no pattern: missing ), unterminated subpattern at position 0"
    assert [tuple(fault) for fault in faults("therapy_roles.toml", text, model)] == [(4, problem)]


def test_a_table_of_entries_is_the_curators() -> None:
    model = '[families]\nNTRK = "NTRK1 NTRK2"\n'
    assert faults("fusions.toml", '[families]\nFGFR = "FGFR1 FGFR2"\n', model) == []
    assert [tuple(fault) for fault in faults("fusions.toml", "[families]\nFGFR = 3\n", model)] == [(2, "families.FGFR must be a text")]


def test_the_packages_files_have_their_own_shape() -> None:
    texts = {name: rule_files.read(name).text for name in rule_files.names() if name.endswith(".toml")}
    assert [name for name, text in texts.items() if faults(name, text, text)] == []


def test_reading_a_file_that_lacks_something_fails(tmp_path, monkeypatch) -> None:
    path = tmp_path / "therapy_roles.toml"
    text = rule_files.read(path.name).text
    path.write_text(text.replace("[comparator]", "[compare]"), encoding="utf-8")
    monkeypatch.setattr(rule_files, "_own", {path.name: path})
    line = text.splitlines().index("[comparator]") + 1
    message = rf"^{path}:1: comparator is missing; the package's therapy_roles.toml tells what it holds \(and 1 more"
    with pytest.raises(ConfigError, match=message):
        rule_files.read(path.name)
    assert (line, "compare is not known; known are comparator, prior") in [tuple(f) for f in rule_files.faults(path, path.read_text())]
