"""Bring the pages that lie outside docs/ into the site, and lead links to them.

    make site

Changelog, log, rules and studies are pages `project/…` there. A link is written as a code host
reads it, from file to file; here it is led to where the file is on the site. What is in the
repository and not on the site (code, rows) is named, and not linked.

Source: the events are those of MkDocs 1.6 (`on_files`, `on_page_markdown`).
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PREFIX = "project/"
_LINK = re.compile(r"(?<!!)\[([^\[\]]*)\]\(([^()#\s:]+)(#[^()\s]*)?\)")
_FENCED = re.compile(r"(?ms)^(`{3,}).*?^\1\s*$")


def outside() -> list[str]:
    """Return the pages outside docs/ that the site has, by their path in the repository."""
    studies = (path.relative_to(ROOT).as_posix() for path in ROOT.glob("studies/*/README.md"))
    pages = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "dev/LOG.md", "examples/README.md")
    return [*pages, *sorted(studies)]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add them."""
    for path in outside():
        files.append(File.generated(config, PREFIX + path, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links of a page to where their targets are on the site."""
    uri = page.file.src_uri
    home = uri.removeprefix(PREFIX) if uri.startswith(PREFIX) else f"docs/{uri}"
    return "".join(
        part if fenced else _LINK.sub(lambda link: _led(link, home, uri), part)
        for fenced, part in _parts(markdown)
    )


def _parts(markdown: str) -> Iterator[tuple[bool, str]]:
    """Yield the text in order, what is in a fence apart."""
    last = 0
    for fence in _FENCED.finditer(markdown):
        yield False, markdown[last : fence.start()]
        yield True, fence[0]
        last = fence.end()
    yield False, markdown[last:]


def _led(link: re.Match[str], home: str, uri: str) -> str:
    text, target, heading = link[1], link[2], link[3] or ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(home), target))
    if path.startswith("docs/"):
        there = path.removeprefix("docs/")
    elif path in outside():
        there = PREFIX + path
    else:
        return text if (ROOT / path).exists() else link[0]
    return f"[{text}]({posixpath.relpath(there, posixpath.dirname(uri))}{heading})"
