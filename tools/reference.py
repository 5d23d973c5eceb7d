"""Write docs/reference from the code, or check that it is up to date.

python tools/reference.py           write
python tools/reference.py --check   exit 1 if a page differs from what the code says
"""

import ast
import dataclasses
import inspect
import sys
from pathlib import Path
from typing import Any

import click

from overproof import errors, recipe, records
from overproof.catalog import list_entries
from overproof.cli import main as command_line
from overproof.perturb import OPERATORS
from overproof.sandbox import Limits

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
NOTE = (
    "<!-- Written by tools/reference.py from the code; edit the code, then run make docs. -->\n\n"
)


def main() -> None:
    """Write the pages, or compare them with what is there."""
    pages = {
        "cli.md": cli_page(),
        "recipe.md": recipe_page(),
        "rows.md": rows_page(),
        "operators.md": operators_page(),
        "models.md": models_page(),
        "errors.md": errors_page(),
    }
    stale = []
    for name, content in pages.items():
        path = REFERENCE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text() != content:
                stale.append(name)
        else:
            REFERENCE.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    if stale:
        sys.exit(f"out of date: docs/reference/{', '.join(stale)}; hint: make docs")
    print(f"docs/reference: {len(pages)} pages")


def cli_page() -> str:
    """Return the help of every command."""
    parts = [NOTE, "# Command line\n"]
    for path, command in walk(command_line, ("overproof",)):
        context = click.Context(command, info_name=" ".join(path), terminal_width=90)
        context.max_content_width = 90
        parts.append(
            f"\n## {' '.join(path)}\n\n```text\n{command.get_help(context).strip()}\n```\n"
        )
    return "".join(parts)


def walk(command: click.Command, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    """Return the command and all below it, with their paths."""
    found: list[tuple[tuple[str, ...], Any]] = [(path, command)]
    if isinstance(command, click.Group):
        for name, child in sorted(command.commands.items()):
            found += walk(child, (*path, name))
    return found


def recipe_page() -> str:
    """Return every key of a recipe, with type, default and meaning."""
    parts = [
        NOTE,
        "# Recipe keys\n\nA recipe is YAML; `KEY=VALUE` on the command line overrides.\n",
    ]
    for field in dataclasses.fields(recipe.Recipe):
        if dataclasses.is_dataclass(field.type):
            assert isinstance(field.type, type)
            parts.append(f"\n## {field.name}\n\n{summary(field.type)}\n\n")
            parts.append(field_table(field.type, f"{field.name}."))
    simple = field_table(recipe.Recipe, "", plain_only=True)
    return "".join([*parts[:2], "\n## top level\n\n", simple, *parts[2:]])


def rows_page() -> str:
    """Return the fields of every row."""
    parts = [NOTE, f"# Rows\n\nOne JSON object a line, `schema` {records.SCHEMA_VERSION} first.\n"]
    for name, kind in vars(records).items():
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            parts.append(f"\n## {name}\n\n{summary(kind)}\n\n{field_table(kind, '')}")
    return "".join(parts)


def operators_page() -> str:
    """Return the table of operators."""
    rows = [
        f"| `{op.name}` | {op.family} | {op.what} | {'yes' if op.random else 'no'} | {op.source} |"
        for op in OPERATORS.values()
    ]
    head = "| operator | family | what it does | random | source |\n|---|---|---|---|---|\n"
    return f"{NOTE}# Operators\n\n{head}" + "\n".join(rows) + "\n"


def models_page() -> str:
    """Return the catalogue."""
    rows = [
        f"| `{e.name}` | {e.what} | {e.size_bytes:,} | {e.licence} | `{e.sha256}` |"
        for e in list_entries()
    ]
    head = "| name | what | bytes | licence | SHA-256 |\n|---|---|---|---|---|\n"
    return f"{NOTE}# Catalogue\n\n{head}" + "\n".join(rows) + "\n"


def errors_page() -> str:
    """Return the exception tree with its exit codes."""
    return f"{NOTE}# Errors and exit codes\n\n```text\n{inspect.getdoc(errors)}\n```\n"


def field_table(kind: type, prefix: str, plain_only: bool = False) -> str:
    """Return a table of a dataclass's fields, with the text under each."""
    docs = field_docs(kind)
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for field in dataclasses.fields(kind):
        if plain_only and dataclasses.is_dataclass(field.type):
            continue
        lines.append(
            f"| `{prefix}{field.name}` | {type_text(field.type)} | {default_text(field)} "
            f"| {docs.get(field.name, '')} |"
        )
    return "\n".join(lines) + "\n"


def field_docs(kind: type) -> dict[str, str]:
    """Return the string literal that stands under each field."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    for first, second in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(first, ast.AnnAssign)
            and isinstance(first.target, ast.Name)
            and isinstance(second, ast.Expr)
            and isinstance(second.value, ast.Constant)
        ):
            docs[first.target.id] = " ".join(str(second.value.value).split()).replace("|", "\\|")
    return docs


def type_text(annotation: Any) -> str:
    """Return a type as a reader would say it."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    if hasattr(annotation, "__args__"):
        text = str(annotation)
    text = text.replace("typing.", "").replace("overproof.records.", "")
    return f"`{text}`".replace("|", "\\|")


def default_text(field: "dataclasses.Field[Any]") -> str:
    """Return the default value; required fields have none."""
    if field.default is not dataclasses.MISSING:
        return f"`{field.default!r}`"
    if field.default_factory is not dataclasses.MISSING:
        return f"`{field.default_factory()!r}`" if field.type is not Limits else ""
    return "required"


def summary(kind: type) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(kind) or "").splitlines()[0]


if __name__ == "__main__":
    main()
