"""Colour as the environment asks for it, bars only where they can move, few lines in CI."""

import io
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from overproof import progress, terminal
from overproof.cli import main


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize(
    ("variables", "tty", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": ""}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour(
    variables: dict[str, str], tty: bool, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.coloured(Terminal() if tty else io.StringIO()) is colour


@pytest.mark.parametrize(
    ("variables", "tty", "moves"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"CI": "true"}, True, False),
        ({"CI": "1"}, True, False),
        ({"CI": "false"}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_what_moves(
    variables: dict[str, str], tty: bool, moves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = Terminal() if tty else io.StringIO()
    assert terminal.lively(stream) is moves
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.stage("count", total=2) as advance:
        advance(2)
    written = stream.getvalue()
    assert ("\x1b[" in written) is moves  # a bar goes back over its line
    assert ("count: 2/2" in written) is not moves


@pytest.mark.parametrize(("ci", "count"), [("", 6), ("true", 1)])
def test_a_hundred_seconds_are_few_lines(
    ci: str, count: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", ci)
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.stage("generate", total=101) as advance:
        for _ in range(100):
            now += 1.0
            advance(1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == count
    assert lines[-1] == "generate: 100/101  in 100.0 s"


def test_the_command_line_keeps_to_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = ["operators", "show", "camel_case"]
    assert "\x1b[" not in CliRunner().invoke(main, words).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    forced = CliRunner().invoke(main, words).stdout
    assert "\x1b[3" in forced
    assert "\x1b[" not in CliRunner().invoke(main, [*words, "--json"]).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in CliRunner().invoke(main, words, color=True).stdout


def test_json_has_no_colour_even_where_it_is_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    json.loads(CliRunner().invoke(main, ["recipes", "--json"]).stdout)
