"""The report: one self-contained HTML file, and results.json beside it.

    write_report(folder, "demo", recipe_yaml, manifest, problems, variants, samples, outcomes,
                 scores, timings, notes)

Covered: nothing is fetched (a content security policy forbids it); the only script that may run
is the page's own, allowed by its hash; text from models is escaped or shown with textContent.
Not covered: a reader who copies a shown program and runs it.
"""

import base64
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from overproof.records import EXCLUDED, Outcome, Problem, Sample, Score, Timing, Variant
from overproof.report import arms, forests, languages, overlaps, pictures, sentences, training
from overproof.report.facts import AGGREGATES, Model, ScoreIndex, label_of, summary_rows, visible
from overproof.report.samples import browser_json
from overproof.report.tables import (
    TextTable,
    compact,
    detail_table,
    difference_table,
    operator_table,
    side_table,
    speed_table,
    word_columns,
)
from overproof.store import write_atomically


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
) -> Path:
    """Write report.html and results.json into the folder; return the path of the report.

    `manifest["models"]` lists the models in the order of the tables: name, label, size_bytes,
    sha256, engine, precision; `manifest["command"]`, if there, is what reproduces the run. The
    rest of the manifest is shown as it is. `notes` maps a heading to a list of rows (drawn as a
    curve too if the rows have a `step`), a mapping, or a paragraph. Two headings are known: `Arms`
    (see arms.py) is the training behind the ablation, `Decontamination` (see overlaps.py) what was
    removed from the pairs.

    Raises: StorageError if the folder cannot be written to; DataError for `Arms` of another form.
    """
    notes = msgspec.to_builtins(dict(notes))
    results = {
        "title": title,
        "manifest": manifest,
        "scores": msgspec.to_builtins(list(scores)),
        "notes": notes,
    }
    content = json.dumps(_finite(results), indent=2, allow_nan=False)
    write_atomically(folder / "results.json", content.encode() + b"\n")
    page = _render(
        title,
        recipe_yaml,
        manifest,
        ScoreIndex(scores),
        notes,
        browser=browser_json(variants, samples, outcomes, manifest["models"]),
        small_print=_small_print(manifest, problems, variants, samples, outcomes, scores, timings),
    )
    return write_atomically(folder / "report.html", page.encode())


def _render(
    title: str,
    recipe_yaml: str,
    manifest: Mapping[str, Any],
    index: ScoreIndex,
    notes: Mapping[str, Any],
    *,
    browser: str,
    small_print: Sequence[str],
) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    models = manifest["models"]
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    script = _asset("browser.js")
    rest = {key: value for key, value in manifest.items() if key != "models"}
    summary = summary_rows(index, models)
    return environment.from_string(_asset("page.html.jinja")).render(
        title=title,
        css=Markup(_asset("page.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        browser=Markup(browser),
        headline=sentences.headline(index, models),
        pooled=sentences.pooled_sentence(index, models),
        summary=summary,
        mixed=len({row.build for row in summary}) > 1,
        models=[{**model, "label": label_of(model)} for model in models],
        slots=pictures.slots(models),
        shapes=pictures.SHAPES,
        quality=_safe(pictures.quality_against_latency(index, models)),
        ablation=_ablation(index, models, notes),
        languages=_languages(index, models),
        forest=_safe(forests.forest(index, models)),
        operators=operator_table(index, models),
        details=compact(detail_table(index, models), (2, 3, 4)),
        **_differences(index, models),
        speed=speed_table(index, models),
        notes=[_note(name, content) for name, content in notes.items() if name != arms.ARMS],
        recipe=recipe_yaml,
        command=manifest.get("command", "overproof run recipe.yaml"),
        manifest=json.dumps(_finite(rest), indent=2, ensure_ascii=False, default=str),
        warnings=[
            *sentences.missing_warnings(index, models),
            *sentences.coverage_warnings(index, models),
            *sentences.length_warnings(index, models),
        ],
        small_print=small_print,
    )


def _differences(index: ScoreIndex, models: Sequence[Model]) -> dict[str, TextTable | None]:
    """Return the table of differences; of many pairs a short one, unless the arms' has it."""
    full = difference_table(index, models)
    if len(index.pairs()) < sentences.MANY:
        return {"differences": full if full.rows else None, "all_differences": None}
    compared = arms.is_ablation(index, models)
    short = None if compared else difference_table(index, models, brief=True)
    return {"differences": short, "all_differences": full}


def _ablation(
    index: ScoreIndex, models: Sequence[Model], notes: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the section on arms: tables, pictures and words; None for a run without arms."""
    trained = arms.read_arms(notes)
    compared = arms.is_ablation(index, models)
    if not trained and not compared:
        return None
    curves = [
        {"name": visible(arm.arm), "picture": _safe(training.training_curve(arm, number))}
        for number, arm in enumerate(trained)
    ]
    return {
        "seen": arms.seen_sentence(index, trained, models),
        "picture": _safe(training.arm_differences(index, models)) if compared else None,
        "levels": arms.level_table(index, models) if compared else None,
        "steps": arms.step_table(index, models) if compared else None,
        "changes": arms.changes_table(trained, models) if trained else None,
        "heldout": arms.heldout_table(trained, models),
        "curves": [curve for curve in curves if curve["picture"]],
    }


def _languages(index: ScoreIndex, models: Sequence[Model]) -> dict[str, Any] | None:
    """Return the section on languages and suites; None for a run of one suite in Python."""
    rows = languages.part_rows(index)
    if not rows:
        return None
    named = [(row.part, row.label) for row in rows]
    robust = languages.language_table(index, models, "robust_pass@1")
    drops = [(label_of(model), languages.drop_table(index, model)) for model in models]
    return {
        "what": "language" if languages.by_language(index) else "suite",
        "several": len(rows) > 1,
        "picture": _safe(forests.languages(index, models, named)) if len(rows) > 1 else None,
        "spread": len(models) <= forests.MANY,
        "nominal": languages.language_table(index, models, "pass@1"),
        "left_out": languages.left_out_table(index, models),
        "robust": robust if index.places() else None,
        "drops": [{"name": name, "table": table} for name, table in drops if table.rows],
    }


def _note(name: str, content: Any) -> dict[str, Any]:
    """Return a side table's parts: heading, picture, tables and text, each of them optional."""
    if name == overlaps.NOTE and isinstance(content, Mapping):
        counts, listed = overlaps.overlap_tables(content)
        found = {
            "Removed by suite and rule.": counts,
            "What the pairs were compared with, and what they are.": side_table(
                overlaps.other_rows(content)
            ),
            "Pairs that were removed.": listed,
        }
        tables = [_side(table, caption) for caption, table in found.items() if table]
        text = overlaps.overlap_sentence(content)
        return {"name": name, "picture": None, "tables": tables, "text": text}
    table = side_table(content)
    picture = pictures.curve(name, content if isinstance(content, list) else [])
    text = content if isinstance(content, str) else "" if table else "nothing recorded"
    tables = [_side(table, name, folded=picture is not None)] if table else []
    return {"name": name, "picture": _safe(picture), "tables": tables, "text": text}


def _side(table: TextTable, caption: str, folded: bool = False) -> dict[str, Any]:
    return {
        "content": table,
        "caption": caption,
        "words": word_columns(table),
        "folded": folded or len(table.rows) > 12,
    }


def _small_print(
    manifest: Mapping[str, Any],
    problems: Sequence[Problem],
    variants: Sequence[Variant],
    samples: Sequence[Sample],
    outcomes: Sequence[Outcome],
    scores: Sequence[Score],
    timings: Sequence[Timing],
) -> list[str]:
    """Return what a careful reader asks for: counts, exclusions, engines."""
    suites = Counter(f"{problem.suite} ({problem.language})" for problem in problems)
    tasks = ", ".join(f"{count} tasks of {name}" for name, count in suites.items())
    verdicts = Counter(outcome.status for outcome in outcomes)
    excluded = sum(verdicts[status] for status in EXCLUDED)
    lines = [
        f"{tasks or 'No task'}; {len(variants):,} prompts, {len(samples):,} samples",
        f"{excluded:,} of {len(outcomes):,} executions failed on our side ({' or '.join(EXCLUDED)})"
        " and are left out, not counted as wrong",
    ]
    seeds = [
        score.counts.get("variants_per_task", 0)
        for score in scores
        if score.metric == "robust_pass@1"
        and score.operator not in AGGREGATES
        and not score.against
    ]
    if seeds:
        lines.append(
            f"s = {max(seeds)} prompts per task for every random operator, null included; "
            "1 for the others"
        )
    measured = sum(not timing.warmup for timing in timings)
    if measured:
        lines.append(f"{measured:,} timed answers, warm-up dropped, models in random order")
    lines.append(_engines(manifest["models"]))
    return lines


def _engines(models: Iterable[Mapping[str, Any]]) -> str:
    builds = Counter(
        "a server, at a precision that is not known here"
        if model.get("engine") == "server"
        else f"{model.get('engine') or 'unknown engine'} at {model.get('precision') or 'unknown'}"
        for model in models
    )
    if len(builds) == 1:
        return f"All models ran in {next(iter(builds))}"
    return f"The models ran in different engines or precisions: {'; '.join(sorted(builds))}"


def _safe(figure: pictures.Figure | None) -> Any:
    """Mark our own SVG as markup; its texts were escaped when it was drawn."""
    from markupsafe import Markup

    if figure is None:
        return None
    return {**figure, "wide": Markup(figure["wide"]), "narrow": Markup(figure["narrow"])}


def _asset(name: str) -> str:
    return files("overproof.report").joinpath(name).read_text(encoding="utf-8")


def _finite(value: Any) -> Any:
    """Replace NaN and infinities by None: they are not JSON."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
