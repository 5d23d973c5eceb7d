"""Whether the commands that the pages show are commands: known, with known options and values.

    >>> list(check_command(["overproof", "run", "dmeo", "distill.steps=20"]))
    ["unknown recipe 'dmeo'; did you mean demo?"]

Nothing is run: `overproof …` is parsed by the command line itself, then the names in it (recipes
and their keys, operators, suites, models of the catalogue, gates) are looked up; `make …` needs a
target, `python …` a file or a module, `pip install overproof[…]` an extra. Words in capitals and
`$NAME` stand for what a reader has. Not covered: other programs, and whether a file is there.
"""

import contextlib
import importlib.util
import io
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import yaml

from overproof.catalog import CATALOG
from overproof.cli import main as command_line
from overproof.compare.gates import parse_gate
from overproof.errors import OverproofError, UnknownNameError
from overproof.perturbation.operators import get_operator
from overproof.perturbation.presets import PRESETS, names_in
from overproof.recipe import arm_configs, load_recipe, recipe_names, with_overrides
from overproof.suites.load import SUITES

ROOT = Path(__file__).parent.parent
SHELLS = ("sh", "bash", "console", "shell")
OWN = ("overproof", "make")
ADDED = ("multicode", "multicode:lua_strict")
"""Suites that the pages name besides: all of one, and that of the guide to adding a language."""
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1(.*)\n(?:.*\n)*?\s*\2(?:\n|$)")
_COMMENT = re.compile(r"(?m)(^|\s)#(\s.*)?$")
_WRAPPERS = ("sudo", "time", "then", "do", "else", "if", "while", "!", "exec", "pipx", "run")


def commands_in(text: str) -> Iterator[list[str]]:
    r"""Yield the words of every command of a shell script.

    >>> list(commands_in("a 'b c' \\\n  d | e > f  # no\ng && h <<'X'\ntext\nX\n"))
    [['a', 'b c', 'd'], ['e'], ['g'], ['h']]

    Raises: ValueError for quotes that are not closed.
    """
    text = _HEREDOC.sub(r"\3\n", text).replace("\\\n", " ")
    lines = iter(_COMMENT.sub("", text).splitlines())
    for line in lines:
        whole = line
        while True:
            try:
                words = list(_words(whole))
                break
            except ValueError:
                following = next(lines, None)
                if following is None:
                    raise
                whole += "\n" + following
        yield from _split(words)


def _words(line: str) -> Iterator[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.commenters, lexer.whitespace_split = "", True
    return iter(lexer)


def _split(words: list[str]) -> Iterator[list[str]]:
    """Yield the commands between operators; what follows `<` and `>` is a file."""
    current: list[str] = []
    is_file = False
    for word in words:
        if word and not word.strip("();<>|&"):
            is_file = "<" in word or ">" in word
            if not is_file and current:
                yield current
                current = []
        elif not is_file:
            current.append(word)
        else:
            is_file = False
    if current:
        yield current


def check_command(words: Sequence[str], partly: bool = False) -> Iterator[str]:
    """Yield what is wrong with a command; `partly` allows for what a sentence leaves out."""
    words = [word for word in words if not (partly and word == "…")]
    while words and (re.match(r"\w+=", words[0]) or words[0] in _WRAPPERS):
        words = words[1:]
    if not words:
        return
    program, rest = Path(words[0]).name, list(words[1:])
    if program == "overproof":
        yield from _check_own(rest, partly)
    elif program == "make":
        yield from _check_make(rest)
    elif program in ("python", "python3"):
        yield from _check_python(rest)
    elif program == "pip":
        yield from _check_extras(rest)


def _check_own(words: list[str], partly: bool) -> Iterator[str]:
    seen: list[click.Context] = []
    with (
        patch.object(click.Command, "invoke", lambda self, context: seen.append(context)),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        try:
            command_line.main(words, prog_name="overproof", standalone_mode=False)
        except click.UsageError as error:
            unfinished = isinstance(error, click.MissingParameter | click.BadOptionUsage)
            partial = partly and (unfinished or not error.message or "Missing" in error.message)
            stands_for_a_number = isinstance(error, click.BadParameter) and "'$" in error.message
            if not (partial or stands_for_a_number):
                yield error.format_message()
    if seen:
        yield from _check_values(seen[-1])


def _check_values(context: click.Context) -> Iterator[str]:
    """Yield the names and keys in a parsed command that there are not."""
    path = " ".join(context.command_path.split()[1:])
    for name, value in context.params.items():
        for check in filter(None, (CHECKS.get(name), CHECKS.get(f"{path}.{name}"))):
            given = value if isinstance(value, tuple | list) else [value] if value else []
            for one in given:
                if isinstance(one, str) and not _stands_for_something(one):
                    yield from _tried(check, one)
    if overrides := context.params.get("overrides"):
        yield from _tried(lambda _: _check_overrides(context.params, overrides), "")


def _tried(check: Callable[[str], object], value: str) -> Iterator[str]:
    try:
        check(value)
    except OverproofError as error:
        yield "; ".join(filter(None, (error.message, error.hint)))


def _stands_for_something(word: str) -> bool:
    """Return whether a word stands for a reader's own: `MODEL`, `$MODEL`, `A.gguf`, `a/b`."""
    return bool(re.search(r"[$/…]|\.(gguf|yaml|jsonl?)\b", word)) or word.isupper()


def _check_overrides(params: dict[str, Any], overrides: Sequence[str]) -> None:
    recipe = params.get("recipe", "")
    if recipe in recipe_names():
        arm_configs(load_recipe(recipe, overrides))
    else:
        with_overrides({"name": "example"}, overrides, "command")


def _check_recipe(name: str) -> None:
    if name not in recipe_names():
        raise UnknownNameError("recipe", name, recipe_names())


def _check_operators(text: str) -> None:
    for name in names_in(text):
        is_theirs = ":" in name and not name.startswith("overproof.")
        if name not in PRESETS and not is_theirs:
            get_operator(name)


def _check_suite(name: str) -> None:
    if name not in (*SUITES, *ADDED):
        raise UnknownNameError("suite", name, SUITES)


def _check_model(name: str) -> None:
    if name not in CATALOG:
        raise UnknownNameError("model", name, CATALOG)


CHECKS: dict[str, Callable[[str], object]] = {
    "run.recipe": _check_recipe,
    "distill.recipe": _check_recipe,
    "recipes.name": _check_recipe,
    "eval.models": _check_model,
    "bench.models": _check_model,
    "try.models": _check_model,
    "attack.model": _check_model,
    "serve.model": _check_model,
    "models fetch.names": _check_model,
    "models verify.names": _check_model,
    "suites": _check_suite,
    "suite export.name": _check_suite,
    "operators": _check_operators,
    "named": _check_operators,
    "preset": _check_operators,
    "operators show.name": _check_operators,
    "compare.gates": parse_gate,
}
"""What looks a value up, by parameter, or by command and parameter."""


def _check_make(words: list[str]) -> Iterator[str]:
    targets = set(re.findall(r"(?m)^([\w-]+):", (ROOT / "Makefile").read_text()))
    for word in words:
        if "=" not in word and not word.startswith("-") and word not in targets:
            yield f"the Makefile has no target {word!r}"


def _check_python(words: list[str]) -> Iterator[str]:
    if words[:1] == ["-m"]:
        name = words[1] if len(words) > 1 else ""
        if name.startswith("overproof") and importlib.util.find_spec(name) is None:
            yield f"no module {name}"
    elif words and words[0].startswith(("benchmarks/", "tools/")):
        yield from () if (ROOT / words[0]).is_file() else (f"no file {words[0]}",)


def _check_extras(words: list[str]) -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for word in words:
        found = re.match(r"overproof\[([\w,-]+)\]", word)
        for extra in found[1].split(",") if found else ():
            if extra not in project["optional-dependencies"]:
                yield f"no extra {extra!r} in pyproject.toml"


def scripts_in(text: str) -> Iterator[str]:
    """Yield the shell scripts of a workflow in YAML: the values of `run`."""
    for document in yaml.safe_load_all(text):
        yield from _runs(document)


def _runs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "run" and isinstance(item, str):
                yield item
            else:
                yield from _runs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _runs(item)
