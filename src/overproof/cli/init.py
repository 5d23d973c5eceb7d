"""Commands for the beginning: init, completion."""

import sys
from pathlib import Path

import click

from overproof.cli.options import json_option, print_json, print_lines

TASKS = ("evaluate", "distil", "gate")
SHELLS = {
    "bash": "~/.local/share/bash-completion/completions/overproof",
    "zsh": "~/.zfunc/_overproof, "
    "with `fpath+=~/.zfunc; autoload -Uz compinit; compinit` in ~/.zshrc",
    "fish": "~/.config/fish/completions/overproof.fish",
}
"""Where each shell finds a completion."""


@click.command("init")
@click.argument("path", default="recipe.yaml", type=click.Path(path_type=Path))
@click.option("--task", type=click.Choice(TASKS), help="What you want to do.")
@click.option("--model", "models", multiple=True, help="Teacher and student, or those compared.")
@click.option("--data", multiple=True, help="Suite or file of problems; to distil: a source.")
@click.option("--language", "languages", multiple=True, help="Beside the data; repeat.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@json_option
def init_command(
    path: Path,
    task: str | None,
    models: tuple[str, ...],
    data: tuple[str, ...],
    languages: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Ask three questions and write a commented recipe to PATH.

    What an option answers is not asked; without a terminal the rest is as proposed. Nothing is
    downloaded or run.
    """
    from overproof.errors import UsageError
    from overproof.recipe import load_recipe
    from overproof.starters import ASKED, DATA, MODELS, answers_from, next_lines, starter_recipe
    from overproof.store import storage_errors, write_atomically

    if path.suffix not in (".yaml", ".yml"):
        raise UsageError(f"{path}: a recipe's file ends in .yaml", hint=f"{path}.yaml")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="another name, or --force")
    if task is None and not _terminal():
        raise UsageError("no terminal to ask on", hint=f"--task {'|'.join(TASKS)}")
    chosen = task or click.prompt(
        "What do you want to do?", type=click.Choice(TASKS), default=TASKS[0], err=True
    )
    asked = ASKED[chosen]
    models = models or _ask(asked[0], MODELS[chosen])
    if not data and not languages:
        data = _ask(asked[1], DATA[chosen])
    answers = answers_from(chosen, models, data, languages)
    name = path.stem
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, starter_recipe(name, answers).encode())
    load_recipe(str(path))
    commands = next_lines(path, name, answers)
    if as_json:
        print_json({"recipe": path, "next": commands})
        return
    click.echo(f"written: {path}")
    print_lines(f"next: {command}" for command in commands)


def _terminal() -> bool:
    return sys.stdin.isatty()


def _ask(question: str, proposed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the answer, taken apart at commas; what is proposed where nobody can answer."""
    if not _terminal():
        return proposed
    said: str = click.prompt(question, default=", ".join(proposed), err=True)
    return tuple(part.strip() for part in said.split(",") if part.strip())


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion_command(shell: str) -> None:
    """Print the script that completes commands and options; on stderr, where to put it.

    To try it in this shell alone: `source <(overproof completion bash)`; in fish,
    `overproof completion fish | source`.
    """
    from click.shell_completion import get_completion_class

    from overproof.cli import main

    found = get_completion_class(shell)
    assert found is not None  # one of click's own
    click.echo(found(main, {}, "overproof", "_OVERPROOF_COMPLETE").source())
    click.echo(f"put it into {SHELLS[shell]}", err=True)
