"""Check the pages: links and anchors lead somewhere, commands exist, code parses, examples hold.

    python tools/docs_check.py           every page; exit 1 and a line for each thing that is wrong
    python tools/docs_check.py PAGE …    only these

Commands are parsed, not run (`tools/docs_commands.py`); tests/docs runs those of the tutorial and
of the guides. Blocks of Python are compiled, and run if they are written as a doctest; JSON is
read, and YAML whose keys are a recipe's is checked as one. The log and the studies tell of their
day: of them only links are checked. Not covered: what is on other sites.
"""

import ast
import dataclasses
import doctest
import functools
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from docs_commands import OWN, ROOT, SHELLS, check_command, commands_in, scripts_in
from docs_pages import Block, Page, read_page
from overproof.errors import OverproofError
from overproof.recipe import Recipe, recipe_from

DATED = ("CHANGELOG.md", "dev", "studies")
"""Pages about how things were: their commands may be gone."""
GENERATED = "<!-- Written by tools/reference.py"
"""Pages made from the code, whose examples are run where they stand."""


def main(arguments: Sequence[str]) -> None:
    """Check the pages that are named, or all, and print what is wrong."""
    paths = [Path(name).resolve() for name in arguments] or all_pages(ROOT)
    findings = [finding for path in paths for finding in check_page(path)]
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(f"{len(findings)} things are wrong in the pages")
    print(f"{len(paths)} pages: links, commands and examples are right")


def all_pages(root: Path) -> list[Path]:
    """Return every page of the project."""
    patterns = ("*.md", "docs/**/*.md", "dev/*.md", "studies/*/*.md", "examples/**/*.md")
    return sorted({path for pattern in patterns for path in root.glob(pattern)})


def check_page(path: Path) -> Iterator[str]:
    """Yield what is wrong with one page, each with its place."""
    text = path.read_text()
    page = read_page(text)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    checks = [_check_links(path, page)]
    if shown.parts[0] not in DATED:
        blocks = [] if text.startswith(GENERATED) else page.blocks
        checks += [_check_blocks(blocks), _check_spans(page)]
    for check in checks:
        for line, what in check:
            yield f"{shown}:{line}: {what}"


def _check_links(path: Path, page: Page) -> Iterator[tuple[int, str]]:
    for link in page.links:
        name, _, wanted = link.target.partition("#")
        if "://" in link.target or link.target.startswith("mailto:"):
            continue
        target = (path.parent / name).resolve() if name else path
        if not target.exists():
            yield link.line, f"{link.target} leads nowhere"
        elif path.is_relative_to(ROOT) and not target.is_relative_to(ROOT):
            yield link.line, f"{link.target} leads out of the project"
        elif wanted and target.suffix == ".md" and wanted not in _anchors(target):
            yield link.line, f"{name or path.name} has no heading #{wanted}"


@functools.cache
def _anchors(path: Path) -> frozenset[str]:
    return read_page(path.read_text()).anchors


def _check_spans(page: Page) -> Iterator[tuple[int, str]]:
    for span in page.spans:
        if span.text.split(maxsplit=1)[:1] and span.text.split()[0] in OWN:
            for what in _check_script(span.text, partly=True):
                yield span.line, f"`{span.text}`: {what}"


def _check_blocks(blocks: Sequence[Block]) -> Iterator[tuple[int, str]]:
    for block in blocks:
        try:
            yield from ((block.line, what) for what in _check_block(block))
        except SyntaxError as error:
            yield block.line + (error.lineno or 1) - 1, f"this Python does not parse: {error.msg}"
        except (ValueError, yaml.YAMLError) as error:
            yield block.line, f"cannot be read: {' '.join(str(error).split())}"


def _check_block(block: Block) -> Iterator[str]:
    if is_script(block):
        yield from _check_script(block.text)
    elif block.language in ("python", "pycon"):
        if ">>>" in block.text:
            yield from run_doctest(block.text)
        else:
            ast.parse(block.text)
    elif block.language in ("json", "jsonl"):
        for line in block.text.splitlines() if block.text.count("\n{") else [block.text]:
            json.loads(line)
    elif block.language in ("yaml", "yml"):
        for script in scripts_in(block.text):
            yield from _check_script(script)
        yield from _check_recipe(block.text)


def is_script(block: Block) -> bool:
    """Return whether a block holds commands: by its language, or without one by its first word."""
    first = block.text.split(maxsplit=1)[:1]
    is_plain = not block.language and first != [] and Path(first[0]).name in OWN
    return block.language in SHELLS or is_plain


def _check_script(text: str, partly: bool = False) -> Iterator[str]:
    if text.lstrip().startswith("$ "):
        text = "\n".join(line[2:] for line in text.splitlines() if line.startswith("$ "))
    for words in commands_in(text):
        yield from check_command(words, partly)


def _check_recipe(text: str) -> Iterator[str]:
    values = yaml.safe_load(text)
    names = {item.name for item in dataclasses.fields(Recipe)}
    if isinstance(values, dict) and values.keys() <= names:
        try:
            recipe_from({"name": "example", **values}, "this recipe")
        except OverproofError as error:
            yield "; ".join(filter(None, (error.message, error.hint)))


def run_doctest(text: str) -> Iterator[str]:
    """Yield what differs from what the examples say."""
    test = doctest.DocTestParser().get_doctest(text, {}, "example", None, 0)
    said = io.StringIO()
    failed = doctest.DocTestRunner(verbose=False).run(test, out=said.write).failed
    if failed:
        yield f"an example is not true: {' '.join(said.getvalue().split())[:300]}"


if __name__ == "__main__":
    main(sys.argv[1:])
