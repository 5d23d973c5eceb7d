"""The report: one self-contained HTML file, and beside it report.md and results.json.

    write_report(folder, "demo", recipe_yaml, manifest, problems, variants, samples, outcomes,
                 scores, timings, notes, claims=claims)

Covered: nothing is fetched (a content security policy forbids it); the only script that may run
is the page's own, allowed by its hash; text from models is escaped, or packed and then shown with
textContent. Not covered: a reader who copies a shown program and runs it.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from overproof.records import Claim, Outcome, Problem, Sample, Score, Timing, Variant
from overproof.report.attacks import read_attacks
from overproof.report.choosing import Kept, choose
from overproof.report.content import RunRows, report_content
from overproof.report.facts import visible
from overproof.report.markdown import markdown_page
from overproof.report.packing import pack
from overproof.report.results import results_of
from overproof.report.samples import browser_data
from overproof.store import write_atomically

SCRIPTS = ("packing.js", "highlight.js", "difference.js", "sample.js", "browser.js")
"""The page's script, in parts; all of them run in one scope of their own."""


def write_report(
    folder: Path,
    title: str,
    recipe_yaml: str,
    manifest: Mapping[str, Any],
    problems: Sequence[Problem],
    variants: Sequence[Variant],
    samples: Sequence[Sample],
    outcomes: Sequence[Outcome],
    scores: Sequence[Score],
    timings: Sequence[Timing],
    notes: Mapping[str, Any],
    *,
    claims: Sequence[Claim] = (),
    kept: Kept | None = None,
) -> Path:
    """Write report.html, report.md and results.json into the folder; return the report's path.

    `manifest["models"]` lists the models in the order of the tables: name, label, size_bytes,
    sha256, engine, precision; `manifest["command"]`, if there, is what reproduces the run. The
    rest of the manifest is shown as it is. `notes` maps a heading to a list of rows (drawn as a
    curve too if the rows have a `step`), a mapping, or a paragraph. Three headings are known:
    `Arms` (see arms.py) is the training behind the ablation, `Decontamination` (see overlaps.py)
    what was removed from the pairs, `Operators` (see yields.py) which prompts were made. An
    `attack.json` in the folder, or one folder below, is shown as well. `kept` is what the sample
    browser holds; by default all samples, or of very many so many as a page can hold.

    Raises: StorageError if the folder cannot be written to; DataError for `Arms` or an attack of
    another form.
    """
    notes = msgspec.to_builtins(dict(notes))
    run = RunRows(
        title=title,
        recipe_yaml=recipe_yaml,
        manifest=manifest,
        problems=problems,
        variants=variants,
        samples=samples,
        outcomes=outcomes,
        scores=scores,
        timings=timings,
        notes=notes,
        claims=claims,
        adversaries=read_attacks(folder),
    )
    content = report_content(run)
    results = results_of(title, manifest, scores, claims, notes)
    text = json.dumps(results, indent=2, allow_nan=False)
    write_atomically(folder / "results.json", text.encode() + b"\n")
    write_atomically(folder / "report.md", markdown_page(content).encode())
    kept = kept or choose(variants, samples, outcomes)
    data = browser_data(problems, kept.variants, kept.samples, kept.outcomes, run.models)
    page = _page({**content, "kept": kept.note}, pack(data.index), pack(data.texts))
    return write_atomically(folder / "report.html", page.encode())


def _page(content: Mapping[str, Any], index: str, texts: str) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    # Our own SVG is markup; its texts were escaped when it was drawn.
    environment.filters["drawn"] = Markup
    parts = "\n".join(map(asset, SCRIPTS))
    script = f'"use strict";\n(() => {{\n{parts}}})();\n'
    return environment.from_string(asset("page.html.jinja")).render(
        **content,
        css=Markup(asset("page.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        index=Markup(index),
        texts=Markup(texts),
    )


def asset(name: str) -> str:
    """Return a file of this room: style, script or template."""
    return files("overproof.report").joinpath(name).read_text(encoding="utf-8")
