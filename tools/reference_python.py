r"""The page of the Python API, from signatures and docstrings: `python_page()`.

    python tools/reference.py

What is public is named below, module by module; each function and class is shown as its source has
it. Docstrings are this project's: `Args:`, `Raises:` and `Source:`, blocks set in by four spaces.

    >>> print(as_markdown("Add.\n\nArgs:\n    a: one.\n    b: other,\n        or none.\n"))
    Add.
    <BLANKLINE>
    - `a`: one.
    - `b`: other, or none.
    <BLANKLINE>
"""

import ast
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import overproof
from overproof import plugins, results, scoring
from overproof.languages import language
from overproof.perturbation import draft

INTRODUCTION = """\
The commands are functions of the package, for notebooks and scripts. They take what the commands
take, go on where they were interrupted, and return objects that a notebook shows as tables.

```python
import overproof

found = overproof.evaluate("smollm2-135m-instruct", limit=10)
print(found.value("pass@1"), found.report)
```

`import overproof` is cheap: a function loads what it needs when it is called. A user's mistake
raises one of the [errors](errors.md), with a `hint`.
"""
_HEAD = re.compile(r"^(Raises|Returns|Yields|Source|Shapes?):\s*")
_ENTRY = re.compile(r"^    (\*{0,2}\w+): (.*)")


def python_page() -> str:
    """Return the page, without the note at its top."""
    parts = ["# Python\n", INTRODUCTION, "## Functions\n"]
    for name in overproof.__all__:
        found = getattr(overproof, name)
        if callable(found):
            parts.append(_function(found, f"overproof.{name}", 3))
    parts.append("## What they return\n")
    for kind in (results.Evaluation, results.Student, results.Variants, scoring.Scored):
        parts.append(_class(kind, 3))
    parts += ["## Entry points\n", as_markdown(inspect.getdoc(plugins) or "")]
    for module in (draft, language):
        parts += [f"## {module.__name__}\n", as_markdown(inspect.getdoc(module) or "")]
        parts += [_member(found) for found in _public(module)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _public(module: ModuleType) -> Iterator[Any]:
    for name, found in vars(module).items():
        own = not name.startswith("_") and getattr(found, "__module__", "") == module.__name__
        if own and (inspect.isclass(found) or inspect.isfunction(found)):
            yield found


def _member(found: Any) -> str:
    return _class(found, 3) if inspect.isclass(found) else _function(found, found.__name__, 3)


def _function(function: Any, title: str, level: int) -> str:
    head = f"{'#' * level} {title}\n\n```python\n{signature(function)}\n```\n"
    return f"{head}\n{as_markdown(inspect.getdoc(function) or '')}"


def _class(kind: type, level: int) -> str:
    node = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(node, ast.ClassDef)
    parts = [f"{'#' * level} {kind.__name__}\n", as_markdown(inspect.getdoc(kind) or "")]
    if rows := list(_fields(node)):
        parts.append("| field | type | default | meaning |\n|---|---|---|---|\n" + "".join(rows))
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
            found = inspect.getattr_static(kind, item.name)
            title = f"{kind.__name__}.{item.name}"
            if isinstance(found, property):
                parts.append(_property(found, title, level + 1))
            elif not isinstance(found, classmethod):  # how our own code makes one
                parts.append(_function(found, title, level + 1))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _property(found: property, title: str, level: int) -> str:
    kind = signature(found.fget).partition(" -> ")[2]
    head = f"{'#' * level} {title}\n\n```python\n{title}: {kind}\n```\n"
    return f"{head}\n{as_markdown(inspect.getdoc(found) or '')}"


def _fields(node: ast.ClassDef) -> Iterator[str]:
    """Yield a row for every annotated field, with the text that stands under it."""
    for item, after in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        known = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        text = str(after.value.value) if known else ""  # type: ignore[union-attr]
        kind = ast.unparse(item.annotation).strip("'\"")
        default = f"`{ast.unparse(item.value)}`" if item.value else ""
        cells = (f"`{item.target.id}`", f"`{kind}`", default, " ".join(text.split()))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def signature(function: Any) -> str:
    """Return a function's head as its source has it, types without quotes.

    >>> signature(_member)
    'def _member(found: Any) -> str'
    """
    source = inspect.cleandoc("\n" + inspect.getsource(function))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    head = "\n".join(source.splitlines()[node.lineno - 1 : node.body[0].lineno - 1]).rstrip(": ")
    arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    for annotation in filter(None, (*(each.annotation for each in arguments), node.returns)):
        for quoted in ast.walk(annotation):
            if isinstance(quoted, ast.Constant) and isinstance(quoted.value, str):
                head = re.sub(
                    rf'(: |-> |\[|, )"{re.escape(quoted.value)}"', rf"\1{quoted.value}", head
                )
    return head


def as_markdown(text: str) -> str:
    """Return a docstring as Markdown: arguments as a list, blocks in fences, heads in bold."""
    paragraphs = re.split(r"\n{2,}(?=\S|    )", text.strip("\n"))
    return "\n\n".join(_joined(paragraphs)) + "\n"


def _joined(paragraphs: list[str]) -> Iterator[str]:
    block: list[str] = []
    for paragraph in [*paragraphs, ""]:
        if paragraph.startswith("    "):
            block.append(paragraph)
            continue
        if block:
            yield _fenced("\n\n".join(block))
            block = []
        if paragraph.startswith("Args:\n"):
            yield _arguments(paragraph.splitlines()[1:])
        elif paragraph.startswith("|"):
            yield re.sub(r"`[^`]*`", lambda code: code[0].replace("|", r"\|"), paragraph)
        elif ">>> " in paragraph:
            yield f"```python\n{paragraph}\n```"
        elif paragraph:
            yield _HEAD.sub(r"**\1** ", paragraph)


def _fenced(block: str) -> str:
    text = inspect.cleandoc("\n" + block)
    first = text.split(maxsplit=1)[0]
    kind = "toml" if first.startswith("[") else "python" if first in (">>>", "import") else "text"
    return f"```{kind}\n{text}\n```"


def _arguments(lines: list[str]) -> str:
    items: list[str] = []
    for line in lines:
        entry = _ENTRY.match(line)
        if entry:
            items.append(f"- `{entry[1]}`: {entry[2]}")
        elif items:
            items[-1] += f" {line.strip()}"
    return "\n".join(items)
