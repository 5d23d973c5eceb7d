"""Commands about what is read: models, pairs."""

import sys
from pathlib import Path

import click

from overproof.cli.options import json_option, print_json, print_lines


@click.group()
def models() -> None:
    """Models and data by name: list, fetch, verify."""


@models.command("list")
@json_option
def models_list(as_json: bool) -> None:
    """Show what the catalogue knows, and what is here already."""
    from overproof.catalog import cache_folder, cached_file, list_entries
    from overproof.fetch import is_fetched

    if as_json:
        facts = ("name", "size_bytes", "licence", "what")
        print_json(
            [
                {fact: getattr(entry, fact) for fact in facts}
                | {"file": cached_file(entry) if is_fetched(entry.name) else None}
                for entry in list_entries()
            ]
        )
        return
    for entry in list_entries():
        here = "here" if is_fetched(entry.name) else "-"
        size = f"{entry.size_bytes / 1e6:,.1f} MB"
        click.echo(f"{entry.name:<28} {here:<5} {size:>11}  {entry.licence:<11} {entry.what}")
    click.echo(f"cache: {cache_folder()}", err=True)


@models.command("fetch")
@click.argument("names", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Fetch again, even if it is here.")
@json_option
def models_fetch(names: tuple[str, ...], force: bool, as_json: bool) -> None:
    """Download by name, verify, and print where it is; a cut-off download goes on."""
    from overproof.fetch import bar, fetch

    found = {}
    for name in names:
        with bar(name) as progress:
            found[name] = fetch(name, progress=progress, force=force)
        if not as_json:
            click.echo(found[name])
    if as_json:
        print_json([{"name": name, "file": path} for name, path in found.items()])


@models.command("verify")
@click.argument("names", nargs=-1)
@json_option
def models_verify(names: tuple[str, ...], as_json: bool) -> None:
    """Hash the cached files again; without names, all that are here."""
    from overproof.catalog import list_entries
    from overproof.fetch import is_fetched, verify

    chosen = names or [entry.name for entry in list_entries() if is_fetched(entry.name)]
    states = {}
    for name in chosen:
        states[name] = verify(name).status
        if not as_json:
            click.echo(f"{name:<28} {states[name]}")
    if as_json:
        print_json([{"name": name, "status": status} for name, status in states.items()])
    if any(status != "ok" for status in states.values()):
        sys.exit(3)


@click.group()
def pairs() -> None:
    """Code–text pairs: mine them from source trees, or read them from data sets."""


@pairs.command("mine")
@click.argument("sources", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSONL file to write.")
@click.option("--limit", type=int, help="At most this many, spread over the sources.")
@click.option("--licence", default="", help="For folders that do not tell theirs.")
@click.option(
    "--suite",
    "suites",
    multiple=True,
    default=["humaneval"],
    show_default=True,
    help="Pairs that overlap with these are removed.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    default=["python"],
    show_default=True,
    help="Languages of folders and data sets that are read.",
)
@click.option(
    "--near-duplicate",
    "near",
    type=float,
    default=0.8,
    show_default=True,
    help="Pairs whose text or code is this similar are one; 0 turns it off.",
)
@json_option
def pairs_mine(
    sources: tuple[str, ...],
    out: Path,
    limit: int | None,
    licence: str,
    suites: tuple[str, ...],
    languages: tuple[str, ...],
    near: float,
    as_json: bool,
) -> None:
    """Mine functions with docstrings; remove duplicates and whatever overlaps with a suite.

    SOURCE is `stdlib`, `installed`, `installed:NAME`, a folder or file of source code, a file of
    rows (.jsonl, .json, .parquet), `mbpp:FILE[:SPLIT]`, or `hub:OWNER/NAME[/CONFIG][:SPLIT]`; it
    may end in `#limit=N&licence=NAME`. Beside the pairs stands a certificate of what was removed
    and why: OUT with .certificate.json.
    """
    from overproof.evaluation import mine

    mined = mine(sources, out, limit, licence, suites, languages, near)
    print_json(mined) if as_json else print_lines(mined.as_lines())
