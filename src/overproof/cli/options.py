"""Options that several commands have, and how a result is printed."""

from collections.abc import Iterable
from typing import Any

import click

engine_option = click.option(
    "--engine",
    metavar="NAME",
    default="auto",
    show_default=True,
    help="ctranslate2, server, transformers, xllamacpp, vllm, sglang, llama-server, or a "
    "package's own. "
    "auto: server if all models are, xllamacpp if all are GGUF files, else ctranslate2.",
)
serve_option = click.option(
    "--serve",
    type=click.Choice(["vllm", "sglang", "llama-server"]),
    help="Start this server for each model in turn, on this machine, and stop it afterwards.",
)
workers_option = click.option(
    "--workers",
    default=1,
    show_default=True,
    help="Processes that share the run; each has cores of its own.",
)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the result as one JSON value, and nothing else on stdout.",
)


def print_json(value: Any) -> None:
    """Print a result as JSON: rows and dataclasses as objects, paths as text, NaN as null."""
    import msgspec

    encoded = msgspec.json.encode(value, enc_hook=str)
    click.echo(msgspec.json.format(encoded, indent=2).decode())


def print_lines(lines: Iterable[str]) -> None:
    """Print lines as they come."""
    for line in lines:
        click.echo(line)


def news(text: object, as_json: bool) -> None:
    """Print what happens on the way: on stderr where stdout is for the result."""
    click.echo(text, err=as_json)
