"""Write docs/reference from the code, or check that it is up to date.

python tools/reference.py           write
python tools/reference.py --check   exit 1 if a page differs from what the code says
"""

import ast
import dataclasses
import inspect
import json
import sys
from pathlib import Path
from typing import Any

import click

from overproof import errors, recipe, records
from overproof.catalog import list_entries
from overproof.cli import main as command_line
from overproof.perturbation import OPERATORS, perturb_prompt
from overproof.perturbation.catalogue import EXAMPLE
from overproof.perturbation.difference import marked, word_difference
from overproof.perturbation.draft import Operator
from overproof.perturbation.presets import NLPERTURBATOR, RECODE
from overproof.perturbation.rewriting import REWRITINGS
from overproof.report.results import RESULTS_VERSION, Manifest, ModelEntry, Results, results_schema
from overproof.sandbox import Limits
from reference_python import python_page

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
        "python.md": NOTE + python_page(),
        "results.md": results_page(),
        "results.schema.json": json.dumps(results_schema(), indent=2) + "\n",
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
            parts.append(field_table(field.type, f"{field.name}.", plain_only=True))
            for inner in dataclasses.fields(field.type):
                if isinstance(inner.type, type) and dataclasses.is_dataclass(inner.type):
                    name = f"{field.name}.{inner.name}"
                    parts.append(f"\n## {name}\n\n{summary(inner.type)}\n\n")
                    parts.append(field_table(inner.type, f"{name}."))
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
    """Return the operators by family, with an example each, and the names of other suites."""
    parts = [
        NOTE,
        "# Operators\n\nThe example of each is seed 0 on one small problem; `[-…-]` went, "
        "`{+…+}` came. Lines without a change are left out. `overproof operators show NAME --task "
        "HumanEval/0` shows it on any problem.\n",
    ]
    for family in ("null", *records.FAMILIES):
        parts.append(f"\n## {family}\n")
        parts += [operator_entry(op) for op in OPERATORS.values() if op.family == family]
    parts.append("\n## Written by a model\n\nOff unless `--writer MODEL` names one.\n\n")
    parts += [f"- `{name}`: {one.what} ({one.source})\n" for name, one in REWRITINGS.items()]
    parts.append("\n## Names of other suites\n\n| name | suite | ours | share | differs |\n")
    parts.append("|---|---|---|---|---|\n")
    for suite, names in (("ReCode", RECODE), ("NLPerturbator", NLPERTURBATOR)):
        for name, found in names.items():
            share = "" if found.intensity is None else f"{found.intensity:g}"
            parts.append(f"| `{name}` | {suite} | `{found.ours}` | {share} | {found.differs} |\n")
    return "".join(parts)


def operator_entry(operator: Operator) -> str:
    """Return one operator's heading, what it does, and an example."""
    traits = [operator.kind, "random" if operator.random else "deterministic"]
    traits += [f"share {operator.intensity:g}", f"source: {operator.source}"]
    if operator.control != "nominal":
        traits.append(f"compared with `{operator.control}`")
    if not operator.languages:
        traits.append("any language")
    listed = "; ".join(filter(None, traits))
    few = f" Few variants: {operator.few}." if operator.few else ""
    shown = example_of(operator)
    text = f"\n### {operator.name}\n\n{operator.what} *{listed}.*{few}\n"
    return text + (f"\n```text\n{shown}\n```\n" if shown else "")


def example_of(operator: Operator) -> str:
    """Return the changed lines of the operator's variant of the example; empty without one."""
    draft = perturb_prompt(EXAMPLE, operator.name, 0)
    if draft is None or operator.family == "null":
        return ""
    control = EXAMPLE.prompt if operator.control == "nominal" else half_written()
    if operator.name == operator.control or control == draft.prompt:
        control = EXAMPLE.prompt
    lines = marked(word_difference(control, draft.prompt)).rstrip("\n").split("\n")
    kept, open_mark = [], False
    for line in lines:
        if open_mark or "[-" in line or "{+" in line:
            kept.append(line.replace("\t", "⇥"))
        opened = max(line.rfind("[-"), line.rfind("{+"))
        closed = max(line.rfind("-]"), line.rfind("+}"))
        open_mark = opened > closed or (open_mark and closed < 0)
    return "\n".join(kept)


def half_written() -> str:
    """Return the example with half of its body."""
    draft = perturb_prompt(EXAMPLE, "half_body", 0)
    assert draft is not None
    return draft.prompt


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


def results_page() -> str:
    """Return the keys of results.json; rows are on a page of their own."""
    parts = [
        NOTE,
        f"# results.json\n\nVersion {RESULTS_VERSION}. `Score` and `Claim` are on the page of "
        "[rows](rows.md), without `schema`. [results.schema.json](results.schema.json) is all of "
        "it as JSON Schema (2020-12); manifest and models may have more keys than these.\n",
    ]
    for kind in (Results, Manifest, ModelEntry):
        parts.append(f"\n## {kind.__name__}\n\n{summary(kind)}\n\n{field_table(kind, '')}")
    return "".join(parts)


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
    for prefix in ("typing.", "overproof.records.", "overproof.report.results."):
        text = text.replace(prefix, "")
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
